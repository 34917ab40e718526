/* What the report says about the machine. */
#ifndef EFI_IDENTIFY_H
#define EFI_IDENTIFY_H

#include "suite/facts.h"

/* Fills in all but the backend's facts. After mp_init, clock_init and exceptions_init. */
void identify(struct facts *facts, size_t arena_pages);
void identify_started(struct facts *facts); /* see struct platform */

#endif
