/*
 * Storms: all processors send random IPIs at once. Afterwards what was sent equals what was
 * delivered, coalesced and dropped, and what the guest's handlers have counted equals what was
 * delivered: nothing is lost, nothing comes twice.
 */
#include "tests/smp/storm.h"

#include "lib/text.h"
#include "vm/control.h"
#include "vm/cpu.h"

#include "tests/lib/fixture.h"
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

/* Returns the ticks that it took; *sent: messages. */
static uint64_t rage(struct test_run *run, const struct storm *storm, uint64_t *sent)
{
	const struct guest_setup config = { .vcpus = storm->vcpus,
					    .x2apic = storm->x2apic,
					    .decode_apic = storm->decode,
					    .bsp = GUEST_storm,
					    .ap = GUEST_storm };
	struct tally before[8];
	uint64_t start, ticks = 0;
	struct fixture fixture;
	char what[TEST_TEXT];

	*sent = 0;
	if (!fixture_open(&fixture, run, &config))
		return 0;
	fixture.shared->argument[0] = run->test->argument ^ test_seed;
	fixture.shared->argument[1] = storm->shots;
	fixture.shared->argument[2] = storm->vector;
	text_format(what, sizeof(what), "the storm, with --seed %u", test_seed);
	if (start_aps(&fixture) && fixture_start(&fixture) &&
	    fixture_wait(&fixture, what, all_count, 1)) {
		for (unsigned i = 0; i < fixture.vcpus; i++)
			before[i] = tally_of(fixture.vm->vcpus[i]);
		start = platform->clock();
		fixture.shared->go = 1;
		if (fixture_wait(&fixture, what, calm, 0)) {
			ticks = platform->clock() - start;
			expect_counts(&fixture, before);
			for (unsigned i = 0; i < fixture.vcpus; i++)
				*sent += fixture.slot[i].value[0];
		}
		fixture.shared->end = 1;
	}
	fixture_close(&fixture);
	return ticks;
}

static void storm_test(struct test_run *run)
{
	const struct storm *storm = run->test->data;
	uint64_t sent;

	rage(run, storm, &sent);
	expect(run, "at least a message a shot was sent", true,
	       sent >= storm->shots * storm->vcpus);
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
	expect(run, "a million IPIs", true, sent >= MESSAGES);
	return sent ? ticks * 1000 / sent : 0;
}

#define ROW_STORM(name_, seed, ...)                                                                \
	{                                                                                          \
		.name = name_, .spec = SPEC_FIXED_ACCEPTANCE, .run = storm_test, .argument = seed, \
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
