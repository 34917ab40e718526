/*
 * All on which the outcome of VMRUN depends: the VMCB, memory and registers that it reads, and what
 * the processor is like.
 */
#ifndef SVM_MODEL_STATE_H
#define SVM_MODEL_STATE_H

#include "lib/base.h"

#include "svm/features.h"
#include "svm/vmcb.h"

/* Fields without a name, which should be zero: RESERVED(name, offset, bytes). */
#define SVM_RESERVED_FIELDS(RESERVED)                                                              \
	RESERVED(RESERVED_018, 0x018, 8)                                                           \
	RESERVED(RESERVED_020, 0x020, 8)                                                           \
	RESERVED(RESERVED_028, 0x028, 8)                                                           \
	RESERVED(RESERVED_030, 0x030, 8)                                                           \
	RESERVED(RESERVED_038, 0x038, 4)                                                           \
	RESERVED(RESERVED_100, 0x100, 8)

/*
 * The values that decide, by a dense number: every field of vmcb.def in its order, the reserved
 * ones, then what is outside of the VMCB.
 */
enum svm_index {
#define FIELD(name, ...) AT_##name,
#include "svm/vmcb.def"
#undef FIELD
#define RESERVED(name, ...) AT_##name,
	SVM_RESERVED_FIELDS(RESERVED)
#undef RESERVED
		SVM_FIELDS,
	AT_PDPE_0 = SVM_FIELDS, /* the table at CR3 of a guest with PAE paging and without NP */
	AT_PDPE_1,
	AT_PDPE_2,
	AT_PDPE_3,
	AT_U_CET, /* the MSR, which VMRUN leaves alone */
	SVM_VALUES
};

struct svm_state {
	uint64_t value[SVM_VALUES];
};

/* What a processor is like. */
struct svm_machine {
	uint32_t features; /* bits of enum svm_feature */
	uint32_t asids;	   /* CPUID 8000_000AH EBX */
	/* Of physical addresses, less what memory encryption takes; of linear ones: 48 or 57. */
	unsigned physical_bits, linear_bits;
	uint64_t cr4, efer; /* bits that CPUID grants */
	uint64_t syscfg;    /* the MSR; 0: none */
	bool deep;	    /* the host has page tables of five levels, and so has nested paging */
	bool cet;
	bool sev, sev_es, sev_snp; /* CPUID 8000_001FH EAX */
};

static inline bool svm_machine_has(const struct svm_machine *machine, enum svm_feature feature)
{
	return machine->features >> feature & 1;
}

/* The width of each value: all bits that it can hold. */
extern const uint64_t svm_masks[SVM_VALUES];

/* Offset and size of a field, as VMCB_ENCODING; 0 of what is not in the VMCB. */
uint32_t svm_encoding(unsigned at);

/* The name of a value, for people. */
const char *svm_name(unsigned at);

#endif
