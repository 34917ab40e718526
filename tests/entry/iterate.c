/* All cases of a row, one after the other. */
#include "tests/entry/rows.h"

static unsigned place_of(const struct entry_cases *cases)
{
	return (unsigned)__builtin_ctz(cases->places);
}

static void begin_place(struct entry_cases *cases)
{
	cases->number = 0;
	cases->first = true;
	cases->bits = cases->left = 0;
	if (cases->places)
		entry_case_prepare(cases->row, place_of(cases), &cases->origin, &cases->prepared);
}

void entry_cases_begin(struct entry_cases *cases, const struct entry_row *row,
		       const struct entry_origin *origin)
{
	cases->row = row;
	cases->origin = *origin;
	cases->places = row->over ? row->over : 1;
	cases->now.count = 0;
	begin_place(cases);
}

static void copy(struct entry_case *to, const struct entry_case *from)
{
	to->count = from->count;
	for (unsigned i = 0; i < from->count; i++)
		to->set[i] = from->set[i];
}

static uint64_t *place_in(struct entry_case *what, unsigned at)
{
	for (unsigned i = 0; i < what->count; i++)
		if (what->set[i].at == at)
			return &what->set[i].value;
	return NULL;
}

/* A value that the cases of this place are made of: in the bits of the mask, or (0) in all. */
static void begin_made(struct entry_cases *cases, struct entry_made *made, unsigned at,
		       uint64_t mask)
{
	const uint64_t *prepared = place_in(&cases->prepared, at);

	made->place = place_in(&cases->now, at);
	made->prepared = prepared ? *prepared : cases->origin.base[at];
	made->keep = mask ? ~mask : 0;
	made->width = cases->origin.vendor->masks[at];
}

static inline void make(const struct entry_made *made, uint64_t value)
{
	*made->place = ((made->prepared & made->keep) | value) & made->width;
}

/* Ranges are quick to their end: from the case after the one that has been made. */
static void begin_ranges(struct entry_cases *cases)
{
	uint64_t number = cases->number;

	cases->list = cases->row->values;
	for (cases->left = cases->row->count; cases->left >= 2; cases->left -= 2) {
		cases->next = cases->list[0] + number;
		cases->end = cases->list[1];
		if (cases->next <= cases->end)
			break;
		number = cases->next - cases->end - 1;
		cases->list += 2;
	}
}

/* After the first case at a place: the generators that most rows have need no more than this. */
static void begin_quick_ones(struct entry_cases *cases)
{
	const struct entry_row *row = cases->row;
	const unsigned shift = place_of(cases), number = cases->number;

	begin_made(cases, &cases->made[0], row->at + shift, row->mask);
	cases->bits = entry_case_bits(row, &cases->origin) & cases->made[0].width;
	cases->quick =
		cases->bits || row->kind == VALUES || row->kind == PAIRS || row->kind == RANGES;
	for (unsigned i = 0; i < number; i++)
		cases->bits &= cases->bits - 1;
	if (row->kind == VALUES) {
		cases->list = row->values + number;
		cases->left = row->count - number;
	} else if (row->kind == PAIRS) {
		begin_made(cases, &cases->made[1], row->at2 + shift, row->mask2);
		cases->list = row->values + 2 * number;
		cases->left = row->count / 2 - number;
	} else if (row->kind == RANGES) {
		begin_ranges(cases);
	}
}

static uint64_t next_in_ranges(struct entry_cases *cases)
{
	uint64_t value = cases->next++;

	if (value < cases->end)
		return value;
	cases->list += 2;
	cases->left -= 2;
	if (cases->left >= 2) {
		cases->next = cases->list[0];
		cases->end = cases->list[1];
	}
	return value;
}

/* There is at least one more in the list. */
static void make_next(struct entry_cases *cases)
{
	if (cases->row->kind == RANGES) {
		make(&cases->made[0], next_in_ranges(cases));
		return;
	}
	make(&cases->made[0], *cases->list++);
	if (cases->row->kind == PAIRS)
		make(&cases->made[1], *cases->list++);
	cases->left--;
}

static bool next_quick_one(struct entry_cases *cases)
{
	if (cases->bits) {
		*cases->made[0].place = cases->made[0].prepared ^ (cases->bits & -cases->bits);
		cases->bits &= cases->bits - 1;
	} else if (cases->left) {
		make_next(cases);
	} else {
		return false;
	}
	cases->moved = false;
	cases->number++;
	return true;
}

static bool next_here(struct entry_cases *cases)
{
	struct entry_case next;

	copy(&next, &cases->prepared);
	if (!entry_case_generate(cases->row, cases->number, place_of(cases), &cases->origin, &next))
		return false;
	cases->number++;
	cases->moved = cases->first;
	cases->first = false;
	if (cases->moved)
		copy(&cases->before, &cases->now);
	copy(&cases->now, &next);
	if (cases->moved)
		begin_quick_ones(cases);
	return true;
}

/* Known without asking the generator: the quick ones have come to their end, or there is one. */
static bool is_over_here(const struct entry_cases *cases)
{
	return !cases->first && (cases->quick || cases->row->kind == ONE);
}

bool entry_cases_next(struct entry_cases *cases)
{
	if (next_quick_one(cases))
		return true;
	while (cases->places) {
		if (!is_over_here(cases) && next_here(cases))
			return true;
		cases->places &= cases->places - 1;
		begin_place(cases);
	}
	return false;
}

static unsigned count_bits(uint64_t bits)
{
	unsigned count = 0;

	for (; bits; bits &= bits - 1)
		count++;
	return count;
}

/* Of one place: the same number at all of them. */
static unsigned count_here(const struct entry_row *row, const struct entry_origin *origin)
{
	struct entry_cases cases;
	unsigned count = 0;

	switch ((enum generator)row->kind) {
	case ONE:
		return 1;
	case VALUES:
	case FLIPS:
		return row->count;
	case PAIRS:
		return row->count / 2;
	case RANGES:
		for (unsigned i = 0; i + 1 < row->count; i += 2)
			count += (unsigned)(row->values[i + 1] - row->values[i]) + 1;
		return count;
	default:
		break;
	}
	entry_cases_begin(&cases, row, origin);
	while (entry_cases_next(&cases) && (!cases.moved || !count))
		count++;
	return count;
}

static unsigned cases_here(const struct entry_row *row, const struct entry_origin *origin)
{
	const uint64_t bits = entry_case_bits(row, origin) & origin->vendor->masks[row->at];

	return bits ? count_bits(bits) : count_here(row, origin);
}

unsigned entry_cases_count(const struct entry_row *row, const struct entry_origin *origin)
{
	return cases_here(row, origin) * count_bits(row->over ? row->over : 1);
}

void entry_cases_skip(struct entry_cases *cases, unsigned number)
{
	const unsigned here = cases_here(cases->row, &cases->origin);

	for (; number && number >= here && cases->places; number -= here) {
		cases->places &= cases->places - 1;
		begin_place(cases);
	}
	cases->number = number;
}
