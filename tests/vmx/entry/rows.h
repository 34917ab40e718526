/*
 * Rules of VM entries as rows of data: a base state that is known to enter, the changes that bring
 * it into the rule's reach, and a generator of values. A row yields one case a value, and all cases
 * of a row have the same outcome; so a rule has a row for its bad values and one for its good ones.
 */
#ifndef TESTS_VMX_ENTRY_ROWS_H
#define TESTS_VMX_ENTRY_ROWS_H

#include "lib/base.h"
#include "vmx/model/model.h"

/* The states that rows start from: bases.c. All but the first run a VMCALL at once. */
enum entry_base {
	BASE_CONTROLS, /* BASE_64 with GUEST_RFLAGS 0: good controls end as exit reason 33 */
	BASE_64,       /* 64-bit code at CPL 0, paging as the host's */
	BASE_COMPAT,   /* IA-32e mode, 32-bit code */
	BASE_PAE,      /* 32-bit protected mode, PAE paging by PAGE_PDPT */
	BASE_32,       /* 32-bit protected mode, 32-bit paging by PAGE_DIRECTORY */
	BASE_V86,      /* virtual-8086 mode, all segments at 0, paging as BASE_32 */
	BASE_FLAT,     /* protected mode without paging: "unrestricted guest" and EPT */
	BASE_REAL,     /* real mode, CS at PAGE_CODE: "unrestricted guest" and EPT */
	BASE_COUNT
};

enum outcome {
	ENTERS,	 /* the guest runs */
	PASSES,	 /* BASE_CONTROLS: the controls are accepted, GUEST_RFLAGS is not */
	FAILS_7, /* VMfailValid */
	FAILS_8,
	GUEST_0, /* exit reason 33, qualification 0 */
	GUEST_2,
	GUEST_3,
	GUEST_4,
	MSR_LOAD, /* exit reason 34, qualification: AT_MSR_LOAD_POSITION */
	REPORTED, /* processors differ: told, not judged */
};

/* One value of the base, changed. */
struct change {
	uint16_t at; /* enum model_index */
	uint8_t how;
	bool each; /* of the segment that the row is at: see .over */
	uint64_t value;
};
enum { HOW_NOT, HOW_SET, HOW_OR, HOW_CLEAR, HOW_XOR, HOW_PAGE /* a page of our own */ };

enum generator {
	ONE,	/* the base with its changes is the only case */
	WALK,	/* each bit of .mask, flipped */
	VALUES, /* each of .values in the bits of .mask (0: all bits) */
	RANGES, /* .values two by two: from the first up to the second, in the bits of .mask */
	FLIPS,	/* each of .values, XORed */
	PAIRS,	/* .values two by two: for .at in .mask and for .at2 in .mask2 */
	PAGE,	/* an address: bits 11:0 and those beyond the physical width, flipped one by one */
	WIDTH,	/* only the latter */
	BELOW,	/* .values below the first address beyond the physical width */
	/* Borders of canonical addresses, in the bits of .mask (0: all): good with 48 bits and with
	 * 57; bad with every width that the machine has; good with its 57 and bad with 48. */
	CANONICAL,
	NOT_CANONICAL,
	BETWEEN_WIDTHS,
	/* As the first two where only the bits from the width up must be equal: the one below
	 * differs. */
	WIDE,
	NOT_WIDE,
	CURRENT, /* the current-VMCS pointer */
	/* A field of controls: each bit that may not be 1, set; that must be 1, cleared. */
	RESERVED,
	/* Likewise: each bit of .mask that may be both 0 and 1, flipped. */
	ALLOWED,
	/* Each bit of .mask (0: all), flipped, that the register .group may have either way; that
	 * it may not. */
	FREE,
	FIXED,
};

/* Registers whose bits the machine lets be free or fixes, for FREE and FIXED. */
enum machine_register {
	REGISTER_CR0, /* as an exit has it, so without "unrestricted guest" */
	REGISTER_CR3,
	REGISTER_CR4,
	REGISTER_EFER,
	REGISTER_PERF_GLOBAL_CTRL,
	REGISTER_DEBUGCTL,
	REGISTER_RTIT_CTL,
	REGISTER_LBR_CTL,
	REGISTER_SPEC_CTRL,
	REGISTER_S_CET,
	REGISTER_COUNT
};

enum { ROW_CHANGES = 8 };

struct entry_row {
	const char *rule; /* id of the catalogue */
	uint8_t base, outcome, kind;
	bool last;	  /* a violation that is accepted may cost the processor: at the end */
	bool by_name;	  /* it may stop an emulator as a whole: only if asked for */
	uint8_t group;	  /* RESERVED, ALLOWED: enum control_group; FREE, FIXED: machine_register */
	uint16_t at, at2; /* enum model_index */
	/* Bit n: once more with all that is .each, and .at and .at2, n fields further on. The
	 * segments' fields are in the order of enum segment. 0: only as it is. */
	uint16_t over;
	uint16_t count; /* of .values */
	uint64_t mask, mask2;
	const uint64_t *values;
	struct change with[ROW_CHANGES];
	/* Beyond the controls that .with turns on or off, which the machine must allow; NULL: all
	 * machines. */
	bool (*needs)(const struct model_machine *machine);
	const char *needs_text; /* for the SKIP */
};

/* A section of the SDM, one test. */
struct entry_section {
	const struct entry_row *rows;
	unsigned count;
};

/* clang-format off */
#define SET(name, v) { AT_##name, HOW_SET, false, v }
#define OR(name, v) { AT_##name, HOW_OR, false, v }
#define CLR(name, v) { AT_##name, HOW_CLEAR, false, v }
#define OWN(name, page) { AT_##name, HOW_PAGE, false, page }
#define EACH_SET(name, v) { AT_##name, HOW_SET, true, v }
#define EACH_OR(name, v) { AT_##name, HOW_OR, true, v }
#define EACH_CLR(name, v) { AT_##name, HOW_CLEAR, true, v }
#define PIN_ON(name) OR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_##name))
#define PIN_OFF(name) CLR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_##name))
#define PRIMARY_ON(name) OR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_##name))
#define PRIMARY_OFF(name) CLR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_##name))
/* Two changes. */
#define SECONDARY_ON(name) PRIMARY_ON(SECONDARY), OR(SECONDARY_CONTROLS, CONTROL_MASK(SECONDARY_##name))
#define SECONDARY_OFF(name) CLR(SECONDARY_CONTROLS, CONTROL_MASK(SECONDARY_##name))
/* Several, ORed: SECONDARIES_ON(SECONDARY_BIT(EPT) | SECONDARY_BIT(VPID)). */
#define SECONDARY_BIT(name) CONTROL_MASK(SECONDARY_##name)
#define SECONDARIES_ON(bits) PRIMARY_ON(SECONDARY), OR(SECONDARY_CONTROLS, bits)
#define TERTIARY_ON(name) PRIMARY_ON(TERTIARY), OR(TERTIARY_CONTROLS, CONTROL_MASK(TERTIARY_##name))
#define EXIT_ON(name) OR(EXIT_CONTROLS, CONTROL_MASK(EXIT_##name))
#define EXIT_OFF(name) CLR(EXIT_CONTROLS, CONTROL_MASK(EXIT_##name))
#define EXIT2_ON(name) EXIT_ON(SECONDARY), OR(SECONDARY_EXIT_CONTROLS, CONTROL_MASK(EXIT2_##name))
#define ENTRY_ON(name) OR(ENTRY_CONTROLS, CONTROL_MASK(ENTRY_##name))
#define ENTRY_OFF(name) CLR(ENTRY_CONTROLS, CONTROL_MASK(ENTRY_##name))
/* Three changes. Of a guest state: MSR_LOAD tells that it is accepted, and the guest does not run. The
 * entry is bad by the high half of its index and by IA32_FS_BASE in the low one. */
#define NOT_RUN SET(ENTRY_MSR_LOAD_COUNT, 1), SET(MSR_LOAD_POSITION, 1), SET(MSR_LOAD_INDEX, 0x1C0000100)
#define WITH(...) .with = { __VA_ARGS__ }
#define LIST(...) .values = (const uint64_t[]){ __VA_ARGS__ }, \
	.count = sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)
/* clang-format on */

enum { CASE_VALUES = ROW_CHANGES + 2 };

/* One case: what differs from its base. */
struct entry_case {
	unsigned count;
	struct {
		enum model_index at;
		uint64_t value;
	} set[CASE_VALUES];
};

/*
 * The row's case of this number, from 0, on its base. False: it has no more. Cases follow each
 * other without gaps, and count what depends on the machine: widths, reserved controls.
 */
bool entry_case_make(const struct entry_row *row, unsigned number, const struct model_state *base,
		     const struct model_machine *machine, struct entry_case *out);

void entry_case_apply(const struct entry_case *what, struct model_state *state);

/*
 * The same cases one after the other, in a few instructions each: iterate.c. All cases of one place
 * (a bit of .over) change the same values of the base, in the same order.
 */
struct entry_cases {
	const struct entry_row *row;
	const struct model_state *base;
	const struct model_machine *machine;
	unsigned places;	       /* bits of .over from this one on; 0: no more cases */
	unsigned number;	       /* of the next case at this place */
	bool first;		       /* that is the first one here */
	bool quick;		       /* the generator is not asked for the others */
	bool moved;		       /* .now is the first one of its place */
	struct entry_case now, before; /* before: the last case of the place before */
	struct entry_case prepared;    /* what all cases of this place have */
	/* Where all cases of a place differ in one value, or two: what they are made from, and the
	 * bits or values to come. */
	struct entry_made {
		uint64_t *place, prepared, keep, width;
	} made[2];
	uint64_t bits, next, end;
	const uint64_t *list;
	unsigned left;
};

void entry_cases_begin(struct entry_cases *cases, const struct entry_row *row,
		       const struct model_state *base, const struct model_machine *machine);

/* Makes .now the next case. False: there is none, and .now is as it was. */
bool entry_cases_next(struct entry_cases *cases);

/* After entry_cases_begin: the next one is the case of this number. */
void entry_cases_skip(struct entry_cases *cases, unsigned number);

/* How many they are. */
unsigned entry_cases_count(const struct entry_row *row, const struct model_state *base,
			   const struct model_machine *machine);

/*
 * For iterate.c: what all cases of a place have, and what one of them has beyond that; the bits
 * that the generator flips one by one, from the lowest: 0 if it does something else.
 */
uint64_t entry_case_bits(const struct entry_row *row, const struct model_machine *machine);
void entry_case_prepare(const struct entry_row *row, unsigned shift, const struct model_state *base,
			struct entry_case *out);
bool entry_case_generate(const struct entry_row *row, unsigned number, unsigned shift,
			 const struct model_state *base, const struct model_machine *machine,
			 struct entry_case *out);

/* What the machine lacks for this row; NULL: nothing. text: room for the answer. */
const char *entry_row_missing(const struct entry_row *row, const struct model_state *base,
			      const struct model_machine *machine, char *text, size_t size);

/* What bases are built on: the machine, the host's fields, and pages of our own. */
struct entry_ground {
	struct model_machine machine;
	struct model_state host; /* the HOST_ fields, as an entry accepts them */
	uint64_t pages;		 /* physical address of ENTRY_PAGES pages below 4 GiB */
	uint64_t eptp;		 /* of an identity map; 0: none */
	uint64_t cr3_64;	 /* paging of 64-bit guests: the host's */
};

/*
 * The use of those pages, filled by entry_memory_fill(). What a good entry may write to is of its
 * own. The tables map 4 GiB to themselves, writable by everyone, but linear page 0 of 32-bit
 * paging.
 */
enum entry_page {
	PAGE_CODE,	    /* VMCALL in its first bytes */
	PAGE_DIRECTORY,	    /* 32-bit paging with CR4.PSE: 4-MiB pages, the first by PAGE_TABLE */
	PAGE_TABLE,	    /* 4 MiB; linear 0 is PAGE_CODE */
	PAGE_PDPT,	    /* PAE paging: what AT_PDPTE_n and GUEST_PDPTEn have in every base */
	PAGE_PAE_DIRECTORY, /* four pages: 2-MiB pages */
	PAGE_PAE_DIRECTORY_3 = PAGE_PAE_DIRECTORY + 3,
	PAGE_IO_A,
	PAGE_IO_B,
	PAGE_MSR_BITMAP,
	PAGE_VIRTUAL_APIC,
	PAGE_APIC_ACCESS,
	PAGE_LINK,
	PAGE_MSR_LOAD, /* two pages: 512 entries that load IA32_KERNEL_GS_BASE with 0 */
	PAGE_MSR_LOAD_2,
	PAGE_MSR_STORE, /* 256 entries */
	PAGE_POSTED,
	PAGE_PML,
	PAGE_SPARE, /* everything else that is never written */
	ENTRY_PAGES
};

static inline uint64_t entry_page(const struct entry_ground *ground, enum entry_page page)
{
	return ground->pages + page * (uint64_t)PAGE_SIZE;
}

/*
 * Fills those pages, which are zeros, as every base has them; without the tables that some need.
 * pages: the same memory for the program.
 */
void entry_memory_fill(const struct entry_ground *ground, uint8_t *pages);
void entry_tables_fill(const struct entry_ground *ground, uint8_t *pages);
bool entry_needs_tables(enum entry_base base);

/* Fills the state with a base. False: the machine lacks what it needs, *missing says what. */
bool entry_base_make(enum entry_base base, const struct entry_ground *ground,
		     struct model_state *state, const char **missing);

extern const struct entry_section entry_controls, entry_control_addresses, entry_event_injection,
	entry_host, entry_guest_registers, entry_guest_segments, entry_guest_rights,
	entry_guest_state, entry_msrs;

#endif
