/*
 * Kicking: what one processor asks of a vCPU that runs on another takes effect within a bounded
 * time, whatever the guest does and at whatever moment the request comes.
 */
#include "lab.h"
#include "list.h"
#include "sched.h"

#define NMI_EXIT_SDM "SDM vol. 3C, \"Pin-Based VM-Execution Controls\": NMI exiting"

enum {
	SUBJECT = 1,
	/* A kick that is lost is made good by the end of the time slice; this is well beyond. */
	BOUND_TICKS = 2 * SLICE_TICKS,
	/* Longer than any kick takes, shorter than most of the rest of a slice. */
	SLOW_TICKS = SLICE_TICKS / 4,
	SLOW_OF_100 = 2,
};

struct times {
	uint64_t longest;
	unsigned slow, count;
};

/* A request, and whether it has been carried out. */
typedef bool request_fn(struct lab *lab);

static void timed(struct lab *lab, request_fn *request, struct times *times)
{
	uint64_t start = platform->clock(), ticks;
	bool done = request(lab);

	ticks = platform->clock() - start;
	times->count++;
	times->slow += !done || ticks > SLOW_TICKS;
	if (ticks > times->longest)
		times->longest = ticks;
}

/* A different moment of the receiver's loop each time. */
static void wait_a_while(uint32_t *random)
{
	uint64_t start = platform->clock();

	*random = *random * 1664525 + 1013904223; /* "Numerical Recipes" */
	while (platform->clock() - start < *random >> 22)
		cpu_relax();
}

/* With one processor there is nobody to kick: a request waits for the end of the slice. */
static bool alone(void)
{
	return platform->cpu_count == 1;
}

static void expect_times(struct test_run *run, const struct times *times)
{
	expect(run, "within the bound of two time slices", true, times->longest < BOUND_TICKS,
	       NULL);
	if (alone())
		return;
	expect(run, "all but a few far faster", true,
	       times->slow * 100 <= times->count * SLOW_OF_100, NULL);
}

static bool pause_it(struct lab *lab)
{
	return require(lab->run, "pause", vcpu_pause(lab->vm->vcpus[SUBJECT]));
}

static void nothing(struct vcpu *vcpu, void *argument)
{
	(void)vcpu;
	++*(unsigned *)argument;
}

static bool call_it(struct lab *lab)
{
	unsigned calls = 0;

	return require(lab->run, "call", vcpu_call(lab->vm->vcpus[SUBJECT], nothing, &calls)) &&
	       expect(lab->run, "calls executed", 1, calls, NULL);
}

static bool has_counted(struct lab *lab, uint64_t before)
{
	return lab->slot[SUBJECT].counter != (uint32_t)before;
}

static bool open_lab(struct lab *lab, struct test_run *run)
{
	if (!lab_open(lab, run,
		      &(struct lab_config){ .vcpus = 2,
					    .ap = (enum guest_program)run->test->argument }))
		return false;
	return require(run, "start", vm_start_ap(lab->vm, SUBJECT, GUEST_SIPI_PAGE >> 12)) &&
	       lab_wait(lab, "the guest counts", has_counted, 0);
}

/* Pause stops it at once, resume lets it count on. */
static void pauses(struct test_run *run)
{
	unsigned rounds = alone() ? 5 : 30;
	struct times times = { 0 };
	uint32_t random = 1;
	struct lab lab;

	if (open_lab(&lab, run)) {
		for (unsigned i = 0; i < rounds && !run->erred; i++) {
			uint32_t counter;

			timed(&lab, pause_it, &times);
			counter = lab.slot[SUBJECT].counter;
			wait_a_while(&random);
			expect(run, "the counter while paused", counter, lab.slot[SUBJECT].counter,
			       NULL);
			require(run, "resume", vcpu_resume(lab.vm->vcpus[SUBJECT]));
			if (!lab_wait(&lab, "the guest counts on", has_counted, counter))
				break;
			wait_a_while(&random);
		}
		expect_times(run, &times);
	}
	if (lab.vm)
		lab_close(&lab);
}

/* Request after request at all phases of the receiver's loop: none is lost. */
static void requests(struct test_run *run)
{
	unsigned rounds = alone() ? 5 : 1000;
	request_fn *request = run->test->data ? pause_it : call_it;
	struct times times = { 0 };
	uint32_t random = 2;
	struct lab lab;

	if (open_lab(&lab, run)) {
		for (unsigned i = 0; i < rounds && !run->erred; i++) {
			timed(&lab, request, &times);
			if (request == pause_it)
				require(run, "resume", vcpu_resume(lab.vm->vcpus[SUBJECT]));
			wait_a_while(&random);
		}
		expect_times(run, &times);
	}
	if (lab.vm)
		lab_close(&lab);
}

#define ROW "vCPU: operations"

static const struct test rows[] = {
	{ "kick.pause", NMI_EXIT_SDM, pauses, .needs = NEEDS_GUEST, .argument = GUEST_spin,
	  .row = ROW },
	{ "kick.pause.blind", NMI_EXIT_SDM, pauses, .needs = NEEDS_GUEST, .argument = GUEST_blind,
	  .row = ROW },
	{ "kick.lost_wake_up.pause", "SDM vol. 3C, \"VMX-Preemption Timer\"", requests,
	  .needs = NEEDS_GUEST, .milliseconds = 10000, .argument = GUEST_blind, .data = "",
	  .row = ROW },
	{ "kick.lost_wake_up.call", "SDM vol. 3C, \"VMX-Preemption Timer\"", requests,
	  .needs = NEEDS_GUEST, .milliseconds = 10000, .argument = GUEST_blind, .row = ROW },
};

TEST_GROUP(kick, rows);
