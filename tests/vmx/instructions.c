/*
 * The VMX instructions in VMX root operation: chapter 1 of the catalogue of rules.
 */
#include "tests/vmx/instructions.h"
#include "tests/lib/list.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

/* ---- error numbers ---- */

/* What a row's instruction gets in RCX; RDX is the field. */
enum operand { NOTHING, ODD_POINTER, VMXON_POINTER, WRONG_REVISION };

/* SDM vol. 3C, "VM Instruction Error Numbers"; the pseudocode of each instruction. */
static const struct {
	const char *rule;
	uint8_t instruction, operand;
	uint16_t field;
	uint8_t error;
} failures[] = {
	{ "vmclear.align", INSN_VMCLEAR, ODD_POINTER, 0, 2 },
	{ "vmclear.vmxon", INSN_VMCLEAR, VMXON_POINTER, 0, 3 },
	{ "resume.not_launched", INSN_VMRESUME, NOTHING, 0, 5 },
	{ "vmptrld.align", INSN_VMPTRLD, ODD_POINTER, 0, 9 },
	{ "vmptrld.vmxon", INSN_VMPTRLD, VMXON_POINTER, 0, 10 },
	{ "vmptrld.revision", INSN_VMPTRLD, WRONG_REVISION, 0, 11 },
	{ "vmread.unsupported", INSN_VMREAD, NOTHING, VMCS_NO_FIELD, 12 },
	{ "vmwrite.read_only", INSN_VMWRITE, NOTHING, EXIT_REASON, 13 },
	{ "vmxon.root", INSN_VMXON, VMXON_POINTER, 0, 15 },
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
		check(stage, failures[i].rule, FAILS(failures[i].error),
		      attempt(failures[i].instruction, physical(&pointer), failures[i].field), "%s",
		      instruction_text(failures[i].instruction));
	}
	stage_unload(stage);
	check(stage, "flags.fail_invalid", FAILS_INVALID,
	      attempt_pointer(INSN_VMPTRLD, pointer_of(stage, ODD_POINTER)), "VMPTRLD");
}

#define VMX BIT(CAP_VMX)
#define ROW(name_, spec_, body, ...)                                                               \
	{                                                                                          \
		.name = name_, .spec = spec_, .run = stage_run, .needs = VMX, .data = body,        \
		__VA_ARGS__                                                                        \
	}

/*
 * What stops an emulator as a whole runs by its name. Bochs 2.7: VMREAD of some fields that do not
 * exist, by another processor than the boot processor; all: VMCALL with a clear VMCS.
 */
#define ALONE .argument = STAGE_ALONE
#define BY_NAME .by_name = true

static const struct test rows[] = {
	ROW("vmx.instruction_errors", SPEC_VMX_ERRORS, error_numbers),
	ROW("vmx.instructions.flags", SPEC_VMX_CONVENTIONS, flags_of_all),
	ROW("vmx.instructions.outside", SPEC_VMX_INSTRUCTIONS, outside_vmx),
	ROW("vmx.instructions.operands", SPEC_VMX_INSTRUCTIONS, operands),
	ROW("vmx.instructions.user", SPEC_VMX_INSTRUCTIONS, user_checks),
	ROW("vmx.instructions.guest", SPEC_VMX_INSTRUCTIONS, guest_checks, ALONE),
	ROW("vmx.instructions.vmxon", SPEC_VMXON, vmxon_checks),
	ROW("vmx.instructions.vmclear", SPEC_VMCLEAR, vmclear_checks),
	ROW("vmx.instructions.vmptrld", SPEC_VMPTRLD, vmptrld_checks),
	ROW("vmx.instructions.vmptrst", SPEC_VMPTRST, vmptrst_checks),
	ROW("vmx.instructions.vmread", SPEC_VMCS_ACCESS, vmread_checks, ALONE),
	ROW("vmx.instructions.vmread.everywhere", SPEC_VMCS_ACCESS, vmread_checks, BY_NAME),
	ROW("vmx.instructions.vmwrite", SPEC_VMCS_ACCESS, vmwrite_checks),
	ROW("vmx.instructions.fields", SPEC_VMCS_ENCODING, field_existence, ALONE),
	ROW("vmx.instructions.fields.everywhere", SPEC_VMCS_ENCODING, field_existence, BY_NAME),
	ROW("vmx.instructions.launch", SPEC_VMLAUNCH, launch_checks),
	ROW("vmx.instructions.launched", SPEC_VMLAUNCH, launched_checks, ALONE),
	ROW("vmx.instructions.invept", SPEC_INVEPT, invept_checks),
	ROW("vmx.instructions.invvpid", SPEC_INVVPID, invvpid_checks),
	ROW("vmx.instructions.vmfunc", SPEC_VMFUNC, vmfunc_checks),
	ROW("vmx.instructions.vmfunc.guest", SPEC_VMFUNC, guest_vmfunc_checks, ALONE),
	ROW("vmx.instructions.vmcall", SPEC_VMCALL, vmcall_checks),
	ROW("vmx.instructions.vmcall.clear", SPEC_VMCALL, vmcall_with_vmcs, BY_NAME),
};

TEST_GROUP(instructions, rows);
