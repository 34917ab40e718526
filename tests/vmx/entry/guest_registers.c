/* SDM vol. 3C, "Checks on Guest Control Registers, Debug Registers, and MSRs", "Checks on Guest
 * Descriptor-Table Registers", "Checks on Guest RIP, RFLAGS, and SSP". */
#include "x86/control.h"

#include "tests/vmx/entry/rows.h"

#define HIGH_32 0xFFFFFFFF00000000
#define CR3_LAM (BIT(61) | BIT(62))
#define RFLAGS_RESERVED (~(BIT(22) - 1) | BIT(15) | BIT(5) | BIT(3))
#define RFLAGS_FREE 0x3D7FD5 /* without bit 1 and VM */
/* Bits that have a meaning and need nothing else. PAE, LA57, and PSE in 32-bit paging, are for
 * guests without paging only: with other tables it would write accessed bits into pages of others.
 */
#define CR4_FREE 0x1B7D4FDF
/* IA32_DEBUGCTL: TR, BTS and what controls them. */
#define DEBUGCTL_TRACE 0x7C0
/* IA32_RTIT_CTL: bits without a meaning. */
#define RTIT_RESERVED (BIT(18) | BIT(23) | 7 * BIT(28) | 0x7F * BIT(48) | 0x7F * BIT(57))
/* IA32_PAT of the bases, with one byte replaced: each, and those that firmware does not use. */
#define PAT_WITH(byte, type)                                                                       \
	((0x0007040600070406 & ~(0xFFull << 8 * (byte))) | (uint64_t)(type) << 8 * (byte))
#define PAT_HIGH(type) PAT_WITH(4, type), PAT_WITH(5, type), PAT_WITH(6, type), PAT_WITH(7, type)
#define PAT_EACH(type)                                                                             \
	PAT_WITH(0, type), PAT_WITH(1, type), PAT_WITH(2, type), PAT_WITH(3, type), PAT_HIGH(type)
/* The MSR is loaded, and an exit puts the host's value back. */
#define LOADED(name) ENTRY_ON(LOAD_##name), EXIT_ON(LOAD_##name)
#define CLEARED(name) ENTRY_ON(LOAD_##name), EXIT_ON(CLEAR_##name)
#define LOADED2(name) ENTRY_ON(LOAD_##name), EXIT2_ON(LOAD_##name)
/* The machine has the control, which is off: the field is not looked at. */
#define IGNORED(name) ENTRY_ON(LOAD_##name), ENTRY_OFF(LOAD_##name)
/* For FREE and FIXED. */
#define CR(register, bits) .at = AT_GUEST_##register, .group = REGISTER_##register, .mask = bits
#define MSR(register, bits)                                                                        \
	.at = AT_GUEST_IA32_##register, .group = REGISTER_##register, .mask = bits
/* An event of this type and vector. */
#define INJECT(type, vector) (BIT(31) | (type) << 8 | (vector))

static bool tracks_branches(const struct model_machine *machine)
{
	return machine->branch_tracking;
}

static bool has_perf(const struct model_machine *machine)
{
	return machine->perf_global;
}

static bool lacks_perf(const struct model_machine *machine)
{
	return !machine->perf_global;
}

static bool has_57_bits(const struct model_machine *machine)
{
	return machine->linear_bits > 48;
}

static bool is_not_tracing(const struct model_machine *machine)
{
	return !machine->tracing;
}
#define NEEDS_IBT .needs.vmx = tracks_branches, .needs_text = "CET branch tracking"
#define NEEDS_PERF .needs.vmx = has_perf, .needs_text = "IA32_PERF_GLOBAL_CTRL"
#define NEEDS_NO_PERF .needs.vmx = lacks_perf, .needs_text = "the lack of IA32_PERF_GLOBAL_CTRL"
#define NEEDS_57 .needs.vmx = has_57_bits, .needs_text = "57-bit linear addresses"
#define NEEDS_NO_PT .needs.vmx = is_not_tracing, .needs_text = "no tracing by Intel PT"

/* clang-format off */
static const struct entry_row rows[] = {
	/* CR0 */
	{ "guest.cr0.fixed1", BASE_64, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR0, HIGH_32) },
	{ "guest.cr0.fixed1", BASE_32, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR0, HIGH_32) },
	{ "guest.cr0.fixed1", BASE_REAL, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR0, HIGH_32) },
	{ "guest.cr0.fixed1", BASE_64, ENTERS, FREE, CR(CR0, ~(CR0_PE | CR0_PG)) },
	{ "guest.cr0.fixed1", BASE_32, ENTERS, FREE, CR(CR0, ~(CR0_PE | CR0_PG)) },
	{ "guest.cr0.fixed1", BASE_REAL, ENTERS, FREE, CR(CR0, ~(CR0_PE | CR0_PG)) },
	{ "guest.cr0.fixed0", BASE_64, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR0, 0xFFFFFFFF) },
	{ "guest.cr0.fixed0", BASE_COMPAT, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR0, 0xFFFFFFFF) },
	{ "guest.cr0.fixed0", BASE_PAE, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR0, 0xFFFFFFFF) },
	{ "guest.cr0.fixed0", BASE_32, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR0, 0xFFFFFFFF) },
	{ "guest.cr0.fixed0", BASE_32, GUEST_0, ONE, WITH(CLR(GUEST_CR0, CR0_PE | CR0_PG), NOT_RUN) },
	{ "guest.cr0.fixed0", BASE_FLAT, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR0, CR0_NE) },
	{ "guest.cr0.fixed0", BASE_REAL, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR0, CR0_NE) },
	{ "guest.cr0.fixed0", BASE_64, ENTERS, VALUES, .at = AT_GUEST_CR0, .mask = CR0_CD | CR0_NW,
	  LIST(0, CR0_NW, CR0_CD, CR0_CD | CR0_NW) },
	{ "guest.cr0.fixed0", BASE_FLAT, ENTERS, VALUES, .at = AT_GUEST_CR0, .mask = CR0_CD | CR0_NW,
	  LIST(0, CR0_NW, CR0_CD, CR0_CD | CR0_NW) },
	{ "guest.cr0.fixed0", BASE_REAL, ENTERS, .kind = ONE },
	{ "guest.cr0.pg_pe", BASE_FLAT, GUEST_0, ONE, WITH(OR(GUEST_CR0, CR0_PG), CLR(GUEST_CR0, CR0_PE), NOT_RUN) },
	{ "guest.cr0.pg_pe", BASE_FLAT, ENTERS, ONE, WITH(OR(GUEST_CR0, CR0_PG)) },
	{ "guest.cr0.pg_pe", BASE_FLAT, ENTERS, .kind = ONE },

	/* CR4 */
	{ "guest.cr4.fixed", BASE_64, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR4, ~0ull) },
	{ "guest.cr4.fixed", BASE_PAE, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR4, ~0ull) },
	{ "guest.cr4.fixed", BASE_FLAT, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR4, ~0ull) },
	{ "guest.cr4.fixed", BASE_64, ENTERS, FREE, CR(CR4, CR4_FREE) },
	{ "guest.cr4.fixed", BASE_32, ENTERS, FREE, CR(CR4, CR4_FREE & ~CR4_PSE) },
	{ "guest.cr4.fixed", BASE_FLAT, ENTERS, FREE, CR(CR4, CR4_FREE | CR4_PAE | CR4_LA57) },
	{ "guest.cr4.fixed", BASE_REAL, ENTERS, FREE, CR(CR4, CR4_FREE | CR4_PAE | CR4_LA57) },
	{ "guest.cr4.cet_wp", BASE_64, GUEST_0, FREE, WITH(CLR(GUEST_CR0, CR0_WP)), CR(CR4, CR4_CET) },
	{ "guest.cr4.cet_wp", BASE_32, GUEST_0, FREE, WITH(CLR(GUEST_CR0, CR0_WP)), CR(CR4, CR4_CET) },
	{ "guest.cr4.cet_wp", BASE_FLAT, GUEST_0, FREE, WITH(CLR(GUEST_CR0, CR0_WP)), CR(CR4, CR4_CET) },
	{ "guest.cr4.cet_wp", BASE_64, ENTERS, FREE, WITH(OR(GUEST_CR0, CR0_WP)), CR(CR4, CR4_CET) },
	{ "guest.cr4.cet_wp", BASE_FLAT, ENTERS, FREE, WITH(OR(GUEST_CR0, CR0_WP)), CR(CR4, CR4_CET) },

	/* "IA-32e mode guest". CS is of compatibility mode or, with A09BH, of 64-bit mode. */
	{ "guest.ia32e.pg", BASE_FLAT, GUEST_0, ONE, WITH(ENTRY_ON(GUEST_64), OR(GUEST_CR4, CR4_PAE), NOT_RUN) },
	{ "guest.ia32e.pg", BASE_FLAT, GUEST_0, ONE,
	  WITH(ENTRY_ON(GUEST_64), OR(GUEST_CR4, CR4_PAE), SET(GUEST_CS_RIGHTS, 0xA09B), NOT_RUN) },
	{ "guest.ia32e.pg", BASE_FLAT, GUEST_0, VALUES,
	  WITH(ENTRY_ON(GUEST_64), ENTRY_ON(LOAD_EFER), OR(GUEST_CR4, CR4_PAE), NOT_RUN),
	  .at = AT_GUEST_IA32_EFER, LIST(0x400, 0x500) },
	{ "guest.ia32e.pg", BASE_64, GUEST_0, ONE, WITH(CLR(GUEST_CR0, CR0_PG), NOT_RUN) },
	{ "guest.ia32e.pg", BASE_COMPAT, ENTERS, .kind = ONE },
	{ "guest.ia32e.pae", BASE_64, GUEST_0, ONE, WITH(CLR(GUEST_CR4, CR4_PAE), NOT_RUN) },
	{ "guest.ia32e.pae", BASE_COMPAT, GUEST_0, ONE, WITH(CLR(GUEST_CR4, CR4_PAE), NOT_RUN) },
	{ "guest.ia32e.pae", BASE_32, ENTERS, .kind = ONE },
	{ "guest.ia32e.pae", BASE_FLAT, ENTERS, VALUES, .at = AT_GUEST_CR4, .mask = CR4_PAE, LIST(0, CR4_PAE) },
	{ "guest.ia32e.pcide", BASE_PAE, GUEST_0, ONE, WITH(OR(GUEST_CR4, CR4_PCIDE), NOT_RUN) },
	{ "guest.ia32e.pcide", BASE_32, GUEST_0, ONE, WITH(OR(GUEST_CR4, CR4_PCIDE), NOT_RUN) },
	{ "guest.ia32e.pcide", BASE_V86, GUEST_0, ONE, WITH(OR(GUEST_CR4, CR4_PCIDE), NOT_RUN) },
	{ "guest.ia32e.pcide", BASE_FLAT, GUEST_0, ONE, WITH(OR(GUEST_CR4, CR4_PCIDE), NOT_RUN) },
	{ "guest.ia32e.pcide", BASE_REAL, GUEST_0, ONE, WITH(OR(GUEST_CR4, CR4_PCIDE), NOT_RUN) },
	{ "guest.ia32e.pcide", BASE_64, ENTERS, FREE, CR(CR4, CR4_PCIDE) },
	{ "guest.ia32e.pcide", BASE_COMPAT, ENTERS, FREE, CR(CR4, CR4_PCIDE) },
	{ "guest.ia32e.fred", BASE_PAE, REPORTED, FREE, WITH(NOT_RUN), CR(CR4, CR4_FRED) },
	{ "guest.ia32e.fred", BASE_FLAT, REPORTED, FREE, WITH(NOT_RUN), CR(CR4, CR4_FRED) },
	/* SS.DPL 3, IOPL 0: nothing else is wrong with FRED. */
	{ "guest.ia32e.fred", BASE_V86, REPORTED, FREE, WITH(NOT_RUN), CR(CR4, CR4_FRED) },

	/* CR3 */
	{ "guest.cr3", BASE_64, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR3, ~0ull) },
	{ "guest.cr3", BASE_COMPAT, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR3, ~0ull) },
	{ "guest.cr3", BASE_PAE, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR3, ~0ull) },
	{ "guest.cr3", BASE_32, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR3, ~0ull) },
	{ "guest.cr3", BASE_V86, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR3, ~0ull) },
	{ "guest.cr3", BASE_FLAT, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR3, ~0ull) },
	{ "guest.cr3", BASE_REAL, GUEST_0, FIXED, WITH(NOT_RUN), CR(CR3, ~0ull) },
	{ "guest.cr3", BASE_64, ENTERS, WALK, .at = AT_GUEST_CR3, .mask = 0xFFF },
	{ "guest.cr3", BASE_32, ENTERS, WALK, .at = AT_GUEST_CR3, .mask = 0xFFF },
	{ "guest.cr3", BASE_FLAT, ENTERS, FREE, CR(CR3, ~CR3_LAM) },
	{ "guest.cr3.lam", BASE_64, REPORTED, FREE, WITH(NOT_RUN), CR(CR3, CR3_LAM) },

	/* Debug registers */
	{ "guest.debugctl", BASE_64, GUEST_0, WALK, WITH(ENTRY_ON(LOAD_DEBUG)), .at = AT_GUEST_IA32_DEBUGCTL,
	  .mask = ~0xFFFFull },
	{ "guest.debugctl", BASE_32, GUEST_0, WALK, WITH(ENTRY_ON(LOAD_DEBUG)), .at = AT_GUEST_IA32_DEBUGCTL,
	  .mask = BIT(16) | BIT(31) | BIT(32) | BIT(63) },
	{ "guest.debugctl", BASE_64, ENTERS, ONE, WITH(ENTRY_ON(LOAD_DEBUG)) },
	{ "guest.debugctl", BASE_64, ENTERS, FREE, WITH(ENTRY_ON(LOAD_DEBUG)), MSR(DEBUGCTL, 0xFFFF & ~DEBUGCTL_TRACE) },
	{ "guest.debugctl", BASE_64, ENTERS, WALK, WITH(IGNORED(DEBUG)), .at = AT_GUEST_IA32_DEBUGCTL, .mask = ~0ull },
	{ "guest.debugctl.low", BASE_64, REPORTED, WALK, WITH(ENTRY_ON(LOAD_DEBUG), NOT_RUN),
	  .at = AT_GUEST_IA32_DEBUGCTL, .mask = DEBUGCTL_TRACE },
	{ "guest.debugctl.low", BASE_64, REPORTED, FIXED, WITH(ENTRY_ON(LOAD_DEBUG), NOT_RUN), MSR(DEBUGCTL, 0xFFFF) },
	{ "guest.dr7", BASE_64, GUEST_0, WALK, WITH(ENTRY_ON(LOAD_DEBUG)), .at = AT_GUEST_DR7, .mask = HIGH_32 },
	{ "guest.dr7", BASE_32, GUEST_0, WALK, WITH(ENTRY_ON(LOAD_DEBUG)), .at = AT_GUEST_DR7, .mask = HIGH_32 },
	{ "guest.dr7", BASE_64, ENTERS, WALK, WITH(ENTRY_ON(LOAD_DEBUG)), .at = AT_GUEST_DR7, .mask = 0xFFFFFFFF },
	{ "guest.dr7", BASE_64, ENTERS, WALK, WITH(IGNORED(DEBUG)), .at = AT_GUEST_DR7, .mask = ~0ull },

	/* MSRs that every entry loads, both of them */
	{ "guest.sysenter", BASE_64, GUEST_0, NOT_CANONICAL, .at = AT_GUEST_IA32_SYSENTER_ESP, .over = 3 },
	{ "guest.sysenter", BASE_COMPAT, GUEST_0, NOT_CANONICAL, .at = AT_GUEST_IA32_SYSENTER_ESP, .over = 3 },
	{ "guest.sysenter", BASE_32, GUEST_0, NOT_CANONICAL, .at = AT_GUEST_IA32_SYSENTER_ESP, .over = 3 },
	{ "guest.sysenter", BASE_V86, GUEST_0, NOT_CANONICAL, .at = AT_GUEST_IA32_SYSENTER_ESP, .over = 3 },
	{ "guest.sysenter", BASE_REAL, GUEST_0, NOT_CANONICAL, .at = AT_GUEST_IA32_SYSENTER_ESP, .over = 3 },
	{ "guest.sysenter", BASE_64, ENTERS, CANONICAL, .at = AT_GUEST_IA32_SYSENTER_ESP, .over = 3 },
	{ "guest.sysenter", BASE_32, ENTERS, CANONICAL, .at = AT_GUEST_IA32_SYSENTER_ESP, .over = 3 },
	{ "guest.canonical.width", BASE_PAE, REPORTED, BETWEEN_WIDTHS, .at = AT_GUEST_IA32_SYSENTER_ESP, .over = 3 },

	/* MSRs that a control loads */
	{ "guest.perf", BASE_64, GUEST_0, FIXED, WITH(LOADED(PERF)), MSR(PERF_GLOBAL_CTRL, ~0ull), NEEDS_PERF },
	{ "guest.perf.absent", BASE_64, REPORTED, VALUES, WITH(LOADED(PERF), NOT_RUN),
	  .at = AT_GUEST_IA32_PERF_GLOBAL_CTRL, LIST(1, BIT(63)), NEEDS_NO_PERF },
	{ "guest.perf", BASE_64, ENTERS, FREE, WITH(LOADED(PERF)), MSR(PERF_GLOBAL_CTRL, ~0ull) },
	{ "guest.perf", BASE_64, ENTERS, ONE, WITH(LOADED(PERF)) },
	{ "guest.perf", BASE_64, ENTERS, WALK, WITH(IGNORED(PERF)), .at = AT_GUEST_IA32_PERF_GLOBAL_CTRL, .mask = ~0ull },
	{ "guest.pat", BASE_64, GUEST_0, VALUES, WITH(LOADED(PAT)), .at = AT_GUEST_IA32_PAT,
	  LIST(PAT_EACH(2), PAT_EACH(3), PAT_EACH(8), PAT_EACH(0x10), PAT_EACH(0x20),
	       PAT_EACH(0x40), PAT_EACH(0x80), PAT_EACH(0xFF)) },
	{ "guest.pat", BASE_32, GUEST_0, VALUES, WITH(LOADED(PAT)), .at = AT_GUEST_IA32_PAT,
	  LIST(PAT_EACH(2), PAT_EACH(3), PAT_EACH(8), PAT_EACH(0x80)) },
	{ "guest.pat", BASE_64, ENTERS, VALUES, WITH(LOADED(PAT)), .at = AT_GUEST_IA32_PAT,
	  LIST(PAT_HIGH(0), PAT_HIGH(1), PAT_HIGH(4), PAT_HIGH(5), PAT_HIGH(6), PAT_HIGH(7)) },
	{ "guest.pat", BASE_64, ENTERS, VALUES, WITH(IGNORED(PAT)), .at = AT_GUEST_IA32_PAT,
	  LIST(PAT_EACH(2), PAT_EACH(3), PAT_EACH(8), PAT_EACH(0x80)) },
	{ "guest.efer.reserved", BASE_64, GUEST_0, FIXED, WITH(LOADED(EFER)), MSR(EFER, ~0ull) },
	{ "guest.efer.reserved", BASE_32, GUEST_0, FIXED, WITH(LOADED(EFER)), MSR(EFER, ~0ull) },
	{ "guest.efer.reserved", BASE_FLAT, GUEST_0, FIXED, WITH(LOADED(EFER)), MSR(EFER, ~0ull) },
	{ "guest.efer.reserved", BASE_64, ENTERS, FREE, WITH(LOADED(EFER)), MSR(EFER, 0x801) },
	{ "guest.efer.reserved", BASE_PAE, ENTERS, FREE, WITH(LOADED(EFER)), MSR(EFER, 0x801) },
	{ "guest.efer.reserved", BASE_64, ENTERS, VALUES, WITH(IGNORED(EFER)), .at = AT_GUEST_IA32_EFER,
	  LIST(0, 0x100, 0x400, ~0ull) },
	{ "guest.efer.reserved", BASE_32, ENTERS, VALUES, WITH(IGNORED(EFER)), .at = AT_GUEST_IA32_EFER,
	  LIST(0, 0x100, 0x400, ~0ull) },
	/* LMA is 400H, LME 100H. */
	{ "guest.efer.lma", BASE_64, GUEST_0, VALUES, WITH(LOADED(EFER), NOT_RUN), .at = AT_GUEST_IA32_EFER,
	  .mask = 0x500, LIST(0, 0x100) },
	{ "guest.efer.lma", BASE_COMPAT, GUEST_0, VALUES, WITH(LOADED(EFER), NOT_RUN), .at = AT_GUEST_IA32_EFER,
	  .mask = 0x500, LIST(0, 0x100) },
	{ "guest.efer.lma", BASE_PAE, GUEST_0, VALUES, WITH(LOADED(EFER), NOT_RUN), .at = AT_GUEST_IA32_EFER,
	  .mask = 0x500, LIST(0x400, 0x500) },
	{ "guest.efer.lma", BASE_32, GUEST_0, VALUES, WITH(LOADED(EFER), NOT_RUN), .at = AT_GUEST_IA32_EFER,
	  .mask = 0x500, LIST(0x400, 0x500) },
	{ "guest.efer.lma", BASE_FLAT, GUEST_0, VALUES, WITH(LOADED(EFER), NOT_RUN), .at = AT_GUEST_IA32_EFER,
	  .mask = 0x500, LIST(0x400, 0x500) },
	{ "guest.efer.lma", BASE_64, ENTERS, ONE, WITH(LOADED(EFER)) },
	{ "guest.efer.lma", BASE_32, ENTERS, ONE, WITH(LOADED(EFER)) },
	{ "guest.efer.lme", BASE_64, GUEST_0, VALUES, WITH(LOADED(EFER), NOT_RUN), .at = AT_GUEST_IA32_EFER,
	  .mask = 0x500, LIST(0x400) },
	{ "guest.efer.lme", BASE_PAE, GUEST_0, VALUES, WITH(LOADED(EFER), NOT_RUN), .at = AT_GUEST_IA32_EFER,
	  .mask = 0x500, LIST(0x100) },
	{ "guest.efer.lme", BASE_32, GUEST_0, VALUES, WITH(LOADED(EFER), NOT_RUN), .at = AT_GUEST_IA32_EFER,
	  .mask = 0x500, LIST(0x100) },
	{ "guest.efer.lme", BASE_FLAT, GUEST_0, VALUES, WITH(LOADED(EFER), OR(GUEST_CR0, CR0_PG), NOT_RUN),
	  .at = AT_GUEST_IA32_EFER, .mask = 0x500, LIST(0x100) },
	{ "guest.efer.lme", BASE_FLAT, ENTERS, VALUES, WITH(LOADED(EFER)), .at = AT_GUEST_IA32_EFER, .mask = 0x500,
	  LIST(0, 0x100) },
	{ "guest.efer.lme", BASE_REAL, ENTERS, VALUES, WITH(LOADED(EFER)), .at = AT_GUEST_IA32_EFER, .mask = 0x500,
	  LIST(0, 0x100) },
	{ "guest.bndcfgs", BASE_64, GUEST_0, WALK, WITH(CLEARED(BNDCFGS)), .at = AT_GUEST_IA32_BNDCFGS, .mask = 0xFFC },
	{ "guest.bndcfgs", BASE_64, GUEST_0, NOT_CANONICAL, WITH(CLEARED(BNDCFGS)), .at = AT_GUEST_IA32_BNDCFGS,
	  .mask = ~0xFFFull },
	{ "guest.bndcfgs", BASE_64, ENTERS, CANONICAL, WITH(CLEARED(BNDCFGS)), .at = AT_GUEST_IA32_BNDCFGS,
	  .mask = ~0xFFFull },
	{ "guest.bndcfgs", BASE_64, ENTERS, VALUES, WITH(CLEARED(BNDCFGS)), .at = AT_GUEST_IA32_BNDCFGS,
	  LIST(0, 1, 2, 3) },
	{ "guest.bndcfgs", BASE_64, ENTERS, WALK, WITH(IGNORED(BNDCFGS)), .at = AT_GUEST_IA32_BNDCFGS, .mask = ~0ull },
	{ "guest.canonical.width", BASE_PAE, REPORTED, BETWEEN_WIDTHS, WITH(CLEARED(BNDCFGS)),
	  .at = AT_GUEST_IA32_BNDCFGS, .mask = ~0xFFFull },
	{ "guest.rtit", BASE_64, GUEST_0, FIXED, WITH(CLEARED(RTIT), NOT_RUN), MSR(RTIT_CTL, RTIT_RESERVED),
	  NEEDS_NO_PT },
	{ "guest.rtit", BASE_64, ENTERS, ONE, WITH(CLEARED(RTIT)), NEEDS_NO_PT },
	{ "guest.rtit", BASE_64, ENTERS, WALK, WITH(IGNORED(RTIT)), .at = AT_GUEST_IA32_RTIT_CTL, .mask = ~0ull },
	{ "guest.rtit.low", BASE_64, REPORTED, WALK, WITH(CLEARED(RTIT), NOT_RUN), .at = AT_GUEST_IA32_RTIT_CTL,
	  .mask = ~(RTIT_RESERVED | 1 /* TraceEn */), NEEDS_NO_PT },
	{ "guest.uinv", BASE_64, GUEST_0, WALK, WITH(CLEARED(UINV)), .at = AT_GUEST_UINV, .mask = 0xFF00 },
	{ "guest.uinv", BASE_64, ENTERS, WALK, WITH(CLEARED(UINV)), .at = AT_GUEST_UINV, .mask = 0xFF },
	{ "guest.uinv", BASE_64, ENTERS, WALK, WITH(IGNORED(UINV)), .at = AT_GUEST_UINV, .mask = 0xFFFF },
	{ "guest.lbr", BASE_64, GUEST_0, FIXED, WITH(CLEARED(LBR)), MSR(LBR_CTL, ~0ull) },
	{ "guest.lbr", BASE_64, ENTERS, FREE, WITH(CLEARED(LBR)), MSR(LBR_CTL, ~0ull) },
	{ "guest.lbr", BASE_64, ENTERS, WALK, WITH(IGNORED(LBR)), .at = AT_GUEST_IA32_LBR_CTL, .mask = ~0ull },
	{ "guest.pkrs", BASE_64, GUEST_0, WALK, WITH(LOADED(PKRS)), .at = AT_GUEST_IA32_PKRS, .mask = HIGH_32 },
	{ "guest.pkrs", BASE_64, ENTERS, WALK, WITH(LOADED(PKRS)), .at = AT_GUEST_IA32_PKRS, .mask = 0xFFFFFFFF },
	{ "guest.pkrs", BASE_64, ENTERS, WALK, WITH(IGNORED(PKRS)), .at = AT_GUEST_IA32_PKRS, .mask = ~0ull },
	{ "guest.spec_ctrl", BASE_64, GUEST_0, FIXED, WITH(LOADED2(SPEC_CTRL)), MSR(SPEC_CTRL, ~0ull) },
	{ "guest.spec_ctrl", BASE_64, ENTERS, FREE, WITH(LOADED2(SPEC_CTRL)), MSR(SPEC_CTRL, ~0ull) },
	{ "guest.spec_ctrl", BASE_64, ENTERS, WALK, WITH(IGNORED(SPEC_CTRL)), .at = AT_GUEST_IA32_SPEC_CTRL,
	  .mask = ~0ull },

	/* CET */
	{ "guest.cet", BASE_64, GUEST_0, WALK, WITH(LOADED(CET)), .at = AT_GUEST_IA32_S_CET, .mask = 0x3C0 },
	{ "guest.cet", BASE_32, GUEST_0, WALK, WITH(LOADED(CET)), .at = AT_GUEST_IA32_S_CET, .mask = 0x3C0 },
	{ "guest.cet", BASE_64, GUEST_0, VALUES, WITH(LOADED(CET)), .at = AT_GUEST_IA32_S_CET, LIST(0xC00), NEEDS_IBT },
	{ "guest.cet", BASE_64, ENTERS, FREE, WITH(LOADED(CET)), MSR(S_CET, BIT(47) - 1) },
	{ "guest.cet", BASE_64, ENTERS, WALK, WITH(IGNORED(CET)), .at = AT_GUEST_IA32_S_CET, .mask = ~0ull },
	{ "guest.cet.absent", BASE_64, REPORTED, FIXED, WITH(LOADED(CET), NOT_RUN), MSR(S_CET, ~0x3C0ull) },
	{ "guest.cet.canonical", BASE_64, GUEST_0, NOT_CANONICAL, WITH(LOADED(CET)), .at = AT_GUEST_IA32_S_CET,
	  .mask = ~0xFFFull, NEEDS_IBT },
	{ "guest.cet.canonical", BASE_64, ENTERS, CANONICAL, WITH(LOADED(CET)), .at = AT_GUEST_IA32_S_CET,
	  .mask = ~0xFFFull, NEEDS_IBT },
	{ "guest.canonical.width", BASE_64, REPORTED, BETWEEN_WIDTHS, WITH(LOADED(CET)), .at = AT_GUEST_IA32_S_CET,
	  .mask = ~0xFFFull },
	{ "guest.cet.canonical", BASE_64, GUEST_0, NOT_CANONICAL, WITH(LOADED(CET)), .at = AT_GUEST_INTERRUPT_SSP_TABLE },
	{ "guest.cet.canonical", BASE_PAE, GUEST_0, NOT_CANONICAL, WITH(LOADED(CET)),
	  .at = AT_GUEST_INTERRUPT_SSP_TABLE },
	{ "guest.cet.canonical", BASE_64, ENTERS, CANONICAL, WITH(LOADED(CET)), .at = AT_GUEST_INTERRUPT_SSP_TABLE },
	{ "guest.cet.canonical", BASE_64, ENTERS, WALK, WITH(IGNORED(CET)), .at = AT_GUEST_INTERRUPT_SSP_TABLE,
	  .mask = ~0ull },
	{ "guest.canonical.width", BASE_64, REPORTED, BETWEEN_WIDTHS, WITH(LOADED(CET)),
	  .at = AT_GUEST_INTERRUPT_SSP_TABLE },
	{ "guest.ssp", BASE_64, GUEST_0, VALUES, WITH(LOADED(CET)), .at = AT_GUEST_SSP, LIST(1, 2, 3) },
	{ "guest.ssp", BASE_32, GUEST_0, VALUES, WITH(LOADED(CET)), .at = AT_GUEST_SSP, LIST(1, 2, 3) },
	{ "guest.ssp", BASE_64, GUEST_0, NOT_WIDE, WITH(LOADED(CET)), .at = AT_GUEST_SSP, .mask = ~3ull },
	{ "guest.ssp", BASE_64, GUEST_0, WALK, WITH(LOADED(CET)), .at = AT_GUEST_SSP, .mask = 0x7F * BIT(57) },
	{ "guest.ssp", BASE_64, ENTERS, WIDE, WITH(LOADED(CET)), .at = AT_GUEST_SSP, .mask = ~3ull },
	{ "guest.ssp", BASE_64, ENTERS, VALUES, WITH(LOADED(CET)), .at = AT_GUEST_SSP,
	  LIST(4, BIT(46), BIT(47), 0 - BIT(47)) },
	{ "guest.ssp", BASE_64, ENTERS, WALK, WITH(IGNORED(CET)), .at = AT_GUEST_SSP, .mask = ~0ull },
	{ "guest.canonical.width", BASE_64, REPORTED, VALUES, WITH(LOADED(CET)), .at = AT_GUEST_SSP,
	  LIST(BIT(48), BIT(56), 0 - BIT(49)), NEEDS_57 },
	{ "guest.cet.high", BASE_PAE, REPORTED, WALK, WITH(LOADED(CET)), .at = AT_GUEST_SSP, .mask = BIT(32) },
	{ "guest.cet.high", BASE_PAE, REPORTED, WALK, WITH(LOADED(CET)), .at = AT_GUEST_IA32_S_CET, .mask = BIT(32) },
	{ "guest.cet.high", BASE_PAE, ENTERS, WALK, WITH(LOADED(CET)), .at = AT_GUEST_SSP, .mask = BIT(31) | BIT(2) },

	/* FRED: CONFIG, RSP1 to RSP3, SSP1 to SSP3 */
	{ "guest.fred", BASE_64, REPORTED, ONE, WITH(ENTRY_ON(LOAD_FRED), NOT_RUN) },
	{ "guest.fred", BASE_64, REPORTED, WALK, WITH(ENTRY_ON(LOAD_FRED), NOT_RUN), .at = AT_GUEST_IA32_FRED_CONFIG,
	  .mask = 0x834 },
	{ "guest.fred", BASE_64, REPORTED, WALK, WITH(ENTRY_ON(LOAD_FRED), NOT_RUN), .at = AT_GUEST_IA32_FRED_RSP1,
	  .over = 7, .mask = 0x3F },
	{ "guest.fred", BASE_64, REPORTED, WALK, WITH(ENTRY_ON(LOAD_FRED), NOT_RUN), .at = AT_GUEST_IA32_FRED_SSP1,
	  .over = 7, .mask = 7 },
	{ "guest.fred", BASE_64, REPORTED, NOT_CANONICAL, WITH(ENTRY_ON(LOAD_FRED), NOT_RUN),
	  .at = AT_GUEST_IA32_FRED_CONFIG, .over = 0xEF, .mask = ~0xFFFull },
	{ "guest.fred", BASE_64, ENTERS, WALK, WITH(IGNORED(FRED)), .at = AT_GUEST_IA32_FRED_CONFIG, .over = 0xFF,
	  .mask = ~0ull },

	/* GDTR and IDTR */
	{ "guest.table.base", BASE_64, GUEST_0, NOT_CANONICAL, .at = AT_GUEST_GDTR_BASE, .over = 3 },
	{ "guest.table.base", BASE_COMPAT, GUEST_0, NOT_CANONICAL, .at = AT_GUEST_GDTR_BASE, .over = 3 },
	{ "guest.table.base", BASE_32, GUEST_0, NOT_CANONICAL, .at = AT_GUEST_GDTR_BASE, .over = 3 },
	{ "guest.table.base", BASE_REAL, GUEST_0, NOT_CANONICAL, .at = AT_GUEST_GDTR_BASE, .over = 3 },
	{ "guest.table.base", BASE_64, ENTERS, CANONICAL, .at = AT_GUEST_GDTR_BASE, .over = 3 },
	{ "guest.table.base", BASE_32, ENTERS, CANONICAL, .at = AT_GUEST_GDTR_BASE, .over = 3 },
	{ "guest.canonical.width", BASE_PAE, REPORTED, BETWEEN_WIDTHS, .at = AT_GUEST_GDTR_BASE, .over = 3 },
	/* Segment registers: FS, GS, TR; LDTR if it is usable. */
	{ "guest.canonical.width", BASE_PAE, REPORTED, BETWEEN_WIDTHS, .at = AT_GUEST_FS_BASE, .over = 0xB },
	{ "guest.canonical.width", BASE_PAE, REPORTED, BETWEEN_WIDTHS, WITH(SET(GUEST_LDTR_RIGHTS, 0x82)),
	  .at = AT_GUEST_LDTR_BASE },
	{ "guest.canonical.width", BASE_PAE, ENTERS, BETWEEN_WIDTHS, .at = AT_GUEST_LDTR_BASE },
	{ "guest.table.limit", BASE_64, GUEST_0, WALK, .at = AT_GUEST_GDTR_LIMIT, .over = 3, .mask = 0xFFFF0000 },
	{ "guest.table.limit", BASE_32, GUEST_0, WALK, .at = AT_GUEST_GDTR_LIMIT, .over = 3, .mask = 0xFFFF0000 },
	{ "guest.table.limit", BASE_REAL, GUEST_0, WALK, .at = AT_GUEST_GDTR_LIMIT, .over = 3, .mask = 0xFFFF0000 },
	{ "guest.table.limit", BASE_64, ENTERS, WALK, .at = AT_GUEST_GDTR_LIMIT, .over = 3, .mask = 0xFFFF },

	/* RIP. Addresses that are accepted may have any code. */
	{ "guest.rip.high", BASE_COMPAT, GUEST_0, WALK, WITH(NOT_RUN), .at = AT_GUEST_RIP, .mask = HIGH_32 },
	{ "guest.rip.high", BASE_PAE, GUEST_0, WALK, WITH(NOT_RUN), .at = AT_GUEST_RIP, .mask = HIGH_32 },
	{ "guest.rip.high", BASE_32, GUEST_0, WALK, WITH(NOT_RUN), .at = AT_GUEST_RIP, .mask = BIT(32) | BIT(63) },
	{ "guest.rip.high", BASE_V86, GUEST_0, WALK, WITH(NOT_RUN), .at = AT_GUEST_RIP, .mask = BIT(32) | BIT(63) },
	{ "guest.rip.high", BASE_FLAT, GUEST_0, WALK, WITH(NOT_RUN), .at = AT_GUEST_RIP, .mask = BIT(32) | BIT(63) },
	{ "guest.rip.high", BASE_REAL, GUEST_0, WALK, WITH(NOT_RUN), .at = AT_GUEST_RIP, .mask = BIT(32) | BIT(63) },
	/* L in CS counts in IA-32e mode only. */
	{ "guest.rip.high", BASE_PAE, GUEST_0, WALK, WITH(SET(GUEST_CS_RIGHTS, 0xA09B), NOT_RUN), .at = AT_GUEST_RIP,
	  .mask = BIT(32) | BIT(63) },
	{ "guest.rip.high", BASE_COMPAT, MSR_LOAD, VALUES, WITH(NOT_RUN), .at = AT_GUEST_RIP, LIST(0, 0xFFFFFFFF) },
	{ "guest.rip.high", BASE_REAL, MSR_LOAD, VALUES, WITH(NOT_RUN), .at = AT_GUEST_RIP, LIST(0, 0xFFFFFFFF) },
	{ "guest.rip.high", BASE_64, MSR_LOAD, VALUES, WITH(NOT_RUN), .at = AT_GUEST_RIP, LIST(BIT(32), BIT(46)) },
	{ "guest.rip.wide", BASE_64, GUEST_0, NOT_WIDE, WITH(NOT_RUN), .at = AT_GUEST_RIP },
	{ "guest.rip.wide", BASE_64, GUEST_0, WALK, WITH(NOT_RUN), .at = AT_GUEST_RIP, .mask = 0x7F * BIT(57) },
	{ "guest.rip.wide", BASE_64, MSR_LOAD, CANONICAL, WITH(NOT_RUN), .at = AT_GUEST_RIP },
	{ "guest.rip.wide", BASE_64, MSR_LOAD, WIDE, WITH(NOT_RUN), .at = AT_GUEST_RIP },
	/* It enters, and has a fault at once. */
	{ "guest.rip.wide", BASE_64, ENTERS, VALUES, .at = AT_GUEST_RIP, LIST(BIT(47)) },
	{ "guest.canonical.width", BASE_64, REPORTED, VALUES, WITH(NOT_RUN), .at = AT_GUEST_RIP,
	  LIST(BIT(48), BIT(56), 0 - BIT(49)), NEEDS_57 },

	/* RFLAGS */
	{ "guest.rflags.reserved", BASE_64, GUEST_0, WALK, .at = AT_GUEST_RFLAGS, .mask = RFLAGS_RESERVED },
	{ "guest.rflags.reserved", BASE_32, GUEST_0, WALK, .at = AT_GUEST_RFLAGS, .mask = RFLAGS_RESERVED },
	{ "guest.rflags.reserved", BASE_V86, GUEST_0, WALK, .at = AT_GUEST_RFLAGS, .mask = RFLAGS_RESERVED },
	{ "guest.rflags.reserved", BASE_REAL, GUEST_0, WALK, .at = AT_GUEST_RFLAGS, .mask = RFLAGS_RESERVED },
	{ "guest.rflags.reserved", BASE_64, ENTERS, WALK, .at = AT_GUEST_RFLAGS, .mask = RFLAGS_FREE },
	{ "guest.rflags.reserved", BASE_32, ENTERS, WALK, .at = AT_GUEST_RFLAGS, .mask = RFLAGS_FREE },
	{ "guest.rflags.reserved", BASE_V86, ENTERS, WALK, .at = AT_GUEST_RFLAGS, .mask = RFLAGS_FREE },
	{ "guest.rflags.one", BASE_64, GUEST_0, VALUES, .at = AT_GUEST_RFLAGS, LIST(0, 1, 0x200, 0x3D7FD5) },
	{ "guest.rflags.one", BASE_COMPAT, GUEST_0, WALK, .at = AT_GUEST_RFLAGS, .mask = 2 },
	{ "guest.rflags.one", BASE_PAE, GUEST_0, WALK, .at = AT_GUEST_RFLAGS, .mask = 2 },
	{ "guest.rflags.one", BASE_V86, GUEST_0, WALK, .at = AT_GUEST_RFLAGS, .mask = 2 },
	{ "guest.rflags.one", BASE_REAL, GUEST_0, WALK, .at = AT_GUEST_RFLAGS, .mask = 2 },
	{ "guest.rflags.one", BASE_64, ENTERS, .kind = ONE },
	{ "guest.rflags.vm", BASE_V86, GUEST_0, ONE, WITH(ENTRY_ON(GUEST_64), OR(GUEST_CR4, CR4_PAE), NOT_RUN),
	  .last = true },
	{ "guest.rflags.vm", BASE_V86, GUEST_0, ONE,
	  WITH(SECONDARY_ON(EPT), SECONDARY_ON(UNRESTRICTED_GUEST), CLR(GUEST_CR0, CR0_PE | CR0_PG), NOT_RUN),
	  .last = true },
	{ "guest.rflags.vm", BASE_V86, ENTERS, .kind = ONE },
	{ "guest.rflags.if", BASE_64, GUEST_0, VALUES, WITH(CLR(GUEST_RFLAGS, RFLAGS_IF), NOT_RUN),
	  .at = AT_ENTRY_INTERRUPTION_INFO, LIST(INJECT(0, 0), INJECT(0, 0x20), INJECT(0, 0xFF)) },
	{ "guest.rflags.if", BASE_32, GUEST_0, VALUES, WITH(CLR(GUEST_RFLAGS, RFLAGS_IF), NOT_RUN),
	  .at = AT_ENTRY_INTERRUPTION_INFO, LIST(INJECT(0, 0x20)) },
	{ "guest.rflags.if", BASE_V86, GUEST_0, VALUES, WITH(CLR(GUEST_RFLAGS, RFLAGS_IF), NOT_RUN),
	  .at = AT_ENTRY_INTERRUPTION_INFO, LIST(INJECT(0, 0x20)) },
	{ "guest.rflags.if", BASE_64, MSR_LOAD, VALUES, WITH(OR(GUEST_RFLAGS, RFLAGS_IF), NOT_RUN),
	  .at = AT_ENTRY_INTERRUPTION_INFO, LIST(INJECT(0, 0), INJECT(0, 0x20), INJECT(0, 0xFF)) },
	/* NMI, #UD, INT n, a software exception; none. */
	{ "guest.rflags.if", BASE_64, MSR_LOAD, VALUES,
	  WITH(CLR(GUEST_RFLAGS, RFLAGS_IF), SET(ENTRY_INSTRUCTION_LENGTH, 2), NOT_RUN),
	  .at = AT_ENTRY_INTERRUPTION_INFO, LIST(INJECT(2, 2), INJECT(3, 6), INJECT(4, 0x80), INJECT(6, 3), 0x20) },
};
/* clang-format on */

const struct entry_section entry_guest_registers = { rows, ARRAY_SIZE(rows) };
