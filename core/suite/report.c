#include "suite/report.h"

#include "backend.h"
#include "lib/pages.h"
#include "lib/text.h"
#include "suite/summary.h"

enum {
	JSON_PAGES = 32,
	TAP_PAGES = 4,
	FLUSH_SHARE = 50,    /* a fiftieth of the time */
	QUICK_A_SECOND = 50, /* a volume takes a line in less than 20 ms */
	LONG_MS = 100,	     /* a test that takes longer is told with its time */
	LINE = 1000,
	COLUMNS = 79,
	BENCHES = 16,
	JSON_END = 24576, /* bytes kept for the benchmarks, the runs and the summary */
};

static struct {
	struct report_totals totals;
	unsigned total;
	char *json; /* JSON_PAGES */
	size_t json_used;
	bool json_tests; /* an element has been written there */
	unsigned json_dropped;
	struct {
		const char *name, *unit;
		uint64_t value;
	} bench[BENCHES];
	unsigned benches;
	const uint64_t *run_ticks;
	unsigned runs;
	bool files; /* the volume takes our files */
	char *tap;  /* TAP_PAGES of lines that are not on the volume yet */
	size_t tap_used;
	uint64_t flushed;     /* clock */
	uint64_t flush_ticks; /* what the last one took */
	char tap_path[TEST_TEXT], json_path[TEST_TEXT];
} report;

void report_line(const char *format, ...)
{
	char line[LINE];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = text_format_v(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length] = '\n';
	line[length + 1] = '\0';
	platform->print(line);
}

/* name and value in two columns; a long value goes on below, indented, broken at spaces. */
static void print_fact(const char *name, const char *value)
{
	enum { LABEL = 22, INDENT = 4 };
	int width = LABEL;

	while (*value || width == LABEL) {
		size_t length = text_length(value), room = COLUMNS - (size_t)width - 1;

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

static void json(const char *format, ...) PRINTF_LIKE(1, 2);

static void json(const char *format, ...)
{
	size_t room = JSON_PAGES * PAGE_SIZE - report.json_used;
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = text_format_v(report.json + report.json_used, room, format, arguments);
	va_end(arguments);
	report.json_used += length < room ? length : room - 1;
}

static bool json_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* SDM titles and reasons hold quotes, and texts from the firmware may hold anything. */
static void json_string(const char *text)
{
	json("\"");
	while (*text) {
		int plain = 0;

		while (json_plain(text[plain]))
			plain++;
		json("%.*s", plain, text);
		text += plain;
		if (*text)
			json("\\u%04x", (unsigned char)*text++);
	}
	json("\"");
}

static void json_member(const char *name, const char *value)
{
	json(",\"%s\":", name);
	json_string(value);
}

static void write_failed(enum status status)
{
	report.files = false;
	report_line("report: %s: on the console only", status_text(status));
}

static void flush(void)
{
	uint64_t start = platform->clock();
	enum status status;

	if (report.files) {
		status = platform->file_append(report.tap_path, report.tap, report.tap_used);
		if (status != STATUS_OK)
			write_failed(status);
	}
	report.tap_used = 0;
	report.flushed = platform->clock();
	report.flush_ticks = report.flushed - start;
}

static void tap(const char *format, ...) PRINTF_LIKE(1, 2);

static void tap(const char *format, ...)
{
	va_list arguments;
	size_t length;

	if (TAP_PAGES * PAGE_SIZE - report.tap_used < LINE)
		flush();
	va_start(arguments, format);
	length = text_format_v(report.tap + report.tap_used, LINE, format, arguments);
	va_end(arguments);
	report.tap_used += length < LINE ? length : LINE - 1;
}

void report_running(const char *name)
{
	tap("# running %s\n", name);
	flush();
}

bool report_is_quick(void)
{
	return report.flush_ticks < platform->clock_hz / QUICK_A_SECOND;
}

/* Firmware may take longer to put a line on the medium than most tests run: then it gets its share
 * of the time. */
static bool flush_is_due(void)
{
	return report_is_quick() ||
	       platform->clock() - report.flushed > FLUSH_SHARE * report.flush_ticks;
}

static void json_benches(void)
{
	json("],\"bench\":[");
	for (unsigned i = 0; i < report.benches; i++)
		json("%s\n{\"name\":\"%s\",\"value\":%llu,\"unit\":\"%s\"}", i ? "," : "",
		     report.bench[i].name, (unsigned long long)report.bench[i].value,
		     report.bench[i].unit);
	json("],");
}

static void json_runs(void)
{
	json("\"runs\":[");
	for (unsigned i = 0; i < report.runs; i++)
		json("%s%llu", i ? "," : "", (unsigned long long)report.run_ticks[i]);
	json("],");
}

/* The file must be whole JSON whenever the machine stops: close every bracket at its end. */
static void json_write(bool complete)
{
	size_t used = report.json_used;
	enum status status;

	if (!report.files)
		return;
	json_benches();
	if (report.runs)
		json_runs();
	if (report.json_dropped)
		json("\"dropped\":%u,", report.json_dropped);
	json("\"summary\":{\"passed\":%u,\"failed\":%u,\"skipped\":%u,\"errors\":%u},"
	     "\"complete\":%s}\n",
	     report.totals.by_verdict[VERDICT_PASS], report.totals.by_verdict[VERDICT_FAIL],
	     report.totals.by_verdict[VERDICT_SKIP], report.totals.by_verdict[VERDICT_ERROR],
	     complete ? "true" : "false");
	status = platform->file_write(report.json_path, report.json, report.json_used);
	report.json_used = used;
	if (status != STATUS_OK)
		write_failed(status);
}

/* Both files, and what it costs to put them on the medium. */
static void begin_files(void)
{
	char text[40];
	size_t length = text_format(text, sizeof(text), "TAP version 14\n1..%u\n", report.total);
	enum status status = platform->file_write(report.tap_path, text, length);

	report.files = status == STATUS_OK;
	if (status != STATUS_OK)
		write_failed(status);
	json_write(false);
	flush();
}

enum status report_open(const char *path, const struct facts *facts, unsigned total)
{
	__builtin_memset(&report, 0, sizeof(report));
	summary_begin();
	report.total = total;
	report.json = pages_alloc(JSON_PAGES + TAP_PAGES);
	if (!report.json)
		return STATUS_NO_MEMORY;
	report.tap = report.json + JSON_PAGES * PAGE_SIZE;
	text_format(report.tap_path, sizeof(report.tap_path), "%s.TAP", path);
	text_format(report.json_path, sizeof(report.json_path), "%s.JSON", path);
	json("{\"assay\":\"%s\",\"machine\":{", ASSAY_VERSION);
	for (unsigned i = 0; i < facts->count; i++) {
		print_fact(facts->fact[i].name, facts->fact[i].value);
		json("%s\"%s\":", i ? "," : "", facts->fact[i].name);
		json_string(facts->fact[i].value);
	}
	json("},\"tests\":[");
	begin_files();
	report_line("%s", "");
	return STATUS_OK;
}

/* A YAML string in single quotes, where a quote is written twice. */
static void tap_string(const char *key, const char *text)
{
	char quoted[2 * TEST_TEXT];
	size_t length = 0;

	for (; *text && length < sizeof(quoted) - 3; text++) {
		quoted[length++] = *text;
		if (*text == '\'')
			quoted[length++] = *text;
	}
	quoted[length] = '\0';
	tap("  %s: '%s'\n", key, quoted);
}

/* Calls line(text) for each of the test's notes. */
static void for_each_note(const struct test_run *run, void (*line)(const char *text, int length))
{
	const char *note = run->notes;

	while (*note) {
		int length = 0;

		while (note[length] != '\n')
			length++;
		line(note, length);
		note += length + 1;
	}
}

static void tap_note(const char *text, int length)
{
	tap("    %.*s\n", length, text);
}

static void console_note(const char *text, int length)
{
	report_line("        %.*s", length, text);
}

static void tap_test(const struct test_run *run, unsigned number)
{
	const char *name = run->test->name;

	if (run->verdict == VERDICT_PASS) {
		tap("ok %u - %s\n", number, name);
		return;
	}
	if (run->verdict == VERDICT_SKIP) {
		tap("ok %u - %s # SKIP %s\n", number, name, run->reason);
		return;
	}
	tap("not ok %u - %s\n  ---\n  verdict: %s\n", number, name, verdict_text(run->verdict));
	tap_string("what", run->reason);
	tap_string("wanted", run->wanted);
	tap_string("got", run->got);
	tap_string("spec", test_spec(run));
	if (run->notes[0])
		tap("  notes: |\n");
	for_each_note(run, tap_note);
	tap("  ...\n");
}

static void json_test(const struct test_run *run)
{
	size_t used = report.json_used;

	json("%s\n{\"name\":\"%s\",\"verdict\":\"%s\"", report.json_tests ? "," : "",
	     run->test->name, verdict_text(run->verdict));
	if (run->reason[0])
		json_member("reason", run->reason);
	if (run->wanted[0]) {
		json_member("wanted", run->wanted);
		json_member("got", run->got);
	}
	if (run->notes[0])
		json_member("notes", run->notes);
	json_member("spec", test_spec(run));
	if (run->test->row)
		json_member("row", run->test->row);
	json(",\"ticks\":%llu}", (unsigned long long)run->ticks);
	if (report.json_used > JSON_PAGES * PAGE_SIZE - JSON_END) { /* no room: not half of it */
		report.json_used = used;
		report.json_dropped++;
		return;
	}
	report.json_tests = true;
}

static void console_test(const struct test_run *run)
{
	static const enum tone tones[VERDICT_COUNT] = { TONE_PLAIN, TONE_FAILED, TONE_SKIPPED,
							TONE_FAILED };
	unsigned ms = (unsigned)(run->ticks * 1000 / platform->clock_hz);
	char time[24] = "";

	if (ms >= LONG_MS)
		text_format(time, sizeof(time), "  (%u ms)", ms);
	platform->tone(tones[run->verdict]);
	report_line("%-4s %s%s%s%s", verdict_text(run->verdict), run->test->name,
		    run->verdict == VERDICT_SKIP ? ": " : "",
		    run->verdict == VERDICT_SKIP ? run->reason : "", time);
	platform->tone(TONE_PLAIN);
	if (run->verdict == VERDICT_PASS || run->verdict == VERDICT_SKIP)
		return;
	report_line("      %s", run->reason);
	if (run->wanted[0])
		report_line("      wanted %s, got %s", run->wanted, run->got);
	report_line("      %s", test_spec(run));
	for_each_note(run, console_note);
}

void report_progress(const struct test *test, unsigned number)
{
	char line[COLUMNS + 1];
	uint64_t seconds = (platform->clock() - platform->started) / platform->clock_hz;

	text_format(line, sizeof(line), "%3u/%-3u ...   %s, %llu s since the start", number,
		    report.total, test->name, (unsigned long long)seconds);
	platform->progress(line);
}

void report_test(const struct test_run *run, unsigned number)
{
	report.totals.by_verdict[run->verdict]++;
	summary_add(run);
	console_test(run);
	tap_test(run, number);
	json_test(run);
	if (flush_is_due())
		flush();
}

void report_again(const struct test_run *run)
{
	console_test(run);
}

void report_runs(const uint64_t *ticks, unsigned runs)
{
	report.run_ticks = ticks;
	report.runs = runs;
}

void report_bench(const char *name, uint64_t value, const char *unit)
{
	report_line("%-48s %12llu %s", name, (unsigned long long)value, unit);
	if (report.benches < BENCHES) {
		report.bench[report.benches].name = name;
		report.bench[report.benches].unit = unit;
		report.bench[report.benches++].value = value;
	}
}

const struct report_totals *report_totals(void)
{
	return &report.totals;
}

void report_close(void)
{
	const unsigned *by = report.totals.by_verdict;
	char totals[LINE];

	text_format(totals, sizeof(totals), "%u passed, %u failed, %u skipped, %u errors",
		    by[VERDICT_PASS], by[VERDICT_FAIL], by[VERDICT_SKIP], by[VERDICT_ERROR]);
	json_write(true);
	tap("# %s\n", totals);
	flush();
	summary_print();
	if (report.files)
		report_line("report: %s and %s", report.tap_path, report.json_path);
	platform->tone(by[VERDICT_FAIL] || by[VERDICT_ERROR] ? TONE_FAILED
		       : by[VERDICT_SKIP] > by[VERDICT_PASS] ? TONE_SKIPPED
							     : TONE_PASSED);
	report_line("%s", totals);
	platform->tone(TONE_PLAIN);
	pages_free(report.json, JSON_PAGES + TAP_PAGES);
}
