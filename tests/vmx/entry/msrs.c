/* SDM vol. 3C, "Loading MSRs" in "VM Entries". */
#include "tests/vmx/entry/rows.h"

/* clang-format off */
static const struct entry_row rows[] = {
	{ "msr.load.high", BASE_64, MSR_LOAD, WALK, WITH(SET(ENTRY_MSR_LOAD_COUNT, 1), SET(MSR_LOAD_POSITION, 1)),
	  .at = AT_MSR_LOAD_INDEX, .mask = 0xFFFFFFFF00000000 },
};
/* clang-format on */

const struct entry_section entry_msrs = { rows, ARRAY_SIZE(rows) };
