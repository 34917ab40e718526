/* For the .rules files: short names of what the rules speak about. */
#ifndef SVM_MODEL_VIEW_H
#define SVM_MODEL_VIEW_H

#include "x86/control.h"
#include "x86/msr.h"

#include "svm/model/state.h"

/* A state with what follows from it; made once for each check. */
struct svm_view {
	struct svm_state *s;
	const struct svm_machine *m;
	bool pe, pg, lme, pae;
	bool np;	 /* nested paging is in force */
	bool avic;	 /* AVIC likewise */
	bool code_64;	 /* the guest begins in 64-bit mode */
	bool lma_agrees; /* EFER.LMA is what LME and PG make of it */
	uint64_t inject; /* EVENTINJ if it is valid, else 0 */
};

#define V(name) (v->s->value[AT_##name])
#define HAS(feature) svm_machine_has(v->m, SVM_##feature)

static inline bool intercepts(const struct svm_view *v, enum svm_exit code)
{
	return v->s->value[AT_INTERCEPT_CR + code / 32] >> code % 32 & 1;
}

static inline void intercept(const struct svm_view *v, enum svm_exit code)
{
	v->s->value[AT_INTERCEPT_CR + code / 32] |= BIT(code % 32);
}

/* Bits from the physical-address width up. */
static inline uint64_t beyond_physical(const struct svm_view *v)
{
	return ~(BIT(v->m->physical_bits) - 1);
}

/* ---- registers ---- */

/* Bits that are 0 in every edition, and those that belong to a feature: APM vol. 2, "CR4 Register",
 * "Extended Feature Enable Register (EFER)". */
#define CR4_MBZ (~(BIT(32) - 1) | 0xFF08E000)
#define CR4_FEATURES 0x00F71800ull
#define EFER_MBZ (~(BIT(22) - 1) | BIT(19) | BIT(16) | BIT(9))
#define EFER_FEATURES (BIT(21) | BIT(20) | BIT(18) | BIT(17) | BIT(15) | BIT(14) | BIT(13) | 0xFE)

/* Bits of CR4 of which the manual's list says nothing clear: a feature's that the processor lacks,
 * a reserved one that CPUID grants, PCIDE outside of long mode. */
static inline uint64_t open_cr4(const struct svm_view *v)
{
	const bool long_mode = v->lme && v->pg;

	return (V(CR4) & CR4_FEATURES & ~v->m->cr4) | (V(CR4) & CR4_MBZ & v->m->cr4) |
	       (long_mode ? 0 : V(CR4) & CR4_PCIDE);
}

static inline uint64_t open_efer(const struct svm_view *v)
{
	return V(EFER) & EFER_FEATURES & ~v->m->efer;
}

/* CS attributes: bits 9 and 10. */
enum { ATTRIB_L = 1 << 9, ATTRIB_D = 1 << 10 };
enum { SH_STK_EN = 1 << 0 };

#define PDPE_RESERVED (~(BIT(52) - 1) | 0x1E6) /* 63:52, 8:5, 2:1 */

/* The PDPEs count: of a guest with PAE paging and without nested paging. */
static inline bool reads_pdpes(const struct svm_view *v)
{
	return !v->np && v->pg && v->pae && !v->lme;
}

static inline bool breaks_pdpe(const struct svm_view *v)
{
	for (unsigned i = 0; i < 4; i++)
		if (v->s->value[AT_PDPE_0 + i] & 1 && v->s->value[AT_PDPE_0 + i] & PDPE_RESERVED)
			return true;
	return false;
}

static inline void mend_pdpes(const struct svm_view *v)
{
	for (unsigned i = 0; i < 4; i++)
		v->s->value[AT_PDPE_0 + i] &= ~PDPE_RESERVED;
}

/* ---- permission maps ---- */

enum { MSRPM_BYTES = 0x2000, IOPM_BYTES = 0x3000 };

/* Bits 11:0 of the address are ignored. The last byte is beyond the physical width. */
static inline bool map_is_beyond(const struct svm_view *v, uint64_t base, uint64_t bytes)
{
	return (base & ~(uint64_t)PAGE_MASK) > BIT(v->m->physical_bits) - bytes;
}

/* The last place for the MSRPM: processors may compare it with one page more. */
static inline bool msrpm_is_last(const struct svm_view *v)
{
	return (V(MSRPM_BASE_PA) & ~(uint64_t)PAGE_MASK) == BIT(v->m->physical_bits) - MSRPM_BYTES;
}

static inline bool bad_msrpm(const struct svm_view *v)
{
	return map_is_beyond(v, V(MSRPM_BASE_PA), MSRPM_BYTES);
}

static inline bool bad_iopm(const struct svm_view *v)
{
	return map_is_beyond(v, V(IOPM_BASE_PA), IOPM_BYTES);
}

/* Moves a map down by its top bits. */
static inline void mend_map(const struct svm_view *v, uint64_t *base)
{
	*base &= ~beyond_physical(v);
	if (*base > BIT(v->m->physical_bits) - 2 * IOPM_BYTES)
		*base &= ~BIT(v->m->physical_bits - 1);
}

/* ---- other controls ---- */

static inline bool np_control(const struct svm_view *v, uint64_t bit)
{
	return V(NP_CONTROL) & bit;
}

/* Where MAX_INDEX ends: APM vol. 2, "AVIC". */
static inline uint64_t avic_index_limit(const struct svm_view *v)
{
	return V(VINTR) & VINTR_X2AVIC ? 511 : 255;
}

/* Bits whose feature the processor lacks, and SEV while memory encryption is on. */
static inline uint64_t absent_np(const struct svm_view *v)
{
	const bool ignored = v->m->sev && !(v->m->syscfg & BIT(23));

	return V(NP_CONTROL) & (NP_SEV_ES | NP_TRANSPARENT | (ignored ? 0 : NP_SEV));
}

static inline uint64_t absent_vintr(const struct svm_view *v)
{
	return V(VINTR) & ((HAS(VNMI) ? 0 : VINTR_NMI_ENABLE) | (HAS(X2AVIC) ? 0 : VINTR_X2AVIC) |
			   (HAS(AVIC) ? 0 : VINTR_AVIC));
}

static inline bool tlb_is_open(const struct svm_view *v)
{
	switch (V(TLB_CONTROL)) {
	case TLB_NOTHING:
	case TLB_FLUSH_ALL:
		return false;
	case TLB_FLUSH_ASID:
	case TLB_FLUSH_ASID_NON_GLOBAL:
		return !HAS(FLUSH_BY_ASID);
	default:
		return true;
	}
}

#define VINTR_RESERVED (~(BIT(40) - 1) | 0x38E0E400 | 0xF0)

static inline uint64_t np_reserved(const struct svm_view *v)
{
	return ~0xFFull | (HAS(SSS) ? 0 : NP_SSS) |
	       (HAS(READ_ONLY_TABLES) ? 0 : NP_READ_ONLY_GUEST) |
	       (HAS(TLB_CONTROL) ? 0 : NP_INVLPGB);
}

static inline uint64_t lbr_reserved(const struct svm_view *v)
{
	return ~3ull | (HAS(LBR_VIRTUALIZATION) ? 0 : 1) | (HAS(VIRTUAL_VMSAVE) ? 0 : 2);
}

/* Something that should be zero is not. */
static inline bool breaks_sbz(const struct svm_view *v)
{
	return V(INTERCEPT_5) >> 7 || V(VINTR) & VINTR_RESERVED || V(INTERRUPT_SHADOW) >> 2 ||
	       V(NP_CONTROL) & np_reserved(v) || V(LBR_CONTROL) & lbr_reserved(v) ||
	       V(RESERVED_018) || V(RESERVED_020) || V(RESERVED_028) || V(RESERVED_030) ||
	       V(RESERVED_038) || V(RESERVED_100);
}

static inline void mend_sbz(const struct svm_view *v)
{
	V(INTERCEPT_5) &= 0x7F;
	V(VINTR) &= ~VINTR_RESERVED;
	V(INTERRUPT_SHADOW) &= 3;
	V(NP_CONTROL) &= ~np_reserved(v);
	V(LBR_CONTROL) &= ~lbr_reserved(v);
	for (unsigned at = AT_RESERVED_018; at <= AT_RESERVED_100; at++)
		v->s->value[at] = 0;
}

/* ---- event injection ---- */

enum { INJECT_SBZ = 0x7FFFF000 };

static inline bool injects(const struct svm_view *v, unsigned type)
{
	return v->inject && (v->inject & SVM_EVENT_TYPE) == type;
}

static inline bool injects_exception(const struct svm_view *v, unsigned vector)
{
	return injects(v, SVM_EVENT_EXCEPTION) && (v->inject & 0xFF) == vector;
}

/* An exception of this set of vectors. */
static inline bool injects_of(const struct svm_view *v, uint32_t vectors)
{
	return injects(v, SVM_EVENT_EXCEPTION) && (v->inject & 0xFF) < 32 &&
	       vectors >> (v->inject & 0x1F) & 1;
}

static inline bool injects_reserved_type(const struct svm_view *v)
{
	const unsigned type = (unsigned)(v->inject & SVM_EVENT_TYPE) >> 8;

	return v->inject && type != 0 && (type < 2 || type > 4);
}

/* Vectors of exceptions that there are not: APM vol. 2, "Event Injection". */
static inline bool injects_no_exception(const struct svm_view *v)
{
	return injects_of(v, 0x8FD08004) || /* 2, 15, 20, 22 to 27, 31 */
	       (injects(v, SVM_EVENT_EXCEPTION) && v->inject & 0xE0);
}

/* 9, and those that came with CET, SEV-SNP and SEV-ES. */
static inline bool injects_by_feature(const struct svm_view *v)
{
	return injects_of(v, BIT(9) | (v->m->cet ? 0 : BIT(21)) | (v->m->sev_snp ? 0 : BIT(28)) |
				     (v->m->sev_es ? 0 : BIT(29)));
}

/* #OF in 64-bit mode; and #BR if EFER.LMA does not say what mode it is. */
static inline bool injects_openly(const struct svm_view *v)
{
	return (injects_exception(v, 4) && v->code_64) ||
	       (injects_of(v, BIT(4) | BIT(5)) && !v->lma_agrees);
}

static inline void mend_event(const struct svm_view *v)
{
	V(EVENTINJ) = (V(EVENTINJ) & ~(uint64_t)(SVM_EVENT_TYPE | 0xFF)) | SVM_EVENT_EXCEPTION | 6;
}

#endif
