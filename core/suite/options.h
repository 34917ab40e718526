/* What a run is asked to do. */
#ifndef CORE_SUITE_OPTIONS_H
#define CORE_SUITE_OPTIONS_H

#include "lib/base.h"

enum { SUITE_FILTERS_MAX = 16 };

struct suite_options {
	unsigned cpus;	    /* processors to use, 0: all */
	unsigned runs;	    /* of all the tests, at most SOAK_RUNS_MAX; 0: one */
	uint32_t seed;	    /* of tests with random numbers: see test_seed */
	uint32_t cases;	    /* of each fuzzer; 0: as many as its test says */
	bool list;	    /* print the tests' names and nothing else */
	bool resume;	    /* go on after a run that a reset ended */
	bool bench;	    /* run the benchmarks after the tests */
	bool skips_limited; /* more than max_skips tests that cannot run here: INCOMPLETE */
	unsigned max_skips;
	uint64_t required;  /* BIT(CAP_...) without which the run is INCOMPLETE */
	const char *report; /* path of the report files without extension */
	const char *line;   /* the options as they were given; NULL: none */
	unsigned filter_count;
	const char *filters[SUITE_FILTERS_MAX]; /* globs; a test that matches one is run */
};

#endif
