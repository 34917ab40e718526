/*
 * What a processor makes of a virtual-APIC page: SDM vol. 3C, "APIC Virtualization and Virtual
 * Interrupts". The rows whose cases are computed take what they want from here.
 */
#ifndef TESTS_VMX_APIC_MODEL_H
#define TESTS_VMX_APIC_MODEL_H

#include "tests/vmx/exit/rows.h"

struct vapic {
	uint32_t word[WATCHED_BYTES / 4];
	uint8_t rvi, svi;
	uint64_t eoi_exits[4]; /* EOI-exit bitmap */
	bool pending;	       /* a virtual interrupt is recognized */
	uint8_t exit;	       /* reason of a trap-like exit; 0: none */
	uint16_t qualification;
};

#define VAPIC_WORD(vapic, offset) ((vapic)->word[(offset) / 4])

void vapic_entry(struct vapic *vapic);			  /* into the guest */
void vapic_written(struct vapic *vapic, unsigned offset); /* a virtualized write has been done */
void vapic_eoi(struct vapic *vapic);
void vapic_self_ipi(struct vapic *vapic, unsigned vector);
void vapic_post(struct vapic *vapic, const uint64_t requests[4]);
unsigned vapic_deliver(struct vapic *vapic); /* the vector */

void vapic_set(struct vapic *vapic, unsigned registers, unsigned vector);
bool vapic_has(const struct vapic *vapic, unsigned registers, unsigned vector);

#endif
