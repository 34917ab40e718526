/*
 * The fuzzer of VMRUN's checks against a processor that is the model with one rule removed: which
 * rules' faults does it find, and does it keep to what is harmless?
 */
static unsigned broken_rule;
static int breaks;

static int mutate(unsigned rule, int violated)
{
	return breaks && rule == broken_rule ? 0 : violated;
}

#define SVM_RULE(number, violated) mutate(number, (violated) != 0)
#include "svm/model/model.c"

#include "tests/host/fake/host_test.h"
#include "tests/host/fake/svm_machines.h"
#include "tests/svm/entry/hunt.h"

static struct svm_state held;
static const struct svm_ground *ground;

static void set_value(void *context, unsigned at, uint64_t value)
{
	(void)context;
	held.value[at] = value;
}

#define HELD(name) (held.value[AT_##name])

static bool is_own_or_beyond(uint64_t address)
{
	const uint64_t first = ground->pages, end = first + SVM_PAGES * (uint64_t)PAGE_SIZE;

	return address >> ground->machine.physical_bits || (address >= first && address < end);
}

/* What a processor that accepts the state would read, or keep after the exit. */
static void assert_is_harmless(void)
{
	const bool pages = HELD(CR0) & CR0_PG, nests = HELD(NP_CONTROL) & NP_ENABLE;

	assert_true(is_own_or_beyond(HELD(CR3)) || !pages);
	assert_true(nests || !(HELD(CR3) >> ground->machine.physical_bits));
	assert_true(!nests || is_own_or_beyond(HELD(N_CR3)) || !HELD(N_CR3));
	assert_true(is_own_or_beyond(HELD(IOPM_BASE_PA)) && is_own_or_beyond(HELD(MSRPM_BASE_PA)));
	assert_true(pages || nests);
	if (!nests && pages && HELD(CR4) & CR4_PAE && !(HELD(EFER) & EFER_LME))
		assert_int_equal(HELD(CR3) & ~(uint64_t)PAGE_MASK, svm_page(ground, PAGE_PDPT_PAE));
	assert_false(pages && HELD(EFER) & EFER_LME && !(HELD(CR0) & CR0_PE));
	assert_false(HELD(RFLAGS) & RFLAGS_VM || HELD(CR0) & CR0_CD || HELD(CLEAN));
	assert_int_equal(HELD(TLB_CONTROL), TLB_FLUSH_ALL);
	assert_int_equal(HELD(INTERCEPT_EXCEPTIONS), 0xFFFFFFFF);
}

static bool agree(void *context, const struct fuzz_verdict *verdict)
{
	struct svm_verdict got;

	(void)context;
	assert_is_harmless();
	breaks = 1;
	got = svm_check(&held, &ground->machine);
	breaks = 0;
	return got.enters == svm_fuzz_verdict(verdict)->enters;
}

static bool has(void *context, unsigned at)
{
	(void)context;
	(void)at;
	return true;
}

static const struct fuzz_target target = { set_value, agree, NULL, NULL };

static unsigned make_bases(uint64_t (*bases)[ENTRY_VALUES])
{
	unsigned count = 0;

	for (unsigned b = 0; b < BASE_COUNT; b++) {
		struct svm_state base;
		const char *missing;

		if (b == BASE_V86 || !svm_base_make(b, ground, &base, &missing))
			continue;
		memcpy(bases[count++], base.value, sizeof(base.value));
	}
	return count;
}

static struct fuzz fuzz;
static uint64_t bases[BASE_COUNT][ENTRY_VALUES];
static struct fuzz_difference difference;

static void begin(const struct svm_kind *kind, uint64_t seed)
{
	ground = &kind->ground;
	fuzz_init(&fuzz, &svm_fuzz_hunt, &ground->machine, &target,
		  (const uint64_t(*)[ENTRY_VALUES])bases, make_bases(bases), has, seed);
}

/* A processor that is right is not accused, and about half of the cases are valid. */
static void test_no_false_alarm(void **state)
{
	(void)state;
	broken_rule = svm_rule_count;
	for (unsigned m = 0; m < svm_kind_count; m++) {
		begin(&svm_kinds[m], m);
		for (unsigned i = 0; i < 20000; i++)
			assert_true(fuzz_next(&fuzz, &difference));
		print_message("%s: %u of %u cases are valid\n", svm_kinds[m].name,
			      (unsigned)fuzz.valid, (unsigned)fuzz.cases);
		assert_in_range(fuzz.valid, 20000 / 4, 20000 * 3 / 4);
	}
}

enum { CASES = 10000 };

/* Rules that a change of fields can break, which single rows do not leave to the fuzzer. */
static const char *const expected_ids[] = {
	"vmrun.check.svme",	"vmrun.check.cr0_high",	  "vmrun.check.cr0_nw",
	"vmrun.check.cr3_long", "vmrun.check.cr3_legacy", "vmrun.check.cr4_mbz",
	"vmrun.check.dr6_high", "vmrun.check.dr7_high",	  "vmrun.check.efer_mbz",
	"vmrun.check.lme_pae",	"vmrun.check.cs_l_d",	  "vmrun.check.intercept",
	"vmrun.check.asid0",	"vmrun.check.msrpm",	  "vmrun.check.iopm",
	"vmrun.check.ncr3",	"vmrun.check.g_pat",	  "inject.check.type",
	"inject.check.vector",	"inject.check.br64",	  "vmrun.check.pdpe",
};

static void test_finds_missing_checks(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(expected_ids); i++) {
		unsigned cases = 0;

		broken_rule = svm_rule_number(expected_ids[i]);
		assert_true(broken_rule < svm_rule_count);
		begin(&svm_kinds[0], 1);
		while (cases++ < CASES && fuzz_next(&fuzz, &difference))
			;
		if (cases > CASES)
			fail_msg("not found: %s", expected_ids[i]);
		assert_true(svm_fuzz_verdict(&difference.verdict)->violated & BIT(broken_rule));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_false_alarm),
		cmocka_unit_test(test_finds_missing_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
