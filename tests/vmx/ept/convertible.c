/* Virtualization exceptions, and execute permissions by the mode of the linear address. */
#include "tests/vmx/ept/row_macros.h"
#include "tests/vmx/ept/sections.h"

enum { VE = 20 };
#define SUPPRESS (1ull << 63)
#define STALE 0xA5A5A5A5A5A5A5A5
#define BUSY (1ull << 32)

/* clang-format off */
/* ---- #VE ---- */

#define VE_ON SECONDARY_ON(EPT_VE)
#define VE_WORD(n) AT_VE + (n)
#define EMPTY WORD(VE_WORD(0), 0), WORD(VE_WORD(1), STALE)
#define FULL(qualification) WORD(VE_WORD(0), 0xFFFFFFFF00000000 | REASON_EPT_VIOLATION), WORD(VE_WORD(1), qualification), EPT_ANY(VE_WORD(1), Q_OF_CAPABILITIES)
#define OF_FAR(size, offset) WORD(VE_WORD(2), GUEST_AT(GUEST_DATA, offset)), WORD_FAR(VE_WORD(3), size, offset)
#define OF_NEAR WORD(VE_WORD(2), DATA), WORD(VE_WORD(3), DATA)
#define STAYS_EMPTY EMPTY

/* An exit by bit 20 of the exception bitmap, or a handler. */
#define CONVERTED(which, size, need, ...) \
	{ "ept.ve", 1 << MODE_64, FRAGMENT_LOAD, FAULT(VE), IN_FAR(size), BEFORE(VE_ON, EMPTY, EPT_XOR(EPT(which), 7)), \
	  AFTER(FULL(Q_DATA | Q_READ), OF_FAR(size, 0), UNJUDGED(EXIT_QUALIFICATION, 0)), need }, \
	{ "ept.ve", 1 << MODE_64, FRAGMENT_STORE, FAULT(VE), IN_FAR(size), .offset = 0x345, BEFORE(VE_ON, EMPTY, EPT_XOR(EPT(which), EPT_W)), \
	  AFTER(FULL(Q_DATA | Q_WRITE | MAY(5)), OF_FAR(size, 0x345), UNJUDGED(EXIT_QUALIFICATION, 0)), need }, \
	/* Of an absent entry its own bit 63 decides, of others that of the last. */ \
	{ "ept.ve", 1 << MODE_64, FRAGMENT_LOAD, VIOLATES, IN_FAR(size), BEFORE(VE_ON, EMPTY, EPT_XOR(EPT(which), 7 | SUPPRESS)), \
	  AFTER(QUALIFICATION(Q_DATA | Q_READ), STAYS_EMPTY), need }
#define UPPER_SUPPRESSES(upper, lower, bits) \
	{ "ept.ve", 1 << MODE_64, FRAGMENT_STORE, FAULT(VE), IN_FAR(FAR_4_KIB), BEFORE(VE_ON, EMPTY, EPT_XOR(EPT(upper), SUPPRESS | EPT_W), EPT_XOR(EPT(lower), bits)), \
	  AFTER(FULL(Q_DATA | Q_WRITE | ((bits) ? 0 : MAY(5))), OF_FAR(FAR_4_KIB, 0), UNJUDGED(EXIT_QUALIFICATION, 0)), NEEDS_TABLES }
#define NOT_CONVERTED(modes, ...) \
	{ "ept.ve", modes, FRAGMENT_LOAD, VIOLATES, BEFORE(VE_ON, EPT_XOR(EPT_OF(GUEST_DATA), 7), __VA_ARGS__), \
	  AFTER(SAYS(DATA), QUALIFICATION(Q_DATA | Q_READ), WORD(VE_WORD(1), STALE)), NEEDS_TABLES }

/* ---- mode-based execute control ---- */

#define MBE SECONDARY_ON(MODE_BASED_EXECUTE)
#define Q_USER_X (1 << 6)
#define RUNS(modes, flags, which, size, allows, ...) \
	{ "ept.mbe", modes, FRAGMENT_JUMP, EXIT_BY(CPUID), BEFORE(MBE, FAR_PAGE(GUEST_DATA, size, flags), MEMORY(2, DATA, CPUID_BYTES), EPT_CLR(EPT(which), (EPT_X | EPT_USER_X) ^ (allows))), \
	  AFTER(SET(GUEST_RIP, DATA)), __VA_ARGS__ }
#define STOPS(modes, flags, which, size, allows, ...) \
	{ "ept.mbe", modes, FRAGMENT_JUMP, VIOLATES, BEFORE(MBE, FAR_PAGE(GUEST_DATA, size, flags), MEMORY(2, DATA, CPUID_BYTES), EPT_CLR(EPT(which), (EPT_X | EPT_USER_X) ^ (allows))), \
	  AFTER(PHYSICAL_FAR(size, 0), LINEAR(DATA), JUDGED(EXIT_QUALIFICATION, Q_USER_X), SET(GUEST_RIP, DATA), \
		QUALIFICATION(Q_DATA | Q_FETCH | MAY(3 | ((allows) & EPT_X)) | ((allows) & EPT_USER_X ? Q_USER_X : 0))), __VA_ARGS__ }
#define BY_MODE(which, size, need, ...) \
	RUNS(1 << MODE_64, PTE & ~PTE_U, which, size, EPT_X, need), \
	RUNS(MODES_64, PTE, which, size, EPT_USER_X, need), \
	STOPS(1 << MODE_64, PTE & ~PTE_U, which, size, EPT_USER_X, need), \
	STOPS(MODES_64, PTE, which, size, EPT_X, need), \
	STOPS(1 << MODE_64, PTE & ~PTE_U, which, size, 0, need), \
	STOPS(MODES_64, PTE, which, size, 0, need), \
	USER_BIT(FRAGMENT_STORE, Q_WRITE, which, size, 0, need), \
	USER_BIT(FRAGMENT_STORE, Q_WRITE, which, size, EPT_USER_X, need)
/* Q 6, by any access. */
#define USER_BIT(fragment, access, which, size, allows, ...) \
	{ "ept.vio.user", 1 << MODE_64, fragment, VIOLATES, IN_FAR(size), BEFORE(MBE, EPT_CLR(EPT(which), EPT_W | (EPT_USER_X ^ (allows)))), \
	  AFTER(JUDGED(EXIT_QUALIFICATION, Q_USER_X), QUALIFICATION(Q_DATA | (access) | MAY(5) | ((allows) ? Q_USER_X : 0))), __VA_ARGS__ }

static const struct guest_row rows[] = {
	EACH_FAR(CONVERTED, 0),
	{ "ept.ve", MODES_ALL & ~(1 << MODE_REAL), FRAGMENT_LOAD, FAULT(VE), BEFORE(VE_ON, EMPTY, EPT_XOR(EPT_OF(GUEST_DATA), 7)),
	  AFTER(FULL(Q_DATA | Q_READ), OF_NEAR, UNJUDGED(EXIT_QUALIFICATION, 0)), NEEDS_TABLES },
	{ "ept.ve", MODES_ALL & ~(1 << MODE_REAL), FRAGMENT_LOAD, DELIVERED(VE, INSTRUCTION), BEFORE(VE_ON, EMPTY, EPT_XOR(EPT_OF(GUEST_DATA), 7), SET(EXCEPTION_BITMAP, 0xFFFFFFFF ^ 1 << VE)),
	  AFTER(FULL(Q_DATA | Q_READ), OF_NEAR), NEEDS_TABLES },
	{ "ept.ve.index", 1 << MODE_64, FRAGMENT_LOAD, FAULT(VE), BEFORE(VE_ON, EMPTY, EPT_XOR(EPT_OF(GUEST_DATA), 7), SET(EPTP_INDEX, 0x1234)),
	  AFTER(FULL(Q_DATA | Q_READ), OF_NEAR, WORD(VE_WORD(4), 0x1234), EPT_ANY(VE_WORD(4), ~0xFFFFull), UNJUDGED(EXIT_QUALIFICATION, 0)), NEEDS_TABLES },
	UPPER_SUPPRESSES(FAR_3, FAR_1, 0),
	UPPER_SUPPRESSES(FAR_2, FAR_1, 0),
	UPPER_SUPPRESSES(FAR_3, FAR_2, 7),
	NOT_CONVERTED(1 << MODE_REAL, EMPTY),
	NOT_CONVERTED(MODES_ALL, WORD(VE_WORD(0), BUSY), WORD(VE_WORD(1), STALE)),
	NOT_CONVERTED(1 << MODE_64, WORD(VE_WORD(0), BUSY << 31), WORD(VE_WORD(1), STALE)),
	NOT_CONVERTED(MODES_ALL, EMPTY, EPT_XOR(EPT_OF(GUEST_DATA), SUPPRESS)),
	{ "ept.ve", MODES_LONG, FRAGMENT_NOP, VIOLATES, BEFORE(VE_ON, EMPTY, SET(ENTRY_INTERRUPTION_INFO, INFO_VALID | INFO_HARDWARE_EXCEPTION | 6), EPT_XOR(EPT_OF(GUEST_IDT_64), 7)),
	  AFTER(SAYS(GUEST_AT(GUEST_IDT_64, 6 * 16)), UNJUDGED(GUEST_PHYSICAL_ADDRESS, 0xF), UNJUDGED(GUEST_LINEAR_ADDRESS, 0xF), Q_ANY(1 << 12), QUALIFICATION(Q_DATA | Q_READ),
		SET(IDT_VECTORING_INFO, INFO_VALID | INFO_HARDWARE_EXCEPTION | 6), STAYS_EMPTY), NEEDS_TABLES },
	{ "ept.ve", 1 << MODE_64, FRAGMENT_LOAD, MISCONFIGURED, IN_FAR(FAR_4_KIB), BEFORE(VE_ON, EMPTY, EPT_XOR(EPT(FAR_1), EPT_R)),
	  AFTER(STAYS_EMPTY), NEEDS_TABLES },
	{ "ept.ve", 1 << MODE_64, FRAGMENT_NOP, FAULT(VE), BEFORE(VE_ON, EMPTY, EPT_XOR(EPT_OF(GUEST_PML4), 7)),
	  AFTER(FULL(Q_LINEAR | Q_READ), WORD(VE_WORD(3), GUEST_AT(GUEST_PML4, 0)), UNJUDGED(EXIT_QUALIFICATION, 0)), NEEDS_TABLES },

	EACH_FAR(BY_MODE, 0),
	{ "ept.mis.absent", 1 << MODE_64, FRAGMENT_LOAD, VIOLATES, IN_FAR(FAR_4_KIB), BEFORE(MBE), .at = EPT(FAR_1), .values = (const uint64_t[]){ ~7ull & ~(uint64_t)EPT_USER_X }, .count = 1,
	  AFTER(JUDGED(EXIT_QUALIFICATION, Q_USER_X), QUALIFICATION(Q_DATA | Q_READ)), NEEDS_TABLES },
	{ "ept.mis.execute_only", 1 << MODE_64, FRAGMENT_LOAD, MISCONFIGURED, IN_FAR(FAR_4_KIB), BEFORE(MBE, EPT_CLR(EPT(FAR_1), 7)),
	  IF(has_no_execute_only, "EPT without execute-only pages") },
};
/* clang-format on */

const struct guest_section ept_exceptions = { rows, ARRAY_SIZE(rows) };
