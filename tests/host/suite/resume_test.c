/* A reset of the machine among the cases of a test, which the next run looks for. */
#include "suite/suite.h"

#include "suite/facts.h"
#include "suite/test.h"

#include "tests/host/fake/fake_json.h"
#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"

static unsigned parts, told;
static struct case_range last;

static void take_cases(struct test_run *run)
{
	parts++;
	told += run->tells;
	last = run->cases;
	expected(run, run->tells ? 0 : run->cases.end - run->cases.first);
}

static const struct test tests[] = { { .name = "f.cases", .run = take_cases, .cases = 1000 } };
static const struct test_group group = { tests, ARRAY_SIZE(tests) };
const struct test_group *const test_groups[] = { &group, NULL };
const struct benchmark benchmarks[] = { { .name = "none" } };
const unsigned benchmark_count = 0;

static int run(bool resume)
{
	const struct suite_options options = {
		.resume = resume, .report = "\\R", .filter_count = 1, .filters = { "f.cases" }
	};
	static struct facts facts;

	memset(&facts, 0, sizeof(facts));
	return suite_main(&options, &facts);
}

static void machine(void)
{
	fake_machine(1, false);
	atomic_store(&platform->cpus[0].phase, CPU_FIRMWARE);
	parts = told = 0;
}

/* The last run ended in f.cases, as this line of its report says. */
static void resume_cases(const char *line, const char *reason)
{
	char file[100];
	const char *test;

	machine();
	snprintf(file, sizeof(file), "TAP version 13\n1..2\n# running f.cases%s\n", line);
	assert_int_equal(platform->file_write("\\R.TAP", file, strlen(file)), STATUS_OK);
	assert_int_equal(run(true), SUITE_FAILED);
	test = strstr(fake_file("\\R.JSON")->data, "\"name\":\"f.cases\"");
	assert_non_null(test);
	assert_string_equal(json_member(test, "verdict", 0), "\"ERROR\"");
	assert_non_null(strstr(json_member(test, "reason", 0), reason));
}

static void assert_ahead(const char *line)
{
	assert_non_null(strstr(fake_file("\\R.TAP")->data, line));
}

/* A reset among the cases of a test: they are run again in parts, until one case is left. */
static void test_reset_in_a_case(void **state)
{
	static const char *const not_ours[] = { ", telling case 777", ", cases 5 to 1000",
						", cases 9 to 5", ", cases 7", ", what" };

	(void)state;
	machine();
	assert_int_equal(run(false), SUITE_PASSED);
	assert_int_equal(last.end, 1000);
	assert_ahead("# running f.cases\nok 1");
	resume_cases("", "and not when its cases");
	assert_int_equal(parts, 63); /* 62 of 16 cases, and what is left */
	assert_int_equal(last.first, 992);
	assert_int_equal(last.end, 1000);
	assert_ahead("# running f.cases, cases 768 to 783\n");
	assert_ahead("# running f.cases, cases 992 to 999\nnot ok 1");
	resume_cases(", cases 768 to 783", "and not when its cases");
	assert_int_equal(parts, 16);
	assert_ahead("# running f.cases, cases 777 to 777\n");
	resume_cases(", cases 777 to 777", "the machine was reset in case 777");
	assert_int_equal(parts, 1);
	assert_int_equal(told, 1);
	assert_int_equal(last.first, 777);
	assert_ahead("# running f.cases, telling case 777\nnot ok 1");
	for (unsigned i = 0; i < ARRAY_SIZE(not_ours); i++) {
		resume_cases(not_ours[i], "the machine was reset during this test");
		assert_int_equal(parts, 0);
	}
}

int main(void)
{
	const struct CMUnitTest all[] = { cmocka_unit_test(test_reset_in_a_case) };

	return cmocka_run_group_tests(all, NULL, NULL);
}
