/* Instructions that are carried out to be looked at, with known registers before them. */
#ifndef TESTS_ENTRY_ATTEMPT_H
#define TESTS_ENTRY_ATTEMPT_H

#include "lib/base.h"

/* Registers before the instruction, and after it. */
struct attempt {
	uint64_t rax, rcx, rdx;
	uint64_t flags;	    /* those that are set in RFLAGS, beside IF */
	uint64_t completed; /* afterwards: it has raised nothing. If it has, RAX is as at a landing
			     */
	bool locked;	    /* with a LOCK prefix */
	uint64_t cr3;	    /* 0: as it is */
};

/* attempt_run.S has these offsets. */
_Static_assert(offsetof(struct attempt, flags) == 0x18, "order");
_Static_assert(offsetof(struct attempt, completed) == 0x20, "order");

/*
 * Code of a stub: the instruction, then ESI = 1; a return at once after an exception. An exception
 * may also come after the instruction, before the next one; or too late, when ESI says that there
 * was none.
 */
#define ATTEMPT_STUB(name, before, code)                                                           \
	"attempt_" #name ":\n\t" before "\n"                                                       \
	"1:\t" code "\n"                                                                           \
	"2:\tmov $1, %esi\n"                                                                       \
	"3:\tret\n"                                                                                \
	"4:\tret\n\t" FIXUP("1b", "4b") FIXUP("2b", "4b") FIXUP("3b", "4b")

/* attempt_run.S: at CPL 0, and at CPL 3 with these selectors. */
void attempt_run(struct attempt *attempt, const char *stub);
void attempt_run_user(struct attempt *attempt, const char *stub, uint64_t cs, uint64_t ss);

#endif
