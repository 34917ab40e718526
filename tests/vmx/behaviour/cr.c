/* CR0 and CR4 behind their masks and shadows, each bit; what MOV to them refuses without an exit.
 */
#include "tests/vmx/behaviour/sections.h"
#include "tests/vmx/exit/needs.h"
#include "tests/vmx/exit/row_macros.h"

enum { GP = 13, MP = 2, CODE_L = 1 << 13 };
#define ALL (~0ull)
/* Those of CR0 that a guest may change as it likes, and no exit leaves to the host. */
#define FREE_0 (MP | CR0_EM | CR0_TS | CR0_WP | CR0_AM)
/* VME, PVI, TSD, DE, PGE, PCE, OSFXSR and OSXMMEXCPT. */
#define FREE_4 0x78Full

/* clang-format off */
#define BITS_8(n) 1ull << (n), 2ull << (n), 4ull << (n), 8ull << (n), 16ull << (n), 32ull << (n), 64ull << (n), 128ull << (n)
#define BITS_16(n) BITS_8(n), BITS_8((n) + 8)
#define BITS_32(n) BITS_16(n), BITS_16((n) + 16)
#define INVERTED(n, bits) FROM(CR##n##_READ_SHADOW, GUEST_CR##n), XOR(CR##n##_READ_SHADOW, bits)
/* The real one, in which the shadow has inverted what is masked. */
#define READ(n) REG_FROM(RAX, GUEST_CR##n), REG_XOR_FIELD(RAX, CR##n##_GUEST_HOST_MASK)
#define REAL_MODE (1 << MODE_REAL)
#define PAGED (MODES_KERNEL & ~MODES_UNPAGED)
#define PAGED_32 (1 << MODE_PAE | 1 << MODE_32 | 1 << MODE_16)
#define FLAT (1 << MODE_FLAT)
#define UG_ON SECONDARY_ON(UNRESTRICTED_GUEST)
#define UG_OFF SECONDARY_OFF(UNRESTRICTED_GUEST)
#define NO_MASK(n) SET(CR##n##_GUEST_HOST_MASK, 0)
/* Leaving protected mode may make CS a data segment, which virtual-8086 and real mode have there. */
#define LEAVES(...) AFTER(CLR(GUEST_CR0, CR0_PE | (__VA_ARGS__)), UNJUDGED(GUEST_CS_RIGHTS, 0xF))
/* A real-mode guest's error code is another rule's matter. */
#define NO_CODE AFTER(UNJUDGED(EXIT_INTERRUPTION_INFO, INFO_ERROR))

/* Each bit that may be written, as it is and inverted, and those that are masked keep what they are. */
#define WRITES(n, bit, ...) \
	{ "cr.write", MODES_KERNEL, FRAGMENT_MOV_TO_CR##n##_AX, ENDS(PASSES), \
	  BEFORE(__VA_ARGS__ SET(CR##n##_GUEST_HOST_MASK, ~(uint64_t)(bit)), INVERTED(n, FREE_##n), REG_FROM(RAX, CR##n##_READ_SHADOW)), AFTER(XOR(GUEST_CR##n, bit)) }, \
	{ "cr.write", MODES_KERNEL, FRAGMENT_MOV_TO_CR##n##_AX, ENDS(PASSES), \
	  BEFORE(__VA_ARGS__ XOR(GUEST_CR##n, bit), SET(CR##n##_GUEST_HOST_MASK, ~(uint64_t)(bit)), INVERTED(n, FREE_##n), REG_FROM(RAX, CR##n##_READ_SHADOW)), AFTER(XOR(GUEST_CR##n, bit)) }, \
	{ "cr.write", MODES_KERNEL, FRAGMENT_MOV_TO_CR##n##_AX, ENDS(PASSES), \
	  BEFORE(__VA_ARGS__ SET(CR##n##_GUEST_HOST_MASK, bit), INVERTED(n, bit), REG_FROM(RAX, CR##n##_READ_SHADOW)) }, \
	{ "cr.write", MODES_KERNEL, FRAGMENT_MOV_TO_CR##n##_AX, EXIT_BY(CR_ACCESS), \
	  BEFORE(__VA_ARGS__ SET(CR##n##_GUEST_HOST_MASK, bit), INVERTED(n, bit), REG_FROM(RAX, GUEST_CR##n)), AFTER(QUALIFICATION(n)) }

/* MOV to CR0 or CR4 of a value that only the changes to RAX tell, without an exit. */
#define REFUSES(rule, n, modes, ...) { rule, modes, FRAGMENT_MOV_TO_CR##n##_AX, FAULT_CODE(GP, 0), NO_CODE, BEFORE(NO_MASK(n), REG_FROM(RAX, GUEST_CR##n), __VA_ARGS__)
#define HAS_EPT IF(has_ept, "EPT")
#define HAS_CET IF(has_cet, "CET")

static const struct guest_row rows[] = {
	{ "cr.read", MODES_KERNEL, FRAGMENT_MOV_FROM_CR0_AX, ENDS(PASSES), BEFORE(INVERTED(0, ALL)), VALUES_OF(CR0_GUEST_HOST_MASK, BITS_32(0)), AFTER(READ(0)) },
	{ "cr.read", MODES_KERNEL, FRAGMENT_MOV_FROM_CR4_AX, ENDS(PASSES), BEFORE(INVERTED(4, ALL)), VALUES_OF(CR4_GUEST_HOST_MASK, BITS_32(0)), AFTER(READ(4)) },
	{ "cr.read", 1 << MODE_64, FRAGMENT_MOV_FROM_CR0_AX, ENDS(PASSES), BEFORE(INVERTED(0, ALL)), VALUES_OF(CR0_GUEST_HOST_MASK, BITS_32(32), ALL), AFTER(READ(0)) },
	{ "cr.read", 1 << MODE_64, FRAGMENT_MOV_FROM_CR4_AX, ENDS(PASSES), BEFORE(INVERTED(4, ALL)), VALUES_OF(CR4_GUEST_HOST_MASK, BITS_32(32), ALL), AFTER(READ(4)) },
	/* The same with a shadow that differs in nothing. */
	{ "cr.read", KERNEL_64 | REAL_MODE, FRAGMENT_MOV_FROM_CR0_AX, ENDS(PASSES), BEFORE(INVERTED(0, 0)), VALUES_OF(CR0_GUEST_HOST_MASK, BITS_32(0)), AFTER(REG_FROM(RAX, GUEST_CR0)) },
	{ "cr.read", KERNEL_64 | REAL_MODE, FRAGMENT_MOV_FROM_CR4_AX, ENDS(PASSES), BEFORE(INVERTED(4, 0)), VALUES_OF(CR4_GUEST_HOST_MASK, BITS_32(0)), AFTER(REG_FROM(RAX, GUEST_CR4)) },
	{ "cr.read", MODES_ALL, FRAGMENT_SMSW, ENDS(PASSES), BEFORE(INVERTED(0, ALL)), VALUES_OF(CR0_GUEST_HOST_MASK, BITS_16(0), 0), AFTER(READ(0), { AT_GPR + RAX, GUEST_UNJUDGED, 0, 0, ~0xFFFFull }) },

	WRITES(0, MP),
	WRITES(0, CR0_EM),
	WRITES(0, CR0_TS),
	WRITES(0, CR0_WP),
	WRITES(0, CR0_AM),
	WRITES(4, 1 << 0),
	WRITES(4, 1 << 1),
	WRITES(4, 1 << 2),
	WRITES(4, 1 << 3),
	WRITES(4, CR4_PGE),
	WRITES(4, 1 << 8),
	WRITES(4, CR4_OSFXSR),
	WRITES(4, 1 << 10),
	/* All of them at once, and several masked. */
	{ "cr.write", MODES_KERNEL, FRAGMENT_MOV_TO_CR0_AX, ENDS(PASSES), BEFORE(NO_MASK(0), REG_FROM(RAX, GUEST_CR0), { AT_GPR + RAX, GUEST_XOR, 0, 0, FREE_0 }), AFTER(XOR(GUEST_CR0, FREE_0)) },
	{ "cr.write", MODES_KERNEL, FRAGMENT_MOV_TO_CR4_AX, ENDS(PASSES), BEFORE(NO_MASK(4), REG_FROM(RAX, GUEST_CR4), { AT_GPR + RAX, GUEST_XOR, 0, 0, FREE_4 }), AFTER(XOR(GUEST_CR4, FREE_4)) },
	/* A masked bit that is fixed may be written as the shadow has it. */
	{ "cr.write", MODES_KERNEL, FRAGMENT_MOV_TO_CR0_AX, ENDS(PASSES), BEFORE(SET(CR0_GUEST_HOST_MASK, CR0_NE), INVERTED(0, CR0_NE), REG_FROM(RAX, CR0_READ_SHADOW), { AT_GPR + RAX, GUEST_XOR, 0, 0, CR0_TS }), AFTER(XOR(GUEST_CR0, CR0_TS)) },
	{ "cr.write", MODES_KERNEL, FRAGMENT_MOV_TO_CR4_AX, ENDS(PASSES), BEFORE(SET(CR4_GUEST_HOST_MASK, CR4_VMXE), INVERTED(4, CR4_VMXE), REG_FROM(RAX, CR4_READ_SHADOW), { AT_GPR + RAX, GUEST_XOR, 0, 0, CR4_PGE }), AFTER(XOR(GUEST_CR4, CR4_PGE)) },
	/* LMSW writes bits 3:0 that are not masked, and clears no PE. */
	{ "cr.write", MODES_KERNEL, FRAGMENT_LMSW, ENDS(PASSES), BEFORE(SET(CR0_GUEST_HOST_MASK, CR0_EM), SET(CR0_READ_SHADOW, 0), REG_FROM(RAX, GUEST_CR0), REG_CLR(RAX, CR0_EM), REG_OR(RAX, MP | CR0_TS)), AFTER(OR(GUEST_CR0, MP | CR0_TS)) },
	{ "cr.write", MODES_KERNEL, FRAGMENT_LMSW, ENDS(PASSES), BEFORE(NO_MASK(0), REG(RAX, 0), OR(GUEST_CR0, MP | CR0_EM | CR0_TS)), AFTER(CLR(GUEST_CR0, MP | CR0_EM | CR0_TS)) },
	{ "cr.write", MODES_KERNEL, FRAGMENT_LMSW, ENDS(PASSES), BEFORE(SET(CR0_GUEST_HOST_MASK, CR0_TS | MP), SET(CR0_READ_SHADOW, CR0_TS | MP), REG_FROM(RAX, GUEST_CR0), REG_OR(RAX, CR0_EM | CR0_TS | MP)), AFTER(OR(GUEST_CR0, CR0_EM)) },

	REFUSES("cr.fixed", 0, MODES_KERNEL, REG_CLR(RAX, CR0_NE)) },
	/* With EPT a guest that gets through is still among its own pages. */
	REFUSES("cr.fixed.paging", 0, PAGED, REG_CLR(RAX, CR0_PG), UG_OFF), HAS_EPT },
	REFUSES("cr.fixed.paging", 0, PAGED, REG_CLR(RAX, CR0_PG | CR0_PE), UG_OFF), HAS_EPT },
	REFUSES("cr.fixed.paging", 0, PAGED, REG_CLR(RAX, CR0_PE), UG_OFF), HAS_EPT },
	REFUSES("cr.fixed", 4, MODES_KERNEL, REG_CLR(RAX, CR4_VMXE)) },
	/* With the others masked, too: what counts is what CR0 and CR4 become. */
	{ "cr.fixed", MODES_KERNEL, FRAGMENT_MOV_TO_CR0_AX, FAULT_CODE(GP, 0), BEFORE(SET(CR0_GUEST_HOST_MASK, ~(uint64_t)CR0_NE), FROM(CR0_READ_SHADOW, GUEST_CR0), REG_FROM(RAX, GUEST_CR0), REG_CLR(RAX, CR0_NE)), NO_CODE },
	{ "cr.fixed", MODES_KERNEL, FRAGMENT_MOV_TO_CR4_AX, FAULT_CODE(GP, 0), BEFORE(SET(CR4_GUEST_HOST_MASK, ~(uint64_t)CR4_VMXE), FROM(CR4_READ_SHADOW, GUEST_CR4), REG_FROM(RAX, GUEST_CR4), REG_CLR(RAX, CR4_VMXE)), NO_CODE },

	/* ---- unrestricted guest ---- */
	{ "cr.ug", PAGED_32, FRAGMENT_MOV_TO_CR0_AX, ENDS(PASSES), BEFORE(UG_ON, NO_MASK(0), REG_FROM(RAX, GUEST_CR0), REG_CLR(RAX, CR0_PG)), AFTER(CLR(GUEST_CR0, CR0_PG)), HAS_EPT },
	{ "cr.ug", PAGED_32, FRAGMENT_MOV_TO_CR0_AX, ENDS(PASSES), BEFORE(UG_ON, NO_MASK(0), REG_FROM(RAX, GUEST_CR0), REG_CLR(RAX, CR0_PG | CR0_PE)), LEAVES(CR0_PG), HAS_EPT },
	{ "cr.ug", FLAT, FRAGMENT_MOV_TO_CR0_AX, ENDS(PASSES), BEFORE(NO_MASK(0), REG_FROM(RAX, GUEST_CR0), REG_CLR(RAX, CR0_PE)), LEAVES(0) },
	{ "cr.ug", FLAT, FRAGMENT_MOV_TO_CR0_AX, ENDS(PASSES), BEFORE(ENTRY_ON(LOAD_EFER), NO_MASK(0), REG_FROM(RAX, GUEST_CR0), REG_OR(RAX, CR0_PG)), AFTER(OR(GUEST_CR0, CR0_PG)) },
	{ "cr.ug", REAL_MODE, FRAGMENT_MOV_TO_CR0_AX, ENDS(PASSES), BEFORE(NO_MASK(0), REG_FROM(RAX, GUEST_CR0), REG_OR(RAX, CR0_PE)), AFTER(OR(GUEST_CR0, CR0_PE)) },
	{ "cr.ug", REAL_MODE, FRAGMENT_LMSW, ENDS(PASSES), BEFORE(NO_MASK(0), REG(RAX, CR0_PE)), AFTER(OR(GUEST_CR0, CR0_PE)) },
	REFUSES("cr.ug", 0, PAGED_32, REG_CLR(RAX, CR0_PE), UG_ON), HAS_EPT },
	REFUSES("cr.ug", 0, REAL_MODE, REG_OR(RAX, CR0_PG)) },
	REFUSES("cr.ug", 0, FLAT | REAL_MODE, REG_CLR(RAX, CR0_NE)) },
	REFUSES("cr.ug", 0, FLAT, REG_OR(RAX, CR0_PG), ENTRY_ON(LOAD_EFER), OR(GUEST_IA32_EFER, EFER_LME)) },
	/* IA-32e mode with CS.L, which it would begin with. */
	REFUSES("cr.ug", 0, FLAT, REG_OR(RAX, CR0_PG), ENTRY_ON(LOAD_EFER), OR(GUEST_IA32_EFER, EFER_LME), OR(GUEST_CR4, CR4_PAE), SET(GUEST_CS_RIGHTS, 0x809B | CODE_L)) },
	/* Leaves of IA-32e mode: from 64-bit code it does not. */
	REFUSES("cr.ug", 0, 1 << MODE_64, REG_CLR(RAX, CR0_PG), UG_ON), HAS_EPT },

	/* ---- CET ---- */
	REFUSES("cr.cet", 0, MODES_KERNEL, OR(GUEST_CR4, CR4_CET), REG_CLR(RAX, CR0_WP)), HAS_CET },
	REFUSES("cr.cet", 4, MODES_KERNEL, CLR(GUEST_CR0, CR0_WP), REG_OR(RAX, CR4_CET)), HAS_CET },
	{ "cr.cet", MODES_KERNEL, FRAGMENT_MOV_TO_CR4_AX, ENDS(PASSES), BEFORE(NO_MASK(4), REG_FROM(RAX, GUEST_CR4), REG_OR(RAX, CR4_CET)), AFTER(OR(GUEST_CR4, CR4_CET)), HAS_CET },
	{ "cr.cet", MODES_KERNEL, FRAGMENT_MOV_TO_CR0_AX, ENDS(PASSES), BEFORE(NO_MASK(0), REG_FROM(RAX, GUEST_CR0), REG_CLR(RAX, CR0_WP)), AFTER(CLR(GUEST_CR0, CR0_WP)), HAS_CET },
};
/* clang-format on */

const struct guest_section behaviour_cr = { rows, ARRAY_SIZE(rows) };
