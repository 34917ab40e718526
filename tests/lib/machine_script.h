/*
 * Scripts on the machine itself: the actors are processors that we took, without a guest, and the
 * APIC is their own, in the mode in which the firmware left it. guest/steps.h and lib/script.h say
 * what the steps are; here
 *
 * - each script is played until every processor in use was an actor, by turns, or half of the
 *   test's time is over. Those that are not take what is sent to all, and throw it away. A slot for
 * which there is no processor is left out, with what is sent to its id;
 * - a physical destination is a slot, and so is a logical one in x2APIC mode, but for all ones;
 * - every wait has an end, and what is read may take a moment to become what is wanted;
 * - AFTER knows TRACE and ONE_TOOK only: the counters are those of our own APIC; no HOST;
 * - STI_HLT waits without HLT: nobody could end it;
 * - times are in counts of the APIC's timer, whose rate is measured, but after DEADLINE.
 *
 * The spurious vector is none that scripts use. Interrupts that no script asks for, from devices,
 * come back to the firmware, and a play that they have disturbed is played again, and not judged.
 */
#ifndef TESTS_LIB_MACHINE_SCRIPT_H
#define TESTS_LIB_MACHINE_SCRIPT_H

#include "tests/lib/script.h"

/* What a row plays, .data: an array that a NULL ends. Those for the machine's mode, in turn. */
struct machine_script {
	unsigned modes; /* MODE_XAPIC, MODE_X2APIC, both */
	const struct script_step *steps;
};

/* A row's .argument. */
enum {
	ALL_PROCESSORS =
		1, /* what it sends may reach all, so none may be the firmware's meanwhile */
	NEEDS_DEADLINE = 2, /* the TSC-deadline timer */
	LOOKS_AT_ICR = 4, /* else the steps ICR are left out: what is sent does not hang on them */
};

void machine_script_run(struct test_run *run);

#define MEANS_MACHINE                                                                              \
	"The machine's own local APIC differs from the manual: an operating system that runs on "  \
	"it may lose interrupts, take wrong ones, or hang."

/* clang-format off */
#define MACHINE_ROW(name_, spec_, cpus_, argument_, explains_, ...) \
	{ .name = name_, .spec = spec_, .run = machine_script_run, .cpus = cpus_, \
	  .argument = argument_, explains_, \
	  .data = (const struct machine_script[]){ __VA_ARGS__, { 0, NULL } } }
/* clang-format on */

#endif
