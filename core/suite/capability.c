#include "suite/capability.h"

#include "lib/text.h"

const char *const capability_names[CAP_COUNT] = {
	[CAP_VIRTUALIZATION] = "virtualization",
	[CAP_VMX] = "vmx",
	[CAP_SVM] = "svm",
	[CAP_NESTED_PAGING] = "nested-paging",
	[CAP_UNRESTRICTED_GUEST] = "unrestricted-guest",
	[CAP_PREEMPTION] = "preemption",
	[CAP_APIC_REGISTERS] = "apic-registers",
	[CAP_VIRTUAL_INTERRUPTS] = "virtual-interrupts",
	[CAP_POSTED_INTERRUPTS] = "posted-interrupts",
	[CAP_WAIT_SIPI] = "wait-for-sipi",
	[CAP_XSAVE] = "xsave",
	[CAP_AVX] = "avx",
	[CAP_LONG_MODE] = "long-mode",
	[CAP_TSC_DEADLINE] = "tsc-deadline",
};

enum capability capability_named(const char *name)
{
	unsigned i = 0;

	while (i < CAP_COUNT && !text_equal(name, capability_names[i]))
		i++;
	return (enum capability)i;
}
