#include "tests/vmx/apic/model.h"

#include "x86/apic.h"

#include "vmx/vmx.h"

enum { VECTORS = 256, FIRST_VECTOR = 16, CLASS = 0xF0 };

/* Of VICR_LO, for a self-IPI: reserved bits and delivery status, trigger and delivery mode, and the
 * shorthand "self". */
enum { ICR_OTHER = 0x0003B700 };
#define ICR_RESERVED 0xFFF00000u

static uint32_t *word_of(struct vapic *vapic, unsigned registers, unsigned vector)
{
	return &VAPIC_WORD(vapic, registers + vector / 32 * 16);
}

void vapic_set(struct vapic *vapic, unsigned registers, unsigned vector)
{
	*word_of(vapic, registers, vector) |= 1u << vector % 32;
}

static void clear(struct vapic *vapic, unsigned registers, unsigned vector)
{
	*word_of(vapic, registers, vector) &= ~(1u << vector % 32);
}

bool vapic_has(const struct vapic *vapic, unsigned registers, unsigned vector)
{
	return VAPIC_WORD(vapic, registers + vector / 32 * 16) >> vector % 32 & 1;
}

/* 0: none. */
static uint8_t highest(const struct vapic *vapic, unsigned registers)
{
	for (unsigned base = VECTORS; base > 0; base -= 32) {
		const uint32_t word = VAPIC_WORD(vapic, registers + (base / 32 - 1) * 16);

		if (word)
			return (uint8_t)(base - 1 - (unsigned)__builtin_clz(word));
	}
	return 0;
}

/* "PPR Virtualization" */
static void update_ppr(struct vapic *vapic)
{
	const uint32_t vtpr = VAPIC_WORD(vapic, APIC_TPR);

	VAPIC_WORD(vapic, APIC_PPR) =
		(vtpr & CLASS) >= (vapic->svi & CLASS) ? vtpr & 0xFF : vapic->svi & CLASS;
}

/* "Evaluation of Pending Virtual Interrupts" */
static void evaluate(struct vapic *vapic)
{
	vapic->pending = (vapic->rvi & CLASS) > (VAPIC_WORD(vapic, APIC_PPR) & CLASS);
}

void vapic_entry(struct vapic *vapic)
{
	update_ppr(vapic);
	evaluate(vapic);
}

/* "EOI Virtualization" */
void vapic_eoi(struct vapic *vapic)
{
	const unsigned vector = vapic->svi;

	clear(vapic, APIC_ISR, vector);
	vapic->svi = highest(vapic, APIC_ISR);
	update_ppr(vapic);
	if (vapic->eoi_exits[vector / 64] >> vector % 64 & 1) {
		vapic->exit = REASON_EOI;
		vapic->qualification = (uint16_t)vector;
	} else {
		evaluate(vapic);
	}
}

/* "Self-IPI Virtualization" */
void vapic_self_ipi(struct vapic *vapic, unsigned vector)
{
	vapic_set(vapic, APIC_IRR, vector);
	if (vector > vapic->rvi)
		vapic->rvi = (uint8_t)vector;
	evaluate(vapic);
}

static bool is_self_ipi(uint32_t icr)
{
	return !(icr & (ICR_RESERVED | ICR_OTHER)) && (icr >> ICR_SHORTHAND_SHIFT & 3) == TO_SELF &&
	       (icr & 0xFF) >= FIRST_VECTOR;
}

static void exit_by_write(struct vapic *vapic, unsigned offset)
{
	vapic->exit = REASON_APIC_WRITE;
	vapic->qualification = (uint16_t)offset;
}

/* "APIC-Write Emulation", with virtual-interrupt delivery */
void vapic_written(struct vapic *vapic, unsigned offset)
{
	const uint32_t icr = VAPIC_WORD(vapic, APIC_ICR);

	if (offset == APIC_TPR) {
		VAPIC_WORD(vapic, APIC_TPR) &= 0xFF;
		vapic_entry(vapic);
	} else if (offset == APIC_EOI) {
		VAPIC_WORD(vapic, APIC_EOI) = 0;
		vapic_eoi(vapic);
	} else if (offset == APIC_ICR && is_self_ipi(icr)) {
		vapic_self_ipi(vapic, icr & 0xFF);
	} else {
		exit_by_write(vapic, offset);
	}
}

/* "Posted-Interrupt Processing" */
void vapic_post(struct vapic *vapic, const uint64_t requests[4])
{
	for (unsigned i = 0; i < 4; i++) {
		VAPIC_WORD(vapic, APIC_IRR + 32 * i) |= (uint32_t)requests[i];
		VAPIC_WORD(vapic, APIC_IRR + 32 * i + 16) |= (uint32_t)(requests[i] >> 32);
		if (!requests[i])
			continue;
		if (64 * i + 63 - (unsigned)__builtin_clzll(requests[i]) > vapic->rvi)
			vapic->rvi =
				(uint8_t)(64 * i + 63 - (unsigned)__builtin_clzll(requests[i]));
	}
	evaluate(vapic);
}

/* "Virtual-Interrupt Delivery" */
unsigned vapic_deliver(struct vapic *vapic)
{
	const unsigned vector = vapic->rvi;

	vapic_set(vapic, APIC_ISR, vector);
	vapic->svi = (uint8_t)vector;
	VAPIC_WORD(vapic, APIC_PPR) = vector & CLASS;
	clear(vapic, APIC_IRR, vector);
	vapic->rvi = highest(vapic, APIC_IRR);
	vapic->pending = false;
	return vector;
}
