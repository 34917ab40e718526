/* Rules of VMRUN as rows: bases, outcomes and generators of SVM beside tests/entry/rows.h. */
#ifndef TESTS_SVM_ENTRY_ROWS_H
#define TESTS_SVM_ENTRY_ROWS_H

#include "lib/base.h"

#include "svm/model/model.h"
#include "tests/entry/rows.h"

/* The states that rows start from: bases.c. All run a VMMCALL at once. */
enum svm_base {
	BASE_64,	  /* 64-bit code at CPL 0; nested paging if the machine has it */
	BASE_COMPAT,	  /* long mode, 32-bit code; likewise */
	BASE_PAE,	  /* 32-bit protected mode, PAE paging, nested paging */
	BASE_32,	  /* 32-bit protected mode, 32-bit paging, nested paging */
	BASE_V86,	  /* virtual-8086 mode, otherwise as BASE_32 */
	BASE_FLAT,	  /* protected mode without paging, nested paging */
	BASE_REAL,	  /* real mode, nested paging */
	BASE_64_SHADOW,	  /* as BASE_64 without nested paging */
	BASE_PAE_SHADOW,  /* as BASE_PAE without nested paging */
	BASE_REAL_SHADOW, /* real mode with paging, which only VMRUN can make */
	BASE_COUNT
};

enum outcome {
	ENTERS,	  /* the guest runs */
	INVALID,  /* VMEXIT_INVALID */
	REPORTED, /* the manual leaves it open: told, not judged */
};

enum svm_generator {
	/* Each bit of the register .group, flipped: that must be zero; of a feature that the
	 * machine lacks; that must be zero and which CPUID grants; of a feature that the machine
	 * has. */
	REGISTER_MBZ = GENERATOR_OF_VENDOR,
	REGISTER_ABSENT,
	REGISTER_ODD,
	REGISTER_PRESENT,
	ABOVE_4_GIB, /* each bit of a physical address from 32 up, set */
	ASID_LAST,   /* the highest one that there is */
	ASID_BEYOND, /* those that there are not: the next one, the highest number */
};
enum { GROUP_CR4, GROUP_EFER };

/* What bases are built on: the machine, and pages of our own. */
struct svm_ground {
	struct svm_machine machine;
	uint64_t pages; /* physical address of SVM_PAGES pages below 4 GiB, in one range of 2 MiB */
};

/*
 * The use of those pages, filled by svm_memory_fill(). Page tables map these pages to themselves
 * and nothing else, those of nested paging, too: a guest that went astray stays in here.
 */
enum svm_page {
	PAGE_CODE, /* VMMCALL in its first bytes */
	PAGE_STACK,
	PAGE_PML4, /* CR3 of 64-bit guests, and N_CR3 */
	PAGE_PDPT,
	PAGE_DIRECTORY,
	PAGE_TABLE,
	PAGE_PDPT_PAE,	   /* CR3 with PAE paging: what AT_PDPE_n has in every base */
	PAGE_DIRECTORY_32, /* 32-bit paging: one page of 4 MiB */
	PAGE_EMPTY,
	PAGE_MSRPM,		    /* two pages, all ones */
	PAGE_IOPM = PAGE_MSRPM + 2, /* three pages, all ones */
	PAGE_AVIC_BACKING = PAGE_IOPM + 3,
	PAGE_AVIC_LOGICAL,
	PAGE_AVIC_PHYSICAL,
	SVM_PAGES
};

static inline uint64_t svm_page(const struct svm_ground *ground, enum svm_page page)
{
	return ground->pages + page * (uint64_t)PAGE_SIZE;
}

/* Fills those pages, which are zeros. pages: the same memory for the program. */
void svm_memory_fill(const struct svm_ground *ground, uint8_t *pages);

/* Fills the state with a base. False: the machine lacks what it needs, *missing says what. */
bool svm_base_make(enum svm_base base, const struct svm_ground *ground, struct svm_state *state,
		   const char **missing);

/* Bases use nested paging: of four levels, as our tables are. */
static inline bool svm_nests(const struct svm_machine *machine)
{
	return svm_machine_has(machine, SVM_NESTED_PAGING) && !machine->deep;
}

extern const struct entry_vendor svm_entry_vendor;

/* Of a base. */
static inline struct entry_origin svm_origin(const struct svm_state *base,
					     const struct svm_machine *machine)
{
	return (struct entry_origin){ &svm_entry_vendor, base->value, machine };
}

/* An event to inject: types of enum svm_event_type, 0 to 7. */
#define EVENT(type, vector) (SVM_EVENT_VALID | (type) << 8 | (vector))
enum { TYPE_INTR, TYPE_1, TYPE_NMI, TYPE_EXCEPTION, TYPE_SOFTWARE, TYPE_5, TYPE_6, TYPE_7 };

#define NEEDS(condition, text) .needs.svm = condition, .needs_text = text
#define NEEDS_NP NEEDS(svm_nests, "nested paging, of four levels")
#define HIGH (~0ull << 32)

/* The intercept of an exit code, by its vector. */
#define INTERCEPT_BIT(code) BIT((code) % 32)

extern const struct entry_section svm_entry_registers, svm_entry_modes, svm_entry_controls,
	svm_entry_paging, svm_entry_injection, svm_entry_accepted;

#endif
