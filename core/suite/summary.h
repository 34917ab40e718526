/*
 * The end of the run for a person, in as many lines and columns as the screen has, 80x25 if that is
 * not known. Failures first, then what was left out and why, then what to do about it.
 */
#ifndef CORE_SUITE_SUMMARY_H
#define CORE_SUITE_SUMMARY_H

#include "suite/sink.h"

void summary_begin(const struct report_head *head);
void summary_add(const struct test_run *run);

/* Why there is no virtualization, and what to do about it; NULL: nothing. */
void summary_why(const char *why, const char *advice);

/* Outcome, machine and failures in a few lines for a code that a phone reads: as many names of
 * tests as there is room for. */
void summary_brief(const struct report_totals *totals, char *text, size_t size);

/* Everything but the report's files and the totals. */
void summary_print(const struct report_totals *totals);

#endif
