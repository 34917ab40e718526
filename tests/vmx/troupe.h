/*
 * The rows of a section of guests, carried out by all processors at once: each takes a few rows of
 * a mode after the other, and notes what it sees in memory of its own.
 */
#ifndef TESTS_VMX_TROUPE_H
#define TESTS_VMX_TROUPE_H

#include "suite/test.h"

#include "tests/vmx/exit/rows.h"

/* A test's .run; its .data is the section. */
void troupe_run(struct test_run *run);

#endif
