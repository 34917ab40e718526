/*
 * Entries that no walk may use, at each level: EPT misconfigurations. Guests only read, for an
 * entry that is wrongly taken may lead anywhere.
 */
#include "tests/vmx/ept/row_macros.h"
#include "tests/vmx/ept/sections.h"

#define BIT_(n) (1ull << (n))
/* Of the memory type in a leaf that has type 6. */
#define TYPE(t) (uint64_t)((t) ^ 6) << 3

/* clang-format off */
/* An entry on the way to far data, with each of the changes. */
#define FAULTY(which, size, need, rule, ...) \
	{ rule, 1 << MODE_64, FRAGMENT_LOAD, MISCONFIGURED, IN_FAR(size), ENTRIES_OF(EPT(which), __VA_ARGS__), \
	  need }
/* The first access of all is to a paging-structure entry, or to code. */
#define FIRST(modes, address, rule, ...) \
	{ rule, modes, FRAGMENT_NOP, MISCONFIGURED, __VA_ARGS__, AFTER(PHYSICAL(address)), NEEDS_TABLES }
#define FIRST_CODE(modes, rule, ...) \
	{ rule, modes, FRAGMENT_NOP, MISCONFIGURED, __VA_ARGS__, AFTER(CODE_AT(GUEST_PHYSICAL_ADDRESS, 0)), NEEDS_TABLES }
#define FIRST_ANYWHERE(rule, which, ...) \
	FIRST(1 << MODE_64, GUEST_AT(GUEST_PML4, 0), rule, ENTRIES_OF(EPT(which), __VA_ARGS__)), \
	FIRST(1 << MODE_32, GUEST_AT(GUEST_DIRECTORY_32, 0), rule, ENTRIES_OF(EPT(which), __VA_ARGS__)), \
	FIRST_CODE(1 << MODE_FLAT | 1 << MODE_REAL, rule, ENTRIES_OF(EPT(which), __VA_ARGS__))
#define FIRST_AT(rule, modes, page, address, ...) \
	FIRST(modes, address, rule, ENTRIES_OF(EPT_OF(page), __VA_ARGS__))
#define WRITE_ONLY 7 ^ 2, 7 ^ 6
#define BEYOND 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
#define BEYOND_AT(which, size, what) \
	{ "ept.mis.address", 1 << MODE_64, FRAGMENT_LOAD, MISCONFIGURED, IN_FAR(size), .value_how = GUEST_BEYOND, .at = EPT(which), \
	  .values = (const uint64_t[]){ BEYOND }, .count = 12, IF(what, "address bits beyond those of the machine") }
#define LOW_7_TO_3 BIT_(3), BIT_(4), BIT_(5), BIT_(6), BIT_(7), 0xF8
#define LOW_6_TO_3 BIT_(3), BIT_(4), BIT_(5), BIT_(6), 0x78
#define TYPES TYPE(2), TYPE(3), TYPE(7), TYPE(2) | BIT_(6)

/* Two faults: the upper one decides. */
#define TWO(upper, upper_bits, lower, lower_bits) IN_FAR(FAR_4_KIB), BEFORE(EPT_XOR(EPT(upper), upper_bits), EPT_XOR(EPT(lower), lower_bits))
#define ABSENT_FIRST(upper, lower, bits, ...) \
	{ "ept.order", 1 << MODE_64, FRAGMENT_LOAD, VIOLATES, TWO(upper, 7, lower, bits), AFTER(QUALIFICATION(Q_DATA | Q_READ)), __VA_ARGS__ }
#define ABSENT_LAST(upper, lower, bits, ...) \
	{ "ept.order", 1 << MODE_64, FRAGMENT_LOAD, MISCONFIGURED, TWO(upper, bits, lower, 7), __VA_ARGS__ }
/* Permissions, here to write, count only at the end. */
#define NO_WRITE_FIRST(upper, lower, bits, ...) \
	{ "ept.order", 1 << MODE_64, FRAGMENT_STORE, MISCONFIGURED, TWO(upper, EPT_W, lower, bits), __VA_ARGS__ }
#define NO_WRITE_ABSENT(upper, lower, ...) \
	{ "ept.order", 1 << MODE_64, FRAGMENT_STORE, VIOLATES, TWO(upper, EPT_W, lower, 7), AFTER(QUALIFICATION(Q_DATA | Q_WRITE)), __VA_ARGS__ }

static const struct guest_row rows[] = {
	EACH_FAR(FAULTY, "ept.mis.write_only", WRITE_ONLY),
	FIRST_ANYWHERE("ept.mis.write_only", NEAR_4, WRITE_ONLY),
	FIRST_ANYWHERE("ept.mis.write_only", NEAR_3, WRITE_ONLY),
	FIRST_ANYWHERE("ept.mis.write_only", NEAR_2, WRITE_ONLY),
	FIRST_AT("ept.mis.write_only", MODES_64 | MODES_COMPAT, GUEST_PML4, GUEST_AT(GUEST_PML4, 0), WRITE_ONLY),
	FIRST_AT("ept.mis.write_only", MODES_LONG, GUEST_PDPT, GUEST_AT(GUEST_PDPT, 0), WRITE_ONLY),
	FIRST_AT("ept.mis.write_only", MODES_LONG | MODES_PAE, GUEST_DIRECTORY, GUEST_AT(GUEST_DIRECTORY, 0), WRITE_ONLY),
	{ "ept.mis.write_only", MODES_LONG | MODES_PAE, FRAGMENT_NOP, MISCONFIGURED, ENTRIES_OF(EPT_OF(GUEST_PAGE_TABLE), WRITE_ONLY),
	  AFTER(PHYSICAL_PTE(GUEST_PAGE_TABLE, 8)), NEEDS_TABLES },
	FIRST_CODE(MODES_ALL, "ept.mis.write_only", ENTRIES_OF(EPT_OF(GUEST_CODE), WRITE_ONLY)),

#define EXECUTE_ONLY(which, size, need, ...) \
	{ "ept.mis.execute_only", 1 << MODE_64, FRAGMENT_LOAD, MISCONFIGURED, IN_FAR(size), BEFORE(EPT_XOR(EPT(which), 3)), \
	  IF(has_no_execute_only, "EPT without execute-only pages") }
	EXECUTE_ONLY(FAR_3, FAR_4_KIB, 0),
	EXECUTE_ONLY(FAR_2, FAR_4_KIB, 0),
	EXECUTE_ONLY(FAR_1, FAR_4_KIB, 0),

	BEYOND_AT(FAR_4, FAR_4_KIB, has_reserved_far_pml4),
	BEYOND_AT(FAR_3, FAR_4_KIB, has_reserved),
	BEYOND_AT(FAR_2, FAR_4_KIB, has_reserved),
	BEYOND_AT(FAR_1, FAR_4_KIB, has_reserved),
	BEYOND_AT(FAR_2_MIB, FAR_2_MIB, has_reserved_2_mib),
	BEYOND_AT(FAR_1_GIB, FAR_1_GIB, has_reserved_1_gib),
	{ "ept.mis.address", 1 << MODE_64, FRAGMENT_NOP, MISCONFIGURED, .value_how = GUEST_BEYOND, .at = EPT(NEAR_4),
	  .values = (const uint64_t[]){ BEYOND }, .count = 12, AFTER(PHYSICAL(GUEST_AT(GUEST_PML4, 0))),
	  IF(has_reserved, "address bits beyond those of the machine") },

	FAULTY(FAR_4, FAR_4_KIB, NEEDS_FAR_4, "ept.mis.non_leaf", LOW_7_TO_3),
	FAULTY(FAR_3, FAR_4_KIB, NEEDS_TABLES, "ept.mis.non_leaf", LOW_6_TO_3),
	FAULTY(FAR_2, FAR_4_KIB, NEEDS_TABLES, "ept.mis.non_leaf", LOW_6_TO_3),
	FIRST_ANYWHERE("ept.mis.non_leaf", NEAR_4, LOW_7_TO_3),
	FIRST_ANYWHERE("ept.mis.non_leaf", NEAR_3, LOW_6_TO_3),
	FIRST_ANYWHERE("ept.mis.non_leaf", NEAR_2, LOW_6_TO_3),

	FAULTY(FAR_2_MIB, FAR_2_MIB, NEEDS_2_MIB, "ept.mis.large", BIT_(13), BIT_(14), BIT_(15), BIT_(16), BIT_(17), BIT_(18), BIT_(19), BIT_(20), 0x1FF000),
	FAULTY(FAR_1_GIB, FAR_1_GIB, NEEDS_1_GIB, "ept.mis.large", BIT_(13), BIT_(14), BIT_(15), BIT_(16), BIT_(17), BIT_(18), BIT_(19), BIT_(20),
	       BIT_(21), BIT_(22), BIT_(23), BIT_(24), BIT_(25), BIT_(26), BIT_(27), BIT_(28), BIT_(29), 0x3FFFF000),
	FAULTY(FAR_2_MIB, FAR_2_MIB, NEEDS_2_MIB, "ept.mis.large.bit12", BIT_(12)),
	FAULTY(FAR_1_GIB, FAR_1_GIB, NEEDS_1_GIB, "ept.mis.large.bit12", BIT_(12)),
	{ "ept.mis.large_unsupported", 1 << MODE_64, FRAGMENT_LOAD, MISCONFIGURED, IN_FAR(FAR_1_GIB),
	  IF(has_no_1_gib, "EPT without pages of 1 GiB") },
	{ "ept.mis.large_unsupported", 1 << MODE_64, FRAGMENT_LOAD, MISCONFIGURED, IN_FAR(FAR_2_MIB),
	  IF(has_no_2_mib, "EPT without pages of 2 MiB") },
	EACH_FAR_LEAF(FAULTY, "ept.mis.type", TYPES),
	FIRST_AT("ept.mis.type", MODES_LONG, GUEST_PML4, GUEST_AT(GUEST_PML4, 0), TYPES),
	FIRST_CODE(MODES_ALL, "ept.mis.type", ENTRIES_OF(EPT_OF(GUEST_CODE), TYPES)),

	/* All bits but the permissions: not present, whatever else. */
#define ABSENT(which, size, need, ...) \
	{ "ept.mis.absent", 1 << MODE_64, FRAGMENT_LOAD, VIOLATES, IN_FAR(size), .at = EPT(which), .values = (const uint64_t[]){ 0, ~7ull, 0xF8, 0x90, 3ull << 50 }, .count = 5, \
	  AFTER(QUALIFICATION(Q_DATA | Q_READ)), need }
	EACH_FAR(ABSENT, 0),

	ABSENT_FIRST(FAR_4, FAR_3, EPT_R, NEEDS_FAR_4),
	ABSENT_FIRST(FAR_3, FAR_2, EPT_R, NEEDS_TABLES),
	ABSENT_FIRST(FAR_2, FAR_1, EPT_R, NEEDS_TABLES),
	ABSENT_FIRST(FAR_3, FAR_1, TYPE(2), NEEDS_TABLES),
	ABSENT_LAST(FAR_4, FAR_3, BIT_(3), NEEDS_FAR_4),
	ABSENT_LAST(FAR_3, FAR_2, BIT_(3), NEEDS_TABLES),
	ABSENT_LAST(FAR_2, FAR_1, EPT_R, NEEDS_TABLES),
	ABSENT_LAST(FAR_3, FAR_1, EPT_R, NEEDS_TABLES),
	NO_WRITE_FIRST(FAR_3, FAR_2, BIT_(4), NEEDS_TABLES),
	NO_WRITE_FIRST(FAR_2, FAR_1, TYPE(3), NEEDS_TABLES),
	NO_WRITE_FIRST(FAR_4, FAR_1, EPT_R, NEEDS_FAR_4),
	NO_WRITE_ABSENT(FAR_3, FAR_2, NEEDS_TABLES),
	NO_WRITE_ABSENT(FAR_2, FAR_1, NEEDS_TABLES),

	/* In the delivery of an event. */
#define IN_DELIVERY(page, address) \
	{ "ept.mis.info", 1 << MODE_64, FRAGMENT_NOP, MISCONFIGURED, BEFORE(SET(ENTRY_INTERRUPTION_INFO, INFO_VALID | INFO_HARDWARE_EXCEPTION | 6), EPT_XOR(EPT_OF(page), EPT_R)), \
	  AFTER(PHYSICAL(address), SET(IDT_VECTORING_INFO, INFO_VALID | INFO_HARDWARE_EXCEPTION | 6)), NEEDS_TABLES }
	IN_DELIVERY(GUEST_IDT_64, GUEST_AT(GUEST_IDT_64, 16 * 6)),
	{ "ept.mis.info", 1 << MODE_64, FRAGMENT_NOP_STORE, .end = GUEST_EXITS, .number = REASON_EPT_MISCONFIGURATION,
	  IN_FAR(FAR_4_KIB), BEFORE(EPT_XOR(EPT(FAR_1), EPT_R)), AFTER(UNJUDGED(EXIT_INSTRUCTION_LENGTH, 0)), NEEDS_TABLES },

	/* ---- bits that mean nothing ---- */
#define PASSES_WITH(which, size, need, ...) \
	{ "ept.ignored", 1 << MODE_64, FRAGMENT_LOAD, ENDS(PASSES), IN_FAR(size), BEFORE(BYTE_AT(0, 0x10)), ENTRIES_OF(EPT(which), __VA_ARGS__), need }
#define IGNORED BIT_(8), BIT_(9), BIT_(10), BIT_(11), BIT_(52), BIT_(53), BIT_(54), BIT_(55), BIT_(56), BIT_(57), BIT_(58), BIT_(59), BIT_(60), BIT_(61), BIT_(62), BIT_(63), 0xFFF0000000000F00
	EACH_FAR(PASSES_WITH, IGNORED),

	/* Memory types, with "ignore PAT" and without. The byte that is read may be in a cache. */
#define OF_TYPE(which, size, need, ...) \
	{ "ept.types", 1 << MODE_64, FRAGMENT_LOAD, ENDS(PASSES), IN_FAR(size), ENTRIES_OF(EPT(which), __VA_ARGS__), AFTER(REG_UNJUDGED(RAX)), need }
#define GOOD_TYPES TYPE(0), TYPE(1), TYPE(4), TYPE(5), TYPE(6), TYPE(0) | BIT_(6), TYPE(1) | BIT_(6), TYPE(4) | BIT_(6), TYPE(5) | BIT_(6), TYPE(6) | BIT_(6)
	EACH_FAR_LEAF(OF_TYPE, GOOD_TYPES),
};
/* clang-format on */

const struct guest_section ept_misconfigurations = { rows, ARRAY_SIZE(rows) };
