/* The whole run: machine, tests, report. */
#ifndef CORE_SUITE_SUITE_H
#define CORE_SUITE_SUITE_H

#include "suite/facts.h"
#include "suite/options.h"

/* What run.py and the port of --debug-exit hand on. */
enum { SUITE_PASSED = 0, SUITE_FAILED = 1, SUITE_USAGE = 2, SUITE_INCOMPLETE = 3 };

enum { BRIEF_TEXT = 260 };

/* What suite_main's run came to, for a picture; "": there was none. */
extern char suite_brief[BRIEF_TEXT];

/*
 * Runs on the boot processor in the firmware's hands, with platform and backend set. Returns
 * SUITE_PASSED if no test failed and what was asked for could run; SUITE_INCOMPLETE if a required
 * capability is missing, no test ran, or more tests were skipped than --max-skips allows.
 */
int suite_main(const struct suite_options *options, struct facts *facts);

#endif
