/* What the suite itself stands on: no virtualization is needed. */
#include "lib/pages.h"
#include "lib/text.h"
#include "vm/control.h"
#include "vm/cpu.h"
#include "vm/vm.h"
#include "vm/work.h"
#include "x86/fixup.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"

static void processors(struct test_run *run)
{
	unsigned ready = 0;

	const enum status error = platform->cpu_count > 1 ? platform->cpus[1].error : STATUS_OK;

	if (error == STATUS_REFUSED || error == STATUS_HANGS) {
		test_skip(run, "needs firmware that starts processors beside the boot processor");
		return;
	}
	for (unsigned i = 0; i < platform->cpu_count; i++)
		ready += atomic_load(&platform->cpus[i].phase) == CPU_READY;
	expect(run, "processors that are ours", platform->cpu_count, ready);
}

static void divide(void *argument)
{
	__asm__ volatile("divl %0" : : "r"(0), "a"(1), "d"(0) : "cc");
	(void)argument;
}

static void undefined(void *argument)
{
	__asm__ volatile("ud2");
	(void)argument;
}

static void breakpoint(void *argument)
{
	__asm__ volatile("int3");
	(void)argument;
}

static void non_canonical(void *argument)
{
	__asm__ volatile("mov (%0), %%al" : : "r"(0x8000000000000000ull) : "rax", "memory");
	(void)argument;
}

static const struct {
	const char *what;
	void (*body)(void *argument);
	uint32_t vector;
} exceptions[] = {
	{ "#DE", divide, 0 },
	{ "#BP", breakpoint, 3 },
	{ "#UD", undefined, 6 },
	{ "#GP", non_canonical, 13 },
};

#define BEYOND_GDT 0x7FF8ull

/* Its error code is the selector. */
static uint64_t beyond_gdt(void)
{
	uint64_t fault = 0;

	__asm__ volatile("1: mov %1, %%fs\n2:\n\t" FIXUP("1b", "2b")
			 : "+a"(fault)
			 : "r"((uint32_t)BEYOND_GDT));
	return fault;
}

/* Where a local APIC has nothing to deliver any more; firmware leaves this vector in its SVR. */
static void spurious(void *unused)
{
	(void)unused;
	__asm__ volatile("int $15" : : : "memory");
}

/* SDM vol. 3A, "Protected-Mode Exceptions and Interrupts". */
static void exceptions_are_caught(struct test_run *run)
{
	struct fault none;

	for (unsigned i = 0; i < ARRAY_SIZE(exceptions); i++) {
		struct fault fault = { .vector = ~0u };
		bool returned =
			platform->guarded(&platform->cpus[0], exceptions[i].body, NULL, &fault);

		expect(run, exceptions[i].what, false, returned);
		expect_bits(run, exceptions[i].what, exceptions[i].vector, fault.vector);
	}
	expect_bits(run, "#GP, told by its fix-up", 13 | BEYOND_GDT << 32, beyond_gdt());
	expect(run, "a spurious interrupt of vector 15 is no exception", true,
	       platform->guarded(&platform->cpus[0], spurious, NULL, &none));
}

static uint32_t nmis_since_the_last_was_sent(const struct cpu *cpu)
{
	return atomic_load(&cpu->nmis) - atomic_load(&cpu->nmis_then);
}

/*
 * An NMI reaches each processor, this one too, exactly once. The machine may have NMIs of its own,
 * so more than one is looked at again. A processor that none reaches is out of use afterwards. All
 * are sent first: until its first NMI has come a processor does not dare to halt, and where
 * hundreds of emulated ones share a few real ones that makes each wait long.
 */
static void kicks_arrive(struct test_run *run)
{
	for (unsigned i = 0; i < platform->cpu_count; i++)
		if (atomic_load(&platform->cpus[i].phase) == CPU_READY)
			cpu_send_nmi(&platform->cpus[i]);
	for (unsigned i = 0; i < platform->cpu_count; i++) {
		struct cpu *cpu = &platform->cpus[i];
		uint32_t arrived = 0;

		if (atomic_load(&cpu->phase) != CPU_READY)
			continue;
		if (cpu_heard(cpu))
			arrived = nmis_since_the_last_was_sent(cpu);
		if (arrived > 1 && cpu_hears(cpu))
			arrived = nmis_since_the_last_was_sent(cpu);
		expect(run, "NMIs that arrived", 1, arrived);
	}
}

static void pages_are_zeroed(struct test_run *run)
{
	size_t before = pages_in_use();
	uint8_t *first = pages_alloc(3), *second;
	bool zero = true;

	if (!require(run, "3 pages", first ? STATUS_OK : STATUS_NO_MEMORY))
		return;
	expect_bits(run, "page alignment", 0, physical(first) & PAGE_MASK);
	__builtin_memset(first, 0xA5, 3 * PAGE_SIZE);
	pages_free(first, 3);
	second = pages_alloc(3);
	for (size_t i = 0; second && i < 3 * PAGE_SIZE; i += 8)
		zero = zero && !*(uint64_t *)(second + i);
	expect(run, "used pages come back zeroed", true, second && zero);
	pages_free(second, 3);
	expect(run, "pages in use", before, pages_in_use());
}

static void clock_advances(struct test_run *run)
{
	uint64_t first = platform->clock(), next = first;

	for (unsigned i = 0; i < 100; i++) {
		uint64_t now = platform->clock();

		expect(run, "the clock never goes back", true, now >= next);
		next = now;
	}
	expect(run, "the clock advances", true, next > first);
}

static void read_clock(struct vcpu *vcpu, void *clock)
{
	(void)vcpu;
	*(uint64_t *)clock = platform->clock();
}

/* Deadlines and guests' timers are compared across processors. */
static void clocks_agree(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	enum { TIMES = 3 };

	for (unsigned i = TIMES; i < TIMES * fixture->vcpus; i++) {
		uint64_t before = platform->clock(), there = 0;

		if (!require(run, "a call",
			     vcpu_call(fixture->vm->vcpus[i / TIMES], read_clock, &there)))
			break;
		expect(run, "another processor's clock is not behind", true, there >= before);
		expect(run, "nor ahead", true, there <= platform->clock());
	}
}

/* All processors read the clock in turn, which a lock decides: none may read less than the last. */
static struct {
	atomic_flag lock;
	uint64_t last, farthest;
	unsigned reads, warps;
} warp;

static void read_in_turn(struct cpu *cpu, void *argument)
{
	uint64_t end = platform->clock() + platform->clock_hz / 500, now;

	(void)cpu;
	(void)argument;
	do {
		while (atomic_flag_test_and_set(&warp.lock))
			cpu_relax();
		now = platform->clock();
		warp.reads++;
		if (now < warp.last) {
			warp.warps++;
			if (warp.last - now > warp.farthest)
				warp.farthest = warp.last - now;
		} else {
			warp.last = now;
		}
		atomic_flag_clear(&warp.lock);
	} while (now < end);
}

static void clocks_do_not_warp(struct test_run *run)
{
	warp.last = warp.farthest = 0;
	warp.reads = warp.warps = 0;
	if (!require(run, "all processors read the clock",
		     work_on_all(read_in_turn, NULL, test_time_left(run))))
		return;
	expect(run, "clocks that were read", true, warp.reads >= cpus_in_use());
	expect(run, "reads that were before the last one", 0, warp.warps);
	if (warp.warps)
		test_note(run, "of %u reads; %llu ticks at most", warp.reads,
			  (unsigned long long)warp.farthest);
}

/* All that was met in this run: the last of the tests. */
static void quirks(struct test_run *run)
{
	struct quirk quirk;

	for (unsigned i = 0; backend->quirk(i, &quirk); i++) {
		char what[TEST_TEXT];

		text_format(what, sizeof(what), "%s (%s)", quirk.what, quirk.spec);
		expect(run, what, 0, quirk.count);
	}
}

static const struct test rows[] = {
	{ "machine.processors", SPEC_MP_SERVICES, processors, .needs = 0,
	  EXPLAINS("The firmware's MP Services hand every processor over, and each of them can be "
		   "taken.",
		   "A processor that the firmware reports does not start or does not answer: tests "
		   "run without it, and an operating system may lose it, too.") },
	{ "machine.exceptions", SPEC_EXCEPTIONS, exceptions_are_caught, .needs = 0,
	  EXPLAINS("Exceptions #DE, #BP, #UD and #GP in our own code arrive with the right vector "
		   "and error code.",
		   "Exceptions are not delivered as they should be: no other verdict of this run "
		   "can be trusted.") },
	{ "machine.kick", SPEC_ISSUING_IPIS, kicks_arrive, .needs = 0,
	  EXPLAINS("An NMI sent by the local APIC arrives on each processor exactly once.",
		   "NMIs between processors are lost or doubled: kicks, watchdogs and TLB "
		   "shoot-downs by NMI do not work here.") },
	{ "machine.pages", SPEC_UEFI_MEMORY, pages_are_zeroed, .needs = 0,
	  EXPLAINS("Pages that the suite hands out are aligned, come back zeroed and are counted.",
		   "The suite's own memory management is broken, or memory of this machine does "
		   "not keep its contents.") },
	{ "machine.clock", SPEC_TSC, clock_advances, .needs = 0,
	  EXPLAINS("The time-stamp counter never goes back and advances.",
		   "Time runs backwards or stands still: deadlines here, and timekeeping of any "
		   "operating system, are wrong.") },
	{ "machine.clock.warp", SPEC_TSC_ADJUST, clocks_do_not_warp, .needs = 0, .cpus = 2,
	  EXPLAINS("No processor reads the time-stamp counter lower than another has just read it.",
		   "The counters are not synchronized to the tick: time can step back between "
		   "processors.") },
	{ "machine.clock.everywhere", SPEC_TSC_ADJUST, fixture_run, .body = clocks_agree,
	  .guest = GUEST(.vcpus = 0), .needs = NEEDS_GUEST, .cpus = 2,
	  EXPLAINS("The time-stamp counters of all processors agree when they are compared by "
		   "messages.",
		   "The counters are not synchronized: a thread that moves to another processor "
		   "sees time jump.") },
};

TEST_GROUP(machine, rows);

static const struct test last_rows[] = {
	{ "machine.quirks", SPEC_QUIRKS, quirks, .needs = BIT(CAP_VIRTUALIZATION),
	  EXPLAINS("Nothing was met in this run that some emulators do otherwise than their manual "
		   "says and that the run went on past.",
		   "The machine is not what its manual says; guests of other hypervisors may "
		   "hang.") },
};

TEST_GROUP(machine_last, last_rows);
