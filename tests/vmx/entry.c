/*
 * VM entries against the rules of the SDM: each test is a section's rows, carried out by all
 * processors. See tests/vmx/entry/rows.h for the rows, tests/entry/crew.h for who does what.
 */
#include "tests/entry/report.h"
#include "tests/lib/list.h"
#include "tests/vmx/checks.h"
#include "tests/vmx/entry/sections.h"

static void section(struct test_run *run)
{
	entry_run_rows(run, &vmx_entry_checks, run->test->data, CREW_ENTER, CREW_ORDINARY, NULL);
}

#define BY_NAME "full.vmx.entry.by_name."

/* The test's name ends in the rule's. */
static void by_name(struct test_run *run)
{
	entry_run_rows(run, &vmx_entry_checks, run->test->data, CREW_ENTER, CREW_BY_NAME,
		       run->test->name + sizeof(BY_NAME) - 1);
}

#define ADDRESS(name, rows, spec, about) &(rows),

static void model(struct test_run *run)
{
	static const struct entry_section *const sections[] = { ENTRY_SECTIONS(ADDRESS) };

	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++)
		entry_run_rows(run, &vmx_entry_checks, sections[i], CREW_MODEL, CREW_ALL, NULL);
}

enum { MILLISECONDS = 20000 }; /* emulators count instructions, at a few million a second */

#define VMX BIT(CAP_VMX)

#define SECTION(name, rows, spec, about)                                                           \
	{ name,                                                                                    \
	  spec,                                                                                    \
	  section,                                                                                 \
	  .needs = VMX,                                                                            \
	  .data = &(rows),                                                                         \
	  .milliseconds = MILLISECONDS,                                                            \
	  EXPLAINS(about, MEANS_ENTRY) },
#define RULE(rule, rows)                                                                           \
	{ BY_NAME rule,                                                                            \
	  SPEC_VM_ENTRIES,                                                                         \
	  by_name,                                                                                 \
	  .needs = VMX,                                                                            \
	  .by_name = true,                                                                         \
	  .data = &(rows),                                                                         \
	  EXPLAINS("One rule of VM entries that an emulator may stop at as a whole.",              \
		   MEANS_ENTRY) },

static const struct test rows[] = {
	{ "vmx.entry.model", SPEC_VM_ENTRIES, model, .needs = VMX,
	  EXPLAINS("The cases of the entry tests and the model of VM entries agree about this "
		   "machine; nothing is entered.",
		   "Assay's two descriptions of VM entries disagree about this machine's "
		   "capabilities: its other entry verdicts may be wrong.") },
	ENTRY_SECTIONS(SECTION) ENTRY_RULES_BY_NAME(RULE)
};

TEST_GROUP(entry, rows);
