/* Measurements for make bench, in clock ticks: under an emulator, instructions. */
#include "lib/pages.h"
#include "vm/control.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"
#include "tests/lib/storm.h"

/* Runs the guest to the end of the boot processor's program; its ticks. */
static uint64_t measure(struct test_run *run, const struct guest_setup *config, unsigned rounds)
{
	struct fixture fixture;
	uint64_t ticks = 0;

	if (!fixture_open(&fixture, run, config))
		return 0;
	fixture.shared->rounds = rounds;
	if (config->bsp != GUEST_start_all && config->ap != GUEST_answer)
		for (unsigned i = 1; i < config->vcpus; i++)
			require(run, "start", vm_start_ap(fixture.vm, i, GUEST_SIPI_PAGE >> 12));
	if (fixture_start(&fixture) && fixture_wait_finished(&fixture, 0, 1))
		ticks = fixture.slot[0].value[0];
	fixture_close(&fixture);
	return ticks;
}

static uint64_t whole_run(struct test_run *run)
{
	(void)run;
	return platform->clock() - platform->started;
}

static uint64_t cpuid_round_trip(struct test_run *run)
{
	enum { ROUNDS = 1000 };
	const struct guest_setup config = { .vcpus = 1, .bsp = GUEST_cpuid };

	return measure(run, &config, ROUNDS) / ROUNDS;
}

/* From the guest's first ICR write of INIT-SIPI-SIPI to the AP's first instructions. */
static uint64_t first_instruction(struct test_run *run)
{
	const struct guest_setup config = { .vcpus = 2, .bsp = GUEST_start, .ap = GUEST_answer };
	struct fixture fixture;
	uint64_t ticks = 0;

	if (!fixture_open(&fixture, run, &config))
		return 0;
	if (fixture_start(&fixture) && fixture_wait_finished(&fixture, 0, 1))
		ticks = fixture.slot[1].tsc - fixture.shared->tsc;
	fixture_close(&fixture);
	return ticks;
}

static uint64_t start_8(struct test_run *run)
{
	const struct guest_setup config = { .vcpus = 8,
					    .bsp = GUEST_start_all,
					    .ap = GUEST_answer };

	return measure(run, &config, 1);
}

static uint64_t start_64(struct test_run *run)
{
	const struct guest_setup config = { .vcpus = 64,
					    .bsp = GUEST_start_all,
					    .ap = GUEST_answer };

	return measure(run, &config, 1);
}

static uint64_t ipi_round_trip(struct test_run *run)
{
	enum { ROUNDS = 200 };
	const struct guest_setup config = { .vcpus = 2, .bsp = GUEST_ping, .ap = GUEST_pong };

	return measure(run, &config, ROUNDS) / ROUNDS;
}

static uint64_t broadcast(struct test_run *run, unsigned targets)
{
	enum { ROUNDS = 50 };
	const struct guest_setup config = { .vcpus = targets + 1,
					    .bsp = GUEST_broadcast,
					    .ap = GUEST_listen };

	return measure(run, &config, ROUNDS) / ROUNDS;
}

static uint64_t broadcast_to_3(struct test_run *run)
{
	return broadcast(run, 3);
}

static uint64_t broadcast_to_7(struct test_run *run)
{
	return broadcast(run, 7);
}

/* Ticks for a thousand IPIs. */
static uint64_t storm_million(struct test_run *run)
{
	enum { SHOTS = 160000, MESSAGES = 1000000 };
	const struct storm storm = { .seed = 0x5EED, .shots = SHOTS };
	uint64_t sent, ticks;
	struct fixture fixture;

	if (!fixture_open(&fixture, run, STORM_GUEST(.vcpus = 4, .x2apic = true)))
		return 0;
	ticks = storm_rage(&fixture, &storm, &sent);
	fixture_close(&fixture);
	expect(run, "a million IPIs", true, sent >= MESSAGES);
	return sent ? ticks * 1000 / sent : 0;
}

static uint64_t memory_with(struct test_run *run, unsigned vcpus)
{
	const struct guest_setup config = { .vcpus = vcpus };
	size_t before = pages_in_use(), used;
	struct fixture fixture;

	if (!fixture_open(&fixture, run, &config))
		return 0;
	used = pages_in_use() - before;
	fixture_close(&fixture);
	return used * PAGE_SIZE;
}

/* The guest's own memory, its stack, is part of it: a quarter of a page. */
static uint64_t memory_for_a_vcpu(struct test_run *run)
{
	return (memory_with(run, 64) - memory_with(run, 32)) / 32;
}

const struct benchmark benchmarks[] = {
	{ "hand-off to report, whole suite", "ticks", whole_run, 0, 1 },
	{ "CPUID exit round trip", "ticks", cpuid_round_trip, NEEDS_GUEST, 1 },
	{ "guest INIT-SIPI-SIPI to AP's first instruction", "ticks", first_instruction, NEEDS_GUEST,
	  2 },
	{ "start of 7 APs by broadcast", "ticks", start_8, NEEDS_GUEST, 1 },
	{ "start of 63 APs by broadcast", "ticks", start_64, NEEDS_GUEST, 1 },
	{ "IPI round trip", "ticks", ipi_round_trip, NEEDS_GUEST, 2 },
	{ "broadcast to 3 and all took it", "ticks", broadcast_to_3, NEEDS_GUEST, 4 },
	{ "broadcast to 7 and all took it", "ticks", broadcast_to_7, NEEDS_GUEST, 8 },
	{ "storm of a million IPIs, each thousand", "ticks", storm_million, NEEDS_GUEST, 4 },
	{ "host memory for a vCPU", "bytes", memory_for_a_vcpu, NEEDS_GUEST, 1 },
};

const unsigned benchmark_count = ARRAY_SIZE(benchmarks);
