#include "suite/guarded.h"

#include "lib/pages.h"
#include "suite/describe.h"
#include "vm/create.h"
#include "vm/machine.h"
#include "vm/vm.h"
#include "vm/watchdog.h"

static void run_body(void *argument)
{
	struct test_run *run = argument;

	run->test->run(run);
}

/* What the test left behind; it may be in any state, so this is guarded too. */
static void clean_up(void *argument)
{
	struct test_run *run = argument;

	pages_limit(PAGES_NO_LIMIT);
	switch (run->vm ? vm_destroy(run->vm) : vm_withdraw()) {
	case STATUS_OK:
		break;
	case STATUS_TIMEOUT:
		test_error(run, "a processor does not answer any more");
		break;
	default:
		test_error(run, "a processor did not let go of its vCPU");
	}
}

enum {
	BODY_GRACE = 6000, /* milliseconds: waits of the body end first, the watchdog comes after */
	SHOW_LIMIT = 3000,
	CLEAN_UP_LIMIT = 8000,
};

static void show_vcpus(void *run)
{
	describe_vcpus(run);
}

static void run_guarded(struct test_run *run, void (*part)(void *argument), uint64_t milliseconds)
{
	struct cpu *cpu = &platform->cpus[0];
	struct fault fault;
	bool completed;

	watchdog_arm(platform->clock() + platform->clock_hz / 1000 * milliseconds);
	completed = platform->guarded(cpu, part, run, &fault);
	watchdog_disarm();
	if (completed)
		return;
	machine_after_fault(cpu);
	describe_fault(run, &fault);
	if (fault.abandoned && part == run_body)
		run_guarded(run, show_vcpus, with_patience(SHOW_LIMIT));
}

void guarded_run(struct test_run *run)
{
	size_t pages = pages_in_use();
	struct fault fault;

	run->started = platform->clock();
	run_guarded(run, run_body, test_milliseconds(run) + with_patience(BODY_GRACE));
	if (machine_take_fault(&fault))
		describe_fault(run, &fault);
	run_guarded(run, clean_up, with_patience(CLEAN_UP_LIMIT));
	if (machine_take_fault(&fault))
		describe_fault(run, &fault);
	for (unsigned i = 0; i < platform->cpu_count; i++)
		if (cpu_usable(&platform->cpus[i]) && platform->cpus[i].loaded)
			test_error(run, "processor %u still holds a vCPU", i);
	if (pages_in_use() != pages)
		test_error(run, "%d pages were not returned", (int)(pages_in_use() - pages));
	run->ticks = platform->clock() - run->started;
}
