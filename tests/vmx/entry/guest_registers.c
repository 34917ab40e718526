/* SDM vol. 3C, "Checks on Guest Control Registers, Debug Registers, and MSRs", "Checks on Guest
 * Descriptor-Table Registers", "Checks on Guest RIP, RFLAGS, and SSP". */
#include "tests/vmx/entry/rows.h"

/* clang-format off */
static const struct entry_row rows[] = {
	{ "guest.rflags.one", BASE_64, GUEST_0, WALK, .at = AT_GUEST_RFLAGS, .mask = 2 },
};
/* clang-format on */

const struct entry_section entry_guest_registers = { rows, ARRAY_SIZE(rows) };
