/* From a row to its cases. */
#include "tests/vmx/entry/rows.h"

#include "lib/text.h"

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
static uint64_t *find(struct entry_case *out, unsigned at, const struct model_state *base)
{
	unsigned i = 0;

	while (i < out->count && out->set[i].at != at)
		i++;
	if (i == out->count) {
		out->set[i].at = (enum model_index)at;
		out->set[i].value = base->value[at];
		out->count++;
	}
	return &out->set[i].value;
}

/* Every base has its pages in a row. */
static uint64_t own_page(const struct model_state *base, uint64_t page)
{
	return base->value[AT_IO_BITMAP_A] + (page - PAGE_IO_A) * PAGE_SIZE;
}

static void change(struct entry_case *out, unsigned at, uint8_t how, uint64_t by,
		   const struct model_state *base)
{
	uint64_t *value = find(out, at, base);

	if (how == HOW_PAGE) {
		how = HOW_SET;
		by = own_page(base, by);
	}
	*value = changed(*value, how, by) & model_mask((enum model_index)at);
}

/* The number-th bit of a mask, as a mask; 0: it has fewer. */
static uint64_t nth_bit(uint64_t mask, unsigned number)
{
	while (mask && number--)
		mask &= mask - 1;
	return mask & -mask;
}

static uint64_t beyond_width(const struct model_machine *machine)
{
	return ~(BIT(machine->basic & BIT(48) ? 32 : machine->physical_bits) - 1);
}

/* "VC" of the catalogue: borders of 48 bits, and of 57 bits if the machine has them. */
static bool border(const struct model_machine *machine, unsigned number, enum generator kind,
		   uint64_t *value)
{
	const unsigned less = kind == WIDE || kind == NOT_WIDE ? 0 : 1;
	/* The first addresses that are bad. */
	const uint64_t narrow = BIT(48 - less), wide = BIT(machine->linear_bits - less);
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
		const struct model_state *base)
{
	uint64_t *place = find(out, at, base);

	*place = ((mask ? *place & ~mask : 0) | value) & model_mask((enum model_index)at);
}

static bool flip(struct entry_case *out, unsigned at, uint64_t mask, unsigned number,
		 const struct model_state *base)
{
	uint64_t bit = nth_bit(mask & model_mask((enum model_index)at), number);

	change(out, at, HOW_XOR, bit, base);
	return bit;
}

static uint64_t reserved_bits(const struct model_machine *machine, enum control_group group)
{
	if (group == GROUP_TERTIARY)
		return ~machine->tertiary;
	if (group == GROUP_EXIT2)
		return ~machine->exit2;
	return (~(machine->controls[group] >> 32) | machine->controls[group]) & 0xFFFFFFFF;
}

/* The bits that may be 0 or 1. */
static uint64_t free_bits(const struct model_machine *m, enum machine_register which)
{
	switch (which) {
	case REGISTER_CR0: /* CD and NW always */
		return (m->cr0_fixed1 & ~m->cr0_fixed0) | BIT(30) | BIT(29);
	case REGISTER_CR3:
		return (BIT(m->physical_bits) - 1) | (m->lam ? BIT(62) | BIT(61) : 0);
	case REGISTER_CR4:
		return m->cr4_fixed1 & ~m->cr4_fixed0;
	case REGISTER_EFER: /* LMA and LME by rules of their own */
		return m->efer | BIT(10) | BIT(8);
	case REGISTER_PERF_GLOBAL_CTRL:
		return m->perf_global;
	case REGISTER_DEBUGCTL:
		return m->debugctl;
	case REGISTER_RTIT_CTL:
		return m->rtit_ctl;
	case REGISTER_LBR_CTL:
		return m->lbr_ctl;
	case REGISTER_SPEC_CTRL:
		return m->spec_ctrl;
	case REGISTER_S_CET: /* SUPPRESS and TRACKER by a rule of their own */
		return (m->shadow_stacks ? 3 : 0) | (m->branch_tracking ? ~0x3C3ull : 0);
	case REGISTER_COUNT:
		break;
	}
	return 0;
}

static uint64_t allowed_bits(const struct model_machine *machine, enum control_group group)
{
	uint64_t all = group == GROUP_TERTIARY ? machine->tertiary
		       : group == GROUP_EXIT2  ? machine->exit2
					       : machine->controls[group] >> 32;

	return all & ~reserved_bits(machine, group);
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

uint64_t entry_case_bits(const struct entry_row *row, const struct model_machine *machine)
{
	const uint64_t mask = row->mask ? row->mask : ~0ull;

	switch ((enum generator)row->kind) {
	case WALK:
		return row->mask;
	case PAGE:
		return PAGE_MASK | beyond_width(machine);
	case WIDTH:
		return beyond_width(machine);
	case RESERVED:
		return reserved_bits(machine, row->group);
	case ALLOWED:
		return allowed_bits(machine, row->group) & row->mask;
	case FREE:
		return mask & free_bits(machine, row->group);
	case FIXED:
		return mask & ~free_bits(machine, row->group);
	default:
		return 0;
	}
}

bool entry_case_generate(const struct entry_row *row, unsigned number, unsigned shift,
			 const struct model_state *base, const struct model_machine *machine,
			 struct entry_case *out)
{
	const unsigned at = row->at + shift;
	uint64_t value;

	switch ((enum generator)row->kind) {
	case ONE:
		return number == 0;
	case WALK:
	case PAGE:
	case WIDTH:
	case RESERVED:
	case ALLOWED:
	case FREE:
	case FIXED:
		return flip(out, at, entry_case_bits(row, machine), number, base);
	case BELOW:
		if (number >= row->count)
			return false;
		change(out, at, HOW_SET, 0 - beyond_width(machine) - row->values[number], base);
		return true;
	case VALUES:
		if (number >= row->count)
			return false;
		put(out, at, row->mask, row->values[number], base);
		return true;
	case RANGES:
		if (!in_ranges(row, number, &value))
			return false;
		put(out, at, row->mask, value, base);
		return true;
	case FLIPS:
		if (number >= row->count)
			return false;
		change(out, at, HOW_XOR, row->values[number], base);
		return true;
	case PAIRS:
		if (number >= row->count / 2)
			return false;
		put(out, at, row->mask, row->values[2 * number], base);
		put(out, row->at2 + shift, row->mask2, row->values[2 * number + 1], base);
		return true;
	case CURRENT:
		change(out, at, HOW_SET, machine->current, base);
		return number == 0;
	case CANONICAL:
	case NOT_CANONICAL:
	case BETWEEN_WIDTHS:
	case WIDE:
	case NOT_WIDE:
		if (!border(machine, number, row->kind, &value))
			return false;
		put(out, at, row->mask, row->mask ? value & row->mask : value, base);
		return true;
	}
	return false;
}

void entry_case_prepare(const struct entry_row *row, unsigned shift, const struct model_state *base,
			struct entry_case *out)
{
	out->count = 0;
	for (unsigned i = 0; i < ROW_CHANGES && row->with[i].how; i++)
		change(out, row->with[i].at + (row->with[i].each ? shift : 0), row->with[i].how,
		       row->with[i].value, base);
}

/* How many cases the generator has at one place; they are the same number at every place. */
static unsigned cases_at(const struct entry_row *row, unsigned shift,
			 const struct model_state *base, const struct model_machine *machine)
{
	struct entry_case scratch;
	unsigned count = 0;

	do {
		entry_case_prepare(row, shift, base, &scratch);
	} while (entry_case_generate(row, count, shift, base, machine, &scratch) && ++count);
	return count;
}

bool entry_case_make(const struct entry_row *row, unsigned number, const struct model_state *base,
		     const struct model_machine *machine, struct entry_case *out)
{
	uint64_t over = row->over ? row->over : 1;
	unsigned shift = (unsigned)__builtin_ctzll(over);

	for (;;) {
		unsigned count;

		entry_case_prepare(row, shift, base, out);
		if (entry_case_generate(row, number, shift, base, machine, out))
			return true;
		over &= over - 1;
		if (!over)
			return false;
		count = cases_at(row, shift, base, machine);
		if (number < count)
			return false;
		number -= count;
		shift = (unsigned)__builtin_ctzll(over);
	}
}

void entry_case_apply(const struct entry_case *what, struct model_state *state)
{
	for (unsigned i = 0; i < what->count; i++)
		state->value[what->set[i].at] = what->set[i].value;
}

static const struct {
	uint16_t at;
	uint8_t group;
} control_fields[] = {
	{ AT_PIN_BASED_CONTROLS, GROUP_PIN },	    { AT_PRIMARY_CONTROLS, GROUP_PRIMARY },
	{ AT_SECONDARY_CONTROLS, GROUP_SECONDARY }, { AT_TERTIARY_CONTROLS, GROUP_TERTIARY },
	{ AT_EXIT_CONTROLS, GROUP_EXIT },	    { AT_SECONDARY_EXIT_CONTROLS, GROUP_EXIT2 },
	{ AT_ENTRY_CONTROLS, GROUP_ENTRY },
};

/* A control that the row turns on and the machine does not have, or the reverse. */
static const char *missing_control(const struct change *change, const struct model_machine *machine,
				   char *text, size_t size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(control_fields); i++) {
		uint64_t allowed = machine->controls[control_fields[i].group];
		uint64_t lacks = change->how == HOW_OR	    ? change->value & ~(allowed >> 32)
				 : change->how == HOW_CLEAR ? change->value & (uint32_t)allowed
							    : 0;

		if (change->at != control_fields[i].at || !lacks)
			continue;
		text_format(text, size, "%s%s",
			    control_text(control_fields[i].group, (unsigned)__builtin_ctzll(lacks)),
			    change->how == HOW_CLEAR ? " that may be 0" : "");
		return text;
	}
	return NULL;
}

/* A field of the row that the machine does not have. */
static bool lacks_field(unsigned at, const struct model_machine *machine)
{
	const struct vmcs_row *row;

	if (at >= MODEL_FIELDS)
		return false;
	row = &vmcs_rows[at];
	if (row->exists == EXISTS_EPTP_SWITCHING)
		return !(machine->vm_functions & 1);
	if (row->exists != EXISTS_CONTROL)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(row->control); i++)
		if (machine->controls[row->control[i].group] >> 32 >> row->control[i].bit & 1)
			return false;
	return true;
}

static const char *missing_field(const struct entry_row *row, const struct model_machine *machine,
				 char *text, size_t size)
{
	unsigned lacks = MODEL_VALUES;

	for (unsigned i = 0; i < ROW_CHANGES && row->with[i].how; i++)
		if (row->with[i].how != HOW_CLEAR && lacks_field(row->with[i].at, machine))
			lacks = row->with[i].at;
	if (row->kind != ONE && lacks_field(row->at, machine))
		lacks = row->at;
	if (row->kind == PAIRS && lacks_field(row->at2, machine))
		lacks = row->at2;
	if (lacks == MODEL_VALUES)
		return NULL;
	text_format(text, size, "the field %s", model_name((enum model_index)lacks));
	return text;
}

const char *entry_row_missing(const struct entry_row *row, const struct model_state *base,
			      const struct model_machine *machine, char *text, size_t size)
{
	const char *missing = NULL;
	struct entry_case first;

	for (unsigned i = 0; i < ROW_CHANGES && row->with[i].how && !missing; i++)
		missing = missing_control(&row->with[i], machine, text, size);
	if (!missing)
		missing = missing_field(row, machine, text, size);
	if (missing)
		return missing;
	if (row->needs && !row->needs(machine))
		return row->needs_text;
	return entry_case_make(row, 0, base, machine, &first) ? NULL : "a bit of that kind";
}
