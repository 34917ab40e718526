/* RFLAGS.RF, the trap flag, and exceptions in real mode: what exits say of them. */
#include "tests/vmx/exit/row_macros.h"
#include "tests/vmx/exit/sections.h"

enum { UD = 6, GP = 13, RF = 1 << 16 };

/* clang-format off */
static const struct guest_row rows[] = {
	{ "exit.0.rf", MODES_ALL, FRAGMENT_UD2, FAULT(UD), AFTER(OR(GUEST_RFLAGS, RF), JUDGED(GUEST_RFLAGS, RF)) },
	{ "exit.0.rf", MODES_ALL, FRAGMENT_UD2, FAULT(UD), BEFORE(OR(GUEST_RFLAGS, RF)), AFTER(JUDGED(GUEST_RFLAGS, RF)) },
	{ "exit.0.rf", MODES_USER, FRAGMENT_HLT, FAULT_CODE(GP, 0), AFTER(OR(GUEST_RFLAGS, RF), JUDGED(GUEST_RFLAGS, RF)) },
	/* An EPT violation saves RF as an exception would. */
	{ "save.rflags.rf.violation", 1 << MODE_FLAT | 1 << MODE_FLAT_USER, FRAGMENT_LOAD, ENDS(EXITS_AT), .number = REASON_EPT_VIOLATION, BEFORE(REG(RBX, 0x4000008)),
	  AFTER(OR(GUEST_RFLAGS, RF), JUDGED(GUEST_RFLAGS, RF), QUALIFICATION(0x181), UNJUDGED(EXIT_QUALIFICATION, ~0x1BFull), SET(GUEST_PHYSICAL_ADDRESS, 0x4000008), SET(GUEST_LINEAR_ADDRESS, 0x4000008)) },
	{ "save.pending.none", MODES_ALL, FRAGMENT_CPUID, EXIT_BY(CPUID), BEFORE(OR(GUEST_RFLAGS, RFLAGS_TF)) },
	/* An exception in real mode has no error code. */
	{ "exit.0.real", 1 << MODE_REAL, FRAGMENT_LOAD_32, FAULT(GP), BEFORE(REG(RBX, 0xFFFE)) },
	{ "exit.0.real", 1 << MODE_REAL, FRAGMENT_UD2, FAULT(UD) },
};
/* clang-format on */

const struct guest_section exit_flags = { rows, ARRAY_SIZE(rows) };
