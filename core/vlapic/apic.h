/*
 * The virtual local APIC of one vCPU: SDM vol. 3A, "Advanced Programmable Interrupt Controller
 * (APIC)". Its registers live in one page in the layout of the xAPIC page, which a backend may
 * hand to the processor as the virtual-APIC page. Only the processor that owns the vCPU calls
 * these functions, except where it says "any processor".
 */
#ifndef CORE_VLAPIC_APIC_H
#define CORE_VLAPIC_APIC_H

#include "lib/base.h"
#include "x86/apic.h"
#include "x86/msr.h"

struct apic {
	uint32_t *page; /* PAGE_SIZE bytes */
	uint64_t base;	/* IA32_APIC_BASE */
	uint32_t id;
	uint8_t words_set[3]; /* of ISR, TMR, IRR: a bit for each 32-bit word that is not 0 */
	uint32_t esr_latched; /* errors since the last write to the ESR */
	/* The timer's LVT entry and divide configuration that are in force: a processor that
	 * virtualizes APIC registers puts new ones into the page before anyone can look. */
	uint32_t timer_lvt, timer_divide;
	uint64_t due;	 /* clock tick at which the timer fires next, 0: not armed */
	uint64_t period; /* clock ticks, 0: one-shot */
	uint64_t tsc_deadline;
};

enum apic_mode { APIC_DISABLED, APIC_XAPIC, APIC_X2APIC };

/* A register's value now. Any processor: one 32-bit word, possibly a moment old. */
uint32_t apic_get(const struct apic *apic, uint32_t offset);

static inline enum apic_mode apic_mode_of(uint64_t base)
{
	if (!(base & IA32_APIC_BASE_EN))
		return APIC_DISABLED;
	return base & IA32_APIC_BASE_EXTD ? APIC_X2APIC : APIC_XAPIC;
}

/* Any processor. */
static inline enum apic_mode apic_mode(const struct apic *apic)
{
	return apic_mode_of(__atomic_load_n(&apic->base, __ATOMIC_RELAXED));
}

/* Stores a register; no effects. The owner only. */
void apic_put(struct apic *apic, uint32_t offset, uint32_t value);

/* The highest vector in service is done: EOI. True: it was level-triggered. */
bool apic_end_of_interrupt(struct apic *apic);

enum apic_accepted { APIC_ACCEPTED, APIC_COALESCED, APIC_REFUSED };

/* A fixed interrupt arrives. Refused: software-disabled or vector below 16 (latched in the ESR). */
enum apic_accepted apic_accept(struct apic *apic, uint8_t vector, bool level);

/* Sets error bits for the next ESR write, and raises the LVT error interrupt. */
void apic_error(struct apic *apic, uint32_t bits);

/* The vector that the processor would take now if its IF were 1; -1: none above the PPR. */
int apic_deliverable(struct apic *apic);

/* The highest vector that waits in the IRR, whatever the PPR; -1: none. */
int apic_highest_request(const struct apic *apic);

/* The highest vector in the ISR; -1: none. */
int apic_highest_in_service(const struct apic *apic);

/* After a processor that delivers virtual interrupts has changed ISR and IRR in the page. */
void apic_reload(struct apic *apic);

/* The processor takes a vector that apic_deliverable gave: IRR to ISR, PPR raised. */
void apic_take(struct apic *apic, uint8_t vector);

/*
 * The processor priority by the TPR and the ISR as they are now; the PPR in the page lags behind
 * where the processor writes the TPR without an exit. Any processor.
 */
uint32_t apic_priority(const struct apic *apic);

/* Recomputes the PPR, as after a change of the TPR that the processor made in the page. */
void apic_update_ppr(struct apic *apic);

#endif
