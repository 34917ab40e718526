/* What a processor did against what a row says and the model allows; cases one after the other. */
#include "tests/vmx/entry/outcome.h"
#include "tests/vmx/entry/sections.h"

#include "tests/host/fake/entry_machines.h"
#include "tests/host/fake/host_test.h"

#define ADDRESS(name, rows, title, about) &(rows),
static const struct entry_section *const sections[] = { ENTRY_SECTIONS(ADDRESS) };

static void compare_case(const struct entry_case *a, const struct entry_case *b)
{
	assert_int_equal(a->count, b->count);
	for (unsigned i = 0; i < a->count; i++) {
		assert_int_equal(a->set[i].at, b->set[i].at);
		assert_int_equal(a->set[i].value, b->set[i].value);
	}
}

/* What .before promises: the values that the place before had changed. */
static void compare_places(const struct entry_case *a, const struct entry_case *b)
{
	assert_int_equal(a->count, b->count);
	for (unsigned i = 0; i < a->count; i++)
		assert_int_equal(a->set[i].at, b->set[i].at);
}

static void check_row(const struct entry_row *row, const struct model_state *base,
		      const struct model_machine *machine)
{
	struct entry_cases cases;
	struct entry_case wanted, last = { 0 };
	unsigned count = 0, places = 0;

	entry_cases_begin(&cases, row, base, machine);
	for (; entry_cases_next(&cases); count++) {
		assert_true(entry_case_make(row, count, base, machine, &wanted));
		compare_case(&cases.now, &wanted);
		if (!cases.moved)
			compare_places(&cases.now, &last);
		else if (places++)
			compare_case(&cases.before, &last);
		last = cases.now;
	}
	assert_false(entry_case_make(row, count, base, machine, &wanted));
	assert_int_equal(entry_cases_count(row, base, machine), count);
}

static void test_cases_in_a_row(void **unused)
{
	(void)unused;
	for (unsigned m = 0; m < entry_machine_count; m++)
		for (unsigned s = 0; s < ARRAY_SIZE(sections); s++)
			for (unsigned r = 0; r < sections[s]->count; r++) {
				const struct entry_row *row = &sections[s]->rows[r];
				const struct entry_ground *ground = &entry_machines[m].ground;
				struct model_state base;
				const char *missing;

				if (entry_base_make(row->base, ground, &base, &missing))
					check_row(row, &base, &ground->machine);
			}
}

#define NAME(rule, rows) { rule, &(rows) },
static const struct {
	const char *rule;
	const struct entry_section *section;
} by_name[] = { ENTRY_RULES_BY_NAME(NAME) };

static bool has_rows_by_name(const struct entry_section *section, const char *rule)
{
	for (unsigned r = 0; r < section->count; r++)
		if (section->rows[r].by_name && !strcmp(section->rows[r].rule, rule))
			return true;
	return false;
}

static bool has_test(const struct entry_section *section, const char *rule)
{
	for (unsigned i = 0; i < ARRAY_SIZE(by_name); i++)
		if (by_name[i].section == section && !strcmp(by_name[i].rule, rule))
			return true;
	return false;
}

/* Rows that run only by name have a test of their name, and no others have. */
static void test_rows_by_name(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < ARRAY_SIZE(by_name); i++)
		if (!has_rows_by_name(by_name[i].section, by_name[i].rule))
			fail_msg("%s has no row", by_name[i].rule);
	for (unsigned s = 0; s < ARRAY_SIZE(sections); s++)
		for (unsigned r = 0; r < sections[s]->count; r++) {
			const struct entry_row *row = &sections[s]->rows[r];

			if (row->by_name && !has_test(sections[s], row->rule))
				fail_msg("%s has no test", row->rule);
		}
}

static struct probe_result result(enum probe_kind kind, uint32_t number, uint64_t qualification)
{
	return (struct probe_result){ .kind = (uint8_t)kind,
				      .number = number,
				      .qualification = qualification };
}

/* Each outcome, and a result that is it; every other result is not. */
static void test_outcomes(void **unused)
{
	const struct {
		enum outcome outcome;
		struct probe_result result;
	} pairs[] = {
		{ ENTERS, result(PROBE_ENTERED, REASON_VMCALL, 0) },
		{ FAILS_7, result(PROBE_FAIL_VALID, 7, 0) },
		{ FAILS_8, result(PROBE_FAIL_VALID, 8, 0) },
		{ GUEST_0, result(PROBE_ENTRY_FAILED, 33, 0) },
		{ GUEST_2, result(PROBE_ENTRY_FAILED, 33, 2) },
		{ GUEST_3, result(PROBE_ENTRY_FAILED, 33, 3) },
		{ GUEST_4, result(PROBE_ENTRY_FAILED, 33, 4) },
		{ MSR_LOAD, result(PROBE_ENTRY_FAILED, 34, 5) },
	};
	const struct probe_result others[] = {
		result(PROBE_FAIL_INVALID, 0, 0),      result(PROBE_FAIL_VALID, 12, 0),
		result(PROBE_ENTRY_FAILED, 33, 1),     result(PROBE_ENTRY_FAILED, 34, 4),
		result(PROBE_ENTRY_FAILED, 41, 5),     result(PROBE_FAULTED, 7, 0),
		result(PROBE_ENTERED, PROBE_STALE, 0),
	};

	(void)unused;
	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(pairs); k++)
			assert_int_equal(outcome_is(pairs[i].outcome, &pairs[k].result, 5), i == k);
		for (unsigned k = 0; k < ARRAY_SIZE(others); k++)
			assert_false(outcome_is(pairs[i].outcome, &others[k], 5));
	}
	assert_true(outcome_is(PASSES, &pairs[3].result, 5));
	assert_false(outcome_is(PASSES, &pairs[4].result, 5));
	for (unsigned k = 0; k < ARRAY_SIZE(others); k++)
		assert_true(outcome_is(REPORTED, &others[k], 5));
}

static void test_sets(void **unused)
{
	const struct model_verdict fails = { .control_error = true, .host_error = true },
				   guest = { .guest = BIT(0) | BIT(3) }, msr = { .msr = 2 },
				   enters = { .enters = true }, open = { .unjudged = true };
	const struct {
		struct probe_result got;
		bool fails, guest, msr, enters;
	} rows[] = {
		{ result(PROBE_FAIL_INVALID, 0, 0), false, false, false, false },
		{ result(PROBE_FAIL_VALID, 7, 0), true, false, false, false },
		{ result(PROBE_FAIL_VALID, 8, 0), true, false, false, false },
		{ result(PROBE_FAIL_VALID, 12, 0), false, false, false, false },
		{ result(PROBE_ENTRY_FAILED, 33, 0), false, true, false, false },
		{ result(PROBE_ENTRY_FAILED, 33, 3), false, true, false, false },
		{ result(PROBE_ENTRY_FAILED, 33, 4), false, false, false, false },
		{ result(PROBE_ENTRY_FAILED, 33, 64), false, false, false, false },
		{ result(PROBE_ENTRY_FAILED, 34, 2), false, false, true, false },
		{ result(PROBE_ENTRY_FAILED, 34, 0), false, false, false, false },
		{ result(PROBE_ENTRY_FAILED, 41, 0), false, false, false, false },
		{ result(PROBE_ENTERED, REASON_HLT, 0), false, false, false, true },
		{ result(PROBE_FAULTED, 6, 0), false, false, false, false },
	};

	(void)unused;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(outcome_is_allowed(&fails, &rows[i].got), rows[i].fails);
		assert_int_equal(outcome_is_allowed(&guest, &rows[i].got), rows[i].guest);
		assert_int_equal(outcome_is_allowed(&msr, &rows[i].got), rows[i].msr);
		assert_int_equal(outcome_is_allowed(&enters, &rows[i].got), rows[i].enters);
		assert_true(outcome_is_allowed(&open, &rows[i].got));
	}
}

static void test_texts(void **unused)
{
	char text[OUTCOME_TEXT];
	struct probe_result got;

	(void)unused;
	outcome_text(FAILS_8, 0, text);
	assert_string_equal(text, "VMfailValid 8");
	outcome_text(MSR_LOAD, 3, text);
	assert_string_equal(text, "exit reason 34, qualification 3");
	outcome_text(PASSES, 0, text);
	assert_string_equal(text, "exit reason 33, qualification 0");
	outcome_text(GUEST_4, 0, text);
	assert_string_equal(text, "exit reason 33, qualification 4");
	got = result(PROBE_FAIL_VALID, 12, 0);
	outcome_result_text(&got, text);
	assert_string_equal(text, "VMfailValid 12 (not written)");
	got = result(PROBE_ENTERED, 18, 0);
	outcome_result_text(&got, text);
	assert_string_equal(text, "entered, then exit reason 18");
	got = result(PROBE_ENTRY_FAILED, 33, ~0ull);
	outcome_result_text(&got, text);
	assert_string_equal(text, "exit reason 33, qualification ffffffffffffffff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases_in_a_row), cmocka_unit_test(test_rows_by_name),
		cmocka_unit_test(test_outcomes),       cmocka_unit_test(test_sets),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
