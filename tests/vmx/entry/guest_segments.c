/* SDM vol. 3C, "Checks on Guest Segment Registers". */
#include "tests/vmx/entry/rows.h"

/* clang-format off */
static const struct entry_row rows[] = {
	{ "seg.tr.ti", BASE_64, GUEST_0, WALK, .at = AT_GUEST_TR_SELECTOR, .mask = 4 },
};
/* clang-format on */

const struct entry_section entry_guest_segments = { rows, ARRAY_SIZE(rows) };
