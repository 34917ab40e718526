/* All cases of a row, one after the other. */
#include "tests/vmx/entry/rows.h"

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
		entry_case_prepare(cases->row, place_of(cases), cases->base, &cases->prepared);
}

void entry_cases_begin(struct entry_cases *cases, const struct entry_row *row,
		       const struct model_state *base, const struct model_machine *machine)
{
	cases->row = row;
	cases->base = base;
	cases->machine = machine;
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

/* A case's value, which it has if it is the first of its place; otherwise the base's. */
static uint64_t *value_in(struct entry_case *what, unsigned at)
{
	for (unsigned i = 0; i < what->count; i++)
		if (what->set[i].at == at)
			return &what->set[i].value;
	return NULL;
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
	const unsigned at = row->at + place_of(cases);
	const uint64_t *prepared = value_in(&cases->prepared, at);

	cases->value = value_in(&cases->now, at);
	cases->prepared_value = prepared ? *prepared : cases->base->value[at];
	cases->bits = entry_case_bits(row, cases->machine) & model_mask((enum model_index)at);
	for (unsigned i = 0; i < cases->number; i++)
		cases->bits &= cases->bits - 1;
	cases->keep = row->mask ? ~row->mask : 0;
	if (row->kind == VALUES) {
		cases->list = row->values + cases->number;
		cases->left = row->count - cases->number;
	} else if (row->kind == RANGES) {
		begin_ranges(cases);
	}
}

/* The next value of a list, or of ranges; at least one is left. */
static uint64_t next_value(struct entry_cases *cases)
{
	uint64_t value;

	if (cases->row->kind == VALUES) {
		cases->left--;
		return *cases->list++;
	}
	value = cases->next++;
	if (value == cases->end) {
		cases->list += 2;
		cases->left -= 2;
		if (cases->left >= 2) {
			cases->next = cases->list[0];
			cases->end = cases->list[1];
		}
	}
	return value;
}

static bool next_quick_one(struct entry_cases *cases)
{
	if (cases->bits) {
		*cases->value = cases->prepared_value ^ (cases->bits & -cases->bits);
		cases->bits &= cases->bits - 1;
	} else if (cases->left) {
		const unsigned at = cases->row->at + place_of(cases);

		*cases->value = ((cases->prepared_value & cases->keep) | next_value(cases)) &
				model_mask((enum model_index)at);
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
	if (!entry_case_generate(cases->row, cases->number, place_of(cases), cases->base,
				 cases->machine, &next))
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

bool entry_cases_next(struct entry_cases *cases)
{
	if (next_quick_one(cases))
		return true;
	while (cases->places) {
		if (next_here(cases))
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
static unsigned count_here(const struct entry_row *row, const struct model_state *base,
			   const struct model_machine *machine)
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
	default:
		break;
	}
	entry_cases_begin(&cases, row, base, machine);
	while (entry_cases_next(&cases) && (!cases.moved || !count))
		count++;
	return count;
}

static unsigned cases_here(const struct entry_row *row, const struct model_state *base,
			   const struct model_machine *machine)
{
	const uint64_t bits = entry_case_bits(row, machine) & model_mask((enum model_index)row->at);

	return bits ? count_bits(bits) : count_here(row, base, machine);
}

unsigned entry_cases_count(const struct entry_row *row, const struct model_state *base,
			   const struct model_machine *machine)
{
	return cases_here(row, base, machine) * count_bits(row->over ? row->over : 1);
}

void entry_cases_skip(struct entry_cases *cases, unsigned number)
{
	const unsigned here = cases_here(cases->row, cases->base, cases->machine);

	for (; number && number >= here && cases->places; number -= here) {
		cases->places &= cases->places - 1;
		begin_place(cases);
	}
	cases->number = number;
}
