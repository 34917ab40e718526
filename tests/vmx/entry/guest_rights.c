/* SDM vol. 3C, "Checks on Guest Segment Registers": access rights of CS, SS, DS, ES, FS and GS. */
#include "tests/vmx/entry/segment_rows.h"

static bool has_fred(const struct model_machine *machine)
{
	return machine->cr4_fixed1 & BIT(32);
}

/* clang-format off */
#define ALL_TYPES 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define NO_CODE_TYPES 0, 1, 2, 4, 5, 6, 7, 8, 10, 12, 14 /* and 3 */
#define NO_STACK_TYPES 0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15
#define NO_DATA_TYPES 0, 2, 4, 6, 8, 9, 10, 12, 13, 14
#define TYPE_OF(set) RIGHTS_OF(set), .mask = 0xF

/* DPLs of two segments, as in the access rights. */
#define UNEQUAL 0, 0x20, 0, 0x40, 0, 0x60, 0x20, 0, 0x20, 0x40, 0x20, 0x60, 0x40, 0, 0x40, 0x20, 0x40, 0x60, \
	0x60, 0, 0x60, 0x20, 0x60, 0x40
#define EQUAL 0, 0, 0x20, 0x20, 0x40, 0x40, 0x60, 0x60
#define ABOVE 0x20, 0, 0x40, 0, 0x40, 0x20, 0x60, 0, 0x60, 0x20, 0x60, 0x40
#define NOT_ABOVE EQUAL, 0, 0x20, 0, 0x40, 0, 0x60, 0x20, 0x40, 0x20, 0x60, 0x40, 0x60
/* RPL and DPL of one. */
#define BELOW_RPL 1, 0, 2, 0, 2, 0x20, 3, 0, 3, 0x20, 3, 0x40
#define NOT_BELOW_RPL 0, 0, 0, 0x20, 0, 0x40, 0, 0x60, 1, 0x20, 1, 0x40, 1, 0x60, 2, 0x40, 2, 0x60, 3, 0x60

#define CS_DATA CLR(GUEST_CS_RIGHTS, 0xC) /* type 3 */
#define CS_EXECUTE_ONLY CLR(GUEST_CS_RIGHTS, 2)
#define CS_CONFORMING OR(GUEST_CS_RIGHTS, 4)
#define CS_CODE OR(GUEST_CS_RIGHTS, 8) /* in real mode: type 11 */
#define EACH_TYPE(n) EACH_CLR(GUEST_ES_RIGHTS, 0xF), EACH_OR(GUEST_ES_RIGHTS, n)
#define NULL_SELECTOR EACH_SET(GUEST_ES_SELECTOR, 0)

static const struct entry_row rows[] = {
	/* Types. */
	{ "seg.cs.type", BASE_64, GUEST_0, VALUES, TYPE_OF(CS), LIST(NO_CODE_TYPES, 3) },
	{ "seg.cs.type", BASE_COMPAT, GUEST_0, VALUES, TYPE_OF(CS), LIST(NO_CODE_TYPES, 3) },
	{ "seg.cs.type", BASE_PAE, GUEST_0, VALUES, TYPE_OF(CS), LIST(NO_CODE_TYPES, 3) },
	{ "seg.cs.type", BASE_32, GUEST_0, VALUES, TYPE_OF(CS), LIST(NO_CODE_TYPES, 3) },
	{ "seg.cs.type", BASE_64, GUEST_0, VALUES, TYPE_OF(CS), LIST(NO_CODE_TYPES, 3), WITH(CS_UNUSABLE) },
	{ "seg.cs.type", BASE_64, GUEST_0, VALUES, TYPE_OF(CS), LIST(NO_CODE_TYPES), WITH(UNRESTRICTED) },
	{ "seg.cs.type", BASE_64, GUEST_0, VALUES, TYPE_OF(CS), LIST(NO_CODE_TYPES), WITH(UNRESTRICTED, CS_UNUSABLE) },
	{ "seg.cs.type", BASE_FLAT, GUEST_0, VALUES, TYPE_OF(CS), LIST(NO_CODE_TYPES) },
	{ "seg.cs.type", BASE_REAL, GUEST_0, VALUES, TYPE_OF(CS), LIST(NO_CODE_TYPES) },
	EACH_MODE("seg.cs.type", ENTERS, VALUES, TYPE_OF(CS), LIST(9, 11, 13, 15)),
	{ "seg.cs.type", BASE_64, ENTERS, VALUES, TYPE_OF(CS), LIST(3, 9, 11, 13, 15), WITH(UNRESTRICTED) },
	{ "seg.cs.type", BASE_32, ENTERS, VALUES, TYPE_OF(CS), LIST(3), WITH(UNRESTRICTED) },
	{ "seg.cs.type", BASE_FLAT, ENTERS, VALUES, TYPE_OF(CS), LIST(3) },
	{ "seg.cs.type", BASE_REAL, ENTERS, VALUES, TYPE_OF(CS), LIST(3) },
	EACH_SS("seg.ss.type", GUEST_0, VALUES, TYPE_OF(SS), LIST(NO_STACK_TYPES)),
	EACH_SS("seg.ss.type", ENTERS, VALUES, TYPE_OF(SS), LIST(3, 7)),
	EACH_MODE("seg.ss.type", GUEST_0, VALUES, TYPE_OF(SS), LIST(1, 2, 5, 11)),
	EACH_MODE("seg.ss.type", ENTERS, VALUES, TYPE_OF(SS), LIST(3, 7)),
	{ "seg.ss.type", BASE_64, ENTERS, VALUES, TYPE_OF(SS), LIST(ALL_TYPES), WITH(SS_UNUSABLE) },
	{ "seg.ss.type", BASE_32, ENTERS, VALUES, TYPE_OF(SS), LIST(NO_STACK_TYPES), WITH(SS_UNUSABLE) },
	{ "seg.data.type", BASE_64, GUEST_0, VALUES, TYPE_OF(DATA), LIST(NO_DATA_TYPES) },
	{ "seg.data.type", BASE_64, GUEST_0, VALUES, TYPE_OF(DATA), LIST(NO_DATA_TYPES), WITH(NULL_SELECTOR) },
	EACH_MODE("seg.data.type", GUEST_0, VALUES, TYPE_OF(DATA), LIST(2, 9, 10, 13, 14)),
	EACH_MODE("seg.data.type", ENTERS, VALUES, TYPE_OF(DATA), LIST(1, 3, 5, 7, 11, 15)),
	{ "seg.data.type", BASE_64, ENTERS, VALUES, TYPE_OF(DATA), LIST(ALL_TYPES), WITH(UNUSABLE) },

	/* S and P. */
	EACH_MODE("seg.s", GUEST_0, WALK, RIGHTS_OF(SIX), .mask = 0x10),
	EACH_SS("seg.s", GUEST_0, WALK, RIGHTS_OF(SS), .mask = 0x10),
	EACH_MODE("seg.s", ENTERS, WALK, RIGHTS_OF(SIX & ~CS), .mask = 0x10, WITH(UNUSABLE)),
	EACH_MODE("seg.p", GUEST_0, WALK, RIGHTS_OF(SIX), .mask = 0x80),
	EACH_SS("seg.p", GUEST_0, WALK, RIGHTS_OF(SS), .mask = 0x80),
	EACH_MODE("seg.p", ENTERS, WALK, RIGHTS_OF(SIX & ~CS), .mask = 0x80, WITH(UNUSABLE)),
	/* All of the access rights of registers that are not used. */
	{ "seg.p", BASE_64, ENTERS, VALUES, RIGHTS_OF(SIX & ~CS), LIST(0x10000) },
	{ "seg.p", BASE_64, ENTERS, VALUES, RIGHTS_OF(DATA), LIST(0x1F0FF) },

	/* CS whose bit 16 is set. The good side runs nothing: a bad entry of the MSR-load area
	 * comes after the guest-state checks. */
	{ "seg.s", BASE_64, GUEST_0, WALK, RIGHTS_OF(CS), .mask = 0x10, WITH(CS_UNUSABLE) },
	{ "seg.p", BASE_64, GUEST_0, WALK, RIGHTS_OF(CS), .mask = 0x80, WITH(CS_UNUSABLE) },
	EACH_MODE("seg.cs.unusable", GUEST_0, WALK, RIGHTS_OF(CS), .mask = 0x90, WITH(CS_UNUSABLE)),
	EACH_MODE("seg.cs.unusable", GUEST_0, VALUES, RIGHTS_OF(CS), LIST(0x10000)),
	{ "msr.load.high", BASE_64, MSR_LOAD, WALK, RIGHTS_OF(CS), .mask = 0x10000,
	  WITH(SET(ENTRY_MSR_LOAD_COUNT, 1), SET(MSR_LOAD_POSITION, 1), OR(MSR_LOAD_INDEX, BIT(32))) },

	/* DPL of CS and SS. With "unrestricted guest" that of SS is free. */
	{ "seg.cs.dpl3", BASE_64, GUEST_0, VALUES, RIGHTS_OF(CS), .mask = 0x60, LIST(0x20, 0x40, 0x60),
	  WITH(UNRESTRICTED, CS_DATA) },
	{ "seg.cs.dpl3", BASE_FLAT, GUEST_0, VALUES, RIGHTS_OF(CS), .mask = 0x60, LIST(0x20, 0x40, 0x60), WITH(CS_DATA) },
	{ "seg.cs.dpl3", BASE_REAL, GUEST_0, VALUES, RIGHTS_OF(CS), .mask = 0x60, LIST(0x20, 0x40, 0x60) },
	{ "seg.cs.dpl3", BASE_64, ENTERS, VALUES, RIGHTS_OF(CS), .mask = 0x60, LIST(0), WITH(UNRESTRICTED, CS_DATA) },
	{ "seg.cs.dpl_nonconforming", BASE_64, GUEST_0, PAIRS, CS_AND_SS_DPL, LIST(UNEQUAL) },
#define CODE_DPL(rule, outcome, pairs, ...) \
	{ rule, BASE_64, outcome, PAIRS, CS_AND_SS_DPL, LIST(pairs), WITH(UNRESTRICTED, __VA_ARGS__) }, \
	{ rule, BASE_64, outcome, PAIRS, CS_AND_SS_DPL, LIST(pairs), WITH(UNRESTRICTED, __VA_ARGS__, SS_UNUSABLE) }, \
	{ rule, BASE_COMPAT, outcome, PAIRS, CS_AND_SS_DPL, LIST(pairs), WITH(UNRESTRICTED, __VA_ARGS__) }, \
	{ rule, BASE_FLAT, outcome, PAIRS, CS_AND_SS_DPL, LIST(pairs), WITH(__VA_ARGS__) }
	CODE_DPL("seg.cs.dpl_nonconforming", GUEST_0, UNEQUAL, CS_CODE),
	CODE_DPL("seg.cs.dpl_nonconforming", ENTERS, EQUAL, CS_CODE),
	CODE_DPL("seg.cs.dpl_nonconforming", GUEST_0, UNEQUAL, CS_EXECUTE_ONLY),
	CODE_DPL("seg.cs.dpl_nonconforming", ENTERS, EQUAL, CS_EXECUTE_ONLY),
	CODE_DPL("seg.cs.dpl_conforming", GUEST_0, ABOVE, CS_CONFORMING),
	CODE_DPL("seg.cs.dpl_conforming", ENTERS, NOT_ABOVE, CS_CONFORMING),
	CODE_DPL("seg.cs.dpl_conforming", GUEST_0, ABOVE, CS_CONFORMING, CS_EXECUTE_ONLY),
	CODE_DPL("seg.cs.dpl_conforming", ENTERS, NOT_ABOVE, CS_CONFORMING, CS_EXECUTE_ONLY),
	/* Without it: CS alone, then all levels alike. */
	{ "seg.cs.dpl_nonconforming", BASE_64, GUEST_0, VALUES, RIGHTS_OF(CS), .mask = 0x60, LIST(0x20, 0x40, 0x60) },
	{ "seg.cs.dpl_conforming", BASE_64, GUEST_0, VALUES, RIGHTS_OF(CS), .mask = 0x60, LIST(0x20, 0x40, 0x60),
	  WITH(CS_CONFORMING) },
	EACH_SS("seg.cs.dpl_nonconforming", ENTERS, ONE, .mask = 0),
	{ "seg.ss.dpl", BASE_64, ENTERS, ONE, WITH(SS_AT(0x11)) },
	{ "seg.ss.dpl", BASE_64, ENTERS, ONE, WITH(SS_AT(0x12)) },
	{ "seg.ss.dpl", BASE_32, ENTERS, ONE, WITH(SS_AT(0x13)) },
	{ "seg.ss.dpl", BASE_64, ENTERS, ONE, WITH(SS_AT(0x13), SS_UNUSABLE) },
	{ "seg.ss.dpl", BASE_64, ENTERS, VALUES, RIGHTS_OF(CS), .mask = 0x60, LIST(0, 0x20, 0x40, 0x60),
	  WITH(SS_AT(0x13), CS_CONFORMING) },
	/* The RPLs of SS and CS, then the DPLs. */
	{ "seg.ss.dpl", BASE_64, GUEST_0, PAIRS, CS_AND_SS_RPL, LIST(1, 1, 2, 2, 3, 3) },
	{ "seg.ss.dpl", BASE_64, GUEST_0, PAIRS, CS_AND_SS_RPL, LIST(1, 1, 2, 2, 3, 3), WITH(SS_UNUSABLE) },
	{ "seg.ss.dpl", BASE_64, GUEST_0, PAIRS, CS_AND_SS_DPL, LIST(0x20, 0x20, 0x40, 0x40, 0x60, 0x60) },
	{ "seg.ss.dpl", BASE_64, GUEST_0, PAIRS, CS_AND_SS_DPL, LIST(0x20, 0x20, 0x40, 0x40, 0x60, 0x60),
	  WITH(SS_UNUSABLE) },
	{ "seg.ss.dpl", BASE_COMPAT, GUEST_0, PAIRS, CS_AND_SS_RPL, LIST(1, 1, 2, 2, 3, 3) },
	{ "seg.ss.dpl", BASE_32, GUEST_0, PAIRS, CS_AND_SS_RPL, LIST(1, 1, 2, 2, 3, 3) },
	{ "seg.ss.dpl", BASE_64, ENTERS, PAIRS, CS_AND_SS_RPL, LIST(1, 1, 2, 2, 3, 3), WITH(UNRESTRICTED) },
	{ "seg.ss.dpl", BASE_FLAT, ENTERS, PAIRS, CS_AND_SS_RPL, LIST(1, 1, 2, 2, 3, 3) },
#define SS_DPL(base, outcome, ...) \
	{ "seg.ss.dpl_real", base, outcome, VALUES, RIGHTS_OF(SS), .mask = 0x60, LIST(__VA_ARGS__)
	SS_DPL(BASE_64, GUEST_0, 0x20, 0x40, 0x60), WITH(UNRESTRICTED, CS_DATA) },
	SS_DPL(BASE_64, GUEST_0, 0x20, 0x40, 0x60), WITH(UNRESTRICTED, CS_DATA, SS_UNUSABLE) },
	SS_DPL(BASE_FLAT, GUEST_0, 0x20, 0x40, 0x60), WITH(CS_DATA) },
	SS_DPL(BASE_REAL, GUEST_0, 0x20, 0x40, 0x60) },
	SS_DPL(BASE_REAL, GUEST_0, 0x20, 0x40, 0x60), WITH(CS_CODE, CS_CONFORMING) },
	SS_DPL(BASE_REAL, GUEST_0, 0x20, 0x40, 0x60), WITH(CS_CODE, CS_CONFORMING, SS_UNUSABLE) },
	SS_DPL(BASE_64, ENTERS, 0), WITH(UNRESTRICTED, CS_DATA) },
	SS_DPL(BASE_FLAT, ENTERS, 0), WITH(CS_DATA) },
	SS_DPL(BASE_REAL, ENTERS, 0), WITH(CS_CODE) },
	SS_DPL(BASE_FLAT, ENTERS, 0x20, 0x40, 0x60), WITH(CS_CONFORMING) },
	{ "seg.ss.dpl_real", BASE_REAL, GUEST_0, PAIRS, CS_AND_SS_DPL, LIST(0x20, 0x20, 0x40, 0x40, 0x60, 0x60),
	  WITH(CS_CODE) },

	/* DPL of the others. */
	{ "seg.data.dpl", BASE_64, GUEST_0, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL) },
	{ "seg.data.dpl", BASE_64, GUEST_0, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL), WITH(EACH_TYPE(1)) },
	{ "seg.data.dpl", BASE_64, GUEST_0, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL), WITH(EACH_TYPE(5)) },
	{ "seg.data.dpl", BASE_64, GUEST_0, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL), WITH(EACH_TYPE(7)) },
	{ "seg.data.dpl", BASE_64, GUEST_0, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL), WITH(EACH_TYPE(11)) },
	{ "seg.data.dpl", BASE_64, GUEST_0, VALUES, SELECTOR_OF(DATA), LIST(1, 2, 3) },
	{ "seg.data.dpl", BASE_COMPAT, GUEST_0, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL) },
	{ "seg.data.dpl", BASE_32, GUEST_0, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL) },
	{ "seg.data.dpl", BASE_64, ENTERS, PAIRS, RPL_AND_DPL_OF(DATA), LIST(NOT_BELOW_RPL) },
	{ "seg.data.dpl", BASE_32, ENTERS, PAIRS, RPL_AND_DPL_OF(DATA), LIST(NOT_BELOW_RPL) },
	{ "seg.data.dpl", BASE_64, ENTERS, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL), WITH(EACH_TYPE(15)) },
	{ "seg.data.dpl", BASE_64, ENTERS, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL), WITH(UNUSABLE) },
	{ "seg.data.dpl", BASE_64, ENTERS, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL), WITH(UNRESTRICTED) },
	{ "seg.data.dpl", BASE_FLAT, ENTERS, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL) },
	{ "seg.data.dpl", BASE_REAL, ENTERS, PAIRS, RPL_AND_DPL_OF(DATA), LIST(BELOW_RPL) },

	/* VMWRITE may drop these. */
	{ "seg.reserved_low", BASE_64, GUEST_0, WALK, RIGHTS_OF(SIX | TR), .mask = 0xF00 },
	{ "seg.reserved_low", BASE_64, GUEST_0, WALK, RIGHTS_OF(LDTR), .mask = 0xF00, WITH(LDTR_USABLE) },
	EACH_SS("seg.reserved_low", GUEST_0, WALK, RIGHTS_OF(SS), .mask = 0xF00),
	EACH_MODE("seg.reserved_low", GUEST_0, VALUES, RIGHTS_OF(SIX | TR), .mask = 0xF00, LIST(0xF00)),
	{ "seg.reserved_low", BASE_V86, GUEST_0, WALK, RIGHTS_OF(TR), .mask = 0xF00 },
	{ "seg.reserved_low", BASE_64, GUEST_0, WALK, RIGHTS_OF(CS), .mask = 0xF00, WITH(CS_UNUSABLE) },
	{ "seg.reserved_low", BASE_64, ENTERS, WALK, RIGHTS_OF(SIX & ~CS), .mask = 0xF00, WITH(UNUSABLE) },
	{ "seg.reserved_low", BASE_64, ENTERS, WALK, RIGHTS_OF(LDTR), .mask = 0xF00 },
	{ "seg.reserved_high", BASE_64, GUEST_0, WALK, RIGHTS_OF(SIX | TR), .mask = 0xFFFE0000 },
	{ "seg.reserved_high", BASE_64, GUEST_0, WALK, RIGHTS_OF(LDTR), .mask = 0xFFFE0000, WITH(LDTR_USABLE) },
	EACH_MODE("seg.reserved_high", GUEST_0, VALUES, RIGHTS_OF(SIX | TR), .mask = 0xFFFE0000, LIST(0xFFFE0000)),
	{ "seg.reserved_high", BASE_V86, GUEST_0, WALK, RIGHTS_OF(TR), .mask = 0xFFFE0000 },
	{ "seg.reserved_high", BASE_64, GUEST_0, WALK, RIGHTS_OF(CS), .mask = 0xFFFE0000, WITH(CS_UNUSABLE) },
	{ "seg.reserved_high", BASE_64, ENTERS, VALUES, RIGHTS_OF(SIX & ~CS), .mask = 0xFFFE0000, LIST(0xFFFE0000),
	  WITH(UNUSABLE) },
	{ "seg.reserved_high", BASE_64, ENTERS, FLIPS, RIGHTS_OF(LDTR), LIST(BIT(17), BIT(31), 0xFFFE0000) },

	/* D/B and L. Next to them AVL, and D/B of others, which nothing is said about. */
	{ "seg.cs.db_l", BASE_64, GUEST_0, WALK, RIGHTS_OF(CS), .mask = 0x4000 },
	{ "seg.cs.db_l", BASE_COMPAT, GUEST_0, WALK, RIGHTS_OF(CS), .mask = 0x2000 },
	{ "seg.cs.db_l", BASE_64, GUEST_0, WALK, RIGHTS_OF(CS), .mask = 0x4000, WITH(CS_UNUSABLE) },
	{ "seg.cs.db_l", BASE_64, GUEST_0, WALK, RIGHTS_OF(CS), .mask = 0x4000, WITH(UNRESTRICTED, CS_DATA) },
	{ "seg.cs.db_l", BASE_PAE, ENTERS, WALK, RIGHTS_OF(CS), .mask = 0x2000 },
	{ "seg.cs.db_l", BASE_32, ENTERS, WALK, RIGHTS_OF(CS), .mask = 0x2000 },
	{ "seg.cs.db_l", BASE_FLAT, ENTERS, WALK, RIGHTS_OF(CS), .mask = 0x2000 },
	EACH_MODE("seg.cs.db_l", ENTERS, WALK, RIGHTS_OF(SIX), .mask = 0x1000),
	EACH_MODE("seg.cs.db_l", ENTERS, WALK, RIGHTS_OF(SIX & ~CS), .mask = 0x4000),

	/* FRED: SS.DPL 1 and 2; level 0 without 64-bit code; level 3 with an IOPL. */
	{ "seg.fred", BASE_64, REPORTED, ONE, WITH(SS_AT(0x11), OR(GUEST_CR4, BIT(32))), .needs.vmx = has_fred,
	  .needs_text = "FRED" },
	{ "seg.fred", BASE_64, REPORTED, ONE, WITH(SS_AT(0x12), OR(GUEST_CR4, BIT(32))), .needs.vmx = has_fred,
	  .needs_text = "FRED" },
	{ "seg.fred", BASE_COMPAT, REPORTED, ONE, WITH(OR(GUEST_CR4, BIT(32))), .needs.vmx = has_fred, .needs_text = "FRED" },
	{ "seg.fred", BASE_64, REPORTED, WALK, .at = AT_GUEST_RFLAGS, .mask = 0x3000,
	  WITH(SS_AT(0x13), OR(GUEST_CR4, BIT(32))), .needs.vmx = has_fred, .needs_text = "FRED" },
};
/* clang-format on */

const struct entry_section entry_guest_rights = { rows, ARRAY_SIZE(rows) };
