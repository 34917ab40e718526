/* The sections of rows, each a test, and the rules whose rows may stop an emulator. */
#ifndef TESTS_SVM_ENTRY_SECTIONS_H
#define TESTS_SVM_ENTRY_SECTIONS_H

#include "tests/svm/entry/rows.h"

/* S(test, section, citation, what it checks) */
#define SVM_SECTIONS(S)                                                                            \
	S("svm.vmrun.registers", svm_entry_registers, SPEC_VMRUN_CHECKS,                           \
	  "VMRUN refuses CR0, CR3, CR4, DR6, DR7 and EFER that the manual forbids, and no "        \
	  "others.")                                                                               \
	S("svm.vmrun.modes", svm_entry_modes, SPEC_VMRUN_CHECKS,                                   \
	  "VMRUN refuses combinations of long mode, paging and code size that do not exist, and "  \
	  "no others.")                                                                            \
	S("svm.vmrun.controls", svm_entry_controls, SPEC_VMRUN_CHECKS,                             \
	  "VMRUN refuses intercepts, ASIDs and permission maps that the manual forbids, and no "   \
	  "others.")                                                                               \
	S("svm.vmrun.paging", svm_entry_paging, SPEC_VMRUN_CHECKS,                                 \
	  "VMRUN refuses an N_CR3, a G_PAT and PDPEs that the manual forbids, and no others.")     \
	S("svm.vmrun.injection", svm_entry_injection, SPEC_VMRUN_INJECTION,                        \
	  "VMRUN refuses events in EVENTINJ that the manual forbids, and no others.")              \
	S("svm.vmrun.accepted", svm_entry_accepted, SPEC_VMRUN_CHECKS,                             \
	  "VMRUN accepts what no rule forbids: segments, tables, RIP, RSP and flags of any "       \
	  "value.")

/* R(rule, section): has rows that are .by_name */
#define SVM_RULES_BY_NAME(R)                                                                       \
	R("vmrun.check.cr3_long", svm_entry_registers)                                             \
	R("vmrun.check.lme_pe", svm_entry_modes)

#endif
