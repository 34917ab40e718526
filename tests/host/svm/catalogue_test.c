/* The catalogue of SVM's rules: ids once each, and every rule of the model and of the rows is in
 * it. */
#include "tests/entry/catalogue.h"

#include "backend.h"
#include "svm/model/model.h"
#include "tests/host/fake/host_test.h"
#include "tests/svm/entry/sections.h"

static const char *const ids[] = {
#define CHAPTER(number, title)
#define SUBJECT(title, sections)
#define RULE(id, words, applies) id,
#include "tests/svm/rules.def"
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
	}
	assert_true(rule_find("init.cr0", &rule));
	assert_int_equal(rule.chapter, 10);
}

static void test_model_and_rows_are_known(void **state)
{
	static const struct entry_section *const sections[] = {
#define SECTION(name, rows, spec, about) &(rows),
		SVM_SECTIONS(SECTION)
#undef SECTION
	};
	struct rule rule;

	(void)state;
	for (unsigned i = 0; i < svm_rule_count; i++)
		if (!rule_find(svm_rules[i], &rule))
			fail_msg("the model's rule %s is not in the catalogue", svm_rules[i]);
	for (unsigned s = 0; s < ARRAY_SIZE(sections); s++)
		for (unsigned r = 0; r < sections[s]->count; r++)
			if (!rule_find(sections[s]->rows[r].rule, &rule))
				fail_msg("a row's rule %s is not in the catalogue",
					 sections[s]->rows[r].rule);
}

int main(void)
{
	static const struct backend amd = { .cites_amd = true };

	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_are_unique),
		cmocka_unit_test(test_each_is_found),
		cmocka_unit_test(test_model_and_rows_are_known),
	};

	backend = &amd;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
