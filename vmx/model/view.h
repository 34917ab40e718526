/* For the .rules files: short names of what the rules speak about. */
#ifndef VMX_MODEL_VIEW_H
#define VMX_MODEL_VIEW_H

#include "x86/control.h"
#include "x86/msr.h"

#include "vmx/model/state.h"

/* A state with what follows from it; made once for each check. */
struct view {
	struct model_state *s;
	const struct model_machine *m;
	/* The controls in force: those that are not activated are 0. */
	uint64_t pin, primary, secondary, tertiary, exit, exit2, entry;
	uint64_t inject; /* ENTRY_INTERRUPTION_INFO if it is valid, else 0 */
	bool ug;	 /* "unrestricted guest" */
	bool ia32e;	 /* "IA-32e mode guest" */
	bool v86, pe, pg;
	/* Of the segment registers, by gather_segments(). */
	uint64_t rights_any; /* bits that CS, TR or a usable other one has */
	uint64_t rights_all; /* bits that CS and the usable ones of SS, DS, ES, FS, GS have */
	uint64_t bases_any;  /* bits in bases of CS and the usable ones of SS, DS, ES */
	uint64_t data_types; /* bit n: a usable one of DS, ES, FS, GS has type n */
	bool fine_limit;     /* CS or a usable one has G = 1 and a bit of limit 11:0 clear */
	bool large_limit;    /* CS or a usable one has G = 0 and a bit of limit 31:20 set */
};

#define V(name) (v->s->value[AT_##name])
#define PIN(name) (v->pin & CONTROL_MASK(PIN_##name))
#define PRIMARY(name) (v->primary & CONTROL_MASK(PRIMARY_##name))
#define SECONDARY(name) (v->secondary & CONTROL_MASK(SECONDARY_##name))
#define TERTIARY(name) (v->tertiary & CONTROL_MASK(TERTIARY_##name))
#define EXIT(name) (v->exit & CONTROL_MASK(EXIT_##name))
#define EXIT2(name) (v->exit2 & CONTROL_MASK(EXIT2_##name))
#define ENTRY(name) (v->entry & CONTROL_MASK(ENTRY_##name))

/* For repairs: the activated control off, on. */
#define TURN_OFF(group, field, name) (V(field) &= ~(uint64_t)CONTROL_MASK(group##_##name))
#define TURN_ON(group, field, name) (V(field) |= CONTROL_MASK(group##_##name))

/* An event of this interruption type is injected. */
static inline bool injects_type(const struct view *v, unsigned type)
{
	return v->inject && (v->inject >> 8 & 7) == type;
}

/* Bits from the physical-address width up. */
static inline uint64_t beyond_physical(const struct view *v)
{
	unsigned bits = v->m->basic & BIT(48) ? 32 : v->m->physical_bits;

	return ~(BIT(bits) - 1);
}

/* A 4-KiB aligned address within the width. */
static inline bool is_page(const struct view *v, uint64_t address)
{
	return !(address & (PAGE_MASK | beyond_physical(v)));
}

static inline uint64_t make_page(const struct view *v, uint64_t address)
{
	return address & ~(PAGE_MASK | beyond_physical(v));
}

/* Bits 63:width-1 are all equal. */
static inline bool is_canonical(const struct view *v, uint64_t address)
{
	unsigned unused = 64 - v->m->linear_bits;

	return (uint64_t)((int64_t)(address << unused) >> unused) == address;
}

static inline uint64_t make_canonical(const struct view *v, uint64_t address)
{
	unsigned unused = 64 - v->m->linear_bits;

	return (uint64_t)((int64_t)(address << unused) >> unused);
}

#define CR0_NW_CD (BIT(29) | BIT(30)) /* no entry checks or changes them */
#define CR3_LAM (BIT(61) | BIT(62))

static inline uint64_t cr3_reserved(const struct view *v)
{
	return ~(BIT(v->m->physical_bits) - 1) & ~(v->m->lam ? CR3_LAM : 0);
}

/* IA32_S_CET: reserved bits; SUPPRESS and TRACKER at once. */
static inline bool cet_breaks(uint64_t cet)
{
	return cet & 0x3C0 || (cet & 0xC00) == 0xC00;
}

static inline uint64_t make_cet(uint64_t cet)
{
	return cet & ~((cet & 0xC00) == 0xC00 ? 0xBC0ull : 0x3C0ull);
}

/* Its bits for shadow stacks and for branch tracking, if CPUID does not tell of them. */
static inline uint64_t cet_absent(const struct view *v)
{
	return (v->m->shadow_stacks ? 0 : 3) | (v->m->branch_tracking ? 0 : ~0x3C3ull);
}

#endif
