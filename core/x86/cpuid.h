/* CPUID and the bits that we look at: SDM vol. 2A, "CPUID". */
#ifndef CORE_X86_CPUID_H
#define CORE_X86_CPUID_H

#include "lib/base.h"

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

/* The same into EAX, EBX, ECX, EDX of out. */
static inline void cpuid_read(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	const struct cpuid r = cpuid(leaf, subleaf);

	out[0] = r.eax;
	out[1] = r.ebx;
	out[2] = r.ecx;
	out[3] = r.edx;
}

/* The leaf, or zeros where the processor has no such leaf (it would answer with another one). */
static inline struct cpuid cpuid_or_zero(uint32_t leaf, uint32_t subleaf)
{
	if (leaf > cpuid(leaf & 0xC0000000, 0).eax)
		return (struct cpuid){ 0 };
	return cpuid(leaf, subleaf);
}

/* Leaf 1, ECX. */
enum {
	CPUID_1_ECX_MONITOR = 1 << 3,
	CPUID_1_ECX_VMX = 1 << 5,
	CPUID_1_ECX_SMX = 1 << 6,
	CPUID_1_ECX_X2APIC = 1 << 21,
	CPUID_1_ECX_TSC_DEADLINE = 1 << 24,
	CPUID_1_ECX_XSAVE = 1 << 26,
	CPUID_1_ECX_OSXSAVE = 1 << 27,
	CPUID_1_ECX_AVX = 1 << 28,
};
#define CPUID_1_ECX_HYPERVISOR (1u << 31)

/* Leaf 80000001H, ECX. */
enum { CPUID_80000001_ECX_SVM = 1 << 2, CPUID_80000001_ECX_SKINIT = 1 << 12 };

/* Leaf 1, EDX. */
enum {
	CPUID_1_EDX_MCE = 1 << 7,
	CPUID_1_EDX_APIC = 1 << 9,
	CPUID_1_EDX_MTRR = 1 << 12,
	CPUID_1_EDX_MCA = 1 << 14,
};

#endif
