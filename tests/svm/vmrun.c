/*
 * VMRUN against the rules of the APM: each test is a section's rows, carried out by all processors.
 * See tests/svm/entry/rows.h for the rows, tests/entry/crew.h for who does what.
 */
#include "tests/entry/report.h"
#include "tests/lib/list.h"
#include "tests/svm/checks.h"
#include "tests/svm/entry/sections.h"

static void section(struct test_run *run)
{
	entry_run_rows(run, &svm_entry_checks, run->test->data, CREW_ENTER, CREW_ORDINARY, NULL);
}

#define BY_NAME "full.svm.vmrun.by_name."

/* The test's name ends in the rule's. */
static void by_name(struct test_run *run)
{
	entry_run_rows(run, &svm_entry_checks, run->test->data, CREW_ENTER, CREW_BY_NAME,
		       run->test->name + sizeof(BY_NAME) - 1);
}

#define ADDRESS(name, rows, spec, about) &(rows),

static void model(struct test_run *run)
{
	static const struct entry_section *const sections[] = { SVM_SECTIONS(ADDRESS) };

	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++)
		entry_run_rows(run, &svm_entry_checks, sections[i], CREW_MODEL, CREW_ALL, NULL);
}

enum { MILLISECONDS = 20000 }; /* emulators share the host's processors with others */

#define SVM BIT(CAP_SVM)

#define SECTION(name, rows, spec, about_)                                                          \
	{ name,                                                                                    \
	  spec,                                                                                    \
	  section,                                                                                 \
	  .needs = SVM,                                                                            \
	  .data = &(rows),                                                                         \
	  .milliseconds = MILLISECONDS,                                                            \
	  EXPLAINS(about_, MEANS_VMRUN) },
#define RULE(rule, rows)                                                                           \
	{ BY_NAME rule,                                                                            \
	  SPEC_VMRUN_CHECKS,                                                                       \
	  by_name,                                                                                 \
	  .needs = SVM,                                                                            \
	  .by_name = true,                                                                         \
	  .data = &(rows),                                                                         \
	  EXPLAINS("The cases of " rule " that may stop an emulator.", MEANS_VMRUN) },

static const struct test rows[] = {
	{ "svm.vmrun.model", SPEC_VMRUN_CHECKS, model, .needs = SVM,
	  EXPLAINS("The model of VMRUN and the rows of its rules agree on this machine's "
		   "capabilities.",
		   "Verdicts of svm.vmrun.* and fuzz.vmrun cannot be trusted here: report it.") },
	SVM_SECTIONS(SECTION) SVM_RULES_BY_NAME(RULE)
};

TEST_GROUP(vmrun, rows);
