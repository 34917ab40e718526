/*
 * What scripts have in common wherever they are played: the comparison of what was seen with what
 * the steps say, and its words.
 */
#ifndef TESTS_LIB_SCRIPT_CHECK_H
#define TESTS_LIB_SCRIPT_CHECK_H

#include "suite/test.h"

#include "tests/lib/script.h"

struct script_checks {
	struct test_run *run;
	const struct script_step *steps;
	unsigned count;
	const char *mode, *actor;	    /* such as "x2APIC", "vCPU" */
	unsigned first, of;		    /* slot n is actor (first + n) modulo of */
	const volatile struct script *seen; /* by the actors */
	/* Steps that cannot be carried out here, NULL: none. */
	bool (*left_out)(const struct script_checks *checks, unsigned at);
};

/* Steps up to END. */
unsigned script_count(const struct script_step *steps);

const struct step *script_step(const struct script_checks *checks, unsigned at);
bool script_is_head(const struct step *step);

/* Whose section a step is in; NULL: none's. */
const struct step *script_head(const struct script_checks *checks, unsigned at);

/* "x2APIC, vCPU 1, READ_BIT(IRR, 0x51, 0)", and which: of several checks in one step. */
void script_print(const struct script_checks *checks, unsigned at, const char *which,
		  char text[TEST_TEXT]);

/* A check by the host or an actor. */
void script_check(const struct script_checks *checks, unsigned at, const char *which,
		  uint64_t wanted, uint64_t got);

/* What the step wants; the whole ICR takes more than its value. */
uint64_t script_wanted(const struct step *step);

/* Every check of the actors': carried out, and with the right value. */
void script_check_seen(const struct script_checks *checks);

/* The step TRACE. */
void script_check_trace(const struct script_checks *checks, unsigned at);

#endif
