/* EPT, PML and VPID: chapter 9 of the catalogue of rules. */
#include "tests/lib/list.h"
#include "tests/vmx/ept/sections.h"
#include "tests/vmx/troupe.h"

enum { MILLISECONDS = 20000 };

#define SECTION(name_, section, spec_, about_)                                                     \
	{ .name = name_,                                                                           \
	  .spec = spec_,                                                                           \
	  .run = troupe_run,                                                                       \
	  .needs = BIT(CAP_VMX) | BIT(CAP_NESTED_PAGING),                                          \
	  .data = &(section),                                                                      \
	  .milliseconds = MILLISECONDS,                                                            \
	  EXPLAINS(about_,                                                                         \
		   "A hypervisor on this machine cannot rely on its guests' page tables.") },

static const struct test rows[] = { EPT_SECTIONS(SECTION) };

TEST_GROUP(paging, rows);
