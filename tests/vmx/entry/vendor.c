/* What VMX's rows make of a machine: generators of their own, and what it lacks. */
#include "tests/vmx/entry/rows.h"

#include "lib/text.h"

static uint64_t beyond(const void *of)
{
	const struct model_machine *machine = of;

	return ~(BIT(machine->basic & BIT(48) ? 32 : machine->physical_bits) - 1);
}

static unsigned linear_bits(const void *of)
{
	const struct model_machine *machine = of;

	return machine->linear_bits;
}

/* Every base has its pages in a row. */
static uint64_t own_page(const uint64_t *base, uint64_t page)
{
	return base[AT_IO_BITMAP_A] + (page - PAGE_IO_A) * PAGE_SIZE;
}

static const char *name(unsigned at)
{
	return model_name((enum model_index)at);
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

static uint64_t bits(const struct entry_row *row, const void *of)
{
	const struct model_machine *machine = of;
	const uint64_t mask = row->mask ? row->mask : ~0ull;

	switch ((enum vmx_generator)row->kind) {
	case RESERVED:
		return reserved_bits(machine, row->group);
	case ALLOWED:
		return allowed_bits(machine, row->group) & row->mask;
	case FREE:
		return mask & free_bits(machine, row->group);
	case FIXED:
		return mask & ~free_bits(machine, row->group);
	case CURRENT:
		break;
	}
	return 0;
}

static bool special(const struct entry_row *row, unsigned number, const void *of, uint64_t *value)
{
	const struct model_machine *machine = of;

	*value = machine->current;
	return row->kind == CURRENT && number == 0;
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
	uint64_t allowed, lacks;
	unsigned i = 0;

	if (change->how != HOW_OR && change->how != HOW_CLEAR)
		return NULL;
	while (i < ARRAY_SIZE(control_fields) && control_fields[i].at != change->at)
		i++;
	if (i == ARRAY_SIZE(control_fields))
		return NULL;
	allowed = machine->controls[control_fields[i].group];
	lacks = change->value & (change->how == HOW_OR ? ~(allowed >> 32) : (uint32_t)allowed);
	if (!lacks)
		return NULL;
	text_format(text, size, "%s%s",
		    control_text(control_fields[i].group, (unsigned)__builtin_ctzll(lacks)),
		    change->how == HOW_CLEAR ? " that may be 0" : "");
	return text;
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
	const unsigned changes = entry_changes(row);
	unsigned lacks = MODEL_VALUES;

	for (unsigned i = 0; i < changes; i++)
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

static const char *missing(const struct entry_row *row, const void *of, char *text, size_t size)
{
	const struct model_machine *machine = of;
	const unsigned changes = entry_changes(row);
	const char *what = NULL;

	for (unsigned i = 0; i < changes && !what; i++)
		what = missing_control(&row->with[i], machine, text, size);
	if (!what)
		what = missing_field(row, machine, text, size);
	if (!what && row->needs.vmx && !row->needs.vmx(machine))
		what = row->needs_text;
	return what;
}

const struct entry_vendor vmx_entry_vendor = {
	.values = MODEL_VALUES,
	.masks = model_masks,
	.name = name,
	.beyond = beyond,
	.linear_bits = linear_bits,
	.own_page = own_page,
	.bits = bits,
	.special = special,
	.missing = missing,
};
