/* Instructions that exit, and those that do not: reasons, lengths, priorities. */
#include "tests/vmx/exit/row_macros.h"
#include "tests/vmx/exit/sections.h"

/* clang-format off */
static const struct guest_row rows[] = {
	{ "exit.none", MODES_ALL, FRAGMENT_NOP, ENDS(PASSES) },
	{ "exit.10.cpuid", MODES_ALL, FRAGMENT_CPUID, EXIT_BY(CPUID) },
	{ "exit.length", MODES_ALL, FRAGMENT_CPUID_3, EXIT_BY(CPUID), FRAGMENTS(4) },
	{ "exit.length", MODES_64, FRAGMENT_CPUID_REX, EXIT_BY(CPUID) },
	{ "exit.lock", MODES_ALL, FRAGMENT_LOCK_CPUID, FAULT(6), FRAGMENTS(4) },
};
/* clang-format on */

const struct guest_section exit_instructions = { rows, ARRAY_SIZE(rows) };
