/* Cases that are computed: a row's changes as a state of the model, and what the model says. */
#ifndef TESTS_VMX_APIC_MAKE_H
#define TESTS_VMX_APIC_MAKE_H

#include "tests/vmx/apic/macros.h"
#include "tests/vmx/apic/model.h"

/* The bits of the value that the changes before turn on. */
uint64_t made_turned_on(const struct guest_made *made, unsigned at);

/* A word of the watched page, as it is between cases. */
uint32_t made_word(const struct guest_made *made, unsigned offset);

/* The state before the entry, of the changes so far. */
void made_load(const struct guest_made *made, struct vapic *vapic);

/*
 * Adds what is wanted: the words that are not as they were, RVI and SVI, an exit behind the
 * instruction, or the delivery of what is pending; pushes: of that.
 */
void made_finish(struct guest_made *made, struct vapic *vapic, enum pushes pushes);

/* A vector whose gate is good, the same or the next one. */
unsigned good_vector(unsigned vector);

#endif
