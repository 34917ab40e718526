/* The states that rows start from: valid by every rule, made from what the machine has. */
#include "x86/control.h"

#include "tests/svm/entry/rows.h"

#define AT(name) (s->value[AT_##name])

/* In the entries of page tables. Tables are accessed, pages dirty: nothing needs to be written. */
enum { PRESENT = 1 << 0, TABLE = 0x27 /* present, writable, user, accessed */, LEAF = 0x67 };
enum { LARGE = 0xE7 };

/* Attributes of segments: APM vol. 2, "Segment State in the VMCB". */
enum {
	ATTRIB_CODE_64 = 0xA9B,
	ATTRIB_CODE_32 = 0xC9B,
	ATTRIB_DATA = 0xC93,
	ATTRIB_CODE_REAL = 0x09B,
	ATTRIB_DATA_REAL = 0x093,
	ATTRIB_V86 = 0x0F3,
};

enum { ENTRIES = 512, ONES_FROM = PAGE_MSRPM, ONES_TO = PAGE_IOPM + 3 };
enum { USER = 3, CS_FLAT = 0x08, DS_FLAT = 0x10 };
#define PAT_AT_RESET 0x0007040600070406ull

void svm_memory_fill(const struct svm_ground *ground, uint8_t *pages)
{
	static const uint8_t vmmcall[] = { 0x0F, 0x01, 0xD9 };
	uint64_t *const pml4 = (uint64_t *)(void *)(pages + PAGE_PML4 * (size_t)PAGE_SIZE);
	uint64_t *const pdpt = pml4 + ENTRIES, *const directory = pdpt + ENTRIES;
	uint64_t *const table = directory + ENTRIES, *const pdpt_pae = table + ENTRIES;
	uint32_t *const directory_32 = (uint32_t *)(pdpt_pae + ENTRIES);
	const uint64_t at = ground->pages;

	__builtin_memcpy(pages, vmmcall, sizeof(vmmcall));
	pml4[0] = svm_page(ground, PAGE_PDPT) | TABLE;
	pdpt[at >> 30] = svm_page(ground, PAGE_DIRECTORY) | TABLE;
	directory[at >> 21 & (ENTRIES - 1)] = svm_page(ground, PAGE_TABLE) | TABLE;
	for (unsigned i = 0; i < SVM_PAGES; i++)
		table[(at >> 12 & (ENTRIES - 1)) + i] = (at + i * (uint64_t)PAGE_SIZE) | LEAF;
	for (unsigned i = 0; i < 4; i++)
		pdpt_pae[i] =
			svm_page(ground, at >> 30 == i ? PAGE_DIRECTORY : PAGE_EMPTY) | PRESENT;
	directory_32[at >> 22] = (uint32_t)(at & ~0x3FFFFFull) | LARGE;
	for (size_t i = ONES_FROM * (size_t)PAGE_SIZE; i < ONES_TO * (size_t)PAGE_SIZE; i++)
		pages[i] = 0xFF;
}

static void controls(const struct svm_ground *ground, struct svm_state *s)
{
	/* Whatever a guest does that went astray, it exits. */
	AT(INTERCEPT_CR) = 0xFFFF0000;
	AT(INTERCEPT_DR) = 0xFFFF0000;
	AT(INTERCEPT_EXCEPTIONS) = 0xFFFFFFFF;
	AT(INTERCEPT_3) =
		0xFFFFFFFF & ~(INTERCEPT_BIT(SVM_EXIT_SMI) | INTERCEPT_BIT(SVM_EXIT_VINTR) |
			       INTERCEPT_BIT(SVM_EXIT_FERR_FREEZE));
	AT(INTERCEPT_4) = 0x7F | INTERCEPT_BIT(SVM_EXIT_ICEBP) | INTERCEPT_BIT(SVM_EXIT_WBINVD) |
			  INTERCEPT_BIT(SVM_EXIT_XSETBV);
	AT(IOPM_BASE_PA) = svm_page(ground, PAGE_IOPM);
	AT(MSRPM_BASE_PA) = svm_page(ground, PAGE_MSRPM);
	AT(GUEST_ASID) = 1;
	AT(TLB_CONTROL) = TLB_FLUSH_ALL;
	AT(G_PAT) = PAT_AT_RESET;
	AT(AVIC_BACKING_PAGE) = svm_page(ground, PAGE_AVIC_BACKING);
	AT(AVIC_LOGICAL_TABLE) = svm_page(ground, PAGE_AVIC_LOGICAL);
	AT(AVIC_PHYSICAL_TABLE) = svm_page(ground, PAGE_AVIC_PHYSICAL);
	for (unsigned i = 0; i < 4; i++)
		s->value[AT_PDPE_0 + i] =
			svm_page(ground, ground->pages >> 30 == i ? PAGE_DIRECTORY : PAGE_EMPTY) |
			PRESENT;
}

static void nest(const struct svm_ground *ground, struct svm_state *s)
{
	AT(NP_CONTROL) = NP_ENABLE;
	AT(N_CR3) = svm_page(ground, PAGE_PML4);
}

static void segments(struct svm_state *s, uint64_t code, uint64_t data, uint64_t limit)
{
	for (unsigned i = 0; i < 4; i++) { /* ES, CS, SS, DS: four fields each */
		s->value[AT_ES_SELECTOR + 4 * i] = DS_FLAT;
		s->value[AT_ES_ATTRIB + 4 * i] = data;
		s->value[AT_ES_LIMIT + 4 * i] = limit;
	}
	AT(CS_SELECTOR) = CS_FLAT;
	AT(CS_ATTRIB) = code;
}

/* Code and stack with small offsets in segments of their own. */
static void small_segments(const struct svm_ground *ground, struct svm_state *s, uint64_t code,
			   uint64_t data)
{
	segments(s, code, data, 0xFFFF);
	AT(CS_BASE) = svm_page(ground, PAGE_CODE);
	AT(SS_BASE) = svm_page(ground, PAGE_STACK);
	AT(RIP) = 0;
	AT(RSP) = PAGE_SIZE;
}

static void registers(const struct svm_ground *ground, struct svm_state *s)
{
	AT(CR0) = CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_PE;
	AT(EFER) = EFER_SVME;
	AT(RFLAGS) = RFLAGS_FIXED;
	AT(CR3) = svm_page(ground, PAGE_PML4); /* without paging: should it be switched on */
	AT(RIP) = svm_page(ground, PAGE_CODE);
	AT(RSP) = svm_page(ground, PAGE_STACK) + PAGE_SIZE;
	AT(DR6) = 0xFFFF0FF0;
	AT(DR7) = 0x400;
	segments(s, ATTRIB_CODE_32, ATTRIB_DATA, 0xFFFFFFFF);
}

static void page_as_64(const struct svm_ground *ground, struct svm_state *s)
{
	AT(EFER) |= EFER_LME | EFER_LMA;
	AT(CR4) = CR4_PAE;
	AT(CR3) = svm_page(ground, PAGE_PML4);
}

static void page_as_pae(const struct svm_ground *ground, struct svm_state *s)
{
	AT(CR4) = CR4_PAE;
	AT(CR3) = svm_page(ground, PAGE_PDPT_PAE);
}

static void page_as_32(const struct svm_ground *ground, struct svm_state *s)
{
	AT(CR4) = CR4_PSE;
	AT(CR3) = svm_page(ground, PAGE_DIRECTORY_32);
}

static void special(enum svm_base base, const struct svm_ground *ground, struct svm_state *s)
{
	switch (base) {
	case BASE_64:
	case BASE_64_SHADOW:
		page_as_64(ground, s);
		AT(CS_ATTRIB) = ATTRIB_CODE_64;
		break;
	case BASE_COMPAT:
		page_as_64(ground, s);
		break;
	case BASE_PAE:
	case BASE_PAE_SHADOW:
		page_as_pae(ground, s);
		break;
	case BASE_32:
		page_as_32(ground, s);
		break;
	case BASE_V86:
		page_as_32(ground, s);
		small_segments(ground, s, ATTRIB_V86, ATTRIB_V86);
		AT(RFLAGS) |= RFLAGS_VM;
		AT(CPL) = USER;
		break;
	case BASE_FLAT:
		AT(CR0) &= ~CR0_PG;
		break;
	case BASE_REAL:
		AT(CR0) &= ~(CR0_PG | CR0_PE);
		small_segments(ground, s, ATTRIB_CODE_REAL, ATTRIB_DATA_REAL);
		break;
	case BASE_REAL_SHADOW:
		page_as_pae(ground, s);
		AT(CR0) &= ~(uint64_t)CR0_PE;
		small_segments(ground, s, ATTRIB_CODE_REAL, ATTRIB_DATA_REAL);
		break;
	case BASE_COUNT:
		break;
	}
}

bool svm_base_make(enum svm_base base, const struct svm_ground *ground, struct svm_state *s,
		   const char **missing)
{
	const bool nests = svm_nests(&ground->machine);
	const bool either = base == BASE_64 || base == BASE_COMPAT;

	*missing = "nested paging, of four levels";
	if (!nests && !either && base < BASE_64_SHADOW)
		return false;
	*s = (struct svm_state){ { 0 } };
	controls(ground, s);
	registers(ground, s);
	special(base, ground, s);
	if (nests && base < BASE_64_SHADOW)
		nest(ground, s);
	return true;
}
