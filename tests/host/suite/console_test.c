/* What the console says: lines, and the summary after the last test. */
#include "suite/line.h"
#include "suite/summary.h"

#include "tests/host/fake/fake_platform.h"
#include "tests/host/fake/fake_report.h"
#include "tests/host/fake/host_test.h"

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

static void report_at_its_longest(void)
{
	memset(facts.fact[0].value, 'x', FACT_TEXT - 1);
	facts.fact[0].name = "hypervisor";
	facts.count = 1;
	for (unsigned i = 0; i < 60; i++) {
		struct test_run run;
		char why[TEST_TEXT];

		memset(why, 'a' + (int)i / 3 % 26, sizeof(why) - 1);
		why[sizeof(why) - 1] = '\0';
		run = verdict(i % 3 ? i % 3 == 1 ? VERDICT_FAIL : VERDICT_ERROR : VERDICT_SKIP,
			      why);
		report_test(&run, i + 1);
	}
}

/* Everything at its longest: the lines after the last test fit the screen, one for the prompt left;
 * 80x25 where there is none. */
static void test_summary_fits(void **state)
{
	static const struct {
		unsigned columns, rows, width, lines;
	} screens[] = { { 0, 0, 79, 24 },   { 79, 25, 79, 24 },	  { 40, 12, 79, 24 },
			{ 99, 31, 99, 30 }, { 160, 50, 160, 49 }, { 500, 90, 160, 89 } };

	for (unsigned i = 0; i < ARRAY_SIZE(screens); i++) {
		const char *line;
		unsigned lines = 0, longest = 0;

		report_set_up(state);
		fake_platform.columns = screens[i].columns;
		fake_platform.rows = screens[i].rows;
		assert_int_equal(open_report(60), STATUS_OK);
		summary_why("so many reasons", "so much advice");
		report_at_its_longest();
		fake.console_size = 0;
		report_close("so much that it lacks");
		for (line = fake.console; *line; lines++) {
			unsigned length = (unsigned)strcspn(line, "\n");

			longest = length > longest ? length : longest;
			line += length + 1;
		}
		assert_int_equal(longest, screens[i].width);
		assert_in_range(lines, 10, screens[i].lines);
	}
}

/* What a picture of the screen must say whole, however wide that is. */
static void test_identity_is_whole(void **state)
{
	static const char *const whole[] = {
		"assay 0.1 (486ba94f96-dirty) on QEMU Standard PC (Q35 + ICH9, 2009) under "
		"TCGTCGTCGTCG",
		"Intel Core i7 9xx (Nehalem Class Core i7, IBRS update); EFI Development Kit II / "
		"OVMF 2022.11-6+deb12u2, 02/06/2015",
		"Why: this processor offers neither VMX (CPUID.1:ECX.VMX) nor SVM "
		"(CPUID.80000001H:ECX.SVM)",
	};

	for (unsigned columns = 0; columns < 200; columns += 99) {
		char text[sizeof(fake.console)];
		size_t used = 0;

		report_set_up(state);
		fake_platform.columns = columns;
		facts_add(&facts, "assay", "0.1 (486ba94f96-dirty)");
		facts_add(&facts, "system", "QEMU Standard PC (Q35 + ICH9, 2009)");
		facts_add(&facts, "hypervisor", "TCGTCGTCGTCG");
		facts_add(&facts, "cpu brand",
			  "Intel Core i7 9xx (Nehalem Class Core i7, IBRS update)");
		facts_add(&facts, "bios",
			  "EFI Development Kit II / OVMF 2022.11-6+deb12u2, 02/06/2015");
		assert_int_equal(open_report(1), STATUS_OK);
		summary_why(whole[2] + strlen("Why: "), NULL);
		report_close(NULL);
		assert_int_equal(strstr(fake.console, whole[2]) != NULL, columns > 90);
		for (const char *from = fake.console; *from; from++) /* lines put together again */
			if (strncmp(from, "\n      ", 7))
				text[used++] = *from;
			else
				text[used++] = ' ', from += 6;
		text[used] = '\0';
		for (unsigned i = 0; i < ARRAY_SIZE(whole); i++)
			assert_non_null(strstr(text, whole[i]));
	}
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
			       "FAIL  group.subject: a register: wanted 1AH, got 2H\n"
			       "FAIL: not as the SDM says; a defect of the hypervisor "
			       "below: KVMKVMKVM\n"));
}

static void fail_so(unsigned columns, const char *what, const char *wanted, const char *got)
{
	struct test_run run = verdict(VERDICT_FAIL, "");
	void *none = NULL;

	report_set_up(&none);
	fake_platform.columns = columns;
	expect_failed(&run, what, wanted, got);
	assert_int_equal(open_report(60), STATUS_OK);
	for (unsigned i = 0; i < 20; i++)
		report_test(&run, i + 1);
	fake.console_size = 0;
	report_close(NULL);
}

/* A failure keeps its label, what was wanted and what came: below its name where the line is too
 * short, and the longest of them loses its middle where that is too short as well. */
static void test_summary_lines(void **state)
{
	(void)state;
	fail_so(0, "ctl.entry.smm: 1 of 4 cases", "VMfailValid 7",
		"exit reason 33, qualification 0");
	assert_non_null(strstr(fake.console,
			       "\nFAIL  group.subject\n"
			       "      ctl.entry.smm: 1 of 4 cases: wanted VMfailValid "
			       "7, got exit reason 33.. 0\n"));
	fail_so(120, "ctl.entry.smm: 1 of 4 cases", "VMfailValid 7",
		"exit reason 33, qualification 0");
	assert_non_null(strstr(fake.console,
			       "\nFAIL  group.subject: ctl.entry.smm: 1 of 4 cases: wanted "
			       "VMfailValid 7, got exit reason 33, qualification 0\n"));
	fail_so(0,
		"exit.55.xsetbv, row 0, case 0, protected mode, PAE, CPL 3: "
		"EXIT_INTERRUPTION_INFO",
		"80000B0DH", "0H");
	assert_non_null(strstr(fake.console,
			       "\n      exit.55.xsetbv, row 0, ..EXIT_INTERRUPTION_INFO: "
			       "wanted 80000B0DH, got 0H\n"));
	fail_so(0, "ctl.msr.entry_load.wrap: 1 of 1 cases", "VMfailValid 7",
		"exit reason 33, qualification 0");
	assert_non_null(strstr(fake.console, "\n      ctl.msr.entry_load.wrap.. cases: wanted "
					     "VMfailValid 7, got exit re..ion 0\n"));
	/* Here a failure takes two lines, and the rest of them is counted. */
	assert_non_null(strstr(fake.console, "\nand 12 more, see the report\n"));
}

/* For the QR code: no name of a test is cut. */
static void test_brief(void **state)
{
	static const char start[] = "assay 0.1\n0 passed, 3 failed, 0 skipped, 0 errors, 3 checks: "
				    "FAILED\nunknown\nA CPU\nFirm 1.2\n";
	static const char name[] = "group.subject";
	struct test_run run = verdict(VERDICT_FAIL, "");
	char text[sizeof(start) + 3 * sizeof(name)];

	(void)state;
	expect(&run, "what", 1, 2);
	facts_add(&facts, "assay", "0.1");
	facts_add(&facts, "cpu brand", "A CPU");
	facts_add(&facts, "bios", "Firm 1.2");
	assert_int_equal(open_report(3), STATUS_OK);
	for (unsigned i = 0; i < 3; i++)
		report_test(&run, i + 1);
	report_close(NULL);
	for (size_t size = sizeof(start); size < sizeof(text); size++) {
		size_t names = (size - sizeof(start) + 1) / sizeof(name);

		summary_brief(report_totals(), text, size);
		assert_memory_equal(text, start, sizeof(start) - 2);
		assert_int_equal(strlen(text), sizeof(start) - 2 + names * sizeof(name));
	}
}

/* Many tests: the console shows the first notes of a failure, the files have all. */
static void test_notes(void **state)
{
	struct test_run run = verdict(VERDICT_FAIL, "");

	(void)state;
	for (unsigned i = 1; i <= 20; i++)
		test_note(&run, "note %u", i);
	assert_int_equal(open_report(51), STATUS_OK);
	report_test(&run, 1);
	assert_non_null(strstr(fake.console, "note 8\n        and 12 lines more in the report\n"));
	assert_null(strstr(fake.console, "note 9\n"));
	report_again(&run); /* no file has this one */
	assert_non_null(strstr(fake.console, "note 20\n"));
	report_close(NULL);
	assert_non_null(strstr(tap(), "note 20\n"));

	fake.console_size = 0;
	assert_int_equal(open_report(50), STATUS_OK);
	report_test(&run, 1);
	assert_non_null(strstr(fake.console, "note 20\n"));
	report_close(NULL);
}

static void test_notes_without_volume(void **state)
{
	struct test_run run = verdict(VERDICT_FAIL, "");

	(void)state;
	for (unsigned i = 1; i <= 20; i++)
		test_note(&run, "note %u", i);
	fake.file_status = STATUS_NOT_FOUND;
	assert_int_equal(open_report(51), STATUS_OK);
	report_test(&run, 1);
	assert_non_null(strstr(fake.console, "note 20\n"));
	report_close(NULL);
}

static bool tells(enum verdict of)
{
	struct test_run run = verdict(of, "why");

	fake.console_size = 0;
	fake.console[0] = '\0';
	report_test(&run, 1);
	return strstr(fake.console, "group.subject");
}

/* Where a line takes more than 20 ms only failures are told, once that has been said. */
static void test_slow_console(void **state)
{
	const uint64_t ms = platform->clock_hz / 1000;
	static const struct {
		unsigned ms;
		bool read, refused, brief;
	} rows[] = {
		{ 15, false, false, false },
		{ 30, false, false, true },
		{ 30, true, false, false },
		{ 30, false, true, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		report_set_up(state);
		fake_platform.console_is_read = rows[i].read;
		fake.print_ticks = rows[i].ms * ms;
		fake.file_status = rows[i].refused ? STATUS_VOLUME_FULL : STATUS_OK;
		for (unsigned n = 0; n < 40; n++)
			report_line("a fact");
		assert_int_equal(open_report(4), STATUS_OK);
		assert_true(tells(VERDICT_FAIL));
		assert_int_equal(tells(VERDICT_PASS), !rows[i].brief);
		assert_int_equal(strstr(fake.console, "only failures; the report has all") != NULL,
				 rows[i].brief);
		assert_int_equal(tells(VERDICT_SKIP), !rows[i].brief);
		assert_null(strstr(fake.console, "only failures"));
		assert_true(tells(VERDICT_ERROR));
		report_close(NULL);
		assert_non_null(strstr(fake.console, "1 passed, 1 failed, 1 skipped, 1 errors"));
	}
	fake_platform.console_is_read = false;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, report_set_up)
	const struct CMUnitTest tests[] = {
		TEST(test_lines),  TEST(test_summary_fits),	    TEST(test_identity_is_whole),
		TEST(test_advice), TEST(test_summary_lines),	    TEST(test_brief),
		TEST(test_notes),  TEST(test_notes_without_volume), TEST(test_slow_console),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
