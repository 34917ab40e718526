/*
 * The report: a table for people on the console, TAP 13, JSON and JUnit XML on the boot volume. The
 * TAP file grows with every test, or, where the volume is slow, as often as that costs a fiftieth
 * of the time, so that a crash leaves what was known; the JSON file is written before the first
 * test
 * ("complete": false) and at the end, the XML file at the end.
 */
#ifndef CORE_SUITE_REPORT_H
#define CORE_SUITE_REPORT_H

#include "suite/sink.h"

/* Opens the files of head->options->report. STATUS_NO_MEMORY: no room for the texts. *head stays
 * until report_close; its facts and capabilities may change until report_started. */
enum status report_open(const struct report_head *head);

/* The application processors have been started; the facts from number first on are new. */
void report_started(const struct facts *facts, unsigned first);

/*
 * The test that is about to run, where people see it; ahead: also on the volume, before it runs,
 * which report_is_quick says to take less than 20 ms.
 */
void report_running(const struct test_run *run, unsigned number, bool ahead);
bool report_is_quick(void);

/* The verdict of one test; number counts from 1. */
void report_test(const struct test_run *run, unsigned number);

/* The verdict that a repetition of the test came to: on the console only. */
void report_again(const struct test_run *run);

/* Clock ticks in tests of each run, until report_close. */
void report_runs(const uint64_t *ticks, unsigned runs);

void report_bench(const char *name, uint64_t value, const char *unit);

/* Closes the files and prints the summary; its last line is the totals and the outcome. lacks: why
 * the run is incomplete; NULL: it is not. */
void report_close(const char *lacks);

const struct report_totals *report_totals(void);

#endif
