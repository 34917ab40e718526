/* Programs that send, sleep and die at times that differ from round to round. */
#include "random.h"

enum { VECTOR = 0x51, ARGUMENT_STEPS = 0, ARGUMENT_TARGET = 1, ARGUMENT_WAIT = 2 };

static void delay(uint32_t *state)
{
	for (uint32_t n = random_next(state) % 64; n; n--)
		pause();
}

/* Counts its boots, and halts after each. */
PROGRAM(boots)
{
	SLOT(slot)->counter++;
	for (;;)
		sti_hlt();
}

/*
 * SHARED->rounds times: the IPIs that argument[0] names from its low nibble up (1 INIT, 2 SIPI),
 * to the slot in argument[1], which has the same APIC id; argument[2]: until it has booted once
 * more. value[0]: ICR reads that did not show what was written.
 */
PROGRAM(sequence)
{
	const uint32_t target = SHARED->argument[ARGUMENT_TARGET];
	uint32_t state = 0x9E3779B9u * (slot + 1);

	apic_enable();
	while (!SHARED->go)
		pause();
	for (uint32_t round = 0; round < SHARED->rounds; round++) {
		uint32_t before = SLOT(target)->counter;

		for (uint32_t step = SHARED->argument[ARGUMENT_STEPS]; step; step >>= 4) {
			uint32_t low = (step & 0xF) == 1 ? SEND_INIT : SEND_SIPI | SHARED->vector;

			icr(low, target);
			SLOT(slot)->value[0] += icr_differs(low, target);
			delay(&state);
		}
		while (SHARED->argument[ARGUMENT_WAIT] && SLOT(target)->counter == before)
			pause();
	}
}

/* Sleeps whenever it has seen all interrupts so far; none may fit between its look and its HLT. */
PROGRAM(sleeper)
{
	uint32_t seen = 0;

	apic_enable();
	SLOT(slot)->value[0] = 1;
	while (seen < SHARED->rounds) {
		cli();
		if (SLOT(slot)->interrupts == seen)
			sti_hlt();
		else
			SLOT(slot)->counter = ++seen;
	}
}

/* Leaves and is entered again all the time, with interrupts on, and says how many it has had. */
PROGRAM(leaver)
{
	uint32_t state = 0x9E3779B9u * (slot + 1), a, b, c, d;

	apic_enable();
	SLOT(slot)->value[0] = 1;
	sti();
	while (SLOT(slot)->counter < SHARED->rounds) {
		delay(&state);
		__asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0), "c"(0));
		SLOT(slot)->counter = SLOT(slot)->interrupts;
	}
}

/* value[1]: ICR reads that did not show what was written. */
PROGRAM(waker)
{
	const uint32_t target = SHARED->argument[ARGUMENT_TARGET];
	uint32_t state = 0x9E3779B9u * (slot + 1);

	apic_enable();
	while (!SLOT(target)->value[0])
		pause();
	for (uint32_t round = 1; round <= SHARED->rounds; round++) {
		delay(&state);
		icr(SEND_FIXED | VECTOR, target);
		SLOT(slot)->value[1] += icr_differs(SEND_FIXED | VECTOR, target);
		while (SLOT(target)->counter != round)
			pause();
	}
}
