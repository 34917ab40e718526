/* Guests of a few instructions: chapters 6 to 8 of the catalogue of rules. */
#include "tests/lib/list.h"
#include "tests/vmx/exit/sections.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/troupe.h"

#define VMX BIT(CAP_VMX)
enum { MILLISECONDS = 20000 };

#define MEANS_EXIT "A hypervisor on this machine is told something else than what its guest did."

#define SECTION(name, section, spec, about) TROUPE_TEST(name, section, spec, 0, about, MEANS_EXIT),
#define BODY(name, body, spec, about) STAGE_TEST(name, body, spec, about, MEANS_EXIT)
#define BY_NAME(name_, section, spec_, about_)                                                     \
	{                                                                                          \
		.name = name_, .spec = spec_, .run = troupe_run, .needs = VMX, .data = &(section), \
		.by_name = true, EXPLAINS(about_, MEANS_EXIT)                                      \
	}

static const struct test rows[] = {
	GUEST_SECTIONS(SECTION)
		BODY("vmx.exit.host", host_state_checks, SPEC_HOST_LOADING,
		     "After a VM exit each field of the host-state area is in force."),
	BODY("vmx.exit.failures", failure_checks, SPEC_ENTRY_FAILURES,
	     "A VM entry that fails changes nothing of the guest and tells why."),
	BY_NAME("full.vmx.exit.displacement", exit_displacement, SPEC_EXIT_INSTRUCTIONS,
		"The displacement in the exit qualification of instructions with a memory "
		"operand."),
	{ .name = "vmx.apic.posted.remote",
	  .spec = SPEC_VAPIC_POSTED,
	  .run = stage_run,
	  .needs = VMX,
	  .cpus = 2,
	  .data = posted_checks,
	  .milliseconds = MILLISECONDS,
	  EXPLAINS("A running and a halted guest get an interrupt that another processor posts, "
		   "without an exit.",
		   MEANS_EXIT) },
	BY_NAME("full.vmx.apic.fetch", apic_fetches, SPEC_VAPIC_ACCESSES,
		"The exit by an instruction fetch from the APIC-access page."),
};

TEST_GROUP(exits, rows);
