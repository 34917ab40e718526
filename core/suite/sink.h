/*
 * A form of the report: what is told of a run, in the order in which it happens. report.c hands
 * every event to each of the forms; one that a form has no use for is NULL.
 */
#ifndef CORE_SUITE_SINK_H
#define CORE_SUITE_SINK_H

#include "suite/facts.h"
#include "suite/file.h"
#include "suite/test.h"

struct report_totals {
	unsigned by_verdict[VERDICT_COUNT];
	uint64_t checks;	   /* expectations of all tests */
	const uint64_t *run_ticks; /* with -n: clock ticks in tests of each run */
	unsigned runs;
	char files[2 * FILE_PATH + 8]; /* the whole files on the volume, "A and B"; empty: none */
	enum status refused;	       /* why one is not, or ends early */
};

struct report_sink {
	const char *extension; /* of its file, NULL: it has none */
	size_t pages;	       /* for the text of the file */

	/* total: tests that will run. The facts stay, and more of them may come. */
	void (*begin)(struct report_file *file, const struct facts *facts, unsigned total);

	/* A fact that has been found since. */
	void (*fact)(const char *name, const char *value);

	/* The application processors have been started. */
	void (*started)(struct report_file *file);

	/* A test is about to run. ahead: a reset of the machine in it must find its name. */
	void (*running)(struct report_file *file, const struct test *test, unsigned number,
			bool ahead);

	/* The verdict of one test; number counts from 1. again: of a repetition. */
	void (*test)(struct report_file *file, const struct test_run *run, unsigned number);
	void (*again)(const struct test_run *run);

	void (*bench)(struct report_file *file, const char *name, uint64_t value, const char *unit);
	void (*end)(struct report_file *file, const struct report_totals *totals);
};

extern const struct report_sink console_sink, tap_sink, json_sink;

/* Calls line(file, text, length) for each of the test's notes. */
void for_each_note(struct report_file *file, const struct test_run *run,
		   void (*line)(struct report_file *file, const char *text, int length));

/* "180 passed, 3 failed, 1 skipped, 0 errors, 21034 checks" */
enum { TOTALS_TEXT = 120 };
void totals_text(const struct report_totals *totals, char text[TOTALS_TEXT]);

#endif
