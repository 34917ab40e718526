/* The local APIC: SDM vol. 3A, "Advanced Programmable Interrupt Controller (APIC)". */
#ifndef CORE_X86_APIC_H
#define CORE_X86_APIC_H

#include "lib/base.h"

#define APIC_DEFAULT_BASE 0xFEE00000ull

/* Offsets in the xAPIC page; an x2APIC MSR is 800H + offset / 16. */
enum apic_register {
	APIC_ID = 0x020,
	APIC_VERSION = 0x030,
	APIC_TPR = 0x080,
	APIC_APR = 0x090,
	APIC_PPR = 0x0A0,
	APIC_EOI = 0x0B0,
	APIC_RRD = 0x0C0,
	APIC_LDR = 0x0D0,
	APIC_DFR = 0x0E0,
	APIC_SVR = 0x0F0,
	APIC_ISR = 0x100,
	APIC_TMR = 0x180,
	APIC_IRR = 0x200,
	APIC_ESR = 0x280,
	APIC_LVT_CMCI = 0x2F0,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_THERMAL = 0x330,
	APIC_LVT_PMC = 0x340,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3E0,
	APIC_SELF_IPI = 0x3F0,
};

enum {
	X2APIC_MSR = 0x800, /* of the register at offset 0 */

	APIC_SVR_ENABLED = 1 << 8,
	APIC_LVT_STATUS = 1 << 12 | 1 << 14, /* delivery status, remote IRR: read-only */
	APIC_LVT_MASKED = 1 << 16,
	APIC_LVT_TIMER_PERIODIC = 1 << 17,
	APIC_LVT_TIMER_TSC_DEADLINE = 2 << 17,
	APIC_LVT_TIMER_MODES = 3 << 17,

	APIC_ESR_REDIRECTABLE = 1 << 4, /* a lowest-priority IPI was to be sent, but cannot be */
	APIC_ESR_SEND_ILLEGAL = 1 << 5,
	APIC_ESR_RECEIVE_ILLEGAL = 1 << 6,
	APIC_ESR_ILLEGAL_REGISTER = 1 << 7,
};

/* The delivery-mode field of the ICR; SDM vol. 3A, "Interrupt Command Register (ICR)". */
enum delivery_mode {
	DELIVERY_FIXED = 0,
	DELIVERY_LOWEST = 1,
	DELIVERY_SMI = 2,
	DELIVERY_RESERVED = 3,
	DELIVERY_NMI = 4,
	DELIVERY_INIT = 5,
	DELIVERY_SIPI = 6,
	DELIVERY_EXTINT = 7, /* reserved in the ICR; an LVT and our callers may send it */
};

enum shorthand { TO_DESTINATION, TO_SELF, TO_ALL, TO_OTHERS };

enum {
	ICR_LOGICAL = 1 << 11,
	ICR_PENDING = 1 << 12, /* delivery status, xAPIC only */
	ICR_ASSERT = 1 << 14,
	ICR_LEVEL = 1 << 15,
	ICR_SHORTHAND_SHIFT = 18,
};

#endif
