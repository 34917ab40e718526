#include "tests/lib/storm.h"

#include "lib/text.h"
#include "vm/control.h"
#include "vm/cpu.h"

/* Counts of a vCPU since its program was ready: starting it was IPIs too. */
struct tally {
	uint64_t sent, delivered, dropped, interrupts, nmis;
};

static struct tally tally_of(const struct vcpu *vcpu)
{
	const struct vcpu_counts *counts = &vcpu->counts;

	return (struct tally){ counts->sent, counts->delivered, counts->dropped, counts->interrupts,
			       counts->nmis };
}

static bool all_count(struct fixture *fixture, uint64_t value)
{
	for (unsigned i = 0; i < fixture->vcpus; i++)
		if (fixture->slot[i].counter != value)
			return false;
	return true;
}

static bool idle(const struct vcpu *vcpu)
{
	uint32_t pending = vcpu->nmis;

	for (uint32_t i = 0; i < 8; i++)
		pending |= apic_get(&vcpu->apic, APIC_IRR + i * 0x10) |
			   apic_get(&vcpu->apic, APIC_ISR + i * 0x10);
	return !pending && !mailbox_waiting(&vcpu->mailbox);
}

/* What keeps it from being calm. */
static void note_pending(struct fixture *fixture)
{
	for (unsigned i = 0; i < fixture->vcpus; i++) {
		const struct vcpu *vcpu = fixture->vm->vcpus[i];

		if (vcpu->nmis)
			test_note(fixture->run, "vCPU %u: an NMI waits", i);
		for (unsigned j = 0; j < 8; j++) {
			uint32_t irr = apic_get(&vcpu->apic, APIC_IRR + j * 0x10);
			uint32_t isr = apic_get(&vcpu->apic, APIC_ISR + j * 0x10);

			if (irr | isr)
				test_note(fixture->run, "vCPU %u: vectors %XH on: IRR %XH, ISR %XH",
					  i, 32 * j, irr, isr);
		}
	}
}

/* All is sent, and nothing is under way any more. */
static bool calm(struct fixture *fixture, uint64_t argument)
{
	(void)argument;
	if (!all_count(fixture, 2))
		return false;
	for (unsigned i = 0; i < fixture->vcpus; i++)
		if (!idle(fixture->vm->vcpus[i]))
			return false;
	return true;
}

struct count_wait {
	struct fixture *fixture;
	const struct tally *before;
};

static bool handled_all(void *argument)
{
	const struct count_wait *wait = argument;

	for (unsigned i = 0; i < wait->fixture->vcpus; i++) {
		struct tally now = tally_of(wait->fixture->vm->vcpus[i]);
		const volatile struct guest_slot *slot = &wait->fixture->slot[i];

		if (slot->interrupts != now.interrupts - wait->before[i].interrupts ||
		    slot->nmis != now.nmis - wait->before[i].nmis ||
		    slot->interrupts + slot->nmis != now.delivered - wait->before[i].delivered)
			return false;
	}
	return true;
}

/*
 * Nothing waits any more, but the last IPI may be between the mailbox and the IRR, and what a guest
 * was given last it may not have handled yet: an NMI is in no register, and a vector leaves the IRR
 * before it is in the ISR. What the guests lack after this is lost.
 */
static void wait_handled(struct fixture *fixture, const struct tally *before)
{
	enum { WAITS_A_SECOND = 10 };
	struct count_wait wait = { fixture, before };

	if (fixture_wait_arrived(fixture))
		(void)vm_wait(fixture->vm, handled_all, &wait, platform->clock_hz / WAITS_A_SECOND);
}

static void expect_counts(struct fixture *fixture, const struct tally *before)
{
	struct test_run *run = fixture->run;

	for (unsigned i = 0; i < fixture->vcpus; i++) {
		struct tally now = tally_of(fixture->vm->vcpus[i]);
		uint64_t handled = fixture->slot[i].interrupts, nmis = fixture->slot[i].nmis;

		expect(run, "messages by the guest's own count", fixture->slot[i].value[0],
		       now.sent - before[i].sent);
		expect(run, "interrupts that the guest handled of those it was given",
		       now.interrupts - before[i].interrupts, handled);
		expect(run, "NMIs that the guest handled of those it was given",
		       now.nmis - before[i].nmis, nmis);
		expect(run, "IPIs that the guest handled of those delivered",
		       now.delivered - before[i].delivered, handled + nmis);
		expect(run, "IPIs dropped while every APIC is enabled", before[i].dropped,
		       now.dropped);
		expect(run, "ICR reads that differ", 0, fixture->slot[i].value[1]);
		expect(run, "exceptions", 0, fixture->slot[i].exceptions);
	}
	fixture_expect_counts(fixture);
}

static bool start_aps(struct fixture *fixture)
{
	for (unsigned i = 1; i < fixture->vcpus; i++)
		if (!require(fixture->run, "starting an AP", vm_start_ap(fixture->vm, i, 1)))
			return false;
	return true;
}

uint64_t storm_rage(struct fixture *fixture, const struct storm *storm, uint64_t *sent)
{
	struct tally before[STORM_VCPUS_MAX];
	uint64_t start, ticks = 0;
	char what[TEST_TEXT];

	*sent = 0;
	fixture->shared->argument[0] = storm->seed ^ test_seed;
	fixture->shared->argument[1] = storm->shots;
	fixture->shared->argument[2] = storm->vector;
	text_format(what, sizeof(what), "the storm, with --seed %u", test_seed);
	if (!start_aps(fixture) || !fixture_start(fixture) ||
	    !fixture_wait(fixture, what, all_count, 1))
		return 0;
	for (unsigned i = 0; i < fixture->vcpus; i++)
		before[i] = tally_of(fixture->vm->vcpus[i]);
	start = platform->clock();
	fixture->shared->go = 1;
	if (fixture_wait(fixture, what, calm, 0)) {
		ticks = platform->clock() - start;
		wait_handled(fixture, before);
		expect_counts(fixture, before);
		for (unsigned i = 0; i < fixture->vcpus; i++)
			*sent += fixture->slot[i].value[0];
	} else {
		note_pending(fixture);
	}
	fixture->shared->end = 1;
	return ticks;
}
