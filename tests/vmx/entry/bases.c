/* The states that rows start from: valid by every rule, made from what the machine has. */
#include "x86/control.h"
#include "x86/msr.h"

#include "tests/vmx/entry/rows.h"

#define AT(state, name) ((state)->value[AT_##name])

enum { TIMER_TICKS = 20000 };

/* In the entries of page tables. */
enum { PRESENT = 1 << 0, LEAF = 0x67 /* present, writable, user, accessed, dirty */, LARGE = 0xE7 };

/* Access rights: SDM vol. 3C, "Guest Register State". */
enum {
	RIGHTS_CODE_64 = 0xA09B, /* accessed, readable, L */
	RIGHTS_CODE_32 = 0xC09B,
	RIGHTS_DATA = 0xC093, /* accessed, writable, D/B, G */
	RIGHTS_REAL = 0x93,   /* CS, too */
	RIGHTS_V86 = 0xF3,
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
	AT(s, PIN_BASED_CONTROLS) =
		adjust(ground, GROUP_PIN,
		       CONTROL_MASK(PIN_EXTERNAL_INTERRUPT) | CONTROL_MASK(PIN_NMI) |
			       CONTROL_MASK(PIN_PREEMPTION_TIMER));
	/* Ends a guest that should not have been entered and does not come to its VMCALL. */
	AT(s, PREEMPTION_TIMER_VALUE) =
		((uint64_t)TIMER_TICKS >> (ground->machine.misc & 0x1F)) + 1;
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

/* The six segments of 64 KiB at 0 that real and virtual-8086 mode have. */
static void segments_16(struct model_state *s, uint64_t rights)
{
	for (unsigned i = 0; i < 6; i++) {
		s->value[AT_GUEST_ES_SELECTOR + i] = 0;
		s->value[AT_GUEST_ES_LIMIT + i] = 0xFFFF;
		s->value[AT_GUEST_ES_RIGHTS + i] = rights;
	}
	AT(s, GUEST_RIP) = 0;
}

/* A machine check while a guest runs with CR4.MCE clear would shut the processor down. */
static uint64_t cr4(const struct entry_ground *ground, uint64_t wanted)
{
	const struct model_machine *m = &ground->machine;

	return ((m->cr4_fixed0 | wanted) & m->cr4_fixed1) |
	       (ground->host.value[AT_HOST_CR4] & CR4_MCE);
}

/* NXE and LA57 are as the host's page tables need them. */
static void guest_64(const struct entry_ground *ground, struct model_state *s)
{
	const struct model_machine *m = &ground->machine;

	AT(s, GUEST_CR0) = (m->cr0_fixed0 | 0x80000031) & m->cr0_fixed1;
	AT(s, GUEST_CR4) = cr4(ground, CR4_PAE) | (AT(s, HOST_CR4) & CR4_LA57);
	AT(s, GUEST_CR3) = ground->cr3_64;
	AT(s, GUEST_DR7) = 0x400;
	AT(s, GUEST_RFLAGS) = 2;
	AT(s, GUEST_RIP) = entry_page(ground, PAGE_CODE);
	AT(s, GUEST_IA32_EFER) = 0x500 | (AT(s, HOST_IA32_EFER) & EFER_NXE); /* LME, LMA */
	AT(s, GUEST_IA32_PAT) = 0x0007040600070406;
	segments(s, RIGHTS_CODE_64);
}

static uint64_t pdpte(const struct entry_ground *ground, unsigned i)
{
	return (entry_page(ground, PAGE_PAE_DIRECTORY) + i * (uint64_t)PAGE_SIZE) | PRESENT;
}

static void memory(const struct entry_ground *ground, struct model_state *s)
{
	AT(s, LINK_REVISION) = ground->machine.revision;
	AT(s, MSR_LOAD_INDEX) = IA32_KERNEL_GS_BASE;
	for (unsigned i = 0; i < 4; i++) {
		s->value[AT_PDPTE_0 + i] = pdpte(ground, i);
		s->value[AT_GUEST_PDPTE0 + i] = pdpte(ground, i);
	}
}

/* From 64-bit mode to protected mode with paging of our own. */
static const char *guest_32(const struct entry_ground *ground, struct model_state *s, bool pae)
{
	if (ground->machine.controls[GROUP_ENTRY] & CONTROL_MASK(ENTRY_GUEST_64))
		return "IA-32e mode guest that may be 0";
	if (entry_page(ground, ENTRY_PAGES) > BIT(32))
		return "memory below 4 GiB";
	AT(s, ENTRY_CONTROLS) &= ~(uint64_t)CONTROL_MASK(ENTRY_GUEST_64);
	AT(s, GUEST_IA32_EFER) = 0;
	AT(s, GUEST_CR4) = cr4(ground, pae ? CR4_PAE : CR4_PSE);
	AT(s, GUEST_CR3) = entry_page(ground, pae ? PAGE_PDPT : PAGE_DIRECTORY);
	AT(s, GUEST_CS_RIGHTS) = RIGHTS_CODE_32;
	return NULL;
}

static const char *guest_v86(const struct entry_ground *ground, struct model_state *s)
{
	const char *missing = guest_32(ground, s, false);

	segments_16(s, RIGHTS_V86);
	AT(s, GUEST_RFLAGS) |= RFLAGS_VM;
	return missing;
}

/* Memory by EPT alone; off: bits of CR0 that become 0. */
static const char *unrestricted(const struct entry_ground *ground, struct model_state *s,
				uint64_t off)
{
	const uint64_t wanted =
		CONTROL_MASK(SECONDARY_EPT) | CONTROL_MASK(SECONDARY_UNRESTRICTED_GUEST);
	const uint64_t *allowed = ground->machine.controls;

	if (!(allowed[GROUP_PRIMARY] >> 32 & CONTROL_MASK(PRIMARY_SECONDARY)) ||
	    wanted & ~(allowed[GROUP_SECONDARY] >> 32))
		return "unrestricted guest";
	if (!ground->eptp)
		return "EPT";
	AT(s, PRIMARY_CONTROLS) |= CONTROL_MASK(PRIMARY_SECONDARY);
	AT(s, SECONDARY_CONTROLS) |= wanted;
	AT(s, GUEST_CR0) &= ~off;
	return guest_32(ground, s, false);
}

static const char *guest_real(const struct entry_ground *ground, struct model_state *s)
{
	const char *missing = unrestricted(ground, s, CR0_PG | CR0_PE);

	segments_16(s, RIGHTS_REAL);
	AT(s, GUEST_CS_SELECTOR) = entry_page(ground, PAGE_CODE) >> 4 & 0xFFFF;
	AT(s, GUEST_CS_BASE) = entry_page(ground, PAGE_CODE);
	return missing;
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
	case BASE_COMPAT:
		AT(state, GUEST_CS_RIGHTS) = RIGHTS_CODE_32;
		break;
	case BASE_PAE:
		*missing = guest_32(ground, state, true);
		break;
	case BASE_32:
		*missing = guest_32(ground, state, false);
		break;
	case BASE_V86:
		*missing = guest_v86(ground, state);
		break;
	case BASE_FLAT:
		*missing = unrestricted(ground, state, CR0_PG);
		break;
	case BASE_REAL:
		*missing = guest_real(ground, state);
		break;
	case BASE_64:
	case BASE_COUNT:
		break;
	}
	return !*missing;
}

static void *page_at(uint8_t *pages, enum entry_page page)
{
	return pages + page * (size_t)PAGE_SIZE;
}

void entry_tables_fill(const struct entry_ground *ground, uint8_t *pages)
{
	uint32_t *directory = page_at(pages, PAGE_DIRECTORY), *table = page_at(pages, PAGE_TABLE);
	uint64_t *pae = page_at(pages, PAGE_PAE_DIRECTORY);

	for (uint32_t i = 0; i < 1024; i++) {
		directory[i] = i << 22 | LARGE;
		table[i] = i << 12 | LEAF;
	}
	directory[0] = (uint32_t)entry_page(ground, PAGE_TABLE) | LEAF;
	table[0] = (uint32_t)entry_page(ground, PAGE_CODE) | LEAF;
	for (uint64_t i = 0; i < 4 * 512; i++)
		pae[i] = i << 21 | LARGE;
}

bool entry_needs_tables(enum entry_base base)
{
	return base == BASE_PAE || base == BASE_32 || base == BASE_V86;
}

void entry_memory_fill(const struct entry_ground *ground, uint8_t *pages)
{
	static const uint8_t code[] = { 0x0F, 0x01, 0xC1, /* VMCALL */
					0xF4, 0xEB, 0xFD /* HLT, again */ };
	uint64_t *load = page_at(pages, PAGE_MSR_LOAD), *store = page_at(pages, PAGE_MSR_STORE);
	uint64_t *pdpt = page_at(pages, PAGE_PDPT);

	__builtin_memcpy(page_at(pages, PAGE_CODE), code, sizeof(code));
	for (unsigned i = 0; i < 4; i++)
		pdpt[i] = pdpte(ground, i);
	/* Every access exits. */
	__builtin_memset(page_at(pages, PAGE_IO_A), 0xFF, PAGE_SIZE);
	__builtin_memset(page_at(pages, PAGE_IO_B), 0xFF, PAGE_SIZE);
	__builtin_memset(page_at(pages, PAGE_MSR_BITMAP), 0xFF, PAGE_SIZE);
	*(uint32_t *)page_at(pages, PAGE_LINK) = ground->machine.revision;
	/* Entries of two words: index and value. */
	for (unsigned i = 0; i < 2 * 512; i += 2)
		load[i] = IA32_KERNEL_GS_BASE;
	for (unsigned i = 0; i < 2 * 256; i += 2)
		store[i] = IA32_KERNEL_GS_BASE;
}
