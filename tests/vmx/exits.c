/* Guests of a few instructions: chapters 6 to 8 of the catalogue of rules. */
#include "tests/lib/list.h"
#include "tests/vmx/exit/sections.h"
#include "tests/vmx/troupe.h"

#define VMX BIT(CAP_VIRTUALIZATION)
enum { MILLISECONDS = 20000 };

#define SECTION(name_, section, spec_)                                                             \
	{ .name = name_,                                                                           \
	  .spec = spec_,                                                                           \
	  .run = troupe_run,                                                                       \
	  .needs = VMX,                                                                            \
	  .data = &(section),                                                                      \
	  .milliseconds = MILLISECONDS },

static const struct test rows[] = { GUEST_SECTIONS(SECTION) };

TEST_GROUP(exits, rows);
