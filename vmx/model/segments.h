/* For guest_segments.rules: the segment registers of the guest. */
#ifndef VMX_MODEL_SEGMENTS_H
#define VMX_MODEL_SEGMENTS_H

#include "vmx/model/view.h"

/* In the order of their fields. */
enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };
/* Sets of them. */
enum {
	DATA_SEGMENTS = 1 << SEG_ES | 1 << SEG_DS | 1 << SEG_FS | 1 << SEG_GS,
	SIX_SEGMENTS = DATA_SEGMENTS | 1 << SEG_CS | 1 << SEG_SS,
	LOW_SEGMENTS = 1 << SEG_ES | 1 << SEG_CS | 1 << SEG_SS | 1 << SEG_DS,
	SYSTEM_SEGMENTS = 1 << SEG_LDTR | 1 << SEG_TR,
	ALL_SEGMENTS = SIX_SEGMENTS | SYSTEM_SEGMENTS,
};

/* Access rights: SDM vol. 3C, "Guest Register State". */
enum {
	RIGHTS_TYPE = 0xF,
	RIGHTS_S = 1 << 4,
	RIGHTS_DPL = 3 << 5,
	RIGHTS_P = 1 << 7,
	RIGHTS_L = 1 << 13,
	RIGHTS_DB = 1 << 14,
	RIGHTS_G = 1 << 15,
	RIGHTS_UNUSABLE = 1 << 16,
	RIGHTS_V86 = 0xF3, /* all that a segment of virtual-8086 mode may have */
	RIGHTS_LDT = 0x82,
};
/* Sets of types. Code: accessed; data: accessed and, if code, readable. */
enum { CODE_TYPES = 0xAA00, DATA_TYPES = 0x88AA };

#define SELECTOR(i) (v->s->value[AT_GUEST_ES_SELECTOR + (i)])
#define BASE(i) (v->s->value[AT_GUEST_ES_BASE + (i)])
#define LIMIT(i) (v->s->value[AT_GUEST_ES_LIMIT + (i)])
#define RIGHTS(i) (v->s->value[AT_GUEST_ES_RIGHTS + (i)])
#define TYPE(i) (RIGHTS(i) & RIGHTS_TYPE)
#define DPL(i) (RIGHTS(i) >> 5 & 3)

/* CS and TR are checked whatever their bit 16 is. */
static inline bool counts(const struct view *v, unsigned i)
{
	return i == SEG_CS || i == SEG_TR || !(RIGHTS(i) & RIGHTS_UNUSABLE);
}

/* Each segment register of a set that counts. */
#define FOR_SEGMENTS(i, set)                                                                       \
	for (unsigned i = 0; i < SEG_COUNT; i++)                                                   \
		if ((set) >> i & 1 && counts(v, i))

static inline bool is_fine_limit(const struct view *v, unsigned i)
{
	return RIGHTS(i) & RIGHTS_G && ~LIMIT(i) & 0xFFF;
}

static inline bool is_large_limit(const struct view *v, unsigned i)
{
	return !(RIGHTS(i) & RIGHTS_G) && LIMIT(i) >> 20;
}

/* Of a register that is known when this is compiled: the model is asked thousands of times. */
static ALWAYS_INLINE void gather_segment(struct view *v, unsigned i)
{
	if (!counts(v, i))
		return;
	v->rights_any |= RIGHTS(i);
	if (!(SIX_SEGMENTS >> i & 1))
		return;
	v->rights_all &= RIGHTS(i);
	v->fine_limit |= is_fine_limit(v, i);
	v->large_limit |= is_large_limit(v, i);
	v->bases_any |= LOW_SEGMENTS >> i & 1 ? BASE(i) : 0;
	v->data_types |= DATA_SEGMENTS >> i & 1 ? BIT(TYPE(i)) : 0;
}

/* One pass for the rules of many registers. */
static inline void gather_segments(struct view *v)
{
	v->rights_all = ~0ull;
	gather_segment(v, SEG_ES);
	gather_segment(v, SEG_CS);
	gather_segment(v, SEG_SS);
	gather_segment(v, SEG_DS);
	gather_segment(v, SEG_FS);
	gather_segment(v, SEG_GS);
	gather_segment(v, SEG_LDTR);
	gather_segment(v, SEG_TR);
}

static inline void obey_granularity(const struct view *v, unsigned i)
{
	if (LIMIT(i) >> 20) {
		RIGHTS(i) |= RIGHTS_G;
		LIMIT(i) |= 0xFFF;
	} else if (is_fine_limit(v, i)) {
		RIGHTS(i) &= ~(uint64_t)RIGHTS_G;
	}
}

static inline void set_dpl(const struct view *v, unsigned i, uint64_t level)
{
	RIGHTS(i) = (RIGHTS(i) & ~(uint64_t)RIGHTS_DPL) | level << 5;
}

/* A field of all of ES, CS, SS, DS, FS, GS. */
static inline bool six_are(const uint64_t *field, uint64_t value)
{
	bool same = true;

	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		same &= field[i] == value;
	return same;
}

static inline void set_six(uint64_t *field, uint64_t value)
{
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		field[i] = value;
}

static inline bool v86_bases(const struct view *v)
{
	bool good = true;

	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		good &= BASE(i) == SELECTOR(i) << 4;
	return good;
}

static inline void set_v86_bases(const struct view *v)
{
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		BASE(i) = SELECTOR(i) << 4;
}

/* Those of FS, GS and TR whether they are usable or not. */
static inline bool canonical_bases(const struct view *v)
{
	return is_canonical(v, BASE(SEG_FS)) && is_canonical(v, BASE(SEG_GS)) &&
	       is_canonical(v, BASE(SEG_TR)) &&
	       (!counts(v, SEG_LDTR) || is_canonical(v, BASE(SEG_LDTR)));
}

static inline void make_bases_canonical(const struct view *v)
{
	for (unsigned i = SEG_FS; i <= SEG_TR; i++)
		BASE(i) = make_canonical(v, BASE(i));
}

/* DPL < RPL in a data or non-conforming code segment. */
static inline bool data_below_rpl(const struct view *v)
{
	bool below = false;

	FOR_SEGMENTS(i, DATA_SEGMENTS)
		below |= DPL(i) < (SELECTOR(i) & 3) && TYPE(i) < 12;
	return below;
}

static inline bool is_ldt(const struct view *v)
{
	return (RIGHTS(SEG_LDTR) & (RIGHTS_TYPE | RIGHTS_S | RIGHTS_P)) == RIGHTS_LDT &&
	       !is_fine_limit(v, SEG_LDTR) && !is_large_limit(v, SEG_LDTR);
}

static inline void make_ldt(const struct view *v)
{
	RIGHTS(SEG_LDTR) &= ~(uint64_t)(RIGHTS_TYPE | RIGHTS_S | RIGHTS_P);
	RIGHTS(SEG_LDTR) |= RIGHTS_LDT;
	obey_granularity(v, SEG_LDTR);
}

/* FRED knows two levels: 0 with 64-bit code, 3 with IOPL 0. */
static inline bool fred_level(const struct view *v)
{
	if (DPL(SEG_SS) == 0)
		return RIGHTS(SEG_CS) & RIGHTS_L;
	return DPL(SEG_SS) == 3 && !(V(GUEST_RFLAGS) & 3 << 12);
}

#endif
