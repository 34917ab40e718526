/*
 * Entries along the border between what enters and what does not: fuzz.h, on all processors. Of so
 * many processors, each enters every so manieth case, with random numbers of its own.
 */
#ifndef TESTS_ENTRY_HUNT_H
#define TESTS_ENTRY_HUNT_H

#include "suite/test.h"

#include "tests/entry/checks.h"
#include "tests/entry/fuzz.h"

enum { HUNT_RULES = 256 };

struct hunting {
	const struct entry_checks *checks;
	const struct fuzz_hunt *hunt;
	/* Valid states to begin from, and what they are of; how many. */
	unsigned (*make_bases)(struct entry_seat *seat, uint64_t (*bases)[ENTRY_VALUES],
			       const char **names);
	bool (*allows)(const struct fuzz_verdict *verdict, const struct entry_result *got);
	bool (*violates)(const struct fuzz_verdict *verdict, unsigned rule);
};

/* Boot processor, in a test with cases: enters those of run->cases, or tells the one that is
 * run->lost. */
void hunt_entries(struct test_run *run, const struct hunting *what);

#endif
