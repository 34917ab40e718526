/*
 * Page tables of our own while a processor is ours: the firmware's, but page 0 and the page below
 * each stack are not mapped. So a call to nowhere and a stack overflow are exceptions, not silent
 * damage. Only the tables on the way to those pages are copies; all others stay the firmware's.
 * SDM vol. 3A, "Paging".
 */
#include "efi/cpu/host.h"
#include "efi/firmware.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"

enum {
	PRESENT = 1 << 0,
	LARGE = 1 << 7,
	PAT_OF_PAGE = 1 << 7,
	PAT_OF_LARGE = 1 << 12,
	ENTRIES = 512,
	POOL_SPARE = 16, /* tables above the last level */
	ENCRYPTED = 3,	 /* CPUID leaf 8000001FH EAX: SME, SEV */
};

#define ADDRESS 0x000ffffffffff000ull

static uint64_t *pool;
static size_t pool_pages, pool_used;
static uint64_t theirs, ours; /* CR3 */

static uint64_t *take_table(void)
{
	return pool_used < pool_pages ? pool + ENTRIES * pool_used++ : NULL;
}

static bool is_own(uint64_t entry)
{
	return (entry & ADDRESS) - physical(pool) < pool_pages * PAGE_SIZE;
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
static uint64_t *own_table(uint64_t *entry, unsigned shift)
{
	uint64_t *table;

	if (is_own(*entry))
		return (uint64_t *)(uintptr_t)(*entry & ADDRESS);
	table = take_table();
	if (!table)
		return NULL;
	if (*entry & LARGE)
		split(table, *entry, shift);
	else
		__builtin_memcpy(table, (void *)(uintptr_t)(*entry & ADDRESS), PAGE_SIZE);
	*entry = physical(table) | 7; /* present, writable, user: the leaf decides */
	return table;
}

static bool unmap(uint64_t address)
{
	uint64_t *table = (uint64_t *)(uintptr_t)(ours & ADDRESS);

	for (unsigned shift = read_cr4() & CR4_LA57 ? 48 : 39; shift > 12; shift -= 9) {
		uint64_t *entry = &table[address >> shift & (ENTRIES - 1)];

		if (!(*entry & PRESENT))
			return true;
		table = own_table(entry, shift - 9);
		if (!table)
			return false;
	}
	table[address >> 12 & (ENTRIES - 1)] = 0;
	return true;
}

bool paging_init(void)
{
	uint64_t *root;

	theirs = read_cr3();
	if (read_cr4() & CR4_PCIDE || cpuid_or_zero(0x8000001f, 0).eax & ENCRYPTED)
		return false;
	pool_pages = POOL_SPARE + host_count;
	pool_used = 0;
	pool = pages_get(pool_pages);
	if (!pool)
		return false;
	root = take_table();
	__builtin_memcpy(root, (void *)(uintptr_t)(theirs & ADDRESS), PAGE_SIZE);
	ours = physical(root) | (theirs & ~ADDRESS);
	if (unmap(0)) {
		unsigned i = 0;

		while (i < host_count && unmap(hosts[i].stack - PAGE_SIZE))
			i++;
		if (i == host_count)
			return true;
	}
	paging_free();
	return false;
}

void paging_free(void)
{
	pages_return(pool, pool_pages);
	pool = NULL;
}

/* Global translations outlive a write of CR3. */
static void flush_global(void)
{
	uint64_t cr4 = read_cr4();

	if (cr4 & CR4_PGE) {
		write_cr4(cr4 & ~(uint64_t)CR4_PGE);
		write_cr4(cr4);
	}
}

void paging_enter(void)
{
	if (!pool || read_cr3() != theirs)
		return;
	write_cr3(ours);
	flush_global();
}
