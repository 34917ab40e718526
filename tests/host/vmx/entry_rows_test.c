/*
 * The rows of the entry checks and the model agree, on machines of several kinds; and each rule of
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

#define MODEL_RULE(number, violated) mutate(number, (violated) != 0)
#include "vmx/model/model.c"

#include "tests/host/fake/entry_machines.h"
#include "tests/host/fake/host_test.h"
#include "tests/vmx/entry/outcome.h"
#include "tests/vmx/entry/sections.h"

#define ADDRESS(name, rows, title, about) &(rows),
static const struct entry_section *const sections[] = { ENTRY_SECTIONS(ADDRESS) };

static void tell(const struct entry_machine *machine, const struct entry_row *row, unsigned number,
		 const struct entry_case *what, const struct model_verdict *verdict)
{
	print_error("%s, row %s, case %u:\n", machine->name, row->rule, number);
	for (unsigned i = 0; i < what->count; i++)
		print_error("  %s = %llx\n", model_name(what->set[i].at),
			    (unsigned long long)what->set[i].value);
	print_error("  outcome %u of the row; the model: enters %d, 7 %d, 8 %d, guest %x, msr %u, "
		    "unjudged %d\n",
		    row->outcome, verdict->enters, verdict->control_error, verdict->host_error,
		    verdict->guest, verdict->msr, verdict->unjudged);
	for (unsigned i = 0; i < model_rule_count; i++)
		if (model_violates(verdict, i))
			print_error("  violated: %s\n", model_rules[i].id);
}

/* Cases of a row on a machine that disagree; told if there is room for it. */
static unsigned disagreements(const struct entry_machine *machine, const struct entry_row *row,
			      bool quiet, unsigned *cases)
{
	const unsigned rule = model_rule_number(row->rule);
	struct model_state base, state;
	const char *missing;
	struct entry_cases all;
	char text[100];
	unsigned wrong = 0, number = 0;

	if (!entry_base_make(row->base, &machine->ground, &base, &missing) ||
	    entry_row_missing(row, &base, &machine->ground.machine, text, sizeof(text)))
		return 0;
	entry_cases_begin(&all, row, &base, &machine->ground.machine);
	for (; entry_cases_next(&all); number++) {
		struct model_verdict verdict;

		state = base;
		entry_case_apply(&all.now, &state);
		verdict = model_check(&state, &machine->ground.machine, MODEL_ALL);
		++*cases;
		if (outcome_agrees(row, rule, &state, &verdict))
			continue;
		if (!quiet && wrong < 3)
			tell(machine, row, number, &all.now, &verdict);
		wrong++;
		if (quiet)
			break;
	}
	return wrong;
}

/* Over all machines and rows; of one rule only: the rows that name it come first. */
static bool some_row_disagrees(bool quiet, unsigned *cases)
{
	bool wrong = false;

	for (unsigned s = 0; s < ARRAY_SIZE(sections); s++)
		for (unsigned r = 0; r < sections[s]->count; r++)
			for (unsigned m = 0; m < entry_machine_count; m++) {
				wrong |= disagreements(&entry_machines[m], &sections[s]->rows[r],
						       quiet, cases) > 0;
				if (wrong && quiet)
					return true;
			}
	return wrong;
}

static void test_bases_are_valid(void **unused)
{
	(void)unused;
	for (unsigned m = 0; m < entry_machine_count; m++)
		for (unsigned b = 0; b < BASE_COUNT; b++) {
			const struct entry_machine *machine = &entry_machines[m];
			struct model_state state;
			struct model_verdict verdict;
			const char *missing;

			if (!entry_base_make(b, &machine->ground, &state, &missing))
				continue;
			verdict = model_check(&state, &machine->ground.machine, MODEL_ALL);
			for (unsigned i = 0; i < model_rule_count; i++)
				if (model_violates(&verdict, i) &&
				    !(b == BASE_CONTROLS &&
				      !strcmp(model_rules[i].id, "guest.rflags.one")))
					fail_msg("%s, base %u: %s", machine->name, b,
						 model_rules[i].id);
		}
}

static void test_rows_and_model_agree(void **unused)
{
	unsigned cases = 0;

	(void)unused;
	assert_false(some_row_disagrees(false, &cases));
	print_message("%u cases of %u rules on %u machines\n", cases, model_rule_count,
		      entry_machine_count);
}

static void test_rows_name_rules(void **unused)
{
	(void)unused;
	for (unsigned s = 0; s < ARRAY_SIZE(sections); s++)
		for (unsigned r = 0; r < sections[s]->count; r++)
			if (model_rule_number(sections[s]->rows[r].rule) == model_rule_count)
				fail_msg("no rule %s", sections[s]->rows[r].rule);
}

static void test_ids_are_unique(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < model_rule_count; i++)
		assert_int_equal(model_rule_number(model_rules[i].id), i);
}

static void test_each_rule_counts(void **unused)
{
	static const char *const texts[] = { "", "removed", "inverted" };
	unsigned survivors = 0;

	(void)unused;
	for (mutated_rule = 0; mutated_rule < model_rule_count; mutated_rule++)
		for (mutation = REMOVED; mutation <= INVERTED; mutation++) {
			unsigned cases = 0;

			if (some_row_disagrees(true, &cases))
				continue;
			print_error("%s %s: no row notices\n", model_rules[mutated_rule].id,
				    texts[mutation]);
			survivors++;
		}
	mutation = UNCHANGED;
	assert_int_equal(survivors, 0);
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
		const struct entry_machine *machine = &entry_machines[i % entry_machine_count];
		struct model_state state;
		struct model_verdict verdict;
		const char *missing;

		assert_true(entry_base_make(BASE_64, &machine->ground, &state, &missing));
		for (unsigned n = 0; n < 30; n++) {
			unsigned at = (unsigned)(next_random(&seed) % MODEL_VALUES);

			state.value[at] = next_random(&seed) & model_mask((enum model_index)at);
		}
		if (!model_repair(&state, &machine->ground.machine))
			fail_msg("state %u is not repaired", i);
		verdict = model_check(&state, &machine->ground.machine, MODEL_ALL);
		assert_true(verdict.enters);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_are_unique),
		cmocka_unit_test(test_rows_name_rules),
		cmocka_unit_test(test_bases_are_valid),
		cmocka_unit_test(test_rows_and_model_agree),
		cmocka_unit_test(test_each_rule_counts),
		cmocka_unit_test(test_repair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
