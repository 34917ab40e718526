/* TAP 13; tap_read.c reads it again after a reset of the machine. */
#include "lib/pages.h"
#include "lib/text.h"
#include "suite/sink.h"
#include "suite/tap_read.h"

enum { LINE = 1000, TAP_PAGES = 4 };

static void make_room(struct report_file *file)
{
	if (file->size - file->used < LINE)
		file_append(file);
}

static void begin(struct report_file *file, const struct report_head *head)
{
	file_print(file, "TAP version 13\n1..%u\n", head->total);
	file_write(file);
	file->used = 0;
	/* Measures, too, what it costs to put something on the medium. */
	file_print(file, "%s\n", TAP_STARTING);
	file_append(file);
}

static void started(struct report_file *file)
{
	file_print(file, "%s\n", TAP_STARTED);
	file_append(file);
}

/* tap_read.h. */
static void running(struct report_file *file, const struct test_run *run, unsigned number,
		    bool ahead)
{
	const struct case_range all = test_all_cases(run->test), cases = run->cases;

	(void)number;
	if (!ahead)
		return;
	make_room(file);
	file_print(file, "# running %s", run->test->name);
	if (run->tells)
		file_print(file, ", telling case %u", cases.first);
	else if (cases.end - cases.first < all.end)
		file_print(file, ", cases %u to %u", cases.first, cases.end - 1);
	file_print(file, "\n");
	file_append(file);
}

/* A YAML string in single quotes, where a quote is written twice. */
static void print_string(struct report_file *file, const char *key, const char *text)
{
	char quoted[4 * TEST_TEXT];
	size_t length = 0;

	for (; *text && length < sizeof(quoted) - 3; text++) {
		quoted[length++] = *text;
		if (*text == '\'')
			quoted[length++] = *text;
	}
	quoted[length] = '\0';
	make_room(file);
	file_print(file, "  %s: '%s'\n", key, quoted);
}

static void print_note(struct report_file *file, const char *text, int length)
{
	make_room(file);
	file_print(file, "    %.*s\n", length, text);
}

/* The YAML block of a test that did not pass. */
static void print_block(struct report_file *file, const struct test_run *run)
{
	file_print(file, "  ---\n  verdict: %s\n", verdict_text(run->verdict));
	print_string(file, "what", run->reason);
	print_string(file, "wanted", run->wanted);
	print_string(file, "got", run->got);
	print_string(file, "spec", test_spec(run));
	for_each_explanation(file, run, print_string);
	make_room(file);
	if (run->notes[0])
		file_print(file, "  notes: |\n");
	for_each_note(file, run, print_note);
	make_room(file);
	file_print(file, "  ...\n");
}

static void test(struct report_file *file, const struct test_run *run, unsigned number)
{
	bool good = run->verdict == VERDICT_PASS || run->verdict == VERDICT_SKIP;

	make_room(file);
	file_print(file, "%sok %u - %s", good ? "" : "not ", number, run->test->name);
	if (run->verdict == VERDICT_SKIP)
		file_print(file, " # SKIP %s", run->reason);
	else
		file_print(file, " # %u checks", run->expectations);
	file_print(file, "\n");
	if (!good)
		print_block(file, run);
	if (file_append_is_due())
		file_append(file);
}

static void end(struct report_file *file, const struct report_totals *totals)
{
	char text[TOTALS_TEXT];

	totals_text(totals, text);
	make_room(file);
	file_print(file, "# %s\n", text);
	file_append(file);
}

const struct report_sink tap_sink = {
	.extension = "TAP",
	.pages = TAP_PAGES,
	.begin = begin,
	.started = started,
	.running = running,
	.test = test,
	.end = end,
};
