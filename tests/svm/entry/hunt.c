/*
 * What the fuzzer may change in a VMCB, and what it must not come to. A guest that is entered finds
 * its VMMCALL or faults: page tables of both kinds map pages of our own and nothing else, and code
 * begins at its place or where nothing is mapped. Intercepts, TLB_CONTROL, clean bits and what an
 * exit would not turn off stay as they are.
 */
#include "svm/model/view.h"

#include "tests/svm/entry/hunt.h"

enum { NEVER, ANY, TOP_OF_ADDRESS, MAP, HIGH_HALF, LOW_32, LOW_BYTE };

/* In the order of vmcb.def. */
static const struct fuzz_run runs[] = {
	{ AT_INTERCEPT_4, AT_INTERCEPT_4, LOW_BYTE, 2 },
	{ AT_IOPM_BASE_PA, AT_MSRPM_BASE_PA, MAP, 2 },
	{ AT_TSC_OFFSET, AT_TSC_OFFSET, ANY, 1 },
	{ AT_GUEST_ASID, AT_GUEST_ASID, LOW_32, 2 },
	{ AT_VINTR, AT_VINTR, ANY, 2 },
	{ AT_INTERRUPT_SHADOW, AT_INTERRUPT_SHADOW, ANY, 1 },
	{ AT_NP_CONTROL, AT_NP_CONTROL, ANY, 2 },
	{ AT_EVENTINJ, AT_EVENTINJ, ANY, 8 },
	{ AT_N_CR3, AT_N_CR3, TOP_OF_ADDRESS, 2 },
	{ AT_ES_SELECTOR, AT_ES_BASE, ANY, 1 },
	{ AT_CS_SELECTOR, AT_CS_LIMIT, ANY, 3 },
	{ AT_SS_SELECTOR, AT_DS_BASE, ANY, 1 },
	{ AT_GDTR_LIMIT, AT_GDTR_BASE, ANY, 1 },
	{ AT_CPL, AT_CPL, ANY, 1 },
	{ AT_EFER, AT_EFER, ANY, 8 },
	{ AT_CR4, AT_CR4, ANY, 8 },
	{ AT_CR3, AT_CR3, TOP_OF_ADDRESS, 4 },
	{ AT_CR0, AT_CR0, ANY, 8 },
	{ AT_DR7, AT_DR7, HIGH_HALF, 2 },
	{ AT_DR6, AT_DR6, ANY, 2 },
	{ AT_RFLAGS, AT_RFLAGS, ANY, 2 },
	{ AT_RIP, AT_RIP, HIGH_HALF, 1 },
	{ AT_RSP, AT_RSP, ANY, 1 },
	{ AT_S_CET, AT_S_CET, ANY, 2 },
	{ AT_RAX, AT_RAX, ANY, 1 },
	{ AT_CR2, AT_CR2, ANY, 1 },
	{ AT_G_PAT, AT_G_PAT, ANY, 4 },
	{ AT_RESERVED_018, AT_RESERVED_100, ANY, 1 },
	{ AT_PDPE_0, AT_PDPE_3, ANY, 1 },
	{ 0, 0, NEVER, 0 },
};

static const uint16_t clusters[][FUZZ_CLUSTER] = {
	{ AT_CR0, AT_CR4, AT_EFER, AT_CS_ATTRIB, AT_CR3, AT_CR0, AT_CR4, AT_EFER },
	{ AT_EVENTINJ, AT_CS_ATTRIB, AT_EFER, AT_CR0, AT_RFLAGS, AT_EVENTINJ, AT_CPL, AT_CR4 },
	{ AT_NP_CONTROL, AT_G_PAT, AT_N_CR3, AT_CR3, AT_CR4, AT_PDPE_0, AT_PDPE_1, AT_EFER },
	{ AT_INTERCEPT_4, AT_GUEST_ASID, AT_IOPM_BASE_PA, AT_MSRPM_BASE_PA, AT_VINTR, AT_NP_CONTROL,
	  AT_DR6, AT_DR7 },
};

static const struct fuzz_telling telling[] = {
	{ AT_EVENTINJ, EVENT(TYPE_INTR, 32) },
	{ AT_EVENTINJ, EVENT(TYPE_NMI, 2) },
	{ AT_EVENTINJ, EVENT(TYPE_EXCEPTION, 0) },
	{ AT_EVENTINJ, EVENT(TYPE_EXCEPTION, 2) },
	{ AT_EVENTINJ, EVENT(TYPE_EXCEPTION, 3) },
	{ AT_EVENTINJ, EVENT(TYPE_EXCEPTION, 5) },
	{ AT_EVENTINJ, EVENT(TYPE_EXCEPTION, 6) },
	{ AT_EVENTINJ, EVENT(TYPE_EXCEPTION, 15) },
	{ AT_EVENTINJ, EVENT(TYPE_EXCEPTION, 18) },
	{ AT_EVENTINJ, EVENT(TYPE_EXCEPTION, 31) },
	{ AT_EVENTINJ, EVENT(TYPE_SOFTWARE, 128) },
	{ AT_EVENTINJ, 0x7FFFFFFF },
	{ AT_CS_ATTRIB, 0xA9B },
	{ AT_CS_ATTRIB, 0xC9B },
	{ AT_CS_ATTRIB, 0xE9B },
	{ AT_CS_ATTRIB, 0x09B },
	{ AT_GUEST_ASID, 0 },
	{ AT_RFLAGS, 2 },
	{ AT_RFLAGS, 0x202 },
	{ AT_G_PAT, 0 },
	{ AT_G_PAT, 0x0606060606060606 },
	{ AT_EFER, EFER_SVME },
	{ AT_EFER, EFER_SVME | EFER_LME },
	{ AT_EFER, 0 },
	{ AT_CR4, 0 },
	{ AT_CR4, CR4_PAE },
	{ AT_CR4, CR4_PSE },
};

/* What a guest or an exit would feel beyond the VMCB, or what is only for single rows. */
static uint64_t kept(unsigned at)
{
	switch (at) {
	case AT_VINTR: /* nothing physical is masked; no AVIC, no virtual NMI */
		return VINTR_MASKING | VINTR_AVIC | VINTR_X2AVIC | VINTR_NMI | VINTR_NMI_MASK |
		       VINTR_NMI_ENABLE;
	case AT_INTERRUPT_SHADOW:
		return SHADOW_GUEST_MASK;
	case AT_NP_CONTROL: /* what a feature would do that the model does not know */
		return ~(NP_ENABLE | NP_GMET);
	case AT_EVENTINJ: /* an error code, or none where there should be one */
		return SVM_EVENT_ERROR;
	case AT_CR0: /* caches */
		return CR0_CD;
	case AT_CR4: /* another depth of page tables; machine checks */
		return CR4_LA57 | CR4_MCE;
	case AT_RFLAGS:
		return RFLAGS_VM;
	default:
		return 0;
	}
}

static uint64_t bits_of(const void *of, unsigned at, uint8_t bits)
{
	const struct svm_machine *machine = of;
	const uint64_t beyond = ~(BIT(machine->physical_bits) - 1);

	switch (bits) {
	case TOP_OF_ADDRESS: /* what is accepted is walked: our own tables */
		return beyond;
	case MAP:
		return beyond | PAGE_MASK;
	case HIGH_HALF:
		return HIGH;
	case LOW_32:
		return 0xFFFFFFFF;
	case LOW_BYTE:
		return 1;
	case NEVER:
		return 0;
	default:
		break;
	}
	if (at >= AT_PDPE_0 && at <= AT_PDPE_3)
		return PDPE_RESERVED | 0xE00;
	if (at == AT_S_CET && !machine->cet)
		return 0;
	return ~kept(at);
}

/* LME without paging and without PAE: an emulator loses the host on the way back, which rows of
 * host.regs show. */
static bool loses_host(const uint64_t *state)
{
	return !(state[AT_CR0] & CR0_PG) && !(state[AT_CR4] & CR4_PAE) && state[AT_EFER] & EFER_LME;
}

/* The page of PDPEs that the model knows; the first base is BASE_64. */
static uint64_t own_pdpes(const struct fuzz *fuzz)
{
	return fuzz->bases[0][AT_CR3] + (PAGE_PDPT_PAE - PAGE_PML4) * (uint64_t)PAGE_SIZE;
}

static bool reads_other_pdpes(const struct fuzz *fuzz, const uint64_t *state)
{
	return !(state[AT_NP_CONTROL] & NP_ENABLE) && state[AT_CR0] & CR0_PG &&
	       state[AT_CR4] & CR4_PAE && !(state[AT_EFER] & EFER_LME) &&
	       (state[AT_CR3] & ~(uint64_t)PAGE_MASK) != own_pdpes(fuzz);
}

static void keep_pdpes(const struct fuzz *fuzz, uint64_t *state, unsigned at)
{
	if (!reads_other_pdpes(fuzz, state))
		return;
	if (at == AT_CR3)
		state[AT_CR3] = own_pdpes(fuzz);
	if (at == AT_EFER)
		state[AT_EFER] |= EFER_LME;
	if (at == AT_CR4)
		state[AT_CR4] &= ~(uint64_t)CR4_PAE;
	if (at == AT_NP_CONTROL)
		state[AT_NP_CONTROL] |= NP_ENABLE;
}

/*
 * Only nested paging keeps a guest without paging in its own pages, and a processor that accepts a
 * CR3 beyond its addresses from the memory that is not there. Long mode without protection
 * stops an emulator as a whole.
 */
static void keep_harmless(const struct fuzz *fuzz, uint64_t *state, unsigned at)
{
	const bool pages = state[AT_CR0] & CR0_PG, lme = state[AT_EFER] & EFER_LME;
	const struct svm_machine *machine = fuzz->machine;
	const uint64_t beyond = ~(BIT(machine->physical_bits) - 1);

	if (at == AT_CR0 && !pages && !(state[AT_NP_CONTROL] & NP_ENABLE))
		state[AT_CR0] |= CR0_PG;
	if (at == AT_NP_CONTROL && (!pages || state[AT_CR3] & beyond))
		state[AT_NP_CONTROL] |= NP_ENABLE;
	if (at == AT_CR3 && !(state[AT_NP_CONTROL] & NP_ENABLE))
		state[AT_CR3] &= ~beyond;
	if (at == AT_CR0 && state[AT_CR0] & CR0_PG && lme)
		state[AT_CR0] |= CR0_PE;
	if (at == AT_EFER && pages && !(state[AT_CR0] & CR0_PE))
		state[AT_EFER] &= ~(uint64_t)EFER_LME;
	if (at == AT_CR0 && loses_host(state))
		state[AT_CR0] |= CR0_PG | CR0_PE;
	if (at == AT_CR4 && loses_host(state))
		state[AT_CR4] |= CR4_PAE;
	if (at == AT_EFER && loses_host(state))
		state[AT_EFER] &= ~(uint64_t)EFER_LME;
	keep_pdpes(fuzz, state, at);
}

static void keep_all_harmless(const struct fuzz *fuzz, uint64_t *state)
{
	if (!svm_machine_has(fuzz->machine, SVM_NESTED_PAGING))
		state[AT_NP_CONTROL] &= ~NP_ENABLE;
	keep_harmless(fuzz, state, AT_NP_CONTROL);
	keep_harmless(fuzz, state, AT_CR0);
	keep_harmless(fuzz, state, AT_EFER);
	keep_harmless(fuzz, state, AT_CR3);
}

static enum fuzz_side check(const uint64_t *state, const void *machine,
			    struct fuzz_verdict *verdict)
{
	struct svm_verdict *const own = (struct svm_verdict *)(void *)verdict->word;

	*own = svm_check((const struct svm_state *)(const void *)state, machine);
	return own->unjudged ? FUZZ_UNJUDGED : own->enters ? FUZZ_VALID : FUZZ_INVALID;
}

static bool repair(uint64_t *state, const void *machine)
{
	return svm_repair((struct svm_state *)(void *)state, machine);
}

const struct fuzz_hunt svm_fuzz_hunt = {
	.vendor = &svm_entry_vendor,
	.runs = runs,
	.clusters = clusters,
	.cluster_count = ARRAY_SIZE(clusters),
	.telling = telling,
	.telling_count = ARRAY_SIZE(telling),
	.bits = bits_of,
	.keep_harmless = keep_harmless,
	.keep_all_harmless = keep_all_harmless,
	.check = check,
	.repair = repair,
};
