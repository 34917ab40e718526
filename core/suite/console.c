/* The report for people, as it happens, with the summary at the end. */
#include "lib/text.h"
#include "suite/file.h"
#include "suite/line.h"
#include "suite/sink.h"
#include "suite/summary.h"

enum { LONG_MS = 100 };	     /* a test that takes longer is told with its time */
enum { SLOW_A_SECOND = 50 }; /* lines: 20 ms each */
enum { FACT_COLUMN = 22, NEXT_COLUMN = 3 };
/* Of so many tests each failure shows so many notes, if a file has the others. */
enum { MANY_TESTS = 50, NOTES_OF_MANY = 8 };

static unsigned tests;
static unsigned notes, notes_max; /* of the test at hand */
static bool brief;		  /* tests that passed or were skipped are not told */
static const char *meant;	  /* by the last failure that was told */

/* label and text; a long text goes on below, indented, broken at spaces. */
static void print_wrapped(int indent, int column, const char *label, const char *text)
{
	bool first = true;

	while (*text || first) {
		size_t length = line_piece(text, LINE_COLUMNS - (size_t)column - 1);

		report_line("%*s%-*s %.*s", first ? indent : 0, "",
			    first ? column - indent : column, first ? label : "", (int)length,
			    text);
		if (first && !indent)
			column = NEXT_COLUMN;
		first = false;
		text += length;
		while (*text == ' ')
			text++;
	}
}

/* name and value in two columns. */
static void print_fact(const char *name, const char *value)
{
	print_wrapped(0, FACT_COLUMN, name, value);
}

static void begin(struct report_file *file, const struct report_head *head)
{
	const struct facts *facts = head->facts;

	(void)file;
	tests = head->total;
	meant = NULL;
	brief = false;
	summary_begin(head);
	for (unsigned i = 0; i < facts->count; i++)
		print_fact(facts->fact[i].name, facts->fact[i].value);
}

static void started(struct report_file *file)
{
	(void)file;
	report_line("%s", "");
	report_line("test (number of checks)"); /* at 115200 baud words on each line are dear */
}

static void running(struct report_file *file, const struct test_run *run, unsigned number,
		    bool ahead)
{
	char line[LINE_COLUMNS + 1];
	uint64_t seconds = (platform->clock() - platform->started) / platform->clock_hz;

	(void)file;
	(void)ahead;
	text_format(line, sizeof(line), "%3u/%-3u ...   %s, %llu s since the start", number, tests,
		    run->test->name, (unsigned long long)seconds);
	platform->progress(line);
}

static void print_note(struct report_file *file, const char *text, int length)
{
	(void)file;
	if (notes++ < notes_max)
		report_line("        %.*s", length, text);
}

/* A console is slow, and most of the notes are for those who look at one failure. */
static void print_notes(const struct test_run *run, bool in_file)
{
	notes = 0;
	notes_max = in_file && tests > MANY_TESTS ? NOTES_OF_MANY : ~0u;
	for_each_note(NULL, run, print_note);
	if (notes > notes_max)
		report_line("        and %u lines more in the report", notes - notes_max);
}

/* Lines that fit, the later ones indented. What the failure before meant, too, is not said again:
 * at 115200 baud that is dear. */
static void print_explanation(struct report_file *file, const char *name, const char *text)
{
	enum { MARGIN = 6, NAME = 6 };

	(void)file;
	if (text_equal(name, "means")) {
		if (text == meant)
			return;
		meant = text;
	}
	print_wrapped(MARGIN, MARGIN + NAME, name, text);
}

/*
 * Where a line takes longer than most tests do, only failures are told. Not if a program may read
 * the console, nor if the volume does not keep what is left out.
 */
static bool is_left_out(const struct test_run *run)
{
	const uint64_t ticks = report_line_ticks();

	if (run->verdict == VERDICT_FAIL || run->verdict == VERDICT_ERROR ||
	    platform->console_is_read || files_refused() != STATUS_OK)
		return false;
	if (!brief && ticks > platform->clock_hz / SLOW_A_SECOND) {
		brief = true;
		report_line(
			"a line takes %u ms here: from now on only failures; the report has all",
			(unsigned)(ticks * 1000 / platform->clock_hz));
	}
	return brief;
}

static void tell(const struct test_run *run, bool in_file)
{
	static const enum tone tones[VERDICT_COUNT] = { TONE_PLAIN, TONE_FAILED, TONE_SKIPPED,
							TONE_FAILED };
	unsigned ms = (unsigned)(run->ticks * 1000 / platform->clock_hz);
	const char *verdict = verdict_text(run->verdict);
	char time[24] = "";

	if (is_left_out(run))
		return;
	if (ms >= LONG_MS)
		text_format(time, sizeof(time), ", %u ms", ms);
	platform->tone(tones[run->verdict]);
	if (run->verdict == VERDICT_SKIP)
		report_line("%-4s %s: %s", verdict, run->test->name, run->reason);
	else
		report_line("%-4s %s (%u%s)", verdict, run->test->name, run->expectations, time);
	platform->tone(TONE_PLAIN);
	if (run->verdict == VERDICT_PASS || run->verdict == VERDICT_SKIP)
		return;
	report_line("      %s", run->reason);
	if (run->wanted[0])
		report_line("      wanted %s, got %s", run->wanted, run->got);
	report_line("      %s", test_spec(run));
	for_each_explanation(NULL, run, print_explanation);
	print_notes(run, in_file);
}

static void again(const struct test_run *run)
{
	tell(run, false);
}

static void test(struct report_file *file, const struct test_run *run, unsigned number)
{
	(void)file;
	(void)number;
	summary_add(run);
	tell(run, files_refused() == STATUS_OK);
}

static void bench(struct report_file *file, const char *name, uint64_t value, const char *unit)
{
	(void)file;
	report_line("%-48s %12llu %s", name, (unsigned long long)value, unit);
}

static void end(struct report_file *file, const struct report_totals *totals)
{
	static const enum tone tones[] = { [REPORT_PASSED] = TONE_PASSED,
					   [REPORT_FAILED] = TONE_FAILED,
					   [REPORT_INCOMPLETE] = TONE_SKIPPED };
	char text[TOTALS_TEXT];

	(void)file;
	totals_text(totals, text);
	summary_print(totals);
	if (totals->files[0])
		report_line("report: %s", totals->files);
	if (totals->refused)
		report_line("report: %s on the screen: %s",
			    totals->files[0] ? "the rest only" : "only",
			    totals->refused == STATUS_NOT_FOUND ? "no volume to write to"
								: status_text(totals->refused));
	platform->tone(tones[totals->outcome]);
	report_line("%s: %s", text, report_outcome_text(totals->outcome));
	platform->tone(TONE_PLAIN);
}

const struct report_sink console_sink = {
	.begin = begin,
	.fact = print_fact,
	.started = started,
	.running = running,
	.test = test,
	.again = again,
	.bench = bench,
	.end = end,
};
