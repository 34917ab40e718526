/* APM vol. 2, "Canonicalization and Consistency Checks": modes of operation; several violations. */
#include "svm/model/view.h"

#include "tests/svm/entry/rows.h"

#define LONG (EFER_LME | EFER_LMA)
#define L_AND_D (ATTRIB_L | ATTRIB_D)
#define NO_INTERCEPT CLR(INTERCEPT_4, INTERCEPT_BIT(SVM_EXIT_VMRUN))
#define BAD_EVENT SET(EVENTINJ, EVENT(TYPE_5, 6))
#define NO_ASID SET(GUEST_ASID, 0)

/* clang-format off */
static const struct entry_row rows[] = {
	{ "vmrun.check.lme_pae", BASE_64, INVALID, ONE, WITH(CLR(CR4, CR4_PAE)) },
	{ "vmrun.check.lme_pae", BASE_COMPAT, INVALID, ONE, WITH(CLR(CR4, CR4_PAE)) },
	{ "vmrun.check.lme_pae", BASE_FLAT, ENTERS, ONE, WITH(OR(EFER, EFER_LME), OR(CR4, CR4_PAE)) },
	/* Nothing is wrong with these guests; an exit must find the way back to long mode, too. */
	{ "host.regs", BASE_FLAT, ENTERS, ONE, .last = true, WITH(OR(EFER, EFER_LME)) },
	{ "host.regs", BASE_32, ENTERS, ONE, .last = true, WITH(CLR(CR0, CR0_PG), OR(EFER, LONG)) },
	{ "vmrun.check.lme_pe", BASE_64, INVALID, ONE, .by_name = true, WITH(CLR(CR0, CR0_PE)) },
	{ "vmrun.check.lme_pe", BASE_COMPAT, INVALID, ONE, .by_name = true, WITH(CLR(CR0, CR0_PE)) },

	{ "vmrun.check.cs_l_d", BASE_64, INVALID, VALUES, .at = AT_CS_ATTRIB, .mask = L_AND_D, LIST(L_AND_D) },
	{ "vmrun.check.cs_l_d", BASE_64, ENTERS, VALUES, .at = AT_CS_ATTRIB, .mask = L_AND_D,
	  LIST(0, ATTRIB_L, ATTRIB_D) },
	{ "vmrun.check.cs_l_d", BASE_PAE, ENTERS, ONE, .last = true, WITH(OR(CS_ATTRIB, L_AND_D)) },
	{ "vmrun.check.cs_l_d", BASE_32, ENTERS, ONE, .last = true, WITH(OR(CS_ATTRIB, L_AND_D)) },
	{ "vmrun.check.cs_l_d", BASE_FLAT, ENTERS, ONE, .last = true, WITH(OR(CS_ATTRIB, L_AND_D), OR(EFER, EFER_LME), OR(CR4, CR4_PAE)) },

	{ "vmrun.check.lma", BASE_FLAT, ENTERS, ALL, .last = true, .at = AT_EFER, .mask = LONG, WITH(OR(CR4, CR4_PAE)) },
	{ "vmrun.check.lma", BASE_64, ENTERS, VALUES, .last = true, .at = AT_EFER, .mask = LONG,
	  LIST(LONG, EFER_LME), NEEDS_NP },
	{ "vmrun.check.lma", BASE_PAE, ENTERS, VALUES, .last = true, .at = AT_EFER, .mask = LONG,
	  LIST(0, EFER_LMA) },
	{ "vmrun.check.paged_real", BASE_REAL_SHADOW, ENTERS, ONE, .last = true },

	{ "vmrun.check.pdpe", BASE_PAE_SHADOW, INVALID, WALK, .at = AT_PDPE_0, .over = 0xF, .mask = PDPE_RESERVED },
	{ "vmrun.check.pdpe", BASE_PAE_SHADOW, ENTERS, WALK, .at = AT_PDPE_0, .over = 0xF, .mask = 0xE00 },
	{ "vmrun.check.pdpe", BASE_PAE, ENTERS, WALK, .at = AT_PDPE_0, .over = 0xF, .mask = PDPE_RESERVED },
	{ "vmrun.check.pdpe_absent", BASE_PAE_SHADOW, ENTERS, VALUES, .at = AT_PDPE_0, .over = 0xF, LIST(~1ull) },

	{ "inv.combined", BASE_64, INVALID, ONE, WITH(NO_ASID, NO_INTERCEPT) },
	{ "inv.combined", BASE_64, INVALID, ONE, WITH(NO_ASID, BAD_EVENT) },
	{ "inv.combined", BASE_64, INVALID, ONE, WITH(NO_INTERCEPT, BAD_EVENT) },
	{ "inv.combined", BASE_64, INVALID, ONE, WITH(CLR(EFER, EFER_SVME), NO_ASID) },
	{ "inv.combined", BASE_64, INVALID, ONE, WITH(OR(CR0, BIT(63)), OR(CR4, BIT(63)), OR(EFER, BIT(63))) },
	{ "inv.combined", BASE_64, INVALID, ONE, WITH(OR(CR0, BIT(32)), BAD_EVENT) },
	{ "inv.combined", BASE_64, INVALID, ONE, WITH(OR(CR3, BIT(63)), NO_INTERCEPT) },
	{ "inv.combined", BASE_64, INVALID, ONE, WITH(OR(DR6, BIT(32)), OR(DR7, BIT(32))) },
	{ "inv.combined", BASE_64, INVALID, ONE, WITH(CLR(CR4, CR4_PAE), OR(CS_ATTRIB, ATTRIB_D), NO_ASID) },
	{ "inv.combined", BASE_64, INVALID, ONE, WITH(SET(IOPM_BASE_PA, ~0ull), SET(MSRPM_BASE_PA, ~0ull)) },
	{ "inv.combined", BASE_REAL, INVALID, ONE, WITH(OR(EFER, BIT(9)), BAD_EVENT, NO_ASID, NO_INTERCEPT) },
};
/* clang-format on */

const struct entry_section svm_entry_modes = { rows, ARRAY_SIZE(rows) };
