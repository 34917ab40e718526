/*
 * The local APIC of the processor that calls, in the mode that it is in, xAPIC or x2APIC. The mode
 * is never changed: there is no way back from x2APIC but through a reset of all registers.
 */
#ifndef CORE_X86_LOCAL_APIC_H
#define CORE_X86_LOCAL_APIC_H

#include "lib/base.h"
#include "x86/apic.h"

enum { LOCAL_APIC_LVTS = 7, LOCAL_APIC_EXTENDED_LVTS = 4 };

/* What software has set. CR8 is the TPR; the ICR cannot be written without sending. */
struct local_apic {
	uint32_t ldr, dfr; /* 0 in x2APIC mode: not writable, not there */
	uint32_t svr;
	uint32_t lvt[LOCAL_APIC_LVTS]; /* 0 where there is none */
	uint32_t extended[LOCAL_APIC_EXTENDED_LVTS];
	uint32_t divide, initial;
	uint64_t deadline; /* IA32_TSC_DEADLINE, in its mode */
	bool ran_out;	   /* the timer had come to the end of its one shot */
};

bool local_apic_x2apic(void);
/* CPUID tells the initial one, which firmware may have changed: SDM vol. 3A, "Local APIC ID". */
uint32_t local_apic_id(void);

/* Whether a physical destination can be one processor of this id: all ones are all processors, and
 * xAPIC mode has 8 bits. SDM vol. 3A, "Physical Destination Mode" and "x2APIC mode". */
static inline bool local_apic_names(uint32_t id, bool x2apic)
{
	return id < (x2apic ? 0xFFFFFFFF : 0xFF);
}

/* What the LDR is in x2APIC mode: SDM vol. 3A, "Deriving Logical x2APIC ID from the Local x2APIC
 * ID". */
static inline uint32_t local_apic_logical_id(uint32_t id)
{
	return (id & 0xFFFF0) << 12 | 1u << (id & 0xF);
}

uint32_t local_apic_read(unsigned offset); /* enum apic_register */
void local_apic_write(unsigned offset, uint32_t value);

/* A bit of the ISR, TMR or IRR, by the offset of its first register. */
bool local_apic_bit(unsigned bitmap, unsigned vector);

/*
 * Writes the ICR; destination unshifted, as in x2APIC mode. What was stored before is seen by
 * whoever is interrupted. False: the delivery status still says "send pending" after far longer
 * than a message takes; xAPIC mode only, x2APIC mode has no such bit.
 */
bool local_apic_send(uint32_t icr_low, uint32_t destination);

/* The entry, but for its read-only bits. */
uint32_t local_apic_lvt(unsigned offset);

void local_apic_save(struct local_apic *state);

/*
 * Writes what differs. A periodic timer begins a period, one that counts down once begins anew, and
 * one that had run out stays so: its initial count is 0 then.
 */
void local_apic_put_back(const struct local_apic *state);

/* Reads everything again. */
bool local_apic_is(const struct local_apic *state);

#endif
