/*
 * For machines on which a guest that has interrupts off is not ended when its time is over: the
 * last application processor runs no guests, but sends each of the others its kick then.
 */
#ifndef CORE_VM_PACEMAKER_H
#define CORE_VM_PACEMAKER_H

#include "vm/cpu.h"

/* Once all processors have been started: chooses the pacemaker, if there is one to choose. */
void pacemaker_choose(void);

/* Before and after an entry that is to last so many clock ticks. */
void pacemaker_begin(struct cpu *cpu, uint64_t ticks);
void pacemaker_end(struct cpu *cpu);

/* For each processor's loop: true if this one is the pacemaker and must not sleep. */
bool pacemaker_beat(const struct cpu *cpu);

#endif
