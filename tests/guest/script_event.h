/* What guest_interrupt hands to the interpreter of scripts. */
#ifndef TESTS_GUEST_SCRIPT_EVENT_H
#define TESTS_GUEST_SCRIPT_EVENT_H

#include "lib.h"
#include "steps.h"

#include <stdbool.h>

/* True if the processor runs a script, which has dealt with the event. */
bool script_event(uint32_t slot, struct frame *frame);

#endif
