/* Guests with flags and breakpoints on, and with their state in place of the host's. */
#include "tests/vmx/exit/row_macros.h"
#include "tests/vmx/exit/sections.h"

/* clang-format off */
#define LOUD ENTRY_ON(LOAD_DEBUG), SET(GUEST_DR7, 0x3FF0400), OR(GUEST_RFLAGS, 0x244CD5)
#define LOADING EXIT_ON(LOAD_PAT), EXIT_ON(LOAD_EFER), ENTRY_ON(LOAD_PAT), ENTRY_ON(LOAD_EFER)

const struct guest_row host_guests[HOST_GUESTS] = {
	[HOST_GUEST_PLAIN] = { "host.load.cr", MODES_ALL, FRAGMENT_CPUID, EXIT_BY(CPUID), BEFORE(LOUD) },
	[HOST_GUEST_FAULTS] = { "host.load.cr", MODES_ALL, FRAGMENT_UD2, FAULT(6), BEFORE(LOUD) },
	[HOST_GUEST_LOADS] = { "host.load.cr", MODES_ALL, FRAGMENT_CPUID, EXIT_BY(CPUID), BEFORE(LOUD, LOADING) },
	[HOST_GUEST_REFUSED] = { "host.load.cr", MODES_ALL, FRAGMENT_NOP, ENDS(FAILS), .number = REASON_ENTRY_GUEST_STATE,
	  BEFORE(ENTRY_ON(LOAD_DEBUG), SET(GUEST_DR7, 0x3FF0400), SET(GUEST_RFLAGS, 0)) },
};
/* clang-format on */
