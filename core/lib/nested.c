#include "lib/nested.h"

#include "lib/pages.h"

enum { ENTRIES = 512 };

#define ADDRESS 0x000FFFFFFFFFF000ull

enum status nested_create(struct nested *nested, uint64_t table_bits)
{
	nested->table_bits = table_bits;
	nested->root = pages_alloc(1);
	return nested->root ? STATUS_OK : STATUS_NO_MEMORY;
}

void nested_destroy(struct nested *nested)
{
	for (unsigned i = 0; i < nested->count; i++)
		pages_free(nested->table[i], 1);
	nested->count = 0;
	pages_free(nested->root, 1);
	nested->root = NULL;
}

static uint64_t *make_table(struct nested *nested)
{
	uint64_t *table = nested->count < NESTED_TABLES_MAX ? pages_alloc(1) : NULL;

	if (table)
		nested->table[nested->count++] = table;
	return table;
}

/* The last entry for a guest-physical address; tables on the way are made. NULL: no memory. */
static uint64_t *leaf(struct nested *nested, uint64_t gpa)
{
	uint64_t *table = nested->root;

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t *entry = &table[gpa >> shift & (ENTRIES - 1)];

		if (!*entry) {
			uint64_t *below = make_table(nested);

			if (!below)
				return NULL;
			*entry = (uint64_t)(uintptr_t)below | nested->table_bits;
		}
		table = (uint64_t *)(uintptr_t)(*entry & ADDRESS & ~nested->table_bits);
	}
	return &table[gpa >> 12 & (ENTRIES - 1)];
}

enum status nested_map(struct nested *nested, uint64_t gpa, uint64_t physical_address, size_t pages,
		       uint64_t leaf_bits)
{
	for (size_t i = 0; i < pages; i++) {
		uint64_t *entry = leaf(nested, gpa + i * PAGE_SIZE);

		if (!entry)
			return STATUS_NO_MEMORY;
		*entry = (physical_address + i * PAGE_SIZE) | leaf_bits;
	}
	return STATUS_OK;
}
