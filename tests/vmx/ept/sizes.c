/* What is at guest-physical addresses: pages of each size, execute-only ones, accessed and dirty
 * flags. */
#include "tests/vmx/ept/row_macros.h"
#include "tests/vmx/ept/sections.h"

#define WORDS 0x55AA1234

/* clang-format off */
/* Data by a page of each size, at its first and last bytes and between. */
#define DATA_AT(size, offset_, ...) \
	{ "ept.size", 1 << MODE_64, FRAGMENT_LOAD_32, ENDS(PASSES), IN_FAR(size), .offset = offset_, BEFORE(MEMORY(4, GUEST_AT(GUEST_DATA, offset_), WORDS)), AFTER(REG(RAX, WORDS)), __VA_ARGS__ }, \
	{ "ept.size", 1 << MODE_64, FRAGMENT_STORE, ENDS(PASSES), IN_FAR(size), .offset = (offset_) + 3, BEFORE(BYTE_AT((offset_) + 3, 0)), AFTER(BYTE_AT((offset_) + 3, 0x10)), __VA_ARGS__ }, \
	{ "ept.size", MODES_PAE | MODES_COMPAT, FRAGMENT_LOAD_32, ENDS(PASSES), IN_FAR(size), .offset = offset_, BEFORE(MEMORY(4, GUEST_AT(GUEST_DATA, offset_), WORDS)), AFTER(REG(RAX, WORDS)), __VA_ARGS__ }
#define DATA_IN(size, ...) DATA_AT(size, 0, __VA_ARGS__), DATA_AT(size, 0x7FC, __VA_ARGS__), DATA_AT(size, 0x230, __VA_ARGS__), DATA_AT(size, 0xFFC, __VA_ARGS__)

/* The guest's pages behind data: each of the lower bits of the offset in a large page is set once. */
#define DATA_BEHIND(size, page, ...) \
	{ "ept.size", 1 << MODE_64, FRAGMENT_LOAD_32, ENDS(PASSES), BEFORE(FAR_PAGE(GUEST_DATA, size, (((page) - GUEST_DATA) * PAGE_SIZE | PTE)), MEMORY(4, GUEST_AT(page, 0), WORDS)), \
	  AFTER(REG(RAX, WORDS)), __VA_ARGS__ }
#define ALL_BEHIND(size, ...) \
	DATA_BEHIND(size, GUEST_DATA + 1, __VA_ARGS__), DATA_BEHIND(size, GUEST_DATA + 2, __VA_ARGS__), DATA_BEHIND(size, GUEST_DATA + 4, __VA_ARGS__), \
	DATA_BEHIND(size, GUEST_DATA + 8, __VA_ARGS__), DATA_BEHIND(size, GUEST_DATA + 16, __VA_ARGS__)

/* Fetches work, nothing else does. */
#define CODE_ONLY(which, size, need, text) \
	{ "ept.execute_only", 1 << MODE_64, FRAGMENT_JUMP, EXIT_BY(CPUID), IN_FAR(size), BEFORE(MEMORY(2, DATA, CPUID_BYTES), EPT_XOR(EPT(which), 3)), AFTER(SET(GUEST_RIP, DATA)), IF(need, text) }, \
	{ "ept.execute_only", 1 << MODE_64, FRAGMENT_LOAD, VIOLATES, IN_FAR(size), BEFORE(EPT_XOR(EPT(which), 3)), \
	  AFTER(QUALIFICATION(Q_DATA | Q_READ | MAY(4))), IF(need, text) }, \
	{ "ept.execute_only", 1 << MODE_64, FRAGMENT_STORE, VIOLATES, IN_FAR(size), BEFORE(EPT_XOR(EPT(which), 3)), \
	  AFTER(QUALIFICATION(Q_DATA | Q_WRITE | MAY(4))), IF(need, text) }

/* ---- flags ---- */

/* On the way to far data: what is set before, and what an access sets. */
#define AD (EPT_A | EPT_D)
#define CLEAR_4() EPT_CLR(EPT(FAR_4), AD), EPT_CLR(EPT(FAR_3), AD), EPT_CLR(EPT(FAR_2), AD), EPT_CLR(EPT(FAR_1), AD)
#define CLEAR_3() EPT_CLR(EPT(FAR_4), AD), EPT_CLR(EPT(FAR_3), AD), EPT_CLR(EPT(FAR_2_MIB), AD)
#define CLEAR_2() EPT_CLR(EPT(FAR_4), AD), EPT_CLR(EPT(FAR_1_GIB), AD)
#define SET_A(which) EPT_OR(EPT(which), EPT_A)
#define FLAGS_4(leaf) SET_A(FAR_4), SET_A(FAR_3), SET_A(FAR_2), EPT_OR(EPT(FAR_1), leaf)
#define FLAGS_3(leaf) SET_A(FAR_4), SET_A(FAR_3), EPT_OR(EPT(FAR_2_MIB), leaf)
#define FLAGS_2(leaf) SET_A(FAR_4), EPT_OR(EPT(FAR_1_GIB), leaf)
#define FLAGS_2_MIB IF(has_flags_2_mib, "accessed and dirty flags for EPT, pages of 2 MiB")
#define FLAGS_1_GIB IF(has_flags_1_gib, "accessed and dirty flags for EPT, pages of 1 GiB")

#define READS(rule, size, clear, flags, leaf, ...) \
	{ rule, 1 << MODE_64, FRAGMENT_LOAD, ENDS(PASSES), IN_FAR(size), BEFORE(FLAGS_ON, BYTE_AT(0, 0x10), clear()), AFTER(flags(leaf)), __VA_ARGS__ }
#define WRITES(rule, size, clear, flags, leaf, ...) \
	{ rule, 1 << MODE_64, FRAGMENT_STORE, ENDS(PASSES), IN_FAR(size), BEFORE(FLAGS_ON, BYTE_AT(0, 0), clear()), AFTER(BYTE_AT(0, 0x10), flags(leaf)), __VA_ARGS__ }
#define FETCHES(rule, size, clear, flags, leaf, ...) \
	{ rule, 1 << MODE_64, FRAGMENT_JUMP, EXIT_BY(CPUID), IN_FAR(size), BEFORE(FLAGS_ON, MEMORY(2, DATA, CPUID_BYTES), clear()), AFTER(SET(GUEST_RIP, DATA), flags(leaf)), __VA_ARGS__ }
#define EACH_ACCESS(rule, size, clear, flags, ...) \
	READS(rule, size, clear, flags, EPT_A, __VA_ARGS__), FETCHES(rule, size, clear, flags, EPT_A, __VA_ARGS__), WRITES(rule, size, clear, flags, AD, __VA_ARGS__)
/* One of them is clear, and D of the leaf. */
#define ONE_CLEAR(which, ...) \
	{ "ept.accessed", 1 << MODE_64, FRAGMENT_LOAD, ENDS(PASSES), IN_FAR(FAR_4_KIB), BEFORE(FLAGS_ON, BYTE_AT(0, 0x10), EPT_CLR(EPT(which), AD)), AFTER(SET_A(which)), __VA_ARGS__ }, \
	{ "ept.accessed", 1 << MODE_64, FRAGMENT_STORE, ENDS(PASSES), IN_FAR(FAR_4_KIB), BEFORE(FLAGS_ON, BYTE_AT(0, 0), EPT_CLR(EPT(which), EPT_A)), AFTER(BYTE_AT(0, 0x10), SET_A(which)), __VA_ARGS__ }
/* D alone, in the leaf. */
#define CLEAN(which, size, ...) \
	{ "ept.dirty", 1 << MODE_64, FRAGMENT_STORE, ENDS(PASSES), IN_FAR(size), BEFORE(FLAGS_ON, BYTE_AT(0, 0), EPT_CLR(EPT(which), EPT_D)), AFTER(BYTE_AT(0, 0x10), EPT_OR(EPT(which), EPT_D)), __VA_ARGS__ }, \
	{ "ept.dirty", 1 << MODE_64, FRAGMENT_LOAD, ENDS(PASSES), IN_FAR(size), BEFORE(FLAGS_ON, BYTE_AT(0, 0x10), EPT_CLR(EPT(which), EPT_D)), __VA_ARGS__ }, \
	{ "ept.dirty", 1 << MODE_64, FRAGMENT_JUMP, EXIT_BY(CPUID), IN_FAR(size), BEFORE(FLAGS_ON, MEMORY(2, DATA, CPUID_BYTES), EPT_CLR(EPT(which), EPT_D)), AFTER(SET(GUEST_RIP, DATA)), __VA_ARGS__ }
/* Not with EPTP[6] = 0: nothing changes. */
#define NO_FLAGS(size, clear, ...) \
	{ "ept.accessed", 1 << MODE_64, FRAGMENT_STORE, ENDS(PASSES), IN_FAR(size), BEFORE(BYTE_AT(0, 0), clear()), AFTER(BYTE_AT(0, 0x10)), __VA_ARGS__ }

/* The guest's tables, by the walk of the first fetch. */
#define BY_WALK(modes, page) \
	{ "ept.accessed", modes, FRAGMENT_NOP, ENDS(PASSES), BEFORE(FLAGS_ON, EPT_CLR(EPT_OF(page), EPT_A)), AFTER(EPT_OR(EPT_OF(page), EPT_A)), NEEDS_FLAGS }, \
	{ "ept.dirty", modes, FRAGMENT_NOP, ENDS(PASSES), BEFORE(FLAGS_ON, EPT_CLR(EPT_OF(page), AD)), AFTER(EPT_OR(EPT_OF(page), AD)), NEEDS_FLAGS }
#define MODES_32_BIT (MODES_ALL & ~MODES_LONG & ~MODES_PAE & ~MODES_UNPAGED)

/* An access that does not happen leaves D alone; A may be set on the way. */
#define A_ANY(which) EPT_ANY(EPT(which), EPT_A)
#define FAILING(fragment, access, permissions, clear, size, which, need, ...) \
	{ "ept.ad.failing", 1 << MODE_64, fragment, VIOLATES, IN_FAR(size), BEFORE(FLAGS_ON, clear(), EPT_XOR(EPT(which), 7 ^ (permissions))), \
	  AFTER(QUALIFICATION(Q_DATA | (access) | MAY(permissions)), __VA_ARGS__), need }
#define ANY_4 A_ANY(FAR_4), A_ANY(FAR_3), A_ANY(FAR_2), A_ANY(FAR_1)

static const struct guest_row rows[] = {
	DATA_IN(FAR_4_KIB, NEEDS_TABLES),
	DATA_IN(FAR_2_MIB, NEEDS_2_MIB),
	DATA_IN(FAR_1_GIB, NEEDS_1_GIB),

	ALL_BEHIND(FAR_2_MIB, NEEDS_2_MIB),
	ALL_BEHIND(FAR_1_GIB, NEEDS_1_GIB),

	CODE_ONLY(FAR_1, FAR_4_KIB, has_execute_only, "execute-only EPT pages"),
	CODE_ONLY(FAR_2, FAR_4_KIB, has_execute_only, "execute-only EPT pages"),
	CODE_ONLY(FAR_3, FAR_4_KIB, has_execute_only, "execute-only EPT pages"),
	CODE_ONLY(FAR_2_MIB, FAR_2_MIB, has_execute_only_2_mib, "execute-only EPT pages, of 2 MiB"),
	CODE_ONLY(FAR_1_GIB, FAR_1_GIB, has_execute_only_1_gib, "execute-only EPT pages, of 1 GiB"),

	EACH_ACCESS("ept.accessed", FAR_4_KIB, CLEAR_4, FLAGS_4, NEEDS_FLAGS),
	EACH_ACCESS("ept.accessed", FAR_2_MIB, CLEAR_3, FLAGS_3, FLAGS_2_MIB),
	EACH_ACCESS("ept.accessed", FAR_1_GIB, CLEAR_2, FLAGS_2, FLAGS_1_GIB),
	ONE_CLEAR(FAR_4, NEEDS_FLAGS),
	ONE_CLEAR(FAR_3, NEEDS_FLAGS),
	ONE_CLEAR(FAR_2, NEEDS_FLAGS),
	ONE_CLEAR(FAR_1, NEEDS_FLAGS),
	NO_FLAGS(FAR_4_KIB, CLEAR_4, NEEDS_TABLES),
	NO_FLAGS(FAR_2_MIB, CLEAR_3, NEEDS_2_MIB),
	NO_FLAGS(FAR_1_GIB, CLEAR_2, NEEDS_1_GIB),
	BY_WALK(MODES_LONG, GUEST_PML4),
	BY_WALK(MODES_LONG, GUEST_PDPT),
	BY_WALK(MODES_LONG | MODES_PAE, GUEST_DIRECTORY),
	BY_WALK(MODES_LONG | MODES_PAE, GUEST_PAGE_TABLE),
	BY_WALK(MODES_32_BIT, GUEST_DIRECTORY_32),
	BY_WALK(MODES_32_BIT, GUEST_PAGE_TABLE_32),
	{ "ept.accessed", MODES_ALL, FRAGMENT_NOP, ENDS(PASSES), BEFORE(FLAGS_ON, EPT_CLR(EPT_OF(GUEST_CODE), AD)), AFTER(EPT_OR(EPT_OF(GUEST_CODE), EPT_A)), NEEDS_FLAGS },

	CLEAN(FAR_1, FAR_4_KIB, NEEDS_FLAGS),
	CLEAN(FAR_2_MIB, FAR_2_MIB, FLAGS_2_MIB),
	CLEAN(FAR_1_GIB, FAR_1_GIB, FLAGS_1_GIB),
	{ "ept.dirty", MODES_ALL, FRAGMENT_STORE, ENDS(PASSES), BEFORE(FLAGS_ON, EPT_CLR(EPT_OF(GUEST_DATA), AD), BYTE_AT(0, 0)), AFTER(BYTE_AT(0, 0x10), EPT_OR(EPT_OF(GUEST_DATA), AD)), NEEDS_FLAGS },
	{ "ept.dirty", MODES_ALL, FRAGMENT_LOAD, ENDS(PASSES), BEFORE(FLAGS_ON, EPT_CLR(EPT_OF(GUEST_DATA), AD), BYTE_AT(0, 0x10)), AFTER(EPT_OR(EPT_OF(GUEST_DATA), EPT_A)), NEEDS_FLAGS },
	/* A read by an instruction, after a write: a cached translation does not know that it is dirty. */
	{ "ept.dirty", 1 << MODE_64, FRAGMENT_INCREMENT, ENDS(PASSES), IN_FAR(FAR_4_KIB), BEFORE(FLAGS_ON, EPT_CLR(EPT(FAR_1), AD), BYTE_AT(0, 0x20)),
	  AFTER(BYTE_AT(0, 0x21), UNJUDGED(GUEST_RFLAGS, 0x8D5), EPT_OR(EPT(FAR_1), AD)), NEEDS_FLAGS },
	{ "ept.dirty", 1 << MODE_64, FRAGMENT_LOAD_STORE, ENDS(PASSES), IN_FAR(FAR_4_KIB), BEFORE(FLAGS_ON, EPT_CLR(EPT(FAR_1), AD), BYTE_AT(0, 0x20)),
	  AFTER(BYTE_AT(0, 0x10), REG_UNJUDGED(RCX), EPT_OR(EPT(FAR_1), AD)), NEEDS_FLAGS },

	FAILING(FRAGMENT_STORE, Q_WRITE, 5, CLEAR_4, FAR_4_KIB, FAR_1, NEEDS_FLAGS, ANY_4),
	FAILING(FRAGMENT_STORE, Q_WRITE, 5, CLEAR_4, FAR_4_KIB, FAR_2, NEEDS_FLAGS, ANY_4),
	FAILING(FRAGMENT_STORE, Q_WRITE, 1, CLEAR_3, FAR_2_MIB, FAR_2_MIB, FLAGS_2_MIB, A_ANY(FAR_4), A_ANY(FAR_3), A_ANY(FAR_2_MIB)),
	FAILING(FRAGMENT_STORE, Q_WRITE, 5, CLEAR_2, FAR_1_GIB, FAR_1_GIB, FLAGS_1_GIB, A_ANY(FAR_4), A_ANY(FAR_1_GIB)),
	FAILING(FRAGMENT_INCREMENT, Q_WRITE, 5, CLEAR_4, FAR_4_KIB, FAR_1, NEEDS_FLAGS, ANY_4, Q_ANY(Q_READ)),
	/* Page faults of the guest's own, and what a walk does not reach. */
	{ "ept.ad.failing", (MODES_LONG | MODES_PAE) & MODES_KERNEL, FRAGMENT_STORE, FAULT_CODE(14, 3), BEFORE(FLAGS_ON, EPT_CLR(EPT_OF(GUEST_READ_ONLY), EPT_D), REG_ADD(RBX, (GUEST_READ_ONLY - GUEST_DATA) * PAGE_SIZE)),
	  AFTER(QUALIFICATION(GUEST_AT(GUEST_READ_ONLY, 0))), NEEDS_FLAGS },
};
/* clang-format on */

const struct guest_section ept_pages = { rows, ARRAY_SIZE(rows) };
