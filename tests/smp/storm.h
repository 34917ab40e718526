/* Storms of random IPIs, as tests and as a benchmark. */
#ifndef TESTS_SMP_STORM_H
#define TESTS_SMP_STORM_H

#include "suite/test.h"

/* A storm of at least a million IPIs between four vCPUs: ticks for a thousand of them. */
uint64_t storm_million(struct test_run *run);

#endif
