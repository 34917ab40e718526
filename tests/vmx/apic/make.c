#include "tests/vmx/apic/make.h"

enum { REGISTER_WORDS = 4 }; /* of which the first one is the register */

uint64_t made_turned_on(const struct guest_made *made, unsigned at)
{
	uint64_t on = 0;

	for (unsigned i = 0; i < made->befores; i++)
		if (made->before[i].at == at && made->before[i].how == GUEST_OR)
			on |= made->before[i].value;
	return on;
}

uint32_t made_word(const struct guest_made *made, unsigned offset)
{
	uint32_t word;

	__builtin_memcpy(&word, (const uint8_t *)made->watched + offset, sizeof(word));
	return word;
}

static bool is_word(const struct guest_change *change)
{
	return change->at == AT_MEMORY && change->linear >= VAPIC(0) &&
	       change->linear < VAPIC(WATCHED_BYTES);
}

static void load_page(const struct guest_made *made, uint32_t *word)
{
	__builtin_memcpy(word, made->watched, WATCHED_BYTES);
	for (unsigned i = 0; i < made->befores; i++) {
		const struct guest_change *change = &made->before[i];

		if (is_word(change))
			word[(change->linear - VAPIC(0)) / 4] = (uint32_t)change->value;
	}
}

void made_load(const struct guest_made *made, struct vapic *vapic)
{
	vapic->rvi = vapic->svi = vapic->exit = 0;
	vapic->pending = false;
	for (unsigned i = 0; i < 4; i++)
		vapic->eoi_exits[i] = 0;
	load_page(made, vapic->word);
	for (unsigned i = 0; i < made->befores; i++) {
		const struct guest_change *change = &made->before[i];

		if (change->at == AT_GUEST_INTERRUPT_STATUS) {
			vapic->rvi = (uint8_t)change->value;
			vapic->svi = (uint8_t)(change->value >> 8);
		} else if (change->at >= AT_EOI_EXIT_BITMAP_0 &&
			   change->at <= AT_EOI_EXIT_BITMAP_3) {
			vapic->eoi_exits[change->at - AT_EOI_EXIT_BITMAP_0] = change->value;
		}
	}
}

/* What the changes have written, and registers that are otherwise than between cases. */
static void finish_page(struct guest_made *made, const struct vapic *vapic)
{
	const uint32_t *word = vapic->word, *between = made->watched;

	for (unsigned i = 0; i < made->befores; i++)
		if (is_word(&made->before[i])) {
			const unsigned offset = (unsigned)(made->before[i].linear - VAPIC(0));

			made_after(made, (struct guest_change)WORD(offset, word[offset / 4]));
		}
	for (unsigned i = 0; i < WATCHED_BYTES / 4; i += REGISTER_WORDS)
		if (word[i] != between[i])
			made_after(made, (struct guest_change)WORD(4 * i, word[i]));
}

void made_finish(struct guest_made *made, struct vapic *vapic, enum pushes pushes)
{
	if (vapic->exit) {
		made->row.end = GUEST_EXITS_NEXT;
		made->row.number = vapic->exit;
		made_after(made, (struct guest_change)QUALIFICATION(vapic->qualification));
	} else if (vapic->pending && made_turned_on(made, AT_GUEST_RFLAGS) & RFLAGS_IF) {
		made->row.end = GUEST_DELIVERS;
		made->row.number = (uint8_t)vapic_deliver(vapic);
		made->row.pushes = (uint8_t)pushes;
	}
	made_after(made, (struct guest_change)STATUS(vapic->svi, vapic->rvi));
	finish_page(made, vapic);
}

unsigned good_vector(unsigned vector)
{
	return vector == VECTOR_NOT_PRESENT || vector == VECTOR_NULL || vector == VECTOR_NO_CODE
		       ? vector + 1
		       : vector;
}
