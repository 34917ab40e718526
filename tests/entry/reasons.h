/* Why rows were not carried out, each reason once. */
#ifndef TESTS_ENTRY_REASONS_H
#define TESTS_ENTRY_REASONS_H

#include "suite/test.h"

enum { REASONS_MAX = 32, REASON_TEXT = 80 };

struct reasons {
	unsigned count;
	struct {
		unsigned rows;
		char text[REASON_TEXT];
	} reason[REASONS_MAX];
};

void reasons_add(struct reasons *reasons, const char *text, unsigned rows);
void reasons_join(struct reasons *all, const struct reasons *some);

/* How many rows need what; if nothing else was done, the test is skipped for the first reason. */
void reasons_tell(const struct reasons *reasons, struct test_run *run);

#endif
