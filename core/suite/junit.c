/*
 * The report as JUnit XML, in the form that Jenkins and GitLab read: one suite, a class for each
 * group of tests. It is kept in memory and written once, at the end, because its first line holds
 * the totals; where there is no room for a test, the file says how many are missing.
 */
#include "lib/pages.h"
#include "lib/text.h"
#include "suite/sink.h"

enum {
	JUNIT_PAGES = 48,
	COUNTS = 200,	   /* characters kept for the totals */
	ROOM_AT_END = 400, /* for the lines behind the last test */
};

static struct {
	size_t counts; /* where the totals go */
	unsigned dropped;
} junit;

/* What stands for a character that XML gives a meaning, or that is no ASCII text; NULL: itself. */
static const char *escaped(char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	default:
		return c >= ' ' && c <= '~' ? NULL : "?";
	}
}

/* XML 1.0, "Character Data and Markup". */
static void print_escaped(struct report_file *file, const char *text, size_t length)
{
	while (length && *text) {
		size_t plain = 0;

		while (plain < length && text[plain] && !escaped(text[plain]))
			plain++;
		file_print(file, "%.*s", (int)plain, text);
		text += plain;
		length -= plain;
		if (length && *text) {
			file_print(file, "%s", escaped(*text++));
			length--;
		}
	}
}

static void print_attribute(struct report_file *file, const char *name, const char *value)
{
	file_print(file, " %s=\"", name);
	print_escaped(file, value, SIZE_MAX);
	file_print(file, "\"");
}

static void print_seconds(struct report_file *file, uint64_t ticks)
{
	uint64_t ms = ticks * 1000 / platform->clock_hz;

	file_print(file, " time=\"%llu.%03llu\"", (unsigned long long)(ms / 1000),
		   (unsigned long long)(ms % 1000));
}

static void begin(struct report_file *file, const struct report_head *head)
{
	const struct facts *facts = head->facts;

	junit.dropped = 0;
	file_print(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
			 "<testsuite name=\"assay\"");
	junit.counts = file->used;
	file_print(file, "%*s", COUNTS, "");
	file_print(file, ">\n<properties>\n");
	for (unsigned i = 0; i < facts->count; i++) {
		file_print(file, "<property");
		print_attribute(file, "name", facts->fact[i].name);
		print_attribute(file, "value", facts->fact[i].value);
		file_print(file, "/>\n");
	}
	file_print(file, "</properties>\n");
}

static void print_note(struct report_file *file, const char *text, int length)
{
	print_escaped(file, text, (size_t)length);
	file_print(file, "\n");
}

static void print_explanation(struct report_file *file, const char *name, const char *text)
{
	file_print(file, "%s: ", name);
	print_note(file, text, 1000);
}

static void print_failure(struct report_file *file, const struct test_run *run)
{
	const char *kind = run->verdict == VERDICT_ERROR ? "error" : "failure";

	file_print(file, "<%s", kind);
	print_attribute(file, "message", run->reason);
	print_attribute(file, "type", verdict_text(run->verdict));
	file_print(file, ">");
	if (run->wanted[0]) {
		file_print(file, "wanted ");
		print_escaped(file, run->wanted, SIZE_MAX);
		file_print(file, ", got ");
		print_escaped(file, run->got, SIZE_MAX);
		file_print(file, "\n");
	}
	print_note(file, test_spec(run), 1000);
	for_each_explanation(file, run, print_explanation);
	for_each_note(file, run, print_note);
	file_print(file, "</%s>\n", kind);
}

/* "vmx" of "vmx.entry.host": what is before the first dot. */
static void print_class(struct report_file *file, const char *name)
{
	int length = 0;

	while (name[length] && name[length] != '.')
		length++;
	file_print(file, " classname=\"assay.%.*s\"", length, name);
}

static void test(struct report_file *file, const struct test_run *run, unsigned number)
{
	size_t used = file->used;

	(void)number;
	file_print(file, "<testcase");
	print_class(file, run->test->name);
	print_attribute(file, "name", run->test->name);
	print_seconds(file, run->ticks);
	if (run->verdict == VERDICT_PASS) {
		file_print(file, "/>\n");
	} else {
		file_print(file, ">\n");
		if (run->verdict == VERDICT_SKIP) {
			file_print(file, "<skipped");
			print_attribute(file, "message", run->reason);
			file_print(file, "/>\n");
		} else {
			print_failure(file, run);
		}
		file_print(file, "</testcase>\n");
	}
	if (file->used > file->size - ROOM_AT_END) { /* no room: not half of it */
		file->used = used;
		junit.dropped++;
	}
}

static void end(struct report_file *file, const struct report_totals *totals)
{
	const unsigned *by = totals->by_verdict;
	struct report_file counts = { .text = file->text + junit.counts, .size = COUNTS };

	file_print(&counts, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\"",
		   by[VERDICT_PASS] + by[VERDICT_FAIL] + by[VERDICT_SKIP] + by[VERDICT_ERROR],
		   by[VERDICT_FAIL], by[VERDICT_ERROR], by[VERDICT_SKIP]);
	print_seconds(&counts, totals->ticks);
	counts.text[counts.used] = ' '; /* not the end of the text */
	file_print(file, "<system-out>%s%s", report_outcome_text(totals->outcome),
		   totals->lacks ? ": " : "");
	print_escaped(file, totals->lacks ? totals->lacks : "", 160);
	if (junit.dropped)
		file_print(file, "; %u tests found no room in this file", junit.dropped);
	file_print(file, "</system-out>\n</testsuite>\n</testsuites>\n");
	file_write(file);
}

const struct report_sink junit_sink = {
	.extension = "XML",
	.pages = JUNIT_PAGES,
	.begin = begin,
	.test = test,
	.end = end,
};
