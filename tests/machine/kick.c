/*
 * Kicking: what one processor asks of a vCPU that runs on another takes effect within a bounded
 * time, whatever the guest does and at whatever moment the request comes.
 */
#include "vm/control.h"
#include "vm/ipi.h"
#include "vm/post.h"
#include "vm/run.h"
#include "vm/sched.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"

enum {
	SUBJECT = 1,
	SLICES_A_SECOND = 100, /* the longer the slice, the more a lost kick costs */
	SLICE_MIN = 200000,    /* ticks */
	SLOW_OF_100 = 1,
	USUAL = 8,	  /* where kicks take long by themselves, so many times as long is slow */
	LONGEST_MS = 250, /* with patience */
};

struct times {
	uint64_t slice; /* on the receiver's processor */
	uint64_t shortest, longest;
	unsigned slow, count;
	/* When the receiver left the guest first after the request, 0: not yet. */
	_Atomic uint64_t exit;
};

/* Of the test that runs; its guest may still exit when that has returned. */
static struct times times;

/* A request, and whether it has been carried out. */
typedef bool request_fn(struct fixture *fixture);

/* System-management interrupts so far: SDM vol. 4, MSR_SMI_COUNT; 0 where there is no such MSR. */
static uint64_t smis(void)
{
	uint64_t count;

	return rdmsr_try(MSR_SMI_COUNT, &count) == STATUS_OK ? count : 0;
}

static bool note_exit(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	uint64_t none = 0;

	(void)exit;
	(void)argument;
	if (vcpu->id == SUBJECT)
		atomic_compare_exchange_strong(&times.exit, &none, platform->clock());
	return false;
}

/*
 * The time ends when the receiver leaves the guest, by its own account: where processors take
 * turns, the sender learns of it later. It ends with the request if the receiver was not in the
 * guest.
 */
static void timed(struct fixture *fixture, request_fn *request)
{
	uint64_t smis_before = smis(), start = platform->clock(), end, ticks;
	bool done;

	atomic_store(&times.exit, 0);
	done = request(fixture);
	ticks = platform->clock() - start;
	end = atomic_load(&times.exit);
	if (done && smis() != smis_before)
		return; /* the firmware's time, not the kick's */
	if (end > start && end - start < ticks)
		ticks = end - start;
	if (times.count++ == 0 || ticks < times.shortest)
		times.shortest = ticks;
	/* A kick that is lost is made good by the slice's end. */
	times.slow += !done || ticks > times.slice / 2 + USUAL * times.shortest;
	if (ticks > times.longest)
		times.longest = ticks;
}

/* A different moment of the receiver's loop each time: up to twice what a kick takes. */
static void wait_a_while(uint32_t *random)
{
	uint64_t start = platform->clock(), ticks;

	*random = *random * 1664525 + 1013904223; /* "Numerical Recipes" */
	ticks = ((uint64_t)*random * (2 * times.shortest + 1)) >> 32;
	while (platform->clock() - start < ticks)
		cpu_relax();
}

/* With one processor there is nobody to kick: a request waits for the end of the slice. */
static bool alone(void)
{
	return cpus_in_use() == 1;
}

/* It may take a processor away for as long as it likes: only the bound is judged then. */
static bool hypervisor_below(void)
{
	uint32_t leaf[4];

	backend->cpuid(1, 0, leaf);
	return leaf[2] & CPUID_1_ECX_HYPERVISOR;
}

static void expect_times(struct test_run *run)
{
	uint64_t bound = platform->clock_hz / 1000 * with_patience(LONGEST_MS);

	if (bound < 2 * times.slice)
		bound = 2 * times.slice;
	if (hypervisor_below())
		expect(run, "the longest request was carried out in time", true,
		       times.longest < bound + USUAL * times.shortest);
	else if (alone())
		expect(run, "requests were carried out", true, times.count > 0);
	else
		expect(run, "requests that took half of a time slice, but a few", true,
		       times.slow <= 1 + times.count * SLOW_OF_100 / 100);
}

static bool pause_it(struct fixture *fixture)
{
	return require(fixture->run, "pause", vcpu_pause(fixture->vm->vcpus[SUBJECT]));
}

static bool has_counted(struct fixture *fixture, uint64_t before)
{
	return fixture->slot[SUBJECT].counter != (uint32_t)before;
}

static bool begin(struct fixture *fixture)
{
	uint64_t slice = platform->clock_hz / SLICES_A_SECOND;

	fixture->vm->slice = slice > SLICE_MIN ? slice : SLICE_MIN;
	times = (struct times){ 0 };
	if (!require(fixture->run, "start",
		     vm_start_ap(fixture->vm, SUBJECT, GUEST_SIPI_PAGE >> 12)) ||
	    !fixture_wait(fixture, "the guest counts", has_counted, 0))
		return false;
	times.slice = vcpu_slice_ticks(atomic_load(&fixture->vm->vcpus[SUBJECT]->cpu), fixture->vm);
	fixture->vm->on_exit = note_exit;
	return true;
}

/* Pause stops it at once, resume lets it count on. */
static void pauses(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	unsigned rounds = alone() ? 5 : 30;
	uint32_t random = 1;

	if (begin(fixture)) {
		for (unsigned i = 0; i < rounds && !run->erred; i++) {
			uint32_t counter;

			timed(fixture, pause_it);
			counter = fixture->slot[SUBJECT].counter;
			wait_a_while(&random);
			expect(run, "the counter while paused", counter,
			       fixture->slot[SUBJECT].counter);
			require(run, "resume", vcpu_resume(fixture->vm->vcpus[SUBJECT]));
			if (!fixture_wait(fixture, "the guest counts on", has_counted, counter))
				break;
			wait_a_while(&random);
		}
		expect_times(run);
	}
}

/* Pause after pause, soon after the resume: none is lost. */
static void pauses_in_a_row(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	unsigned rounds = alone() ? 5 : 200;
	uint32_t random = 2;

	if (begin(fixture)) {
		for (unsigned i = 0; i < rounds && !run->erred; i++) {
			timed(fixture, pause_it);
			require(run, "resume", vcpu_resume(fixture->vm->vcpus[SUBJECT]));
			wait_a_while(&random);
		}
		expect_times(run);
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
	uint32_t random = 3;

	if (begin(fixture)) {
		struct vcpu *vcpu = fixture->vm->vcpus[SUBJECT];

		for (unsigned i = 0; i < rounds && !run->failures; i++) {
			atomic_store(&vcpu->control.call, burn);
			vcpu_post(&platform->cpus[0], vcpu,
				  (struct message){ .kind = MESSAGE_CALL });
			wait_a_while(&random);
			timed(fixture, send_and_wait);
		}
		expect_times(run);
		fixture_expect_counts(fixture);
	}
}

#define ROW "vCPU: operations"

static const struct test rows[] = {
	{ "kick.pause", SPEC_NMI_EXITING, fixture_run, .body = pauses,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_spin), .needs = NEEDS_GUEST, .row = ROW,
	  EXPLAINS("Pausing a vCPU that counts on another processor takes effect within a bounded "
		   "time, every time.",
		   "An NMI does not end the guest at once: requests to a running vCPU take as long "
		   "as its time slice, or get lost.") },
	{ "kick.pause.blind", SPEC_NMI_EXITING, fixture_run, .body = pauses,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_blind), .needs = NEEDS_GUEST, .row = ROW,
	  EXPLAINS("Pausing takes effect in time although the guest runs with interrupts masked "
		   "and never exits by itself.",
		   "NMI exiting or the VMX-preemption timer does not stop a guest that masks "
		   "interrupts: it could hold a processor for ever.") },
	{ "kick.lost_wake_up.pause", SPEC_PREEMPTION_TIMER, fixture_run, .body = pauses_in_a_row,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_blind), .needs = NEEDS_GUEST,
	  .milliseconds = 10000, .row = ROW,
	  EXPLAINS("Pause after pause, soon after each resume: none is lost between the look for "
		   "requests and the VM entry.",
		   "An NMI that comes shortly before or during VM entry is lost: a hypervisor's "
		   "requests then wait for the next exit.") },
	{ "kick.lost_wake_up.message", SPEC_PREEMPTION_TIMER, fixture_run, .body = overtaken,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_blind), .needs = NEEDS_GUEST,
	  .milliseconds = 10000, .row = "vCPU: pending IPIs",
	  EXPLAINS("Messages that arrive at any moment of the receiver's loop are taken soon, also "
		   "right before VM entry.",
		   "An NMI that comes shortly before or during VM entry is lost: interrupts for a "
		   "guest come late.") },
};

TEST_GROUP(kick, rows);
