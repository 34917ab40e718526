/* What each processor is called: CPUID, the local APIC and the firmware must mean the same one. */
#include "backend.h"
#include "lib/pages.h"
#include "lib/text.h"
#include "vm/cpu.h"
#include "vm/work.h"
#include "x86/cpuid.h"
#include "x86/local_apic.h"

#include "tests/lib/list.h"

enum { INITIAL_ID_MAX = 254 /* all that AMD's CPUID leaf 1 has for sure */ };

struct ids {
	bool seen, x2apic;
	uint32_t initial; /* CPUID leaf 01H, 8 bits */
	bool has_0b, has_1f;
	uint32_t leaf_0b, leaf_1f; /* EDX: the x2APIC id */
	uint32_t apic, ldr;	   /* of the local APIC; the LDR in x2APIC mode only */
};

static size_t table_pages(void)
{
	return (platform->cpu_count * sizeof(struct ids) + PAGE_MASK) / PAGE_SIZE;
}

static void read_ids(struct cpu *cpu, void *table)
{
	struct ids *ids = (struct ids *)table + cpu->index;
	struct cpuid leaf_0b = cpuid_or_zero(0xB, 0), leaf_1f = cpuid_or_zero(0x1F, 0);

	*ids = (struct ids){
		.seen = true,
		.x2apic = local_apic_x2apic(),
		.initial = cpuid(1, 0).ebx >> 24,
		.has_0b = leaf_0b.ebx,
		.has_1f = leaf_1f.ebx,
		.leaf_0b = leaf_0b.edx,
		.leaf_1f = leaf_1f.edx,
		.apic = local_apic_id(),
	};
	if (ids->x2apic)
		ids->ldr = local_apic_read(APIC_LDR);
}

/* An expectation about one processor; the text is only made when it is read. */
static void expect_id(struct test_run *run, uint16_t spec, unsigned cpu, const char *what,
		      uint64_t wanted, uint64_t got)
{
	char text[TEST_TEXT] = "";

	if (wanted != got)
		text_format(text, sizeof(text), "processor %u: %s", cpu, what);
	expect_bits_cited(run, spec, text, wanted, got);
}

/* Bits 7:0 of it by SDM vol. 3A, "Consistency of APIC IDs and CPUID"; AMD does not say so. */
static bool initial_follows(const struct ids *ids)
{
	return ids->has_0b && (!backend->cites_amd || ids->leaf_0b <= INITIAL_ID_MAX);
}

/*
 * In xAPIC mode software may have changed the register, which CPUID does not follow: SDM vol. 3A,
 * "Local APIC ID". Then the report's facts say so, and only the firmware's own word is judged.
 */
static void check_ids(struct test_run *run, unsigned cpu, const struct ids *ids)
{
	uint64_t listed = platform->cpus[cpu].listed_id;

	if (ids->has_0b && ids->has_1f)
		expect_id(run, SPEC_CPUID_X2APIC_ID, cpu, "the x2APIC id, leaf 1FH against 0BH",
			  ids->leaf_0b, ids->leaf_1f);
	if (initial_follows(ids))
		expect_id(run, SPEC_CPUID_APIC_ID, cpu, "the initial APIC id against leaf 0BH",
			  ids->leaf_0b & 0xFF, ids->initial);
	if (ids->x2apic && ids->has_0b)
		expect_id(run, SPEC_CPUID_X2APIC_ID, cpu, "the APIC ID register against leaf 0BH",
			  ids->leaf_0b, ids->apic);
	if (ids->x2apic)
		expect_id(run, SPEC_X2APIC_LOGICAL_MODE, cpu, "the LDR",
			  local_apic_logical_id(ids->apic), ids->ldr);
	if (listed != CPU_NOT_LISTED) /* 8 bits in old firmware */
		expect_id(run, SPEC_MP_SERVICES, cpu, "MP Services' id, bits 7:0", ids->apic & 0xFF,
			  listed & 0xFF);
}

static void ids_agree(struct test_run *run)
{
	struct ids *table = pages_alloc(table_pages());

	if (!require(run, "memory", table ? STATUS_OK : STATUS_NO_MEMORY))
		return;
	if (require(run, "all processors read their ids",
		    work_on_all(read_ids, table, test_time_left(run))))
		for (unsigned i = 0; i < platform->cpu_count; i++) {
			unsigned same = 0;

			if (!table[i].seen)
				continue;
			check_ids(run, i, &table[i]);
			for (unsigned other = 0; other < platform->cpu_count; other++)
				same += table[other].seen && table[other].apic == table[i].apic;
			expect_cited(run, SPEC_APIC_ID, "processors with one APIC id", 1, same);
		}
	pages_free(table, table_pages());
}

static const struct test rows[] = {
	{ "apic.machine.ids", SPEC_APIC_ID, ids_agree, .needs = 0,
	  EXPLAINS("CPUID leaves 01H, 0BH and 1FH, the APIC ID register and MP Services give each "
		   "processor the same id, and no two one.",
		   "Interrupts, start-up IPIs and the topology that an operating system builds "
		   "are about different processors than it believes.") },
};

TEST_GROUP(ids, rows);
