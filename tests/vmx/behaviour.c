/* How guests behave in VMX non-root operation: chapter 11 of the catalogue of rules. */
#include "tests/lib/list.h"
#include "tests/vmx/behaviour/sections.h"
#include "tests/vmx/troupe.h"

#define VMX BIT(CAP_VMX)
enum { MILLISECONDS = 20000 };

#define SECTION(name_, section, spec_, about_, means_)                                             \
	{ .name = name_,                                                                           \
	  .spec = spec_,                                                                           \
	  .run = troupe_run,                                                                       \
	  .needs = VMX,                                                                            \
	  .data = &(section),                                                                      \
	  .milliseconds = MILLISECONDS,                                                            \
	  EXPLAINS(about_, means_) },

static const struct test rows[] = { BEHAVIOUR_SECTIONS(SECTION) };

TEST_GROUP(behaviour, rows);
