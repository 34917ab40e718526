#include "tests/vmx/capabilities.h"

#include "x86/control.h"
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
	*capabilities = (struct capabilities){ .cr0 = read_cr0(), .cr4 = read_cr4() };
	(void)!rdmsr_try(IA32_FEATURE_CONTROL, &capabilities->feature_control);
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

/* ---- what they say of each other ---- */

/* SDM vol. 3D, "Reserved Controls and Default Settings": the controls of the default1 class. */
enum {
	DEFAULT1_PIN = 0x16,
	DEFAULT1_PRIMARY = 0x0401E172,
	DEFAULT1_EXIT = 0x00036DFF,
	DEFAULT1_ENTRY = 0x000011FF,
};

#define BITS(high, low) (BIT((high) + 1) - BIT(low))
#define EPT_VPID_RESERVED                                                                          \
	(BITS(5, 1) | BITS(13, 9) | BIT(15) | BITS(19, 18) | BITS(31, 27) | BITS(39, 33) |         \
	 BITS(47, 44))

#define MSR(name) capability(c, IA32_VMX_##name)
#define MUST(name) (uint32_t) MSR(name)
#define MAY(name) (MSR(name) >> 32)
#define TRUE_MSRS (MSR(BASIC) & VMX_BASIC_TRUE_CONTROLS)
#define ALLOWED(group, name) (controls_allowed(c, GROUP_##group) & CONTROL_MASK(group##_##name))
#define IMPLIES(text, when, then)                                                                  \
	if (when)                                                                                  \
		tell(context, text, true, (then) != 0);
#define WITHIN(text, when, bits, others)                                                           \
	if (when)                                                                                  \
		tell(context, text, 0, (bits) & ~(uint64_t)(others));

void capabilities_compare(const struct capabilities *c, capability_tell *tell, void *context)
{
#include "tests/vmx/capabilities.def"
}
