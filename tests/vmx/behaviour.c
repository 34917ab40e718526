/* How guests behave in VMX non-root operation: chapter 11 of the catalogue of rules. */
#include "tests/lib/list.h"
#include "tests/vmx/behaviour/sections.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/troupe.h"

#define VMX BIT(CAP_VMX)
enum { EVERY_MILLISECONDS = 120000 };

#define SECTION(name, section, spec, about, means)                                                 \
	TROUPE_TEST(name, section, spec, 0, about, means),
#define EVERY(name_, body, spec_, about_, means_)                                                  \
	{                                                                                          \
		.name = name_, .spec = spec_, .run = bitmap_positions_run, .needs = VMX,           \
		.by_name = true, .data = body, .milliseconds = EVERY_MILLISECONDS,                 \
		EXPLAINS(about_, means_)                                                           \
	}

#define MEANS_MSRS                                                                                 \
	"A guest reads or writes an MSR that its hypervisor keeps from it, or exits for nothing."
#define MEANS_PORTS "A guest uses a port that its hypervisor keeps from it, or exits for nothing."

#define MEANS_SHADOW "A guest hypervisor reads or writes another VMCS than its own."

#define MEANS_TIME "A guest's clock is wrong, or its hypervisor's slices are."

#define MEANS_AREAS "A guest runs with MSRs of its hypervisor, or the other way round."

#define MEANS_ORDER "A guest's events come in another order than on a processor of its own."

#define MEANS_FIXED "A guest leaves VMX's fixed bits, and the next VM entry or exit fails."

static const struct test rows[] = {
	BEHAVIOUR_SECTIONS(SECTION) STAGE_TEST(
		"vmx.behaviour.msr_bitmap", msr_bitmap_checks, SPEC_MSR_BITMAPS,
		"RDMSR and WRMSR exit by their bit of the MSR bitmaps, a sample of all positions.",
		MEANS_MSRS),
	STAGE_TEST("vmx.behaviour.io_bitmap", io_bitmap_checks, SPEC_IO_BITMAPS,
		   "IN and OUT exit by the bits of the I/O bitmaps, a sample of all ports.",
		   MEANS_PORTS),
	STAGE_TEST("vmx.behaviour.cr.fixed", fixed_bit_checks, SPEC_NON_ROOT,
		   "Bits of CR0 and CR4 that are fixed, or that the machine lacks, are refused "
		   "without an exit.",
		   MEANS_FIXED),
	STAGE_TEST("vmx.behaviour.shadowing", shadowing_checks, SPEC_VMCS_SHADOWING,
		   "VMREAD and VMWRITE of a guest exit by their bitmaps, or use the shadow VMCS.",
		   MEANS_SHADOW),
	STAGE_TEST("vmx.behaviour.tsc", tsc_checks, SPEC_GUEST_TSC,
		   "A guest's time-stamp counter is the machine's with offset and multiplier.",
		   MEANS_TIME),
	STAGE_TEST("vmx.behaviour.timer.rate", timer_checks, SPEC_PREEMPTION_TIMER,
		   "The VMX-preemption timer counts at its rate of the TSC, in the guest alone, "
		   "and is saved.",
		   MEANS_TIME),
	STAGE_TEST("vmx.behaviour.msr_areas", area_checks, SPEC_MSR_AREAS,
		   "Entries and exits load and store the MSRs of their areas, in order, failed "
		   "entries as well.",
		   MEANS_AREAS),
	STAGE_TEST("vmx.behaviour.msr_areas.tsc", area_tsc_checks, SPEC_MSR_AREAS,
		   "An exit stores the time-stamp counter as it is, without the guest's offset.",
		   MEANS_AREAS),
	STAGE_TEST("vmx.behaviour.interrupts", interrupt_checks, SPEC_EVENT_ORDER,
		   "Events that go before a physical interrupt exit before it does.", MEANS_ORDER),
	EVERY("full.vmx.behaviour.shadowing", shadowing_positions, SPEC_VMCS_SHADOWING,
	      "VMREAD and VMWRITE of each encoding exit by their bit of the bitmaps.",
	      MEANS_SHADOW),
	EVERY("full.vmx.behaviour.msr_bitmap", msr_bitmap_positions, SPEC_MSR_BITMAPS,
	      "RDMSR and WRMSR of each MSR exit by their bit of the MSR bitmaps.", MEANS_MSRS),
	EVERY("full.vmx.behaviour.io_bitmap", io_bitmap_positions, SPEC_IO_BITMAPS,
	      "IN from each port exits by its bit of the I/O bitmaps.", MEANS_PORTS),
};

TEST_GROUP(behaviour, rows);
