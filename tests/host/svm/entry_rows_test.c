/*
 * The rows of VMRUN's checks and the model agree, on machines of several kinds; and each rule of
 * the model counts: removed or inverted, some row disagrees.
 */
static unsigned mutated_rule;
static enum { UNCHANGED, REMOVED, INVERTED } mutation;

static int mutate(unsigned rule, int violated)
{
	if (rule != mutated_rule || mutation == UNCHANGED)
		return violated;
	return mutation == INVERTED && !violated;
}

#define SVM_RULE(number, violated) mutate(number, (violated) != 0)
#include "svm/model/model.c"

#include "tests/host/fake/host_test.h"
#include "tests/host/fake/svm_machines.h"
#include "tests/svm/entry/outcome.h"
#include "tests/svm/entry/sections.h"

#define ADDRESS(name, rows, title, about) &(rows),
static const struct entry_section *const sections[] = { SVM_SECTIONS(ADDRESS) };

static void tell(const struct svm_kind *kind, const struct entry_row *row, unsigned number,
		 const struct entry_case *what, const struct svm_verdict *verdict)
{
	print_error("%s, row %s, case %u:\n", kind->name, row->rule, number);
	for (unsigned i = 0; i < what->count; i++)
		print_error("  %s = %llx\n", svm_name(what->set[i].at),
			    (unsigned long long)what->set[i].value);
	print_error("  outcome %u of the row; the model: enters %d, unjudged %d\n", row->outcome,
		    verdict->enters, verdict->unjudged);
	for (unsigned i = 0; i < svm_rule_count; i++)
		if (verdict->violated & BIT(i))
			print_error("  violated: %s\n", svm_rules[i]);
}

/* Cases of a row on a machine that disagree; told if there is room for it. */
static unsigned disagreements(const struct svm_kind *kind, const struct entry_row *row, bool quiet,
			      unsigned *cases)
{
	const unsigned rule = svm_rule_number(row->rule);
	struct svm_state base = { 0 }, state;
	const struct entry_origin origin = svm_origin(&base, &kind->ground.machine);
	struct entry_cases all;
	const char *missing;
	char text[100];
	unsigned wrong = 0, number = 0;

	if (!svm_base_make(row->base, &kind->ground, &base, &missing) ||
	    entry_row_missing(row, &origin, text, sizeof(text)))
		return 0;
	entry_cases_begin(&all, row, &origin);
	for (; entry_cases_next(&all); number++) {
		struct svm_verdict verdict;

		state = base;
		entry_case_apply(&all.now, state.value);
		verdict = svm_check(&state, &kind->ground.machine);
		++*cases;
		if (svm_outcome_agrees(row, rule, &verdict))
			continue;
		if (!quiet && wrong < 3)
			tell(kind, row, number, &all.now, &verdict);
		wrong++;
		if (quiet)
			break;
	}
	return wrong;
}

static bool some_row_disagrees(bool quiet, unsigned *cases)
{
	bool wrong = false;

	for (unsigned s = 0; s < ARRAY_SIZE(sections); s++)
		for (unsigned r = 0; r < sections[s]->count; r++)
			for (unsigned m = 0; m < svm_kind_count; m++) {
				wrong |= disagreements(&svm_kinds[m], &sections[s]->rows[r], quiet,
						       cases) > 0;
				if (wrong && quiet)
					return true;
			}
	return wrong;
}

static void test_bases_are_valid(void **unused)
{
	(void)unused;
	for (unsigned m = 0; m < svm_kind_count; m++)
		for (unsigned b = 0; b < BASE_COUNT; b++) {
			struct svm_verdict verdict;
			struct svm_state state;
			const char *missing;

			if (!svm_base_make(b, &svm_kinds[m].ground, &state, &missing))
				continue;
			verdict = svm_check(&state, &svm_kinds[m].ground.machine);
			for (unsigned i = 0; i < svm_rule_count; i++)
				if (verdict.violated & BIT(i))
					fail_msg("%s, base %u: %s", svm_kinds[m].name, b,
						 svm_rules[i]);
		}
}

static void test_rows_and_model_agree(void **unused)
{
	unsigned cases = 0;

	(void)unused;
	assert_false(some_row_disagrees(false, &cases));
	print_message("%u cases of %u rules on %u machines\n", cases, svm_rule_count,
		      svm_kind_count);
}

static void test_ids_are_unique(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < svm_rule_count; i++)
		assert_int_equal(svm_rule_number(svm_rules[i]), i);
}

static void test_each_rule_counts(void **unused)
{
	static const char *const texts[] = { "", "removed", "inverted" };
	unsigned survivors = 0;

	(void)unused;
	for (mutated_rule = 0; mutated_rule < svm_rule_count; mutated_rule++)
		for (mutation = REMOVED; mutation <= INVERTED; mutation++) {
			unsigned cases = 0;

			if (some_row_disagrees(true, &cases))
				continue;
			print_error("%s %s: no row notices\n", svm_rules[mutated_rule],
				    texts[mutation]);
			survivors++;
		}
	mutation = UNCHANGED;
	assert_int_equal(survivors, 0);
}

/* Rows that run only by name have a test of their name, and no others have. */
static void test_rows_by_name(void **unused)
{
#define NAME(rule, rows) { rule, &(rows) },
	static const struct {
		const char *rule;
		const struct entry_section *section;
	} by_name[] = { SVM_RULES_BY_NAME(NAME) };
	bool named[ARRAY_SIZE(by_name)] = { false };
	unsigned rows_by_name = 0, tests = 0;

	(void)unused;
	for (unsigned s = 0; s < ARRAY_SIZE(sections); s++)
		for (unsigned r = 0; r < sections[s]->count; r++) {
			const struct entry_row *row = &sections[s]->rows[r];

			for (unsigned i = 0; i < ARRAY_SIZE(by_name); i++)
				if (by_name[i].section == sections[s] &&
				    !strcmp(by_name[i].rule, row->rule)) {
					named[i] |= row->by_name;
					tests += row->by_name;
				}
			rows_by_name += row->by_name;
		}
	assert_int_equal(tests, rows_by_name);
	for (unsigned i = 0; i < ARRAY_SIZE(by_name); i++)
		if (!named[i])
			fail_msg("%s has no row", by_name[i].rule);
}

/* xorshift64: the same states in every run. */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* From states with random values, repair comes to one that the model calls valid. */
static void test_repair(void **unused)
{
	uint64_t seed = 0x123456789ABCDEF;

	(void)unused;
	for (unsigned i = 0; i < 2000; i++) {
		const struct svm_kind *kind = &svm_kinds[i % svm_kind_count];
		struct svm_verdict verdict;
		struct svm_state state;
		const char *missing;

		assert_true(svm_base_make(BASE_64, &kind->ground, &state, &missing));
		for (unsigned n = 0; n < 30; n++) {
			unsigned at = (unsigned)(next_random(&seed) % SVM_VALUES);

			state.value[at] = next_random(&seed) & svm_masks[at];
		}
		if (!svm_repair(&state, &kind->ground.machine))
			fail_msg("state %u is not repaired", i);
		verdict = svm_check(&state, &kind->ground.machine);
		assert_true(verdict.enters && !verdict.unjudged);
	}
}

/* What a processor did against what a row says and the model allows. */
static void test_outcomes(void **unused)
{
	static const struct {
		struct svm_probe_result got;
		bool enters, invalid;
	} rows[] = {
		{ { SVM_PROBE_ENTERED, SVM_EXIT_VMMCALL }, true, false },
		{ { SVM_PROBE_ENTERED, SVM_EXIT_EXCEPTION + 13 }, true, false },
		{ { SVM_PROBE_ENTERED, SVM_EXIT_EXCEPTION + 31 }, true, false },
		{ { SVM_PROBE_ENTERED, SVM_EXIT_INTR }, true, false },
		{ { SVM_PROBE_ENTERED, SVM_EXIT_NMI }, true, false },
		{ { SVM_PROBE_ENTERED, SVM_EXIT_SHUTDOWN }, true, false },
		{ { SVM_PROBE_ENTERED, SVM_EXIT_NPF }, true, false },
		{ { SVM_PROBE_ENTERED, SVM_EXIT_VMRUN }, false, false },
		{ { SVM_PROBE_ENTERED, SVM_EXIT_SMI }, false, false },
		{ { SVM_PROBE_ENTERED, SVM_EXIT_WRITE_DR7 }, false, false },
		{ { SVM_PROBE_INVALID, SVM_EXIT_INVALID }, false, true },
		{ { SVM_PROBE_FAULTED, 13 }, false, false },
		{ { SVM_PROBE_STALE, 0 }, false, false },
		{ { SVM_PROBE_LOST, HOST_CR0 }, false, false },
	};
	const struct svm_verdict enters = { .enters = true }, invalid = { .enters = false },
				 open = { .enters = true, .unjudged = true };

	(void)unused;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(svm_outcome_is(ENTERS, &rows[i].got), rows[i].enters);
		assert_int_equal(svm_outcome_is(INVALID, &rows[i].got), rows[i].invalid);
		assert_true(svm_outcome_is(REPORTED, &rows[i].got));
		assert_int_equal(svm_outcome_is_allowed(&enters, &rows[i].got), rows[i].enters);
		assert_int_equal(svm_outcome_is_allowed(&invalid, &rows[i].got), rows[i].invalid);
		assert_true(svm_outcome_is_allowed(&open, &rows[i].got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_are_unique),
		cmocka_unit_test(test_bases_are_valid),
		cmocka_unit_test(test_rows_and_model_agree),
		cmocka_unit_test(test_each_rule_counts),
		cmocka_unit_test(test_rows_by_name),
		cmocka_unit_test(test_repair),
		cmocka_unit_test(test_outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
