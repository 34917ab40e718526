#include "tests/entry/fuzz.h"

/* xorshift64*. */
static uint64_t next_random(struct fuzz *fuzz)
{
	fuzz->random ^= fuzz->random >> 12;
	fuzz->random ^= fuzz->random << 25;
	fuzz->random ^= fuzz->random >> 27;
	return fuzz->random * 0x2545F4914F6CDD1D;
}

/* 0 to below - 1. */
static unsigned pick(struct fuzz *fuzz, unsigned below)
{
	return (unsigned)((next_random(fuzz) >> 32) * below >> 32);
}

/* --- what may change -------------------------------------------------------------------------- */

static void add(struct fuzz *fuzz, unsigned at, uint8_t bits, unsigned weight)
{
	fuzz->mask[at] = fuzz->hunt->bits(fuzz->machine, at, bits) & fuzz->hunt->vendor->masks[at];
	while (weight-- && fuzz->list_count < FUZZ_LIST)
		fuzz->list[fuzz->list_count++] = (uint16_t)at;
}

/* --- states ----------------------------------------------------------------------------------- */

enum { SPREAD = 16, NEW_STATE_TRIES = 8, CASES_A_ROUND = 128 };

static void copy(const struct fuzz *fuzz, uint64_t *to, const uint64_t *from)
{
	__builtin_memcpy(to, from, fuzz->hunt->vendor->values * sizeof(*to));
}

/* A valid state: some values of a base at random, rounded. */
static bool make_valid(struct fuzz *fuzz, unsigned base, uint64_t *state)
{
	struct fuzz_verdict verdict;

	copy(fuzz, state, fuzz->bases[base]);
	for (unsigned i = 0; i < SPREAD; i++) {
		unsigned at = fuzz->list[pick(fuzz, fuzz->list_count)];
		uint64_t few = next_random(fuzz) & next_random(fuzz);

		state[at] ^= few & fuzz->mask[at];
	}
	fuzz->hunt->keep_all_harmless(fuzz, state);
	if (!fuzz->hunt->repair(state, fuzz->machine))
		return false;
	fuzz->hunt->keep_all_harmless(fuzz, state);
	return fuzz->hunt->check(state, fuzz->machine, &verdict) == FUZZ_VALID;
}

static void set(struct fuzz *fuzz, unsigned at, uint64_t value)
{
	fuzz->state[at] = value;
	fuzz->target->set(fuzz->target->context, at, value);
}

static void go_to(struct fuzz *fuzz, const uint64_t *state)
{
	for (unsigned at = 0; at < fuzz->hunt->vendor->values; at++)
		if (fuzz->state[at] != state[at])
			set(fuzz, at, state[at]);
}

static void begin_round(struct fuzz *fuzz)
{
	uint64_t *state = fuzz->pool[pick(fuzz, FUZZ_POOL)];

	fuzz->base = pick(fuzz, fuzz->base_count);
	copy(fuzz, state, fuzz->bases[fuzz->base]);
	for (unsigned i = 0; i < NEW_STATE_TRIES; i++) {
		if (!make_valid(fuzz, fuzz->base, fuzz->made))
			continue;
		copy(fuzz, state, fuzz->made);
		break;
	}
	go_to(fuzz, state);
	fuzz->in_round = 0;
	fuzz->told = false;
}

void fuzz_init(struct fuzz *fuzz, const struct fuzz_hunt *hunt, const void *machine,
	       const struct fuzz_target *target, const uint64_t (*bases)[ENTRY_VALUES],
	       unsigned base_count, bool (*has)(void *context, unsigned at), uint64_t seed)
{
	*fuzz = (struct fuzz){ .hunt = hunt,
			       .machine = machine,
			       .target = target,
			       .bases = bases,
			       .base_count = base_count,
			       .random = seed * 2 + 1, /* not 0 */
			       .in_round = CASES_A_ROUND };
	for (const struct fuzz_run *run = hunt->runs; run->weight; run++)
		for (unsigned at = run->first; at <= run->last; at++)
			if (has(target->context, at))
				add(fuzz, at, run->bits, run->weight);
	copy(fuzz, fuzz->state, bases[0]);
	for (unsigned at = 0; at < hunt->vendor->values; at++)
		target->set(target->context, at, bases[0][at]);
	for (unsigned i = 0; i < FUZZ_POOL; i++)
		copy(fuzz, fuzz->pool[i], bases[i % base_count]);
	for (unsigned i = 0; i < 16; i++) /* seeds that differ in few bits */
		(void)next_random(fuzz);
}

/* --- cases ------------------------------------------------------------------------------------ */

struct changes {
	unsigned count;
	uint16_t at[FUZZ_FIELDS];
	uint64_t before[FUZZ_FIELDS];
};

/* One bit of a mask, each as likely as the others. */
static uint64_t some_bit(struct fuzz *fuzz, uint64_t mask)
{
	unsigned count = 0, number;

	for (uint64_t left = mask; left; left &= left - 1)
		count++;
	number = pick(fuzz, count);
	while (number--)
		mask &= mask - 1;
	return mask & -mask;
}

enum way { FLIP, CROSS, BASE, TELL, WAYS };

/* Another value for a field: a few bits flipped, as it is in another valid state or in a base, or
 * one that tells much. */
static uint64_t another(struct fuzz *fuzz, unsigned at, enum way way)
{
	const struct fuzz_hunt *hunt = fuzz->hunt;
	const uint64_t now = fuzz->state[at], mask = fuzz->mask[at];
	unsigned flips = 1 + pick(fuzz, 4) / 3 + pick(fuzz, 8) / 7, tell;
	uint64_t value = now;

	switch (way) {
	case CROSS:
		return (now & ~mask) | (fuzz->pool[pick(fuzz, FUZZ_POOL)][at] & mask);
	case BASE: /* an address of the base's is a page of our own */
		return fuzz->bases[pick(fuzz, fuzz->base_count)][at];
	case TELL:
		tell = pick(fuzz, hunt->telling_count);
		for (unsigned i = 0; i < hunt->telling_count; i++, tell++)
			if (hunt->telling[tell % hunt->telling_count].at == at)
				return hunt->telling[tell % hunt->telling_count].value;
		break;
	default:
		break;
	}
	while (flips-- && mask)
		value ^= some_bit(fuzz, mask);
	return value;
}

/* A field of the cluster, or one of all. */
static unsigned some_field(struct fuzz *fuzz, unsigned cluster)
{
	unsigned at = cluster < fuzz->hunt->cluster_count
			      ? fuzz->hunt->clusters[cluster][pick(fuzz, FUZZ_CLUSTER)]
			      : fuzz->list[pick(fuzz, fuzz->list_count)];

	return fuzz->mask[at] ? at : fuzz->list[pick(fuzz, fuzz->list_count)];
}

static void try(struct fuzz *fuzz, unsigned at, uint64_t value)
{
	fuzz->state[at] = value;
	fuzz->hunt->keep_harmless(fuzz, fuzz->state, at);
	set(fuzz, at, fuzz->state[at]);
}

static void change_some(struct fuzz *fuzz, struct changes *changes)
{
	enum way way = pick(fuzz, WAYS);
	unsigned cluster = pick(fuzz, 2 * fuzz->hunt->cluster_count);

	changes->count = 1 + pick(fuzz, FUZZ_FIELDS);
	for (unsigned i = 0; i < changes->count; i++) {
		unsigned at = some_field(fuzz, cluster);

		changes->at[i] = (uint16_t)at;
		changes->before[i] = fuzz->state[at];
		try(fuzz, at, another(fuzz, at, way));
	}
}

static void undo(struct fuzz *fuzz, const struct changes *changes)
{
	for (unsigned i = changes->count; i--;) /* backwards: a field may be there twice */
		set(fuzz, changes->at[i], changes->before[i]);
}

static bool disagrees(struct fuzz *fuzz, struct fuzz_verdict *verdict)
{
	fuzz->side = fuzz->hunt->check(fuzz->state, fuzz->machine, verdict);
	return fuzz->side != FUZZ_UNJUDGED && !fuzz->target->agrees(fuzz->target->context, verdict);
}

/* Makes the value what the base has, whole or bit by bit, as long as the difference stays. */
static void make_smaller(struct fuzz *fuzz, unsigned at, uint64_t base)
{
	struct fuzz_verdict verdict;
	uint64_t kept = fuzz->state[at];

	if (kept == base)
		return;
	try(fuzz, at, base);
	if (disagrees(fuzz, &verdict))
		return;
	set(fuzz, at, kept);
	for (uint64_t left = kept ^ base; left; left &= left - 1) {
		uint64_t bit = left & -left;

		try(fuzz, at, kept ^ bit);
		if (disagrees(fuzz, &verdict))
			kept = fuzz->state[at];
		else
			set(fuzz, at, kept);
	}
}

static void describe(struct fuzz *fuzz, struct fuzz_difference *difference)
{
	const uint64_t *base = fuzz->bases[fuzz->base];

	difference->base = fuzz->base;
	difference->count = 0;
	copy(fuzz, difference->state, fuzz->state);
	difference->side = fuzz->hunt->check(fuzz->state, fuzz->machine, &difference->verdict);
	for (unsigned at = 0; at < fuzz->hunt->vendor->values; at++)
		if (fuzz->state[at] != base[at])
			difference->at[difference->count++] = (uint16_t)at;
}

static void minimise(struct fuzz *fuzz)
{
	const uint64_t *base = fuzz->bases[fuzz->base];

	for (unsigned at = 0; at < fuzz->hunt->vendor->values; at++)
		make_smaller(fuzz, at, base[at]);
}

static void make_case(struct fuzz *fuzz, struct changes *changes)
{
	if (fuzz->in_round++ >= CASES_A_ROUND)
		begin_round(fuzz);
	change_some(fuzz, changes);
}

bool fuzz_next(struct fuzz *fuzz, struct fuzz_difference *difference)
{
	const struct fuzz_target *target = fuzz->target;
	struct fuzz_verdict verdict;
	struct changes changes;
	bool differs, new = false;

	make_case(fuzz, &changes);
	fuzz->cases++;
	differs = disagrees(fuzz, &verdict);
	fuzz->valid += !differs && fuzz->side == FUZZ_VALID;
	fuzz->differences += differs;
	if (differs && !fuzz->told) /* a state has often no more than one */
		fuzz->told = new =
			!target->is_new || target->is_new(target->context, fuzz->side, &verdict);
	if (new) {
		copy(fuzz, fuzz->made, fuzz->state);
		minimise(fuzz);
		describe(fuzz, difference);
		go_to(fuzz, fuzz->made);
	}
	undo(fuzz, &changes);
	return !new;
}

void fuzz_skip(struct fuzz *fuzz, struct fuzz_difference *what)
{
	struct changes changes;

	make_case(fuzz, &changes);
	if (what)
		describe(fuzz, what);
	undo(fuzz, &changes);
}
