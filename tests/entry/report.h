/* Sections of rows as tests. */
#ifndef TESTS_ENTRY_REPORT_H
#define TESTS_ENTRY_REPORT_H

#include "tests/entry/crew.h"

/*
 * Boot processor, in a test: the section's rows by all processors, and the verdict. Of the ordinary
 * ones first, then of those that may cost the processor.
 */
void entry_run_rows(struct test_run *run, const struct entry_checks *checks,
		    const struct entry_section *section, enum crew_task task, enum crew_rows rows,
		    const char *rule);

#endif
