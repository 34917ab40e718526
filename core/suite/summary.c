#include "suite/summary.h"

#include "lib/text.h"
#include "suite/line.h"

enum { IDENTITY = 2, FAILURE_ROWS = 8, REASONS = 4, NEXT = 5, INDENT = 6 };

/* Lines, with an empty one first, "and N more" twice, the files and the totals. */
_Static_assert(1 + IDENTITY + FAILURE_ROWS + 1 + REASONS + 1 + NEXT <= 22,
	       "80x25 holds the summary");

static struct {
	const struct facts *facts;
	unsigned by_verdict[VERDICT_COUNT];
	struct {
		enum verdict verdict;
		char text[LINE_COLUMNS + 1];   /* all in one line */
		char detail[LINE_COLUMNS + 1]; /* below its name, where there is room */
		const char *name;
	} failure[FAILURE_ROWS];
	unsigned failures;
	struct {
		char text[TEST_TEXT];
		unsigned count;
	} reason[REASONS];
	unsigned reasons, others; /* others: tests skipped for reasons that have no room */
	const char *why, *advice;
} summary;

void summary_begin(const struct report_head *head)
{
	__builtin_memset(&summary, 0, sizeof(summary));
	summary.facts = head->facts;
}

/*
 * A line: the start, as much of the reason as fits, and what was wanted and came; these are left
 * out if they leave too little of the reason to say what failed.
 */
static void line_text(char text[LINE_COLUMNS + 1], const char *start, const char *reason,
		      const char *numbers)
{
	enum { REASON_LEAST = 20 };
	const size_t length = text_length(reason), before = text_length(start);
	const size_t after = text_length(numbers);
	size_t room = LINE_COLUMNS - min_u64(before, LINE_COLUMNS);

	if (room < after + (length < REASON_LEAST ? length : REASON_LEAST))
		numbers = "";
	else
		room -= after;
	text_format(text, LINE_COLUMNS + 1, "%s%.*s%s", start, (int)room, reason, numbers);
}

static void add_failure(const struct test_run *run)
{
	unsigned n = summary.failures++;
	char numbers[96] = "", start[LINE_COLUMNS + 1];

	if (n >= FAILURE_ROWS)
		return;
	if (run->wanted[0])
		text_format(numbers, sizeof(numbers), ": wanted %.30s, got %.30s", run->wanted,
			    run->got);
	summary.failure[n].verdict = run->verdict;
	summary.failure[n].name = run->test->name;
	text_format(start, sizeof(start), "%*s", INDENT, "");
	line_text(summary.failure[n].detail, start, run->reason, numbers);
	text_format(start, sizeof(start), "%-5s %s: ", verdict_text(run->verdict), run->test->name);
	line_text(summary.failure[n].text, start, run->reason, numbers);
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

static const char *fact(const char *name)
{
	const char *value = facts_find(summary.facts, name);

	return value[0] ? value : "unknown";
}

static bool under_a_hypervisor(void)
{
	return facts_find(summary.facts, "hypervisor")[0] &&
	       !text_glob("none *", fact("hypervisor"));
}

/* So that a picture of the screen says of what it is. */
static void print_identity(void)
{
	bool named = facts_find(summary.facts, "system")[0];
	char text[2 * FACT_TEXT];

	text_format(text, sizeof(text), "assay %s%s%s%s%s", fact("assay"), named ? " on " : "",
		    named ? fact("system") : "", under_a_hypervisor() ? " under " : "",
		    under_a_hypervisor() ? fact("hypervisor") : "");
	report_line("%.*s", LINE_COLUMNS, text);
	text_format(text, sizeof(text), "%.40s; %s", fact("cpu brand"),
		    facts_find(summary.facts, "bios")[0] ? fact("bios") : fact("firmware"));
	report_line("%.*s", LINE_COLUMNS, text);
}

static void print_failures(void)
{
	bool roomy = 2 * summary.failures <= FAILURE_ROWS;

	for (unsigned i = 0; i < summary.failures && i < FAILURE_ROWS; i++) {
		char text[LINE_COLUMNS + 1];

		text_format(text, sizeof(text), "%-5s %s", verdict_text(summary.failure[i].verdict),
			    summary.failure[i].name);
		line_in(TONE_FAILED, roomy ? text : summary.failure[i].text);
		if (roomy)
			report_line("%s", summary.failure[i].detail);
	}
	if (summary.failures > FAILURE_ROWS)
		report_line("and %u more, see the report", summary.failures - FAILURE_ROWS);
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

/* The hypervisor below makes what this machine is; its firmware and microcode have no say. */
static void print_advice(void)
{
	char text[FACT_TEXT];

	text_format(text, sizeof(text), "FAIL: not as the %s says; %s%s",
		    backend->cites_amd ? "APM" : "SDM",
		    under_a_hypervisor() ? "a defect of the hypervisor below: "
					 : "try a newer firmware or microcode",
		    under_a_hypervisor() ? fact("hypervisor") : "");
	report_line("%.*s", LINE_COLUMNS, text);
}

static void print_next(const struct report_totals *totals)
{
	if (summary.why)
		report_line("Why: %.*s", LINE_COLUMNS - 5, summary.why);
	if (summary.advice)
		report_line("%.*s", LINE_COLUMNS, summary.advice);
	if (summary.by_verdict[VERDICT_FAIL])
		print_advice();
	if (summary.by_verdict[VERDICT_ERROR])
		report_line("ERROR: the test broke off; run it alone: assay.efi NAME");
	if (totals->lacks)
		report_line("INCOMPLETE: %.*s", LINE_COLUMNS - 12, totals->lacks);
}

void summary_brief(const struct report_totals *totals, char *text, size_t size)
{
	char counts[TOTALS_TEXT];
	size_t used;

	totals_text(totals, counts);
	used = text_format(text, size, "assay %s\n%s: %s\n%s\n%.40s\n%.40s", fact("assay"), counts,
			   report_outcome_text(totals->outcome), fact("system"), fact("cpu brand"),
			   facts_find(summary.facts, "bios")[0] ? fact("bios") : fact("firmware"));
	for (unsigned i = 0; i < summary.failures && i < FAILURE_ROWS && used < size; i++)
		used += text_format(text + used, size - used, "\n%s", summary.failure[i].name);
}

void summary_print(const struct report_totals *totals)
{
	report_line("%s", "");
	print_identity();
	print_failures();
	print_skips();
	print_next(totals);
}
