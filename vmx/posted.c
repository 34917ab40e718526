#include "vmx/posted.h"

_Static_assert(sizeof(struct vmx_posted) == 64, "as the SDM says");

void posted_reset(struct vmx_posted *posted)
{
	for (unsigned i = 0; i < POSTED_WORDS; i++)
		atomic_init(&posted->request[i], 0);
	atomic_init(&posted->control, POSTED_HELD);
}

enum posted posted_request(struct vmx_posted *posted, uint8_t vector)
{
	_Atomic uint32_t *word = &posted->request[vector / 32];
	const uint32_t request = 1u << vector % 32;
	uint64_t control;

	if (atomic_load(&posted->control) & POSTED_HELD)
		return POSTED_REFUSED;
	atomic_fetch_or(word, request);
	/* Not before the request: who clears ON looks at the requests afterwards. */
	control = atomic_load(&posted->control);
	do {
		if (control & POSTED_HELD)
			return atomic_fetch_and(word, ~request) & request ? POSTED_REFUSED
									  : POSTED_GIVEN;
		if (control & POSTED_ON)
			return POSTED_GIVEN;
	} while (!atomic_compare_exchange_weak(&posted->control, &control, control | POSTED_ON));
	return POSTED_NOTIFY;
}

void posted_release(struct vmx_posted *posted)
{
	atomic_fetch_and(&posted->control, ~(uint64_t)POSTED_HELD);
}

bool posted_hold(struct vmx_posted *posted)
{
	return atomic_fetch_or(&posted->control, POSTED_HELD) & POSTED_ON;
}

void posted_arrived(struct vmx_posted *posted)
{
	atomic_fetch_and(&posted->control, ~(uint64_t)POSTED_ON);
}

uint32_t posted_take(struct vmx_posted *posted, unsigned word)
{
	return atomic_load(&posted->request[word]) ? atomic_exchange(&posted->request[word], 0) : 0;
}
