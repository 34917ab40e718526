/*
 * Tests that misbehave on purpose; only in the image of `make SABOTAGE=1`. Each is followed by an
 * ordinary one. tests/run/sabotage.py says which verdict each must get.
 */
#include "suite/describe.h"
#include "vm/control.h"
#include "vm/cpu.h"
#include "x86/insn.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"

#define FOR_EVER for (;;)

#define ORDINARY_GUEST GUEST(.vcpus = 2, .bsp = GUEST_start, .ap = GUEST_answer)

static void ordinary(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	if (fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1) &&
	    fixture_wait_all_aps(fixture, 1))
		expect(run, "starts of the AP", 1, fixture->slot[1].entered);
	fixture_expect_counts(fixture);
}

/* Wrong by one: the harness must notice. */
static void wrong_expectations(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	if (fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1) &&
	    fixture_wait_all_aps(fixture, 1)) {
		expect(run, "starts of the AP, and one more", 2, fixture->slot[1].entered);
		expect_bits(run, "CS of the AP, and one more", (GUEST_SIPI_PAGE >> 4) + 1,
			    fixture->slot[1].cs);
	}
	fixture_expect_counts(fixture);
}

/* --- guests ------------------------------------------------------------------------------------
 */

/* A guest of one vCPU that never comes to its end. */
static void bad_guest(struct fixture *fixture)
{
	fixture->shared->rounds = ~0u;
	if (fixture_start(fixture))
		fixture_wait_finished(fixture, 0, 2);
}

/* An AP waits for a SIPI that nobody sends. */
static void waits_for_ever(struct fixture *fixture)
{
	if (fixture_start(fixture))
		fixture_wait_all_aps(fixture, 1);
}

/* An emulator may have put something else into the guest's state. */
static bool again(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	const bool failed = exit->kind == EXIT_ENTRY_FAILED;

	(void)argument;
	vcpu->regs_changed |= failed;
	return failed;
}

static void spoil(struct vcpu *vcpu, void *argument)
{
	(void)argument;
	backend->state_get(vcpu, &vcpu->regs);
	vcpu->regs.rflags = 0;						/* VMX: bit 1 must be 1 */
	vcpu->regs.cr0 = (vcpu->regs.cr0 | CR0_NW) & ~(uint64_t)CR0_CD; /* SVM */
	vcpu->regs_changed = true;
}

static void entries_fail(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	fixture->vm->on_exit = again;
	if (fixture_start(fixture) &&
	    require(run, "a call", vcpu_call(fixture->vm->vcpus[0], spoil, NULL)))
		fixture_wait_finished(fixture, 0, 1);
}

/* --- our own code on the boot processor --------------------------------------------------------
 */

static void divides(struct test_run *run)
{
	(void)run;
	__asm__ volatile("divl %0" : : "r"(0), "a"(1), "d"(0) : "cc");
}

/* Vector 18 that is no machine check: nothing is read from banks. */
static void raises_18(struct test_run *run)
{
	(void)run;
	raise_machine_check();
}

static void calls_nowhere(struct test_run *run)
{
	void (*volatile nowhere)(struct test_run *) = NULL;

	nowhere(run);
}

static void loops(struct test_run *run)
{
	(void)run;
	FOR_EVER
	cpu_relax();
}

/* No VMCS is current: each VMLAUNCH fails. Slowly: emulators log each. */
static void launches(struct test_run *run)
{
	(void)run;
	FOR_EVER
	{
		__asm__ volatile("vmlaunch" : : : "cc", "memory");
		for (unsigned i = 0; i < 100000; i++)
			cpu_relax();
	}
}

/* Ends after 2^64 calls; the result depends on the inner call's, so that this is no loop. */
static NOINLINE uint64_t deeper(volatile uint64_t *outer)
{
	volatile uint64_t here[32] = { *outer + 1 };

	return here[0] ? deeper(here) + here[0] : 0;
}

static void overflows(struct test_run *run)
{
	volatile uint64_t start = 0;

	expect(run, "a sum", 0, deeper(&start));
}

static void says_nothing(struct test_run *run)
{
	(void)run;
}

/* --- our own code on an application processor --------------------------------------------------
 */

static void undefined(struct vcpu *vcpu, void *argument)
{
	(void)vcpu;
	(void)argument;
	__asm__ volatile("ud2");
}

static void stay(struct vcpu *vcpu, void *argument)
{
	(void)vcpu;
	(void)argument;
	FOR_EVER
	cpu_relax();
}

__asm__(".text\n"
	"swallow:\n\t"
	"iretq");
extern void swallow(void) __attribute__((visibility("hidden")));

static uint64_t deaf_idt[3][2] __attribute__((aligned(16)));

/* Every NMI from now on is gone without a trace. SDM vol. 3A, "64-Bit Mode IDT". */
static void stay_deaf(struct vcpu *vcpu, void *argument)
{
	uint64_t to = (uint64_t)(uintptr_t)swallow;
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} table = { sizeof(deaf_idt) - 1, (uint64_t)(uintptr_t)deaf_idt };
	uint16_t cs;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	deaf_idt[2][0] =
		(to & 0xFFFF) | (uint64_t)cs << 16 | 0x8Eull << 40 | (to & 0xFFFF0000) << 32;
	deaf_idt[2][1] = to >> 32;
	__asm__ volatile("lidt %0" : : "m"(table) : "memory");
	stay(vcpu, argument);
}

static void (*const ap_calls[])(struct vcpu *vcpu, void *argument) = { undefined, stay, stay_deaf };

static void on_ap(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	if (fixture_start(fixture) && fixture_wait_all_aps(fixture, 1))
		expect_in_time(
			run, "a call on an AP",
			vcpu_call(fixture->vm->vcpus[1], ap_calls[run->test->argument], NULL));
}

/* --- what needs a run of its own ---------------------------------------------------------------
 */

/* A triple fault of the host: nothing in the image can survive that. */
static void resets(struct test_run *run)
{
	static const uint8_t no_table[10] __attribute__((aligned(16)));

	(void)run;
	__asm__ volatile("lidt %0; ud2" : : "m"(no_table));
}

static void resets_in_a_case(struct test_run *run)
{
	enum { BAD = 777 };

	if (run->tells)
		test_note(run, "told");
	else if (run->cases.first <= BAD && run->cases.end > BAD)
		resets(run);
	expect(run, "it lives", true, true);
}

static struct platform without_volume;

static enum status no_volume(const char *path, const char *data, size_t size)
{
	(void)path;
	(void)data;
	(void)size;
	return STATUS_DEVICE;
}

static void loses_volume(struct test_run *run)
{
	without_volume = *platform;
	without_volume.file_write = no_volume;
	without_volume.file_append = no_volume;
	platform = &without_volume;
	expect(run, "the volume is gone", true, true);
}

/* A machine whose NMIs never come, or come when the firmware has the processor back. */
static const struct platform *good;
static struct platform without_nmis;
static _Atomic unsigned held; /* a bit for each processor that one is for */

static void hold_nmi(const struct cpu *to, uint32_t icr_low)
{
	if (icr_low == IPI_NMI)
		atomic_fetch_or(&held, 1u << to->index);
	else
		good->ipi(to, icr_low);
}

static enum status send_held(const char *path, const char *data, size_t size)
{
	unsigned to = atomic_exchange(&held, 0);

	for (unsigned i = 0; i < good->cpu_count; i++)
		if (to >> i & 1)
			good->ipi(&good->cpus[i], IPI_NMI);
	return good->file_append(path, data, size);
}

/* All have had one: from then on they halt when they are idle, and only another one wakes them. */
static void nmis_fail(struct test_run *run)
{
	for (unsigned i = 1; i < platform->cpu_count; i++)
		expect(run, "an NMI arrives", true, cpu_hears(&platform->cpus[i]));
	good = platform;
	without_nmis = *platform;
	without_nmis.ipi = hold_nmi;
	if (run->test->argument)
		without_nmis.file_append = send_held;
	platform = &without_nmis;
	expect(run, "an NMI arrives", false, cpu_hears(&platform->cpus[0]));
}

enum { CALL_UNDEFINED, CALL_STAY, CALL_STAY_DEAF };

/* Each with an ordinary test behind it. */
#define WITH_ORDINARY(row_name, ...)                                                               \
	{ .name = row_name, .milliseconds = 500, __VA_ARGS__ },                                    \
	{                                                                                          \
		.name = row_name ".after", .run = fixture_run, .body = ordinary,                   \
		.guest = ORDINARY_GUEST, .needs = NEEDS_GUEST, .cpus = 2                           \
	}
#define ROW(name, function, ...) WITH_ORDINARY(name, .run = function, __VA_ARGS__)
#define FIXTURE_ROW(name, function, ...)                                                           \
	WITH_ORDINARY(name, .run = fixture_run, .body = function, __VA_ARGS__)
#define GUEST_ROW(name, program)                                                                   \
	FIXTURE_ROW(name, bad_guest, .needs = NEEDS_GUEST,                                         \
		    .guest = GUEST(.vcpus = 1, .bsp = program))
#define AP_ROW(name, call)                                                                         \
	FIXTURE_ROW(name, on_ap, .needs = NEEDS_GUEST, .cpus = 2, .guest = ORDINARY_GUEST,         \
		    .argument = call)

static const struct test rows[] = {
	FIXTURE_ROW("sabotage.expectations", wrong_expectations, .needs = NEEDS_GUEST, .cpus = 2,
		    .guest = ORDINARY_GUEST),
	GUEST_ROW("sabotage.guest.spins", GUEST_spin),
	GUEST_ROW("sabotage.guest.halts", GUEST_idle),
	GUEST_ROW("sabotage.guest.exits", GUEST_cpuid),
	GUEST_ROW("sabotage.guest.triple_fault", GUEST_triple_fault),
	GUEST_ROW("sabotage.guest.shuts_down", GUEST_shutdown),
	FIXTURE_ROW("sabotage.guest.waits", waits_for_ever, .needs = NEEDS_GUEST,
		    .guest = GUEST(.vcpus = 2, .bsp = GUEST_idle, .ap = GUEST_answer)),
	FIXTURE_ROW("sabotage.guest.waits_in_hardware", waits_for_ever,
		    .needs = NEEDS_GUEST | BIT(CAP_WAIT_SIPI), .cpus = 2,
		    .guest = GUEST(.vcpus = 2, .wait_in_hardware = true, .bsp = GUEST_idle,
				   .ap = GUEST_answer)),
	FIXTURE_ROW("sabotage.entries_fail", entries_fail, .needs = NEEDS_GUEST,
		    .guest = GUEST(.vcpus = 1, .bsp = GUEST_spin)),
	ROW("sabotage.host.divides", divides, .needs = 0),
	ROW("sabotage.host.raises_18", raises_18, .needs = 0),
	ROW("sabotage.host.calls_nowhere", calls_nowhere, .needs = 0),
	ROW("sabotage.host.overflows", overflows, .needs = 0),
	ROW("sabotage.host.says_nothing", says_nothing, .needs = 0),
	ROW("sabotage.host.loops", loops, .cpus = 2),
	ROW("sabotage.host.launches", launches, .needs = BIT(CAP_VMX), .cpus = 2),
	AP_ROW("sabotage.ap.undefined", CALL_UNDEFINED),
	AP_ROW("sabotage.ap.loops", CALL_STAY),
	AP_ROW("sabotage.ap.is_lost", CALL_STAY_DEAF),
	ROW("crash.volume", loses_volume, .needs = 0),
	ROW("crash.nmi.lost", nmis_fail, .needs = 0),
	ROW("crash.nmi.late", nmis_fail, .needs = 0, .argument = true),
	ROW("crash.reset", resets, .needs = 0),
	ROW("crash.case", resets_in_a_case, .needs = 0, .cases = 1000),
};

TEST_GROUP(sabotage, rows);
