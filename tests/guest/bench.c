/* Programs for the benchmarks; each leaves its ticks in value[0]. */
#include "lib.h"

enum { VECTOR = 0x40 };

/* SHARED->rounds times: an IPI to the other one, wait for the one that comes back. */
PROGRAM(ping)
{
	uint32_t start;

	apic_enable();
	sti();
	while (!SLOT(1)->counter) /* it is ready */
		pause();
	start = rdtsc();
	for (uint32_t i = 0; i < SHARED->rounds; i++) {
		uint32_t before = SLOT(slot)->interrupts;

		icr(SEND_FIXED | VECTOR, SHARED->destination[0]);
		while (SLOT(slot)->interrupts == before)
			pause();
	}
	SLOT(slot)->value[0] = rdtsc() - start;
	SHARED->end = 1;
}

PROGRAM(pong)
{
	uint32_t before = 0;

	apic_enable();
	SLOT(slot)->counter = 1;
	sti();
	while (!SHARED->end) {
		if (SLOT(slot)->interrupts == before)
			continue;
		before = SLOT(slot)->interrupts;
		icr(SEND_FIXED | VECTOR, 0);
	}
}

static uint32_t interrupts_of_others(void)
{
	uint32_t sum = 0;

	for (uint32_t i = 1; i <= SHARED->count; i++)
		sum += SLOT(i)->interrupts;
	return sum;
}

/* An IPI to all others, until each of them has taken it. */
PROGRAM(broadcast)
{
	uint32_t start;

	apic_enable();
	for (uint32_t i = 1; i <= SHARED->count; i++)
		while (!SLOT(i)->counter)
			pause();
	start = rdtsc();
	for (uint32_t i = 1; i <= SHARED->rounds; i++) {
		icr(SEND_FIXED | ICR_OTHERS | VECTOR, 0);
		while (interrupts_of_others() != i * SHARED->count)
			pause();
	}
	SLOT(slot)->value[0] = rdtsc() - start;
	SHARED->end = 1;
}

/* Takes interrupts until told to end. */
PROGRAM(listen)
{
	apic_enable();
	SLOT(slot)->counter = 1;
	sti();
	while (!SHARED->end)
		pause();
}

/* INIT and SIPI to all others at once; counts the starts. */
PROGRAM(start_all)
{
	uint32_t start, entered;

	apic_enable();
	start = rdtsc();
	icr(SEND_INIT | ICR_OTHERS, 0);
	icr(SEND_SIPI | ICR_OTHERS | SHARED->vector, 0);
	do {
		entered = 0;
		for (uint32_t i = 1; i <= SHARED->count; i++)
			entered += SLOT(i)->finished;
		pause();
	} while (entered < SHARED->count);
	SLOT(slot)->value[0] = rdtsc() - start;
}
