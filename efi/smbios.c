/*
 * DMTF DSP0134, "SMBIOS Structure Table Entry Point" and "Structure standards": structures of a
 * formatted area, its length in byte 1, and strings behind it that end in an empty one.
 */
#include "efi/smbios.h"

#include "lib/text.h"

#include "efi/firmware.h"

enum { FIRMWARE = 0, SYSTEM = 1, BOARD = 2, END = 127 };
enum { STRUCTURES_MAX = 4096, TABLE_MAX = 1 << 20 };

struct structure {
	uint8_t type, length;
	uint16_t handle;
};

struct table {
	const uint8_t *at, *end;
};

static bool same_guid(const EFI_GUID *a, const EFI_GUID *b)
{
	return !__builtin_memcmp(a, b, sizeof(*a));
}

static const uint8_t *entry_point(const EFI_GUID *guid)
{
	const EFI_SYSTEM_TABLE *system = firmware.table;

	for (UINTN i = 0; i < system->NumberOfTableEntries; i++)
		if (same_guid(&system->ConfigurationTable[i].VendorGuid, guid))
			return system->ConfigurationTable[i].VendorTable;
	return NULL;
}

static uint64_t number(const uint8_t *bytes, unsigned size)
{
	uint64_t value = 0;

	while (size--)
		value = value << 8 | bytes[size];
	return value;
}

/* The 64-bit entry point has the table's address at 10H, the 32-bit one at 18H. */
static struct table find_table(void)
{
	static const EFI_GUID guid3 = {
		0xf2fd1544, 0x9794, 0x4a2c, { 0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94 }
	};
	static const EFI_GUID guid2 = {
		0xeb9d2d31, 0x2d88, 0x11d3, { 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d }
	};
	const uint8_t *entry = entry_point(&guid3);
	struct table table = { NULL, NULL };
	uint64_t size = 0;

	if (entry && !__builtin_memcmp(entry, "_SM3_", 5)) {
		table.at = (const uint8_t *)(uintptr_t)number(entry + 0x10, 8);
		size = number(entry + 0x0C, 4);
	} else {
		entry = entry_point(&guid2);
		if (entry && !__builtin_memcmp(entry, "_SM_", 4)) {
			table.at = (const uint8_t *)(uintptr_t)number(entry + 0x18, 4);
			size = number(entry + 0x16, 2);
		}
	}
	if (table.at && size <= TABLE_MAX)
		table.end = table.at + size;
	else
		table.at = NULL;
	return table;
}

/* What is behind the structure at at: two zero bytes end its strings. */
static const uint8_t *behind(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *next = at + ((const struct structure *)at)->length;

	while (end - next >= 2 && (next[0] || next[1]))
		next++;
	return end - next >= 2 ? next + 2 : end;
}

/* The string whose number the formatted area has at offset, without blanks around it. */
static void string(const uint8_t *at, const uint8_t *end, unsigned offset, char *text, size_t size)
{
	unsigned length = at[1], count;
	const uint8_t *from = at + length;
	size_t used = 0;

	text[0] = '\0';
	if (offset >= length || !at[offset])
		return;
	for (count = at[offset]; count > 1 && from < end && *from; count--) {
		while (from < end && *from)
			from++;
		from++;
	}
	while (from < end && *from == ' ')
		from++;
	for (; from < end && *from && used < size - 1; from++)
		text[used++] = *from >= ' ' && *from <= '~' ? (char)*from : '?';
	while (used && text[used - 1] == ' ')
		used--;
	text[used] = '\0';
}

static const struct {
	uint8_t type;
	const char *fact;
	struct {
		uint8_t offset;
		const char *detail;
	} part[3];
} rows[] = {
	{ SYSTEM, "system", { { 4, "system_vendor" }, { 5, "system_product" } } },
	{ BOARD, "board", { { 4, "board_vendor" }, { 5, "board_product" } } },
	{ FIRMWARE,
	  "bios",
	  { { 4, "firmware_vendor" }, { 5, "firmware_version" }, { 8, "firmware_date" } } },
};

static void add_row(struct facts *facts, unsigned row, const uint8_t *at, const uint8_t *end)
{
	char text[3][DETAIL_TEXT] = { "", "", "" };

	if (facts_find(facts, rows[row].fact)[0])
		return; /* a machine may have several boards: the first one */
	for (unsigned i = 0; i < 3 && rows[row].part[i].detail; i++) {
		string(at, end, rows[row].part[i].offset, text[i], DETAIL_TEXT);
		facts_detail(facts, rows[row].part[i].detail, text[i]);
	}
	facts_add(facts, rows[row].fact, "%s%s%s%s%s", text[0], text[1][0] ? " " : "", text[1],
		  text[2][0] ? ", " : "", text[2]);
}

void smbios_identify(struct facts *facts)
{
	struct table table = find_table();

	for (unsigned n = 0; table.at && n < STRUCTURES_MAX; n++) {
		const struct structure *structure = (const void *)table.at;

		if (table.end - table.at < (ptrdiff_t)sizeof(*structure) ||
		    structure->length < sizeof(*structure) ||
		    table.end - table.at < structure->length || structure->type == END)
			return;
		for (unsigned row = 0; row < ARRAY_SIZE(rows); row++)
			if (rows[row].type == structure->type)
				add_row(facts, row, table.at, table.end);
		table.at = behind(table.at, table.end);
	}
}
