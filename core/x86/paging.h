/*
 * Page tables in which single pages differ from those in use: only the tables on the way to these
 * pages are copies. SDM vol. 3A, "Paging". Memory is identity-mapped, the tables, too.
 */
#ifndef CORE_X86_PAGING_H
#define CORE_X86_PAGING_H

#include "lib/base.h"

enum { PAGE_PRESENT = 1 << 0, PAGE_WRITABLE = 1 << 1, PAGE_USER = 1 << 2 };

struct page_tables {
	uint64_t *pool; /* zeroed pages, the owner's; the first is the root */
	size_t pool_pages, pool_used;
	uint64_t cr3; /* of the copy */
};

/* Copies the root of the tables in use. pages: one, and up to 4 more for each page that differs. */
void page_tables_copy(struct page_tables *tables, uint64_t *pool, size_t pages);

/*
 * The entry for the 4-KiB page at an address, to be changed. Where a table on the way to it is not
 * present, it is that table's entry. NULL: the pool is used up. The entries above it have
 * the flags that they had.
 */
uint64_t *page_tables_entry(struct page_tables *tables, uint64_t address);

/* Sets these bits in that entry and in all above it. False: the pool is used up. */
bool page_tables_allow(struct page_tables *tables, uint64_t address, uint64_t rights);

/* Global translations outlive a write of CR3. */
void page_tables_flush_global(void);

#endif
