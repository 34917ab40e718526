#include "tests/vmx/capabilities.h"

#include "x86/insn.h"
#include "x86/msr.h"

/* SDM vol. 3D, "VMX Capability Reporting Facility": on what each MSR's existence depends. */
static bool exists(const struct capabilities *c, uint32_t msr)
{
	const uint64_t primary = capability(c, IA32_VMX_PROCBASED_CTLS) >> 32;
	const uint64_t secondary = capability(c, IA32_VMX_PROCBASED_CTLS2) >> 32;
	const uint64_t exit = capability(c, IA32_VMX_EXIT_CTLS) >> 32;

	switch (msr) {
	case IA32_VMX_PROCBASED_CTLS2:
		return primary & CONTROL_MASK(PRIMARY_SECONDARY);
	case IA32_VMX_EPT_VPID_CAP:
		return secondary & (CONTROL_MASK(SECONDARY_EPT) | CONTROL_MASK(SECONDARY_VPID));
	case IA32_VMX_TRUE_PINBASED_CTLS:
	case IA32_VMX_TRUE_PROCBASED_CTLS:
	case IA32_VMX_TRUE_EXIT_CTLS:
	case IA32_VMX_TRUE_ENTRY_CTLS:
		return capability(c, IA32_VMX_BASIC) & VMX_BASIC_TRUE_CONTROLS;
	case IA32_VMX_VMFUNC:
		return secondary & CONTROL_MASK(SECONDARY_VM_FUNCTIONS);
	case IA32_VMX_PROCBASED_CTLS3:
		return primary & CONTROL_MASK(PRIMARY_TERTIARY);
	case IA32_VMX_EXIT_CTLS2:
		return exit & CONTROL_MASK(EXIT_SECONDARY);
	default:
		return true;
	}
}

void capabilities_read(struct capabilities *capabilities)
{
	*capabilities = (struct capabilities){ 0 };
	for (uint32_t msr = CAPABILITY_FIRST; msr < CAPABILITY_FIRST + CAPABILITY_COUNT; msr++)
		if (exists(capabilities, msr))
			(void)!rdmsr_try(msr, &capabilities->msr[msr - CAPABILITY_FIRST]);
}

uint64_t controls_allowed(const struct capabilities *c, enum control_group group)
{
	const bool real = capability(c, IA32_VMX_BASIC) & VMX_BASIC_TRUE_CONTROLS;

	switch (group) {
	case GROUP_PIN:
		return capability(c, real ? IA32_VMX_TRUE_PINBASED_CTLS : IA32_VMX_PINBASED_CTLS) >>
		       32;
	case GROUP_PRIMARY:
		return capability(c,
				  real ? IA32_VMX_TRUE_PROCBASED_CTLS : IA32_VMX_PROCBASED_CTLS) >>
		       32;
	case GROUP_EXIT:
		return capability(c, real ? IA32_VMX_TRUE_EXIT_CTLS : IA32_VMX_EXIT_CTLS) >> 32;
	case GROUP_ENTRY:
		return capability(c, real ? IA32_VMX_TRUE_ENTRY_CTLS : IA32_VMX_ENTRY_CTLS) >> 32;
	case GROUP_SECONDARY:
		return capability(c, IA32_VMX_PROCBASED_CTLS2) >> 32;
	case GROUP_TERTIARY:
		return capability(c, IA32_VMX_PROCBASED_CTLS3);
	case GROUP_EXIT2:
		return capability(c, IA32_VMX_EXIT_CTLS2);
	case GROUP_COUNT:
		break;
	}
	return 0;
}
