/* Which event goes into the guest next, and what wakes a halted vCPU. Owner only. */
#ifndef CORE_VM_EVENTS_H
#define CORE_VM_EVENTS_H

#include "backend.h"
#include "vm/vcpu.h"

/* A halted vCPU becomes running if its timer or an event wakes it. Owner only. */
void vcpu_try_wake(struct vcpu *vcpu);

/* Chooses the event for the next entry, or the windows that it has to wait for. */
void vcpu_choose_event(struct vcpu *vcpu, struct entry *entry);

#endif
