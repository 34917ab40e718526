/* For guest_registers.rules: what its rules ask beyond view.h, and how they repair it. */
#ifndef VMX_MODEL_REGISTERS_H
#define VMX_MODEL_REGISTERS_H

#include "vmx/model/view.h"

/* Bits 63:width are all equal; the one below may differ. */
static inline bool is_wide(const struct view *v, uint64_t address)
{
	return (uint64_t)((int64_t)address >> v->m->linear_bits) + 1 <= 1;
}

/* What the guest's CR0 must have. */
static inline uint64_t cr0_needed(const struct view *v)
{
	return v->m->cr0_fixed0 & ~(CR0_NW_CD | (v->ug ? CR0_PE | CR0_PG : 0));
}

/* TR, BTS and branch-trace bits, which nobody probes, and what WRMSR refuses below bit 16. */
static inline uint64_t debugctl_open(const struct view *v)
{
	return 0xFFFF & (~v->m->debugctl | 0x7C0);
}

/* IA32_RTIT_CTL: bits without a meaning. In others, WRMSR refuses combinations. */
#define RTIT_RESERVED (BIT(18) | BIT(23) | 7 * BIT(28) | 0x7F * BIT(48) | 0x7F * BIT(57))

#define RFLAGS_RESERVED (~(BIT(22) - 1) | BIT(15) | BIT(5) | BIT(3))

/* The CS of 64-bit mode. */
static inline bool is_code_64(const struct view *v)
{
	return v->ia32e && V(GUEST_CS_RIGHTS) & BIT(13);
}

/*
 * A processor with 57-bit addresses may go by CR4.LA57 when it looks whether one is canonical. Of
 * those that only the larger width allows: true if there are any, which are made narrower if
 * wanted. less: 1, or 0 where only the bits from the width up must be equal.
 */
static inline bool narrow(const struct view *v, uint64_t *address, unsigned less, bool change)
{
	const unsigned unused = 16 + less;
	const int64_t value = (int64_t)*address;

	if ((uint64_t)(value >> (48 - less)) + 1 <= 1 ||
	    (uint64_t)(value >> (v->m->linear_bits - less)) + 1 > 1)
		return false;
	if (change)
		*address = (uint64_t)((int64_t)(*address << unused) >> unused);
	return true;
}

static inline bool narrow_guest(const struct view *v, bool change)
{
	static const uint16_t always[] = {
		AT_GUEST_IA32_SYSENTER_ESP, AT_GUEST_IA32_SYSENTER_EIP, AT_GUEST_FS_BASE,
		AT_GUEST_GS_BASE,	    AT_GUEST_TR_BASE,		AT_GUEST_GDTR_BASE,
		AT_GUEST_IDTR_BASE,
	};
	bool any = false;

	if (v->m->linear_bits <= 48 || V(GUEST_CR4) & V(HOST_CR4) & CR4_LA57)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(always); i++)
		any |= narrow(v, &v->s->value[always[i]], 1, change);
	if (!(V(GUEST_LDTR_RIGHTS) & BIT(16)))
		any |= narrow(v, &V(GUEST_LDTR_BASE), 1, change);
	if (ENTRY(LOAD_BNDCFGS))
		any |= narrow(v, &V(GUEST_IA32_BNDCFGS), 1, change);
	if (ENTRY(LOAD_CET)) {
		any |= narrow(v, &V(GUEST_IA32_S_CET), 1, change);
		any |= narrow(v, &V(GUEST_INTERRUPT_SSP_TABLE), 1, change);
		any |= narrow(v, &V(GUEST_SSP), 0, change);
	}
	if (is_code_64(v))
		any |= narrow(v, &V(GUEST_RIP), 0, change);
	return any;
}

#endif
