/* Addresses of our code as function and offset: the table is made from the image's first link. */
#include "firmware.h"
#include "host.h"

/* By rising address; both count from the image's base. */
extern const struct {
	uint32_t address, name;
} symbol_table[] __attribute__((visibility("hidden")));
extern const uint32_t symbol_count __attribute__((visibility("hidden")));
extern const char symbol_names[] __attribute__((visibility("hidden")));

const char *symbol_at(uint64_t address, uint64_t *offset)
{
	uint32_t low = 0, high = symbol_count;

	*offset = address - physical(firmware.loaded->ImageBase);
	if (*offset >= firmware.loaded->ImageSize)
		return "";
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (symbol_table[middle].address <= *offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return "assay";
	*offset -= symbol_table[low - 1].address;
	return symbol_names + symbol_table[low - 1].name;
}
