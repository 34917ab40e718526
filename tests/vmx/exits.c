/* Guests of a few instructions: chapters 6 to 8 of the catalogue of rules. */
#include "tests/lib/list.h"
#include "tests/vmx/exit/sections.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/troupe.h"

#define VMX BIT(CAP_VMX)
enum { MILLISECONDS = 20000 };

#define SECTION(name_, section, spec_)                                                             \
	{ .name = name_,                                                                           \
	  .spec = spec_,                                                                           \
	  .run = troupe_run,                                                                       \
	  .needs = VMX,                                                                            \
	  .data = &(section),                                                                      \
	  .milliseconds = MILLISECONDS },

#define BODY(name_, body, spec_)                                                                   \
	{                                                                                          \
		.name = name_, .spec = spec_, .run = stage_run, .needs = VMX, .data = body,        \
		.milliseconds = MILLISECONDS                                                       \
	}

#define BY_NAME(name_, section, spec_)                                                             \
	{                                                                                          \
		.name = name_, .spec = spec_, .run = troupe_run, .needs = VMX, .data = &(section), \
		.by_name = true                                                                    \
	}

static const struct test rows[] = {
	GUEST_SECTIONS(SECTION) BODY("vmx.exit.host", host_state_checks, SPEC_HOST_LOADING),
	BODY("vmx.exit.failures", failure_checks, SPEC_ENTRY_FAILURES),
	BY_NAME("full.vmx.exit.displacement", exit_displacement, SPEC_EXIT_INSTRUCTIONS),
};

TEST_GROUP(exits, rows);
