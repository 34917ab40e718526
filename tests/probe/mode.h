/*
 * The modes that a guest can run in, each with memory of its own, for guests of a few instructions:
 * see fragments.def. No vendor: the state is a struct regs, the memory is the same for VMX and SVM.
 */
#ifndef TESTS_PROBE_MODE_H
#define TESTS_PROBE_MODE_H

#include "lib/base.h"
#include "vm/regs.h"

/* A mode and a privilege level. Virtual-8086 mode has CPL 3 and real mode CPL 0. */
enum guest_mode {
	MODE_64,
	MODE_64_USER,
	MODE_COMPAT,
	MODE_COMPAT_USER,
	MODE_PAE, /* 32-bit protected mode */
	MODE_PAE_USER,
	MODE_32, /* the same with 32-bit paging */
	MODE_32_USER,
	MODE_16, /* 16-bit protected mode, 32-bit paging */
	MODE_16_USER,
	MODE_V86,
	MODE_FLAT, /* 32-bit protected mode without paging */
	MODE_FLAT_USER,
	MODE_REAL,
	GUEST_MODES
};

/* Sets of modes, for rows. */
enum {
	MODES_64 = 1 << MODE_64 | 1 << MODE_64_USER,
	MODES_COMPAT = 1 << MODE_COMPAT | 1 << MODE_COMPAT_USER,
	MODES_PAE = 1 << MODE_PAE | 1 << MODE_PAE_USER,
	MODES_16 = 1 << MODE_16 | 1 << MODE_16_USER,
	MODES_ALL = (1 << GUEST_MODES) - 1,
	/* By CPL; real mode is among the former. */
	MODES_KERNEL = 1 << MODE_64 | 1 << MODE_COMPAT | 1 << MODE_PAE | 1 << MODE_32 |
		       1 << MODE_16 | 1 << MODE_FLAT | 1 << MODE_REAL,
	MODES_USER = MODES_ALL & ~MODES_KERNEL,
	MODES_PROTECTED = MODES_ALL & ~(1 << MODE_V86 | 1 << MODE_REAL),
	/* By the default size of operands; 16 bits in real and virtual-8086 mode, too. */
	MODES_CODE_16 = MODES_16 | 1 << MODE_V86 | 1 << MODE_REAL,
	MODES_CODE_32 = MODES_ALL & ~(MODES_64 | MODES_CODE_16),
	MODES_LONG = MODES_64 | MODES_COMPAT,
	MODES_LEGACY = MODES_ALL & ~MODES_LONG,
	MODES_UNPAGED = 1 << MODE_FLAT | 1 << MODE_FLAT_USER | 1 << MODE_REAL,
};

enum code_size { CODE_16, CODE_32, CODE_64, CODE_SIZES };

struct guest_mode_row {
	const char *name;
	uint8_t code; /* enum code_size */
	bool user;
};

extern const struct guest_mode_row guest_modes[GUEST_MODES];

/*
 * The guest's memory: pages that follow each other from linear address GUEST_LINEAR, the same in
 * every mode. Segments are flat, or the 64 KiB from there on in 16-bit code. Nothing else is
 * mapped.
 */
enum guest_page {
	GUEST_CODE, /* the fragments, and those of the vendor */
	GUEST_VENDOR_CODE = 4,
	GUEST_HANDLERS = 8, /* NOP and CPUID for each vector, 4 bytes apart */
	GUEST_STACK,	    /* of CPL 0 */
	GUEST_STACK_USER,   /* and of CPL 3 */
	GUEST_DATA,
	GUEST_ABSENT,	   /* not present */
	GUEST_READ_ONLY,   /* not writable */
	GUEST_SYSTEM,	   /* not the user's */
	GUEST_APIC,	   /* registers of a virtual local APIC */
	GUEST_IDT_64 = 16, /* from here on beyond the 64 KiB */
	GUEST_IDT_32,
	GUEST_IDT_16,
	GUEST_IVT,
	GUEST_TABLES, /* GDT, LDT, and a TSS for each size of code */
	GUEST_LINEAR_PAGES,
	/* Page tables, which have no linear address. */
	GUEST_PML4 = GUEST_LINEAR_PAGES,
	GUEST_PDPT,
	GUEST_DIRECTORY,
	GUEST_PAGE_TABLE,
	GUEST_PAE_PDPT,
	GUEST_DIRECTORY_32,
	GUEST_PAGE_TABLE_32,
	GUEST_PAGES
};

enum { GUEST_LINEAR = 0x10000, GUEST_CODE_BYTES = 4 * PAGE_SIZE };

#define GUEST_AT(page, offset) ((uint64_t)GUEST_LINEAR + (page)*PAGE_SIZE + (offset))

/* Selectors in the GDT. In 16-bit code they are for the 64 KiB at GUEST_LINEAR. */
enum {
	SELECTOR_CODE_64 = 0x08,
	SELECTOR_DATA = 0x10,
	SELECTOR_CODE_32 = 0x18,
	SELECTOR_CODE_64_USER = 0x23,
	SELECTOR_DATA_USER = 0x2B,
	SELECTOR_CODE_32_USER = 0x33,
	SELECTOR_CODE_16 = 0x38,
	SELECTOR_DATA_16 = 0x40,
	SELECTOR_CODE_16_USER = 0x4B,
	SELECTOR_DATA_16_USER = 0x53,
	SELECTOR_TSS = 0x58,
	SELECTOR_LDT = 0x68,
	SELECTOR_TSS_FREE = 0x78, /* available */
	SELECTOR_ABSENT = 0x88,	  /* data, not present */
	SELECTOR_GATE = 0x90,	  /* a task gate to SELECTOR_TSS_FREE */
	GUEST_GDT_LIMIT = 0x97,
	SELECTOR_REAL = GUEST_LINEAR >> 4, /* in real and virtual-8086 mode */
};

/* In GUEST_TABLES. */
enum { LDT_AT = 0x200, LDT_LIMIT = 0x1F, TSS_AT = 0x400, TSS_BYTES = 0x200, TSS_LIMIT = 0x67 };

/*
 * Gates: for interrupts if the vector is even, traps if it is odd; open to CPL 3 from 80H on, and
 * for #BP and #OF. These are bad on purpose.
 */
enum {
	VECTOR_NOT_PRESENT = 0x70,
	VECTOR_NULL = 0x72,	 /* selector 0 */
	VECTOR_NO_CODE = 0x74,	 /* the selector of a data segment */
	VECTOR_USER_ONLY = 0x80, /* the first that CPL 3 may use by INT */
};

/* Offsets of the stack pointers in their pages: the initial one, and that of a TSS. */
enum { STACK_TOP = 0x800, STACK_TSS = 0xF00 };

struct guest_memory {
	uint8_t *pages;	  /* GUEST_PAGES of the host's memory, zeros */
	uint64_t address; /* their guest-physical address: GUEST_LINEAR if paging is nested */
};

struct guest_code {
	const uint8_t *start, *end; /* what is copied into the guest's memory */
};

/* Fills the pages. vendor: more code; .start NULL: none. False: it is too long. */
bool guest_memory_fill(const struct guest_memory *memory, const struct guest_code *vendor);

/* Guest-physical address of a page, and of a byte of it in the host's memory. */
static inline uint64_t guest_physical(const struct guest_memory *memory, enum guest_page page)
{
	return memory->address + page * (uint64_t)PAGE_SIZE;
}

static inline uint8_t *guest_byte(const struct guest_memory *memory, uint64_t linear)
{
	return memory->pages + (linear - GUEST_LINEAR);
}

/*
 * The state in which a mode begins, at the first byte of its code. General registers have a pattern
 * each, RBX is the offset of GUEST_DATA in DS, RSI and RDI those 40H and 80H further on. CR0 and
 * CR4 lack what a vendor fixes.
 */
void guest_mode_state(enum guest_mode mode, const struct guest_memory *memory, struct regs *regs);

/* What a linear address is as an offset in the mode's segments. */
uint64_t guest_offset(enum guest_mode mode, uint64_t linear);

#endif
