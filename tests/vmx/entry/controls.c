/* SDM vol. 3C, "Checks on VMX Controls". */
#include "tests/vmx/entry/rows.h"

/* clang-format off */
static const struct entry_row rows[] = {
	{ "ctl.pin.reserved", BASE_CONTROLS, FAILS_7, RESERVED, .at = AT_PIN_BASED_CONTROLS, .group = GROUP_PIN },
	{ "ctl.primary.reserved", BASE_CONTROLS, FAILS_7, RESERVED, .at = AT_PRIMARY_CONTROLS, .group = GROUP_PRIMARY },
	{ "ctl.nmi.virtual", BASE_CONTROLS, FAILS_7, ONE, WITH(PIN_OFF(NMI), PIN_ON(VIRTUAL_NMIS)) },
	{ "ctl.nmi.virtual", BASE_CONTROLS, PASSES, ONE, WITH(PIN_OFF(NMI), PIN_OFF(VIRTUAL_NMIS)) },
	{ "ctl.nmi.virtual", BASE_CONTROLS, PASSES, ONE, WITH(PIN_ON(NMI), PIN_ON(VIRTUAL_NMIS)) },
	{ "ctl.io_bitmap.a", BASE_CONTROLS, FAILS_7, PAGE, WITH(PRIMARY_ON(IO_BITMAPS)), .at = AT_IO_BITMAP_A },
	{ "ctl.io_bitmap.a", BASE_CONTROLS, PASSES, PAGE, WITH(PRIMARY_OFF(IO_BITMAPS)), .at = AT_IO_BITMAP_A },
};
/* clang-format on */

const struct entry_section entry_controls = { rows, ARRAY_SIZE(rows) };
