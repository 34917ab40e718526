/*
 * Cached translations: each row has a guest that fills them, a change of tables, what invalidates,
 * and a guest that must see the change. That something is still cached is no rule.
 */
#include "tests/vmx/ept/row_macros.h"
#include "tests/vmx/ept/sections.h"

#define RAX_WITH(byte) (0x1010101010101000 | (byte))
#define RCX_WITH(byte) (0x1111111111111100 | (byte))

/* clang-format off */
#define VPID_IS(n) OR(SECONDARY_CONTROLS, CONTROL_MASK(SECONDARY_VPID)), SET(VPID, n)
#define VPID_0() OR(GUEST_RFLAGS, 0)
#define VPID_1() VPID_IS(1)
#define FIRST(...) .first = &(const struct guest_row){ "", 1 << MODE_64, __VA_ARGS__ }
#define NEEDS_VPID IF(has_vpid, "INVVPID")

/* ---- changes of the EPT ---- */

/* Far data cannot be used, and then it can. vpid: changes of both guests. */
#define REPAIRED(which, size, need, vpid) \
	{ "tlb.violation", 1 << MODE_64, FRAGMENT_LOAD, ENDS(PASSES), IN_FAR(size), BEFORE(vpid(), BYTE_AT(0, 0x10)), need, \
	  FIRST(FRAGMENT_LOAD, VIOLATES, IN_FAR(size), BEFORE(vpid(), EPT_XOR(EPT(which), 7)), AFTER(QUALIFICATION(Q_DATA | Q_READ))) }, \
	{ "tlb.violation", 1 << MODE_64, FRAGMENT_STORE, ENDS(PASSES), IN_FAR(size), BEFORE(vpid(), BYTE_AT(0, 0)), AFTER(BYTE_AT(0, 0x10)), need, \
	  FIRST(FRAGMENT_STORE, VIOLATES, IN_FAR(size), BEFORE(vpid(), EPT_XOR(EPT(which), EPT_W)), AFTER(QUALIFICATION(Q_DATA | Q_WRITE | MAY(5)))) }, \
	{ "tlb.violation", 1 << MODE_64, FRAGMENT_LOAD, ENDS(PASSES), IN_FAR(size), BEFORE(vpid(), BYTE_AT(0, 0x10)), need, \
	  FIRST(FRAGMENT_LOAD, MISCONFIGURED, IN_FAR(size), BEFORE(vpid(), EPT_XOR(EPT(which), EPT_R))) }
/* It was read-only, and now it is not. */
#define RELAXED(which, size, need, vpid) \
	{ "tlb.relax", 1 << MODE_64, FRAGMENT_STORE, ENDS(PASSES), IN_FAR(size), BEFORE(vpid(), BYTE_AT(0, 0)), AFTER(BYTE_AT(0, 0x10)), need, .then = FLUSH_BY_EXIT, \
	  FIRST(FRAGMENT_LOAD, ENDS(PASSES), IN_FAR(size), BEFORE(vpid(), BYTE_AT(0, 0x10), EPT_XOR(EPT(which), EPT_W))) }
/* The reverse. */
#define RESTRICTED(which, size, need, flush, vpid) \
	{ "tlb.restrict", 1 << MODE_64, FRAGMENT_STORE, VIOLATES, IN_FAR(size), BEFORE(vpid(), EPT_XOR(EPT(which), EPT_W)), AFTER(QUALIFICATION(Q_DATA | Q_WRITE | MAY(5))), need, .then = flush, \
	  FIRST(FRAGMENT_STORE, ENDS(PASSES), IN_FAR(size), BEFORE(vpid(), BYTE_AT(0, 0)), AFTER(BYTE_AT(0, 0x10))) }, \
	{ "tlb.restrict", 1 << MODE_64, FRAGMENT_LOAD, VIOLATES, IN_FAR(size), BEFORE(vpid(), EPT_XOR(EPT(which), 7)), AFTER(QUALIFICATION(Q_DATA | Q_READ)), need, .then = flush, \
	  FIRST(FRAGMENT_LOAD, ENDS(PASSES), IN_FAR(size), BEFORE(vpid(), BYTE_AT(0, 0x10))) }

/* ---- changes of the guest's page table ---- */

/* The page of data becomes that of the stack. */
#define REMAPPED MEMORY(8, PTE_AT(GUEST_DATA), GUEST_AT(GUEST_STACK, 0) | PTE), MEMORY(1, GUEST_AT(GUEST_STACK, 0), 0x77)
#define GLOBAL MEMORY(8, PTE_AT(GUEST_DATA), GUEST_AT(GUEST_DATA, 0) | PTE | PTE_G), OR(GUEST_CR4, CR4_PGE)
#define SEES_CHANGE(rule, flush, before, first, ...) \
	{ rule, 1 << MODE_64, FRAGMENT_LOAD, ENDS(PASSES), BEFORE(REMAPPED, before), AFTER(REG(RAX, RAX_WITH(0x77))), __VA_ARGS__, .then = flush, \
	  FIRST(FRAGMENT_LOAD, ENDS(PASSES), BEFORE(BYTE_AT(0, 0x10), first)) }

/* ---- the guest itself ---- */

#define TABLE_LINEAR GUEST_AT(GUEST_READ_ONLY, 8 * (GUEST_LINEAR / PAGE_SIZE + GUEST_DATA))
#define REMAPS(fragment, vpid, flags, register_, ...) \
	{ "tlb.guest", 1 << MODE_64, fragment, ENDS(PASSES), \
	  BEFORE(vpid, PRIMARY_OFF(INVLPG), PRIMARY_OFF(CR3_LOAD), MEMORY(8, PTE_AT(GUEST_READ_ONLY), GUEST_AT(GUEST_PAGE_TABLE, 0) | PTE), \
		 MEMORY(8, PTE_AT(GUEST_DATA), DATA | PTE | (flags)), BYTE_AT(0, 0x33), MEMORY(1, GUEST_AT(GUEST_STACK, 0), 0x77), \
		 REG(RDX, GUEST_AT(GUEST_STACK, 0) | PTE), REG(RSI, TABLE_LINEAR), register_), \
	  AFTER(MEMORY(8, PTE_AT(GUEST_DATA), GUEST_AT(GUEST_STACK, 0) | PTE), REG(RAX, RAX_WITH(0x77)), REG(RCX, RCX_WITH(0x33)), __VA_ARGS__), NEEDS_VPID }
#define NOTHING VPID_0()
#define PGE_ON OR(GUEST_CR4, CR4_PGE), REG_FROM(RDI, GUEST_CR4), { AT_GPR + RDI, GUEST_XOR, 0, 0, CR4_PGE }
#define TO_CR3 REG(RDI, GUEST_AT(GUEST_PML4, 0))

static const struct guest_row rows[] = {
	EACH_FAR(REPAIRED, VPID_1),
	EACH_FAR(RELAXED, VPID_1),
	EACH_FAR(RESTRICTED, FLUSH_EPT_SINGLE, VPID_1),
	EACH_FAR(RESTRICTED, FLUSH_EPT_ALL, VPID_1),
	EACH_FAR_LEAF(REPAIRED, VPID_0),
	EACH_FAR_LEAF(RELAXED, VPID_0),
	EACH_FAR_LEAF(RESTRICTED, FLUSH_EPT_SINGLE, VPID_0),
	EACH_FAR_LEAF(RESTRICTED, FLUSH_EPT_ALL, VPID_0),

	SEES_CHANGE("tlb.no_vpid", FLUSH_NOTHING, VPID_0(), VPID_0(), NEEDS_TABLES),
	SEES_CHANGE("tlb.no_vpid", FLUSH_NOTHING, OR(GUEST_CR4, CR4_PGE), GLOBAL, NEEDS_TABLES),
	SEES_CHANGE("tlb.vpid", FLUSH_NOTHING, VPID_IS(2), VPID_IS(1), NEEDS_VPID),
	SEES_CHANGE("tlb.vpid", FLUSH_NOTHING, VPID_IS(0xFFFF), VPID_IS(1), NEEDS_VPID),
	SEES_CHANGE("tlb.vpid", FLUSH_NOTHING, VPID_IS(0x101), VPID_IS(1), NEEDS_VPID),
	SEES_CHANGE("tlb.vpid", FLUSH_NOTHING, VPID_IS(1), VPID_0(), NEEDS_VPID),
	SEES_CHANGE("tlb.vpid", FLUSH_NOTHING, VPID_0(), VPID_IS(1), NEEDS_VPID),
	SEES_CHANGE("tlb.invvpid", FLUSH_VPID_ADDRESS, VPID_IS(1), VPID_IS(1), IF(has_vpid_address, "INVVPID of an address")),
	SEES_CHANGE("tlb.invvpid", FLUSH_VPID_SINGLE, VPID_IS(1), VPID_IS(1), IF(has_vpid_single, "INVVPID of a single context")),
	SEES_CHANGE("tlb.invvpid", FLUSH_VPID_ALL, VPID_IS(1), VPID_IS(1), NEEDS_VPID),
	SEES_CHANGE("tlb.invvpid", FLUSH_VPID_ALL, VPID_IS(0x1234), VPID_IS(0x1234), NEEDS_VPID),
	SEES_CHANGE("tlb.invvpid", FLUSH_VPID_NOT_GLOBAL, VPID_IS(1), VPID_IS(1), IF(has_vpid_not_global, "INVVPID of a single context but for globals")),
#define WITH_GLOBAL VPID_IS(1), OR(GUEST_CR4, CR4_PGE)
#define WITH_GLOBAL_PAGE VPID_IS(1), GLOBAL
	SEES_CHANGE("tlb.invvpid", FLUSH_VPID_ADDRESS, WITH_GLOBAL, WITH_GLOBAL_PAGE, IF(has_vpid_address, "INVVPID of an address")),
	SEES_CHANGE("tlb.invvpid", FLUSH_VPID_SINGLE, WITH_GLOBAL, WITH_GLOBAL_PAGE, IF(has_vpid_single, "INVVPID of a single context")),
	SEES_CHANGE("tlb.invvpid", FLUSH_VPID_ALL, WITH_GLOBAL, WITH_GLOBAL_PAGE, NEEDS_VPID),

	REMAPS(FRAGMENT_REMAP_INVLPG, VPID_IS(1), 0, NOTHING, NOTHING),
	REMAPS(FRAGMENT_REMAP_CR3, VPID_IS(1), 0, TO_CR3, SET(GUEST_CR3, GUEST_AT(GUEST_PML4, 0))),
	REMAPS(FRAGMENT_REMAP_PGE, VPID_IS(1), PTE_G, PGE_ON, XOR(GUEST_CR4, CR4_PGE)),
	REMAPS(FRAGMENT_REMAP_INVLPG, NOTHING, PTE_G, OR(GUEST_CR4, CR4_PGE), NOTHING),
	REMAPS(FRAGMENT_REMAP_CR3, NOTHING, 0, TO_CR3, SET(GUEST_CR3, GUEST_AT(GUEST_PML4, 0))),
};
/* clang-format on */

const struct guest_section ept_caches = { rows, ARRAY_SIZE(rows) };
