/*
 * Rules of what guests see and of what exits tell, as rows of data: a fragment of code, the modes
 * that it runs in, what differs from the mode's state before, how it ends, and what differs from
 * the expected then. Everything that a row does not name must be as it was: general registers,
 * every field that an exit saves; and the exit information that has no meaning for this exit must
 * say so.
 */
#ifndef TESTS_VMX_EXIT_ROWS_H
#define TESTS_VMX_EXIT_ROWS_H

#include "lib/base.h"
#include "vmx/model/state.h"

#include "tests/probe/fragment.h"

/* Fragments of this folder's fragments.def have numbers after the neutral ones. */
enum vmx_fragment {
	VMX_FRAGMENTS_FIRST = NEUTRAL_FRAGMENTS - 1,
#define FRAGMENT(name, ...) FRAGMENT_##name,
#define FRAGMENT_64 FRAGMENT
#define FRAGMENT_32 FRAGMENT
#include "tests/vmx/exit/fragments.def"
#undef FRAGMENT
#undef FRAGMENT_64
#undef FRAGMENT_32
	ALL_FRAGMENTS
};

extern const struct fragments vmx_fragments;

/* What a change is to, beside enum model_index. */
enum guest_index {
	AT_GPR = 0x200, /* and the number */
	AT_CR2 = AT_GPR + GPRS,
	AT_DR0,
	AT_DR1,
	AT_DR2,
	AT_DR3,
	AT_DR6,
	AT_MSR,	   /* .linear: which; before the entry, and what the host finds after the exit */
	AT_MEMORY, /* .bytes at .linear */
	/* A fixed interrupt of vector .linear: before, it waits in the processor's own local APIC;
	 * afterwards .value says in what registers of it the vector is. */
	AT_INTERRUPT,
	AT_SEAT,	   /* .bytes at .linear of the pages of enum entry_page */
	AT_WORDS = 0x280,  /* from here on: 8 bytes of memory that the guest does not see */
	AT_EPT = AT_WORDS, /* and enum ept_entry */
	AT_VE = 0x2F0,	   /* and the word of the virtualization-exception information area */
	AT_PML = 0x300,	   /* and the index in the page-modification log */
	GUEST_INDICES = AT_PML + PAGE_SIZE / 8
};
_Static_assert((int)MODEL_VALUES <= (int)AT_GPR, "different numbers");

/*
 * Entries of the EPT by level: those by which all the guest's pages are translated, those of
 * GUEST_DATA at another guest-physical address, by a page of each size, and that of each page.
 */
enum ept_entry {
	EPT_NEAR_4,
	EPT_NEAR_3,
	EPT_NEAR_2,
	EPT_FAR_4,
	EPT_FAR_3,
	EPT_FAR_2,
	EPT_FAR_1,
	EPT_FAR_2_MIB, /* instead of EPT_FAR_2 */
	EPT_FAR_1_GIB, /* instead of EPT_FAR_3 */
	EPT_PAGE,      /* and enum guest_page */
	EPT_ENTRIES = EPT_PAGE + GUEST_PAGES
};
_Static_assert((int)AT_EPT + (int)EPT_ENTRIES <= (int)AT_VE, "different numbers");

/* GUEST_FAR: guest-physical address of GUEST_DATA by a page of that size, and so many bytes more.
 */
enum far_size { FAR_4_KIB, FAR_2_MIB, FAR_1_GIB, FAR_SIZES };
#define FAR(size, more) ((uint64_t)(size) << 57 | (more))

enum { INTERRUPT_REQUESTED = 1 /* IRR */, INTERRUPT_IN_SERVICE = 2 /* ISR */ };

struct guest_change {
	uint16_t at; /* enum model_index or guest_index */
	uint8_t how;
	uint8_t bytes;
	uint32_t linear;
	uint64_t value;
};
enum {
	GUEST_NOT,
	GUEST_SET,
	GUEST_OR,
	GUEST_CLEAR,
	GUEST_XOR,
	GUEST_ADD,
	GUEST_FIELD, /* what the VMCS has at the index .value */
	GUEST_XOR_FIELD,
	GUEST_CODE_ADDRESS, /* the address of the instruction and .value more */
	GUEST_PAGE_ADDRESS, /* the physical address of the guest's page .value */
	GUEST_UNJUDGED,	    /* afterwards: bits of .value, 0: all, may be anything */
	GUEST_JUDGED,	    /* and bits that otherwise may */
	GUEST_FAR,	    /* see FAR */
	GUEST_CODE_ENTRY,   /* the page-table entry of the code, .bytes long, if the first is at
			       .value */
	GUEST_BEYOND,	    /* XOR: one of bits 51:MAXPHYADDR, the .value-th of them */
};

enum guest_end {
	GUEST_EXITS,	  /* by the instruction, reason .number: nothing of it has happened */
	GUEST_EXITS_AT,	  /* by something else, before the first instruction of the fragment */
	GUEST_EXITS_NEXT, /* by something else, right behind the instruction */
	GUEST_PASSES,	  /* comes to the CPUID behind the instruction */
	GUEST_RAISES,	  /* the exception .number, which exits at the instruction; a fault */
	GUEST_DELIVERS,	  /* the event .number through the guest's IDT, which pushes .pushes; CPUID
			     there */
	GUEST_FAILS,	  /* entry failure, reason .number */
};

/* PUSHES_INSTRUCTION: a fault, which sets RF in what it pushes. */
enum pushes { PUSHES_START, PUSHES_INSTRUCTION, PUSHES_NEXT };

enum guest_flush {
	FLUSH_NOTHING,
	FLUSH_EPT_SINGLE, /* INVEPT */
	FLUSH_EPT_ALL,
	FLUSH_VPID_ADDRESS, /* INVVPID, VPID 1, GUEST_DATA */
	FLUSH_VPID_SINGLE,
	FLUSH_VPID_ALL,
	FLUSH_VPID_NOT_GLOBAL,
	FLUSH_BY_EXIT,	 /* nothing, but what differs once may be a translation of before */
	FLUSH_AS_NEEDED, /* by what has changed: of rows without .first */
};

enum { ROW_BEFORE = 36, ROW_AFTER = 36 }; /* changes at most */

struct guest_made;

struct guest_row {
	const char *rule; /* id of the catalogue */
	uint16_t modes;	  /* bits of enum guest_mode */
	uint16_t fragment;
	uint8_t end;	/* enum guest_end */
	uint8_t number; /* exit reason or vector */
	uint8_t pushes; /* enum pushes */
	bool has_code;	/* GUEST_RAISES, GUEST_DELIVERS: with an error code */
	uint32_t code;
	/* GUEST_DATA is far away, by a page of that size, from 1; RBX is so many bytes further on.
	 */
	uint8_t far;
	uint16_t offset;
	/* Cases: one after the other the fragments from that one on; or one for each of the values,
	 * which is written before, and what comes of it; or both. .count 0: one case. */
	uint16_t count;
	bool each_fragment;
	uint8_t value_how; /* 0: GUEST_SET */
	uint8_t then;	   /* enum guest_flush: between .first and this one */
	uint16_t at, result_at;
	const uint64_t *values, *results;
	uint64_t each;	    /* added to what is at result_at with each case */
	uint64_t info_mask; /* bits of EXIT_INSTRUCTION_INFO that are judged; 0: none */
	const struct guest_change *before, *after; /* lists that an empty one ends; NULL: none */
	bool (*needs)(const struct model_machine *machine);
	const char *needs_text;
	/* A guest that runs before, to fill caches of translations, which are empty then. */
	const struct guest_row *first;
	/* A page of the guest of which the first WATCHED_BYTES change only where .after says so, in
	 * words of 32 bits; 0: none. It is as it was before the next case. */
	uint8_t watched;
	/* Cases that are computed, .count of them; .argument is for it. */
	uint16_t argument;
	void (*make)(unsigned number, struct guest_made *made);
};

enum { WATCHED_BYTES = 0x400 };

/* A case in the making: a copy of its row to be changed, with lists of its own. */
struct guest_made {
	struct guest_row row;
	const void *watched; /* what the watched page holds between cases */
	unsigned befores, afters;
	struct guest_change before[ROW_BEFORE + 1], after[ROW_AFTER + 1];
};

static inline unsigned guest_changes(const struct guest_change *changes)
{
	unsigned count = 0;

	while (changes && changes[count].how)
		count++;
	return count;
}

static inline void made_before(struct guest_made *made, struct guest_change change)
{
	if (made->befores < ROW_BEFORE)
		made->before[made->befores++] = change;
}

static inline void made_after(struct guest_made *made, struct guest_change change)
{
	if (made->afters < ROW_AFTER)
		made->after[made->afters++] = change;
}

struct guest_section {
	const struct guest_row *rows;
	unsigned count;
};

#endif
