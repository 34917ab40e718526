/*
 * What the program "state" and its test share: the registers to fill and the registers found. Both
 * sides compile this file; state.S has the offsets.
 */
#ifndef TESTS_GUEST_GUEST_STATE_H
#define TESTS_GUEST_GUEST_STATE_H

#include <stdint.h>

enum {
	GUEST_STATE_REGION = 0x40000,
	GUEST_STATE_TABLES = 0x41000, /* PML4, page-directory-pointer table, page directory */
	GUEST_STATES = 0x44000,	      /* struct guest_state for each slot, a page each */
	GUEST_STATE_SLOTS = 4,
	GUEST_STATE_PAGES = 4 + GUEST_STATE_SLOTS,
	/* Page 40000H: the program puts a jump there, so that a SIPI with this vector makes a vCPU
	 * store its registers as they are after INIT. */
	GUEST_STATE_SIPI = GUEST_STATE_REGION >> 12,
};

struct guest_registers {
	uint64_t gpr[16]; /* in ModRM order */
	uint64_t dr[4], dr6, dr7;
	uint64_t cr2, xcr0, pat;
	uint64_t unused[7];
	uint8_t fx[512];     /* FXSAVE area: x87, MXCSR, XMM0-15 */
	uint8_t ymm[16][32]; /* if avx; the low halves are the XMM registers */
};

struct guest_state {
	struct guest_registers fill, seen;
	uint64_t gdt[6]; /* null, 64-bit code, data, FS: this structure, GS: any base, TSS */
	uint16_t gdt_pointer[3];
	uint16_t align;
	uint32_t xsave, avx; /* the processor has them */
	uint32_t counter;    /* while it waits for the release */
	uint32_t release;
	uint32_t stores;   /* how often seen has been written */
	uint32_t cr0_set;  /* CD and NW */
	uint32_t cr0_seen; /* after INIT and SIPI, before anything changed it */
};

#define GUEST_OFFSET(field, value)                                                                 \
	_Static_assert(__builtin_offsetof(struct guest_state, field) == (value), "state.S")
GUEST_OFFSET(fill.dr, 128);
GUEST_OFFSET(fill.cr2, 176);
GUEST_OFFSET(fill.pat, 192);
GUEST_OFFSET(fill.fx, 256);
GUEST_OFFSET(fill.ymm, 768);
GUEST_OFFSET(seen, 1280);
GUEST_OFFSET(gdt, 2560);
GUEST_OFFSET(gdt_pointer, 2608);
GUEST_OFFSET(xsave, 2616);
GUEST_OFFSET(avx, 2620);
GUEST_OFFSET(counter, 2624);
GUEST_OFFSET(release, 2628);
GUEST_OFFSET(stores, 2632);
GUEST_OFFSET(cr0_set, 2636);
GUEST_OFFSET(cr0_seen, 2640);
_Static_assert(sizeof(struct guest_state) <= 4096, "a page each");

#endif
