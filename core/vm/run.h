/* Running one vCPU on its processor, and what its exits mean. */
#ifndef CORE_VM_RUN_H
#define CORE_VM_RUN_H

#include "lib/base.h"
#include "vm/cpu.h"
#include "vm/vcpu.h"

/* True if the vCPU has something to execute, or waits in hardware. */
bool vcpu_runnable(const struct vcpu *vcpu);

/* A halted vCPU becomes running if its timer or an event wakes it. Owner only. */
void vcpu_try_wake(struct vcpu *vcpu);

/* Runs the vCPU until its slice is over or it is no longer runnable. Owner only. */
void vcpu_run_slice(struct cpu *cpu, struct vcpu *vcpu);

/* Carries out a waiting call or move. Owner only. */
void vcpu_serve(struct cpu *cpu, struct vcpu *vcpu);

enum step { STEP_AGAIN, STEP_YIELD };

/* Decides an exit: emulates, changes the state, or ends the vCPU with a reason. */
enum step exit_handle(struct vcpu *vcpu, const struct vm_exit *exit);

/* RDMSR and WRMSR; false: #GP(0). */
bool vcpu_msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value);
bool vcpu_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value);

/* CPUID as this vCPU sees it, from and to its GPRs. */
void vcpu_cpuid(struct vcpu *vcpu);

#endif
