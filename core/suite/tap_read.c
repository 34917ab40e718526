#include "suite/tap_read.h"

#include "lib/pages.h"
#include "lib/text.h"

enum { FILE_PAGES = 256, FEW_PAGES = 32, LINE = 400 };

static size_t pages;   /* of file */
static char *file;     /* NULL: there is nothing to go on after */
static const char *at; /* the line to be read next */
static char line[LINE];

/* The next whole line into line[], cut if it is long; false: there is none. */
static bool next_line(void)
{
	const char *end = at;
	size_t length;

	while (*end && *end != '\n')
		end++;
	if (!*end)
		return false;
	length = (size_t)(end - at);
	text_format(line, sizeof(line), "%.*s", (int)(length < LINE - 1 ? length : LINE - 1), at);
	at = end + 1;
	return true;
}

/* What follows the prefix; NULL if the text does not begin so. */
static const char *after_in(const char *text, const char *prefix)
{
	for (; *prefix; text++, prefix++)
		if (*text != *prefix)
			return NULL;
	return text;
}

static const char *after(const char *prefix)
{
	return after_in(line, prefix);
}

/* A value in single quotes. */
static void unquote(const char *value, char *text, size_t size)
{
	size_t length = 0;

	for (; *value && length < size - 1; value++) {
		if (value[0] == '\'' && value[1] == '\'')
			value++;
		else if (value[0] == '\'')
			break;
		text[length++] = *value;
	}
	text[length] = '\0';
}

/* The block after "not ok"; false if the file ends in it. */
static bool take_block(struct test_run *run)
{
	const char *value;

	run->verdict = VERDICT_FAIL;
	while (next_line()) {
		if (after("  verdict: ERROR"))
			run->verdict = VERDICT_ERROR;
		else if ((value = after("  what: '")))
			unquote(value, run->reason, sizeof(run->reason));
		else if ((value = after("  wanted: '")))
			unquote(value, run->wanted, sizeof(run->wanted));
		else if ((value = after("  got: '")))
			unquote(value, run->got, sizeof(run->got));
		else if (after("  ..."))
			return true;
	}
	return false;
}

/* "# " and a digit: the totals, which come last. */
static bool is_totals(void)
{
	const char *rest = after("# ");

	return rest && *rest >= '0' && *rest <= '9';
}

bool tap_read_open(const char *tap_path, struct tap_known *known)
{
	size_t size = 0;
	bool finished = false;

	*known = (struct tap_known){ 0 };
	pages = FILE_PAGES;
	file = pages_alloc(pages);
	if (!file) {
		pages = FEW_PAGES;
		file = pages_alloc(pages);
	}
	if (!file)
		return false;
	if (platform->file_read(tap_path, file, pages * PAGE_SIZE - 1, &size) != STATUS_OK)
		size = 0;
	file[size] = '\0';
	known->cut = size == pages * PAGE_SIZE - 1;
	known->damaged = text_length(file) < size;
	at = file;
	if (next_line() && after("TAP version 13"))
		while (next_line()) {
			finished = finished || is_totals();
			known->tests += after("ok ") || after("not ok ");
			known->starting = text_equal(line, TAP_STARTING);
		}
	else
		finished = true;
	at = file;
	if (finished)
		tap_read_close();
	return !finished;
}

void tap_read_close(void)
{
	pages_free(file, pages);
	file = NULL;
}

/* The number at *text, which is what follows it then. */
static unsigned take_number(const char **text)
{
	unsigned value = 0;

	for (; **text >= '0' && **text <= '9'; (*text)++)
		value = value * 10 + (unsigned)(**text - '0');
	return value;
}

/* What follows the name: " # SKIP why", or " # 412 checks". */
static void take_comment(struct test_run *run, const char *rest)
{
	const char *why = after_in(rest, " # SKIP "), *checks = after_in(rest, " # ");

	run->verdict = why ? VERDICT_SKIP : VERDICT_PASS;
	if (why)
		text_format(run->reason, sizeof(run->reason), "%s", why);
	else if (checks)
		run->expectations = take_number(&checks);
}

/* Whether line[] is the point of this test; the rest of the line. */
static const char *point(const char *kind, const struct test_run *run, unsigned number)
{
	char start[LINE];
	const char *rest;

	text_format(start, sizeof(start), "%s %u - %s", kind, number, run->test->name);
	rest = after(start);
	return rest && (!*rest || *rest == ' ') ? rest : NULL;
}

/* What follows "# running ": whether it is this test, and among which of its cases it is. */
static bool take_running(struct test_run *run, const char *rest)
{
	const struct case_range all = test_all_cases(run->test);
	const char *part = after_in(rest, run->test->name), *cases;

	if (!part || (*part && *part != ','))
		return false;
	run->cases = *part ? (struct case_range){ 0, 0 } : all;
	cases = after_in(part, ", cases ");
	if (!cases)
		return true;
	run->cases.first = take_number(&cases);
	cases = after_in(cases, " to ");
	if (cases)
		run->cases.end = take_number(&cases) + 1;
	if (run->cases.end <= run->cases.first || run->cases.end > all.end)
		run->cases = (struct case_range){ 0, 0 };
	return true;
}

static bool take(struct test_run *run, unsigned number)
{
	bool running = false;

	while (next_line()) {
		const char *rest = after("# running ");

		if (rest) {
			running = take_running(run, rest);
			continue;
		}
		rest = point("not ok", run, number);
		if (rest) {
			take_comment(run, rest);
			return take_block(run);
		}
		rest = point("ok", run, number);
		if (rest) {
			take_comment(run, rest);
			return true;
		}
		if (after("ok ") || after("not ok "))
			return false; /* another selection of tests */
	}
	if (running) {
		run->verdict = VERDICT_ERROR;
		text_format(run->reason, sizeof(run->reason),
			    "the machine was reset during this test");
	}
	return running;
}

bool tap_read_next(struct test_run *run, unsigned number)
{
	const struct test *test = run->test;

	if (!file)
		return false;
	if (take(run, number))
		return true;
	*run = (struct test_run){ .test = test };
	tap_read_close();
	return false;
}
