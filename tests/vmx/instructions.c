/*
 * The VMX instructions in VMX root operation. Each check's text begins with the rule that it is
 * about, by its id in the catalogue of rules.
 */
#include "tests/lib/list.h"
#include "tests/vmx/stage.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

/* ---- error numbers ---- */

/* What a row's instruction gets in RCX; RDX is the field. */
enum operand { NOTHING, ODD_POINTER, VMXON_POINTER, WRONG_REVISION };

/* SDM vol. 3C, "VM Instruction Error Numbers"; the pseudocode of each instruction. */
static const struct {
	const char *what;
	uint8_t instruction, operand;
	uint16_t field;
	uint8_t error;
} failures[] = {
	{ "VMCLEAR of an unaligned address", INSN_VMCLEAR, ODD_POINTER, 0, 2 },
	{ "VMCLEAR of the VMXON region", INSN_VMCLEAR, VMXON_POINTER, 0, 3 },
	{ "VMRESUME of a clear VMCS", INSN_VMRESUME, NOTHING, 0, 5 },
	{ "VMPTRLD of an unaligned address", INSN_VMPTRLD, ODD_POINTER, 0, 9 },
	{ "VMPTRLD of the VMXON region", INSN_VMPTRLD, VMXON_POINTER, 0, 10 },
	{ "VMPTRLD with a wrong revision", INSN_VMPTRLD, WRONG_REVISION, 0, 11 },
	{ "VMREAD of an unknown field", INSN_VMREAD, NOTHING, VMCS_NO_FIELD, 12 },
	{ "VMWRITE of a read-only field", INSN_VMWRITE, NOTHING, EXIT_REASON, 13 },
	{ "VMXON in VMX operation", INSN_VMXON, VMXON_POINTER, 0, 15 },
};

static uint64_t pointer_of(const struct stage *stage, enum operand operand)
{
	switch (operand) {
	case NOTHING:
		break;
	case ODD_POINTER:
		return stage_address(stage, STAGE_OTHER) + 8;
	case VMXON_POINTER:
		return stage->vmxon;
	case WRONG_REVISION:
		return stage_address(stage, STAGE_SPARE);
	}
	return 0;
}

static void error_numbers(struct stage *stage)
{
	stage_set_revision(stage, STAGE_SPARE, stage->revision ^ 1);
	for (unsigned i = 0; i < ARRAY_SIZE(failures); i++) {
		uint64_t pointer = pointer_of(stage, failures[i].operand);

		/* Where software may write read-only fields, IA32_VMX_MISC says so. */
		if (failures[i].error == 13 && vmx_caps.misc & BIT(29))
			continue;
		check(stage, FAILS(failures[i].error),
		      attempt(failures[i].instruction, physical(&pointer), failures[i].field), "%s",
		      failures[i].what);
	}
	stage_unload(stage);
	check(stage, FAILS_INVALID, attempt_pointer(INSN_VMPTRLD, pointer_of(stage, ODD_POINTER)),
	      "VMPTRLD without a current VMCS");
}

#define VMX BIT(CAP_VIRTUALIZATION)
#define ROW(name, spec, body)                                                                      \
	{                                                                                          \
		name, spec, stage_run, .needs = VMX, .data = body                                  \
	}

static const struct test rows[] = {
	ROW("vmx.instruction_errors", SPEC_VMX_ERRORS, error_numbers),
};

TEST_GROUP(instructions, rows);
