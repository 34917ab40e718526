/*
 * Guests of a few instructions, assembled for each size of code: fragments.def lists them, and a
 * folder of a vendor may have a list of its own. In assembly this is what such a list becomes.
 */
#ifndef TESTS_PROBE_FRAGMENT_H
#define TESTS_PROBE_FRAGMENT_H

#ifdef __ASSEMBLER__

/* clang-format off */
#define UNWRAP(...) __VA_ARGS__

/* The code, then a CPUID, and where that is in FRAGMENT_CODE: start, instruction, CPUID. */
#define FRAGMENT(name, before, ...)                                                                \
	7: UNWRAP before;                                                                          \
	8: __VA_ARGS__;                                                                            \
	9: cpuid;                                                                                  \
	.pushsection .rodata;                                                                      \
	.short 7b - FRAGMENT_CODE, 8b - FRAGMENT_CODE, 9b - FRAGMENT_CODE;                         \
	.popsection
#define NO_FRAGMENT .pushsection .rodata; .short 0, 0, 0; .popsection
/* clang-format on */

#else

#include "tests/probe/mode.h"

/* Offsets in the code. */
struct fragment {
	uint16_t start;	      /* where the guest begins */
	uint16_t instruction; /* the one that matters, the last one */
	uint16_t next;	      /* behind it: a CPUID. 0: not in code of that size */
};

struct fragments {
	struct guest_code code;
	enum guest_page page;		       /* where it is in the guest */
	const struct fragment *in[CODE_SIZES]; /* by number */
};

/* The numbers of fragments.def. */
enum neutral_fragment {
#define FRAGMENT(name, ...) FRAGMENT_##name,
#define FRAGMENT_64 FRAGMENT
#define FRAGMENT_32 FRAGMENT
#include "tests/probe/fragments.def"
#undef FRAGMENT
#undef FRAGMENT_64
#undef FRAGMENT_32
	NEUTRAL_FRAGMENTS
};

extern const struct fragments neutral_fragments;

#endif
#endif
