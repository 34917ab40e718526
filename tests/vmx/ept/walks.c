/*
 * EPT violations by accesses to the guest's own page tables, and in the delivery of events; what is
 * told of the linear mapping.
 */
#include "tests/vmx/ept/row_macros.h"
#include "tests/vmx/ept/sections.h"
#include "x86/msr.h"

enum { VECTOR_UD = 6 };
#define PTE_XD (1ull << 63)

/* clang-format off */
/* ---- the walk of the first fetch ---- */

/* Of each of the guest's tables: the entry, and the modes that use it. */
#define EACH_TABLE(ROW, ...) \
	ROW(GUEST_PML4, MODES_LONG, PHYSICAL(GUEST_AT(GUEST_PML4, 0)), __VA_ARGS__), \
	ROW(GUEST_PDPT, MODES_LONG, PHYSICAL(GUEST_AT(GUEST_PDPT, 0)), __VA_ARGS__), \
	ROW(GUEST_DIRECTORY, MODES_LONG | MODES_PAE, PHYSICAL(GUEST_AT(GUEST_DIRECTORY, 0)), __VA_ARGS__), \
	ROW(GUEST_PAGE_TABLE, MODES_LONG | MODES_PAE, PHYSICAL_PTE(GUEST_PAGE_TABLE, 8), __VA_ARGS__), \
	ROW(GUEST_DIRECTORY_32, MODES_32_BIT, PHYSICAL(GUEST_AT(GUEST_DIRECTORY_32, 0)), __VA_ARGS__), \
	ROW(GUEST_PAGE_TABLE_32, MODES_32_BIT, PHYSICAL_PTE(GUEST_PAGE_TABLE_32, 4), __VA_ARGS__)
#define MODES_32_BIT (MODES_ALL & ~MODES_LONG & ~MODES_PAE & ~MODES_UNPAGED)

#define WALK_READS(page, modes, physical, ...) \
	{ "ept.vio.walk", modes, FRAGMENT_NOP, VIOLATES, BEFORE(EPT_XOR(EPT_OF(page), 7)), \
	  AFTER(physical, CODE_AT(GUEST_LINEAR_ADDRESS, 0), QUALIFICATION(Q_LINEAR | Q_READ)), NEEDS_TABLES }, \
	{ "ept.vio.walk", modes, FRAGMENT_NOP, ENDS(PASSES), ENTRIES_OF(EPT_OF(page), 7 ^ 1, 7 ^ 3, 7 ^ 5), NEEDS_TABLES }, \
	{ "ept.vio.walk", modes, FRAGMENT_NOP, VIOLATES, BEFORE(EPT_XOR(EPT_OF(page), 3)), \
	  AFTER(physical, CODE_AT(GUEST_LINEAR_ADDRESS, 0), QUALIFICATION(Q_LINEAR | Q_READ | MAY(4))), IF(has_execute_only, "execute-only EPT pages") }
/* With accessed and dirty flags a walk writes. */
#define WALK_WRITES(page, modes, physical, ...) \
	{ "ept.vio.walk_ad", modes, FRAGMENT_NOP, VIOLATES, BEFORE(FLAGS_ON), ENTRIES_OF(EPT_OF(page), 7 ^ 0, 7 ^ 1, 7 ^ 5), \
	  AFTER(physical, CODE_AT(GUEST_LINEAR_ADDRESS, 0), Q_ANY(Q_READ)), \
	  RESULTS_OF(EXIT_QUALIFICATION, Q_LINEAR | Q_WRITE, Q_LINEAR | Q_WRITE | MAY(1), Q_LINEAR | Q_WRITE | MAY(5)), NEEDS_FLAGS }, \
	{ "ept.vio.walk_ad.both", modes, FRAGMENT_NOP, VIOLATES, BEFORE(FLAGS_ON, EPT_XOR(EPT_OF(page), EPT_W)), \
	  AFTER(physical, CODE_AT(GUEST_LINEAR_ADDRESS, 0), QUALIFICATION(Q_LINEAR | Q_READ | Q_WRITE | MAY(5))), NEEDS_FLAGS }, \
	{ "ept.vio.walk_ad", modes, FRAGMENT_NOP, ENDS(PASSES), BEFORE(FLAGS_ON, EPT_XOR(EPT_OF(page), EPT_X)), NEEDS_FLAGS }

/* An entry that leads to all the guest's pages. */
#define SHARED(which) \
	{ "ept.vio.permission", MODES_ALL, FRAGMENT_NOP, VIOLATES, ENTRIES_OF(EPT(which), 7 ^ 1, 7 ^ 3), \
	  RESULTS_OF(EXIT_QUALIFICATION, Q_LINEAR | Q_FINAL | Q_FETCH | MAY(1), Q_LINEAR | Q_FINAL | Q_FETCH | MAY(3)), \
	  AFTER(CODE_AT(GUEST_PHYSICAL_ADDRESS, 0), CODE_AT(GUEST_LINEAR_ADDRESS, 0)), NEEDS_TABLES }, \
	{ "ept.vio.walk", MODES_LONG, FRAGMENT_NOP, VIOLATES, BEFORE(EPT_XOR(EPT(which), 7)), \
	  AFTER(PHYSICAL(GUEST_AT(GUEST_PML4, 0)), CODE_AT(GUEST_LINEAR_ADDRESS, 0), QUALIFICATION(Q_LINEAR | Q_READ)), NEEDS_TABLES }, \
	{ "ept.vio.walk_ad", MODES_LONG, FRAGMENT_NOP, VIOLATES, BEFORE(FLAGS_ON), ENTRIES_OF(EPT(which), 7 ^ 1, 7 ^ 5), \
	  RESULTS_OF(EXIT_QUALIFICATION, Q_LINEAR | Q_WRITE | MAY(1), Q_LINEAR | Q_WRITE | MAY(5)), \
	  AFTER(PHYSICAL(GUEST_AT(GUEST_PML4, 0)), CODE_AT(GUEST_LINEAR_ADDRESS, 0), Q_ANY(Q_READ)), NEEDS_FLAGS }

/* ---- the walk of a load: one of its tables is far away, where all entries are 0 ---- */

/* The third linear GiB, 2 MiB, page, by an entry that leads to far data in place of a table. */
enum { INDEX = 3, OTHER = 5 };
#define LINEAR_BY(pml4, pdpt, directory, page) ((uint64_t)(pml4) << 39 | (uint64_t)(pdpt) << 30 | (uint64_t)(directory) << 21 | (uint64_t)(page) << 12)
#define TO_FAR(table, index, size) { AT_MEMORY, GUEST_FAR, 8, (uint32_t)GUEST_AT(table, 8 * (index)), FAR(size, PTE) }
#define FAR_TABLE(which, size, table, index, linear, next, ...) \
	{ "ept.vio.walk", 1 << MODE_64, FRAGMENT_LOAD, VIOLATES, BEFORE(TO_FAR(table, index, size), REG(RBX, linear)), ENTRIES_OF(EPT(which), 7), \
	  AFTER(PHYSICAL_FAR(size, 8 * (next)), LINEAR(linear), QUALIFICATION(Q_LINEAR | Q_READ)), __VA_ARGS__ }, \
	/* It may be read: there is no entry. */ \
	{ "ept.vio.walk", 1 << MODE_64, FRAGMENT_LOAD, FAULT_CODE(14, 0), BEFORE(TO_FAR(table, index, size), REG(RBX, linear), BYTE_AT(8 * (next), 0)), ENTRIES_OF(EPT(which), 7 ^ 1, 7 ^ 5), \
	  AFTER(QUALIFICATION(linear)), __VA_ARGS__ }
#define FAR_PDPT_ROWS(which, size, need, ...) FAR_TABLE(which, size, GUEST_PML4, INDEX, LINEAR_BY(INDEX, OTHER, 0, 0), OTHER, need)
#define FAR_DIRECTORY_ROWS(which, size, need, ...) FAR_TABLE(which, size, GUEST_PDPT, INDEX, LINEAR_BY(0, INDEX, OTHER, 0), OTHER, need)
#define FAR_TABLE_ROWS(which, size, need, ...) FAR_TABLE(which, size, GUEST_DIRECTORY, INDEX, LINEAR_BY(0, 0, INDEX, OTHER), OTHER, need)
/* The guest's accessed and dirty flags are written. */
#define SETS_FLAG(fragment, bit) \
	{ "ept.vio.walk.flag", MODES_LONG | MODES_PAE, fragment, VIOLATES, BEFORE(MEMORY(1, PTE_AT(GUEST_DATA), PTE & ~(bit)), EPT_XOR(EPT_OF(GUEST_PAGE_TABLE), EPT_W)), \
	  AFTER(PHYSICAL(PTE_AT(GUEST_DATA)), LINEAR(DATA), Q_ANY(Q_READ), QUALIFICATION(Q_LINEAR | Q_WRITE | MAY(5)), \
		MEMORY(1, PTE_AT(GUEST_DATA), PTE & ~(bit))), NEEDS_TABLES }

/* MOV to CR3 in PAE mode reads four entries: no linear address, no write. */
#define PDPTES PRIMARY_OFF(CR3_LOAD), REG(RAX, GUEST_AT(GUEST_PAE_PDPT, 0))

/* ---- events ---- */

#define INJECT(type, vector) SET(ENTRY_INTERRUPTION_INFO, INFO_VALID | INFO_##type | (vector))
#define VECTORED(type, vector) SET(IDT_VECTORING_INFO, INFO_VALID | INFO_##type | (vector))
/* "NMI unblocking due to IRET" says nothing then. */
#define IN_DELIVERY(modes, page, bits, inject, vectored, access, address, ...) \
	{ "ept.vio.event", modes, FRAGMENT_NOP, VIOLATES, BEFORE(EPT_XOR(EPT_OF(page), bits), inject, OR(GUEST_RFLAGS, RFLAGS_IF)), \
	  AFTER(SAYS(address), Q_ANY(1 << 12), QUALIFICATION(Q_LINEAR | Q_FINAL | (access) | MAY(7 ^ (bits))), vectored, __VA_ARGS__), NEEDS_TABLES }
#define BY_IDT(modes, page, bytes) \
	IN_DELIVERY(modes, page, 7, INJECT(HARDWARE_EXCEPTION, VECTOR_UD), VECTORED(HARDWARE_EXCEPTION, VECTOR_UD), Q_READ, GUEST_AT(page, VECTOR_UD * (bytes)), IN_ENTRY), \
	IN_DELIVERY(modes, page, 7, INJECT(EXTERNAL, 0x41), VECTORED(EXTERNAL, 0x41), Q_READ, GUEST_AT(page, 0x41 * (bytes)), IN_ENTRY)
/* Which of its bytes comes first is the processor's. */
#define IN_ENTRY UNJUDGED(GUEST_PHYSICAL_ADDRESS, 0xF), UNJUDGED(GUEST_LINEAR_ADDRESS, 0xF)
#define IN_PAGE UNJUDGED(GUEST_PHYSICAL_ADDRESS, 0xFFF), UNJUDGED(GUEST_LINEAR_ADDRESS, 0xFFF)

/* ---- the linear mapping ---- */

#define MAPPED(flags, said, fragment, access) \
	{ "ept.vio.advanced", 1 << MODE_64, fragment, VIOLATES, \
	  BEFORE(FAR_PAGE(GUEST_DATA, FAR_4_KIB, PTE_P | PTE_A | PTE_D | (flags)), EPT_XOR(EPT(FAR_1), 7), OR(GUEST_IA32_EFER, EFER_NXE), ENTRY_ON(LOAD_EFER), EXIT_ON(LOAD_EFER)), \
	  AFTER(PHYSICAL_FAR(FAR_4_KIB, 0), LINEAR(DATA), JUDGED(EXIT_QUALIFICATION, Q_USER | Q_WRITABLE | Q_NO_FETCH), QUALIFICATION(Q_LINEAR | Q_FINAL | (access) | (said))), \
	  IF(has_advanced_info, "advanced information for EPT violations") }
#define EACH_MAPPING(fragment, access) \
	MAPPED(0, 0, fragment, access), \
	MAPPED(PTE_U, Q_USER, fragment, access), \
	MAPPED(PTE_W, Q_WRITABLE, fragment, access), \
	MAPPED(PTE_W | PTE_U, Q_WRITABLE | Q_USER, fragment, access), \
	MAPPED(PTE_XD, Q_NO_FETCH, fragment, access), \
	MAPPED(PTE_XD | PTE_U, Q_NO_FETCH | Q_USER, fragment, access), \
	MAPPED(PTE_XD | PTE_W, Q_NO_FETCH | Q_WRITABLE, fragment, access), \
	MAPPED(PTE_XD | PTE_W | PTE_U, Q_NO_FETCH | Q_WRITABLE | Q_USER, fragment, access)

static const struct guest_row rows[] = {
	EACH_TABLE(WALK_READS, 0),
	SHARED(NEAR_4),
	SHARED(NEAR_3),
	SHARED(NEAR_2),
	EACH_FAR(FAR_PDPT_ROWS, 0),
	EACH_FAR(FAR_DIRECTORY_ROWS, 0),
	EACH_FAR(FAR_TABLE_ROWS, 0),
	SETS_FLAG(FRAGMENT_LOAD, PTE_A),
	SETS_FLAG(FRAGMENT_STORE, PTE_D),
	EACH_TABLE(WALK_WRITES, 0),

	{ "ept.vio.linear", 1 << MODE_PAE, FRAGMENT_MOV_TO_CR3_AX, VIOLATES, BEFORE(PDPTES, EPT_XOR(EPT_OF(GUEST_PAE_PDPT), 7)),
	  VALUES_OF_REG(RAX, GUEST_AT(GUEST_PAE_PDPT, 0), GUEST_AT(GUEST_PAE_PDPT, 0x20), GUEST_AT(GUEST_PAE_PDPT, 0xFE0)),
	  RESULTS_OF(GUEST_PHYSICAL_ADDRESS, GUEST_AT(GUEST_PAE_PDPT, 0), GUEST_AT(GUEST_PAE_PDPT, 0x20), GUEST_AT(GUEST_PAE_PDPT, 0xFE0)),
	  AFTER(UNJUDGED(GUEST_PHYSICAL_ADDRESS, 0x1F), Q_ANY(Q_FINAL), QUALIFICATION(Q_READ)), NEEDS_TABLES },
	{ "ept.vio.linear", 1 << MODE_PAE, FRAGMENT_MOV_TO_CR3_AX, ENDS(PASSES), BEFORE(PDPTES, FLAGS_ON, EPT_XOR(EPT_OF(GUEST_PAE_PDPT), EPT_W | EPT_D)),
	  AFTER(SET(GUEST_CR3, GUEST_AT(GUEST_PAE_PDPT, 0))), NEEDS_FLAGS },

	BY_IDT(MODES_LONG, GUEST_IDT_64, 16),
	BY_IDT((MODES_PAE | 1 << MODE_32 | 1 << MODE_32_USER | 1 << MODE_FLAT | 1 << MODE_FLAT_USER | 1 << MODE_V86), GUEST_IDT_32, 8),
	BY_IDT(MODES_16, GUEST_IDT_16, 8),
	BY_IDT(1 << MODE_REAL, GUEST_IVT, 4),
	IN_DELIVERY(MODES_ALL, GUEST_STACK, EPT_W, INJECT(EXTERNAL, 0x40), VECTORED(EXTERNAL, 0x40), Q_WRITE, GUEST_AT(GUEST_STACK, 0), IN_PAGE),
	IN_DELIVERY(MODES_64, GUEST_TABLES, 7, INJECT(EXTERNAL, 0x40), VECTORED(EXTERNAL, 0x40), Q_READ, GUEST_AT(GUEST_TABLES, 0), IN_PAGE),
	/* INT n of the guest: its length is that of the event, too. */
	{ "ept.vio.event", MODES_LONG, FRAGMENT_INT_80, VIOLATES, BEFORE(EPT_XOR(EPT_OF(GUEST_IDT_64), 7)),
	  AFTER(SAYS(GUEST_AT(GUEST_IDT_64, 0x80 * 16)), Q_ANY(1 << 12), QUALIFICATION(Q_LINEAR | Q_FINAL | Q_READ), IN_ENTRY, VECTORED(SOFTWARE_INTERRUPT, 0x80), SET(EXIT_INSTRUCTION_LENGTH, 2)), NEEDS_TABLES },
	{ "ept.vio.event", MODES_LONG, FRAGMENT_UD2, VIOLATES, BEFORE(EPT_XOR(EPT_OF(GUEST_IDT_64), 7), SET(EXCEPTION_BITMAP, 0)),
	  AFTER(SAYS(GUEST_AT(GUEST_IDT_64, VECTOR_UD * 16)), Q_ANY(1 << 12), QUALIFICATION(Q_LINEAR | Q_FINAL | Q_READ), IN_ENTRY, VECTORED(HARDWARE_EXCEPTION, VECTOR_UD)), NEEDS_TABLES },

	/* IRET that ends the blocking of NMIs, and then finds no stack. */
	{ "ept.vio.nmi", 1 << MODE_64, FRAGMENT_IRETQ, VIOLATES,
	  BEFORE(PIN_ON(NMI), PIN_ON(VIRTUAL_NMIS), SET(GUEST_INTERRUPTIBILITY, 8), SET(GUEST_RSP, DATA), EPT_XOR(EPT_OF(GUEST_DATA), 7)),
	  AFTER(SAYS(DATA), IN_PAGE, SET(GUEST_INTERRUPTIBILITY, 0), QUALIFICATION(Q_LINEAR | Q_FINAL | Q_READ | 1 << 12)), NEEDS_TABLES },
	EACH_MAPPING(FRAGMENT_LOAD, Q_READ),
	MAPPED(PTE_W, Q_WRITABLE, FRAGMENT_STORE, Q_WRITE),
	MAPPED(PTE_W | PTE_U, Q_WRITABLE | Q_USER, FRAGMENT_STORE, Q_WRITE),
};
/* clang-format on */

const struct guest_section ept_walks = { rows, ARRAY_SIZE(rows) };
