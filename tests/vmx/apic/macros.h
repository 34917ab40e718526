/* What the rows of APIC virtualization are written with, beside tests/vmx/exit/row_macros.h. */
#ifndef TESTS_VMX_APIC_MACROS_H
#define TESTS_VMX_APIC_MACROS_H

#include "x86/apic.h"

#include "tests/vmx/apic/descriptor.h"
#include "tests/vmx/exit/row_macros.h"

/*
 * The virtual-APIC page is GUEST_APIC, which the guest does not use; the APIC-access page is
 * GUEST_DATA, where RBX points to. A posted-interrupt descriptor is in GUEST_APIC, too, behind what
 * is watched.
 */
#define VAPIC(offset) GUEST_AT(GUEST_APIC, offset)
#define ACCESS(offset) GUEST_AT(GUEST_DATA, offset)

/* clang-format off */
#define SHADOW PRIMARY_ON(TPR_SHADOW), PAGE_AT(VIRTUAL_APIC_ADDRESS, GUEST_APIC)
#define ACCESSES SECONDARY_ON(APIC_ACCESSES), PAGE_AT(APIC_ACCESS_ADDRESS, GUEST_DATA)
#define REGISTERS SECONDARY_ON(APIC_REGISTERS)
/* The EOI-exit bitmap of a mode's state is empty. */
#define DELIVERY PIN_ON(EXTERNAL_INTERRUPT), SECONDARY_ON(INTERRUPT_DELIVERY)
#define X2APIC SECONDARY_ON(X2APIC), PRIMARY_ON(MSR_BITMAPS), FROM(MSR_BITMAP, VMREAD_BITMAP) /* all zero */
#define WATCHED .watched = GUEST_APIC

/* A word of the virtual-APIC page: before, or afterwards. */
#define WORD(offset, v) MEMORY(4, VAPIC(offset), v)
#define VTPR(v) WORD(APIC_TPR, v)
#define VPPR(v) WORD(APIC_PPR, v)
#define VISR(vector, v) WORD(APIC_ISR + (vector) / 32 * 16, v)
#define VIRR(vector, v) WORD(APIC_IRR + (vector) / 32 * 16, v)
#define BIT_OF(vector) (1u << (vector) % 32)
#define STATUS(svi, rvi) SET(GUEST_INTERRUPT_STATUS, (svi) << 8 | (rvi))
#define IF_ON OR(GUEST_RFLAGS, RFLAGS_IF)
#define AT_ONCE(reason) ENDS(EXITS_AT), .number = REASON_##reason
#define BEHIND(reason) ENDS(EXITS_NEXT), .number = REASON_##reason
/* Whether an APIC-access exit saves RF as 1 is a rule of its own. */
#define RF_UNJUDGED UNJUDGED(GUEST_RFLAGS, 1 << 16)
/* clang-format on */

/* Exit qualification of APIC accesses, bits 15:12. */
enum access_type {
	TYPE_READ = 0 << 12,
	TYPE_WRITE = 1 << 12,
	TYPE_FETCH = 2 << 12,
	TYPE_EVENT = 3 << 12,
	TYPE_PHYSICAL = 15 << 12,
};

#endif
