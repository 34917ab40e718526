/* The sections of rows of guests, each a test. */
#ifndef TESTS_VMX_EXIT_SECTIONS_H
#define TESTS_VMX_EXIT_SECTIONS_H

#include "tests/vmx/exit/rows.h"

extern const struct guest_section exit_instructions, exit_priorities, exit_registers, exit_io,
	exit_operands, exit_details, exit_flags, exit_exceptions, exit_injection, exit_nmi,
	exit_loading, exit_saving, exit_displacement;

/* Of tests/vmx/apic/. */
extern const struct guest_section apic_tpr, apic_accesses, apic_exits, apic_fetches, apic_x2apic,
	apic_delivery, apic_posted;

/* Guests to which another processor posts an interrupt. */
enum { POSTED_SPINS, POSTED_HALTED, POSTED_GUESTS };
extern const struct guest_row posted_guests[POSTED_GUESTS];

/* Ends the blocking of virtual NMIs by an IRET; 64-bit mode. */
extern const struct guest_row unblock_nmis;

/* Guests after which the host looks at its own state. */
enum { HOST_GUEST_PLAIN, HOST_GUEST_FAULTS, HOST_GUEST_LOADS, HOST_GUEST_REFUSED, HOST_GUESTS };
extern const struct guest_row host_guests[HOST_GUESTS];

/* S(test, section, citation) */
/* clang-format off */
#define GUEST_SECTIONS(S)                                                                          \
	S("vmx.exit.instructions", exit_instructions, SPEC_EXIT_INSTRUCTIONS,\
	  "Each instruction that causes a VM exit, with its reason, qualification and length, in every mode of a guest.")\
	S("vmx.exit.priorities", exit_priorities, SPEC_EXIT_PRIORITIES,\
	  "Where an instruction has both a fault and a VM exit, the one with the higher priority comes.")\
	S("vmx.exit.registers", exit_registers, SPEC_EXIT_CR_ACCESS,\
	  "MOV to and from control and debug registers, LMSW and CLTS: what the exit qualification says.")\
	S("vmx.exit.io", exit_io, SPEC_EXIT_IO,\
	  "IN, OUT, INS and OUTS: port, size, direction, string, REP and address in the exit information.")\
	S("vmx.exit.operands", exit_operands, SPEC_EXIT_INSTRUCTION_INFO,\
	  "The instruction-information field over all registers, scales, segments and sizes.")\
	S("vmx.exit.details", exit_details, SPEC_EXIT_INSTRUCTIONS,\
	  "Single details of exit information that some machines get wrong.")\
	S("vmx.exit.flags", exit_flags, SPEC_SAVING,\
	  "RFLAGS and pending debug exceptions that an exit saves.")\
	S("vmx.exit.exceptions", exit_exceptions, SPEC_EXIT_VECTORED,\
	  "Exits by exceptions: vector, error code, linear address, and the event whose delivery was cut short.")\
	S("vmx.inject.events", exit_injection, SPEC_INJECTION,\
	  "Every type and class of event is injected in every mode: the handler's stack and registers.")\
	S("vmx.inject.nmi", exit_nmi, SPEC_INJECTION,\
	  "Injected NMIs, virtual NMIs and their blocking.")\
	S("vmx.load.guest", exit_loading, SPEC_LOADING,\
	  "Each field of the guest-state area is in force after VM entry.")\
	S("vmx.save.guest", exit_saving, SPEC_SAVING,\
	  "Each field of the guest-state area is saved as the guest left it.")\
	S("vmx.apic.tpr", apic_tpr, SPEC_VAPIC_TPR,\
	  "CR8 and the task priority of a virtual-APIC page, and the exit below its threshold.")\
	S("vmx.apic.accesses", apic_accesses, SPEC_VAPIC_ACCESSES,\
	  "Which accesses to the APIC-access page go to the virtual-APIC page: all offsets, sizes and controls.")\
	S("vmx.apic.exits", apic_exits, SPEC_VAPIC_ACCESSES,\
	  "What an exit by an APIC access tells, what comes before it, and what follows a virtualized write.")\
	S("vmx.apic.x2apic", apic_x2apic, SPEC_VAPIC_MSRS,\
	  "RDMSR and WRMSR of the x2APIC's registers under virtualization.")\
	S("vmx.apic.delivery", apic_delivery, SPEC_VAPIC_INTERRUPTS,\
	  "Virtual interrupts: evaluated, held, delivered and ended as the virtual-APIC page says.")\
	S("vmx.apic.posted", apic_posted, SPEC_VAPIC_POSTED,\
	  "The notification of a posted interrupt is processed without an exit, any other interrupt is not.")
/* clang-format on */

#endif
