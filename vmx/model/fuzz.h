/*
 * A fuzzer that hunts along the border between states that enter and states that do not: from
 * states that the model calls valid, a few bits are changed, and processor and model must agree.
 * About half of the cases are valid, for a state that is refused wrongly is as much of a fault.
 *
 * No guest runs: each state ends, at the latest, in an entry of the MSR-load area that is bad,
 * which is looked at after everything else. Addresses lead to pages of our own or beyond the
 * physical width, host state is left alone, and nothing is enabled that an exit would not turn off.
 */
#ifndef VMX_MODEL_FUZZ_H
#define VMX_MODEL_FUZZ_H

#include "vmx/model/model.h"

/* The processor. */
struct fuzz_target {
	void (*set)(void *context, enum model_index at, uint64_t value);
	/* Enters with the state as set; whether the outcome is in the verdict's set. */
	bool (*agrees)(void *context, const struct model_verdict *verdict);
	void *context;
};

enum { FUZZ_FIELDS = 3, FUZZ_FLIPS = 8, FUZZ_LIST = 600, FUZZ_POOL = 4 };

struct fuzz {
	const struct model_machine *machine;
	const struct fuzz_target *target;
	const struct model_state *bases; /* valid but for that MSR-load entry */
	unsigned base_count;
	uint64_t random;
	struct model_state state;	    /* as the target has it */
	struct model_state pool[FUZZ_POOL]; /* valid states */
	unsigned base;			    /* of state */
	unsigned in_round;		    /* cases since the last new state */
	uint64_t mask[MODEL_VALUES];	    /* bits that may change */
	uint16_t list[FUZZ_LIST];	    /* fields, as often as their weight */
	unsigned list_count;
	uint64_t cases, valid; /* made; of them, that the model lets through */
};

/* What the model and the target disagree about, made small. */
struct fuzz_difference {
	unsigned base; /* in which it is */
	struct model_state state;
	struct model_verdict verdict; /* the model's */
	unsigned count;		      /* values that differ from the base */
	uint16_t at[MODEL_VALUES];
};

/*
 * has: the processor has the field. bases: states that fuzz_prepare has made ready. The same seed
 * gives the same cases on the same machine.
 */
void fuzz_init(struct fuzz *fuzz, const struct model_machine *machine,
	       const struct fuzz_target *target, const struct model_state *bases,
	       unsigned base_count, bool (*has)(void *context, enum model_index at), uint64_t seed);

/* Makes a base ready: with the entry of the MSR-load area that ends every case. */
void fuzz_prepare(struct model_state *base);

/* One case. False: processor and model disagree, *difference says in what. */
bool fuzz_next(struct fuzz *fuzz, struct fuzz_difference *difference);

#endif
