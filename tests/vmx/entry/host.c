/* SDM vol. 3C, "Checks on the Host State Area". */
#include "tests/vmx/entry/rows.h"

/* clang-format off */
static const struct entry_row rows[] = {
	{ "host.selector.cs", BASE_64, FAILS_8, VALUES, .at = AT_HOST_CS_SELECTOR, LIST(0) },
};
/* clang-format on */

const struct entry_section entry_host = { rows, ARRAY_SIZE(rows) };
