/*
 * NMIs, injected and blocked. A section of their own, for an emulator may take the blocking along
 * into the next guest.
 */
#include "tests/vmx/exit/row_macros.h"
#include "tests/vmx/exit/sections.h"

enum { NMI = 2, NMI_BLOCKED = 8 };

/* clang-format off */
#define VIRTUAL PIN_ON(NMI), PIN_ON(VIRTUAL_NMIS)
#define INJECT_NMI SET(ENTRY_INTERRUPTION_INFO, INFO_VALID | INFO_NMI | NMI)
#define BLOCKED SET(GUEST_INTERRUPTIBILITY, NMI_BLOCKED)
#define AT_TOP(n) GUEST_AT(GUEST_STACK, STACK_TOP + (n))
/* What IRET pops. */
#define FRAME_64 MEMORY(8, AT_TOP(0x08), SELECTOR_CODE_64), MEMORY(8, AT_TOP(0x10), 2), \
	MEMORY(8, AT_TOP(0x18), AT_TOP(0)), MEMORY(8, AT_TOP(0x20), SELECTOR_DATA), MEMORY(8, AT_TOP(0), GUEST_AT(GUEST_HANDLERS, 0))

static const struct guest_row rows[] = {
	{ "inject.nmi", MODES_ALL, FRAGMENT_NOP, DELIVERED(NMI, START), BEFORE(INJECT_NMI, VIRTUAL), AFTER(OR(GUEST_INTERRUPTIBILITY, NMI_BLOCKED)) },
	{ "inject.nmi", MODES_ALL, FRAGMENT_NOP, DELIVERED(NMI, START), BEFORE(INJECT_NMI, VIRTUAL, PRIMARY_ON(NMI_WINDOW)), AFTER(OR(GUEST_INTERRUPTIBILITY, NMI_BLOCKED)) },
	{ "load.nmi", MODES_ALL, FRAGMENT_CPUID, EXIT_BY(CPUID), BEFORE(VIRTUAL, BLOCKED) },
	{ "load.nmi", MODES_ALL, FRAGMENT_NOP, ENDS(PASSES), BEFORE(VIRTUAL, BLOCKED, PRIMARY_ON(NMI_WINDOW)) },
	/* IRET unblocks: the handler's NOP and CPUID are where it goes. */
	{ "nmi.virtual", 1 << MODE_64, FRAGMENT_IRETQ, ENDS(EXITS), .number = REASON_CPUID, BEFORE(VIRTUAL, BLOCKED, FRAME_64),
	  AFTER(SET(GUEST_RIP, GUEST_AT(GUEST_HANDLERS, 1)), SET(GUEST_INTERRUPTIBILITY, 0)) },
	{ "nmi.virtual", 1 << MODE_64, FRAGMENT_IRETQ, ENDS(EXITS), .number = REASON_NMI_WINDOW, BEFORE(VIRTUAL, BLOCKED, PRIMARY_ON(NMI_WINDOW), FRAME_64),
	  AFTER(SET(GUEST_RIP, GUEST_AT(GUEST_HANDLERS, 0)), SET(GUEST_INTERRUPTIBILITY, 0), UNJUDGED(EXIT_INSTRUCTION_LENGTH, 0)) },
};

/* For those that leave NMIs blocked. */
const struct guest_row unblock_nmis = { "nmi.virtual", 1 << MODE_64, FRAGMENT_IRETQ, ENDS(EXITS), .number = REASON_CPUID, BEFORE(VIRTUAL, BLOCKED, FRAME_64) };
/* clang-format on */

const struct guest_section exit_nmi = { rows, ARRAY_SIZE(rows) };
