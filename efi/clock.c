/* Time from the TSC. */
#include "efi/cpu/cpu.h"
#include "efi/firmware.h"
#include "x86/cpuid.h"
#include "x86/insn.h"

enum { MEASURE_US = 2000, MEASUREMENTS = 3 };

static uint64_t hz;
static const char *source;

uint64_t clock_read(void)
{
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

void clock_init(void)
{
	hz = hz_from_cpuid();
	source = "CPUID 15H";
	if (!hz) {
		hz = hz_measured();
		source = "measured against the firmware's Stall()";
	}
}
