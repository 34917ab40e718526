/* Page-modification logging. */
#include "tests/vmx/ept/row_macros.h"
#include "tests/vmx/ept/sections.h"

#define AD (EPT_A | EPT_D)
#define STALE 0xA5A5A5A5A5A5A5A5

/* clang-format off */
#define LOGGING FLAGS_ON, SECONDARY_ON_PML
#define SECONDARY_ON_PML OR(SECONDARY_CONTROLS, CONTROL_MASK(SECONDARY_PML))
#define INDEX(n) SET(GUEST_PML_INDEX, n)
#define LOG(n) AT_PML + (n)
#define PML_2_MIB IF(has_flags_2_mib, "accessed and dirty flags for EPT, pages of 2 MiB")
#define PML_1_GIB IF(has_flags_1_gib, "accessed and dirty flags for EPT, pages of 1 GiB")

/* A write that makes data dirty. */
#define LOGS(which, size, index, next, offset_, need) \
	LOGGED("pml.log", which, size, index, next, offset_, EPT_ANY(LOG(index), 0xFFF), need)
#define LOGGED(rule, which, size, index, next, offset_, judged, ...) \
	{ rule, 1 << MODE_64, FRAGMENT_STORE, ENDS(PASSES), .offset = offset_, \
	  IN_FAR(size), BEFORE(LOGGING, INDEX(index), EPT_CLR(EPT(which), EPT_D), BYTE_AT(offset_, 0), WORD(LOG(index), STALE)), \
	  AFTER(INDEX(next), BYTE_AT(offset_, 0x10), EPT_OR(EPT(which), EPT_D), WORD_FAR(LOG(index), size, 0), judged), __VA_ARGS__ }
/* What is no write, or one that does not happen, or one to a page that is dirty. */
#define IDLE(rule, fragment, index, cleared, ...) \
	{ rule, 1 << MODE_64, fragment, ENDS(PASSES), IN_FAR(FAR_4_KIB), BEFORE(LOGGING, INDEX(index), EPT_CLR(EPT(FAR_1), cleared), BYTE_AT(0, 0x10), WORD(LOG((index) & 511), STALE)), \
	  AFTER(WORD(LOG((index) & 511), STALE), __VA_ARGS__), NEEDS_FLAGS }
/* A full log: nothing of the access happens. */
#define FULL(rule, fragment, size, which, cleared, need, ...) \
	{ rule, 1 << MODE_64, fragment, .end = GUEST_EXITS_AT, .number = REASON_PML_FULL, VALUES_OF(GUEST_PML_INDEX, 0xFFFF, 512, 0x8000, 0x3FF), \
	  IN_FAR(size), BEFORE(LOGGING, EPT_CLR(EPT(which), cleared), BYTE_AT(0, 0x20), WORD(LOG(0), STALE), WORD(LOG(511), STALE)), \
	  AFTER(BYTE_AT(0, 0x20), WORD(LOG(0), STALE), WORD(LOG(511), STALE), Q_ANY(1 << 12), EPT_OR(EPT(which), 0), __VA_ARGS__), need }

static const struct guest_row rows[] = {
	LOGS(FAR_1, FAR_4_KIB, 511, 510, 0, NEEDS_FLAGS),
	LOGS(FAR_1, FAR_4_KIB, 256, 255, 0x123, NEEDS_FLAGS),
	LOGS(FAR_1, FAR_4_KIB, 1, 0, 0xFFF, NEEDS_FLAGS),
	LOGS(FAR_1, FAR_4_KIB, 0, 0xFFFF, 0x800, NEEDS_FLAGS),
	LOGS(FAR_2_MIB, FAR_2_MIB, 511, 510, 0x345, PML_2_MIB),
	LOGS(FAR_2_MIB, FAR_2_MIB, 0, 0xFFFF, 0, PML_2_MIB),
	LOGS(FAR_1_GIB, FAR_1_GIB, 511, 510, 0xFFF, PML_1_GIB),
	LOGS(FAR_1_GIB, FAR_1_GIB, 37, 36, 0, PML_1_GIB),
	{ "pml.log", MODES_ALL, FRAGMENT_STORE, ENDS(PASSES), BEFORE(LOGGING, INDEX(300), EPT_CLR(EPT_OF(GUEST_DATA), AD), BYTE_AT(0, 0), WORD(LOG(300), STALE)),
	  AFTER(INDEX(299), BYTE_AT(0, 0x10), EPT_OR(EPT_OF(GUEST_DATA), AD), WORD(LOG(300), DATA)), NEEDS_FLAGS },
	/* Two pages by one instruction: the order is the processor's. */
	{ "pml.log", 1 << MODE_64, FRAGMENT_REP_MOVS, ENDS(PASSES), BEFORE(LOGGING, INDEX(1), EPT_CLR(EPT_OF(GUEST_STACK_USER), EPT_D), EPT_CLR(EPT_OF(GUEST_DATA), EPT_D),
	  REG(RCX, 8), REG(RSI, GUEST_AT(GUEST_STACK, 0)), REG(RDI, GUEST_AT(GUEST_STACK_USER, PAGE_SIZE - 4)), MEMORY(8, GUEST_AT(GUEST_STACK_USER, PAGE_SIZE - 4), 1)),
	  AFTER(INDEX(0xFFFF), MEMORY(8, GUEST_AT(GUEST_STACK_USER, PAGE_SIZE - 4), 0), EPT_OR(EPT_OF(GUEST_STACK_USER), EPT_D), EPT_OR(EPT_OF(GUEST_DATA), EPT_D), REG(RCX, 0), REG_ADD(RSI, 8), REG_ADD(RDI, 8)), NEEDS_FLAGS },

	LOGGED("pml.log.aligned", FAR_1, FAR_4_KIB, 510, 509, 0x123, INDEX(509), NEEDS_FLAGS),
	LOGGED("pml.log.aligned", FAR_1, FAR_4_KIB, 2, 1, 0xFFF, INDEX(1), NEEDS_FLAGS),
	LOGGED("pml.log.aligned", FAR_2_MIB, FAR_2_MIB, 511, 510, 0x800, INDEX(510), PML_2_MIB),
	LOGGED("pml.log.aligned", FAR_1_GIB, FAR_1_GIB, 511, 510, 0x345, INDEX(510), PML_1_GIB),

	IDLE("pml.none", FRAGMENT_LOAD, 511, AD, EPT_OR(EPT(FAR_1), EPT_A)),
	IDLE("pml.none", FRAGMENT_LOAD, 0, EPT_D, EPT_OR(EPT(FAR_1), 0)),
	IDLE("pml.none", FRAGMENT_STORE, 511, 0, EPT_OR(EPT(FAR_1), 0)),
	IDLE("pml.none", FRAGMENT_STORE, 0, EPT_A, EPT_OR(EPT(FAR_1), EPT_A)),
	{ "pml.none", 1 << MODE_64, FRAGMENT_STORE, VIOLATES, IN_FAR(FAR_4_KIB), BEFORE(LOGGING, INDEX(511), EPT_CLR(EPT(FAR_1), EPT_D), EPT_XOR(EPT(FAR_1), EPT_W), WORD(LOG(511), STALE)),
	  AFTER(QUALIFICATION(Q_DATA | Q_WRITE | MAY(5)), WORD(LOG(511), STALE)), NEEDS_FLAGS },
	/* The control exists, and is off. */
	{ "pml.none", 1 << MODE_64, FRAGMENT_STORE, ENDS(PASSES), IN_FAR(FAR_4_KIB), BEFORE(LOGGING, SECONDARY_OFF(PML), INDEX(511), EPT_CLR(EPT(FAR_1), EPT_D), BYTE_AT(0, 0), WORD(LOG(511), STALE)),
	  AFTER(EPT_OR(EPT(FAR_1), EPT_D), BYTE_AT(0, 0x10), WORD(LOG(511), STALE)), NEEDS_FLAGS },

	FULL("pml.full", FRAGMENT_STORE, FAR_4_KIB, FAR_1, EPT_D, NEEDS_FLAGS, QUALIFICATION(0)),
	FULL("pml.full", FRAGMENT_STORE, FAR_4_KIB, FAR_1, AD, NEEDS_FLAGS, QUALIFICATION(0)),
	FULL("pml.full", FRAGMENT_LOAD, FAR_4_KIB, FAR_1, AD, NEEDS_FLAGS, QUALIFICATION(0)),
	FULL("pml.full", FRAGMENT_LOAD, FAR_4_KIB, FAR_2, EPT_A, NEEDS_FLAGS, QUALIFICATION(0)),
	FULL("pml.full", FRAGMENT_STORE, FAR_2_MIB, FAR_2_MIB, EPT_D, PML_2_MIB, QUALIFICATION(0)),
	FULL("pml.full", FRAGMENT_STORE, FAR_1_GIB, FAR_1_GIB, EPT_D, PML_1_GIB, QUALIFICATION(0)),

	IDLE("pml.full_idle", FRAGMENT_STORE, 0xFFFF, 0, EPT_OR(EPT(FAR_1), 0)),
	IDLE("pml.full_idle", FRAGMENT_LOAD, 512, EPT_D, EPT_OR(EPT(FAR_1), 0)),
	{ "pml.full_idle", MODES_ALL, FRAGMENT_NOP, ENDS(PASSES), BEFORE(LOGGING, INDEX(512)), NEEDS_FLAGS },
	{ "pml.full_idle", 1 << MODE_64, FRAGMENT_NOP_STORE, .end = GUEST_EXITS, .number = REASON_PML_FULL, IN_FAR(FAR_4_KIB), BEFORE(LOGGING, INDEX(0xFFFF), EPT_CLR(EPT(FAR_1), EPT_D)),
	  AFTER(UNJUDGED(EXIT_INSTRUCTION_LENGTH, 0), Q_ANY(1 << 12)), NEEDS_FLAGS },

	/* The guest's tables, by the walk of the first fetch. */
#define WALKS(rule, modes, page, judged) \
	{ rule, modes, FRAGMENT_NOP, ENDS(PASSES), BEFORE(LOGGING, INDEX(400), EPT_CLR(EPT_OF(page), AD), WORD(LOG(400), STALE)), \
	  AFTER(INDEX(399), EPT_OR(EPT_OF(page), AD), WORD(LOG(400), GUEST_AT(page, 0)), judged), NEEDS_FLAGS }
#define MODES_32_BIT (MODES_ALL & ~MODES_LONG & ~MODES_PAE & ~MODES_UNPAGED)
	WALKS("pml.walk", MODES_LONG, GUEST_PML4, EPT_ANY(LOG(400), 0xFFF)),
	WALKS("pml.walk", MODES_LONG, GUEST_PDPT, EPT_ANY(LOG(400), 0xFFF)),
	WALKS("pml.walk", MODES_LONG | MODES_PAE, GUEST_DIRECTORY, EPT_ANY(LOG(400), 0xFFF)),
	WALKS("pml.walk", MODES_LONG | MODES_PAE, GUEST_PAGE_TABLE, EPT_ANY(LOG(400), 0xFFF)),
	WALKS("pml.walk", MODES_32_BIT, GUEST_PAGE_TABLE_32, EPT_ANY(LOG(400), 0xFFF)),
	/* Entries that are not the first of their page. */
	WALKS("pml.log.aligned", MODES_LONG | MODES_PAE, GUEST_PAGE_TABLE, INDEX(399)),
	WALKS("pml.log.aligned", MODES_32_BIT, GUEST_PAGE_TABLE_32, INDEX(399)),
};
/* clang-format on */

const struct guest_section ept_log = { rows, ARRAY_SIZE(rows) };
