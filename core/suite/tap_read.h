/*
 * Reads what tap.c wrote. After a reset of the machine the last run's TAP file says what was known,
 * and with a line "# running NAME" in which test it came, if that was put on the volume before the
 * test: always with --resume, otherwise where the volume is quick. A run with --resume tells the
 * known tests again and goes on after them.
 *
 * "# running NAME, cases 500 to 599" is the same of a part of a test, "# running NAME, telling case
 * 512" of one that enters nothing any more.
 */
#ifndef CORE_SUITE_TAP_READ_H
#define CORE_SUITE_TAP_READ_H

#include "suite/test.h"

/* Lines around the start of the application processors, in which some firmware hangs. */
#define TAP_STARTING "# starting the processors"
#define TAP_STARTED "# started"

/* What an unfinished report says. */
struct tap_known {
	unsigned tests;
	bool starting; /* it ends with TAP_STARTING */
	bool cut;      /* it is too long to be read whole: whether it is finished is not known */
	bool damaged;  /* NULs, as power cuts leave them, end what is known */
};

/* Reads the file; false if there is none, or it is finished. */
bool tap_read_open(const char *tap_path, struct tap_known *known);

/* Fills in the verdict and reason of the next test in order; false if the file does not know it,
 * and from then on. A test in which the machine was reset is an ERROR; if it has cases that may be
 * entered again, run->cases are those among which it was. */
bool tap_read_next(struct test_run *run, unsigned number);

/* Returns the memory. */
void tap_read_close(void);

#endif
