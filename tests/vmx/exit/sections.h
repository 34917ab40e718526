/* The sections of rows of guests, each a test. */
#ifndef TESTS_VMX_EXIT_SECTIONS_H
#define TESTS_VMX_EXIT_SECTIONS_H

#include "tests/vmx/exit/rows.h"

extern const struct guest_section exit_instructions;

/* S(test, section, citation) */
/* clang-format off */
#define GUEST_SECTIONS(S)                                                                          \
	S("vmx.exit.instructions", exit_instructions, SPEC_EXIT_INSTRUCTIONS)
/* clang-format on */

#endif
