/*
 * What a test of the processor itself has checked, on each processor: how many checks of which
 * rules, the first ones that were wrong, in words, and what is told and not judged.
 */
#ifndef TESTS_ENTRY_LEDGER_H
#define TESTS_ENTRY_LEDGER_H

#include "suite/test.h"

#include <stdarg.h>

enum {
	LEDGER_KEPT = 6,
	LEDGER_TEXT = 112,
	LEDGER_VALUE = 64,
	LEDGER_NOTES = 600,
	LEDGER_RULES = 24,
};

struct ledger {
	const struct cpu *cpu;
	struct {
		const char *id;
		unsigned made, wrong; /* checks */
	} rules[LEDGER_RULES];
	unsigned rule_count;
	struct {
		char what[LEDGER_TEXT], wanted[LEDGER_VALUE], got[LEDGER_VALUE];
	} kept[LEDGER_KEPT]; /* the first wrong ones */
	unsigned made, wrong;
	const char *skipped; /* why; NULL: it is not */
	char notes[LEDGER_NOTES];
	size_t notes_used;
	enum status status; /* of what the test itself did */
};

/*
 * One check of a rule: its id in the catalogue, static text. The format says more of it. False: it
 * is wrong. Numbers are of any kind that the text says, and printed in hexadecimal.
 */
bool ledger_check_v(struct ledger *ledger, const char *rule, bool right, const char *wanted,
		    const char *got, const char *format, va_list arguments);
bool ledger_check(struct ledger *ledger, const char *rule, bool right, const char *wanted,
		  const char *got, const char *format, ...) PRINTF_LIKE(6, 7);
bool ledger_number_v(struct ledger *ledger, const char *rule, uint64_t wanted, uint64_t got,
		     const char *format, va_list arguments);
bool ledger_number(struct ledger *ledger, const char *rule, uint64_t wanted, uint64_t got,
		   const char *format, ...) PRINTF_LIKE(5, 6);

/* What is told and not judged. */
void ledger_note_v(struct ledger *ledger, const char *format, va_list arguments);
void ledger_note(struct ledger *ledger, const char *format, ...) PRINTF_LIKE(2, 3);

/* The first error of what the test itself did. */
void ledger_status(struct ledger *ledger, enum status status);

/*
 * A test's .run: play on all processors at the same time, or on the boot processor alone, each with
 * so many zeroed pages of its own, which begin with its ledger.
 */
void ledgers_run(struct test_run *run, bool alone, unsigned pages,
		 void (*play)(struct cpu *cpu, void *memory));

#endif
