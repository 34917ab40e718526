/* Storms of random IPIs: see lib/storm.h. */
#include "tests/lib/storm.h"
#include "tests/lib/list.h"

static void storm_test(struct fixture *fixture)
{
	const struct storm *storm = fixture->run->test->data;
	uint64_t sent;

	(void)storm_rage(fixture, storm, &sent);
	expect(fixture->run, "at least a message a shot was sent", true,
	       sent >= storm->shots * fixture->vcpus);
}

#define STORM(...) (&(const struct storm){ __VA_ARGS__ })
#define ROW_STORM(name_, explains_, storm_, ...)                                                   \
	{                                                                                          \
		.name = name_, .spec = SPEC_FIXED_ACCEPTANCE, .run = fixture_run,                  \
		.body = storm_test, .guest = STORM_GUEST(__VA_ARGS__), .needs = NEEDS_GUEST,       \
		.row = "vCPU: pending IPIs", .data = storm_, explains_                             \
	}

#define MEANS_STORM                                                                                \
	"Under load interrupts are lost or doubled, or arrive elsewhere: with the report's seed "  \
	"the same storm can be repeated."

static const struct test rows[] = {
	ROW_STORM("storm.xapic.registers",
		  EXPLAINS("A storm of random IPIs through the virtual APIC page: all arrive, none "
			   "twice.",
			   MEANS_STORM),
		  STORM(.seed = 0x1BADB002, .shots = 150), .vcpus = 4),
	ROW_STORM("storm.xapic.decoded",
		  EXPLAINS("A storm of random IPIs by decoded memory accesses: all arrive, none "
			   "twice.",
			   MEANS_STORM),
		  STORM(.seed = 0x2BADB002, .shots = 60), .vcpus = 4, .decode_apic = true),
	ROW_STORM("storm.x2apic",
		  EXPLAINS("A storm of random IPIs by x2APIC MSRs: all arrive, none twice.",
			   MEANS_STORM),
		  STORM(.seed = 0x3BADB002, .shots = 150), .vcpus = 4, .x2apic = true),
	ROW_STORM("storm.x2apic.shared",
		  EXPLAINS("A storm of random IPIs among more vCPUs than processors: all arrive, "
			   "none twice.",
			   MEANS_STORM),
		  STORM(.seed = 0x4BADB002, .shots = 50), .vcpus = 7, .x2apic = true),
	ROW_STORM("race.equal_vectors",
		  EXPLAINS("Everybody sends the same vector to everybody, xAPIC mode: what merges "
			   "and what arrives adds up.",
			   MEANS_STORM),
		  STORM(.seed = 0x5BADB002, .shots = 100, .vector = 0x51), .vcpus = 4),
	ROW_STORM("race.equal_vectors.x2apic",
		  EXPLAINS("Everybody sends the same vector to everybody, x2APIC mode: what merges "
			   "and what arrives adds up.",
			   MEANS_STORM),
		  STORM(.seed = 0x6BADB002, .shots = 100, .vector = 0x51), .vcpus = 4,
		  .x2apic = true),
};

TEST_GROUP(storm, rows);
