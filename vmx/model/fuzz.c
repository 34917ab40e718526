#include "vmx/model/fuzz.h"

#include "x86/control.h"
#include "x86/msr.h"

/* xorshift64*. */
static uint64_t next_random(struct fuzz *fuzz)
{
	fuzz->random ^= fuzz->random >> 12;
	fuzz->random ^= fuzz->random << 25;
	fuzz->random ^= fuzz->random >> 27;
	return fuzz->random * 0x2545F4914F6CDD1D;
}

/* 0 to below - 1. */
static unsigned pick(struct fuzz *fuzz, unsigned below)
{
	return (unsigned)((next_random(fuzz) >> 32) * below >> 32);
}

/* --- what may change -----------------------------------------------------------------------------
 */

enum { NEVER, ANY, ADDRESS, TOP_OF_ADDRESS, RESERVED_ONLY };

/* Runs of fields, in the order of vmcs.def, with the same rights and weight; others never change.
 */
static const struct {
	uint16_t first, last;
	uint8_t bits, weight;
} runs[] = {
	{ AT_VPID, AT_POSTED_INTERRUPT_VECTOR, ANY, 1 },
	{ AT_GUEST_ES_SELECTOR, AT_GUEST_TR_SELECTOR, ANY, 2 },
	{ AT_IO_BITMAP_A, AT_MSR_BITMAP, ADDRESS, 1 },
	{ AT_PML_ADDRESS, AT_PML_ADDRESS, ADDRESS, 1 },
	{ AT_VIRTUAL_APIC_ADDRESS, AT_POSTED_INTERRUPT_DESCRIPTOR, ADDRESS, 1 },
	{ AT_VM_FUNCTION_CONTROLS, AT_VM_FUNCTION_CONTROLS, ANY, 1 },
	{ AT_EPT_POINTER, AT_EPT_POINTER, ADDRESS, 2 },
	{ AT_EPTP_LIST_ADDRESS, AT_VE_INFORMATION_ADDRESS, ADDRESS, 1 },
	{ AT_SPP_TABLE_POINTER, AT_SPP_TABLE_POINTER, ADDRESS, 1 },
	{ AT_TSC_MULTIPLIER, AT_TSC_MULTIPLIER, ANY, 1 },
	{ AT_TERTIARY_CONTROLS, AT_TERTIARY_CONTROLS, ANY, 2 },
	{ AT_LOW_PASID_DIRECTORY, AT_HIGH_PASID_DIRECTORY, ADDRESS, 1 },
	{ AT_HLAT_POINTER, AT_PID_POINTER_TABLE, ADDRESS, 1 },
	{ AT_SECONDARY_EXIT_CONTROLS, AT_SECONDARY_EXIT_CONTROLS, ANY, 1 },
	{ AT_VMCS_LINK_POINTER, AT_VMCS_LINK_POINTER, ADDRESS, 2 },
	{ AT_GUEST_IA32_DEBUGCTL, AT_GUEST_IA32_DEBUGCTL, RESERVED_ONLY, 2 },
	{ AT_GUEST_IA32_PAT, AT_GUEST_IA32_EFER, ANY, 3 },
	{ AT_GUEST_IA32_PERF_GLOBAL_CTRL, AT_GUEST_IA32_PERF_GLOBAL_CTRL, RESERVED_ONLY, 1 },
	{ AT_GUEST_PDPTE0, AT_GUEST_PDPTE3, ANY, 1 },
	{ AT_GUEST_IA32_BNDCFGS, AT_GUEST_IA32_BNDCFGS, ANY, 1 },
	{ AT_GUEST_IA32_RTIT_CTL, AT_GUEST_IA32_LBR_CTL, RESERVED_ONLY, 1 },
	{ AT_GUEST_IA32_PKRS, AT_GUEST_IA32_PKRS, ANY, 1 },
	{ AT_GUEST_IA32_SPEC_CTRL, AT_GUEST_IA32_SPEC_CTRL, RESERVED_ONLY, 1 },
	{ AT_PIN_BASED_CONTROLS, AT_PRIMARY_CONTROLS, ANY, 4 },
	{ AT_CR3_TARGET_COUNT, AT_CR3_TARGET_COUNT, ANY, 1 },
	{ AT_EXIT_CONTROLS, AT_EXIT_CONTROLS, ANY, 4 },
	{ AT_ENTRY_CONTROLS, AT_ENTRY_CONTROLS, ANY, 6 },
	{ AT_ENTRY_INTERRUPTION_INFO, AT_ENTRY_INTERRUPTION_INFO, ANY, 6 },
	{ AT_ENTRY_EXCEPTION_ERROR_CODE, AT_TPR_THRESHOLD, ANY, 1 },
	{ AT_SECONDARY_CONTROLS, AT_SECONDARY_CONTROLS, ANY, 6 },
	{ AT_GUEST_ES_LIMIT, AT_GUEST_IDTR_LIMIT, ANY, 1 },
	{ AT_GUEST_ES_RIGHTS, AT_GUEST_TR_RIGHTS, ANY, 4 },
	{ AT_GUEST_INTERRUPTIBILITY, AT_GUEST_ACTIVITY_STATE, ANY, 6 },
	{ AT_GUEST_CR0, AT_GUEST_CR0, ANY, 6 },
	{ AT_GUEST_CR3, AT_GUEST_CR3, TOP_OF_ADDRESS, 2 },
	{ AT_GUEST_CR4, AT_GUEST_CR4, ANY, 6 },
	{ AT_GUEST_ES_BASE, AT_GUEST_IDTR_BASE, ANY, 1 },
	{ AT_GUEST_DR7, AT_GUEST_DR7, ANY, 2 },
	{ AT_GUEST_RIP, AT_GUEST_RIP, ANY, 3 },
	{ AT_GUEST_RFLAGS, AT_GUEST_RFLAGS, ANY, 8 },
	{ AT_GUEST_PENDING_DEBUG, AT_GUEST_PENDING_DEBUG, ANY, 4 },
	{ AT_GUEST_IA32_SYSENTER_ESP, AT_GUEST_IA32_SYSENTER_EIP, ANY, 1 },
	{ AT_GUEST_SSP, AT_GUEST_INTERRUPT_SSP_TABLE, ANY, 1 },
	{ AT_VTPR, AT_VTPR, ANY, 1 },
	{ AT_LINK_REVISION, AT_LINK_REVISION, ANY, 2 },
	{ AT_PDPTE_0, AT_PDPTE_3, ANY, 1 },
};

/* Fields that rules connect: a case takes all of its fields from one of these, or from anywhere. */
static const uint16_t clusters[][8] = {
	{ AT_GUEST_INTERRUPTIBILITY, AT_GUEST_ACTIVITY_STATE, AT_ENTRY_INTERRUPTION_INFO,
	  AT_GUEST_RFLAGS, AT_GUEST_PENDING_DEBUG, AT_GUEST_SS_RIGHTS, AT_GUEST_CR0,
	  AT_PIN_BASED_CONTROLS },
	{ AT_GUEST_CR0, AT_GUEST_CR4, AT_GUEST_IA32_EFER, AT_ENTRY_CONTROLS, AT_SECONDARY_CONTROLS,
	  AT_PRIMARY_CONTROLS, AT_GUEST_RFLAGS, AT_GUEST_CS_RIGHTS },
	{ AT_GUEST_CS_RIGHTS, AT_GUEST_SS_RIGHTS, AT_GUEST_CS_SELECTOR, AT_GUEST_SS_SELECTOR,
	  AT_GUEST_CR0, AT_GUEST_RFLAGS, AT_SECONDARY_CONTROLS, AT_ENTRY_CONTROLS },
	{ AT_VMCS_LINK_POINTER, AT_LINK_REVISION, AT_SECONDARY_CONTROLS, AT_PRIMARY_CONTROLS,
	  AT_GUEST_CR4, AT_ENTRY_CONTROLS, AT_GUEST_PDPTE0, AT_PDPTE_0 },
	{ AT_PRIMARY_CONTROLS, AT_SECONDARY_CONTROLS, AT_PIN_BASED_CONTROLS, AT_ENTRY_CONTROLS,
	  AT_EXIT_CONTROLS, AT_TPR_THRESHOLD, AT_VTPR, AT_TERTIARY_CONTROLS },
};

/* Values that flips alone seldom lead to. */
static const struct {
	uint16_t at;
	uint32_t value;
} telling[] = {
	{ AT_GUEST_INTERRUPTIBILITY, 0 },
	{ AT_GUEST_INTERRUPTIBILITY, 1 },
	{ AT_GUEST_INTERRUPTIBILITY, 2 },
	{ AT_GUEST_INTERRUPTIBILITY, 3 },
	{ AT_GUEST_INTERRUPTIBILITY, 8 },
	{ AT_GUEST_ACTIVITY_STATE, 0 },
	{ AT_GUEST_ACTIVITY_STATE, 1 },
	{ AT_GUEST_ACTIVITY_STATE, 2 },
	{ AT_ENTRY_INTERRUPTION_INFO, 0x80000020 },
	{ AT_ENTRY_INTERRUPTION_INFO, 0x80000202 },
	{ AT_ENTRY_INTERRUPTION_INFO, 0x80000301 },
	{ AT_ENTRY_INTERRUPTION_INFO, 0x80000312 },
	{ AT_ENTRY_INTERRUPTION_INFO, 0x80000306 },
	{ AT_ENTRY_INTERRUPTION_INFO, 0x80000B0D },
	{ AT_ENTRY_INTERRUPTION_INFO, 0x80000480 },
	{ AT_ENTRY_INTERRUPTION_INFO, 0x80000603 },
	{ AT_GUEST_RFLAGS, 2 },
	{ AT_GUEST_RFLAGS, RFLAGS_IF | 2 },
	{ AT_GUEST_RFLAGS, RFLAGS_TF | 2 },
	{ AT_GUEST_RFLAGS, RFLAGS_VM | 2 },
	{ AT_GUEST_PENDING_DEBUG, 0x1000 },
	{ AT_GUEST_PENDING_DEBUG, 0x4000 },
	{ AT_GUEST_PENDING_DEBUG, 0x11000 },
	{ AT_GUEST_CS_RIGHTS, 0xC093 },
	{ AT_GUEST_CS_RIGHTS, 0xC0FB },
	{ AT_GUEST_CS_RIGHTS, 0xC09F },
	{ AT_GUEST_CS_RIGHTS, 0xA0FF },
	{ AT_GUEST_SS_RIGHTS, 0xC0F3 },
	{ AT_GUEST_SS_RIGHTS, 0x10000 },
	{ AT_GUEST_SS_SELECTOR, 0x13 },
	{ AT_GUEST_CS_SELECTOR, 0x0B },
	{ AT_GUEST_LDTR_RIGHTS, 0x82 },
	{ AT_TPR_THRESHOLD, 15 },
	{ AT_VTPR, 0xF0 },
};

/* Bits that WRMSR takes would be in force after the exit. */
static uint64_t accepted_bits(const struct model_machine *machine, unsigned at)
{
	switch (at) {
	case AT_GUEST_IA32_PERF_GLOBAL_CTRL:
		return machine->perf_global;
	case AT_GUEST_IA32_RTIT_CTL:
		return machine->rtit_ctl;
	case AT_GUEST_IA32_LBR_CTL:
		return machine->lbr_ctl;
	case AT_GUEST_IA32_SPEC_CTRL:
		return machine->spec_ctrl;
	default: /* IA32_DEBUGCTL: processors differ in the low half */
		return machine->debugctl | 0xFFFF;
	}
}

static uint64_t bits_of(const struct model_machine *machine, unsigned at, uint8_t bits)
{
	const uint64_t beyond = ~(
		BIT(machine->basic & VMX_BASIC_32_BIT_ADDRESSES ? 32 : machine->physical_bits) - 1);

	switch (bits) {
	case ADDRESS:
		return PAGE_MASK | beyond;
	case TOP_OF_ADDRESS:
		return beyond;
	case RESERVED_ONLY:
		return ~accepted_bits(machine, at);
	default:
		break;
	}
	if (at == AT_EXIT_CONTROLS) /* the host stays a 64-bit one */
		return ~(uint64_t)CONTROL_MASK(EXIT_HOST_64);
	if (at == AT_ENTRY_CONTROLS)
		return ~(uint64_t)(CONTROL_MASK(ENTRY_SMM) | CONTROL_MASK(ENTRY_DUAL_MONITOR));
	return ~0ull;
}

static void add(struct fuzz *fuzz, unsigned at, uint8_t bits, unsigned weight)
{
	fuzz->mask[at] = bits_of(fuzz->machine, at, bits) & model_mask((enum model_index)at);
	while (weight-- && fuzz->list_count < FUZZ_LIST)
		fuzz->list[fuzz->list_count++] = (uint16_t)at;
}

/* --- states --------------------------------------------------------------------------------------
 */

void fuzz_prepare(struct model_state *base)
{
	base->value[AT_ENTRY_MSR_LOAD_COUNT] = 1;
	base->value[AT_MSR_LOAD_POSITION] = 1;
	base->value[AT_MSR_LOAD_INDEX] = BIT(32) | IA32_FS_BASE;
}

static void unprepare(struct model_state *state)
{
	state->value[AT_ENTRY_MSR_LOAD_COUNT] = 0;
	state->value[AT_MSR_LOAD_POSITION] = 0;
}

static bool is_of_a_base(const struct fuzz *fuzz, unsigned at, uint64_t value)
{
	for (unsigned i = 0; i < fuzz->base_count; i++)
		if (fuzz->bases[i].value[at] == value)
			return true;
	return false;
}

/*
 * What stops an emulator as a whole, or cannot be told from silence: event type 7, wait-for-SIPI,
 * IA-32e mode without protection. And a VMCS link pointer that leads to somebody else's page: what
 * is there the model does not know. Changes the value at hand, which is new.
 */
static void keep_harmless(const struct fuzz *fuzz, struct model_state *state, unsigned at)
{
	uint64_t *value = &state->value[at];
	const bool ia32e = state->value[AT_ENTRY_CONTROLS] & CONTROL_MASK(ENTRY_GUEST_64);
	const bool protected = state->value[AT_GUEST_CR0] & CR0_PE;

	if (at == AT_ENTRY_INTERRUPTION_INFO && (*value >> 8 & 7) == 7)
		*value &= ~BIT(8);
	if (at == AT_GUEST_ACTIVITY_STATE && *value == 3)
		*value = 1;
	if (at == AT_GUEST_CR0 && ia32e)
		*value |= CR0_PE;
	if (at == AT_ENTRY_CONTROLS && !protected)
		*value &= ~(uint64_t)CONTROL_MASK(ENTRY_GUEST_64);
	if (at == AT_VMCS_LINK_POINTER && !(*value & fuzz->mask[at]) &&
	    !is_of_a_base(fuzz, at, *value))
		*value = ~0ull;
}

static void keep_all_harmless(const struct fuzz *fuzz, struct model_state *state)
{
	keep_harmless(fuzz, state, AT_ENTRY_INTERRUPTION_INFO);
	keep_harmless(fuzz, state, AT_GUEST_ACTIVITY_STATE);
	keep_harmless(fuzz, state, AT_GUEST_CR0);
	keep_harmless(fuzz, state, AT_VMCS_LINK_POINTER);
}

/* The host's fields are never changed, so their rules hold. */
enum { STAGES = MODEL_ALL & ~(1 << STAGE_HOST) };

static bool gets_through(const struct fuzz *fuzz, const struct model_state *state,
			 struct model_verdict *verdict)
{
	*verdict = model_check(state, fuzz->machine, STAGES);
	return verdict->msr && !verdict->unjudged;
}

enum { SPREAD = 16, NEW_STATE_TRIES = 8, CASES_A_ROUND = 128 };

/* A valid state: some values of a base at random, rounded. */
static bool make_valid(struct fuzz *fuzz, unsigned base, struct model_state *state)
{
	struct model_verdict verdict;

	*state = fuzz->bases[base];
	for (unsigned i = 0; i < SPREAD; i++) {
		unsigned at = fuzz->list[pick(fuzz, fuzz->list_count)];
		uint64_t few = next_random(fuzz) & next_random(fuzz);

		state->value[at] ^= few & fuzz->mask[at];
	}
	keep_all_harmless(fuzz, state);
	unprepare(state);
	if (!model_repair(state, fuzz->machine))
		return false;
	fuzz_prepare(state);
	keep_all_harmless(fuzz, state);
	return gets_through(fuzz, state, &verdict);
}

static void begin_round(struct fuzz *fuzz)
{
	struct model_state *state = &fuzz->pool[pick(fuzz, FUZZ_POOL)];

	fuzz->base = pick(fuzz, fuzz->base_count);
	*state = fuzz->bases[fuzz->base];
	for (unsigned i = 0; i < NEW_STATE_TRIES; i++) {
		struct model_state made;

		if (!make_valid(fuzz, fuzz->base, &made))
			continue;
		*state = made;
		break;
	}
	for (unsigned at = 0; at < MODEL_VALUES; at++)
		if (fuzz->state.value[at] != state->value[at]) {
			fuzz->state.value[at] = state->value[at];
			fuzz->target->set(fuzz->target->context, (enum model_index)at,
					  state->value[at]);
		}
	fuzz->in_round = 0;
}

void fuzz_init(struct fuzz *fuzz, const struct model_machine *machine,
	       const struct fuzz_target *target, const struct model_state *bases,
	       unsigned base_count, bool (*has)(void *context, enum model_index at), uint64_t seed)
{
	*fuzz = (struct fuzz){ .machine = machine,
			       .target = target,
			       .bases = bases,
			       .base_count = base_count,
			       .random = seed * 2 + 1, /* not 0 */
			       .in_round = CASES_A_ROUND };
	for (unsigned i = 0; i < ARRAY_SIZE(runs); i++)
		for (unsigned at = runs[i].first; at <= runs[i].last; at++)
			if (has(target->context, (enum model_index)at))
				add(fuzz, at, runs[i].bits, runs[i].weight);
	fuzz->state = bases[0];
	for (unsigned at = 0; at < MODEL_VALUES; at++)
		target->set(target->context, (enum model_index)at, bases[0].value[at]);
	for (unsigned i = 0; i < FUZZ_POOL; i++)
		fuzz->pool[i] = bases[i % base_count];
	for (unsigned i = 0; i < 16; i++) /* seeds that differ in few bits */
		(void)next_random(fuzz);
}

/* --- cases ---------------------------------------------------------------------------------------
 */

struct changes {
	unsigned count;
	uint16_t at[FUZZ_FIELDS];
	uint64_t before[FUZZ_FIELDS];
};

static void set(struct fuzz *fuzz, unsigned at, uint64_t value)
{
	fuzz->state.value[at] = value;
	fuzz->target->set(fuzz->target->context, (enum model_index)at, value);
}

/* One bit of a mask, each as likely as the others. */
static uint64_t some_bit(struct fuzz *fuzz, uint64_t mask)
{
	unsigned count = 0, number;

	for (uint64_t left = mask; left; left &= left - 1)
		count++;
	number = pick(fuzz, count);
	while (number--)
		mask &= mask - 1;
	return mask & -mask;
}

enum way { FLIP, CROSS, BASE, TELL, WAYS };

/* Another value for a field: a few bits flipped, as it is in another valid state or in a base, or
 * one that tells much. */
static uint64_t another(struct fuzz *fuzz, unsigned at, enum way way)
{
	const uint64_t now = fuzz->state.value[at], mask = fuzz->mask[at];
	unsigned flips = 1 + pick(fuzz, 4) / 3 + pick(fuzz, 8) / 7, tell;
	uint64_t value = now;

	switch (way) {
	case CROSS:
		return (now & ~mask) | (fuzz->pool[pick(fuzz, FUZZ_POOL)].value[at] & mask);
	case BASE: /* an address of the base's is a page of our own */
		return fuzz->bases[pick(fuzz, fuzz->base_count)].value[at];
	case TELL:
		tell = pick(fuzz, ARRAY_SIZE(telling));
		for (unsigned i = 0; i < ARRAY_SIZE(telling); i++, tell++)
			if (telling[tell % ARRAY_SIZE(telling)].at == at)
				return telling[tell % ARRAY_SIZE(telling)].value;
		break;
	default:
		break;
	}
	while (flips-- && mask)
		value ^= some_bit(fuzz, mask);
	return value;
}

/* A field of the cluster, or one of all. */
static unsigned some_field(struct fuzz *fuzz, unsigned cluster)
{
	unsigned at = cluster < ARRAY_SIZE(clusters)
			      ? clusters[cluster][pick(fuzz, ARRAY_SIZE(clusters[0]))]
			      : fuzz->list[pick(fuzz, fuzz->list_count)];

	return fuzz->mask[at] ? at : fuzz->list[pick(fuzz, fuzz->list_count)];
}

static void change_some(struct fuzz *fuzz, struct changes *changes)
{
	enum way way = pick(fuzz, WAYS);
	unsigned cluster = pick(fuzz, 2 * ARRAY_SIZE(clusters));
	struct model_state next = fuzz->state;

	changes->count = 1 + pick(fuzz, FUZZ_FIELDS);
	for (unsigned i = 0; i < changes->count; i++) {
		unsigned at = some_field(fuzz, cluster);

		changes->at[i] = (uint16_t)at;
		changes->before[i] = fuzz->state.value[at];
		next.value[at] = another(fuzz, at, way);
		keep_harmless(fuzz, &next, at);
		set(fuzz, at, next.value[at]);
	}
}

static void undo(struct fuzz *fuzz, const struct changes *changes)
{
	for (unsigned i = changes->count; i--;) /* backwards: a field may be there twice */
		set(fuzz, changes->at[i], changes->before[i]);
}

static bool disagrees(struct fuzz *fuzz, struct model_verdict *verdict)
{
	*verdict = model_check(&fuzz->state, fuzz->machine, STAGES);
	return !verdict->unjudged && !fuzz->target->agrees(fuzz->target->context, verdict);
}

static void try(struct fuzz *fuzz, unsigned at, uint64_t value)
{
	fuzz->state.value[at] = value;
	keep_harmless(fuzz, &fuzz->state, at);
	set(fuzz, at, fuzz->state.value[at]);
}

/* Makes the value what the base has, whole or bit by bit, as long as the difference stays. */
static void make_smaller(struct fuzz *fuzz, unsigned at, uint64_t base)
{
	struct model_verdict verdict;
	uint64_t kept = fuzz->state.value[at];

	if (kept == base)
		return;
	try(fuzz, at, base);
	if (disagrees(fuzz, &verdict))
		return;
	set(fuzz, at, kept);
	for (uint64_t left = kept ^ base; left; left &= left - 1) {
		uint64_t bit = left & -left;

		try(fuzz, at, kept ^ bit);
		if (disagrees(fuzz, &verdict))
			kept = fuzz->state.value[at];
		else
			set(fuzz, at, kept);
	}
}

static void minimise(struct fuzz *fuzz, struct fuzz_difference *difference)
{
	const struct model_state *base = &fuzz->bases[fuzz->base];

	for (unsigned at = 0; at < MODEL_VALUES; at++)
		make_smaller(fuzz, at, base->value[at]);
	*difference = (struct fuzz_difference){ .base = fuzz->base, .state = fuzz->state };
	difference->verdict = model_check(&fuzz->state, fuzz->machine, STAGES);
	for (unsigned at = 0; at < MODEL_VALUES; at++)
		if (fuzz->state.value[at] != base->value[at])
			difference->at[difference->count++] = (uint16_t)at;
}

bool fuzz_next(struct fuzz *fuzz, struct fuzz_difference *difference)
{
	struct model_verdict verdict;
	struct changes changes;

	if (fuzz->in_round++ >= CASES_A_ROUND)
		begin_round(fuzz);
	change_some(fuzz, &changes);
	fuzz->cases++;
	if (!disagrees(fuzz, &verdict)) {
		fuzz->valid += verdict.msr && !verdict.unjudged;
		undo(fuzz, &changes);
		return true;
	}
	minimise(fuzz, difference);
	fuzz->in_round = CASES_A_ROUND; /* the next case begins with another state */
	return false;
}
