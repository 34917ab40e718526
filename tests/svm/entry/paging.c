/* APM vol. 2, "Canonicalization and Consistency Checks": nested paging, and encrypted memory. */
#include "svm/model/view.h"

#include "tests/svm/entry/rows.h"

static bool lacks_np(const struct svm_machine *machine)
{
	return !svm_machine_has(machine, SVM_NESTED_PAGING);
}

static bool lacks_gmet(const struct svm_machine *machine)
{
	return !svm_machine_has(machine, SVM_GMET);
}

static bool has_sss(const struct svm_machine *machine)
{
	return svm_machine_has(machine, SVM_SSS);
}

static bool has_sev_off(const struct svm_machine *machine)
{
	return machine->sev && !(machine->syscfg & BIT(23));
}

static bool lacks_sev(const struct svm_machine *machine)
{
	return !machine->sev;
}

static bool lacks_sev_es(const struct svm_machine *machine)
{
	return !machine->sev_es;
}

#define NEEDS_SSS NEEDS(has_sss, "supervisor shadow stack checks")
#define PAT_BYTE(n) (0xFFull << 8 * (n))
#define PAT_BAD(s)                                                                                 \
	LIST(2ull << (s), 3ull << (s), 8ull << (s), 0x10ull << (s), 0x20ull << (s),                \
	     0x40ull << (s), 0x80ull << (s), 0xFFull << (s))
#define PAT_GOOD(s) LIST(0, 1ull << (s), 4ull << (s), 5ull << (s), 6ull << (s), 7ull << (s))

/* clang-format off */
static const struct entry_row rows[] = {
	{ "vmrun.check.ncr3", BASE_64, INVALID, WIDTH, .at = AT_N_CR3, NEEDS_NP },
	{ "vmrun.check.ncr3", BASE_REAL, INVALID, WIDTH, .at = AT_N_CR3, NEEDS_NP },
	{ "vmrun.check.ncr3", BASE_64, ENTERS, WALK, .at = AT_N_CR3, .mask = 0xFFF, NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, INVALID, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(0), PAT_BAD(0), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, INVALID, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(1), PAT_BAD(8), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, INVALID, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(2), PAT_BAD(16), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, INVALID, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(3), PAT_BAD(24), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, INVALID, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(4), PAT_BAD(32), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, INVALID, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(5), PAT_BAD(40), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, INVALID, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(6), PAT_BAD(48), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, INVALID, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(7), PAT_BAD(56), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, ENTERS, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(0), PAT_GOOD(0), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, ENTERS, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(1), PAT_GOOD(8), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, ENTERS, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(2), PAT_GOOD(16), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, ENTERS, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(3), PAT_GOOD(24), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, ENTERS, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(4), PAT_GOOD(32), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, ENTERS, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(5), PAT_GOOD(40), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, ENTERS, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(6), PAT_GOOD(48), NEEDS_NP },
	{ "vmrun.check.g_pat", BASE_64, ENTERS, VALUES, .at = AT_G_PAT, .mask = PAT_BYTE(7), PAT_GOOD(56), NEEDS_NP },
	{ "vmrun.check.np_off", BASE_64_SHADOW, ENTERS, ONE, WITH(SET(N_CR3, ~0ull), SET(G_PAT, ~0ull)) },
	{ "vmrun.check.np_unsupported", BASE_64_SHADOW, REPORTED, ONE, .last = true, NEEDS(lacks_np, "no nested paging"),
	  WITH(OR(NP_CONTROL, NP_ENABLE), OWN(N_CR3, PAGE_PML4)) },
	{ "vmrun.check.np_unsupported", BASE_64, ENTERS, ONE, NEEDS(lacks_gmet, "no GMET"), WITH(OR(NP_CONTROL, NP_GMET)) },
	{ "vmrun.check.np_unsupported", BASE_64_SHADOW, ENTERS, ONE, NEEDS(lacks_gmet, "no GMET"),
	  WITH(OR(NP_CONTROL, NP_GMET), SET(G_PAT, ~0ull)) },
	{ "vmrun.check.sss", BASE_64_SHADOW, INVALID, ONE, NEEDS_SSS, WITH(OR(NP_CONTROL, NP_SSS)) },
	{ "vmrun.check.sss", BASE_64, ENTERS, ONE, NEEDS_SSS, WITH(OR(NP_CONTROL, NP_SSS)) },
	{ "vmrun.check.sev_off", BASE_64, ENTERS, ONE, .last = true, NEEDS(has_sev_off, "SEV that is off"),
	  WITH(OR(NP_CONTROL, NP_SEV)) },
	{ "vmrun.check.sev_absent", BASE_64, REPORTED, ONE, .last = true, NEEDS(lacks_sev, "no SEV"), WITH(OR(NP_CONTROL, NP_SEV)) },
	{ "vmrun.check.sev_absent", BASE_64, REPORTED, ONE, .last = true, NEEDS(lacks_sev_es, "no SEV-ES"),
	  WITH(OR(NP_CONTROL, NP_SEV_ES)) },
	{ "vmrun.check.sev_absent", BASE_64, REPORTED, ONE, .last = true, NEEDS(lacks_sev, "no SEV"),
	  WITH(OR(NP_CONTROL, NP_TRANSPARENT)) },
};
/* clang-format on */

const struct entry_section svm_entry_paging = { rows, ARRAY_SIZE(rows) };
