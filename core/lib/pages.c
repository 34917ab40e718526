#include "lib/pages.h"

#include "platform.h"

#include <stdatomic.h>

/* One byte for each page: simple, and small beside the pages. It lies at the arena's start. */
static uint8_t *used;
static uint8_t *first_page;
static size_t page_total, in_use, limit;
static size_t first_free; /* no page below it is free */
static atomic_bool lock;

static void take_lock(void)
{
	while (atomic_exchange_explicit(&lock, true, memory_order_acquire))
		cpu_relax();
}

static void drop_lock(void)
{
	atomic_store_explicit(&lock, false, memory_order_release);
}

bool pages_locked(void)
{
	return atomic_load(&lock);
}

void pages_setup(void)
{
	size_t map_pages = (platform->arena_pages + PAGE_SIZE - 1) / PAGE_SIZE;

	used = platform->arena;
	first_page = used + map_pages * PAGE_SIZE;
	page_total = platform->arena_pages - map_pages;
	in_use = 0;
	limit = PAGES_NO_LIMIT;
	first_free = 0;
	for (size_t i = 0; i < page_total; i++)
		used[i] = 0;
}

static size_t find_free(size_t count)
{
	size_t run = 0;

	while (first_free < page_total && used[first_free])
		first_free++;
	for (size_t i = first_free; i < page_total; i++) {
		run = used[i] ? 0 : run + 1;
		if (run == count)
			return i + 1 - count;
	}
	return page_total;
}

void *pages_alloc(size_t count)
{
	if (count == 0)
		return NULL;
	take_lock();

	size_t start = in_use + count > limit ? page_total : find_free(count);
	bool found = start < page_total;

	if (found) {
		for (size_t i = 0; i < count; i++)
			used[start + i] = 1;
		in_use += count;
	}
	drop_lock();
	if (!found)
		return NULL;

	uint8_t *pages = first_page + start * PAGE_SIZE;

	__builtin_memset(pages, 0, count * PAGE_SIZE);
	return pages;
}

void pages_free(void *pages, size_t count)
{
	if (!pages)
		return;

	size_t start = (size_t)((uint8_t *)pages - first_page) / PAGE_SIZE;

	take_lock();
	for (size_t i = 0; i < count; i++)
		used[start + i] = 0;
	if (start < first_free)
		first_free = start;
	in_use -= count;
	drop_lock();
}

void pages_limit(size_t pages)
{
	limit = pages;
}

size_t pages_in_use(void)
{
	return in_use;
}
