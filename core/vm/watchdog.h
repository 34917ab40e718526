/*
 * Ends a test whose code on the boot processor does not end itself. An application processor
 * watches the clock, as part of its loop, and sends the boot processor an NMI whose handler ends
 * the guarded call. With one processor there is nobody to watch: then only waits have deadlines.
 */
#ifndef CORE_VM_WATCHDOG_H
#define CORE_VM_WATCHDOG_H

#include "vm/cpu.h"

/* Boot processor. due: by the platform's clock. */
void watchdog_arm(uint64_t due);

/* On return no NMI of the watchdog is on its way any more. */
void watchdog_disarm(void);

/* For each processor's loop: true if this one watches and must not sleep. */
bool watchdog_watch(struct cpu *cpu);

#endif
