/* One test, so that nothing in it is the end of the others. */
#ifndef CORE_SUITE_GUARDED_H
#define CORE_SUITE_GUARDED_H

#include "suite/test.h"

/*
 * Runs the test on the boot processor, which is taken, and cleans up behind it. Exceptions on any
 * processor, loops, and what is left behind are errors of the test.
 */
void guarded_run(struct test_run *run);

#endif
