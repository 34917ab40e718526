/* For host.rules and msr.rules: what their rules ask beyond view.h, and how they repair it. */
#ifndef VMX_MODEL_HOST_VIEW_H
#define VMX_MODEL_HOST_VIEW_H

#include "vmx/model/view.h"

/* 0 exactly if the address is canonical; several can be ORed. */
static inline uint64_t not_canonical(const struct view *v, uint64_t address)
{
	return (address + BIT(v->m->linear_bits - 1)) >> v->m->linear_bits;
}

#define FIX_CANONICAL(name) (V(name) = make_canonical(v, V(name)))

/* Bits that a control register must not have this way. */
static inline uint64_t breaks_fixed(uint64_t value, uint64_t fixed0, uint64_t fixed1)
{
	return (~value & fixed0) | (value & ~fixed1);
}

static inline uint64_t host_cr0_breaks(const struct view *v)
{
	return breaks_fixed(V(HOST_CR0), v->m->cr0_fixed0, v->m->cr0_fixed1) & ~CR0_NW_CD;
}

static inline uint64_t host_cr4_breaks(const struct view *v)
{
	return breaks_fixed(V(HOST_CR4), v->m->cr4_fixed0, v->m->cr4_fixed1);
}

/* What the processor lets WRMSR set, and the two bits that have rules of their own. */
static inline uint64_t efer_bits(const struct view *v)
{
	return v->m->efer | EFER_LMA | EFER_LME;
}

/* LMA and LME that are not "host address-space size". */
static inline uint64_t host_lma_breaks(const struct view *v)
{
	const uint64_t both = EFER_LMA | EFER_LME;

	return (V(HOST_IA32_EFER) & both) ^ (EXIT(HOST_64) ? both : 0);
}

/* TI and RPL in one of the seven selectors. */
static inline uint64_t host_selector_breaks(const struct view *v)
{
	uint64_t any = 0;

	for (unsigned i = AT_HOST_ES_SELECTOR; i <= AT_HOST_TR_SELECTOR; i++)
		any |= v->s->value[i];
	return any & 7;
}

static inline void fix_host_selectors(const struct view *v)
{
	for (unsigned i = AT_HOST_ES_SELECTOR; i <= AT_HOST_TR_SELECTOR; i++)
		v->s->value[i] &= ~7ull;
}

/* The bases of FS, GS, TR, GDTR and IDTR. */
static inline uint64_t host_bases_not_canonical(const struct view *v)
{
	uint64_t any = 0;

	for (unsigned i = AT_HOST_FS_BASE; i <= AT_HOST_IDTR_BASE; i++)
		any |= not_canonical(v, v->s->value[i]);
	return any;
}

static inline void fix_host_bases(const struct view *v)
{
	for (unsigned i = AT_HOST_FS_BASE; i <= AT_HOST_IDTR_BASE; i++)
		v->s->value[i] = make_canonical(v, v->s->value[i]);
}

/*
 * A processor with 57-bit addresses may go by CR4.LA57 when it looks whether one is canonical:
 * those that only 57 bits allow are made so that 48 bits do. True if there were any.
 */
static inline bool narrow_host(const struct view *v, bool change)
{
	static const uint16_t at[] = {
		AT_HOST_FS_BASE,
		AT_HOST_GS_BASE,
		AT_HOST_TR_BASE,
		AT_HOST_GDTR_BASE,
		AT_HOST_IDTR_BASE,
		AT_HOST_IA32_SYSENTER_ESP,
		AT_HOST_RIP,
		AT_HOST_IA32_SYSENTER_EIP,
		AT_HOST_IA32_S_CET,
		AT_HOST_SSP,
		AT_HOST_INTERRUPT_SSP_TABLE,
	};
	const unsigned count = EXIT(LOAD_CET) ? ARRAY_SIZE(at) : ARRAY_SIZE(at) - 3;
	bool any = false;

	if (v->m->linear_bits <= 48 || V(HOST_CR4) & CR4_LA57)
		return false;
	for (unsigned i = 0; i < count; i++) {
		uint64_t *address = &v->s->value[at[i]];

		if (not_canonical(v, *address) || !((*address + BIT(47)) >> 48))
			continue;
		any = true;
		if (change)
			*address = (uint64_t)((int64_t)(*address << 16) >> 16);
	}
	return any;
}

/* The entry of the VM-entry MSR-load area that the state has is one of those that are loaded. */
static inline bool in_load_area(const struct view *v)
{
	return V(MSR_LOAD_POSITION) - 1 < V(ENTRY_MSR_LOAD_COUNT);
}

#define MSR_BIOS_UPDT_TRIG 0x79u
#define MSR_BIOS_SIGN_ID 0x8Bu
#define MSR_SMM_MONITOR_CTL 0x9Bu
#define MSR_EFER 0xC0000080u
#define MSR_FS_BASE 0xC0000100u /* GS_BASE is the next */
#define MSR_KERNEL_GS_BASE 0xC0000102u

static inline bool is_base_msr(uint32_t msr)
{
	return msr - MSR_FS_BASE < 2;
}

static inline bool is_x2apic_msr(uint32_t msr)
{
	return msr >> 8 == 8;
}

static inline bool is_microcode_msr(uint64_t msr)
{
	return msr == MSR_BIOS_SIGN_ID || msr == MSR_BIOS_UPDT_TRIG;
}

/* SYSENTER, PAT, EFER, SYSCALL, KERNEL_GS_BASE: those that every processor has. */
static inline bool is_common_msr(uint64_t msr)
{
	return msr - 0x174 < 3 || msr == 0x277 || msr - MSR_EFER < 5 || msr == MSR_KERNEL_GS_BASE;
}

/* The entry's number of an MSR allows it, and WRMSR would refuse the value. An EFER whose LME is
 * not the guest's is a matter of its own. */
static inline bool refuses_load(const struct view *v)
{
	const uint64_t msr = V(MSR_LOAD_INDEX);

	if (msr >> 32 || is_base_msr((uint32_t)msr) || is_x2apic_msr((uint32_t)msr) ||
	    is_microcode_msr(msr) || msr == MSR_SMM_MONITOR_CTL)
		return false;
	if (msr == MSR_EFER)
		return V(MSR_LOAD_VALUE) & ~efer_bits(v);
	return v->m->msr_refuses((uint32_t)msr, V(MSR_LOAD_VALUE));
}

static inline bool loads_other_lme(const struct view *v)
{
	return V(MSR_LOAD_INDEX) == MSR_EFER && !(V(MSR_LOAD_VALUE) & EFER_LME) != !v->ia32e;
}

/* Makes the entry as the others of the area are. */
static inline void load_nothing(const struct view *v)
{
	V(MSR_LOAD_INDEX) = MSR_KERNEL_GS_BASE;
	V(MSR_LOAD_VALUE) = 0;
}

#endif
