/*
 * Storms: all processors send random IPIs at once. Afterwards what was sent equals what was
 * delivered, coalesced and dropped, and what the guest's handlers have counted equals what was
 * delivered: nothing is lost, nothing comes twice.
 */
#include "tests/smp/storm.h"

#include "lib/text.h"
#include "vm/control.h"
#include "vm/cpu.h"

#include "tests/lib/lab.h"
#include "tests/lib/list.h"

struct storm {
	bool x2apic, decode;
	unsigned vcpus;
	uint32_t shots; /* of each */
	uint32_t vector;
};

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

static bool all_count(struct lab *lab, uint64_t value)
{
	for (unsigned i = 0; i < lab->vcpus; i++)
		if (lab->slot[i].counter != value)
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

/* All is sent, and nothing is under way any more. */
static bool calm(struct lab *lab, uint64_t argument)
{
	(void)argument;
	if (!all_count(lab, 2))
		return false;
	for (unsigned i = 0; i < lab->vcpus; i++)
		if (!idle(lab->vm->vcpus[i]))
			return false;
	return true;
}

static void expect_counts(struct lab *lab, const struct tally *before)
{
	struct test_run *run = lab->run;

	for (unsigned i = 0; i < lab->vcpus; i++) {
		struct tally now = tally_of(lab->vm->vcpus[i]);
		uint64_t handled = lab->slot[i].interrupts, nmis = lab->slot[i].nmis;

		expect(run, "messages by the guest's own count", lab->slot[i].value[0],
		       now.sent - before[i].sent, NULL);
		expect(run, "interrupts that the guest handled of those it was given",
		       now.interrupts - before[i].interrupts, handled, NULL);
		expect(run, "NMIs that the guest handled of those it was given",
		       now.nmis - before[i].nmis, nmis, NULL);
		expect(run, "IPIs that the guest handled of those delivered",
		       now.delivered - before[i].delivered, handled + nmis, NULL);
		expect(run, "IPIs dropped while every APIC is enabled", before[i].dropped,
		       now.dropped, NULL);
		expect(run, "ICR reads that differ", 0, lab->slot[i].value[1], NULL);
		expect(run, "exceptions", 0, lab->slot[i].exceptions, NULL);
	}
	lab_expect_counts(lab);
}

static bool start_aps(struct lab *lab)
{
	for (unsigned i = 1; i < lab->vcpus; i++)
		if (!require(lab->run, "starting an AP", vm_start_ap(lab->vm, i, 1)))
			return false;
	return true;
}

/* Returns the ticks that it took; *sent: messages. */
static uint64_t rage(struct test_run *run, const struct storm *storm, uint64_t *sent)
{
	const struct lab_config config = { .vcpus = storm->vcpus,
					   .x2apic = storm->x2apic,
					   .decode_apic = storm->decode,
					   .bsp = GUEST_storm,
					   .ap = GUEST_storm };
	struct tally before[8];
	uint64_t start, ticks = 0;
	struct lab lab;
	char what[TEST_TEXT];

	*sent = 0;
	if (!lab_open(&lab, run, &config))
		return 0;
	lab.shared->argument[0] = run->test->argument ^ test_seed;
	lab.shared->argument[1] = storm->shots;
	lab.shared->argument[2] = storm->vector;
	text_format(what, sizeof(what), "the storm, with --seed %u", test_seed);
	if (start_aps(&lab) && lab_start(&lab) && lab_wait(&lab, what, all_count, 1)) {
		for (unsigned i = 0; i < lab.vcpus; i++)
			before[i] = tally_of(lab.vm->vcpus[i]);
		start = platform->clock();
		lab.shared->go = 1;
		if (lab_wait(&lab, what, calm, 0)) {
			ticks = platform->clock() - start;
			expect_counts(&lab, before);
			for (unsigned i = 0; i < lab.vcpus; i++)
				*sent += lab.slot[i].value[0];
		}
		lab.shared->end = 1;
	}
	lab_close(&lab);
	return ticks;
}

static void storm_test(struct test_run *run)
{
	const struct storm *storm = run->test->data;
	uint64_t sent;

	rage(run, storm, &sent);
	expect(run, "at least a message a shot was sent", true, sent >= storm->shots * storm->vcpus,
	       NULL);
}

uint64_t storm_million(struct test_run *run)
{
	enum { SHOTS = 160000, MESSAGES = 1000000 };
	const struct storm storm = { .x2apic = true, .vcpus = 4, .shots = SHOTS };
	struct test_run inner = *run;
	struct test test = *run->test;
	uint64_t sent, ticks;

	test.argument = 0x5EED;
	inner.test = &test;
	ticks = rage(&inner, &storm, &sent);
	inner.test = run->test;
	*run = inner;
	expect(run, "a million IPIs", true, sent >= MESSAGES, NULL);
	return sent ? ticks * 1000 / sent : 0;
}

#define BOOKS "SDM vol. 3A, \"Interrupt Acceptance for Fixed Interrupts\""
#define ROW_STORM(name_, seed, ...)                                                                \
	{                                                                                          \
		.name = name_, .sdm = BOOKS, .run = storm_test, .argument = seed,                  \
		.needs = NEEDS_GUEST, .row = "vCPU: pending IPIs", .data = &(const struct storm)   \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

static const struct test rows[] = {
	ROW_STORM("storm.xapic.registers", 0x1BADB002, .vcpus = 4, .shots = 150),
	ROW_STORM("storm.xapic.decoded", 0x2BADB002, .vcpus = 4, .shots = 60, .decode = true),
	ROW_STORM("storm.x2apic", 0x3BADB002, .vcpus = 4, .shots = 150, .x2apic = true),
	ROW_STORM("storm.x2apic.shared", 0x4BADB002, .vcpus = 7, .shots = 50, .x2apic = true),
	ROW_STORM("race.equal_vectors", 0x5BADB002, .vcpus = 4, .shots = 100, .vector = 0x51),
	ROW_STORM("race.equal_vectors.x2apic", 0x6BADB002, .vcpus = 4, .shots = 100, .x2apic = true,
		  .vector = 0x51),
};

TEST_GROUP(storm, rows);
