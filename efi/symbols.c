/* Addresses of our code as function and offset: the table is made from the image's first link. */
#include "firmware.h"
#include "host.h"
#include "text.h"

/* Rising, from the image's base; the names follow one another in the same order. */
extern const uint32_t symbol_table[] __attribute__((visibility("hidden")));
extern const uint32_t symbol_count __attribute__((visibility("hidden")));
extern const char symbol_names[] __attribute__((visibility("hidden")));

static const char *nth_name(uint32_t n)
{
	const char *name = symbol_names;

	while (n--)
		name += text_length(name) + 1;
	return name;
}

const char *symbol_at(uint64_t address, uint64_t *offset)
{
	uint32_t low = 0, high = symbol_count;

	*offset = address - physical(firmware.loaded->ImageBase);
	if (*offset >= firmware.loaded->ImageSize)
		return "";
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (symbol_table[middle] <= *offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return "assay";
	*offset -= symbol_table[low - 1];
	return nth_name(low - 1);
}
