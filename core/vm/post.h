/* The way of a message into a vCPU's mailbox. */
#ifndef CORE_VM_POST_H
#define CORE_VM_POST_H

#include "vm/vcpu.h"

/*
 * Puts a message into a vCPU's mailbox and kicks its processor. self is the calling processor:
 * when the box is full it empties those that it owns itself, so two senders never wait for each
 * other.
 */
void vcpu_post(struct cpu *self, struct vcpu *vcpu, struct message message);

#endif
