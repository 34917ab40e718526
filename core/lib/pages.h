/* The one allocator: zeroed pages from the platform's arena. Any processor. */
#ifndef CORE_LIB_PAGES_H
#define CORE_LIB_PAGES_H

#include "lib/base.h"

/* Makes the whole arena free. Call once, after platform is set. */
void pages_setup(void);

/* NULL if there are not so many in a row. */
void *pages_alloc(size_t count);
void pages_free(void *pages, size_t count);

/* For tests: allocations fail that would make more pages in use than that. */
#define PAGES_NO_LIMIT SIZE_MAX
void pages_limit(size_t pages);

/* True while a processor allocates or frees: it must not be stopped there. */
bool pages_locked(void);

size_t pages_in_use(void);

#endif
