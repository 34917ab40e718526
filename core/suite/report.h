/*
 * The report: a table for people on the console, TAP 14 and JSON on the boot volume. The TAP file
 * grows with every test, or, where the volume is slow, as often as that costs a fiftieth of the
 * time, so that a crash leaves what was known; the JSON file is written before the first test
 * ("complete": false) and at the end.
 */
#ifndef CORE_SUITE_REPORT_H
#define CORE_SUITE_REPORT_H

#include "suite/sink.h"

/* path: without extension. total: tests that will run. STATUS_NO_MEMORY: no room for the texts. */
enum status report_open(const char *path, const struct facts *facts, unsigned total);

/* The application processors have been started; the facts from number first on are new. */
void report_started(const struct facts *facts, unsigned first);

/*
 * The test that is about to run, where people see it; ahead: also on the volume, before it runs,
 * which report_is_quick says to take less than 20 ms.
 */
void report_running(const struct test *test, unsigned number, bool ahead);
bool report_is_quick(void);

/* The verdict of one test; number counts from 1. */
void report_test(const struct test_run *run, unsigned number);

/* The verdict that a repetition of the test came to: on the console only. */
void report_again(const struct test_run *run);

/* Clock ticks in tests of each run, until report_close. */
void report_runs(const uint64_t *ticks, unsigned runs);

void report_bench(const char *name, uint64_t value, const char *unit);

/* Closes the files and prints the summary; its last line is the totals. */
void report_close(void);

const struct report_totals *report_totals(void);

#endif
