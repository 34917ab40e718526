/* One play of a script by processors of the machine: what machine_script.c sets up and judges. */
#ifndef TESTS_LIB_MACHINE_PLAY_H
#define TESTS_LIB_MACHINE_PLAY_H

#include "vm/cpu.h"

#include "tests/lib/script_check.h"

#include <stdatomic.h>

enum {
	MACHINE_SLOTS = 4,
	MACHINE_FOREIGN = 16, /* interrupts of devices in a play; more have disturbed it */
	NOT_IN_STEP = SCRIPT_STEPS,
	MACHINE_UNUSED = 0xE0, /* vector of entries that are masked: it must not come */
};

/* Everybody sees it; the boot processor writes it before the others begin. */
struct machine_play {
	struct script_checks checks;
	unsigned slots, present, processors;
	struct cpu *cpus[MACHINE_SLOTS]; /* by slot, as many as are present */
	bool x2apic;
	bool nmis, timed, looks_at_icr; /* it sends NMIs, looks at times, at the ICR */
	uint32_t dfr;
	uint32_t vectors[8]; /* a bit for each that may come */
	uint64_t deadline;   /* clock tick */
	uint64_t grace;	     /* ticks more for those who wait for all */

	struct script script;	     /* from here on the actors write; its steps are not used */
	_Atomic unsigned arrived[2]; /* at the beginning and at the end */
	_Atomic bool begun, broken, mixed, unsent, disturbed;
	_Atomic bool wrong;	    /* something is: what is read is not waited for any more */
	_Atomic unsigned broken_at; /* step, or NOT_IN_STEP */
	_Atomic unsigned foreigners;
	struct {
		uint32_t cpu;
		uint8_t vector;
	} foreign[MACHINE_FOREIGN];
};

extern struct machine_play machine_play;

/* machine_icr.c: whether the processor that a SEND is for is there. */
bool machine_play_reaches(const struct step *step);

/* NMIs, INITs and SIPIs only to one that takes part: others may be anybody's. */
void machine_play_send(const struct step *step);

/* The ICR as the step has it, with slots, if it is what was sent; else as it is. */
uint64_t machine_play_icr(const struct step *step);

/* For work_on_all: a processor's part, an actor's or a bystander's. Its APIC is as found after it.
 */
void machine_play_work(struct cpu *cpu, void *unused);

#endif
