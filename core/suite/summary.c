#include "suite/summary.h"

#include "lib/text.h"
#include "suite/line.h"

enum { ROWS = 25, COLUMNS_MAX = 160, INDENT = 6, FAILURE_ROWS = 8, REASONS = 4 };
enum { BELOW = 3 };			    /* lines after ours: the files twice, the totals */
enum { IDENTITY = 2, NEXT = 4, LINES = 2 }; /* texts, and lines of each */

/* With an empty line first, others that were skipped, what an ERROR means, and a failure. */
_Static_assert(1 + LINES * IDENTITY + REASONS + 1 + LINES * NEXT + 1 + LINES + 1 <= ROWS - BELOW,
	       "80x25 holds the summary");

struct failure {
	enum verdict verdict;
	const char *name;
	char reason[TEST_TEXT], wanted[40], got[40];
};

static struct {
	const struct facts *facts;
	unsigned by_verdict[VERDICT_COUNT];
	struct failure failure[FAILURE_ROWS];
	unsigned failures;
	struct {
		char text[TEST_TEXT];
		unsigned count;
	} reason[REASONS];
	unsigned reasons, others; /* others: tests skipped for reasons that have no room */
	const char *why, *advice;
	bool counts; /* the lines are not printed but counted */
	unsigned lines;
} summary;

void summary_begin(const struct report_head *head)
{
	__builtin_memset(&summary, 0, sizeof(summary));
	summary.facts = head->facts;
}

static void add_failure(const struct test_run *run)
{
	struct failure *failure;

	if (summary.failures++ >= FAILURE_ROWS)
		return;
	failure = &summary.failure[summary.failures - 1];
	failure->verdict = run->verdict;
	failure->name = run->test->name;
	text_format(failure->reason, sizeof(failure->reason), "%s", run->reason);
	text_format(failure->wanted, sizeof(failure->wanted), "%s", run->wanted);
	text_format(failure->got, sizeof(failure->got), "%s", run->got);
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

static size_t columns(void)
{
	return platform->columns < LINE_COLUMNS ? LINE_COLUMNS
						: min_u64(platform->columns, COLUMNS_MAX);
}

/* The text, without its middle if it has more characters than there is room for; what is before a
 * colon or comma, a label, is kept. */
static void squeeze(char to[COLUMNS_MAX + 1], const char *text, size_t room)
{
	size_t length = text_length(text), head = room / 2, label = 0;

	while (label < length && text[label] != ':' && text[label] != ',')
		label++;
	if (label < length && label > head && label + 2 <= room)
		head = label;
	if (length <= room)
		text_format(to, COLUMNS_MAX + 1, "%s", text);
	else
		text_format(to, COLUMNS_MAX + 1, "%.*s..%s", (int)head, text,
			    text + length - (room - head - 2));
}

/* A text of two lines at most. */
static void say(enum tone tone, const char *text)
{
	size_t length = line_piece(text, columns());
	char rest[COLUMNS_MAX + 1];

	summary.lines += text[length] ? LINES : 1;
	if (summary.counts)
		return;
	platform->tone(tone);
	report_line("%.*s", (int)length, text);
	if (text[length]) {
		squeeze(rest, text + length + (text[length] == ' '), columns() - INDENT);
		report_line("%*s%s", INDENT, "", rest);
	}
	platform->tone(TONE_PLAIN);
}

static void say_plain(const char *format, ...) PRINTF_LIKE(1, 2);

static void say_plain(const char *format, ...)
{
	char text[2 * FACT_TEXT];
	va_list arguments;

	va_start(arguments, format);
	text_format_v(text, sizeof(text), format, arguments);
	va_end(arguments);
	say(TONE_PLAIN, text);
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

	say_plain("assay %s%s%s%s%s", fact("assay"), named ? " on " : "",
		  named ? fact("system") : "", under_a_hypervisor() ? " under " : "",
		  under_a_hypervisor() ? fact("hypervisor") : "");
	say_plain("%s; %s", fact("cpu brand"),
		  facts_find(summary.facts, "bios")[0] ? fact("bios") : fact("firmware"));
}

/* Reason, wanted and got; where there is no room for all, the longest gives way first. The reason,
 * which has the label, counts half. */
static void failure_text(char text[COLUMNS_MAX + 1], const struct failure *failure, size_t room)
{
	const char *from[3] = { failure->reason, failure->wanted, failure->got };
	char part[3][COLUMNS_MAX + 1];
	size_t length[3], between = failure->wanted[0] ? sizeof(": wanted , got ") - 1 : 0;

	for (unsigned i = 0; i < 3; i++)
		length[i] = text_length(from[i]);
	while (length[0] + length[1] + length[2] + between > room) {
		unsigned longest = length[2] > length[1] ? 2 : 1;

		length[length[0] / 2 > length[longest] ? 0 : longest]--;
	}
	for (unsigned i = 0; i < 3; i++)
		squeeze(part[i], from[i], length[i]);
	text_format(text, COLUMNS_MAX + 1, between ? "%s: wanted %s, got %s" : "%s", part[0],
		    part[1], part[2]);
}

static size_t failure_length(const struct failure *failure)
{
	return INDENT + text_length(failure->name) + 2 + text_length(failure->reason) +
	       (failure->wanted[0] ? sizeof(": wanted , got ") - 1 + text_length(failure->wanted) +
					     text_length(failure->got)
				   : 0);
}

/* Each in one line if it fits, else what came goes below the name. */
static void print_failures(unsigned room)
{
	unsigned shown = 0;

	for (; shown < summary.failures && shown < FAILURE_ROWS; shown++) {
		const struct failure *failure = &summary.failure[shown];
		bool fits = failure_length(failure) <= columns();
		unsigned lines = fits ? 1 : 2;
		char detail[COLUMNS_MAX + 1];

		if (lines + (shown + 1 < summary.failures) > room)
			break;
		room -= lines;
		failure_text(detail, failure, columns() - INDENT);
		platform->tone(TONE_FAILED);
		report_line("%-5s %s%s%s", verdict_text(failure->verdict), failure->name,
			    fits ? ": " : "", fits ? detail : "");
		platform->tone(TONE_PLAIN);
		if (!fits)
			report_line("%*s%s", INDENT, "", detail);
	}
	if (summary.failures > shown)
		report_line("and %u more, see the report", summary.failures - shown);
}

static void print_skips(void)
{
	for (unsigned i = 0; i < summary.reasons; i++) {
		char text[TEST_TEXT + 32], line[COLUMNS_MAX + 1];
		unsigned count = summary.reason[i].count;

		text_format(text, sizeof(text), "SKIP  %u test%s: %s", count, count > 1 ? "s" : "",
			    summary.reason[i].text);
		squeeze(line, text, columns());
		say(TONE_SKIPPED, line);
	}
	if (summary.others)
		say_plain("SKIP  %u more for other reasons, see the report", summary.others);
}

/* The hypervisor below makes what this machine is; its firmware and microcode have no say. */
static void print_advice(void)
{
	say_plain("FAIL: not as the %s says; %s%s", backend->cites_amd ? "APM" : "SDM",
		  under_a_hypervisor() ? "a defect of the hypervisor below: "
				       : "try a newer firmware or microcode",
		  under_a_hypervisor() ? fact("hypervisor") : "");
}

static void print_next(const struct report_totals *totals)
{
	if (summary.why)
		say_plain("Why: %s", summary.why);
	if (summary.advice)
		say_plain("%s", summary.advice);
	if (summary.by_verdict[VERDICT_FAIL])
		print_advice();
	if (summary.by_verdict[VERDICT_ERROR])
		say_plain("ERROR: the test broke off; run it alone: assay.efi NAME");
	if (totals->lacks)
		say_plain("INCOMPLETE: %s", totals->lacks);
}

void summary_brief(const struct report_totals *totals, char *text, size_t size)
{
	char counts[TOTALS_TEXT];
	size_t used;

	totals_text(totals, counts);
	used = text_format(text, size, "assay %s\n%s: %s\n%s\n%.48s\n%.60s", fact("assay"), counts,
			   report_outcome_text(totals->outcome), fact("system"), fact("cpu brand"),
			   facts_find(summary.facts, "bios")[0] ? fact("bios") : fact("firmware"));
	for (unsigned i = 0; i < summary.failures && i < FAILURE_ROWS; i++) {
		const char *name = summary.failure[i].name;

		if (used + text_length(name) + 2 > size)
			break;
		used += text_format(text + used, size - used, "\n%s", name);
	}
}

/* All but the failures goes first in the count, and they get the room that is left. */
void summary_print(const struct report_totals *totals)
{
	const unsigned rows = platform->rows < ROWS ? ROWS : platform->rows;

	summary.lines = 0;
	for (unsigned pass = 0; pass < 2; pass++) {
		const unsigned others = summary.lines;

		summary.counts = !pass;
		say_plain("%s", "");
		print_identity();
		if (pass)
			print_failures(rows - BELOW - others);
		print_skips();
		print_next(totals);
	}
}
