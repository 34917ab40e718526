/* The sections of rows of guests beside those of exits: chapter 11 of the catalogue. */
#ifndef TESTS_VMX_BEHAVIOUR_SECTIONS_H
#define TESTS_VMX_BEHAVIOUR_SECTIONS_H

#include "tests/vmx/exit/rows.h"

extern const struct guest_section behaviour_cr;

/* S(test, section, citation, what it checks, what a failure means) */
/* clang-format off */
#define BEHAVIOUR_SECTIONS(S)                                                                      \
	S("vmx.behaviour.cr", behaviour_cr, SPEC_NON_ROOT,\
	  "CR0 and CR4 behind masks and shadows: each bit is read, written, kept or refused as it must be.",\
	  "A guest sees its hypervisor's CR0 and CR4, or changes them.")
/* clang-format on */

#endif
