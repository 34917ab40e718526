/* What the rows of this folder are written with, beside those of tests/vmx/exit/. */
#ifndef TESTS_VMX_EPT_ROW_MACROS_H
#define TESTS_VMX_EPT_ROW_MACROS_H

#include "tests/vmx/ept/features.h"
#include "tests/vmx/exit/row_macros.h"

/* In entries. */
enum { EPT_R = 1, EPT_W = 2, EPT_X = 4, EPT_A = 1 << 8, EPT_D = 1 << 9, EPT_USER_X = 1 << 10 };
/* In EPT_POINTER. */
enum { EPTP_FLAGS = 1 << 6 };

/* Exit qualification of an EPT violation: SDM vol. 3C, "Exit Qualification for EPT Violations". */
enum {
	Q_READ = 1,
	Q_WRITE = 2,
	Q_FETCH = 4,
	Q_LINEAR = 1 << 7,
	Q_FINAL = 1 << 8, /* no access to a paging-structure entry */
	Q_USER = 1 << 9,
	Q_WRITABLE = 1 << 10,
	Q_NO_FETCH = 1 << 11,
	Q_DATA = Q_LINEAR | Q_FINAL
};
/* Bits that a capability defines, or a control; of #VE, of exits a row judges them. */
#define Q_OF_CAPABILITIES 0xE40

/* Bits 5:3: what the entries allow. */
#define MAY(permissions) (uint64_t)(permissions) * 8

/* A CPUID instruction. */
enum { CPUID_BYTES = 0xA20F };

/* In the guest's page tables. */
enum {
	PTE_P = 1,
	PTE_W = 2,
	PTE_U = 4,
	PTE_A = 1 << 5,
	PTE_D = 1 << 6,
	PTE_G = 1 << 8,
	PTE = PTE_P | PTE_W | PTE_U | PTE_A | PTE_D
};

/* clang-format off */
#define DATA GUEST_AT(GUEST_DATA, 0)
#define PTE_AT(page) GUEST_AT(GUEST_PAGE_TABLE, 8 * (GUEST_LINEAR / PAGE_SIZE + (page)))
#define EPT(which) AT_EPT + EPT_##which
#define EPT_OF(page) AT_EPT + EPT_PAGE + (page)
#define EPT_XOR(at, v) { at, GUEST_XOR, 0, 0, (uint64_t)(v) }
#define EPT_OR(at, v) { at, GUEST_OR, 0, 0, (uint64_t)(v) }
#define EPT_CLR(at, v) { at, GUEST_CLEAR, 0, 0, (uint64_t)(v) }
#define EPT_ANY(at, bits) { at, GUEST_UNJUDGED, 0, 0, bits }
#define WORD(at, v) { at, GUEST_SET, 0, 0, (uint64_t)(v) }
#define WORD_FAR(at, size, more) { at, GUEST_FAR, 0, 0, FAR(size, more) }
#define ENTRIES_OF(at_, ...) .value_how = GUEST_XOR, .at = at_, .values = (const uint64_t[]){ __VA_ARGS__ }, \
	.count = sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)

/* GUEST_DATA, or another page, is far away. */
#define FAR_PAGE(page, size, flags) { AT_MEMORY, GUEST_FAR, 8, (uint32_t)PTE_AT(page), FAR(size, flags) }
#define IN_FAR(size) .far = (size) + 1
#define BYTE_AT(offset, v) MEMORY(1, GUEST_AT(GUEST_DATA, offset), v)

#define VIOLATES .end = GUEST_EXITS_AT, .number = REASON_EPT_VIOLATION
#define MISCONFIGURED .end = GUEST_EXITS_AT, .number = REASON_EPT_MISCONFIGURATION
#define Q_ANY(bits) UNJUDGED(EXIT_QUALIFICATION, bits)
#define PHYSICAL(address) SET(GUEST_PHYSICAL_ADDRESS, address)
#define PHYSICAL_FAR(size, offset) { AT_GUEST_PHYSICAL_ADDRESS, GUEST_FAR, 0, 0, FAR(size, offset) }
/* Of the entry that the first fetch needs, in the guest's page table. */
#define PHYSICAL_PTE(page, size) { AT_GUEST_PHYSICAL_ADDRESS, GUEST_CODE_ENTRY, size, 0, GUEST_AT(page, 0) }
#define LINEAR(address) SET(GUEST_LINEAR_ADDRESS, address)
/* Of an address that is the same on both sides. */
#define SAYS(address) PHYSICAL(address), LINEAR(address)
#define FLAGS_ON OR(EPT_POINTER, EPTP_FLAGS)

#define NEEDS_TABLES IF(has_tables, "EPT and INVEPT")
#define NEEDS_FAR_4 IF(has_far_pml4, "40 physical-address bits")
#define NEEDS_2_MIB IF(has_2_mib, "EPT pages of 2 MiB")
#define NEEDS_1_GIB IF(has_1_gib, "EPT pages of 1 GiB")
#define NEEDS_FLAGS IF(has_flags, "accessed and dirty flags for EPT")

/* ROW(entry, size of the page, needs), for each entry that leads to far data. */
#define EACH_FAR_TABLE(ROW, ...) \
	ROW(FAR_4, FAR_4_KIB, NEEDS_FAR_4, __VA_ARGS__), \
	ROW(FAR_3, FAR_4_KIB, NEEDS_TABLES, __VA_ARGS__), \
	ROW(FAR_2, FAR_4_KIB, NEEDS_TABLES, __VA_ARGS__)
#define EACH_FAR_LEAF(ROW, ...) \
	ROW(FAR_1, FAR_4_KIB, NEEDS_TABLES, __VA_ARGS__), \
	ROW(FAR_2_MIB, FAR_2_MIB, NEEDS_2_MIB, __VA_ARGS__), \
	ROW(FAR_1_GIB, FAR_1_GIB, NEEDS_1_GIB, __VA_ARGS__)
#define EACH_FAR(ROW, ...) EACH_FAR_TABLE(ROW, __VA_ARGS__), EACH_FAR_LEAF(ROW, __VA_ARGS__)
/* clang-format on */

#endif
