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

/* The test of a section, which needs capabilities beside VMX; 0: none. */
#define TROUPE_TEST(name_, section, spec_, needs_, about_, means_)                                 \
	{                                                                                          \
		.name = name_, .spec = spec_, .run = troupe_run, .needs = BIT(CAP_VMX) | (needs_), \
		.data = &(section), .milliseconds = 20000, EXPLAINS(about_, means_)                \
	}

#endif
