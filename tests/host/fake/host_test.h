/* cmocka, with what it wants included before it. */
#ifndef TESTS_HOST_FAKE_HOST_TEST_H
#define TESTS_HOST_FAKE_HOST_TEST_H

#include "lib/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Repeatable numbers: xorshift64*, whose high bits are good. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

static inline uint32_t random_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)(random_next(state) >> 32) % n;
}

#endif
