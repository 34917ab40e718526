/* The type of a range by the MTRRs, in the ways that firmware sets them. */
#include "x86/mtrr.h"

#include "suite/facts.h"
#include "x86/msr.h"

#include "tests/host/fake/fake_platform.h"
#include "tests/host/fake/host_test.h"

enum { MIB = 1 << 20, RANGES = 4 };
#define MASK(mib) ((0xFFFFFFFFFFull & ~((uint64_t)(mib)*MIB - 1)) | 1 << 11)

static const struct row {
	uint64_t def_type; /* 0: the register cannot be read */
	struct {
		uint64_t base, mask;
	} range[RANGES];
	uint64_t base, size;
	unsigned type;
} rows[] = {
	/* Write-back by default, a hole for devices. */
	{ 0x806, { { 0x80000000, MASK(2048) } }, 16 * MIB, 16 * MIB, MTRR_WB },
	{ 0x806, { { 0x80000000, MASK(2048) } }, 0x80000000, PAGE_SIZE, MTRR_UC },
	{ 0x806, { { 0x80000000, MASK(2048) } }, 0x7FFFF000, 2 * PAGE_SIZE, MTRR_MIXED },
	/* Uncacheable by default; a range that is not valid counts for nothing. */
	{ 0x800, { { 6, MASK(2048) } }, 16 * MIB, 16 * MIB, MTRR_WB },
	{ 0x800, { { 6, MASK(2048) & ~(1ull << 11) } }, 16 * MIB, 16 * MIB, MTRR_UC },
	/* Ranges over each other. */
	{ 0x800, { { 6, MASK(2048) }, { 16 * MIB, MASK(16) } }, 16 * MIB, MIB, MTRR_UC },
	{ 0x800, { { 6, MASK(2048) }, { 16 * MIB | 4, MASK(16) } }, 16 * MIB, MIB, MTRR_WT },
	{ 0x800, { { 6, MASK(2048) }, { 16 * MIB | 1, MASK(16) } }, 16 * MIB, MIB, MTRR_MIXED },
	{ 0x800, { { 6, MASK(2048) }, { 16 * MIB, MASK(16) } }, 32 * MIB, MIB, MTRR_WB },
	/* Off, and not there. */
	{ 0x006, { { 6, MASK(2048) } }, 16 * MIB, MIB, MTRR_UC },
	{ 0, { { 6, MASK(2048) } }, 16 * MIB, MIB, MTRR_UNKNOWN },
};

static const struct row *row;

static enum status read(uint32_t msr, uint64_t *value)
{
	unsigned i = (msr - IA32_MTRR_PHYSBASE0) / 2;

	if (msr == IA32_MTRRCAP)
		*value = 0x500 | RANGES;
	else if (msr == IA32_MTRR_DEF_TYPE)
		*value = row->def_type;
	else
		*value = msr % 2 ? row->range[i].mask : row->range[i].base;
	return msr == IA32_MTRR_DEF_TYPE && !row->def_type ? STATUS_FAULT : STATUS_OK;
}

static void test_types(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		row = &rows[i];
		assert_int_equal(mtrr_type(read, row->base, row->size), row->type);
	}
	assert_string_equal(mtrr_text(MTRR_WB), "write-back");
	assert_string_equal(mtrr_text(2), "reserved");
}

/* It is told where it may matter, and only there. */
static void test_fact(void **state)
{
	static const struct row defaults[] = { { .def_type = 0x806 },
					       { .def_type = 0x804 },
					       { 0 } };
	static const char *const told[] = {
		"", "write-through by the MTRRs, and guests use it as write-back", ""
	};
	static struct facts facts;

	(void)state;
	fake_machine(1, false);
	for (unsigned i = 0; i < ARRAY_SIZE(defaults); i++) {
		row = &defaults[i];
		facts.count = 0;
		facts_add_memory_type(&facts, read);
		assert_string_equal(facts_find(&facts, "memory type"), told[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_types),
					    cmocka_unit_test(test_fact) };

	return cmocka_run_group_tests_name("mtrr", tests, NULL, NULL);
}
