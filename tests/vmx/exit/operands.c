/* Instruction information: operands in memory, over bases, indexes, scales and segments; registers.
 */
#include "tests/vmx/exit/needs.h"
#include "tests/vmx/exit/row_macros.h"
#include "tests/vmx/exit/sections.h"

/* SDM vol. 3C, "Information for VM Exits Due to Instruction Execution". */
#define NONE 16u
enum { NO_INDEX = 1 << 22, NO_BASE = 1 << 27, IS_REGISTER = 1 << 10 };
#define SIZE_CODE(bits) ((bits) == 64 ? 2u : (bits) == 32 ? 1u : 0)
#define FORM_INFO(base, index, scale, segment, size)                                               \
	(SIZE_CODE(size) << 7 | (unsigned)(segment) << 15 |                                        \
	 ((index) == NONE ? NO_INDEX : (unsigned)(index) << 18 | (scale)) |                        \
	 ((base) == NONE ? NO_BASE : (unsigned)(base) << 23))
/* What is defined: scale and index, and the base, only where they are there. */
#define FORM_MASK(base, index)                                                                     \
	(7u << 7 | IS_REGISTER | 7u << 15 | NO_INDEX | NO_BASE |                                   \
	 ((index) == NONE ? 0 : 0xFu << 18 | 3) | ((base) == NONE ? 0 : 0xFu << 23))
#define REG2(n) ((uint64_t)(n) << 28)
#define REG1(n) ((uint64_t)(n) << 3)
#define KIND(n) ((uint64_t)(n) << 28) /* of instructions that share an exit reason */
#define HIGH_32 0xFFFFFFFF00000000ull

/* Registers of MODE_64, and of modes with flat segments, as guest_mode_state() has them. */
#define VALUE(n)                                                                                   \
	((n) == NONE  ? 0                                                                          \
	 : (n) == RBX ? GUEST_AT(GUEST_DATA, 0)                                                    \
	 : (n) == RSI ? GUEST_AT(GUEST_DATA, 0x40)                                                 \
	 : (n) == RDI ? GUEST_AT(GUEST_DATA, 0x80)                                                 \
	 : (n) == RSP ? GUEST_AT(GUEST_STACK, STACK_TOP)                                           \
		      : 0x0101010101010101ull * (0x10 + (n)))
#define SEGMENT_BASE(segment) ((segment) == FS ? 0x1000u : (segment) == GS ? 0x2000u : 0)
#define OFFSET(base, index, scale, displacement)                                                   \
	(VALUE(base) + (VALUE(index) << (scale)) + (uint64_t)(displacement))
#define LINEAR_64(base, index, scale, segment, size, displacement)                                 \
	((OFFSET(base, index, scale, displacement) & ((size) == 32 ? ~HIGH_32 : ~0ull)) +          \
	 SEGMENT_BASE(segment))
#define LINEAR_32(base, index, scale, segment, displacement)                                       \
	(LINEAR_64(base, index, scale, segment, 32, displacement) & ~HIGH_32)

/* clang-format off */
#define VMX_MODES (MODES_ALL & ~(MODES_COMPAT | 1 << MODE_V86 | 1 << MODE_REAL))
#define FLAT_KERNEL (MODES_KERNEL & MODES_CODE_32)
/* An empty change ends the list. */
#define HIGH_UNJUDGED(size) { AT_EXIT_QUALIFICATION, (size) == 32 ? GUEST_UNJUDGED : GUEST_NOT, 0, 0, HIGH_32 }
/* Which is 0: rows of exit.qualification.zero. */
#define NO_DISPLACEMENT UNJUDGED(EXIT_QUALIFICATION, 0)
#define TABLE_ON BEFORE(SECONDARY_ON(DESCRIPTOR_TABLE))

static const struct guest_row rows[] = {
#define FORM_64(name, base, index, scale, segment, size, displacement, ...) \
	{ "exit.info.vmx", MODES_64, FRAGMENT_VMPTRLD_64_##name, EXIT_BY(VMPTRLD), \
	  .info_mask = FORM_MASK(base, index), \
	  AFTER(SET(EXIT_INSTRUCTION_INFO, FORM_INFO(base, index, scale, segment, size)), \
		QUALIFICATION(displacement), HIGH_UNJUDGED(size)) }, \
	{ "exit.46.gdtr_idtr", MODES_64, FRAGMENT_SIDT_64_##name, EXIT_BY(GDTR_IDTR), TABLE_ON, \
	  .info_mask = (FORM_MASK(base, index) & ~(uint64_t)IS_REGISTER) | KIND(3), \
	  AFTER(SET(EXIT_INSTRUCTION_INFO, KIND(1) | FORM_INFO(base, index, scale, segment, size)), QUALIFICATION(displacement), HIGH_UNJUDGED(size)) }, \
	{ "exit.info.vmx", 1 << MODE_64, FRAGMENT_VMWRITE_64_##name, EXIT_BY(VMWRITE), \
	  .info_mask = FORM_MASK(base, index) | REG2(0xF), \
	  AFTER(SET(EXIT_INSTRUCTION_INFO, REG2(11) | FORM_INFO(base, index, scale, segment, size)), QUALIFICATION(displacement), HIGH_UNJUDGED(size)) }, \
	{ "exit.14.invlpg", 1 << MODE_64, FRAGMENT_INVLPG_64_##name, EXIT_BY(INVLPG), BEFORE(PRIMARY_ON(INVLPG)), \
	  AFTER(QUALIFICATION(LINEAR_64(base, index, scale, segment, size, displacement))) },
#define FORM_32(name, base, index, scale, segment, size, displacement, ...) \
	{ "exit.info.vmx", VMX_MODES & (MODES_CODE_32 | MODES_16), FRAGMENT_VMPTRLD_32_##name, EXIT_BY(VMPTRLD), \
	  .info_mask = FORM_MASK(base, index), \
	  AFTER(SET(EXIT_INSTRUCTION_INFO, FORM_INFO(base, index, scale, segment, size)), \
		QUALIFICATION(displacement), UNJUDGED(EXIT_QUALIFICATION, HIGH_32)) }, \
	{ "exit.46.gdtr_idtr", MODES_CODE_32 | MODES_CODE_16, FRAGMENT_SIDT_32_##name, EXIT_BY(GDTR_IDTR), TABLE_ON, \
	  .info_mask = (FORM_MASK(base, index) & ~(uint64_t)IS_REGISTER) | KIND(3), \
	  AFTER(SET(EXIT_INSTRUCTION_INFO, KIND(1) | FORM_INFO(base, index, scale, segment, size)), \
		QUALIFICATION(displacement), UNJUDGED(EXIT_QUALIFICATION, HIGH_32)) }, \
	{ "exit.info.vmx", 1 << MODE_32, FRAGMENT_VMWRITE_32_##name, EXIT_BY(VMWRITE), \
	  .info_mask = FORM_MASK(base, index) | REG2(0xF), \
	  AFTER(SET(EXIT_INSTRUCTION_INFO, REG2(5) | FORM_INFO(base, index, scale, segment, size)), \
		QUALIFICATION(displacement), UNJUDGED(EXIT_QUALIFICATION, HIGH_32)) }, \
	{ "exit.14.invlpg", FLAT_KERNEL, FRAGMENT_INVLPG_32_##name, EXIT_BY(INVLPG), BEFORE(PRIMARY_ON(INVLPG)), \
	  AFTER(QUALIFICATION(LINEAR_32(base, index, scale, segment, displacement))) },
#include "tests/probe/forms.def"
	{ "exit.14.invlpg", MODES_KERNEL, FRAGMENT_INVLPG, EXIT_BY(INVLPG), BEFORE(PRIMARY_ON(INVLPG)), AFTER(QUALIFICATION(GUEST_AT(GUEST_DATA, 0))) },
	{ "exit.14.invlpg", MODES_PROTECTED & MODES_KERNEL, FRAGMENT_INVLPG_FS, EXIT_BY(INVLPG), BEFORE(PRIMARY_ON(INVLPG)), FRAGMENTS(2),
	  RESULTS_OF(EXIT_QUALIFICATION, GUEST_AT(GUEST_DATA, 0x1000), GUEST_AT(GUEST_DATA, 0x2004)) },

	/* What the address would be, by the next instruction's. */
	{ "exit.19_27.vmx", MODES_64, FRAGMENT_VMPTRLD_RIP, EXIT_BY(VMPTRLD), .info_mask = FORM_MASK(NONE, NONE),
	  AFTER(SET(EXIT_INSTRUCTION_INFO, FORM_INFO(NONE, NONE, 0, DS, 64)), CODE_AT(EXIT_QUALIFICATION, 0x1234 + 7)) },
	{ "exit.19_27.vmx", MODES_64, FRAGMENT_VMPTRLD_RIP_LOW, EXIT_BY(VMPTRLD), .info_mask = FORM_MASK(NONE, NONE),
	  AFTER(SET(EXIT_INSTRUCTION_INFO, FORM_INFO(NONE, NONE, 0, DS, 64)), CODE_AT(EXIT_QUALIFICATION, -0x234 + 7)) },
#define PLAIN(name, reason) \
	{ "exit.19_27.vmx", VMX_MODES & (MODES_64 | MODES_CODE_32), FRAGMENT_##name, EXIT_BY(reason), .info_mask = FORM_MASK(RBX, NONE) & ~(7u << 7), \
	  AFTER(SET(EXIT_INSTRUCTION_INFO, FORM_INFO(RBX, NONE, 0, DS, 32))) }, \
	{ "exit.19_27.vmx", VMX_MODES & MODES_16, FRAGMENT_##name, EXIT_BY(reason), .info_mask = FORM_MASK(RBX, NONE), \
	  AFTER(SET(EXIT_INSTRUCTION_INFO, FORM_INFO(RBX, NONE, 0, DS, 16))) }
	PLAIN(VMCLEAR, VMCLEAR),
	PLAIN(VMPTRLD, VMPTRLD),
	PLAIN(VMPTRST, VMPTRST),
	PLAIN(VMXON, VMXON),
	PLAIN(VMREAD_MEMORY, VMREAD),
	PLAIN(VMWRITE_MEMORY, VMWRITE),
#undef PLAIN
	{ "exit.19_27.vmx", VMX_MODES, FRAGMENT_VMREAD, EXIT_BY(VMREAD), .info_mask = IS_REGISTER | REG1(0xF) | REG2(0xF),
	  AFTER(NO_DISPLACEMENT, SET(EXIT_INSTRUCTION_INFO, IS_REGISTER | REG1(RCX) | REG2(RDX))) },
	{ "exit.19_27.vmx", VMX_MODES, FRAGMENT_VMWRITE, EXIT_BY(VMWRITE), .info_mask = IS_REGISTER | REG1(0xF) | REG2(0xF),
	  AFTER(NO_DISPLACEMENT, SET(EXIT_INSTRUCTION_INFO, IS_REGISTER | REG1(RCX) | REG2(RDX))) },
	{ "exit.info.vmx", MODES_64, FRAGMENT_VMREAD_OF_AX, EXIT_BY(VMREAD), OVER_REGISTERS(16, EXIT_INSTRUCTION_INFO, REG2(1)),
	  .info_mask = IS_REGISTER | REG1(0xF) | REG2(0xF), AFTER(NO_DISPLACEMENT, SET(EXIT_INSTRUCTION_INFO, IS_REGISTER | REG1(RAX))) },
	{ "exit.info.vmx", MODES_64, FRAGMENT_VMREAD_TO_AX, EXIT_BY(VMREAD), OVER_REGISTERS(16, EXIT_INSTRUCTION_INFO, REG1(1)),
	  .info_mask = IS_REGISTER | REG1(0xF) | REG2(0xF), AFTER(NO_DISPLACEMENT, SET(EXIT_INSTRUCTION_INFO, IS_REGISTER | REG2(RCX))) },
	{ "exit.50_53.inv", VMX_MODES & (MODES_64 | MODES_CODE_32), FRAGMENT_INVEPT, EXIT_BY(INVEPT), .info_mask = (FORM_MASK(RBX, NONE) & ~(7u << 7)) | REG2(0xF),
	  AFTER(SET(EXIT_INSTRUCTION_INFO, REG2(RDX) | FORM_INFO(RBX, NONE, 0, DS, 32))), IF(has_invept, "INVEPT") },
	{ "exit.50_53.inv", VMX_MODES & (MODES_64 | MODES_CODE_32), FRAGMENT_INVVPID, EXIT_BY(INVVPID), .info_mask = (FORM_MASK(RBX, NONE) & ~(7u << 7)) | REG2(0xF),
	  AFTER(SET(EXIT_INSTRUCTION_INFO, REG2(RDX) | FORM_INFO(RBX, NONE, 0, DS, 32))), IF(has_invvpid, "INVVPID") },
	{ "exit.58.invpcid", MODES_KERNEL & (MODES_64 | MODES_CODE_32), FRAGMENT_INVPCID, EXIT_BY(INVPCID), BEFORE(SECONDARY_ON(INVPCID), PRIMARY_ON(INVLPG)),
	  .info_mask = (FORM_MASK(RBX, NONE) & ~(7u << 7)) | REG2(0xF), AFTER(SET(EXIT_INSTRUCTION_INFO, REG2(RDX) | FORM_INFO(RBX, NONE, 0, DS, 32))) },

	{ "exit.46.gdtr_idtr", MODES_KERNEL & (MODES_CODE_32 | MODES_64), FRAGMENT_SGDT, EXIT_BY(GDTR_IDTR), FRAGMENTS(4), TABLE_ON,
	  .info_mask = 7u << 15 | NO_INDEX | NO_BASE | 0xFu << 23 | KIND(3), .result_at = AT_EXIT_INSTRUCTION_INFO, .each = KIND(1),
	  AFTER(SET(EXIT_INSTRUCTION_INFO, FORM_INFO(RBX, NONE, 0, DS, 32))) },
	{ "exit.46.gdtr_idtr", MODES_KERNEL & MODES_CODE_16, FRAGMENT_SGDT, EXIT_BY(GDTR_IDTR), FRAGMENTS(4), TABLE_ON,
	  .info_mask = 7u << 7 | 7u << 15 | NO_INDEX | NO_BASE | 0xFu << 23 | KIND(3), .result_at = AT_EXIT_INSTRUCTION_INFO, .each = KIND(1),
	  AFTER(SET(EXIT_INSTRUCTION_INFO, FORM_INFO(RBX, NONE, 0, DS, 16))) },
	{ "exit.47.ldtr_tr", MODES_64, FRAGMENT_SLDT_AX, EXIT_BY(LDTR_TR), OVER_REGISTERS(16, EXIT_INSTRUCTION_INFO, REG1(1)), TABLE_ON,
	  .info_mask = IS_REGISTER | REG1(0xF) | KIND(3), AFTER(NO_DISPLACEMENT, SET(EXIT_INSTRUCTION_INFO, IS_REGISTER)) },
	{ "exit.47.ldtr_tr", MODES_64, FRAGMENT_STR_AX, EXIT_BY(LDTR_TR), OVER_REGISTERS(16, EXIT_INSTRUCTION_INFO, REG1(1)), TABLE_ON,
	  .info_mask = IS_REGISTER | REG1(0xF) | KIND(3), AFTER(NO_DISPLACEMENT, SET(EXIT_INSTRUCTION_INFO, IS_REGISTER | KIND(1))) },
	{ "exit.47.ldtr_tr", MODES_PROTECTED & ~MODES_64, FRAGMENT_SLDT_AX, EXIT_BY(LDTR_TR), OVER_REGISTERS(8, EXIT_INSTRUCTION_INFO, REG1(1)), TABLE_ON,
	  .info_mask = IS_REGISTER | REG1(0xF) | KIND(3), AFTER(NO_DISPLACEMENT, SET(EXIT_INSTRUCTION_INFO, IS_REGISTER)) },
	{ "exit.47.ldtr_tr", MODES_PROTECTED & MODES_KERNEL, FRAGMENT_LLDT, EXIT_BY(LDTR_TR), FRAGMENTS(2), TABLE_ON, .result_at = AT_EXIT_INSTRUCTION_INFO, .each = KIND(1),
	  .info_mask = IS_REGISTER | REG1(0xF) | KIND(3), AFTER(NO_DISPLACEMENT, SET(EXIT_INSTRUCTION_INFO, IS_REGISTER | REG1(RCX) | KIND(2))) },
	{ "exit.47.ldtr_tr", MODES_PROTECTED & MODES_KERNEL, FRAGMENT_SLDT_MEMORY, EXIT_BY(LDTR_TR), FRAGMENTS(4), TABLE_ON, .result_at = AT_EXIT_INSTRUCTION_INFO, .each = KIND(1),
	  .info_mask = IS_REGISTER | 7u << 15 | NO_INDEX | NO_BASE | 0xFu << 23 | KIND(3), AFTER(SET(EXIT_INSTRUCTION_INFO, FORM_INFO(RBX, NONE, 0, DS, 32))) },

#define RANDOM(insn) \
	{ "exit.57_61.rdrand", MODES_64, FRAGMENT_##insn##_AX, EXIT_BY(insn), BEFORE(SECONDARY_ON(insn)), OVER_REGISTERS(16, EXIT_INSTRUCTION_INFO, REG1(1)), \
	  .info_mask = REG1(0xF) | 3 << 11, AFTER(SET(EXIT_INSTRUCTION_INFO, 2 << 11)) }, \
	{ "exit.57_61.rdrand", NOT_64, FRAGMENT_##insn##_AX, EXIT_BY(insn), BEFORE(SECONDARY_ON(insn)), OVER_REGISTERS(8, EXIT_INSTRUCTION_INFO, REG1(1)), \
	  .info_mask = REG1(0xF), AFTER(SET(EXIT_INSTRUCTION_INFO, 0)) }, \
	{ "exit.57_61.rdrand", MODES_ALL, FRAGMENT_##insn##_16, EXIT_BY(insn), BEFORE(SECONDARY_ON(insn)), \
	  .info_mask = REG1(0xF), AFTER(SET(EXIT_INSTRUCTION_INFO, REG1(RCX))) }, \
	{ "exit.57_61.rdrand", MODES_64, FRAGMENT_##insn##_32, EXIT_BY(insn), BEFORE(SECONDARY_ON(insn)), \
	  .info_mask = REG1(0xF), AFTER(SET(EXIT_INSTRUCTION_INFO, REG1(R10))) }
	RANDOM(RDRAND),
	RANDOM(RDSEED),
};
/* clang-format on */

const struct guest_section exit_operands = { rows, ARRAY_SIZE(rows) };
