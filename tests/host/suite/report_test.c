/* The files of the report: JSON, TAP and JUnit that are well formed, whatever is said in them. */
#include "suite/tap_read.h"

#include "lib/pages.h"

#include "tests/host/fake/fake_citations.h"
#include "tests/host/fake/fake_json.h"
#include "tests/host/fake/fake_platform.h"
#include "tests/host/fake/fake_report.h"
#include "tests/host/fake/host_test.h"

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
	assert_non_null(strstr(fake.console,
			       "\nFAIL  group.subject: the guest's \"reason\"\nERROR group."));
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
	run = (struct test_run){ .test = &last };
	report_running(&run, 5, true);

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
#define TEST(name) cmocka_unit_test_setup(name, report_set_up)
	const struct CMUnitTest tests[] = {
		TEST(test_whole_report), TEST(test_head_and_outcome), TEST(test_junit),
		TEST(test_explanations), TEST(test_read_again),	      TEST(test_facts),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
