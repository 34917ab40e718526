/* APM vol. 2, "Canonicalization and Consistency Checks": control and debug registers, EFER. */
#include "svm/model/view.h"

#include "tests/svm/entry/rows.h"

static bool has_cet(const struct svm_machine *machine)
{
	return machine->cet;
}

#define NEEDS_CET NEEDS(has_cet, "CET")
#define CR3_IGNORED 0xFE7 /* 11:5, 2:0 */
#define CACHES (CR0_CD | CR0_NW)

/* clang-format off */
static const struct entry_row rows[] = {
	{ "vmrun.check.svme", BASE_64, INVALID, ONE, WITH(CLR(EFER, EFER_SVME)) },
	{ "vmrun.check.svme", BASE_REAL, INVALID, ONE, WITH(CLR(EFER, EFER_SVME)) },
	{ "vmrun.check.svme", BASE_64, ENTERS, ONE, .last = false },

	{ "vmrun.check.cr0_nw", BASE_64, INVALID, VALUES, .at = AT_CR0, .mask = CACHES, LIST(CR0_NW) },
	{ "vmrun.check.cr0_nw", BASE_64, ENTERS, VALUES, .last = true, .at = AT_CR0, .mask = CACHES,
	  LIST(0, CR0_CD, CR0_CD | CR0_NW) },
	{ "vmrun.check.cr0_high", BASE_64, INVALID, WALK, .at = AT_CR0, .mask = HIGH },
	{ "vmrun.check.cr0_high", BASE_REAL, INVALID, WALK, .at = AT_CR0, .mask = HIGH },

	{ "vmrun.check.cr3_long", BASE_64, INVALID, WIDTH, .at = AT_CR3 },
	{ "vmrun.check.cr3_long", BASE_COMPAT, INVALID, WIDTH, .at = AT_CR3 },
	{ "vmrun.check.cr3_long", BASE_64_SHADOW, INVALID, WIDTH, .by_name = true, .at = AT_CR3 },
	{ "vmrun.check.cr3_long", BASE_64, ENTERS, BELOW, .at = AT_CR3, LIST(0x1000), NEEDS_NP },
	{ "vmrun.check.cr3_legacy", BASE_PAE, INVALID, WIDTH, .at = AT_CR3 },
	{ "vmrun.check.cr3_legacy", BASE_32, INVALID, WIDTH, .at = AT_CR3 },
	{ "vmrun.check.cr3_legacy", BASE_PAE, REPORTED, ABOVE_4_GIB, .at = AT_CR3 },
	{ "vmrun.check.cr3_legacy", BASE_32, REPORTED, ABOVE_4_GIB, .at = AT_CR3 },
	{ "vmrun.check.cr3_pg0", BASE_FLAT, REPORTED, VALUES, .at = AT_CR3, LIST(BIT(52), BIT(63)) },
	{ "vmrun.check.cr3_sbz", BASE_64, ENTERS, WALK, .at = AT_CR3, .mask = CR3_IGNORED },
	{ "vmrun.check.cr3_sbz", BASE_32, ENTERS, WALK, .at = AT_CR3, .mask = CR3_IGNORED },
	{ "vmrun.check.cr3_sbz", BASE_PAE, ENTERS, WALK, .at = AT_CR3, .mask = 0x1F },

	{ "vmrun.check.cr4_mbz", BASE_64, INVALID, REGISTER_MBZ, .group = GROUP_CR4, .at = AT_CR4 },
	{ "vmrun.check.cr4_mbz", BASE_REAL, INVALID, REGISTER_MBZ, .group = GROUP_CR4, .at = AT_CR4 },
	{ "vmrun.check.cr4_mbz", BASE_64, ENTERS, WALK, .last = true, .at = AT_CR4, .mask = 0x7DF },
	{ "vmrun.check.cr4_feature", BASE_64, REPORTED, REGISTER_ABSENT, .group = GROUP_CR4, .at = AT_CR4 },
	{ "vmrun.check.cr4_feature", BASE_64, REPORTED, REGISTER_ODD, .group = GROUP_CR4, .at = AT_CR4 },
	{ "vmrun.check.cr4_feature", BASE_64, ENTERS, REGISTER_PRESENT, .group = GROUP_CR4, .at = AT_CR4 },

	{ "vmrun.check.dr6_high", BASE_64, INVALID, WALK, .at = AT_DR6, .mask = HIGH },
	{ "vmrun.check.dr7_high", BASE_64, INVALID, WALK, .at = AT_DR7, .mask = HIGH },
	{ "vmrun.check.dr6_high", BASE_REAL, INVALID, VALUES, .at = AT_DR6, LIST(BIT(32), BIT(63)) },
	{ "vmrun.check.dr7_high", BASE_REAL, INVALID, VALUES, .at = AT_DR7, LIST(BIT(32), BIT(63)) },
	{ "vmrun.check.dr_low", BASE_64, ENTERS, VALUES, .at = AT_DR6, LIST(0, 0xFFFFFFFF) },
	{ "vmrun.check.dr_low", BASE_64, ENTERS, WALK, .at = AT_DR6, .mask = 0xFFFFFFFF },
	{ "vmrun.check.dr_low", BASE_64, ENTERS, VALUES, .last = true, .at = AT_DR7, LIST(0, 0xFFFFFFFF) },
	{ "vmrun.check.dr_low", BASE_64, ENTERS, WALK, .last = true, .at = AT_DR7, .mask = 0xFFFFFFFF },

	{ "vmrun.check.efer_mbz", BASE_64, INVALID, REGISTER_MBZ, .group = GROUP_EFER, .at = AT_EFER },
	{ "vmrun.check.efer_mbz", BASE_REAL, INVALID, REGISTER_MBZ, .group = GROUP_EFER, .at = AT_EFER },
	{ "vmrun.check.efer_mbz", BASE_64, ENTERS, WALK, .at = AT_EFER, .mask = EFER_SCE | EFER_NXE },
	{ "vmrun.check.efer_feature", BASE_64, REPORTED, REGISTER_ABSENT, .group = GROUP_EFER, .at = AT_EFER },
	{ "vmrun.check.efer_feature", BASE_64, ENTERS, REGISTER_PRESENT, .group = GROUP_EFER, .at = AT_EFER },

	{ "vmrun.check.cet.s_cet", BASE_64, INVALID, WALK, .at = AT_S_CET, .mask = ~3ull, NEEDS_CET },
	{ "vmrun.check.cet.s_cet", BASE_64, ENTERS, VALUES, .at = AT_S_CET, LIST(1, 2, 3), NEEDS_CET },
	{ "vmrun.check.cet.wp", BASE_64, INVALID, ONE, WITH(OR(CR4, CR4_CET), CLR(CR0, CR0_WP)), NEEDS_CET },
	{ "vmrun.check.cet.wp", BASE_64, ENTERS, ONE, WITH(OR(CR4, CR4_CET)), NEEDS_CET },
	{ "vmrun.check.cet.wp", BASE_64, ENTERS, ONE, WITH(CLR(CR0, CR0_WP)) },
	{ "vmrun.check.cet.v86", BASE_V86, INVALID, ONE, WITH(OR(CR4, CR4_CET), SET(U_CET, SH_STK_EN)), NEEDS_CET },
	{ "vmrun.check.cet.v86", BASE_V86, ENTERS, ONE, WITH(OR(CR4, CR4_CET)), NEEDS_CET },
	{ "vmrun.check.cet.v86", BASE_V86, ENTERS, ONE, WITH(SET(U_CET, SH_STK_EN)), NEEDS_CET },
	{ "vmrun.check.cet.v86", BASE_32, ENTERS, ONE, WITH(OR(CR4, CR4_CET), SET(U_CET, SH_STK_EN)), NEEDS_CET },
};
/* clang-format on */

const struct entry_section svm_entry_registers = { rows, ARRAY_SIZE(rows) };
