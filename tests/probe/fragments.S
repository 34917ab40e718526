/*
 * fragments.def in code of 16, 32 and 64 bits, one after the other: W(ax) is the register in 32 bits,
 * or 64, N(ax) in the size of addresses.
 */
#include "tests/probe/fragment.h"

#define FRAGMENT_CODE fragments_code

	.text
	.globl fragments_code, fragments_code_end, fragments_16, fragments_32, fragments_64
	.hidden fragments_code, fragments_code_end, fragments_16, fragments_32, fragments_64
fragments_code:
	nop				/* no fragment is at offset 0 */

	.pushsection .rodata
	.balign 2
fragments_16:
	.popsection
	.code16
#define W(x) %e##x
#define N(x) %x
#define FRAGMENT_64(...) NO_FRAGMENT
#define FRAGMENT_32 FRAGMENT
#include "tests/probe/fragments.def"
#undef W
#undef N

	.pushsection .rodata
fragments_32:
	.popsection
	.code32
#define W(x) %e##x
#define N(x) %e##x
#include "tests/probe/fragments.def"
#undef W
#undef N
#undef FRAGMENT_64
#undef FRAGMENT_32

	.pushsection .rodata
fragments_64:
	.popsection
	.code64
#define W(x) %r##x
#define N(x) %r##x
#define FRAGMENT_64 FRAGMENT
#define FRAGMENT_32(...) NO_FRAGMENT
#include "tests/probe/fragments.def"
fragments_code_end:

	.section .note.GNU-stack, "", @progbits
