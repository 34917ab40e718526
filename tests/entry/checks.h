/*
 * What a vendor brings to the engine that carries rows and fuzzed states out: a model, and a
 * processor to ask. States are arrays of the vendor's values; outcomes and bases are numbers of the
 * vendor's.
 */
#ifndef TESTS_ENTRY_CHECKS_H
#define TESTS_ENTRY_CHECKS_H

#include "lib/status.h"

#include "tests/entry/rows.h"

struct cpu;

/* What a processor made of an entry: the vendor's words for it, a value to compare. */
struct entry_result {
	uint32_t kind, number;
	uint64_t more;
};

/* What a processor has to enter with, as far as the engine looks into it. The vendor's own. */
struct entry_seat {
	struct cpu *cpu;
	enum status status;  /* of its opening */
	const void *machine; /* what the vendor's model knows of it */
	const uint64_t *now; /* the state that it would enter with */
	bool stale;	     /* a result may be left over from the entry before: see .load */
};

enum { ENTRY_TEXT = 64 };

struct entry_checks {
	const struct entry_vendor *vendor;
	unsigned bases, ordinary;      /* how many there are; the most ordinary one */
	const char *const *base_names; /* "the state %s, unchanged" */
	uint8_t reported;	       /* the outcome of rows that are told, not judged */

	/* Boot processor: before the others open their seats, and when all are closed. */
	void (*prepare)(void);
	void (*finish)(void);

	/* On the processor. enters: it will enter guests. NULL: no memory. */
	struct entry_seat *(*open)(struct cpu *cpu, bool enters);
	void (*close)(struct entry_seat *seat);
	/* Any processor. Pages that a lost processor may still use are kept. */
	void (*free)(struct entry_seat *seat);

	/* False: the machine lacks what the base needs, *missing says what. */
	bool (*make_base)(struct entry_seat *seat, unsigned base, uint64_t *state,
			  const char **missing);
	/* ordinary: a state to enter with before, NULL unless the seat is .stale. */
	void (*load)(struct entry_seat *seat, const uint64_t *state, const uint64_t *ordinary);
	void (*set)(struct entry_seat *seat, unsigned at, uint64_t value);
	bool (*has)(const struct entry_seat *seat, unsigned at); /* the processor has the value */
	void (*enter)(struct entry_seat *seat, struct entry_result *result);
	/* After an entry that came out as it should not have. */
	void (*recover)(struct entry_seat *seat, const struct entry_result *result, bool always);

	/* How a base, unchanged, is to come out. */
	bool (*base_is_good)(unsigned base, const struct entry_result *got);
	const char *(*base_wanted)(unsigned base);
	/* The processor did what the row says; what the model allows. */
	bool (*is)(unsigned outcome, const struct entry_result *got, const uint64_t *state);
	bool (*allowed)(const uint64_t *state, const void *machine, const struct entry_result *got);

	/* Rules of the model by number; as many as they are: there is none of that id. */
	const unsigned *rules;
	unsigned (*rule_number)(const char *id);
	const char *(*rule_id)(unsigned rule);
	bool (*violates)(const uint64_t *state, const void *machine, unsigned rule);
	/* The model says the same as the row, and for the row's reason. */
	bool (*agrees)(const struct entry_row *row, unsigned rule, const uint64_t *state,
		       const void *machine);

	/* In words, for people. */
	void (*outcome_text)(unsigned outcome, const uint64_t *state, char text[ENTRY_TEXT]);
	void (*result_text)(const struct entry_result *got, char text[ENTRY_TEXT]);
	void (*verdict_text)(const uint64_t *state, const void *machine, char text[ENTRY_TEXT]);
};

#endif
