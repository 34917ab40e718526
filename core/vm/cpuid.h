/* CPUID of a virtual CPU. */
#ifndef CORE_VM_CPUID_H
#define CORE_VM_CPUID_H

#include "vm/vcpu.h"

/* CPUID as this vCPU sees it, from and to its GPRs. */
void vcpu_cpuid(struct vcpu *vcpu);

/* CPUID by the answer that core/ gave last, if it was the same question; false: exit to core/. */
static inline bool vcpu_cpuid_quick(struct vcpu *vcpu)
{
	uint64_t *gpr = vcpu->regs.gpr;

	if (!vcpu->cpuid.known || (uint32_t)gpr[RAX] != vcpu->cpuid.leaf ||
	    (uint32_t)gpr[RCX] != vcpu->cpuid.subleaf)
		return false;
	gpr[RAX] = vcpu->cpuid.out[0];
	gpr[RBX] = vcpu->cpuid.out[1];
	gpr[RCX] = vcpu->cpuid.out[2];
	gpr[RDX] = vcpu->cpuid.out[3];
	return true;
}

#endif
