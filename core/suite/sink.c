#include "suite/sink.h"

#include "lib/text.h"

void for_each_note(struct report_file *file, const struct test_run *run,
		   void (*line)(struct report_file *file, const char *text, int length))
{
	const char *note = run->notes;

	while (*note) {
		int length = 0;

		while (note[length] != '\n')
			length++;
		line(file, note, length);
		note += length + 1;
	}
}

void totals_text(const struct report_totals *totals, char text[TOTALS_TEXT])
{
	const unsigned *by = totals->by_verdict;

	text_format(text, TOTALS_TEXT, "%u passed, %u failed, %u skipped, %u errors, %llu checks",
		    by[VERDICT_PASS], by[VERDICT_FAIL], by[VERDICT_SKIP], by[VERDICT_ERROR],
		    (unsigned long long)totals->checks);
}

const char *report_outcome_text(enum report_outcome outcome)
{
	static const char *const texts[] = { "PASSED", "FAILED", "INCOMPLETE" };

	return texts[outcome];
}
