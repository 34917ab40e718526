/* SDM vol. 3C, "Checks on Guest Non-Register State", "Checks on Guest Page-Directory-Pointer-Table
 * Entries". */
#include "tests/vmx/entry/rows.h"

/* clang-format off */
static const struct entry_row rows[] = {
	{ "link.align", BASE_64, GUEST_4, VALUES, .at = AT_VMCS_LINK_POINTER, LIST(0x1001, 0x1800) },
};
/* clang-format on */

const struct entry_section entry_guest_state = { rows, ARRAY_SIZE(rows) };
