/*
 * Instructions that may raise an exception which is not the end of the test: a table of their
 * addresses and of where to go on. The handler of exceptions looks there first. At a landing
 *
 *   RAX bits 31:0   the vector of the exception
 *   RAX bits 63:32  its error code; 0 if it has none
 *   CS, SS          the processor's own, so CPL 0 wherever the instruction was
 *   RFLAGS          as at the exception, but TF is clear
 *
 * and the other registers are as at the exception. Each entry is two distances, from itself to the
 * instruction and from its second half to the landing: nothing is to be relocated.
 */
#ifndef CORE_X86_FIXUP_H
#define CORE_X86_FIXUP_H

#ifdef __ASSEMBLER__

/* clang-format off */
#define FIXUP(site, landing) \
	.pushsection fixups, "a", @progbits; .long site - ., landing - .; .popsection
/* clang-format on */

#else

#include "lib/base.h"

/* In inline assembly: FIXUP("1b", "2f"), or "%l[label]" in an asm goto. RAX is clobbered. */
#define FIXUP(site, landing)                                                                       \
	".pushsection fixups, \"a\", @progbits\n\t"                                                \
	".long " site " - ., " landing " - .\n\t"                                                  \
	".popsection\n\t"

/* Where to go on after an exception at rip; 0: nowhere. */
uint64_t fixup_landing(uint64_t rip);

#endif
#endif
