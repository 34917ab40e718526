/* Accesses to the registers of a virtual local APIC, and what resets them. */
#ifndef CORE_VLAPIC_REGISTERS_H
#define CORE_VLAPIC_REGISTERS_H

#include "vlapic/apic.h"

/* What a register access asks of the caller, who knows the other vCPUs. */
enum apic_effect {
	APIC_DONE,
	APIC_FAULT,	/* the access raises #GP(0) (x2APIC) */
	APIC_SEND,	/* ICR was written: send it */
	APIC_SEND_SELF, /* SELF IPI was written */
	APIC_END_LEVEL, /* EOI of a level-triggered interrupt: I/O APICs are told */
};

/* State after power-up: "Local APIC State After Power-Up or Reset". */
void apic_power_up(struct apic *apic, uint32_t id, bool bsp);

/* State after INIT: as above, but keeps id, mode and IA32_APIC_BASE. */
void apic_init(struct apic *apic);

/* WRMSR to IA32_APIC_BASE; false: #GP(0). "Local APIC State Transitions with IA32_APIC_BASE". */
bool apic_set_base(struct apic *apic, uint64_t value);

/* A load from the xAPIC page at a 4-byte aligned offset. Reserved ones set the ESR, read 0. */
uint32_t apic_mmio_read(struct apic *apic, uint32_t offset, uint64_t now);

/*
 * A store to the xAPIC page. The page may hold the value already (a processor that virtualizes
 * APIC registers puts it there): the result is the same.
 */
enum apic_effect apic_mmio_write(struct apic *apic, uint32_t offset, uint32_t value, uint64_t now);

/* RDMSR and WRMSR of 800H-8FFH; false or APIC_FAULT: #GP(0). "x2APIC Register Address Space". */
bool apic_msr_read(struct apic *apic, uint32_t msr, uint64_t now, uint64_t *value);

enum apic_effect apic_msr_write(struct apic *apic, uint32_t msr, uint64_t value, uint64_t now);

#endif
