/* Rules that emulators are known to break, each of its own, so that the other sections may pass. */
#include "tests/vmx/exit/needs.h"
#include "tests/vmx/exit/row_macros.h"
#include "tests/vmx/exit/sections.h"

enum { UD = 6, GP = 13, OPERAND_32 = 1 << 11 };

/* clang-format off */
#define HAS_OSXSAVE IF(has_osxsave, "XSAVE")
#define TABLE_ON BEFORE(SECONDARY_ON(DESCRIPTOR_TABLE))

static const struct guest_row rows[] = {
	{ "exit.55.xsetbv", MODES_USER, FRAGMENT_XSETBV, FAULT_CODE(GP, 0), BEFORE(OR(GUEST_CR4, CR4_OSXSAVE)), HAS_OSXSAVE },
	{ "exit.63_64.xsaves", MODES_ALL, FRAGMENT_XSAVES, FAULT(UD), BEFORE(OR(GUEST_CR4, CR4_OSXSAVE), SECONDARY_OFF(XSAVES)), HAS_OSXSAVE },
	{ "exit.63_64.xsaves", MODES_ALL, FRAGMENT_XRSTORS, FAULT(UD), BEFORE(OR(GUEST_CR4, CR4_OSXSAVE), SECONDARY_OFF(XSAVES)), HAS_OSXSAVE },
	{ "exit.58.invpcid", MODES_USER, FRAGMENT_INVPCID, FAULT_CODE(GP, 0), BEFORE(SECONDARY_ON(INVPCID), PRIMARY_ON(INVLPG)) },

	{ "inject.mtf.on", MODES_ALL, FRAGMENT_NOP, ENDS(EXITS_AT), .number = REASON_MONITOR_TRAP,
	  BEFORE(SET(ENTRY_INTERRUPTION_INFO, INFO_VALID | INFO_OTHER), PRIMARY_ON(MONITOR_TRAP)) },
	{ "load.dr7.bit12", MODES_KERNEL, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ENTRY_ON(LOAD_DEBUG), EXIT_ON(SAVE_DEBUG), SET(GUEST_DR7, 0x1400)), AFTER(SET(GUEST_DR7, 0x400)) },
	{ "load.hlt.window", MODES_KERNEL, FRAGMENT_NOP, ENDS(EXITS_AT), .number = REASON_IRQ_WINDOW,
	  BEFORE(PIN_ON(PREEMPTION_TIMER), PRIMARY_ON(IRQ_WINDOW), OR(GUEST_RFLAGS, RFLAGS_IF), SET(GUEST_ACTIVITY_STATE, 1)), AFTER(UNJUDGED(GUEST_ACTIVITY_STATE, 0)), IF(has_hlt_state, "the activity state HLT") },
	{ "load.shutdown.if", MODES_KERNEL, FRAGMENT_NOP, ENDS(EXITS_AT), .number = REASON_PREEMPTION_TIMER,
	  BEFORE(PIN_ON(PREEMPTION_TIMER), SET(PREEMPTION_TIMER_VALUE, 3), OR(GUEST_RFLAGS, RFLAGS_IF), SET(GUEST_ACTIVITY_STATE, 2)), IF(has_shutdown_state, "the activity state shutdown") },
	{ "save.timer.zero", MODES_ALL, FRAGMENT_NOP, ENDS(EXITS_AT), .number = REASON_PREEMPTION_TIMER,
	  BEFORE(PIN_ON(PREEMPTION_TIMER), EXIT_ON(SAVE_TIMER), SET(PREEMPTION_TIMER_VALUE, 0)), AFTER(SET(PREEMPTION_TIMER_VALUE, 0)) },

	{ "exit.46.operand_size", MODES_KERNEL & MODES_CODE_32, FRAGMENT_SGDT, EXIT_BY(GDTR_IDTR), FRAGMENTS(4), TABLE_ON,
	  .info_mask = OPERAND_32, AFTER(SET(EXIT_INSTRUCTION_INFO, OPERAND_32)) },
	{ "exit.46.operand_size", MODES_KERNEL & MODES_CODE_16, FRAGMENT_SGDT, EXIT_BY(GDTR_IDTR), FRAGMENTS(4), TABLE_ON,
	  .info_mask = OPERAND_32, AFTER(SET(EXIT_INSTRUCTION_INFO, 0)) },
	{ "exit.46.operand_size", MODES_KERNEL & MODES_CODE_32, FRAGMENT_SGDT_OTHER_SIZE, EXIT_BY(GDTR_IDTR), FRAGMENTS(2), TABLE_ON,
	  .info_mask = OPERAND_32, AFTER(SET(EXIT_INSTRUCTION_INFO, 0)) },
	{ "exit.46.operand_size", MODES_KERNEL & MODES_CODE_16, FRAGMENT_SGDT_OTHER_SIZE, EXIT_BY(GDTR_IDTR), FRAGMENTS(2), TABLE_ON,
	  .info_mask = OPERAND_32, AFTER(SET(EXIT_INSTRUCTION_INFO, OPERAND_32)) },

#define SIZE(n) .info_mask = 3 << 11, AFTER(SET(EXIT_INSTRUCTION_INFO, (n) << 11))
#define SIZES(insn) \
	{ "exit.57_61.operand_size", NOT_64, FRAGMENT_##insn##_AX, EXIT_BY(insn), BEFORE(SECONDARY_ON(insn)), SIZE(1) }, \
	{ "exit.57_61.operand_size", MODES_ALL, FRAGMENT_##insn##_16, EXIT_BY(insn), BEFORE(SECONDARY_ON(insn)), SIZE(0) }, \
	{ "exit.57_61.operand_size", MODES_64, FRAGMENT_##insn##_32, EXIT_BY(insn), BEFORE(SECONDARY_ON(insn)), SIZE(1) }
	SIZES(RDRAND),
	SIZES(RDSEED),
};

#define VMX_MODES (MODES_ALL & ~(MODES_COMPAT | 1 << MODE_V86 | 1 << MODE_REAL))

/* By name: what Bochs leaves here is of some other instruction, and may be 0. */
static const struct guest_row displacement[] = {
	/* A register has no displacement. */
	{ "exit.qualification.zero", VMX_MODES, FRAGMENT_VMREAD, EXIT_BY(VMREAD), FRAGMENTS(1) },
	{ "exit.qualification.zero", VMX_MODES, FRAGMENT_VMWRITE, EXIT_BY(VMWRITE) },
	{ "exit.qualification.zero", MODES_64, FRAGMENT_VMREAD_OF_AX, EXIT_BY(VMREAD), FRAGMENTS(32) },
	{ "exit.qualification.zero", MODES_PROTECTED, FRAGMENT_SLDT_AX, EXIT_BY(LDTR_TR), FRAGMENTS(8), TABLE_ON },
	{ "exit.qualification.zero", MODES_PROTECTED & MODES_KERNEL, FRAGMENT_LLDT, EXIT_BY(LDTR_TR), FRAGMENTS(2), TABLE_ON },
};
/* clang-format on */

const struct guest_section exit_details = { rows, ARRAY_SIZE(rows) };
const struct guest_section exit_displacement = { displacement, ARRAY_SIZE(displacement) };
