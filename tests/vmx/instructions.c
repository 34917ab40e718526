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

#define MEANS_INSTRUCTION                                                                          \
	"A VMX instruction succeeds, fails or faults otherwise than the manual says: hypervisors " \
	"misread what happened, or are let do what they must not."
#define MEANS_EXISTENCE                                                                            \
	"The machine lacks a field that its capabilities promise, or has one that they exclude."

static const struct test rows[] = {
	ROW("vmx.instruction_errors", SPEC_VMX_ERRORS, error_numbers,
	    EXPLAINS("Typical mistakes with VMX instructions give the error number of the manual's "
		     "table.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.flags", SPEC_VMX_CONVENTIONS, flags_of_all,
	    EXPLAINS("Success, VMfailValid and VMfailInvalid set and clear the arithmetic flags, "
		     "and VM_INSTRUCTION_ERROR, as described.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.outside", SPEC_VMX_INSTRUCTIONS, outside_vmx,
	    EXPLAINS("Outside VMX operation all VMX instructions but VMXON raise #UD.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.operands", SPEC_VMX_INSTRUCTIONS, operands,
	    EXPLAINS("Memory operands that are not canonical, not mapped or beyond a segment "
		     "fault, and change nothing.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.user", SPEC_VMX_INSTRUCTIONS, user_checks,
	    EXPLAINS("At CPL 3 VMX instructions raise #GP, or #UD outside VMX operation.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.guest", SPEC_VMX_INSTRUCTIONS, guest_checks, ALONE,
	    EXPLAINS("VMX instructions in a guest exit with their reasons, or raise #UD in the "
		     "modes without them.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmxon", SPEC_VMXON, vmxon_checks,
	    EXPLAINS("VMXON checks CR0, CR4, IA32_FEATURE_CONTROL, the pointer and the revision; "
		     "VMXOFF ends VMX operation.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmclear", SPEC_VMCLEAR, vmclear_checks,
	    EXPLAINS("VMCLEAR checks its pointer, and makes the VMCS clear and not current.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmptrld", SPEC_VMPTRLD, vmptrld_checks,
	    EXPLAINS("VMPTRLD checks its pointer and the revision; VMCSs keep their fields apart.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmptrst", SPEC_VMPTRST, vmptrst_checks,
	    EXPLAINS("VMPTRST stores the current VMCS's address, or all ones without one.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmread", SPEC_VMCS_ACCESS, vmread_checks, ALONE,
	    EXPLAINS("VMREAD gives each field in its width, refuses what does not exist, and fails "
		     "without a VMCS.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmread.everywhere", SPEC_VMCS_ACCESS, vmread_checks, BY_NAME,
	    EXPLAINS("The checks of VMREAD on every processor; an emulator may stop as a whole.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmwrite", SPEC_VMCS_ACCESS, vmwrite_checks,
	    EXPLAINS("VMWRITE sets each field in its width, refuses read-only and missing ones, "
		     "and fails without a VMCS.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.fields", SPEC_VMCS_ENCODING, field_existence, ALONE,
	    EXPLAINS("Each VMCS field exists exactly if the capability MSRs say so.",
		     MEANS_EXISTENCE)),
	ROW("vmx.instructions.fields.everywhere", SPEC_VMCS_ENCODING, field_existence, BY_NAME,
	    EXPLAINS("Each VMCS field exists exactly if the MSRs say so, on every processor; an "
		     "emulator may stop as a whole.",
		     MEANS_EXISTENCE)),
	ROW("vmx.instructions.launch", SPEC_VMLAUNCH, launch_checks,
	    EXPLAINS("VMLAUNCH and VMRESUME refuse a VMCS that is absent, a shadow, or in the "
		     "wrong launch state.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.launched", SPEC_VMLAUNCH, launched_checks, ALONE,
	    EXPLAINS("After a launch VMRESUME works and VMLAUNCH does not, until VMCLEAR.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.invept", SPEC_INVEPT, invept_checks,
	    EXPLAINS("INVEPT checks its type and its descriptor, and raises #UD where it is "
		     "missing.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.invvpid", SPEC_INVVPID, invvpid_checks,
	    EXPLAINS("INVVPID checks its type, its VPID and its address, and raises #UD where it "
		     "is missing.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmfunc", SPEC_VMFUNC, vmfunc_checks,
	    EXPLAINS("VMFUNC in VMX root operation raises #UD.", MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmfunc.guest", SPEC_VMFUNC, guest_vmfunc_checks, ALONE,
	    EXPLAINS("VMFUNC in a guest raises #UD, exits, or switches EPT, as its controls say.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmcall", SPEC_VMCALL, vmcall_checks,
	    EXPLAINS("VMCALL in VMX root operation fails as described without dual-monitor "
		     "treatment.",
		     MEANS_INSTRUCTION)),
	ROW("vmx.instructions.vmcall.clear", SPEC_VMCALL, vmcall_with_vmcs, BY_NAME,
	    EXPLAINS("VMCALL with a clear VMCS; an emulator may stop as a whole.",
		     MEANS_INSTRUCTION)),
};

TEST_GROUP(instructions, rows);
