/* From a row to its cases. */
#include "tests/entry/rows.h"

static uint64_t changed(uint64_t value, uint8_t how, uint64_t by)
{
	switch (how) {
	case HOW_SET:
		return by;
	case HOW_OR:
		return value | by;
	case HOW_CLEAR:
		return value & ~by;
	case HOW_XOR:
		return value ^ by;
	default:
		return value;
	}
}

/* The value as the case has it so far. */
static uint64_t *find(struct entry_case *out, unsigned at, const struct entry_origin *origin)
{
	unsigned i = 0;

	while (i < out->count && out->set[i].at != at)
		i++;
	if (i == out->count) {
		out->set[i].at = at;
		out->set[i].value = origin->base[at];
		out->count++;
	}
	return &out->set[i].value;
}

static void change(struct entry_case *out, unsigned at, uint8_t how, uint64_t by,
		   const struct entry_origin *origin)
{
	uint64_t *value = find(out, at, origin);

	if (how == HOW_PAGE) {
		how = HOW_SET;
		by = origin->vendor->own_page(origin->base, by);
	}
	*value = changed(*value, how, by) & origin->vendor->masks[at];
}

/* The number-th bit of a mask, as a mask; 0: it has fewer. */
static uint64_t nth_bit(uint64_t mask, unsigned number)
{
	while (mask && number--)
		mask &= mask - 1;
	return mask & -mask;
}

static uint64_t beyond(const struct entry_origin *origin)
{
	return origin->vendor->beyond(origin->machine);
}

/* "VC" of the catalogue: borders of 48 bits, and of 57 bits if the machine has them. */
static bool border(const struct entry_origin *origin, unsigned number, enum generator kind,
		   uint64_t *value)
{
	const unsigned less = kind == WIDE || kind == NOT_WIDE ? 0 : 1;
	/* The first addresses that are bad. */
	const uint64_t narrow = BIT(48 - less);
	const uint64_t wide = BIT(origin->vendor->linear_bits(origin->machine) - less);
	const uint64_t goods[] = { narrow - 1, 0 - narrow }, bads[] = { wide, ~wide };
	const uint64_t between[] = { narrow, wide - 1, ~narrow, 0 - wide };

	if (kind == BETWEEN_WIDTHS) {
		if (wide == narrow || number >= ARRAY_SIZE(between))
			return false;
		*value = between[number];
		return true;
	}
	if (number >= ARRAY_SIZE(goods))
		return false;
	*value = kind == CANONICAL || kind == WIDE ? goods[number] : bads[number];
	return true;
}

/* A value in the bits of a mask; no mask: in all of them. */
static void put(struct entry_case *out, unsigned at, uint64_t mask, uint64_t value,
		const struct entry_origin *origin)
{
	uint64_t *place = find(out, at, origin);

	*place = ((mask ? *place & ~mask : 0) | value) & origin->vendor->masks[at];
}

static bool flip(struct entry_case *out, unsigned at, uint64_t mask, unsigned number,
		 const struct entry_origin *origin)
{
	uint64_t bit = nth_bit(mask & origin->vendor->masks[at], number);

	change(out, at, HOW_XOR, bit, origin);
	return bit;
}

/* The number-th value of ranges that are written two by two. */
static bool in_ranges(const struct entry_row *row, uint64_t number, uint64_t *value)
{
	for (unsigned i = 0; i + 1 < row->count; i += 2) {
		uint64_t count = row->values[i + 1] - row->values[i] + 1;

		if (number < count) {
			*value = row->values[i] + number;
			return true;
		}
		number -= count;
	}
	return false;
}

/* The number-th of the values that a mask's bits can have; false: they have fewer. */
static bool scatter(uint64_t mask, unsigned number, uint64_t *value)
{
	*value = 0;
	for (; mask; mask &= mask - 1, number >>= 1)
		*value |= number & 1 ? mask & -mask : 0;
	return !number;
}

uint64_t entry_case_bits(const struct entry_row *row, const struct entry_origin *origin)
{
	switch (row->kind) {
	case WALK:
		return row->mask;
	case PAGE:
		return PAGE_MASK | beyond(origin);
	case WIDTH:
		return beyond(origin);
	default:
		return row->kind < GENERATOR_OF_VENDOR || !origin->vendor->bits
			       ? 0
			       : origin->vendor->bits(row, origin->machine);
	}
}

/* One of the vendor's generators. */
static bool generate_special(const struct entry_row *row, unsigned number, unsigned at,
			     const struct entry_origin *origin, struct entry_case *out)
{
	const uint64_t bits = entry_case_bits(row, origin);
	uint64_t value;

	if (bits)
		return flip(out, at, bits, number, origin);
	if (!origin->vendor->special ||
	    !origin->vendor->special(row, number, origin->machine, &value))
		return false;
	change(out, at, HOW_SET, value, origin);
	return true;
}

bool entry_case_generate(const struct entry_row *row, unsigned number, unsigned shift,
			 const struct entry_origin *origin, struct entry_case *out)
{
	const unsigned at = row->at + shift;
	uint64_t value;

	switch ((enum generator)row->kind) {
	case ONE:
		return number == 0;
	case WALK:
	case PAGE:
	case WIDTH:
		return flip(out, at, entry_case_bits(row, origin), number, origin);
	case BELOW:
		if (number >= row->count)
			return false;
		change(out, at, HOW_SET, 0 - beyond(origin) - row->values[number], origin);
		return true;
	case VALUES:
		if (number >= row->count)
			return false;
		put(out, at, row->mask, row->values[number], origin);
		return true;
	case RANGES:
		if (!in_ranges(row, number, &value))
			return false;
		put(out, at, row->mask, value, origin);
		return true;
	case FLIPS:
		if (number >= row->count)
			return false;
		change(out, at, HOW_XOR, row->values[number], origin);
		return true;
	case PAIRS:
		if (number >= row->count / 2)
			return false;
		put(out, at, row->mask, row->values[2 * number], origin);
		put(out, row->at2 + shift, row->mask2, row->values[2 * number + 1], origin);
		return true;
	case ALL:
		if (!scatter(row->mask, number, &value))
			return false;
		put(out, at, row->mask, value, origin);
		return true;
	case CANONICAL:
	case NOT_CANONICAL:
	case BETWEEN_WIDTHS:
	case WIDE:
	case NOT_WIDE:
		if (!border(origin, number, row->kind, &value))
			return false;
		put(out, at, row->mask, row->mask ? value & row->mask : value, origin);
		return true;
	case GENERATOR_OF_VENDOR:
		break;
	}
	return generate_special(row, number, at, origin, out);
}

void entry_case_prepare(const struct entry_row *row, unsigned shift,
			const struct entry_origin *origin, struct entry_case *out)
{
	out->count = 0;
	for (const struct change *with = row->with; with && with->how; with++)
		change(out, with->at + (with->each ? shift : 0), with->how, with->value, origin);
}

/* How many cases the generator has at one place; they are the same number at every place. */
static unsigned cases_at(const struct entry_row *row, unsigned shift,
			 const struct entry_origin *origin)
{
	struct entry_case scratch;
	unsigned count = 0;

	do {
		entry_case_prepare(row, shift, origin, &scratch);
	} while (entry_case_generate(row, count, shift, origin, &scratch) && ++count);
	return count;
}

bool entry_case_make(const struct entry_row *row, unsigned number,
		     const struct entry_origin *origin, struct entry_case *out)
{
	uint64_t over = row->over ? row->over : 1;
	unsigned shift = (unsigned)__builtin_ctzll(over);

	for (;;) {
		unsigned count;

		entry_case_prepare(row, shift, origin, out);
		if (entry_case_generate(row, number, shift, origin, out))
			return true;
		over &= over - 1;
		if (!over)
			return false;
		count = cases_at(row, shift, origin);
		if (number < count)
			return false;
		number -= count;
		shift = (unsigned)__builtin_ctzll(over);
	}
}

void entry_case_apply(const struct entry_case *what, uint64_t *state)
{
	for (unsigned i = 0; i < what->count; i++)
		state[what->set[i].at] = what->set[i].value;
}

const char *entry_row_missing(const struct entry_row *row, const struct entry_origin *origin,
			      char *text, size_t size)
{
	const char *missing = origin->vendor->missing(row, origin->machine, text, size);
	struct entry_case first;

	if (missing)
		return missing;
	return entry_case_make(row, 0, origin, &first) ? NULL : "a bit of that kind";
}
