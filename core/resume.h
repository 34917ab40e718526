/*
 * After a reset of the machine: the last run's TAP file says what was known. A run that goes on
 * after it tells the known tests again and is careful: before each test it puts a line
 * "# running NAME" on the volume, so that the next reset is charged to its test.
 */
#ifndef CORE_RESUME_H
#define CORE_RESUME_H

#include "test.h"

/* Reads the file; false if there is none, or it is finished. *known: tests that it knows. */
bool resume_open(const char *tap_path, unsigned *known);

/* Fills in the verdict and reason of the next test in order; false if the file does not know it,
 * and from then on. */
bool resume_take(struct test_run *run, unsigned number);

/* Returns the memory. */
void resume_close(void);

#endif
