/* This folder's fragments.def, as tests/probe/fragments.S has the neutral one. */
#include "tests/probe/fragment.h"

#define FRAGMENT_CODE vmx_fragments_code

	.text
	.globl vmx_fragments_code, vmx_fragments_code_end, vmx_fragments_16, vmx_fragments_32, vmx_fragments_64
	.hidden vmx_fragments_code, vmx_fragments_code_end, vmx_fragments_16, vmx_fragments_32, vmx_fragments_64
vmx_fragments_code:
	nop				/* no fragment is at offset 0 */

	.pushsection .rodata
	.balign 2
vmx_fragments_16:
	.popsection
	.code16
#define W(x) %e##x
#define N(x) %x
#define FRAGMENT_64(...) NO_FRAGMENT
#define FRAGMENT_32 FRAGMENT
#include "tests/vmx/exit/fragments.def"
#undef W
#undef N

	.pushsection .rodata
vmx_fragments_32:
	.popsection
	.code32
#define W(x) %e##x
#define N(x) %e##x
#include "tests/vmx/exit/fragments.def"
#undef W
#undef N
#undef FRAGMENT_64
#undef FRAGMENT_32

	.pushsection .rodata
vmx_fragments_64:
	.popsection
	.code64
#define W(x) %r##x
#define N(x) %r##x
#define FRAGMENT_64 FRAGMENT
#define FRAGMENT_32(...) NO_FRAGMENT
#include "tests/vmx/exit/fragments.def"
vmx_fragments_code_end:

	.section .note.GNU-stack, "", @progbits
