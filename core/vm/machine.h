/* All processors of the machine: taken from the firmware with virtualization on, given back. */
#ifndef CORE_VM_MACHINE_H
#define CORE_VM_MACHINE_H

#include "lib/base.h"
#include "lib/status.h"
#include "platform.h"

/*
 * Starts every application processor: each is taken, switches virtualization on if the machine has
 * it, and waits for vCPUs. Processors that fail are marked CPU_FAILED; those that do not answer,
 * CPU_LOST. alone: none is started, and all are marked. Returns how many are ready, the boot
 * processor included.
 */
unsigned machine_start(bool virtualization, bool alone);

/* Ends that; false if a processor did not come back before the deadline. */
bool machine_stop(void);

/* The boot processor, for the time of one test. */
enum status machine_enter(bool virtualization);
void machine_leave(bool virtualization);

/* The first exception that an application processor survived; false: none since the last call. */
bool machine_take_fault(struct fault *fault);

/* After a guarded call of core/ has ended early: what the processor was at is not to be trusted. */
void machine_after_fault(struct cpu *cpu);

#endif
