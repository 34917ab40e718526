/* For guest_state.rules: activity, interruptibility, pending debug exceptions, link pointer,
 * PDPTEs.
 */
#ifndef VMX_MODEL_NONREGISTER_H
#define VMX_MODEL_NONREGISTER_H

#include "vmx/model/view.h"

/* In vector and interruption type: #DB and #MC by hardware, a pending MTF exit. */
enum { INJECTED_DB = 0x301, INJECTED_MC = 0x312, INJECTED_MTF = 0x700 };

static inline bool wakes_hlt(const struct view *v)
{
	uint64_t event = v->inject & 0x7FF;

	return injects_type(v, 0) || injects_type(v, 2) || event == INJECTED_DB ||
	       event == INJECTED_MC || event == INJECTED_MTF;
}

static inline bool wakes_shutdown(const struct view *v)
{
	return injects_type(v, 2) || (v->inject & 0x7FF) == INJECTED_MC;
}

/* The states in which BS of the pending debug exceptions must be what RFLAGS.TF says. */
static inline bool checks_bs(const struct view *v)
{
	return V(GUEST_INTERRUPTIBILITY) & 3 || V(GUEST_ACTIVITY_STATE) == 1;
}

/* RFLAGS.TF without IA32_DEBUGCTL.BTF. */
static inline bool steps(const struct view *v)
{
	return V(GUEST_RFLAGS) & 0x100 && !(V(GUEST_IA32_DEBUGCTL) & 2);
}

/* Of pending debug exceptions with RTM: all but bit 12 is 0, no blocking by MOV SS. */
static inline bool breaks_rtm(const struct view *v)
{
	return (V(GUEST_PENDING_DEBUG) & 0xFFFF) != BIT(12) || V(GUEST_INTERRUPTIBILITY) & 2;
}

/* The bit needs a feature that CPUID does not show; no other rule decides. */
static inline bool lacks_pending(const struct view *v)
{
	if (V(GUEST_PENDING_DEBUG) & BIT(16))
		return !v->m->rtm && !breaks_rtm(v);
	return !v->m->bus_lock;
}

static inline bool is_linked(const struct view *v)
{
	return V(VMCS_LINK_POINTER) != ~0ull;
}

static inline bool has_pae_paging(const struct view *v)
{
	return v->pg && !v->ia32e && V(GUEST_CR4) & BIT(5);
}

/* Reserved bits of PDPTEs that are present. */
static inline uint64_t pdpte_reserved(const struct view *v)
{
	return 0x1E6 | beyond_physical(v);
}

/* Those that are set in any of the four entries from there. */
static inline uint64_t bad_pdpte_bits(const struct view *v, enum model_index first)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < 4; i++)
		if (v->s->value[first + i] & 1)
			bits |= v->s->value[first + i];
	return bits & pdpte_reserved(v);
}

static inline void repair_pdptes(const struct view *v, enum model_index first)
{
	for (unsigned i = 0; i < 4; i++)
		v->s->value[first + i] &= ~pdpte_reserved(v);
}

#endif
