/* Machines of several kinds for the host tests of the entry checks. */
#ifndef TESTS_HOST_FAKE_ENTRY_MACHINES_H
#define TESTS_HOST_FAKE_ENTRY_MACHINES_H

#include "tests/vmx/entry/rows.h"

struct entry_machine {
	const char *name;
	struct entry_ground ground;
};

extern const struct entry_machine entry_machines[];
extern const unsigned entry_machine_count;

#endif
