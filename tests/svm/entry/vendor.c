/* What SVM's rows make of a machine: generators of their own. */
#include "svm/model/view.h"

#include "tests/svm/entry/rows.h"

static uint64_t beyond(const void *of)
{
	const struct svm_machine *machine = of;

	return ~(BIT(machine->physical_bits) - 1);
}

static unsigned linear_bits(const void *of)
{
	const struct svm_machine *machine = of;

	return machine->linear_bits;
}

/* Every base has its pages in a row. */
static uint64_t own_page(const uint64_t *base, uint64_t page)
{
	return base[AT_MSRPM_BASE_PA] + (page - PAGE_MSRPM) * PAGE_SIZE;
}

static uint64_t bits(const struct entry_row *row, const void *of)
{
	const struct svm_machine *machine = of;
	const bool cr4 = row->group == GROUP_CR4;
	const uint64_t mbz = cr4 ? CR4_MBZ : EFER_MBZ;
	const uint64_t features = cr4 ? CR4_FEATURES : EFER_FEATURES;
	const uint64_t granted = cr4 ? machine->cr4 : machine->efer;

	switch ((enum svm_generator)row->kind) {
	case REGISTER_MBZ:
		return mbz & ~granted;
	case REGISTER_ABSENT:
		return features & ~granted;
	case REGISTER_ODD:
		return mbz & granted;
	case REGISTER_PRESENT:
		return features & granted;
	case ABOVE_4_GIB:
		return ~beyond(machine) & HIGH;
	case ASID_LAST:
	case ASID_BEYOND:
		break;
	}
	return 0;
}

static bool special(const struct entry_row *row, unsigned number, const void *of, uint64_t *value)
{
	const struct svm_machine *machine = of;

	switch (row->kind) {
	case ASID_LAST:
		*value = machine->asids - 1;
		return number == 0;
	case ASID_BEYOND:
		*value = number ? 0xFFFFFFFF : machine->asids;
		return number < 2;
	default:
		return false;
	}
}

static const char *missing(const struct entry_row *row, const void *of, char *text, size_t size)
{
	(void)text;
	(void)size;
	return row->needs.svm && !row->needs.svm(of) ? row->needs_text : NULL;
}

const struct entry_vendor svm_entry_vendor = {
	.values = SVM_VALUES,
	.masks = svm_masks,
	.name = svm_name,
	.beyond = beyond,
	.linear_bits = linear_bits,
	.own_page = own_page,
	.bits = bits,
	.special = special,
	.missing = missing,
};
