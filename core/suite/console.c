/* The report for people, as it happens, with the summary at the end. */
#include "lib/text.h"
#include "suite/line.h"
#include "suite/sink.h"
#include "suite/summary.h"

enum { LONG_MS = 100 }; /* a test that takes longer is told with its time */

static unsigned tests;

/* name and value in two columns; a long value goes on below, indented, broken at spaces. */
static void print_fact(const char *name, const char *value)
{
	enum { LABEL = 22, INDENT = 4 };
	int width = LABEL;

	while (*value || width == LABEL) {
		size_t length = text_length(value), room = LINE_COLUMNS - (size_t)width - 1;

		if (length > room) {
			length = room;
			while (length && value[length] != ' ')
				length--;
			if (!length)
				length = room;
		}
		report_line("%-*s %.*s", width, name, (int)length, value);
		name = "";
		width = INDENT - 1;
		value += length;
		while (*value == ' ')
			value++;
	}
}

static void begin(struct report_file *file, const struct facts *facts, unsigned total)
{
	(void)file;
	tests = total;
	summary_begin();
	for (unsigned i = 0; i < facts->count; i++)
		print_fact(facts->fact[i].name, facts->fact[i].value);
}

static void started(struct report_file *file)
{
	(void)file;
	report_line("%s", "");
	report_line("test (number of checks)"); /* at 115200 baud words on each line are dear */
}

static void running(struct report_file *file, const struct test *test, unsigned number, bool ahead)
{
	char line[LINE_COLUMNS + 1];
	uint64_t seconds = (platform->clock() - platform->started) / platform->clock_hz;

	(void)file;
	(void)ahead;
	text_format(line, sizeof(line), "%3u/%-3u ...   %s, %llu s since the start", number, tests,
		    test->name, (unsigned long long)seconds);
	platform->progress(line);
}

static void print_note(struct report_file *file, const char *text, int length)
{
	(void)file;
	report_line("        %.*s", length, text);
}

static void again(const struct test_run *run)
{
	static const enum tone tones[VERDICT_COUNT] = { TONE_PLAIN, TONE_FAILED, TONE_SKIPPED,
							TONE_FAILED };
	unsigned ms = (unsigned)(run->ticks * 1000 / platform->clock_hz);
	const char *verdict = verdict_text(run->verdict);
	char time[24] = "";

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
	for_each_note(NULL, run, print_note);
}

static void test(struct report_file *file, const struct test_run *run, unsigned number)
{
	(void)file;
	(void)number;
	summary_add(run);
	again(run);
}

static void bench(struct report_file *file, const char *name, uint64_t value, const char *unit)
{
	(void)file;
	report_line("%-48s %12llu %s", name, (unsigned long long)value, unit);
}

static void end(struct report_file *file, const struct report_totals *totals)
{
	const unsigned *by = totals->by_verdict;
	char text[TOTALS_TEXT];

	(void)file;
	totals_text(totals, text);
	summary_print();
	if (totals->files[0])
		report_line("report: %s", totals->files);
	if (totals->refused)
		report_line("report: %s on the screen: %s",
			    totals->files[0] ? "the rest only" : "only",
			    totals->refused == STATUS_NOT_FOUND ? "no volume to write to"
								: status_text(totals->refused));
	platform->tone(by[VERDICT_FAIL] || by[VERDICT_ERROR] ? TONE_FAILED
		       : by[VERDICT_SKIP] > by[VERDICT_PASS] ? TONE_SKIPPED
							     : TONE_PASSED);
	report_line("%s", text);
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
