/*
 * Physical INITs to a processor that executes a guest. An emulator that keeps the INIT pending
 * resets the processor at VMXOFF, and it is gone for the rest of the run: hence by name only.
 */
#include "tests/lib/lab.h"
#include "tests/lib/list.h"
#include "vm/control.h"
#include "vm/cpu.h"

#define INIT_SDM "SDM vol. 3C, \"Other Causes of VM Exits\": INIT signals"

enum { SUBJECT = 1 };

static bool counts(struct lab *lab, uint64_t before)
{
	return lab->slot[SUBJECT].counter != (uint32_t)before;
}

static bool has_exited(struct lab *lab, uint64_t ignored)
{
	(void)ignored;
	return atomic_load(&lab->vm->vcpus[SUBJECT]->counts.hardware_inits);
}

/* The state that the exit saved: "such exits do not modify register state". */
struct saved {
	struct regs regs;
	unsigned exits;
};

static bool save(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	struct saved *saved = argument;

	if (vcpu->id == SUBJECT && exit->kind == EXIT_INIT && saved->exits++ == 0) {
		saved->regs = vcpu->regs;
		backend->state_get(vcpu, &saved->regs);
	}
	return false;
}

static void expect_one_init(struct lab *lab, const struct saved *saved)
{
	struct test_run *run = lab->run;
	const struct vcpu *vcpu = lab->vm->vcpus[SUBJECT];

	expect(run, "CS saved by the exit", 8, saved->regs.segment[CS].selector, NULL);
	expect(run, "CR0.PE saved by the exit", CR0_PE, saved->regs.cr0 & CR0_PE, NULL);
	expect(run, "activity saved by the exit", ACTIVITY_ACTIVE, saved->regs.activity, NULL);
	if (lab_wait_state(lab, SUBJECT, VCPU_WAIT_SIPI) &&
	    require(run, "start", vm_start_ap(lab->vm, SUBJECT, GUEST_SIPI_PAGE >> 12)) &&
	    lab_wait(lab, "the guest counts again", counts, lab->slot[SUBJECT].counter)) {
		expect(run, "starts", 2, lab->slot[SUBJECT].entered, NULL);
		expect(run, "exits by the INIT", 1, atomic_load(&vcpu->counts.hardware_inits),
		       NULL);
	}
}

static void init_running(struct test_run *run)
{
	struct saved saved = { .exits = 0 };
	struct lab lab;

	if (!lab_open(&lab, run, &(struct lab_config){ .vcpus = 2, .ap = GUEST_blind }))
		return;
	lab.vm->on_exit_argument = &saved;
	lab.vm->on_exit = save;
	if (require(run, "start", vm_start_ap(lab.vm, SUBJECT, GUEST_SIPI_PAGE >> 12)) &&
	    lab_wait(&lab, "the guest counts", counts, 0)) {
		platform->ipi(atomic_load(&lab.vm->vcpus[SUBJECT]->cpu), IPI_INIT);
		if (lab_wait(&lab, "the exit by INIT", has_exited, 0))
			expect_one_init(&lab, &saved);
	}
	lab_close(&lab);
}

static const struct test rows[] = {
	{ "hardware.init.running", INIT_SDM, init_running, .needs = NEEDS_GUEST, .cpus = 2,
	  .by_name = true, .row = "waiting: by the hardware" },
};

TEST_GROUP(hardware, rows);
