/* The instruction that a guest executes, from its memory. */
#ifndef CORE_VM_FETCH_H
#define CORE_VM_FETCH_H

#include "vm/exit.h"
#include "vm/vcpu.h"

/* 64 in 64-bit mode, else 16 or 32 by CS.D. */
unsigned fetch_code_size(const struct regs *regs);

/* Copies up to count bytes at CS:RIP of vcpu->regs; returns how many could be read. */
size_t fetch_code(const struct vcpu *vcpu, uint8_t *bytes, size_t count);

/*
 * Fills in exit->memory, from bytes on, and exit->length: the instruction at CS:RIP of vcpu->regs,
 * decoded. count: bytes that the processor has put into exit->memory.bytes; 0: none.
 */
void fetch_access(const struct vcpu *vcpu, struct vm_exit *exit, size_t count);

#endif
