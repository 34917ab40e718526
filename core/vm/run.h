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
 * and sooner. Where entries and exits take long a slice has time for as many.
 */
enum { SLICE_EXITS = 50, BOOT_SLICE_EXITS = 20 };
uint64_t vcpu_slice_ticks(const struct cpu *cpu, const struct vm *vm);

/* True if the vCPU has something to execute, or waits in hardware. */
bool vcpu_runnable(const struct vcpu *vcpu);

/* Runs the vCPU until its slice is over or it is no longer runnable. Owner only. */
void vcpu_run_slice(struct cpu *cpu, struct vcpu *vcpu);

/* Carries out a waiting call or move. Owner only. */
void vcpu_serve(struct cpu *cpu, struct vcpu *vcpu);

#endif
