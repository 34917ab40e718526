/* The MSRs of a virtual CPU. */
#ifndef CORE_VM_MSR_H
#define CORE_VM_MSR_H

#include "vm/vcpu.h"

/* RDMSR and WRMSR; false: #GP(0). */
bool vcpu_msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value);

bool vcpu_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value);

#endif
