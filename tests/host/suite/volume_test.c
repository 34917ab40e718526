/* The report on volumes that are slow, full or not there, and with more than its buffers hold. */
#include "lib/pages.h"

#include "tests/host/fake/fake_json.h"
#include "tests/host/fake/fake_platform.h"
#include "tests/host/fake/fake_report.h"
#include "tests/host/fake/host_test.h"

/* What is known is on the volume while the run goes on. */
static void test_unfinished(void **state)
{
	struct test_run run = verdict(VERDICT_PASS, "");

	(void)state;
	/* A quick volume: every test at once. */
	assert_int_equal(open_report(9), STATUS_OK);
	assert_json();
	assert_true(report_is_quick());
	for (unsigned i = 1; i <= 3; i++) {
		report_test(&run, i);
		assert_tap(9, i);
	}
	report_close(NULL);
	/* A slow one gets a fiftieth of the time. */
	fake.append_ticks = platform->clock_hz / 10;
	assert_int_equal(open_report(9), STATUS_OK);
	assert_false(report_is_quick());
	report_test(&run, 1);
	fake.now += 4 * platform->clock_hz;
	report_test(&run, 2);
	assert_tap(9, 0);
	fake.now += 2 * platform->clock_hz;
	report_test(&run, 3);
	assert_tap(9, 3);
	report_test(&run, 4);
	assert_tap(9, 3);
	assert_json();
	report_close(NULL);
}

/* More than the buffers hold: still JSON, and TAP has every line. */
static void test_very_many(void **state)
{
	enum { TESTS = 400 };
	struct test_run run = verdict(VERDICT_FAIL, "");

	(void)state;
	memset(run.reason, '"', sizeof(run.reason) - 1);
	memset(run.wanted, '\'', sizeof(run.wanted) - 1);
	for (unsigned i = 0; i < FACTS_MAX + 5; i++)
		facts_add(&facts, "fact", "%0400u", i);
	assert_int_equal(open_report(TESTS), STATUS_OK);
	for (unsigned i = 1; i <= TESTS; i++)
		report_test(&run, i);
	for (unsigned i = 0; i < 40; i++)
		report_bench("a benchmark with a rather long name, as they have", UINT64_MAX,
			     "instructions");
	report_close(NULL);
	assert_json();
	assert_string_equal(json_member(json(), "failed", 0), "400");
	assert_true(json_member(json(), "dropped", 0)[0]);
	assert_non_null(strstr(xml(), " tests found no room in this file</system-out>"));
	assert_tap(TESTS, TESTS);
	assert_non_null(strstr(fake.console, "and 392 more, see the report\n"));
}

static void test_bad_volumes(void **state)
{
	static const enum status statuses[] = { STATUS_READ_ONLY, STATUS_NOT_FOUND,
						STATUS_VOLUME_FULL };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct test_run run = verdict(VERDICT_FAIL, "why");
		char line[100];
		unsigned writes;

		fake_machine(1, false);
		fake.file_status = statuses[i];
		assert_int_equal(open_report(1), STATUS_OK);
		snprintf(line, sizeof(line), ": %s: on the console only\n",
			 i == 1 ? "no volume" : status_text(statuses[i]));
		assert_non_null(strstr(fake.console, line));
		writes = fake.file_writes;
		report_test(&run, 1);
		report_close(NULL);
		assert_int_equal(fake.file_writes,
				 writes + 2); /* JSON in short, XML at the end alone */
		snprintf(line, sizeof(line), "\nreport: only on the screen: %s\n0 passed",
			 i == 1 ? "no volume to write to" : status_text(statuses[i]));
		assert_non_null(strstr(fake.console, line)); /* once more at the end */
		assert_non_null(
			strstr(fake.console,
			       "0 passed, 1 failed, 0 skipped, 0 errors, 0 checks: FAILED\n"));
		assert_null(strstr(fake.console, "\nreport: \\R.TAP\n")); /* no whole file */
		assert_null(strstr(fake.console, ".TAP, "));
	}
	/* Full in the middle. */
	fake_machine(1, false);
	assert_int_equal(open_report(1), STATUS_OK);
	fake.file_status = STATUS_VOLUME_FULL;
	struct test_run run = verdict(VERDICT_FAIL, "why");
	report_test(&run, 1);
	report_close(NULL);
	assert_non_null(strstr(fake.console, "R.TAP: volume is full: on the console only\n"));
	assert_json(); /* the one of the beginning */
}

/* Room for some lines, and for a short JSON file: both are used. */
static void test_little_room(void **state)
{
	struct test_run run = verdict(VERDICT_PASS, "");

	(void)state;
	run.expectations = 1;
	assert_int_equal(open_report(100), STATUS_OK);
	fake.append_ticks = platform->clock_hz; /* in batches */
	report_started(&facts, facts.count);
	for (unsigned i = 1; i <= 100; i++)
		report_test(&run, i);
	fake.room = 1500;
	report_close(NULL);
	assert_true(fake.room < 200); /* used up but for a line and a half */
	assert_non_null(strstr(fake_file("\\R.TAP")->data, "\nok 20 - "));
	assert_null(strstr(fake_file("\\R.TAP")->data, "100 passed"));
	assert_json();
	assert_string_equal(json_member(json(), "passed", 0), "100");
	assert_string_equal(json_member(json(), "complete", 0), "false");
	assert_non_null(strstr(fake.console, "\nreport: only on the screen: volume is full\n"));
}

static void test_no_memory(void **state)
{
	(void)state;
	fake_platform.arena_pages = 20;
	pages_setup();
	assert_int_equal(open_report(1), STATUS_NO_MEMORY);
	assert_int_equal(pages_in_use(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, report_set_up)
	const struct CMUnitTest tests[] = {
		TEST(test_unfinished),	TEST(test_very_many), TEST(test_bad_volumes),
		TEST(test_little_room), TEST(test_no_memory),
	};

	return cmocka_run_group_tests_name("volume", tests, NULL, NULL);
}
