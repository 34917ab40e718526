/* What a message does to the vCPU that gets it. */
#ifndef CORE_VM_RECEIVE_H
#define CORE_VM_RECEIVE_H

#include "vm/vcpu.h"

/* The owner takes all messages out and applies them. */
void vcpu_drain(struct vcpu *vcpu);

#endif
