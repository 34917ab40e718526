/* The whole run: machine, tests, report. */
#ifndef CORE_SUITE_SUITE_H
#define CORE_SUITE_SUITE_H

#include "suite/facts.h"
#include "suite/options.h"

enum { SUITE_PASSED = 0, SUITE_FAILED = 1, SUITE_USAGE = 2 };

/*
 * Runs on the boot processor in the firmware's hands, with platform and backend set. Returns
 * SUITE_PASSED if every test passed or was skipped.
 */
int suite_main(const struct suite_options *options, struct facts *facts);

#endif
