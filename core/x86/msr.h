/* MSRs that VMX needs: SDM vol. 4, and vol. 3D, "VMX Capability Reporting Facility". */
#ifndef CORE_X86_MSR_H
#define CORE_X86_MSR_H

#include "lib/base.h"

enum {
	IA32_FEATURE_CONTROL = 0x3A,
	IA32_SYSENTER_CS = 0x174,
	IA32_SYSENTER_ESP = 0x175,
	IA32_SYSENTER_EIP = 0x176,
	IA32_MCG_STATUS = 0x17A,
	IA32_DEBUGCTL = 0x1D9,
	IA32_PAT = 0x277,
	IA32_VMX_BASIC = 0x480,
	IA32_VMX_PINBASED_CTLS = 0x481,
	IA32_VMX_PROCBASED_CTLS = 0x482,
	IA32_VMX_EXIT_CTLS = 0x483,
	IA32_VMX_ENTRY_CTLS = 0x484,
	IA32_VMX_MISC = 0x485,
	IA32_VMX_CR0_FIXED0 = 0x486,
	IA32_VMX_CR0_FIXED1 = 0x487,
	IA32_VMX_CR4_FIXED0 = 0x488,
	IA32_VMX_CR4_FIXED1 = 0x489,
	IA32_VMX_PROCBASED_CTLS2 = 0x48B,
	IA32_VMX_EPT_VPID_CAP = 0x48C,
	IA32_VMX_TRUE_PINBASED_CTLS = 0x48D,
	IA32_VMX_TRUE_PROCBASED_CTLS = 0x48E,
	IA32_VMX_TRUE_EXIT_CTLS = 0x48F,
	IA32_VMX_TRUE_ENTRY_CTLS = 0x490,
};

#define IA32_EFER 0xC0000080u
#define IA32_FS_BASE 0xC0000100u
#define IA32_GS_BASE 0xC0000101u

enum { FEATURE_CONTROL_LOCK = 1 << 0, FEATURE_CONTROL_VMX_OUTSIDE_SMX = 1 << 2 };

#define VMX_BASIC_TRUE_CONTROLS BIT(55)
#define VMX_BASIC_32_BIT_ADDRESSES BIT(48)
#define VMX_MISC_WAIT_SIPI BIT(8)

/* IA32_VMX_EPT_VPID_CAP */
#define EPT_CAP_WALK_4 BIT(6)
#define EPT_CAP_WB BIT(14)
#define EPT_CAP_INVEPT BIT(20)
#define EPT_CAP_INVEPT_SINGLE BIT(25)
#define EPT_CAP_INVEPT_ALL BIT(26)
#define VPID_CAP_INVVPID BIT(32)
#define VPID_CAP_INVVPID_SINGLE BIT(41)
#define VPID_CAP_INVVPID_ALL BIT(42)

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

#endif
