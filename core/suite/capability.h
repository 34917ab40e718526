/* The capabilities' names for --require and for programs; what a vendor calls them: the backend. */
#ifndef CORE_SUITE_CAPABILITY_H
#define CORE_SUITE_CAPABILITY_H

#include "backend.h"
#include "lib/base.h"

extern const char *const capability_names[CAP_COUNT];

/* The capability of that name; CAP_COUNT: there is none. */
enum capability capability_named(const char *name);

#endif
