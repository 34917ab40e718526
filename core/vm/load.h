/* Which vCPU's control structure and registers are on a processor. */
#ifndef CORE_VM_LOAD_H
#define CORE_VM_LOAD_H

#include "vm/cpu.h"
#include "vm/vcpu.h"

/*
 * Brings the vCPU onto this processor, after the one that was there. If the processor refuses its
 * control structure, the vCPU is ended. Owner only.
 */
void vcpu_load(struct cpu *cpu, struct vcpu *vcpu);

/* Takes the vCPU that is loaded off this processor. */
void vcpu_unload(struct cpu *cpu);

#endif
