/* Verdicts, what is told of them, and the time that a test has. */
#include "suite/describe.h"

#include "tests/host/fake/fake_backend.h"
#include "tests/host/fake/fake_citations.h"
#include "tests/host/fake/fake_platform.h"
#include "tests/host/fake/fake_report.h"
#include "tests/host/fake/host_test.h"

static void settle(struct test_run *run, enum verdict wanted, const char *reason)
{
	test_settle(run);
	assert_int_equal(run->verdict, wanted);
	assert_string_equal(run->reason, reason);
}

static void test_verdicts(void **state)
{
	struct test_run run = { .test = &a_test };

	(void)state;
	settle(&run, VERDICT_ERROR, "the test ended without a verdict");

	run = (struct test_run){ .test = &a_test };
	assert_true(expect(&run, "one", 1, 1));
	settle(&run, VERDICT_PASS, "");

	assert_false(expect_bits_cited(&run, FAKE_XAPIC, "two", 0x10, 0x2F));
	assert_false(expect(&run, "three", 3, 4));
	assert_int_equal(run.expectations, 3);
	assert_int_equal(run.failures, 2);
	settle(&run, VERDICT_FAIL, "two"); /* the first one is told */
	assert_string_equal(run.wanted, "10H");
	assert_string_equal(run.got, "2FH");
	assert_string_equal(test_spec(&run), citations[FAKE_XAPIC].intel);

	run = (struct test_run){ .test = &a_test };
	assert_false(expect(&run, "one", 1, 2));
	assert_string_equal(test_spec(&run), citations[FAKE_APIC].intel);
	assert_true(require(&run, "a call", STATUS_OK));
	assert_false(require(&run, "a call", STATUS_TIMEOUT));
	settle(&run, VERDICT_ERROR, "a call: deadline passed"); /* an error outranks a failure */
	assert_string_equal(run.notes, "before that: one, wanted 1, got 2\n");

	run = (struct test_run){ .test = &a_test };
	assert_false(require(&run, "a call", STATUS_TIMEOUT));
	settle(&run, VERDICT_ERROR, "a call: deadline passed");

	run = (struct test_run){ .test = &a_test };
	assert_true(expect_in_time(&run, "a", STATUS_OK));
	assert_int_equal(run.expectations, 1);
	assert_false(expect_in_time(&run, "b", STATUS_TIMEOUT));
	assert_false(expect_in_time(&run, "c", STATUS_DEVICE));
	assert_int_equal(run.expectations, 3);
	settle(&run, VERDICT_FAIL, "b");
	assert_string_equal(run.wanted, "in time");
	assert_string_equal(run.got, "deadline passed");
	assert_string_equal(test_spec(&run), citations[FAKE_APIC].intel);

	run = (struct test_run){ .test = &a_test };
	test_error(&run, "%s %u", "first", 1);
	test_error(&run, "second");
	expect(&run, "one", 1, 2);
	settle(&run, VERDICT_ERROR, "first 1");
}

/* Counts are told in decimal, and each vendor's rule where it has one. */
static void test_numbers_and_citations(void **state)
{
	struct test_run run = { .test = &a_test };
	struct backend amd = *backend;

	(void)state;
	assert_false(expect(&run, "three", 201, 200));
	assert_string_equal(run.wanted, "201");
	assert_string_equal(run.got, "200");
	assert_string_equal(test_spec(&run), "vol. 3A, \"APIC\"");
	amd.cites_amd = true;
	backend = &amd;
	assert_string_equal(test_spec(&run), "vol. 2, 16.3");
	run = (struct test_run){ .test = &a_test };
	assert_false(expect_cited(&run, FAKE_XAPIC, "three", 1, 2));
	assert_string_equal(test_spec(&run), "Processors' \"Local\" xAPIC");
	assert_true(expect_bits(&run, "four", 4, 4));
	assert_false(expect_bits(&run, "four", 4, 5));
	assert_string_equal(run.got, "2"); /* of the first one */
	backend = &fake_backend;
}

/* A skip hides neither an error nor a failure. */
static void test_skips(void **state)
{
	struct test_run run = { .test = &a_test };

	(void)state;
	test_skip(&run, "needs %s", "AVX");
	settle(&run, VERDICT_SKIP, "needs AVX");
	test_error(&run, "3 pages were not returned");
	test_error(&run, "and more");
	settle(&run, VERDICT_ERROR, "3 pages were not returned");

	run = (struct test_run){ .test = &a_test };
	expect(&run, "one", 1, 2);
	test_skip(&run, "late");
	settle(&run, VERDICT_ERROR, "skipped after an expectation");
	assert_string_equal(verdict_text(VERDICT_PASS), "PASS");
	assert_string_equal(verdict_text(VERDICT_FAIL), "FAIL");
	assert_string_equal(verdict_text(VERDICT_SKIP), "SKIP");
	assert_string_equal(verdict_text(VERDICT_ERROR), "ERROR");
}

static void test_time_left_of_a_test(void **state)
{
	const struct test quick = { .milliseconds = 5 };
	struct test_run run = { .test = &quick };

	(void)state;
	fake.clock_step = 0;
	fake.now = run.started = 1000000000;
	assert_int_equal(test_time_left(&run), 5000);
	fake.now += 2000000;
	assert_int_equal(test_time_left(&run), 3000);
	fake.now += 3000000;
	assert_int_equal(test_time_left(&run), 1);
	fake.now += 3000000;
	assert_int_equal(test_time_left(&run), 1);
	run.test = &a_test;
	assert_int_equal(test_time_left(&run), (TEST_MILLISECONDS - 8) * 1000);
}

static void test_patience(void **state)
{
	static const struct test longer = { .name = "group.long", .milliseconds = 300 };
	const struct test_run run = { .test = &a_test }, long_run = { .test = &longer };

	(void)state;
	assert_int_equal(test_milliseconds(&run), TEST_MILLISECONDS);
	fake_platform.patience = 4;
	assert_int_equal(test_milliseconds(&run), 4 * TEST_MILLISECONDS);
	assert_int_equal(test_milliseconds(&long_run), 1200);
	fake_platform.patience = 0;
	assert_int_equal(test_milliseconds(&long_run), 300);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, report_set_up)
	const struct CMUnitTest tests[] = {
		TEST(test_verdicts), TEST(test_numbers_and_citations),
		TEST(test_skips),    TEST(test_time_left_of_a_test),
		TEST(test_patience),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
