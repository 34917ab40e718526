/* Running one vCPU on its processor, and what its exits mean. */
#ifndef CORE_VM_RUN_H
#define CORE_VM_RUN_H

#include "lib/base.h"
#include "platform.h"
#include "vm/cpu.h"
#include "vm/vcpu.h"
#include "vm/vm.h"

/*
 * Clock ticks in the guest before another vCPU gets the processor; on the boot processor, the test,
 * and sooner.
 */
static inline uint64_t slice_ticks(const struct cpu *cpu, const struct vm *vm)
{
	if (!cpu->index)
		return platform->slice * 2 / 5;
	return vm->slice ? vm->slice : platform->slice;
}

/* True if the vCPU has something to execute, or waits in hardware. */
bool vcpu_runnable(const struct vcpu *vcpu);

/* Runs the vCPU until its slice is over or it is no longer runnable. Owner only. */
void vcpu_run_slice(struct cpu *cpu, struct vcpu *vcpu);

/* Carries out a waiting call or move. Owner only. */
void vcpu_serve(struct cpu *cpu, struct vcpu *vcpu);

#endif
