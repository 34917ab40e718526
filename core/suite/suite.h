/* The whole run: machine, tests, report. */
#ifndef CORE_SUITE_SUITE_H
#define CORE_SUITE_SUITE_H

#include "suite/facts.h"

enum { SUITE_FILTERS_MAX = 16 };

struct suite_options {
	unsigned cpus;	    /* processors to use, 0: all */
	unsigned runs;	    /* of all the tests, at most SOAK_RUNS_MAX; 0: one */
	uint32_t seed;	    /* of tests with random numbers: see test_seed */
	bool list;	    /* print the tests' names and nothing else */
	bool shutdown;	    /* the machine is shut down afterwards */
	bool resume;	    /* go on after a run that a reset ended */
	bool bench;	    /* run the benchmarks after the tests */
	const char *report; /* path of the report files without extension */
	unsigned filter_count;
	const char *filters[SUITE_FILTERS_MAX]; /* globs; a test that matches one is run */
};

enum { SUITE_PASSED = 0, SUITE_FAILED = 1, SUITE_USAGE = 2 };

/*
 * Runs on the boot processor in the firmware's hands, with platform and backend set. Returns
 * SUITE_PASSED if every test passed or was skipped.
 */
int suite_main(const struct suite_options *options, struct facts *facts);

#endif
