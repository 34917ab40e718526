/*
 * Many runs of the suite in one boot (-n): the first is reported as always; of the others, every
 * test must end as it did in the first, and every run must give its memory back.
 */
#ifndef CORE_SUITE_SOAK_H
#define CORE_SUITE_SOAK_H

#include "suite/test.h"

enum { SOAK_RUNS_MAX = 1000 };

/* runs from 1 to SOAK_RUNS_MAX, of so many tests each. STATUS_NO_MEMORY: no room for the notes. */
enum status soak_open(unsigned runs, unsigned tests);
void soak_close(void);

bool soak_next(void);	 /* another run is to be made; the first call: the first one */
bool soak_repeats(void); /* this run is not the first */

/* The verdict of one test of this run, number from 1. True if the first run's was another. */
bool soak_test(const struct test_run *run, unsigned number);

/* The end of this run: one line on the console, if there is more than one run. */
void soak_run_done(void);

/* What all the runs together are to be. */
void soak_judge(struct test_run *run);

/* Clock ticks in tests, of each run that is over; their number is the result. */
unsigned soak_ticks(const uint64_t **ticks);

#endif
