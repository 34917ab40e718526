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

	if (!vcpu->cpuid_known || (uint32_t)gpr[RAX] != vcpu->cpuid_leaf ||
	    (uint32_t)gpr[RCX] != vcpu->cpuid_subleaf)
		return false;
	gpr[RAX] = vcpu->cpuid_out[0];
	gpr[RBX] = vcpu->cpuid_out[1];
	gpr[RCX] = vcpu->cpuid_out[2];
	gpr[RDX] = vcpu->cpuid_out[3];
	return true;
}

#endif
