/*
 * Physical INITs to a processor that executes a guest. An emulator that keeps the INIT pending
 * resets the processor at VMXOFF, and it is gone for the rest of the run: hence by name only.
 */
#include "vm/control.h"
#include "vm/cpu.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"
#include "tests/lib/state.h"

enum { SUBJECT = 1 };

static bool counts(struct fixture *fixture, uint64_t before)
{
	return fixture->slot[SUBJECT].counter != (uint32_t)before;
}

static bool has_exited(struct fixture *fixture, uint64_t ignored)
{
	(void)ignored;
	return atomic_load(&fixture->vm->vcpus[SUBJECT]->counts.hardware_inits);
}

/* The state before, and what the exit saved: "such exits do not modify register state". */
struct saved {
	struct regs before, regs;
	uint64_t qualification;
	unsigned exits;
};

static void look(struct vcpu *vcpu, void *saved)
{
	struct regs *before = &((struct saved *)saved)->before;

	*before = vcpu->regs;
	backend->state_get(vcpu, before);
}

static bool save(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	struct saved *saved = argument;

	if (vcpu->id == SUBJECT && exit->kind == EXIT_INIT && saved->exits++ == 0) {
		saved->regs = vcpu->regs;
		backend->state_get(vcpu, &saved->regs);
		saved->qualification = exit->raw_qualification;
	}
	return false;
}

static void expect_one_init(struct fixture *fixture, struct saved *saved)
{
	struct test_run *run = fixture->run;
	const struct vcpu *vcpu = fixture->vm->vcpus[SUBJECT];

	/* What the guest counts with. */
	for (unsigned i = 0; i < GPRS; i++)
		if (i != RSP)
			saved->before.gpr[i] = saved->regs.gpr[i];
	regs_expect_equal(run, "saved by the exit", &saved->before, &saved->regs, true);
	expect_bits(run, "activity saved by the exit", ACTIVITY_ACTIVE, saved->regs.activity);
	if (!backend->cites_amd)
		expect_bits(run, "the whole exit qualification", 0, saved->qualification);
	if (fixture_wait_state(fixture, SUBJECT, VCPU_WAIT_SIPI) &&
	    require(run, "start", vm_start_ap(fixture->vm, SUBJECT, GUEST_SIPI_PAGE >> 12)) &&
	    fixture_wait(fixture, "the guest counts again", counts,
			 fixture->slot[SUBJECT].counter)) {
		expect(run, "starts", 2, fixture->slot[SUBJECT].entered);
		expect(run, "exits by the INIT", 1, atomic_load(&vcpu->counts.hardware_inits));
	}
}

static void init_running(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct saved saved = { .exits = 0 };

	fixture->vm->on_exit_argument = &saved;
	fixture->vm->on_exit = save;
	if (require(run, "start", vm_start_ap(fixture->vm, SUBJECT, GUEST_SIPI_PAGE >> 12)) &&
	    fixture_wait(fixture, "the guest counts", counts, 0) &&
	    require(run, "a call", vcpu_call(fixture->vm->vcpus[SUBJECT], look, &saved)) &&
	    fixture_wait(fixture, "the guest counts on", counts, fixture->slot[SUBJECT].counter)) {
		platform->ipi(atomic_load(&fixture->vm->vcpus[SUBJECT]->cpu), IPI_INIT);
		if (fixture_wait(fixture, "the exit by INIT", has_exited, 0))
			expect_one_init(fixture, &saved);
	}
}

static const struct test rows[] = {
	{ "hardware.init.running", SPEC_EXIT_INIT, fixture_run, .body = init_running,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_blind), .needs = NEEDS_GUEST, .cpus = 2,
	  .by_name = true, .row = "waiting: by the hardware",
	  EXPLAINS("A physical INIT to a processor in a guest causes one exit, keeps the guest's "
		   "state, and is gone afterwards.",
		   "INIT signals in VMX non-root operation are not handled as described; the "
		   "processor may be reset or hang at VMXOFF.") },
};

TEST_GROUP(hardware, rows);
