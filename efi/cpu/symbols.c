/* Addresses of our code as function and offset: the table is made from the image's first link. */
#include "lib/text.h"

#include "efi/cpu/host.h"
#include "efi/firmware.h"

/* From the image's base to the first function, and so on; the names are in the same order. */
extern const uint16_t symbol_table[] __attribute__((visibility("hidden")));
extern const uint32_t symbol_count __attribute__((visibility("hidden")));
extern const char symbol_names[] __attribute__((visibility("hidden")));

const char *symbol_at(uint64_t address, uint64_t *offset)
{
	const char *name = "assay", *next = symbol_names;
	uint64_t start = 0;

	*offset = address - physical(firmware.loaded->ImageBase);
	if (*offset >= firmware.loaded->ImageSize)
		return "";
	for (uint32_t i = 0; i < symbol_count && start + symbol_table[i] <= *offset; i++) {
		start += symbol_table[i];
		name = next;
		next += text_length(next) + 1;
	}
	*offset -= start;
	return name;
}
