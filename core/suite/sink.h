/*
 * A form of the report: what is told of a run, in the order in which it happens. report.c hands
 * every event to each of the forms; one that a form has no use for is NULL.
 */
#ifndef CORE_SUITE_SINK_H
#define CORE_SUITE_SINK_H

#include "suite/facts.h"
#include "suite/file.h"
#include "suite/options.h"
#include "suite/test.h"

/* What is known before the first test. */
struct report_head {
	const struct facts *facts;
	const struct suite_options *options;
	uint64_t capabilities; /* BIT(CAP_...) that the machine has */
	unsigned total;	       /* tests that will run */
};

/* What the whole run comes to. A failure outranks what is missing. */
enum report_outcome { REPORT_PASSED, REPORT_FAILED, REPORT_INCOMPLETE };

struct report_totals {
	unsigned by_verdict[VERDICT_COUNT];
	uint64_t checks; /* expectations of all tests */
	enum report_outcome outcome;
	const char *lacks;	   /* why the run is incomplete; NULL: it is not */
	uint64_t ticks;		   /* from the hand-off to the end */
	const uint64_t *run_ticks; /* with -n: clock ticks in tests of each run */
	unsigned runs;
	char files[2 * FILE_PATH + 8]; /* the whole files on the volume; empty: none */
	enum status refused;	       /* why one is not, or ends early */
};

struct report_sink {
	const char *extension; /* of its file, NULL: it has none */
	size_t pages;	       /* for the text of the file */

	/* The head stays until the end; its facts and capabilities may change until started. */
	void (*begin)(struct report_file *file, const struct report_head *head);

	/* A fact that has been found since. */
	void (*fact)(const char *name, const char *value);

	/* The application processors have been started. */
	void (*started)(struct report_file *file);

	/* A test is about to run, or some of its cases. ahead: a reset of the machine in it must
	 * find that. */
	void (*running)(struct report_file *file, const struct test_run *run, unsigned number,
			bool ahead);

	/* The verdict of one test; number counts from 1. again: of a repetition. */
	void (*test)(struct report_file *file, const struct test_run *run, unsigned number);
	void (*again)(const struct test_run *run);

	void (*bench)(struct report_file *file, const char *name, uint64_t value, const char *unit);
	void (*end)(struct report_file *file, const struct report_totals *totals);
};

extern const struct report_sink console_sink, tap_sink, json_sink, junit_sink;

/* Calls line(file, text, length) for each of the test's notes. */
void for_each_note(struct report_file *file, const struct test_run *run,
		   void (*line)(struct report_file *file, const char *text, int length));

/* Calls line(file, name, text) for all that explains a FAIL or ERROR beside its reason: where the
 * expectation is, what the test is about, what the failure means, what runs it again. */
void for_each_explanation(struct report_file *file, const struct test_run *run,
			  void (*line)(struct report_file *file, const char *name,
				       const char *text));

/* What repeats a test needs of the options; until the next report. */
void explain_begin(const struct suite_options *options);

/* "180 passed, 3 failed, 1 skipped, 0 errors, 21034 checks" */
enum { TOTALS_TEXT = 120 };
void totals_text(const struct report_totals *totals, char text[TOTALS_TEXT]);
const char *report_outcome_text(enum report_outcome outcome); /* "PASSED", "FAILED", "INCOMPLETE" */

#endif
