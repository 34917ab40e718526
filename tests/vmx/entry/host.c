/* SDM vol. 3C, "Checks on the Host State Area". What is good here is loaded by the exit. */
#include "x86/control.h"

#include "tests/vmx/entry/rows.h"

static bool has_cet(const struct model_machine *machine)
{
	return machine->cr4_fixed1 & CR4_CET;
}

static bool has_lam(const struct model_machine *machine)
{
	return machine->lam;
}

static bool has_perf(const struct model_machine *machine)
{
	return machine->perf_global;
}

static bool lacks_perf(const struct model_machine *machine)
{
	return !machine->perf_global;
}

static bool lacks_shadow_stacks(const struct model_machine *machine)
{
	return !machine->shadow_stacks;
}

static bool lacks_branch_tracking(const struct model_machine *machine)
{
	return !machine->branch_tracking;
}

/* Control registers. Good: what the exit leaves alone, or nothing of ours needs. */
enum {
	/* By name in HOST_CR4, as their bits. */
	CR4_HARMLESS = 0x10D9F, /* VME, PVI, TSD, DE, PSE, PGE, PCE, OSXMMEXCPT, UMIP, FSGSBASE */
	CR4_DEADLY = 0x3020,	/* PAE, LA57, VMXE */
};
#define CR0_PE_PG (BIT(31) | BIT(0))
#define CR0_NW_CD (BIT(30) | BIT(29))
#define CR0_UNCHANGED (BIT(29) - BIT(19) + BIT(17) + BIT(16) - BIT(6) + CR0_NW_CD)

/* clang-format off */
#define BYTE(n, type) ((uint64_t)(type) << 8 * (n))
/* One byte of a PAT: reserved types and bits. */
#define BAD_PAT(n, ...) { "host.pat", BASE_64, FAILS_8, VALUES, WITH(EXIT_ON(LOAD_PAT)), .at = AT_HOST_IA32_PAT, \
	.mask = BYTE(n, 0xFF), LIST(BYTE(n, 2), BYTE(n, 3), BYTE(n, 8), BYTE(n, 0x80)), __VA_ARGS__ }
/* CET and PKS themselves are off, whatever is loaded for them. */
#define CET_LOADED EXIT_ON(LOAD_CET), CLR(HOST_CR4, CR4_CET)

static const struct entry_row rows[] = {
	{ "host.cr0", BASE_64, FAILS_8, FIXED, .at = AT_HOST_CR0, .mask = ~CR0_PE_PG, .group = REGISTER_CR0 },
	{ "host.cr0", BASE_64, FAILS_8, FIXED, .last = true, .at = AT_HOST_CR0, .mask = CR0_PE_PG, .group = REGISTER_CR0 },
	{ "host.cr0", BASE_64, ENTERS, FREE, .at = AT_HOST_CR0, .mask = CR0_UNCHANGED, .group = REGISTER_CR0 },
	{ "host.cr0", BASE_64, ENTERS, VALUES, .at = AT_HOST_CR0, .mask = CR0_NW_CD, LIST(0, BIT(29), BIT(30), CR0_NW_CD) },
	{ "host.cr4", BASE_64, FAILS_8, FIXED, .at = AT_HOST_CR4, .mask = ~(uint64_t)CR4_DEADLY, .group = REGISTER_CR4 },
	{ "host.cr4", BASE_64, FAILS_8, FIXED, .last = true, .at = AT_HOST_CR4, .mask = CR4_DEADLY, .group = REGISTER_CR4 },
	{ "host.cr4", BASE_64, ENTERS, FREE, .at = AT_HOST_CR4, .mask = CR4_HARMLESS, .group = REGISTER_CR4 },
	{ "host.cr4.cet_wp", BASE_64, FAILS_8, ONE, WITH(EXIT_OFF(LOAD_CET), CLR(HOST_CR0, CR0_WP), OR(HOST_CR4, CR4_CET)),
	  .needs.vmx = has_cet, .needs_text = "CET" },
	{ "host.cr4.cet_wp", BASE_64, FAILS_8, ONE, WITH(EXIT_ON(LOAD_CET), CLR(HOST_CR0, CR0_WP), OR(HOST_CR4, CR4_CET)),
	  .needs.vmx = has_cet, .needs_text = "CET" },
	{ "host.cr4.cet_wp", BASE_64, ENTERS, ONE, WITH(OR(HOST_CR0, CR0_WP), OR(HOST_CR4, CR4_CET)),
	  .needs.vmx = has_cet, .needs_text = "CET" },
	{ "host.cr4.cet_wp", BASE_64, ENTERS, ONE, WITH(CLR(HOST_CR0, CR0_WP), CLR(HOST_CR4, CR4_CET)) },
	{ "host.cr3", BASE_64, FAILS_8, FIXED, .last = true, .at = AT_HOST_CR3, .group = REGISTER_CR3 },
	{ "host.cr3.lam", BASE_64, REPORTED, WALK, .last = true, .at = AT_HOST_CR3, .mask = BIT(62) | BIT(61),
	  .needs.vmx = has_lam, .needs_text = "LAM" },

	{ "host.sysenter", BASE_64, FAILS_8, NOT_CANONICAL, .at = AT_HOST_IA32_SYSENTER_ESP, .over = 3 },
	{ "host.sysenter", BASE_64, ENTERS, CANONICAL, .at = AT_HOST_IA32_SYSENTER_ESP, .over = 3 },
	{ "host.perf", BASE_64, FAILS_8, FIXED, WITH(EXIT_ON(LOAD_PERF)), .at = AT_HOST_IA32_PERF_GLOBAL_CTRL,
	  .group = REGISTER_PERF_GLOBAL_CTRL, .needs.vmx = has_perf, .needs_text = "IA32_PERF_GLOBAL_CTRL" },
	{ "host.perf", BASE_64, ENTERS, FREE, WITH(EXIT_ON(LOAD_PERF)), .at = AT_HOST_IA32_PERF_GLOBAL_CTRL,
	  .group = REGISTER_PERF_GLOBAL_CTRL },
	{ "host.perf", BASE_64, ENTERS, WALK, WITH(EXIT_OFF(LOAD_PERF)), .at = AT_HOST_IA32_PERF_GLOBAL_CTRL,
	  .mask = BIT(63) | BIT(62) | BIT(31) },
	{ "host.perf.absent", BASE_64, REPORTED, VALUES, WITH(EXIT_ON(LOAD_PERF)), .at = AT_HOST_IA32_PERF_GLOBAL_CTRL,
	  LIST(1, BIT(63)), .needs.vmx = lacks_perf, .needs_text = "the lack of IA32_PERF_GLOBAL_CTRL" },

	BAD_PAT(0, .last = true), BAD_PAT(1, .last = true), BAD_PAT(2, .last = true), BAD_PAT(3, .last = true),
	BAD_PAT(4), BAD_PAT(5), BAD_PAT(6), BAD_PAT(7),
	/* The upper four entries only: no page of ours or the firmware's uses them. */
	{ "host.pat", BASE_64, ENTERS, VALUES, WITH(EXIT_ON(LOAD_PAT)), .at = AT_HOST_IA32_PAT, .mask = 0xFFFFFFFF00000000,
	  LIST(0, 0x0101010100000000, 0x0404040400000000, 0x0505050500000000, 0x0606060600000000, 0x0707070700000000,
	       0x0001040500000000, 0x0706050400000000) },
	{ "host.pat", BASE_64, ENTERS, VALUES, WITH(EXIT_OFF(LOAD_PAT)), .at = AT_HOST_IA32_PAT, LIST(2, ~0ull) },
	{ "host.efer.reserved", BASE_64, FAILS_8, FIXED, WITH(EXIT_ON(LOAD_EFER)), .at = AT_HOST_IA32_EFER,
	  .group = REGISTER_EFER },
	{ "host.efer.reserved", BASE_64, ENTERS, FREE, WITH(EXIT_ON(LOAD_EFER)), .at = AT_HOST_IA32_EFER,
	  .mask = BIT(0) /* SCE */, .group = REGISTER_EFER },
	{ "host.efer.reserved", BASE_64, ENTERS, WALK, WITH(EXIT_OFF(LOAD_EFER)), .at = AT_HOST_IA32_EFER,
	  .mask = BIT(63) | BIT(32) | BIT(9) | BIT(1) },
	/* LMA, LME: 64-bit code with EFER.LMA 0 is lost. */
	{ "host.efer.lma", BASE_64, FAILS_8, VALUES, WITH(EXIT_ON(LOAD_EFER)), .last = true, .at = AT_HOST_IA32_EFER,
	  .mask = 0x500, LIST(0, 0x100, 0x400) },
	{ "host.efer.lma", BASE_64, ENTERS, ONE, WITH(EXIT_ON(LOAD_EFER)) },
	{ "host.efer.lma", BASE_64, ENTERS, VALUES, WITH(EXIT_OFF(LOAD_EFER)), .at = AT_HOST_IA32_EFER,
	  .mask = 0x500, LIST(0, 0x100, 0x400) },

	{ "host.cet", BASE_64, FAILS_8, WALK, WITH(CET_LOADED), .at = AT_HOST_IA32_S_CET, .mask = 0x3C0 },
	{ "host.cet", BASE_64, FAILS_8, VALUES, WITH(CET_LOADED), .at = AT_HOST_IA32_S_CET, .mask = 0xC00, LIST(0xC00) },
	{ "host.cet", BASE_64, ENTERS, FREE, WITH(CET_LOADED), .at = AT_HOST_IA32_S_CET, .mask = BIT(46) | 0x1C3F,
	  .group = REGISTER_S_CET },
	{ "host.cet", BASE_64, ENTERS, VALUES, WITH(EXIT_OFF(LOAD_CET)), .at = AT_HOST_IA32_S_CET, LIST(0x3C0, 0xC00) },
	{ "host.cet.absent", BASE_64, REPORTED, WALK, WITH(CET_LOADED), .at = AT_HOST_IA32_S_CET, .mask = 3,
	  .needs.vmx = lacks_shadow_stacks, .needs_text = "the lack of shadow stacks" },
	{ "host.cet.absent", BASE_64, REPORTED, WALK, WITH(CET_LOADED), .at = AT_HOST_IA32_S_CET,
	  .mask = BIT(46) | BIT(12) | 0xC3C, .needs.vmx = lacks_branch_tracking, .needs_text = "the lack of branch tracking" },
	{ "host.cet.canonical", BASE_64, FAILS_8, NOT_CANONICAL, WITH(CET_LOADED), .at = AT_HOST_IA32_S_CET, .over = 7,
	  .mask = ~0xFFFull },
	{ "host.cet.canonical", BASE_64, ENTERS, CANONICAL, WITH(CET_LOADED), .at = AT_HOST_SSP, .over = 3, .mask = ~0xFFFull },
	{ "host.cet.canonical", BASE_64, ENTERS, NOT_CANONICAL, WITH(EXIT_OFF(LOAD_CET)), .at = AT_HOST_IA32_S_CET, .over = 7,
	  .mask = ~0xFFFull },
	{ "host.cet.ssp", BASE_64, FAILS_8, VALUES, WITH(CET_LOADED), .at = AT_HOST_SSP, .mask = 3, LIST(1, 2, 3) },
	{ "host.cet.ssp", BASE_64, ENTERS, VALUES, WITH(CET_LOADED), .at = AT_HOST_SSP, .mask = 0xF, LIST(4, 8) },
	{ "host.cet.ssp", BASE_64, ENTERS, VALUES, WITH(EXIT_OFF(LOAD_CET)), .at = AT_HOST_SSP, .mask = 3, LIST(1, 2, 3) },
	/* Puts the processor's own back. */
	{ "host.cet", BASE_64, ENTERS, ONE, WITH(EXIT_ON(LOAD_CET)) },

	{ "host.pkrs", BASE_64, FAILS_8, WALK, WITH(EXIT_ON(LOAD_PKRS)), .at = AT_HOST_IA32_PKRS, .mask = 0xFFFFFFFF00000000 },
	{ "host.pkrs", BASE_64, ENTERS, WALK, WITH(EXIT_OFF(LOAD_PKRS)), .at = AT_HOST_IA32_PKRS, .mask = BIT(63) | BIT(32) },
	{ "host.pkrs", BASE_64, ENTERS, VALUES, WITH(EXIT_ON(LOAD_PKRS), CLR(HOST_CR4, CR4_PKS)), .at = AT_HOST_IA32_PKRS,
	  LIST(0xFFFFFFFF, 0x55555555) },
	{ "host.pkrs", BASE_64, ENTERS, ONE, WITH(EXIT_ON(LOAD_PKRS)) },
	{ "host.fred", BASE_64, REPORTED, VALUES, WITH(EXIT2_ON(LOAD_FRED)), .at = AT_HOST_IA32_FRED_CONFIG,
	  LIST(0, BIT(2), BIT(4), BIT(5), BIT(11)) },
	{ "host.fred", BASE_64, REPORTED, WALK, WITH(EXIT2_ON(LOAD_FRED)), .at = AT_HOST_IA32_FRED_RSP1, .over = 7, .mask = 0x3F },
	{ "host.fred", BASE_64, REPORTED, WALK, WITH(EXIT2_ON(LOAD_FRED)), .at = AT_HOST_IA32_FRED_SSP1, .over = 7, .mask = 7 },
	{ "host.fred", BASE_64, REPORTED, NOT_CANONICAL, WITH(EXIT2_ON(LOAD_FRED)), .at = AT_HOST_IA32_FRED_CONFIG,
	  .over = 0xEF, .mask = ~0xFFFull },
	{ "host.spec_ctrl", BASE_64, FAILS_8, FIXED, WITH(EXIT2_ON(LOAD_SPEC_CTRL)), .at = AT_HOST_IA32_SPEC_CTRL,
	  .group = REGISTER_SPEC_CTRL },
	{ "host.spec_ctrl", BASE_64, ENTERS, FREE, WITH(EXIT2_ON(LOAD_SPEC_CTRL)), .at = AT_HOST_IA32_SPEC_CTRL,
	  .group = REGISTER_SPEC_CTRL },
	{ "host.spec_ctrl", BASE_64, ENTERS, FIXED, WITH(EXIT_ON(SECONDARY),
	  CLR(SECONDARY_EXIT_CONTROLS, CONTROL_MASK(EXIT2_LOAD_SPEC_CTRL))), .at = AT_HOST_IA32_SPEC_CTRL,
	  .mask = BIT(63) | BIT(32), .group = REGISTER_SPEC_CTRL },
	{ "host.spec_ctrl", BASE_64, ENTERS, ONE, WITH(EXIT2_ON(LOAD_SPEC_CTRL)) },

	/* CS, SS and TR apart from ES, DS, FS and GS. */
	{ "host.selector", BASE_64, FAILS_8, WALK, .at = AT_HOST_ES_SELECTOR, .over = 0x39, .mask = 7 },
	{ "host.selector", BASE_64, FAILS_8, WALK, .last = true, .at = AT_HOST_ES_SELECTOR, .over = 0x46, .mask = 7 },
	{ "host.selector", BASE_64, ENTERS, VALUES, .at = AT_HOST_ES_SELECTOR, .over = 0x39, LIST(0) },
	{ "host.selector.cs", BASE_64, FAILS_8, VALUES, .last = true, .at = AT_HOST_CS_SELECTOR, LIST(0) },
	{ "host.selector.tr", BASE_64, FAILS_8, VALUES, .last = true, .at = AT_HOST_TR_SELECTOR, LIST(0) },
	{ "host.selector.ss", BASE_64, ENTERS, VALUES, .at = AT_HOST_SS_SELECTOR, LIST(0) },
	/* A 32-bit host fails in any case, and with 7 as well: see host.size.ia32e. */
	{ "host.selector.ss", BASE_64, FAILS_8, VALUES, WITH(EXIT_OFF(HOST_64)), .last = true, .by_name = true,
	  .at = AT_HOST_SS_SELECTOR, LIST(0) },
	{ "host.base", BASE_64, FAILS_8, NOT_CANONICAL, .last = true, .at = AT_HOST_FS_BASE, .over = 0x1F },
	{ "host.base", BASE_64, ENTERS, CANONICAL, .at = AT_HOST_FS_BASE, .over = 3 },
	{ "host.canonical.width", BASE_64, REPORTED, BETWEEN_WIDTHS, .at = AT_HOST_IA32_SYSENTER_ESP, .over = 3 },
	{ "host.canonical.width", BASE_64, REPORTED, BETWEEN_WIDTHS, .at = AT_HOST_FS_BASE, .over = 3 },
	{ "host.canonical.width", BASE_64, REPORTED, BETWEEN_WIDTHS, WITH(CET_LOADED), .at = AT_HOST_INTERRUPT_SSP_TABLE },
	{ "host.canonical.width", BASE_64, ENTERS, BETWEEN_WIDTHS, WITH(EXIT_OFF(LOAD_CET)), .at = AT_HOST_INTERRUPT_SSP_TABLE },

	{ "host.size.ia32e", BASE_64, REPORTED, ONE, WITH(EXIT_OFF(HOST_64)), .last = true },
	{ "host.size.ia32e", BASE_64, ENTERS, ONE, WITH(EXIT_ON(HOST_64)) },
	{ "host.size.pae", BASE_64, FAILS_8, ONE, WITH(CLR(HOST_CR4, BIT(5))), .last = true },
	{ "host.size.rip", BASE_64, FAILS_8, NOT_CANONICAL, .last = true, .at = AT_HOST_RIP },
};
/* clang-format on */

const struct entry_section entry_host = { rows, ARRAY_SIZE(rows) };
