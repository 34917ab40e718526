/*
 * Rules of entries to a guest as rows of data: a base state that is known to enter, the changes
 * that bring it into the rule's reach, and a generator of values. A row yields one case a value,
 * and all cases of a row have the same outcome; so a rule has a row for its bad values and one for
 * its good ones. What a state is, and what it must lead to, each vendor's tests say: struct
 * entry_vendor.
 */
#ifndef TESTS_ENTRY_ROWS_H
#define TESTS_ENTRY_ROWS_H

#include "lib/base.h"

struct model_machine;
struct svm_machine;

/* A state is an array of so many values at most; a vendor has so many bases and outcomes at most.
 */
enum { ENTRY_VALUES = 256, ENTRY_BASES = 12 };

/* One value of the base, changed. */
struct change {
	uint16_t at; /* number of the value */
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
	ALL,	/* each value that the bits of .mask can have */
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
	GENERATOR_OF_VENDOR, /* from here on those that the vendor's .bits and .special know */
};

enum { ROW_CHANGES = 8 }; /* at most */

struct entry_row {
	const char *rule; /* id of the catalogue */
	uint8_t base, outcome, kind;
	bool last;	  /* a violation that is accepted may cost the processor: at the end */
	bool by_name;	  /* it may stop an emulator as a whole: only if asked for */
	uint8_t group;	  /* the vendor's generators: of what */
	uint16_t at, at2; /* numbers of values */
	/* Bit n: once more with all that is .each, and .at and .at2, n fields further on. 0: only
	 * as it is. */
	uint16_t over;
	uint16_t count; /* of .values */
	uint64_t mask, mask2;
	const uint64_t *values;
	const struct change *with; /* a list that an empty one ends; NULL: none */
	/* What the machine must be like; NULL: anything. */
	union {
		bool (*vmx)(const struct model_machine *machine);
		bool (*svm)(const struct svm_machine *machine);
	} needs;
	const char *needs_text; /* for the SKIP */
};

static inline unsigned entry_changes(const struct entry_row *row)
{
	unsigned count = 0;

	while (row->with && row->with[count].how)
		count++;
	return count;
}

/* A section of the manual, one test. */
struct entry_section {
	const struct entry_row *rows;
	unsigned count;
};

/* How a vendor's states are made. machine: what the vendor's model knows of a processor. */
struct entry_vendor {
	unsigned values;       /* of a state */
	const uint64_t *masks; /* of each: all bits that it can hold */
	const char *(*name)(unsigned at);
	uint64_t (*beyond)(const void *machine); /* bits that no physical address has */
	unsigned (*linear_bits)(const void *machine);
	/* A page of our own by its number, as every base has them. */
	uint64_t (*own_page)(const uint64_t *base, uint64_t page);
	/* Generators of the vendor: the bits that are flipped one by one; 0: it does something
	 * else, .special makes the value of its number. NULL: there are none. */
	uint64_t (*bits)(const struct entry_row *row, const void *machine);
	bool (*special)(const struct entry_row *row, unsigned number, const void *machine,
			uint64_t *value);
	/* What the machine lacks for this row; NULL: nothing. text: room for the answer. */
	const char *(*missing)(const struct entry_row *row, const void *machine, char *text,
			       size_t size);
};

/* What cases are made from. */
struct entry_origin {
	const struct entry_vendor *vendor;
	const uint64_t *base;
	const void *machine;
};

/* clang-format off */
#define SET(name, v) { AT_##name, HOW_SET, false, v }
#define OR(name, v) { AT_##name, HOW_OR, false, v }
#define CLR(name, v) { AT_##name, HOW_CLEAR, false, v }
#define OWN(name, page) { AT_##name, HOW_PAGE, false, page }
#define EACH_SET(name, v) { AT_##name, HOW_SET, true, v }
#define EACH_OR(name, v) { AT_##name, HOW_OR, true, v }
#define EACH_CLR(name, v) { AT_##name, HOW_CLEAR, true, v }
#define WITH(...) .with = (const struct change[]){ __VA_ARGS__, { 0 } }
#define LIST(...) .values = (const uint64_t[]){ __VA_ARGS__ }, \
	.count = sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)
/* clang-format on */

enum { CASE_VALUES = ROW_CHANGES + 2 };

/* One case: what differs from its base. */
struct entry_case {
	unsigned count;
	struct {
		unsigned at;
		uint64_t value;
	} set[CASE_VALUES];
};

/*
 * The row's case of this number, from 0, on its base. False: it has no more. Cases follow each
 * other without gaps, and count what depends on the machine: widths, reserved controls.
 */
bool entry_case_make(const struct entry_row *row, unsigned number,
		     const struct entry_origin *origin, struct entry_case *out);

/* To a state: an array of values. */
void entry_case_apply(const struct entry_case *what, uint64_t *state);

/*
 * The same cases one after the other, in a few instructions each: iterate.c. All cases of one place
 * (a bit of .over) change the same values of the base, in the same order.
 */
struct entry_cases {
	const struct entry_row *row;
	struct entry_origin origin;
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
		       const struct entry_origin *origin);

/* Makes .now the next case. False: there is none, and .now is as it was. */
bool entry_cases_next(struct entry_cases *cases);

/* After entry_cases_begin: the next one is the case of this number. */
void entry_cases_skip(struct entry_cases *cases, unsigned number);

/* How many they are. */
unsigned entry_cases_count(const struct entry_row *row, const struct entry_origin *origin);

/*
 * For iterate.c: what all cases of a place have, and what one of them has beyond that; the bits
 * that the generator flips one by one, from the lowest: 0 if it does something else.
 */
uint64_t entry_case_bits(const struct entry_row *row, const struct entry_origin *origin);
void entry_case_prepare(const struct entry_row *row, unsigned shift,
			const struct entry_origin *origin, struct entry_case *out);
bool entry_case_generate(const struct entry_row *row, unsigned number, unsigned shift,
			 const struct entry_origin *origin, struct entry_case *out);

/* What the machine lacks for this row; NULL: nothing. text: room for the answer. */
const char *entry_row_missing(const struct entry_row *row, const struct entry_origin *origin,
			      char *text, size_t size);

#endif
