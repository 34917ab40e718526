/*
 * A fuzzer that hunts along the border between states that enter and states that do not: from
 * states that the model calls valid, a few bits are changed, and processor and model must agree.
 * About half of the cases are valid, for a state that is refused wrongly is as much of a fault.
 *
 * What may change, and what must not come of it, the vendor says: struct fuzz_hunt.
 */
#ifndef TESTS_ENTRY_FUZZ_H
#define TESTS_ENTRY_FUZZ_H

#include "tests/entry/rows.h"

struct fuzz;

/* A verdict of the vendor's model. */
struct fuzz_verdict {
	uint64_t word[8];
};

enum fuzz_side { FUZZ_VALID, FUZZ_INVALID, FUZZ_UNJUDGED };

/* A run of values with the same rights and weight; others never change. */
struct fuzz_run {
	uint16_t first, last;
	uint8_t bits;	/* the vendor's word for them: .bits */
	uint8_t weight; /* 0 ends the list */
};

enum { FUZZ_FIELDS = 3, FUZZ_FLIPS = 8, FUZZ_LIST = 600, FUZZ_POOL = 4, FUZZ_CLUSTER = 8 };

/* What a vendor says of the hunt. */
struct fuzz_hunt {
	const struct entry_vendor *vendor;
	const struct fuzz_run *runs;
	/* Fields that rules connect: a case takes all of its fields from one of these, or from
	 * anywhere. */
	const uint16_t (*clusters)[FUZZ_CLUSTER];
	unsigned cluster_count;
	/* Values that flips alone seldom lead to. */
	const struct fuzz_telling {
		uint16_t at;
		uint64_t value;
	} * telling;
	unsigned telling_count;

	/* The bits of a value that may change. */
	uint64_t (*bits)(const void *machine, unsigned at, uint8_t bits);
	/* Changes the value at hand, which is new, where it would do harm; or all such values. */
	void (*keep_harmless)(const struct fuzz *fuzz, uint64_t *state, unsigned at);
	void (*keep_all_harmless)(const struct fuzz *fuzz, uint64_t *state);
	enum fuzz_side (*check)(const uint64_t *state, const void *machine,
				struct fuzz_verdict *verdict);
	/* Rounds the state to a valid one nearby. False: that did not come to an end. */
	bool (*repair)(uint64_t *state, const void *machine);
};

/* The processor. */
struct fuzz_target {
	void (*set)(void *context, unsigned at, uint64_t value);
	/* Enters with the state as set; whether the outcome is in the verdict's set. */
	bool (*agrees)(void *context, const struct fuzz_verdict *verdict);
	/* Whether a disagreement of this kind is worth to be made small; NULL: each is. */
	bool (*is_new)(void *context, enum fuzz_side side, const struct fuzz_verdict *verdict);
	void *context;
};

struct fuzz {
	const struct fuzz_hunt *hunt;
	const void *machine;
	const struct fuzz_target *target;
	const uint64_t (*bases)[ENTRY_VALUES]; /* valid */
	unsigned base_count;
	uint64_t random;
	uint64_t state[ENTRY_VALUES];		/* as the target has it */
	uint64_t pool[FUZZ_POOL][ENTRY_VALUES]; /* valid states */
	uint64_t made[ENTRY_VALUES];		/* one in the making, or to come back to */
	unsigned base;				/* of state */
	unsigned in_round;			/* cases since the last new state */
	enum fuzz_side side;			/* the model's, of the last case */
	bool told;				/* a difference since the last new state */
	uint64_t mask[ENTRY_VALUES];		/* bits that may change */
	uint16_t list[FUZZ_LIST];		/* fields, as often as their weight */
	unsigned list_count;
	uint64_t cases, valid; /* entered; of them, that both let through */
	uint64_t differences;
};

/* What the model and the target disagree about, made small. */
struct fuzz_difference {
	unsigned base; /* in which it is */
	uint64_t state[ENTRY_VALUES];
	struct fuzz_verdict verdict; /* the model's */
	enum fuzz_side side;
	unsigned count; /* values that differ from the base */
	uint16_t at[ENTRY_VALUES];
};

/* has: the processor has the field. The same seed gives the same cases on the same machine. */
void fuzz_init(struct fuzz *fuzz, const struct fuzz_hunt *hunt, const void *machine,
	       const struct fuzz_target *target, const uint64_t (*bases)[ENTRY_VALUES],
	       unsigned base_count, bool (*has)(void *context, unsigned at), uint64_t seed);

/* One case. False: processor and model disagree in something new, *difference says in what. What
 * the processor does has no influence on the cases that follow. */
bool fuzz_next(struct fuzz *fuzz, struct fuzz_difference *difference);

/* The case is made and not entered. *what, if not NULL: its state, as it is. */
void fuzz_skip(struct fuzz *fuzz, struct fuzz_difference *what);

#endif
