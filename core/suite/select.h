/* Which tests run, and which of these are skipped. */
#ifndef CORE_SUITE_SELECT_H
#define CORE_SUITE_SELECT_H

#include "suite/options.h"
#include "suite/test.h"

/* Calls visit, if there is one, for every test that the options select, in order and numbered from
 * 1; returns how many there are. groups: NULL ends them. */
unsigned for_each_selected(const struct test_group *const groups[],
			   const struct suite_options *options,
			   void (*visit)(const struct test *test, unsigned number));

/* False for a test with a price, unless a filter is its full name. */
bool asked_for(const struct test *test, const struct suite_options *options);

/* If the test cannot run here, or nobody asked for it, it is skipped with the reason. */
bool skip(struct test_run *run, const struct suite_options *options, uint64_t capabilities,
	  unsigned processors);

#endif
