#include "suite/summary.h"

#include "lib/text.h"
#include "suite/line.h"

enum { FAILURES = 11, REASONS = 4, ADVICE = 2, NEXT = 2 };

/* Lines, with an empty one first, "and N more" twice, the files and the totals. */
_Static_assert(1 + FAILURES + 1 + REASONS + 1 + ADVICE + NEXT <= 22, "80x25 holds the summary");

static struct {
	unsigned by_verdict[VERDICT_COUNT];
	struct {
		enum verdict verdict;
		char text[LINE_COLUMNS + 1];
	} failure[FAILURES];
	unsigned failures;
	struct {
		char text[TEST_TEXT];
		unsigned count;
	} reason[REASONS];
	unsigned reasons, others; /* others: tests skipped for reasons that have no room */
	const char *why, *advice;
} summary;

void summary_begin(void)
{
	__builtin_memset(&summary, 0, sizeof(summary));
}

static void add_failure(const struct test_run *run)
{
	unsigned n = summary.failures++;

	if (n >= FAILURES)
		return;
	summary.failure[n].verdict = run->verdict;
	text_format(summary.failure[n].text, sizeof(summary.failure[n].text), "%-5s %s: %s",
		    verdict_text(run->verdict), run->test->name, run->reason);
}

static void add_skip(const struct test_run *run)
{
	unsigned n = 0;

	while (n < summary.reasons && !text_equal(summary.reason[n].text, run->reason))
		n++;
	if (n == REASONS) {
		summary.others++;
		return;
	}
	if (n == summary.reasons) {
		summary.reasons++;
		text_format(summary.reason[n].text, TEST_TEXT, "%s", run->reason);
	}
	summary.reason[n].count++;
}

void summary_add(const struct test_run *run)
{
	summary.by_verdict[run->verdict]++;
	if (run->verdict == VERDICT_SKIP)
		add_skip(run);
	else if (run->verdict != VERDICT_PASS)
		add_failure(run);
}

void summary_why(const char *why, const char *advice)
{
	summary.why = why;
	summary.advice = advice;
}

static void line_in(enum tone tone, const char *text)
{
	platform->tone(tone);
	report_line("%.*s", LINE_COLUMNS, text);
	platform->tone(TONE_PLAIN);
}

static void print_skips(void)
{
	for (unsigned i = 0; i < summary.reasons; i++) {
		char text[TEST_TEXT + 32];
		unsigned count = summary.reason[i].count;

		text_format(text, sizeof(text), "SKIP  %u test%s: %s", count, count > 1 ? "s" : "",
			    summary.reason[i].text);
		line_in(TONE_SKIPPED, text);
	}
	if (summary.others)
		report_line("SKIP  %u more for other reasons, see the report", summary.others);
}

static void print_next(void)
{
	if (summary.why)
		report_line("Why: %.*s", LINE_COLUMNS - 5, summary.why);
	if (summary.advice)
		report_line("%.*s", LINE_COLUMNS, summary.advice);
	if (summary.by_verdict[VERDICT_FAIL])
		report_line("FAIL: not as the SDM says (sections: in the report); %s",
			    platform->hypervisor ? "tell its makers" : "try a newer firmware");
	if (summary.by_verdict[VERDICT_ERROR])
		report_line("ERROR: the test broke off; run it alone: assay.efi NAME");
}

void summary_print(void)
{
	report_line("%s", "");
	for (unsigned i = 0; i < summary.failures && i < FAILURES; i++)
		line_in(TONE_FAILED, summary.failure[i].text);
	if (summary.failures > FAILURES)
		report_line("and %u more, see the report", summary.failures - FAILURES);
	print_skips();
	print_next();
}
