/* Time from the TSC. */
#include "lib/text.h"

#include "efi/cpu/cpu.h"
#include "efi/firmware.h"
#include "x86/cpuid.h"
#include "x86/insn.h"

enum { MEASURE_US = 2000, MEASUREMENTS = 3, AGREE = 50 /* two percent */ };

static uint64_t hz;
static char source[96];

/* SDM vol. 2B, "RDTSC": LFENCE keeps it behind the load that saw another processor's answer. */
uint64_t clock_read(void)
{
	__asm__ volatile("lfence" ::: "memory");
	return rdtsc();
}

uint64_t clock_hz(void)
{
	return hz;
}

const char *clock_source(void)
{
	return source;
}

/* SDM vol. 3B, "Determining the Processor Base Frequency"; 0 where the leaf is not complete. */
static uint64_t hz_from_cpuid(void)
{
	struct cpuid leaf = cpuid_or_zero(0x15, 0);

	return leaf.eax ? (uint64_t)leaf.ecx * leaf.ebx / leaf.eax : 0;
}

static uint64_t hz_measured(void)
{
	uint64_t least = ~0ull;

	for (unsigned i = 0; i < MEASUREMENTS; i++) {
		uint64_t start = rdtsc(), ticks;

		firmware.boot->Stall(MEASURE_US);
		ticks = rdtsc() - start;
		if (ticks < least) /* an SMI or a timer's handler makes one longer */
			least = ticks;
	}
	return least * (1000000 / MEASURE_US);
}

static bool agree(uint64_t a, uint64_t b)
{
	uint64_t apart = a > b ? a - b : b - a;

	return apart < a / AGREE && apart < b / AGREE;
}

/*
 * Hypervisors scale the TSC, emulators and parts before production tell a wrong crystal: CPUID is
 * believed where a measurement agrees.
 */
void clock_init(void)
{
	uint64_t told = hz_from_cpuid();

	hz = hz_measured();
	text_format(source, sizeof(source), "measured against the firmware's Stall()");
	if (!told)
		return;
	if (agree(told, hz)) {
		hz = told;
		text_format(source, sizeof(source), "CPUID 15H, and measured");
	} else {
		text_format(source, sizeof(source),
			    "measured against the firmware's Stall(); CPUID 15H says %lu.%03lu MHz",
			    told / 1000000, told / 1000 % 1000);
	}
}
