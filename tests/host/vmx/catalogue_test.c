/* The catalogue of rules: ids once each, and every rule of the model and of the rows is in it. */
#include "tests/entry/catalogue.h"

#include "tests/host/fake/host_test.h"
#include "tests/vmx/behaviour/sections.h"
#include "tests/vmx/entry/sections.h"
#include "tests/vmx/ept/sections.h"
#include "tests/vmx/exit/sections.h"
#include "vmx/model/model.h"

static const char *const ids[] = {
#define CHAPTER(number, title)
#define SUBJECT(title, sections)
#define RULE(id, words, applies) id,
#include "tests/vmx/rules_entry.def"
#include "tests/vmx/rules_guest.def"
#undef CHAPTER
#undef SUBJECT
#undef RULE
};

static void test_ids_are_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
		for (unsigned j = 0; j < i; j++)
			if (!strcmp(ids[i], ids[j]))
				fail_msg("%s is there twice", ids[i]);
}

static void test_each_is_found(void **state)
{
	struct rule rule;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_true(rule_find(ids[i], &rule));
		assert_string_equal(rule.id, ids[i]);
		assert_true(rule.words[0] && rule.spec[0]);
		assert_in_range(rule.chapter, 1, 11);
	}
	assert_false(rule_find("no.such.rule", &rule));
	assert_true(rule_find("ctl.nmi.virtual", &rule));
	assert_int_equal(rule.chapter, 2);
}

static void test_model_and_rows_are_known(void **state)
{
	static const struct entry_section *const sections[] = {
#define SECTION(name, rows, spec, about) &(rows),
		ENTRY_SECTIONS(SECTION)
#undef SECTION
	};
	struct rule rule;

	(void)state;
	for (unsigned i = 0; i < model_rule_count; i++)
		if (!rule_find(model_rules[i].id, &rule))
			fail_msg("the model's rule %s is not in the catalogue", model_rules[i].id);
	for (unsigned s = 0; s < ARRAY_SIZE(sections); s++)
		for (unsigned r = 0; r < sections[s]->count; r++)
			if (!rule_find(sections[s]->rows[r].rule, &rule))
				fail_msg("a row's rule %s is not in the catalogue",
					 sections[s]->rows[r].rule);
}

static void test_rows_of_guests_are_known(void **state)
{
	static const struct guest_section *const sections[] = {
#define SECTION(name, rows, spec, about) &(rows),
		GUEST_SECTIONS(SECTION) EPT_SECTIONS(SECTION)
#undef SECTION
#define SECTION(name, rows, spec, about, means) &(rows),
			BEHAVIOUR_SECTIONS(SECTION)
#undef SECTION
	};
	struct rule rule;

	(void)state;
	for (unsigned s = 0; s < ARRAY_SIZE(sections); s++)
		for (unsigned r = 0; r < sections[s]->count; r++) {
			const struct guest_row *row = &sections[s]->rows[r];

			if (!rule_find(row->rule, &rule))
				fail_msg("a row's rule %s is not in the catalogue", row->rule);
			if (!row->modes)
				fail_msg("row %u of %s has no mode", r, row->rule);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_are_unique),
		cmocka_unit_test(test_each_is_found),
		cmocka_unit_test(test_model_and_rows_are_known),
		cmocka_unit_test(test_rows_of_guests_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
