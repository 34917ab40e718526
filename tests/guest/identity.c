/* Programs for the tests of virtual CPUs. */
#include "lib.h"

static uint32_t cpuid(uint32_t leaf, uint32_t subleaf, uint32_t *edx)
{
	uint32_t ebx;

	__asm__ volatile("cpuid" : "+a"(leaf), "=b"(ebx), "+c"(subleaf), "=d"(*edx));
	return ebx;
}

/* value[]: the APIC id by CPUID leaf 1, by leaf 0BH, by the ID register as it is; IA32_APIC_BASE.
 */
PROGRAM(identity)
{
	volatile struct guest_slot *own = SLOT(slot);
	uint32_t edx;

	apic_enable();
	own->value[0] = cpuid(1, 0, &edx) >> 24;
	(void)cpuid(0xB, 0, &edx);
	own->value[1] = edx;
	own->value[2] = apic_read(APIC_ID);
	own->value[3] = (uint32_t)rdmsr(IA32_APIC_BASE);
}

PROGRAM(blind)
{
	cli();
	while (!SHARED->end)
		SLOT(slot)->counter++;
}

/* INIT, then the SIPIs, each to all others at once. */
PROGRAM(start_others)
{
	(void)slot;
	apic_enable();
	icr(SEND_INIT | ICR_OTHERS, 0);
	for (uint32_t n = 0; n < SHARED->sipis; n++)
		icr(SEND_SIPI | ICR_OTHERS | SHARED->vector, 0);
}
