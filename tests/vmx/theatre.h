/*
 * A processor's place for guests of a few instructions: a seat, memory in which they run, the state
 * of each mode. It carries out the cases of rows and says what came out otherwise.
 */
#ifndef TESTS_VMX_THEATRE_H
#define TESTS_VMX_THEATRE_H

#include "tests/probe/mode.h"
#include "tests/vmx/exit/rows.h"
#include "tests/vmx/ground.h"

/* A value that came out otherwise; .at: enum model_index or guest_index, or one of these. */
enum { AT_RESULT = 0x1000 /* how the entry ended: .got is enum probe_kind */, AT_UNEXPECTED };

struct mismatch {
	uint16_t at;
	uint32_t linear; /* AT_MEMORY, AT_MSR */
	uint64_t wanted, got;
};

/* The values that a case is judged by, beside those that must not change. */
enum { WANTS_MAX = 48, MISMATCHES_MAX = 4 };

struct want {
	uint16_t at;
	uint8_t bytes;
	uint32_t linear;
	uint64_t value, mask;
};

struct theatre {
	struct seat seat;
	uint8_t *pages; /* the guest's, and THEATRE_PAGES in all */
	struct guest_memory memory;
	uint64_t ept;		       /* EPT pointer; 0: none */
	uint64_t far[FAR_SIZES];       /* see FAR */
	uint64_t *entry[EPT_ENTRIES];  /* where they are */
	uint64_t *log;		       /* of page modifications: a page of the seat */
	bool stale;		       /* entries have changed since the last INVEPT */
	uint64_t entries[EPT_ENTRIES]; /* of a case that changes some, before it runs */
	const char *missing[GUEST_MODES];
	struct regs regs[GUEST_MODES];
	struct model_state base[GUEST_MODES];
	int loaded; /* enum guest_mode: what the VMCS has; -1: something else */
	/* The case in hand. */
	enum guest_mode mode;
	const struct fragment *fragment;
	enum guest_page page; /* where its code is */
	uint64_t gpr[GPRS];   /* before */
	struct probe_exit exit;
	struct want want[WANTS_MAX];
	unsigned wants;
	uint8_t first_want[GUEST_INDICES];	  /* its number from 1; 0: none */
	struct mismatch mismatch[MISMATCHES_MAX]; /* the first ones */
	unsigned mismatches;
	uint64_t watched[WATCHED_BYTES / 8]; /* before the entry */
	uint64_t apic_access;		     /* see invalidate_apic_access */
};

/* What follows the guest's pages: of the EPT, and the #VE information area. */
enum theatre_page {
	EPT_PML4 = GUEST_PAGES,
	EPT_PDPT,
	EPT_DIRECTORY,
	EPT_TABLE,
	EPT_FAR_PDPT,
	EPT_FAR_DIRECTORY,
	EPT_FAR_TABLE,
	THEATRE_VE,
	THEATRE_PAGES
};

static inline uint64_t *theatre_table(const struct theatre *theatre, unsigned page)
{
	return (uint64_t *)(theatre->pages + page * (size_t)PAGE_SIZE);
}

/* What is at AT_WORDS and above. */
static inline uint64_t *theatre_word(const struct theatre *theatre, unsigned at)
{
	if (at >= AT_PML)
		return theatre->log + (at - AT_PML);
	if (at >= AT_VE)
		return theatre_table(theatre, THEATRE_VE) + (at - AT_VE);
	return theatre->entry[at - AT_EPT];
}

/* theatre_ept.c: fills the tables; invalidates what the processor may have kept of them. */
void theatre_fill_ept(struct theatre *theatre);
void theatre_flush(const struct theatre *theatre, enum guest_flush what);

/* On the processor. The result is .seat.status, too. */
enum status theatre_open(struct theatre *theatre, struct cpu *cpu);
void theatre_close(struct theatre *theatre);
void theatre_free(struct theatre *theatre);

/* What the machine lacks for the row; NULL: nothing. */
const char *guest_row_missing(const struct theatre *theatre, const struct guest_row *row,
			      char *text, size_t size);

/* Cases of the row. */
static inline unsigned guest_row_cases(const struct guest_row *row)
{
	return row->count ? row->count : 1;
}

/* The fragment of a case in code of that size; NULL: there is none. */
const struct fragment *guest_row_fragment(const struct guest_row *row, unsigned number,
					  enum code_size size, enum guest_page *page);

/*
 * Carries a case out in a mode that does not lack anything. True: all is as it should be, otherwise
 * .mismatch says what is not.
 */
bool theatre_case(struct theatre *theatre, const struct guest_row *row, unsigned number,
		  enum guest_mode mode);

/* Of the case in hand: what is wanted there, NULL: what was there before; and a difference. */
struct want *theatre_want(struct theatre *theatre, unsigned at, uint32_t linear);
void theatre_differs(struct theatre *theatre, unsigned at, uint32_t linear, uint64_t wanted,
		     uint64_t got);

/* What a change makes of a value; a byte of the fragment's code as an offset in CS; all wants. */
uint64_t theatre_changed(const struct theatre *theatre, const struct guest_change *change,
			 uint64_t before);
uint64_t theatre_address(const struct theatre *theatre, unsigned offset);
void theatre_make_wants(struct theatre *theatre, const struct guest_row *row, unsigned number);

/* theatre_apic.c: the page that a row watches, before the entry; and compared with what is wanted
 * and put back. */
void watch_begin(struct theatre *theatre, const struct guest_row *row);
void watch_end(struct theatre *theatre, const struct guest_row *row);

/* Fills GUEST_APIC; 32 bits at an offset of it, as they are between cases. */
void apic_page_fill(uint8_t *page);

/*
 * Before an entry: drops translations that were cached with another APIC-access address, or without
 * one; SDM vol. 3C, "Guidelines for Use of the INVEPT Instruction".
 */
void invalidate_apic_access(struct theatre *theatre);

/*
 * A fixed interrupt of vector F0H to FEH to the processor itself, which waits in its local APIC on
 * return; INTERRUPT_REQUESTED, INTERRUPT_IN_SERVICE; and none, and no other comes.
 */
void interrupts_await(void); /* from elsewhere; interrupt_end ends it */
void interrupt_send(const struct cpu *cpu, unsigned vector);
unsigned interrupt_state(unsigned vector);
void interrupt_end(unsigned vector);

/* For people. */
void mismatch_name(const struct mismatch *mismatch, char *text, size_t size);

#endif
