/* The states that rows start from: valid by every rule, made from what the machine has. */
#include "tests/vmx/entry/rows.h"

#define AT(state, name) ((state)->value[AT_##name])

/* Access rights: SDM vol. 3C, "Guest Register State". */
enum {
	RIGHTS_CODE_64 = 0xA09B, /* accessed, readable, L */
	RIGHTS_CODE_32 = 0xC09B,
	RIGHTS_DATA = 0xC093, /* accessed, writable, D/B, G */
	RIGHTS_LDTR_UNUSABLE = 0x10000,
	RIGHTS_TSS_BUSY = 0x8B,
};

static uint64_t adjust(const struct entry_ground *ground, enum control_group group, uint64_t wanted)
{
	uint64_t allowed = ground->machine.controls[group];

	return (wanted | (uint32_t)allowed) & allowed >> 32;
}

static void controls(const struct entry_ground *ground, struct model_state *s)
{
	AT(s, PIN_BASED_CONTROLS) = adjust(
		ground, GROUP_PIN, CONTROL_MASK(PIN_EXTERNAL_INTERRUPT) | CONTROL_MASK(PIN_NMI));
	AT(s, PRIMARY_CONTROLS) = adjust(ground, GROUP_PRIMARY, CONTROL_MASK(PRIMARY_HLT));
	AT(s, SECONDARY_CONTROLS) = adjust(ground, GROUP_SECONDARY, 0);
	AT(s, EXIT_CONTROLS) = adjust(ground, GROUP_EXIT, CONTROL_MASK(EXIT_HOST_64));
	AT(s, ENTRY_CONTROLS) = adjust(ground, GROUP_ENTRY, CONTROL_MASK(ENTRY_GUEST_64));
	AT(s, EXCEPTION_BITMAP) = 0xFFFFFFFF;
	AT(s, CR3_TARGET_COUNT) = 0;
	AT(s, VPID) = 1;
	AT(s, EPT_POINTER) = ground->eptp;
	AT(s, TSC_MULTIPLIER) = BIT(48);
	AT(s, VMCS_LINK_POINTER) = ~0ull;
}

static void addresses(const struct entry_ground *ground, struct model_state *s)
{
	const uint64_t spare = entry_page(ground, PAGE_SPARE);

	AT(s, IO_BITMAP_A) = entry_page(ground, PAGE_IO_A);
	AT(s, IO_BITMAP_B) = entry_page(ground, PAGE_IO_B);
	AT(s, MSR_BITMAP) = entry_page(ground, PAGE_MSR_BITMAP);
	AT(s, VIRTUAL_APIC_ADDRESS) = entry_page(ground, PAGE_VIRTUAL_APIC);
	AT(s, APIC_ACCESS_ADDRESS) = entry_page(ground, PAGE_APIC_ACCESS);
	AT(s, PML_ADDRESS) = entry_page(ground, PAGE_PML);
	AT(s, POSTED_INTERRUPT_DESCRIPTOR) = entry_page(ground, PAGE_POSTED);
	AT(s, ENTRY_MSR_LOAD_ADDRESS) = entry_page(ground, PAGE_MSR_LOAD);
	AT(s, EXIT_MSR_STORE_ADDRESS) = entry_page(ground, PAGE_MSR_STORE);
	AT(s, EXIT_MSR_LOAD_ADDRESS) = entry_page(ground, PAGE_MSR_LOAD);
	AT(s, EPTP_LIST_ADDRESS) = spare;
	AT(s, VMREAD_BITMAP) = spare;
	AT(s, VMWRITE_BITMAP) = spare;
	AT(s, VE_INFORMATION_ADDRESS) = spare;
	AT(s, SPP_TABLE_POINTER) = spare;
	AT(s, LOW_PASID_DIRECTORY) = spare;
	AT(s, HIGH_PASID_DIRECTORY) = spare;
	AT(s, HLAT_POINTER) = spare;
	AT(s, PID_POINTER_TABLE) = spare;
}

/* A data segment in each register, LDTR unusable, a busy TSS; the same for all protected modes. */
static void segments(struct model_state *s, uint64_t code_rights)
{
	for (unsigned i = 0; i < 6; i++) {
		s->value[AT_GUEST_ES_SELECTOR + i] = 0x10;
		s->value[AT_GUEST_ES_LIMIT + i] = 0xFFFFFFFF;
		s->value[AT_GUEST_ES_RIGHTS + i] = RIGHTS_DATA;
		s->value[AT_GUEST_ES_BASE + i] = 0;
	}
	AT(s, GUEST_CS_SELECTOR) = 0x08;
	AT(s, GUEST_CS_RIGHTS) = code_rights;
	AT(s, GUEST_LDTR_RIGHTS) = RIGHTS_LDTR_UNUSABLE;
	AT(s, GUEST_TR_SELECTOR) = 0x18;
	AT(s, GUEST_TR_LIMIT) = 0x67;
	AT(s, GUEST_TR_RIGHTS) = RIGHTS_TSS_BUSY;
}

static void guest_64(const struct entry_ground *ground, struct model_state *s)
{
	const struct model_machine *m = &ground->machine;

	AT(s, GUEST_CR0) = (m->cr0_fixed0 | 0x80000031) & m->cr0_fixed1;
	AT(s, GUEST_CR4) = (m->cr4_fixed0 | 0x20) & m->cr4_fixed1;
	AT(s, GUEST_CR3) = ground->cr3_64;
	AT(s, GUEST_DR7) = 0x400;
	AT(s, GUEST_RFLAGS) = 2;
	AT(s, GUEST_RIP) = entry_page(ground, PAGE_CODE);
	AT(s, GUEST_IA32_EFER) = 0x500; /* LME, LMA */
	AT(s, GUEST_IA32_PAT) = 0x0007040600070406;
	segments(s, RIGHTS_CODE_64);
}

static void memory(const struct entry_ground *ground, struct model_state *s)
{
	AT(s, LINK_REVISION) = ground->machine.revision;
	AT(s, MSR_LOAD_INDEX) = 0xC0000102; /* IA32_KERNEL_GS_BASE */
}

bool entry_base_make(enum entry_base base, const struct entry_ground *ground,
		     struct model_state *state, const char **missing)
{
	*state = ground->host;
	controls(ground, state);
	addresses(ground, state);
	guest_64(ground, state);
	memory(ground, state);
	*missing = NULL;
	switch (base) {
	case BASE_CONTROLS:
		AT(state, GUEST_RFLAGS) = 0;
		break;
	case BASE_64:
		break;
	default:
		*missing = "a base that is not written yet";
		break;
	}
	return !*missing;
}
