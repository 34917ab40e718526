/* The sections of rows of EPT, PML and VPID, each a test. */
#ifndef TESTS_VMX_EPT_SECTIONS_H
#define TESTS_VMX_EPT_SECTIONS_H

#include "tests/vmx/exit/rows.h"

extern const struct guest_section ept_misconfigurations, ept_violations, ept_walks, ept_pages,
	ept_log, ept_caches, ept_exceptions;

/* S(test, section, citation) */
/* clang-format off */
#define EPT_SECTIONS(S)                                                                            \
	S("vmx.ept.misconfigurations", ept_misconfigurations, SPEC_EPT_MISCONFIGURATIONS,\
	  "Entries that no walk may use are EPT misconfigurations, at each level; ignored bits are ignored.")\
	S("vmx.ept.violations", ept_violations, SPEC_EPT_VIOLATIONS,\
	  "Each access to entries of each level with each set of permissions: what the EPT violation says.")\
	S("vmx.ept.walks", ept_walks, SPEC_EPT_VIOLATIONS,\
	  "EPT violations by accesses to the guest's page tables and in the delivery of events.")\
	S("vmx.ept.pages", ept_pages, SPEC_EPT_TRANSLATION,\
	  "Pages of each size hold what they should; accessed and dirty flags are set exactly.")\
	S("vmx.ept.log", ept_log, SPEC_PML,\
	  "Page-modification logging: which pages are logged, where, and what a full log does.")\
	S("vmx.ept.caches", ept_caches, SPEC_TRANSLATION_CACHES,\
	  "Cached translations are not used after what invalidates them: INVEPT, INVVPID, entries, violations.")\
	S("vmx.ept.exceptions", ept_exceptions, SPEC_VE,\
	  "EPT violations that become virtualization exceptions, and mode-based execute control.")
/* clang-format on */

#endif
