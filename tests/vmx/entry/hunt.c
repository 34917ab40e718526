/*
 * What the fuzzer may change in a VMCS, and what it must not come to. No guest runs: each state
 * ends, at the latest, in an entry of the MSR-load area that is bad, which is looked at after
 * everything else. Addresses lead to pages of our own or beyond the physical width, host state is
 * left alone, and nothing is enabled that an exit would not turn off.
 */
#include "x86/control.h"
#include "x86/msr.h"

#include "tests/vmx/entry/hunt.h"

enum { NEVER, ANY, ADDRESS, TOP_OF_ADDRESS, RESERVED_ONLY };

/* In the order of vmcs.def. */
static const struct fuzz_run runs[] = {
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
	{ 0, 0, NEVER, 0 },
};

static const uint16_t clusters[][FUZZ_CLUSTER] = {
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

static const struct fuzz_telling telling[] = {
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

static uint64_t bits_of(const void *of, unsigned at, uint8_t bits)
{
	const struct model_machine *machine = of;
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

void vmx_fuzz_prepare(uint64_t *base)
{
	base[AT_ENTRY_MSR_LOAD_COUNT] = 1;
	base[AT_MSR_LOAD_POSITION] = 1;
	base[AT_MSR_LOAD_INDEX] = BIT(32) | IA32_FS_BASE;
}

static void unprepare(uint64_t *state)
{
	state[AT_ENTRY_MSR_LOAD_COUNT] = 0;
	state[AT_MSR_LOAD_POSITION] = 0;
}

static bool is_of_a_base(const struct fuzz *fuzz, unsigned at, uint64_t value)
{
	for (unsigned i = 0; i < fuzz->base_count; i++)
		if (fuzz->bases[i][at] == value)
			return true;
	return false;
}

/*
 * What stops an emulator as a whole, or cannot be told from silence: event type 7, wait-for-SIPI,
 * IA-32e mode without protection. And a VMCS link pointer that leads to somebody else's page: what
 * is there the model does not know. Changes the value at hand, which is new.
 */
static void keep_harmless(const struct fuzz *fuzz, uint64_t *state, unsigned at)
{
	uint64_t *value = &state[at];
	const bool ia32e = state[AT_ENTRY_CONTROLS] & CONTROL_MASK(ENTRY_GUEST_64);
	const bool protected = state[AT_GUEST_CR0] & CR0_PE;

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

static void keep_all_harmless(const struct fuzz *fuzz, uint64_t *state)
{
	keep_harmless(fuzz, state, AT_ENTRY_INTERRUPTION_INFO);
	keep_harmless(fuzz, state, AT_GUEST_ACTIVITY_STATE);
	keep_harmless(fuzz, state, AT_GUEST_CR0);
	keep_harmless(fuzz, state, AT_VMCS_LINK_POINTER);
}

/* The host's fields are never changed, so their rules hold. */
enum { STAGES = MODEL_ALL & ~(1 << STAGE_HOST) };

static enum fuzz_side check(const uint64_t *state, const void *machine,
			    struct fuzz_verdict *verdict)
{
	struct model_verdict *const own = vmx_fuzz_verdict(verdict);

	*own = model_check((const struct model_state *)(const void *)state, machine, STAGES);
	return own->unjudged ? FUZZ_UNJUDGED : own->msr ? FUZZ_VALID : FUZZ_INVALID;
}

static bool repair(uint64_t *state, const void *machine)
{
	unprepare(state);
	if (!model_repair((struct model_state *)(void *)state, machine))
		return false;
	vmx_fuzz_prepare(state);
	return true;
}

const struct fuzz_hunt vmx_fuzz_hunt = {
	.vendor = &vmx_entry_vendor,
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
