/*
 * The local APIC's timer of the calling processor against its TSC. A rate is the timer's counts,
 * not divided, in 1 << 24 ticks of the TSC, at least 1. LVT_TIMER is masked meanwhile, and not in
 * TSC-deadline mode; the initial count is 0 afterwards.
 */
#ifndef TESTS_LIB_MACHINE_TIMER_H
#define TESTS_LIB_MACHINE_TIMER_H

#include "lib/base.h"

/* A time may be off by its eighth; a wrong divide value is off by a half at least. */
enum { MACHINE_TIMER_TOLERANCE = 8 };

uint64_t machine_timer_rate(void);

/* How often the timer counts, not divided, in so many ticks of the TSC. */
uint64_t machine_timer_counts(uint64_t rate, uint64_t ticks);

/* Whether this value of the divide configuration register makes it as much slower as it says. */
bool machine_timer_divides(uint64_t rate, uint32_t divide);

#endif
