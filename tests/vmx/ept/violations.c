/* EPT violations: each kind of access to an entry of each level, with each set of permissions. */
#include "tests/vmx/ept/row_macros.h"
#include "tests/vmx/ept/sections.h"

/* clang-format off */
/* Entries allow more or less: 7 is what they have. */
#define NO_READ 7 ^ 0
#define NO_WRITE 7 ^ 0, 7 ^ 1, 7 ^ 5
#define NO_FETCH 7 ^ 0, 7 ^ 1, 7 ^ 3
#define WITH_READ 7 ^ 1, 7 ^ 3, 7 ^ 5, 0
#define WITH_WRITE 7 ^ 3, 0
#define WITH_FETCH 7 ^ 5, 0
#define Q_OF(access, permissions) Q_DATA | (access) | MAY(permissions)

#define MATRIX(which, size, need, ...) \
	{ "ept.vio.access", 1 << MODE_64, FRAGMENT_LOAD, VIOLATES, IN_FAR(size), ENTRIES_OF(EPT(which), NO_READ), \
	  RESULTS_OF(EXIT_QUALIFICATION, Q_OF(Q_READ, 0)), need }, \
	{ "ept.vio.access", 1 << MODE_64, FRAGMENT_STORE, VIOLATES, IN_FAR(size), ENTRIES_OF(EPT(which), NO_WRITE), \
	  RESULTS_OF(EXIT_QUALIFICATION, Q_OF(Q_WRITE, 0), Q_OF(Q_WRITE, 1), Q_OF(Q_WRITE, 5)), need }, \
	{ "ept.vio.access", 1 << MODE_64, FRAGMENT_JUMP, VIOLATES, IN_FAR(size), ENTRIES_OF(EPT(which), NO_FETCH), \
	  RESULTS_OF(EXIT_QUALIFICATION, Q_OF(Q_FETCH, 0), Q_OF(Q_FETCH, 1), Q_OF(Q_FETCH, 3)), AFTER(SET(GUEST_RIP, DATA)), need }, \
	/* One instruction may tell of its write alone. */ \
	{ "ept.vio.access", 1 << MODE_64, FRAGMENT_INCREMENT, VIOLATES, IN_FAR(size), ENTRIES_OF(EPT(which), 7 ^ 1, 7 ^ 5), \
	  RESULTS_OF(EXIT_QUALIFICATION, Q_OF(Q_WRITE, 1), Q_OF(Q_WRITE, 5)), AFTER(Q_ANY(Q_READ)), need }, \
	{ "ept.vio.access", 1 << MODE_64, FRAGMENT_LOAD, ENDS(PASSES), IN_FAR(size), BEFORE(BYTE_AT(0, 0x10)), ENTRIES_OF(EPT(which), WITH_READ), need }, \
	{ "ept.vio.access", 1 << MODE_64, FRAGMENT_STORE, ENDS(PASSES), IN_FAR(size), BEFORE(BYTE_AT(0, 0)), ENTRIES_OF(EPT(which), WITH_WRITE), AFTER(BYTE_AT(0, 0x10)), need }, \
	{ "ept.vio.access", 1 << MODE_64, FRAGMENT_JUMP, EXIT_BY(CPUID), IN_FAR(size), BEFORE(MEMORY(2, DATA, CPUID_BYTES)), ENTRIES_OF(EPT(which), WITH_FETCH), \
	  AFTER(SET(GUEST_RIP, DATA)), need }

/* Q 5:3 is what all levels allow. */
#define BOTH(upper, upper_allows, lower, lower_allows, fragment, access, need) \
	{ "ept.vio.permission", 1 << MODE_64, fragment, VIOLATES, IN_FAR(FAR_4_KIB), BEFORE(EPT_XOR(EPT(upper), 7 ^ (upper_allows)), EPT_XOR(EPT(lower), 7 ^ (lower_allows))), \
	  AFTER(QUALIFICATION(Q_OF(access, (upper_allows) & (lower_allows)))), need }

/* Offsets in a page, of each size. */
#define OFFSET(size, offset_, need) \
	{ "ept.vio.address", 1 << MODE_64, FRAGMENT_LOAD, VIOLATES, IN_FAR(size), .offset = offset_, BEFORE(EPT_XOR(EPT(FAR_3), 7), EPT_XOR(EPT(FAR_1_GIB), 7)), \
	  AFTER(QUALIFICATION(Q_OF(Q_READ, 0))), need }, \
	{ "ept.vio.address", 1 << MODE_64, FRAGMENT_STORE, VIOLATES, IN_FAR(size), .offset = offset_, BEFORE(EPT_XOR(EPT(FAR_3), 7), EPT_XOR(EPT(FAR_1_GIB), 7)), \
	  AFTER(QUALIFICATION(Q_OF(Q_WRITE, 0))), need }
#define OFFSETS(offset) OFFSET(FAR_4_KIB, offset, NEEDS_TABLES), OFFSET(FAR_2_MIB, offset, NEEDS_2_MIB), OFFSET(FAR_1_GIB, offset, NEEDS_1_GIB)

/* The page of data itself, whose two addresses are the same. */
#define ABSENT_DATA EPT_XOR(EPT_OF(GUEST_DATA), 7)
#define NEAR(rule, modes, fragment, access, offset_) \
	{ rule, modes, fragment, VIOLATES, .offset = offset_, BEFORE(ABSENT_DATA), \
	  AFTER(SAYS(DATA + (offset_)), QUALIFICATION(Q_OF(access, 0))), NEEDS_TABLES }

/* From the last bytes of the page before into data. */
#define BEFORE_DATA GUEST_AT(GUEST_STACK_USER, PAGE_SIZE - 2)
#define CROSSING(fragment, access) \
	{ "ept.vio.linear", 1 << MODE_64, fragment, VIOLATES, IN_FAR(FAR_4_KIB), BEFORE(SET_RBX(BEFORE_DATA), EPT_XOR(EPT(FAR_1), 7)), \
	  AFTER(QUALIFICATION(Q_OF(access, 0)), UNJUDGED(GUEST_LINEAR_ADDRESS, 0xFFF), UNJUDGED(GUEST_PHYSICAL_ADDRESS, 0xFFF)), NEEDS_TABLES }
#define SET_RBX(address) REG(RBX, address)

/* A page fault by the guest's own tables comes before what the EPT says of the page. */
#define FAULT_FIRST(modes, page, fragment, error, without) \
	{ "ept.vio.fault_first", modes, fragment, FAULT_CODE(14, error), BEFORE(REG_ADD(RBX, ((page) - GUEST_DATA) * (uint64_t)PAGE_SIZE), EPT_XOR(EPT_OF(page), without)), \
	  AFTER(QUALIFICATION(GUEST_AT(page, 0))), NEEDS_TABLES }
/* Address bits that the machine does not have are reserved ones of the guest's entry. */
#define BEYOND(number) \
	{ "ept.vio.width", 1 << MODE_64, FRAGMENT_LOAD, FAULT_CODE(14, 9), BEFORE({ AT_MEMORY, GUEST_BEYOND, 8, (uint32_t)PTE_AT(GUEST_DATA), number }, ABSENT_DATA), \
	  AFTER(QUALIFICATION(DATA)), IF(has_reserved, "address bits beyond those of the machine") }
#define PAGED (MODES_ALL & ~MODES_UNPAGED)

static const struct guest_row rows[] = {
	EACH_FAR(MATRIX, 0),
	NEAR("ept.vio.access", MODES_ALL, FRAGMENT_LOAD, Q_READ, 0),
	{ "ept.vio.access", MODES_ALL, FRAGMENT_STORE, VIOLATES, ENTRIES_OF(EPT_OF(GUEST_DATA), NO_WRITE),
	  RESULTS_OF(EXIT_QUALIFICATION, Q_OF(Q_WRITE, 0), Q_OF(Q_WRITE, 1), Q_OF(Q_WRITE, 5)), AFTER(SAYS(DATA)), NEEDS_TABLES },
	NEAR("ept.vio.access", MODES_ALL, FRAGMENT_LOAD_32, Q_READ, 0x7FC),
	NEAR("ept.no_paging", MODES_UNPAGED, FRAGMENT_LOAD, Q_READ, 0),
	NEAR("ept.no_paging", MODES_UNPAGED, FRAGMENT_STORE, Q_WRITE, 0xFFF),
	{ "ept.no_paging", MODES_UNPAGED, FRAGMENT_LOAD, ENDS(PASSES), BEFORE(BYTE_AT(0, 0x10), EPT_XOR(EPT_OF(GUEST_DATA), 6)), NEEDS_TABLES },
	{ "ept.no_paging", MODES_UNPAGED, FRAGMENT_NOP, VIOLATES, BEFORE(EPT_XOR(EPT_OF(GUEST_CODE), EPT_X)),
	  AFTER(QUALIFICATION(Q_OF(Q_FETCH, 3)), CODE_AT(GUEST_PHYSICAL_ADDRESS, 0), CODE_AT(GUEST_LINEAR_ADDRESS, 0)), NEEDS_TABLES },
	{ "ept.vio.access", MODES_ALL, FRAGMENT_NOP, VIOLATES, ENTRIES_OF(EPT_OF(GUEST_CODE), NO_FETCH), RESULTS_OF(EXIT_QUALIFICATION, Q_OF(Q_FETCH, 0), Q_OF(Q_FETCH, 1), Q_OF(Q_FETCH, 3)),
	  AFTER(CODE_AT(GUEST_PHYSICAL_ADDRESS, 0), CODE_AT(GUEST_LINEAR_ADDRESS, 0)), NEEDS_TABLES },

	BOTH(FAR_4, 5, FAR_3, 3, FRAGMENT_STORE, Q_WRITE, NEEDS_FAR_4),
	BOTH(FAR_4, 1, FAR_1, 5, FRAGMENT_STORE, Q_WRITE, NEEDS_FAR_4),
	{ "ept.vio.permission", 1 << MODE_64, FRAGMENT_JUMP, VIOLATES, IN_FAR(FAR_4_KIB), BEFORE(EPT_XOR(EPT(FAR_3), 7 ^ 5), EPT_XOR(EPT(FAR_1), 7 ^ 3)),
	  AFTER(SET(GUEST_RIP, DATA), QUALIFICATION(Q_OF(Q_FETCH, 1))), NEEDS_TABLES },
	BOTH(FAR_3, 5, FAR_2, 3, FRAGMENT_STORE, Q_WRITE, NEEDS_TABLES),
	BOTH(FAR_3, 3, FAR_1, 5, FRAGMENT_STORE, Q_WRITE, NEEDS_TABLES),
	BOTH(FAR_2, 5, FAR_1, 3, FRAGMENT_STORE, Q_WRITE, NEEDS_TABLES),
	BOTH(FAR_2, 3, FAR_1, 5, FRAGMENT_STORE, Q_WRITE, NEEDS_TABLES),
	BOTH(FAR_2, 1, FAR_1, 5, FRAGMENT_STORE, Q_WRITE, NEEDS_TABLES),
	BOTH(FAR_3, 5, FAR_1, 0, FRAGMENT_LOAD, Q_READ, NEEDS_TABLES),
	BOTH(FAR_3, 5, FAR_2, 0, FRAGMENT_STORE, Q_WRITE, NEEDS_TABLES),
	BOTH(FAR_3, 0, FAR_2, 7, FRAGMENT_LOAD, Q_READ, NEEDS_TABLES),

	OFFSETS(1),
	OFFSETS(0x7F8),
	OFFSETS(0xFFF),
	CROSSING(FRAGMENT_LOAD_32, Q_READ),
	{ "ept.vio.linear", 1 << MODE_64, FRAGMENT_LOAD_32, VIOLATES, IN_FAR(FAR_4_KIB), BEFORE(SET_RBX(BEFORE_DATA), EPT_XOR(EPT_OF(GUEST_STACK_USER), 7)),
	  AFTER(SAYS(BEFORE_DATA), QUALIFICATION(Q_OF(Q_READ, 0))), NEEDS_TABLES },
	/* REP MOVS: what was done before the page stays done. */
	{ "ept.vio.rep", 1 << MODE_64, FRAGMENT_REP_MOVS, VIOLATES,
	  IN_FAR(FAR_4_KIB), BEFORE(REG(RCX, 8), REG(RSI, GUEST_AT(GUEST_STACK, 0)), REG(RDI, GUEST_AT(GUEST_STACK_USER, PAGE_SIZE - 5)), EPT_XOR(EPT(FAR_1), EPT_W),
		 MEMORY(8, GUEST_AT(GUEST_STACK, 0), 0x1122334455667788), MEMORY(8, GUEST_AT(GUEST_STACK_USER, PAGE_SIZE - 8), 0)),
	  AFTER(QUALIFICATION(Q_OF(Q_WRITE, 5)), REG(RCX, 3), REG_ADD(RSI, 5), REG(RDI, DATA), MEMORY(8, GUEST_AT(GUEST_STACK_USER, PAGE_SIZE - 8), 0x4455667788000000)), NEEDS_TABLES },
	{ "ept.vio.rep", 1 << MODE_64, FRAGMENT_REP_MOVS, VIOLATES,
	  IN_FAR(FAR_4_KIB), BEFORE(REG(RCX, 8), REG(RDI, GUEST_AT(GUEST_STACK, 0)), REG(RSI, GUEST_AT(GUEST_STACK_USER, PAGE_SIZE - 3)), EPT_XOR(EPT(FAR_1), 7),
		 MEMORY(8, GUEST_AT(GUEST_STACK, 0), 0), MEMORY(4, GUEST_AT(GUEST_STACK_USER, PAGE_SIZE - 4), 0x11223344)),
	  AFTER(QUALIFICATION(Q_OF(Q_READ, 0)), REG(RCX, 5), REG(RSI, DATA), REG_ADD(RDI, 3), MEMORY(8, GUEST_AT(GUEST_STACK, 0), 0x112233)), NEEDS_TABLES },

	/* ---- the guest's own page faults ---- */
	FAULT_FIRST(PAGED & MODES_KERNEL, GUEST_ABSENT, FRAGMENT_LOAD, 0, 7),
	FAULT_FIRST(PAGED & MODES_USER, GUEST_ABSENT, FRAGMENT_LOAD, 4, 7),
	FAULT_FIRST(PAGED & MODES_KERNEL, GUEST_READ_ONLY, FRAGMENT_STORE, 3, 7),
	FAULT_FIRST(PAGED & MODES_USER, GUEST_READ_ONLY, FRAGMENT_STORE, 7, 2),
	FAULT_FIRST(PAGED & MODES_USER, GUEST_SYSTEM, FRAGMENT_LOAD, 5, 7),
	BEYOND(0),
	BEYOND(5),
	BEYOND(11),
	{ "ept.vio.width", 1 << MODE_64 | 1 << MODE_64_USER, FRAGMENT_LOAD, VIOLATES, BEFORE(MEMORY(8, PTE_AT(GUEST_DATA), 0x800000000 | PTE)),
	  AFTER(SAYS(DATA), PHYSICAL(0x800000000), QUALIFICATION(Q_OF(Q_READ, 0))), NEEDS_TABLES },
};
/* clang-format on */

const struct guest_section ept_violations = { rows, ARRAY_SIZE(rows) };
