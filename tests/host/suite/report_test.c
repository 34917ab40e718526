/* Verdicts, and the report: JSON that parses, TAP that is well formed, whatever is said in it. */
#include "suite/describe.h"
#include "suite/line.h"
#include "suite/report.h"
#include "suite/summary.h"
#include "suite/tap_read.h"

#include "lib/pages.h"

#include "tests/host/fake/fake_backend.h"
#include "tests/host/fake/fake_citations.h"
#include "tests/host/fake/fake_json.h"
#include "tests/host/fake/fake_platform.h"
#include "tests/host/fake/host_test.h"

static const struct test a_test = {
	.name = "group.subject",
	.spec = FAKE_APIC,
	.about = "it's about \"this\"",
	.means = "a failure means that the line on the console is too long and "
		 "is broken at a blank"
};
static struct facts facts;

static int set_up(void **state)
{
	(void)state;
	fake_machine(1, false);
	memset(&facts, 0, sizeof(facts));
	return 0;
}

static enum status open_report(unsigned total)
{
	static const struct suite_options options = { .report = "\\R",
						      .line = "-s \"a b\"",
						      .filter_count = 1,
						      .filters = { "a b" },
						      .seed = 7 };
	static struct report_head head;

	head = (struct report_head){ &facts, &options, BIT(CAP_AVX), total };
	return report_open(&head);
}

static const char *json(void)
{
	return fake_file("\\R.JSON")->data;
}

static const char *xml(void)
{
	return fake_file("\\R.XML")->data;
}

static const char *tap(void)
{
	return fake_file("\\R.TAP")->data;
}

static void assert_json(void)
{
	const char *error = json_error(json());

	if (error)
		fail_msg("no JSON at: %.60s", error);
}

/* TAP version 13: the plan, each test once and in order, YAML blocks closed and quoted. */
static void assert_tap(unsigned planned, unsigned reported)
{
	char text[FAKE_FILE_SIZE], *line, *rest = text;
	unsigned number = 0, plan, at;
	bool block = false;

	snprintf(text, sizeof(text), "%s", tap());
	assert_string_equal(strsep(&rest, "\n"), "TAP version 13");
	assert_int_equal(sscanf(strsep(&rest, "\n"), "1..%u", &plan), 1);
	assert_int_equal(plan, planned);
	while ((line = strsep(&rest, "\n")) && *line) {
		if (block) {
			const char *quote = strchr(line, '\'');

			assert_int_equal(strncmp(line, "  ", 2), 0);
			block = strcmp(line, "  ...") != 0;
			if (!quote)
				continue;
			for (quote++; quote[0] != '\'' || quote[1] == '\''; quote++) {
				assert_true(*quote);
				quote += *quote == '\'';
			}
			assert_string_equal(quote, "'"); /* the line's end */
		} else if (!strcmp(line, "  ---")) {
			block = true;
		} else if (*line != '#') {
			assert_int_equal(sscanf(line, "ok %u - ", &at) == 1 ||
						 sscanf(line, "not ok %u - ", &at) == 1,
					 1);
			assert_int_equal(at, ++number);
		}
	}
	assert_false(block);
	assert_int_equal(number, reported);
}

static struct test_run verdict(enum verdict verdict, const char *reason)
{
	struct test_run run = { .test = &a_test, .verdict = verdict };

	snprintf(run.reason, sizeof(run.reason), "%s", reason);
	return run;
}

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

static void test_whole_report(void **state)
{
	static const enum verdict verdicts[] = { VERDICT_PASS, VERDICT_SKIP, VERDICT_FAIL,
						 VERDICT_ERROR, VERDICT_PASS };
	size_t pages = pages_in_use();

	(void)state;
	facts_add(&facts, "cpu brand", "a \"quoted\" \\ one, \x01\x7F");
	facts_add(&facts, "long", "%0400d", 7);
	facts_add(&facts, "hypervisor", "none announced by CPUID");
	assert_int_equal(open_report(5), STATUS_OK);
	assert_json();
	assert_string_equal(json_member(json(), "complete", 0), "false");
	assert_string_equal(json_member(json(), "cpu_brand", 0),
			    "\"a \"quoted\" \\ one, \x01\x7F\"");
	assert_tap(5, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(verdicts); i++) {
		struct test_run run = verdict(verdicts[i], i ? "the guest's \"reason\"" : "");

		if (verdicts[i] == VERDICT_FAIL)
			expect_cited(&run, FAKE_XAPIC, "x", 1, 2);
		report_test(&run, i + 1);
	}
	report_bench("exit", 121, "instructions");
	report_bench("start", 7, "ticks");
	report_close(NULL);
	assert_json();
	assert_tap(5, 5);
	assert_string_equal(json_member(json(), "complete", 0), "true");
	assert_string_equal(json_member(json(), "passed", 0), "2");
	assert_string_equal(json_member(json(), "failed", 0), "1");
	assert_string_equal(json_member(json(), "skipped", 0), "1");
	assert_string_equal(json_member(json(), "errors", 0), "1");
	assert_string_equal(json_member(json(), "verdict", 2), "\"FAIL\"");
	assert_string_equal(json_member(json(), "verdict", 4), "\"PASS\"");
	assert_string_equal(json_member(json(), "verdict", 5), "");
	assert_string_equal(json_member(json(), "spec", 0), "\"vol. 3A, \"APIC\"\"");
	assert_string_equal(json_member(json(), "value", 1), "7");
	assert_non_null(strstr(tap(), "ok 2 - group.subject # SKIP the guest's"));
	assert_non_null(
		strstr(tap(), "not ok 4 - group.subject # 0 checks\n  ---\n  verdict: ERROR\n"));
	assert_non_null(strstr(tap(), "# 2 passed, 1 failed, 1 skipped, 1 errors, 1 checks\n"));
	/* The last line of the console. */
	assert_string_equal(strstr(fake.console, "report: "),
			    "report: \\R.TAP, .XML, .JSON\n"
			    "2 passed, 1 failed, 1 skipped, 1 errors, 1 checks: FAILED\n");
	assert_non_null(strstr(
		fake.console, "\nFAIL  group.subject\n      the guest's \"reason\"\nERROR group."));
	assert_non_null(strstr(fake.console, "\nSKIP  1 test: the guest's \"reason\"\n"));
	assert_non_null(strstr(fake.console, "\nFAIL: not as the SDM says; try a newer firmware"));
	assert_non_null(strstr(fake.console, "\nERROR: the test broke off"));
	assert_int_equal(pages_in_use(), pages);
}

/* What was asked for, the machine's details as numbers, and what is missing. */
static void test_head_and_outcome(void **state)
{
	struct test_run run = verdict(VERDICT_PASS, "");

	(void)state;
	facts_add(&facts, "date", "2026-01-02 03:04:05");
	facts_number(&facts, "cpu_family", 6);
	facts_detail(&facts, "board_vendor", "A \"b\"");
	assert_int_equal(open_report(1), STATUS_OK);
	report_test(&run, 1);
	report_close("avx is required");
	assert_json();
	assert_string_equal(json_member(json(), "format", 0), "1");
	assert_string_equal(json_member(json(), "options", 0), "\"-s \"a b\"\"");
	assert_string_equal(json_member(json(), "seed", 0), "7");
	assert_string_equal(json_member(json(), "start", 0), "\"2026-01-02 03:04:05\"");
	assert_string_equal(json_member(json(), "avx", 0), "true");
	assert_string_equal(json_member(json(), "virtualization", 0), "false");
	assert_string_equal(json_member(json(), "cpu_family", 0), "6");
	assert_string_equal(json_member(json(), "board_vendor", 0), "\"A \"b\"\"");
	assert_string_equal(json_member(json(), "outcome", 0), "\"INCOMPLETE\"");
	assert_string_equal(json_member(json(), "lacks", 0), "\"avx is required\"");
	assert_non_null(strstr(fake.console, "INCOMPLETE: avx is required\n"));
	assert_non_null(strstr(fake.console, " 0 checks: INCOMPLETE\n"));
	assert_non_null(strstr(xml(), "<system-out>INCOMPLETE: avx is required</system-out>"));
	/* A failure outranks it. */
	run = verdict(VERDICT_ERROR, "x");
	assert_int_equal(open_report(1), STATUS_OK);
	report_test(&run, 1);
	report_close("avx is required");
	assert_string_equal(json_member(json(), "outcome", 0), "\"FAILED\"");
}

/* Every text that may hold a quote or a bracket is escaped; each verdict has its element. */
static void test_junit(void **state)
{
	static const enum verdict verdicts[] = { VERDICT_PASS, VERDICT_SKIP, VERDICT_FAIL,
						 VERDICT_ERROR };

	(void)state;
	facts_add(&facts, "cpu", "<&\x01>");
	assert_int_equal(open_report(4), STATUS_OK);
	for (unsigned i = 0; i < ARRAY_SIZE(verdicts); i++) {
		struct test_run run = verdict(verdicts[i], i ? "\"a\" < b & c" : "");

		run.ticks = platform->clock_hz * 3 / 2;
		if (i == 2)
			test_note(&run, "%s", "]]> note");
		report_test(&run, i + 1);
	}
	report_close(NULL);
	assert_non_null(strstr(xml(), "<testsuite name=\"assay\" tests=\"4\" failures=\"1\" "
				      "errors=\"1\" skipped=\"1\" time=\""));
	assert_non_null(strstr(xml(), "name=\"cpu\" value=\"&lt;&amp;?&gt;\"/>\n</properties>\n"
				      "<testcase classname=\"assay.group\" "
				      "name=\"group.subject\" time=\"1.500\"/>\n"));
	assert_non_null(
		strstr(xml(), "<skipped message=\"&quot;a&quot; &lt; b &amp; c\"/>\n</testcase>"));
	assert_non_null(strstr(xml(), "<failure message=\"&quot;a&quot; &lt; b &amp; c\" "
				      "type=\"FAIL\">"));
	assert_non_null(strstr(xml(), "\n]]&gt; note\n</failure>\n</testcase>\n"));
	assert_non_null(strstr(xml(), "</testsuite>\n</testsuites>\n"));
}

/* What a run without an end leaves is read again, and the test in which it came is blamed. */
static void test_read_again(void **state)
{
	static const struct test last = { .name = "group.last" };
	struct test_run run = { .test = &a_test };
	struct tap_known known;

	(void)state;
	assert_int_equal(open_report(5), STATUS_OK);
	assert_true(tap_read_open("\\R.TAP", &known));
	assert_true(known.starting);
	tap_read_close();
	report_started(&facts, facts.count);
	assert_true(tap_read_open("\\R.TAP", &known));
	assert_false(known.starting);
	tap_read_close();
	run.expectations = 412;
	run.verdict = VERDICT_PASS;
	report_test(&run, 1);
	run = verdict(VERDICT_SKIP, "needs AVX");
	report_test(&run, 2);
	run = verdict(VERDICT_FAIL, "");
	expect_bits(&run, "the guest's 'x'", 0x1A, 2);
	report_test(&run, 3);
	run = verdict(VERDICT_ERROR, "broken");
	report_test(&run, 4);
	report_running(&last, 5, true);

	assert_true(tap_read_open("\\R.TAP", &known));
	assert_int_equal(known.tests, 4);
	assert_false(known.starting);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const reasons[] = { "", "needs AVX", "the guest's 'x'",
						       "broken" };
		static const enum verdict verdicts[] = { VERDICT_PASS, VERDICT_SKIP, VERDICT_FAIL,
							 VERDICT_ERROR };

		run = (struct test_run){ .test = &a_test };
		assert_true(tap_read_next(&run, i + 1));
		assert_int_equal(run.verdict, verdicts[i]);
		assert_string_equal(run.reason, reasons[i]);
		assert_string_equal(run.wanted, i == 2 ? "1AH" : "");
		assert_int_equal(run.expectations, i == 0 ? 412 : i == 2);
	}
	run = (struct test_run){ .test = &last };
	assert_true(tap_read_next(&run, 5));
	assert_string_equal(run.reason, "the machine was reset during this test");
	run = (struct test_run){ .test = &a_test };
	assert_false(tap_read_next(&run, 6));
	report_close(NULL);
	assert_false(tap_read_open("\\R.TAP", &known)); /* it is finished */
}

/* The hypervisor below is named where there is one: its firmware has no say. */
static void test_advice(void **state)
{
	struct test_run run = verdict(VERDICT_FAIL, "");

	(void)state;
	facts_add(&facts, "assay", "0.1 (abc)");
	facts_add(&facts, "system", "Maker Board");
	facts_add(&facts, "hypervisor", "KVMKVMKVM");
	facts_add(&facts, "cpu brand", "A CPU");
	facts_add(&facts, "bios", "Firm 1.2");
	expect_bits(&run, "a register", 0x1A, 2);
	assert_int_equal(open_report(1), STATUS_OK);
	report_test(&run, 1);
	report_close(NULL);
	assert_non_null(strstr(fake.console,
			       "\nassay 0.1 (abc) on Maker Board under KVMKVMKVM\n"
			       "A CPU; Firm 1.2\n"
			       "FAIL  group.subject\n"
			       "      a register: wanted 1AH, got 2H\n"
			       "FAIL: not as the SDM says; a defect of the hypervisor "
			       "below: KVMKVMKVM\n"));
}

/* A test that did not pass says where, what it is about, and how to run it again; others do not. */
static void test_explanations(void **state)
{
	struct test_run run = { .test = &a_test };
	char where[80];

	(void)state;
	assert_int_equal(open_report(2), STATUS_OK);
	expect(&run, "one", 1, 1);
	test_settle(&run);
	report_test(&run, 1);
	assert_null(strstr(tap(), "about"));
	assert_null(strstr(fake.console, "about"));
	expect(&run, "two", 1, 2);
	snprintf(where, sizeof(where), "tests/host/suite/report_test.c:%d", __LINE__ - 1);
	test_settle(&run);
	report_test(&run, 2);
	report_close(NULL);
	assert_json();
	assert_tap(2, 2);
	assert_string_equal(json_member(json(), "about", 0), "\"it's about \"this\"\"");
	assert_string_equal(json_member(json(), "about", 1), "");
	assert_string_equal(json_member(json(), "again", 0),
			    "\"assay.efi --seed 7 group.subject\"");
	assert_non_null(strstr(json_member(json(), "where", 0), where));
	assert_non_null(strstr(xml(), "about: it's about &quot;this&quot;\n"));
	assert_non_null(strstr(tap(), "  about: 'it''s about \"this\"'\n  means: 'a failure"));
	assert_non_null(strstr(fake.console,
			       "      means  a failure means that the line on the console is too "
			       "long and is\n             broken at a blank\n"
			       "      again  assay.efi --seed 7 group.subject\n"));
}

/* Everything at its longest: the lines after the last test fit 80x25, one for the prompt left. */
static void test_summary_fits(void **state)
{
	struct test_run run;
	const char *line;
	unsigned lines = 0;

	(void)state;
	assert_int_equal(open_report(60), STATUS_OK);
	summary_why("so many reasons", "so much advice");
	memset(facts.fact[0].value, 'x', FACT_TEXT - 1);
	facts.fact[0].name = "hypervisor";
	facts.count = 1;
	for (unsigned i = 0; i < 60; i++) {
		char why[TEST_TEXT];

		memset(why, 'a' + (int)i / 3 % 26, sizeof(why) - 1);
		why[sizeof(why) - 1] = '\0';
		run = verdict(i % 3 ? i % 3 == 1 ? VERDICT_FAIL : VERDICT_ERROR : VERDICT_SKIP,
			      why);
		report_test(&run, i + 1);
	}
	fake.console_size = 0;
	report_close("so much that it lacks");
	for (line = fake.console; *line; lines++) {
		assert_in_range(strcspn(line, "\n"), 0, 79);
		line += strcspn(line, "\n") + 1;
	}
	assert_in_range(lines, 10, 24);
}

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

static void test_no_memory(void **state)
{
	(void)state;
	fake_platform.arena_pages = 20;
	pages_setup();
	assert_int_equal(open_report(1), STATUS_NO_MEMORY);
	assert_int_equal(pages_in_use(), 0);
}

static void test_lines(void **state)
{
	char text[2000];

	(void)state;
	report_line("%s %u", "a line", 7);
	assert_string_equal(fake.console, "a line 7\n");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	report_line("%s", text); /* cut, and the line still ends */
	assert_in_range(fake.console_size, 900, 1100);
	assert_int_equal(fake.console[fake.console_size - 1], '\n');
	facts_add(&facts, "words", "%s",
		  "aaa bbb ccc ddd eee fff ggg hhh iii jjj kkk lll mmm nnn ooo");
	assert_int_equal(open_report(1), STATUS_OK);
	assert_non_null(strstr(fake.console,
			       "words                  aaa bbb ccc ddd eee fff ggg hhh "
			       "iii jjj kkk lll mmm nnn\n"
			       "    ooo\n"));
	report_close(NULL);
}

static void test_facts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FACTS_MAX; i++)
		facts_add(&facts, "fact", "%u", i);
	assert_int_equal(facts.count, FACTS_MAX);
	assert_string_equal(facts.fact[FACTS_MAX - 1].value, "63");
	facts_add(&facts, "more", "%s", "x");
	assert_int_equal(facts.count, FACTS_MAX);
	assert_string_equal(facts.fact[FACTS_MAX - 1].name, "facts dropped");
	assert_string_equal(facts.fact[FACTS_MAX - 1].value, "2");
	for (unsigned i = 0; i < 20; i++)
		facts_add(&facts, "more", "%s", "x");
	assert_string_equal(facts.fact[FACTS_MAX - 1].value, "22");
	assert_string_equal(facts.fact[FACTS_MAX - 2].value, "62");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(test_verdicts),
		TEST(test_skips),
		TEST(test_time_left_of_a_test),
		TEST(test_whole_report),
		TEST(test_summary_fits),
		TEST(test_unfinished),
		TEST(test_very_many),
		TEST(test_bad_volumes),
		TEST(test_little_room),
		TEST(test_patience),
		TEST(test_no_memory),
		TEST(test_lines),
		TEST(test_facts),
		TEST(test_numbers_and_citations),
		TEST(test_read_again),
		TEST(test_junit),
		TEST(test_advice),
		TEST(test_explanations),
		TEST(test_head_and_outcome),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
