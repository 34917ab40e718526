/*
 * Storms: all processors send random IPIs at once. Afterwards what was sent equals what was
 * delivered, coalesced and dropped, and what the guest's handlers have counted equals what was
 * delivered: nothing is lost, nothing comes twice.
 */
#ifndef TESTS_LIB_STORM_H
#define TESTS_LIB_STORM_H

#include "tests/lib/fixture.h"

struct storm {
	uint32_t seed;
	uint32_t shots;	 /* of each vCPU */
	uint32_t vector; /* 0: random ones */
};

enum { STORM_VCPUS_MAX = 8 };
#define STORM_GUEST(...) GUEST(.bsp = GUEST_storm, .ap = GUEST_storm, __VA_ARGS__)

/* In a fixture with such a guest. Returns the ticks that it took; *sent: messages. */
uint64_t storm_rage(struct fixture *fixture, const struct storm *storm, uint64_t *sent);

#endif
