#include "tests/lib/machine_timer.h"

#include "platform.h"
#include "x86/insn.h"
#include "x86/local_apic.h"

enum {
	DIVIDE_BY_1 = 0xB,
	RATE_SHIFT = 24, /* a rate is counts in so many ticks of the TSC */
	RATE_TRIES = 8,
	MEASURES_A_SECOND = 20000,
	COUNTS = 16, /* that a divided timer is watched for */
};

/* What both counters did in the same time, the timer divided by 1 << shift. */
struct span {
	uint64_t least, most; /* TSC ticks */
	uint32_t counts;
};

static struct span watch(uint32_t divide, uint64_t ticks)
{
	const uint32_t initial = 1u << 30;
	uint64_t start[2], end[2];
	struct span span;

	local_apic_write(APIC_TIMER_DIVIDE, divide);
	start[0] = rdtsc();
	local_apic_write(APIC_TIMER_INITIAL, initial);
	start[1] = rdtsc();
	while (rdtsc() - start[1] < ticks)
		cpu_relax();
	end[0] = rdtsc();
	span.counts = initial - local_apic_read(APIC_TIMER_CURRENT);
	end[1] = rdtsc();
	local_apic_write(APIC_TIMER_INITIAL, 0);
	span.least = end[0] - start[1];
	span.most = end[1] - start[0];
	return span;
}

/* An SMI, or another hypervisor, may come between the readings: the best of some tries. */
uint64_t machine_timer_rate(void)
{
	uint64_t spread = ~0ull, rate = 1;

	for (unsigned i = 0; i < RATE_TRIES && spread; i++) {
		struct span span = watch(DIVIDE_BY_1, platform->clock_hz / MEASURES_A_SECOND);

		if (span.most - span.least >= spread)
			continue;
		spread = span.most - span.least;
		rate = ((uint64_t)span.counts << RATE_SHIFT) / ((span.least + span.most) / 2);
		if (spread < span.least / (2 * MACHINE_TIMER_TOLERANCE))
			break;
	}
	return rate ? rate : 1;
}

uint64_t machine_timer_counts(uint64_t rate, uint64_t ticks)
{
	return ticks * rate >> RATE_SHIFT;
}

bool machine_timer_divides(uint64_t rate, uint32_t divide)
{
	static const uint8_t shifts[] = { 1, 2, 3, 4, 5, 6, 7, 0 };
	const unsigned shift = shifts[(divide & 3) | (divide >> 1 & 4)];
	uint64_t ticks = ((uint64_t)COUNTS << (shift + RATE_SHIFT)) / rate, least, most;
	struct span span = watch(divide, ticks);

	least = machine_timer_counts(rate, span.least) >> shift;
	most = (machine_timer_counts(rate, span.most) >> shift) + 1;
	return span.counts + 2 + least / MACHINE_TIMER_TOLERANCE >= least &&
	       span.counts <= most + 2 + most / MACHINE_TIMER_TOLERANCE;
}
