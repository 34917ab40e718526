/* SDM vol. 3C, "Checks on Guest Segment Registers": virtual-8086 mode, selectors, bases, limits, TR
 * and LDTR. */
#include "tests/vmx/entry/segment_rows.h"

/* clang-format off */
#define HIGH 0xFFFFFFFF00000000ull
#define NEVER_CANONICAL 0xFE00000000000000ull /* one bit of 63:57 */

/* Limit and G. */
#define FINE 0, 0x8000, 0xFFE, 0x8000, 0x7FF, 0x8000, 0xFFFFE, 0x8000, 0xFFFFF000, 0x8000
#define LARGE 0x100000, 0, 0x1FFFFF, 0, 0x80000000, 0, 0xFFFFF000, 0, 0xFFFFFFFF, 0
#define FITS 0, 0, 0xFFE, 0, 0xFFF, 0, 0x12345, 0, 0xFFFFF, 0, \
	0xFFF, 0x8000, 0xFFFFF, 0x8000, 0x12345FFF, 0x8000, 0xFFFFFFFF, 0x8000

#define NO_TSS_TYPES 0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15 /* and 3 */
#define TR_TYPE(base, outcome, ...) \
	{ "seg.tr.type", base, outcome, VALUES, RIGHTS_OF(TR), .mask = 0xF, LIST(__VA_ARGS__) }

static const struct entry_row rows[] = {
	/*
	 * Virtual-8086 mode. For CS only what still runs the VMCALL if it is accepted: another
	 * selector, a base that differs beyond bit 31.
	 */
	{ "seg.v86.base", BASE_V86, GUEST_0, FLIPS, SELECTOR_OF(SIX), LIST(1, 4, 0x10, 0x1000, 0x8000) },
	{ "seg.v86.base", BASE_V86, GUEST_0, FLIPS, BASE_OF(SIX & ~CS), LIST(1, 0x10, BIT(20), BIT(32)) },
	{ "seg.v86.base", BASE_V86, GUEST_0, FLIPS, BASE_OF(CS), LIST(BIT(32), BIT(63)) },
	{ "seg.v86.base", BASE_V86, ENTERS, PAIRS, SELECTOR_AND_BASE_OF(SIX & ~CS),
	  LIST(0, 0, 3, 0x30, 0x1234, 0x12340, 0xF000, 0xF0000, 0xFFFF, 0xFFFF0) },
	{ "seg.v86.base", BASE_32, ENTERS, VALUES, BASE_OF(SIX & ~CS), LIST(1, 0x12340) },
	{ "seg.v86.limit", BASE_V86, GUEST_0, VALUES, LIMIT_OF(SIX), LIST(0, 0xFFFE, 0x10000, 0x1FFFF, 0xFFFFFFFF) },
	{ "seg.v86.limit", BASE_V86, ENTERS, VALUES, LIMIT_OF(SIX), LIST(0xFFFF) },
	{ "seg.v86.limit", BASE_REAL, ENTERS, VALUES, LIMIT_OF(SIX), LIST(0xFFFE, 0x10000, 0x1FFFF) },
	{ "seg.v86.rights", BASE_V86, GUEST_0, WALK, RIGHTS_OF(SIX), .mask = 0x1F0FF },
	{ "seg.v86.rights", BASE_V86, GUEST_0, VALUES, RIGHTS_OF(SIX), LIST(0x93, 0x9B, 0xFB) },
	{ "seg.v86.rights", BASE_V86, ENTERS, VALUES, RIGHTS_OF(SIX), LIST(0xF3) },
	/* VMWRITE may drop these. */
	{ "seg.v86.rights", BASE_V86, GUEST_0, FLIPS, RIGHTS_OF(SIX), LIST(0x100, 0x800, BIT(17), BIT(31)) },
	/* CS of type 3 and level 3, which no other guest may have. */
	{ "seg.v86.rights", BASE_V86, ENTERS, ONE, WITH(UNRESTRICTED) },

	/* Selectors. */
	EACH_MODE_AND_V86("seg.tr.ti", GUEST_0, WALK, SELECTOR_OF(TR), .mask = 4),
	{ "seg.tr.ti", BASE_64, GUEST_0, VALUES, SELECTOR_OF(TR), LIST(4, 7, 0xFFFF) },
	{ "seg.tr.ti", BASE_64, ENTERS, WALK, SELECTOR_OF(TR), .mask = 0xFFFB },
	{ "seg.tr.ti", BASE_64, ENTERS, VALUES, SELECTOR_OF(TR), LIST(0, 3, 0xFFFB) },
	EACH_MODE_AND_V86("seg.ldtr.ti", GUEST_0, WALK, SELECTOR_OF(LDTR), .mask = 4, WITH(LDTR_USABLE)),
	EACH_MODE_AND_V86("seg.ldtr.ti", ENTERS, WALK, SELECTOR_OF(LDTR), .mask = 4),
	{ "seg.ldtr.ti", BASE_64, ENTERS, WALK, SELECTOR_OF(LDTR), .mask = 0xFFFB, WITH(LDTR_USABLE) },
	{ "seg.ldtr.ti", BASE_64, ENTERS, VALUES, SELECTOR_OF(LDTR), LIST(0, 3, 0xFFFB), WITH(LDTR_USABLE) },
	/* Levels of SS and CS otherwise alike; then the RPL of CS, which nothing else looks at. */
	{ "seg.ss.rpl_cs", BASE_64, GUEST_0, ONE, WITH(SS_AT(0x11), CLR(GUEST_CS_SELECTOR, 3)) },
	{ "seg.ss.rpl_cs", BASE_64, GUEST_0, ONE, WITH(SS_AT(0x12), CLR(GUEST_CS_SELECTOR, 3)) },
	{ "seg.ss.rpl_cs", BASE_64, GUEST_0, ONE, WITH(SS_AT(0x13), CLR(GUEST_CS_SELECTOR, 3)) },
	{ "seg.ss.rpl_cs", BASE_64, GUEST_0, ONE, WITH(SS_AT(0x11), CLR(GUEST_CS_SELECTOR, 3), SS_UNUSABLE) },
	{ "seg.ss.rpl_cs", BASE_64, GUEST_0, ONE, WITH(SS_AT(0x12), CLR(GUEST_CS_SELECTOR, 3), SS_UNUSABLE) },
	{ "seg.ss.rpl_cs", BASE_64, GUEST_0, ONE, WITH(SS_AT(0x13), CLR(GUEST_CS_SELECTOR, 3), SS_UNUSABLE) },
	{ "seg.ss.rpl_cs", BASE_64, GUEST_0, VALUES, SELECTOR_OF(CS), .mask = 3, LIST(1, 2, 3) },
	{ "seg.ss.rpl_cs", BASE_64, GUEST_0, VALUES, SELECTOR_OF(CS), .mask = 3, LIST(1, 2, 3), WITH(SS_UNUSABLE) },
	{ "seg.ss.rpl_cs", BASE_COMPAT, GUEST_0, VALUES, SELECTOR_OF(CS), .mask = 3, LIST(1, 2, 3) },
	{ "seg.ss.rpl_cs", BASE_32, GUEST_0, VALUES, SELECTOR_OF(CS), .mask = 3, LIST(1, 2, 3) },
	{ "seg.ss.rpl_cs", BASE_64, ENTERS, PAIRS, CS_AND_SS_RPL, WITH(UNRESTRICTED),
	  LIST(0, 1, 0, 2, 0, 3, 1, 0, 1, 2, 1, 3, 2, 0, 2, 1, 2, 3, 3, 0, 3, 1, 3, 2) },
	{ "seg.ss.rpl_cs", BASE_FLAT, ENTERS, PAIRS, CS_AND_SS_RPL, LIST(0, 1, 0, 3, 1, 0, 3, 0) },
	{ "seg.ss.rpl_cs", BASE_REAL, ENTERS, PAIRS, CS_AND_SS_RPL, LIST(0, 1, 0, 3, 1, 0, 3, 0) },
	{ "seg.ss.rpl_cs", BASE_V86, ENTERS, PAIRS, SELECTOR_AND_BASE_OF(SS), LIST(1, 0x10, 2, 0x20, 3, 0x30) },

	/* Bases: in 64-bit mode none of CS, SS, DS, ES counts. */
	{ "seg.base.high", BASE_64, GUEST_0, WALK, BASE_OF(ES | CS | SS | DS), .mask = HIGH },
	EACH_SS("seg.base.high", GUEST_0, VALUES, BASE_OF(SS), LIST(BIT(32), BIT(63), 0xFFFF800000000000)),
	EACH_MODE("seg.base.high", GUEST_0, FLIPS, BASE_OF(ES | CS | SS | DS), LIST(BIT(32), BIT(63), HIGH)),
	{ "seg.base.high", BASE_64, GUEST_0, WALK, BASE_OF(CS), .mask = HIGH, WITH(CS_UNUSABLE) },
	{ "seg.base.high", BASE_64, ENTERS, FLIPS, BASE_OF(ES | SS | DS), LIST(BIT(32), BIT(47), BIT(63), HIGH),
	  WITH(UNUSABLE) },
	{ "seg.base.high", BASE_32, ENTERS, FLIPS, BASE_OF(ES | SS | DS), LIST(BIT(32), BIT(63)), WITH(UNUSABLE) },
	{ "seg.base.high", BASE_64, ENTERS, FLIPS, BASE_OF(ES | CS | SS | DS), LIST(1, BIT(20), BIT(31), 0xFFFFFFFF) },
	{ "seg.base.high", BASE_64, ENTERS, VALUES, BASE_OF(FS | GS), LIST(BIT(32), 0xFFFF800000000000) },
	EACH_MODE("seg.base.canonical", GUEST_0, NOT_CANONICAL, BASE_OF(FS | GS | TR)),
	EACH_MODE("seg.base.canonical", ENTERS, CANONICAL, BASE_OF(FS | GS | TR)),
	{ "seg.base.canonical", BASE_64, GUEST_0, WALK, BASE_OF(FS | GS | TR), .mask = NEVER_CANONICAL },
	{ "seg.base.canonical", BASE_64, GUEST_0, NOT_CANONICAL, BASE_OF(FS | GS), WITH(UNUSABLE) },
	{ "seg.base.canonical", BASE_64, ENTERS, CANONICAL, BASE_OF(FS | GS), WITH(UNUSABLE) },
	{ "seg.base.canonical", BASE_V86, GUEST_0, NOT_CANONICAL, BASE_OF(TR) },
	{ "seg.base.canonical", BASE_V86, ENTERS, CANONICAL, BASE_OF(TR) },
	EACH_MODE_AND_V86("seg.base.canonical", GUEST_0, NOT_CANONICAL, BASE_OF(LDTR), WITH(LDTR_USABLE)),
	EACH_MODE_AND_V86("seg.base.canonical", ENTERS, CANONICAL, BASE_OF(LDTR), WITH(LDTR_USABLE)),
	EACH_MODE_AND_V86("seg.base.canonical", ENTERS, NOT_CANONICAL, BASE_OF(LDTR)),

	/* Limits and granularity; in 64-bit mode no limit of these counts. */
	{ "seg.g.low", BASE_64, GUEST_0, WALK, LIMIT_OF(SIX), .mask = 0xFFF },
	{ "seg.g.low", BASE_64, GUEST_0, PAIRS, LIMIT_AND_G_OF(SIX), LIST(FINE) },
	EACH_MODE("seg.g.low", GUEST_0, PAIRS, LIMIT_AND_G_OF(SIX), LIST(0xFFE, 0x8000, 0, 0x8000)),
	EACH_SS("seg.g.low", GUEST_0, PAIRS, LIMIT_AND_G_OF(SS), LIST(FINE)),
	{ "seg.g.low", BASE_64, GUEST_0, PAIRS, LIMIT_AND_G_OF(CS), LIST(FINE), WITH(CS_UNUSABLE) },
	{ "seg.g.low", BASE_64, ENTERS, PAIRS, LIMIT_AND_G_OF(SIX), LIST(FITS) },
	EACH_MODE("seg.g.low", ENTERS, PAIRS, LIMIT_AND_G_OF(SIX & ~CS), LIST(0, 0, 0xFFFFF, 0, 0xFFF, 0x8000)),
	{ "seg.g.low", BASE_64, ENTERS, PAIRS, LIMIT_AND_G_OF(SIX & ~CS), LIST(FINE), WITH(UNUSABLE) },
	{ "seg.g.high", BASE_64, GUEST_0, WALK, LIMIT_OF(SIX), .mask = 0xFFF00000,
	  WITH(EACH_SET(GUEST_ES_LIMIT, 0xFFFFF), EACH_CLR(GUEST_ES_RIGHTS, 0x8000)) },
	{ "seg.g.high", BASE_64, GUEST_0, PAIRS, LIMIT_AND_G_OF(SIX), LIST(LARGE) },
	EACH_MODE("seg.g.high", GUEST_0, PAIRS, LIMIT_AND_G_OF(SIX), LIST(0x100000, 0, 0xFFFFFFFF, 0)),
	EACH_SS("seg.g.high", GUEST_0, PAIRS, LIMIT_AND_G_OF(SS), LIST(LARGE)),
	{ "seg.g.high", BASE_64, GUEST_0, PAIRS, LIMIT_AND_G_OF(CS), LIST(LARGE), WITH(CS_UNUSABLE) },
	{ "seg.g.high", BASE_64, ENTERS, PAIRS, LIMIT_AND_G_OF(SIX & ~CS), LIST(LARGE), WITH(UNUSABLE) },

	/* TR. */
	TR_TYPE(BASE_64, GUEST_0, NO_TSS_TYPES, 3),
	TR_TYPE(BASE_COMPAT, GUEST_0, NO_TSS_TYPES, 3),
	TR_TYPE(BASE_PAE, GUEST_0, NO_TSS_TYPES),
	TR_TYPE(BASE_32, GUEST_0, NO_TSS_TYPES),
	TR_TYPE(BASE_V86, GUEST_0, NO_TSS_TYPES),
	TR_TYPE(BASE_FLAT, GUEST_0, NO_TSS_TYPES),
	TR_TYPE(BASE_REAL, GUEST_0, NO_TSS_TYPES),
	TR_TYPE(BASE_64, ENTERS, 11),
	TR_TYPE(BASE_COMPAT, ENTERS, 11),
	TR_TYPE(BASE_PAE, ENTERS, 3, 11),
	TR_TYPE(BASE_32, ENTERS, 3, 11),
	TR_TYPE(BASE_V86, ENTERS, 3, 11),
	TR_TYPE(BASE_FLAT, ENTERS, 3, 11),
	TR_TYPE(BASE_REAL, ENTERS, 3, 11),
	/* DPL, AVL, D/B. */
	{ "seg.tr.type", BASE_64, ENTERS, WALK, RIGHTS_OF(TR), .mask = 0x5060 },
	EACH_MODE_AND_V86("seg.tr.s", GUEST_0, WALK, RIGHTS_OF(TR), .mask = 0x10),
	EACH_MODE_AND_V86("seg.tr.p", GUEST_0, WALK, RIGHTS_OF(TR), .mask = 0x80),
	EACH_MODE_AND_V86("seg.tr.unusable", GUEST_0, WALK, RIGHTS_OF(TR), .mask = 0x10000),
	{ "seg.tr.unusable", BASE_64, GUEST_0, VALUES, SELECTOR_OF(TR), LIST(0), WITH(OR(GUEST_TR_RIGHTS, 0x10000)) },
	EACH_MODE_AND_V86("seg.tr.g", GUEST_0, PAIRS, LIMIT_AND_G_OF(TR), LIST(FINE, LARGE)),
	{ "seg.tr.g", BASE_64, GUEST_0, WALK, LIMIT_OF(TR), .mask = 0xFFF,
	  WITH(SET(GUEST_TR_LIMIT, 0xFFFFFFFF), OR(GUEST_TR_RIGHTS, 0x8000)) },
	{ "seg.tr.g", BASE_64, GUEST_0, WALK, LIMIT_OF(TR), .mask = 0xFFF00000 },
	EACH_MODE_AND_V86("seg.tr.g", ENTERS, PAIRS, LIMIT_AND_G_OF(TR), LIST(FITS)),

	/* LDTR. */
	{ "seg.ldtr.type", BASE_64, GUEST_0, VALUES, RIGHTS_OF(LDTR), .mask = 0xF, WITH(LDTR_USABLE),
	  LIST(0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) },
	EACH_MODE_AND_V86("seg.ldtr.type", GUEST_0, VALUES, RIGHTS_OF(LDTR), LIST(0x80, 0x8B, 0x92, 0x02)),
	EACH_MODE_AND_V86("seg.ldtr.type", GUEST_0, PAIRS, LIMIT_AND_G_OF(LDTR), LIST(FINE, LARGE),
			  WITH(LDTR_USABLE)),
	EACH_MODE_AND_V86("seg.ldtr.type", ENTERS, PAIRS, LIMIT_AND_G_OF(LDTR), LIST(FITS), WITH(LDTR_USABLE)),
	/* DPL, AVL, D/B. */
	{ "seg.ldtr.type", BASE_64, ENTERS, WALK, RIGHTS_OF(LDTR), .mask = 0x5060, WITH(LDTR_USABLE) },
	{ "seg.ldtr.type", BASE_64, ENTERS, VALUES, RIGHTS_OF(LDTR), .mask = 0xF,
	  LIST(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) },
	{ "seg.ldtr.type", BASE_64, ENTERS, WALK, RIGHTS_OF(LDTR), .mask = 0x90 },
	{ "seg.ldtr.type", BASE_64, ENTERS, PAIRS, LIMIT_AND_G_OF(LDTR), LIST(FINE, LARGE) },
};
/* clang-format on */

const struct entry_section entry_guest_segments = { rows, ARRAY_SIZE(rows) };
