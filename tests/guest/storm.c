/* Every processor sends random IPIs to all, and takes what comes. */
#include "random.h"

enum { NMI_TO_OTHERS = SEND_NMI | ICR_OTHERS, LIVE_VECTORS = 0xD0, FIRST_VECTOR = 0x30 };

struct shot {
	uint32_t low, destination;
	uint32_t messages; /* processors that it reaches */
};

static uint32_t bits_set(uint32_t value)
{
	uint32_t count = 0;

	for (; value; value &= value - 1)
		count++;
	return count;
}

/* Slots are APIC ids, 0 to SHARED->count; at most eight, so that flat logical ids do. */
static struct shot aim(uint32_t slot, uint32_t random)
{
	const uint32_t processors = SHARED->count + 1, everyone = (1u << processors) - 1;
	uint32_t vector = SHARED->argument[2] ? SHARED->argument[2]
					      : FIRST_VECTOR + (random >> 16) % LIVE_VECTORS;
	uint32_t set = random >> 8 & everyone, someone = (random >> 8) % processors;

	switch (random >> 4 & 0xF) {
	case 0:
		return (struct shot){ SEND_FIXED | ICR_SELF | vector, someone, 1 };
	case 1:
	case 2:
		return (struct shot){ SEND_FIXED | ICR_ALL | vector, someone, processors };
	case 3:
	case 4:
		return (struct shot){ SEND_FIXED | ICR_OTHERS | vector, someone, processors - 1 };
	case 5:
		return (struct shot){ NMI_TO_OTHERS, someone, processors - 1 };
	case 6:
		return (struct shot){ SEND_NMI, someone, 1 };
	case 7:
	case 8:
		return (struct shot){ SEND_FIXED | ICR_LOGICAL | vector, set, bits_set(set) };
	case 9:
		if (!SHARED->x2apic)
			return (struct shot){ SEND_LOWEST | ICR_LOGICAL | vector, set, set != 0 };
		return (struct shot){ SEND_FIXED | vector, 0xFFFFFFFF, processors };
	case 10: /* nobody's */
		return (struct shot){ SEND_FIXED | vector, 0x80, 0 };
	case 11: /* nobody gets an illegal vector */
		return (struct shot){ SEND_FIXED | ICR_OTHERS | (vector & 0xF), slot, 0 };
	default:
		return (struct shot){ SEND_FIXED | vector, someone, 1 };
	}
}

/*
 * argument[0]: the seed; argument[1]: shots of each processor; argument[2]: the only vector, 0:
 * any. value[0]: messages that it has sent by its own count; value[1]: ICR reads, after every
 * eighth shot, that did not show what was written. counter: 1 ready, 2 all sent.
 */
PROGRAM(storm)
{
	uint32_t state = SHARED->argument[0] ^ (slot + 1) * 0x9E3779B9u, messages = 0;

	apic_enable();
	if (!SHARED->x2apic)
		apic_write(APIC_LDR, 1u << (slot + 24));
	SLOT(slot)->counter = 1;
	while (!SHARED->go)
		pause();
	sti();
	for (uint32_t shots = SHARED->argument[1]; shots; shots--) {
		uint32_t random = random_next(&state);
		struct shot shot = aim(slot, random);

		/* Some with interrupts off, some behind a task priority. */
		if (random & 1)
			cli();
		if ((random & 6) == 6)
			apic_write(APIC_TPR, random >> 24);
		icr(shot.low, shot.destination);
		if (shots % 8 == 0)
			SLOT(slot)->value[1] += icr_differs(shot.low, shot.destination);
		messages += shot.messages;
		if ((random & 6) == 4)
			apic_write(APIC_TPR, 0);
		sti();
	}
	apic_write(APIC_TPR, 0);
	SLOT(slot)->value[0] = messages;
	SLOT(slot)->counter = 2;
	while (!SHARED->end)
		pause();
}
