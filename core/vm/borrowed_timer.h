/*
 * The local APIC's timer, which ends a guest's time where virtualization has no timer of its own.
 * A processor borrows it when virtualization is switched on, or, if another processor turns out to
 * have no such timer, with its next guest.
 */
#ifndef CORE_VM_BORROWED_TIMER_H
#define CORE_VM_BORROWED_TIMER_H

#include "backend.h"
#include "vm/cpu.h"

/* The backend borrows the timer, and there is one. */
bool borrowed_timer_is_needed(void);

/* When virtualization has been switched on on this processor; nothing if it is not needed. */
void borrowed_timer_take(struct cpu *cpu);

/* backend->run; if the VM borrows the timer, it is armed for that, and its interrupt taken. */
void borrowed_timer_run(struct cpu *cpu, struct vcpu *vcpu, const struct entry *entry,
			struct vm_exit *exit);

/*
 * Whether the timer's interrupt ends a guest at its entry: enter(context) enters one, which exits
 * by itself, too, and says so. Before the timer is borrowed.
 */
bool borrowed_timer_ends(bool (*enter)(void *context), void *context);

/* Before virtualization is switched off on this processor; nothing if it has not been borrowed. */
void borrowed_timer_return(struct cpu *cpu);

#endif
