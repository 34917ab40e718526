/* Addresses of our code as function and offset: the build fills the table in after linking. */
#include "lib/text.h"

#include "efi/cpu/cpu.h"
#include "efi/firmware.h"

/* The section that symbols.sh lays out. The names follow the offsets, in the same order. */
struct symbols {
	uint32_t count;
	uint16_t offset[]; /* from the image's base to the first function, from it to the next */
};

extern const struct symbols symbol_section __attribute__((visibility("hidden")));

const char *symbol_at(uint64_t address, uint64_t *offset)
{
	const char *name = "assay",
		   *next = (const char *)&symbol_section.offset[symbol_section.count];
	uint64_t start = 0;

	*offset = address - physical(firmware.loaded->ImageBase);
	if (*offset >= firmware.loaded->ImageSize)
		return "";
	for (uint32_t i = 0;
	     i < symbol_section.count && start + symbol_section.offset[i] <= *offset; i++) {
		start += symbol_section.offset[i];
		name = next;
		next += text_length(next) + 1;
	}
	*offset -= start;
	return name;
}
