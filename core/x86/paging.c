#include "x86/paging.h"

#include "x86/control.h"
#include "x86/insn.h"

enum { LARGE = 1 << 7, PAT_OF_PAGE = 1 << 7, PAT_OF_LARGE = 1 << 12, ENTRIES = 512 };

#define ADDRESS 0x000FFFFFFFFFF000ull

static uint64_t address_of(const uint64_t *table)
{
	return (uint64_t)(uintptr_t)table;
}

static uint64_t *table_at(uint64_t entry)
{
	return (uint64_t *)(uintptr_t)(entry & ADDRESS);
}

static uint64_t *take_table(struct page_tables *tables)
{
	return tables->pool_used < tables->pool_pages ? tables->pool + ENTRIES * tables->pool_used++
						      : NULL;
}

static bool is_own(const struct page_tables *tables, uint64_t entry)
{
	return (entry & ADDRESS) - address_of(tables->pool) < tables->pool_pages * PAGE_SIZE;
}

/* The next level's pages or tables that together are what the large page was. */
static void split(uint64_t *table, uint64_t entry, unsigned shift)
{
	uint64_t base = entry & ADDRESS & ~(uint64_t)PAT_OF_LARGE;
	uint64_t flags = entry & ~ADDRESS & ~(uint64_t)LARGE;

	if (shift == 12)
		flags |= entry & PAT_OF_LARGE ? PAT_OF_PAGE : 0;
	else
		flags |= LARGE | (entry & PAT_OF_LARGE);
	for (uint64_t i = 0; i < ENTRIES; i++)
		table[i] = base | i << shift | flags;
}

/* The table that the entry leads to, as a copy of our own; its entries are for 1 << shift bytes. */
static uint64_t *own_table(struct page_tables *tables, uint64_t *entry, unsigned shift)
{
	uint64_t *table;

	if (is_own(tables, *entry))
		return table_at(*entry);
	table = take_table(tables);
	if (!table)
		return NULL;
	if (*entry & LARGE)
		split(table, *entry, shift);
	else
		__builtin_memcpy(table, table_at(*entry), PAGE_SIZE);
	/* As above, so below: rights, and what the processor caches. LARGE is a bit of leaves. */
	*entry = address_of(table) | (*entry & ~ADDRESS & ~(uint64_t)LARGE);
	return table;
}

void page_tables_copy(struct page_tables *tables, uint64_t *pool, size_t pages)
{
	uint64_t cr3 = read_cr3();

	*tables = (struct page_tables){ pool, pages, 1, address_of(pool) | (cr3 & ~ADDRESS) };
	__builtin_memcpy(pool, table_at(cr3), PAGE_SIZE);
}

uint64_t *page_tables_entry(struct page_tables *tables, uint64_t address)
{
	uint64_t *table = tables->pool;
	unsigned shift = read_cr4() & CR4_LA57 ? 48 : 39;

	for (; shift > 12; shift -= 9) {
		uint64_t *entry = &table[address >> shift & (ENTRIES - 1)];

		if (!(*entry & PAGE_PRESENT))
			return entry;
		table = own_table(tables, entry, shift - 9);
		if (!table)
			return NULL;
	}
	return &table[address >> 12 & (ENTRIES - 1)];
}

bool page_tables_allow(struct page_tables *tables, uint64_t address, uint64_t rights)
{
	uint64_t *leaf = page_tables_entry(tables, address), *table = tables->pool, *entry;
	unsigned shift = read_cr4() & CR4_LA57 ? 48 : 39;

	if (!leaf)
		return false;
	do {
		entry = &table[address >> shift & (ENTRIES - 1)];
		*entry |= rights;
		table = table_at(*entry);
		shift -= 9;
	} while (entry != leaf);
	return true;
}

void page_tables_flush_global(void)
{
	uint64_t cr4 = read_cr4();

	if (cr4 & CR4_PGE) {
		write_cr4(cr4 & ~(uint64_t)CR4_PGE);
		write_cr4(cr4);
	}
}
