/*
 * Kicking: what one processor asks of a vCPU that runs on another takes effect within a bounded
 * time, whatever the guest does and at whatever moment the request comes.
 */
#include "vm/control.h"
#include "vm/ipi.h"
#include "vm/post.h"
#include "vm/run.h"
#include "vm/sched.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"

enum {
	SUBJECT = 1,
	SLICES_A_SECOND = 100, /* the longer the slice, the more a lost kick costs */
	SLICE_MIN = 200000,    /* ticks */
	SLOW_OF_100 = 1,
	USUAL = 8, /* where kicks take long by themselves, so many times as long is slow */
};

struct times {
	uint64_t slow_from; /* half of a slice: a kick that is lost is made good by its end */
	uint64_t shortest;
	unsigned slow, count;
};

/* A request, and whether it has been carried out. */
typedef bool request_fn(struct fixture *fixture);

/* System-management interrupts so far: SDM vol. 4, MSR_SMI_COUNT; 0 where there is no such MSR. */
static uint64_t smis(void)
{
	uint64_t count;

	return rdmsr_try(MSR_SMI_COUNT, &count) == STATUS_OK ? count : 0;
}

static void timed(struct fixture *fixture, request_fn *request, struct times *times)
{
	uint64_t smis_before = smis(), start = platform->clock(), ticks;
	bool done = request(fixture);

	ticks = platform->clock() - start;
	if (done && smis() != smis_before)
		return; /* the firmware's time, not the kick's */
	if (times->count++ == 0 || ticks < times->shortest)
		times->shortest = ticks;
	times->slow += !done || ticks > times->slow_from + USUAL * times->shortest;
}

/* A different moment of the receiver's loop each time: up to twice what a kick takes. */
static void wait_a_while(uint32_t *random, const struct times *times)
{
	uint64_t start = platform->clock(), ticks;

	*random = *random * 1664525 + 1013904223; /* "Numerical Recipes" */
	ticks = ((uint64_t)*random * (2 * times->shortest + 1)) >> 32;
	while (platform->clock() - start < ticks)
		cpu_relax();
}

/* With one processor there is nobody to kick: a request waits for the end of the slice. */
static bool alone(void)
{
	return cpus_in_use() == 1;
}

static void expect_times(struct test_run *run, const struct times *times)
{
	if (alone())
		expect(run, "requests were carried out", true, times->count > 0);
	else
		expect(run, "requests that took half of a time slice, but a few", true,
		       times->slow <= 1 + times->count * SLOW_OF_100 / 100);
}

static bool pause_it(struct fixture *fixture)
{
	return require(fixture->run, "pause", vcpu_pause(fixture->vm->vcpus[SUBJECT]));
}

static bool has_counted(struct fixture *fixture, uint64_t before)
{
	return fixture->slot[SUBJECT].counter != (uint32_t)before;
}

static bool begin(struct fixture *fixture, struct times *times)
{
	uint64_t slice = platform->clock_hz / SLICES_A_SECOND;

	fixture->vm->slice = slice > SLICE_MIN ? slice : SLICE_MIN;
	*times = (struct times){ .slow_from = fixture->vm->slice / 2 };
	return require(fixture->run, "start",
		       vm_start_ap(fixture->vm, SUBJECT, GUEST_SIPI_PAGE >> 12)) &&
	       fixture_wait(fixture, "the guest counts", has_counted, 0);
}

/* Pause stops it at once, resume lets it count on. */
static void pauses(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	unsigned rounds = alone() ? 5 : 30;
	struct times times;
	uint32_t random = 1;

	if (begin(fixture, &times)) {
		for (unsigned i = 0; i < rounds && !run->erred; i++) {
			uint32_t counter;

			timed(fixture, pause_it, &times);
			counter = fixture->slot[SUBJECT].counter;
			wait_a_while(&random, &times);
			expect(run, "the counter while paused", counter,
			       fixture->slot[SUBJECT].counter);
			require(run, "resume", vcpu_resume(fixture->vm->vcpus[SUBJECT]));
			if (!fixture_wait(fixture, "the guest counts on", has_counted, counter))
				break;
			wait_a_while(&random, &times);
		}
		expect_times(run, &times);
	}
}

/* Pause after pause, soon after the resume: none is lost. */
static void pauses_in_a_row(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	unsigned rounds = alone() ? 5 : 200;
	struct times times;
	uint32_t random = 2;

	if (begin(fixture, &times)) {
		for (unsigned i = 0; i < rounds && !run->erred; i++) {
			timed(fixture, pause_it, &times);
			require(run, "resume", vcpu_resume(fixture->vm->vcpus[SUBJECT]));
			wait_a_while(&random, &times);
		}
		expect_times(run, &times);
	}
}

static bool has_received(struct fixture *fixture, uint64_t messages)
{
	return atomic_load(&fixture->vm->vcpus[SUBJECT]->counts.received) >= messages;
}

/* Its APIC is not enabled: it takes the message, drops the interrupt and goes on. */
static bool send_and_wait(struct fixture *fixture)
{
	const struct ipi ipi = { .destination = SUBJECT, .vector = 0x40, .assert = true };
	uint64_t before = atomic_load(&fixture->vm->outside);

	return require(fixture->run, "IPI", ipi_send(fixture->vm, &ipi)) &&
	       fixture_wait(fixture, "the message is taken", has_received, before + 1);
}

/* Keeps the receiver busy for about as long as the sender needs between two messages. */
static void burn(struct vcpu *vcpu, void *argument)
{
	uint64_t start = platform->clock();

	(void)vcpu;
	(void)argument;
	while (platform->clock() - start < 400)
		cpu_relax();
}

/*
 * The message comes while the receiver has something else to do: before it looks for more, between
 * that look and the VM entry, and after the entry.
 */
static void overtaken(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	unsigned rounds = alone() ? 5 : 200;
	struct times times;
	uint32_t random = 3;

	if (begin(fixture, &times)) {
		struct vcpu *vcpu = fixture->vm->vcpus[SUBJECT];

		vcpu->control.call = burn;
		for (unsigned i = 0; i < rounds && !run->failures; i++) {
			vcpu_post(&platform->cpus[0], vcpu,
				  (struct message){ .kind = MESSAGE_CALL });
			wait_a_while(&random, &times);
			timed(fixture, send_and_wait, &times);
		}
		expect_times(run, &times);
		fixture_expect_counts(fixture);
	}
}

#define ROW "vCPU: operations"

static const struct test rows[] = {
	{ "kick.pause", SPEC_NMI_EXITING, fixture_run, .body = pauses,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_spin), .needs = NEEDS_GUEST, .row = ROW },
	{ "kick.pause.blind", SPEC_NMI_EXITING, fixture_run, .body = pauses,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_blind), .needs = NEEDS_GUEST, .row = ROW },
	{ "kick.lost_wake_up.pause", SPEC_PREEMPTION_TIMER, fixture_run, .body = pauses_in_a_row,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_blind), .needs = NEEDS_GUEST,
	  .milliseconds = 10000, .row = ROW },
	{ "kick.lost_wake_up.message", SPEC_PREEMPTION_TIMER, fixture_run, .body = overtaken,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_blind), .needs = NEEDS_GUEST,
	  .milliseconds = 10000, .row = "vCPU: pending IPIs" },
};

TEST_GROUP(kick, rows);
