/* Interprocessor interrupts between the vCPUs of one VM. */
#ifndef CORE_VM_IPI_H
#define CORE_VM_IPI_H

#include "lib/base.h"
#include "lib/status.h"
#include "vm/mailbox.h"
#include "x86/apic.h"

struct cpu;
struct vm;
struct vcpu;

#define DESTINATION_ALL 0xFFFFFFFFu

struct ipi {
	struct vcpu *source;  /* NULL: from outside of the VM */
	uint32_t destination; /* APIC id or logical destination; DESTINATION_ALL: everyone */
	enum delivery_mode mode;
	enum shorthand shorthand;
	uint8_t vector;
	bool logical;
	bool assert;
	bool level;
};

/*
 * Sends one IPI. STATUS_OK: every vCPU that it names has the message (it may drop it as the
 * architecture says). STATUS_NOT_FOUND: it names none, or the source is of another VM.
 * STATUS_UNSUPPORTED: SMI, a reserved mode or a combination that the SDM calls invalid; counted in
 * vm->refused.
 */
enum status ipi_send(struct vm *vm, const struct ipi *ipi);

/*
 * A guest's write to the ICR, low dword and 32-bit destination (in xAPIC mode bits 63:56 of the
 * ICR, zero-extended). Errors go where the SDM says: the sender's ESR.
 */
void ipi_from_icr(struct vcpu *source, uint32_t low, uint32_t destination);

/* A guest's write to SELF IPI. */
void ipi_self(struct vcpu *source, uint8_t vector);

/* True if an IPI with this destination reaches the vCPU (shorthands aside). Any processor. */
bool ipi_matches(const struct vcpu *vcpu, uint32_t destination, bool logical, bool from_x2apic);

#endif
