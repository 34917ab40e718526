/* The sections of rows of guests, each a test. */
#ifndef TESTS_VMX_EXIT_SECTIONS_H
#define TESTS_VMX_EXIT_SECTIONS_H

#include "tests/vmx/exit/rows.h"

extern const struct guest_section exit_instructions, exit_priorities, exit_registers, exit_io,
	exit_operands, exit_details, exit_flags, exit_exceptions, exit_injection, exit_nmi,
	exit_loading, exit_saving, exit_displacement;

/* Ends the blocking of virtual NMIs by an IRET; 64-bit mode. */
extern const struct guest_row unblock_nmis;

/* Guests after which the host looks at its own state. */
enum { HOST_GUEST_PLAIN, HOST_GUEST_FAULTS, HOST_GUEST_LOADS, HOST_GUEST_REFUSED, HOST_GUESTS };
extern const struct guest_row host_guests[HOST_GUESTS];

/* S(test, section, citation) */
/* clang-format off */
#define GUEST_SECTIONS(S)                                                                          \
	S("vmx.exit.instructions", exit_instructions, SPEC_EXIT_INSTRUCTIONS)               \
	S("vmx.exit.priorities", exit_priorities, SPEC_EXIT_PRIORITIES)                            \
	S("vmx.exit.registers", exit_registers, SPEC_EXIT_CR_ACCESS)                               \
	S("vmx.exit.io", exit_io, SPEC_EXIT_IO)                                                    \
	S("vmx.exit.operands", exit_operands, SPEC_EXIT_INSTRUCTION_INFO)                          \
	S("vmx.exit.details", exit_details, SPEC_EXIT_INSTRUCTIONS)                                \
	S("vmx.exit.flags", exit_flags, SPEC_SAVING)                                               \
	S("vmx.exit.exceptions", exit_exceptions, SPEC_EXIT_VECTORED)                                  \
	S("vmx.inject.events", exit_injection, SPEC_INJECTION)                                     \
	S("vmx.inject.nmi", exit_nmi, SPEC_INJECTION)                                         \
	S("vmx.load.guest", exit_loading, SPEC_LOADING)                                            \
	S("vmx.save.guest", exit_saving, SPEC_SAVING)
/* clang-format on */

#endif
