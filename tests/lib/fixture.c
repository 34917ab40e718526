#include "tests/lib/fixture.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "suite/describe.h"
#include "vm/control.h"
#include "vm/cpu.h"
#include "vm/create.h"
extern const uint8_t guest_image[], guest_image_end[];

#define RESET_PAGE 0xFFFFF000ull

/* The same page once more at another address. */
#define ALIAS(address, of)                                                                         \
	{                                                                                          \
		.gpa = (address), .pages = 1, .alias = true, .memory = (uint8_t *)(of)             \
	}

enum { START_PAGES = (GUEST_VCPUS * sizeof(struct regs) + PAGE_SIZE - 1) / PAGE_SIZE };

static void *at(struct fixture *fixture, uint64_t gpa)
{
	return vm_memory(fixture->vm, gpa, 1);
}

static size_t pages_for(unsigned count, size_t size)
{
	return (count * size + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* JMP FAR 0000:2000 at the reset vector. */
static const uint8_t reset_code[8] = { 0xEA, GUEST_ENTRY & 0xFF, GUEST_ENTRY >> 8, 0, 0 };

static void load_guest(struct fixture *fixture)
{
	const uint8_t *program = guest_image + GUEST_SIPI_SIZE;

	__builtin_memcpy(at(fixture, GUEST_SIPI_PAGE), guest_image, GUEST_SIPI_SIZE);
	__builtin_memcpy(at(fixture, GUEST_ENTRY), program, (size_t)(guest_image_end - program));
	__builtin_memcpy(at(fixture, RESET_PAGE + 0xFF0), reset_code, sizeof(reset_code));
}

static void fill_shared(struct fixture *fixture)
{
	volatile struct guest_shared *shared = fixture->shared;
	const struct guest_setup *setup = fixture->setup;

	for (unsigned i = 0; i < fixture->vcpus; i++) {
		uint32_t id = fixture->vm->vcpus[i]->apic.id;

		shared->slot_of[id & 0xFF] = (uint8_t)i;
		shared->program[i] = (uint8_t)(i ? setup->ap : setup->bsp);
		if (i)
			shared->destination[i - 1] = id;
	}
	shared->count = fixture->vcpus - 1;
	shared->x2apic = setup->x2apic;
	shared->vector = setup->sipi_vector ? setup->sipi_vector : GUEST_SIPI_PAGE >> 12;
	shared->sipis = setup->sipis ? setup->sipis : 2;
	shared->rounds = 1;
}

static bool capture(struct fixture *fixture)
{
	fixture->start = pages_alloc(START_PAGES);
	if (!fixture->start)
		return require(fixture->run, "memory for captured states", STATUS_NO_MEMORY);
	for (unsigned i = 0; i < fixture->vcpus; i++)
		fixture->vm->vcpus[i]->start.capture = &fixture->start[i];
	return true;
}

static unsigned count_vcpus(const struct guest_setup *setup)
{
	unsigned cpus = cpus_in_use();

	if (!setup->vcpus)
		return (unsigned)min_u64(cpus, VM_VCPUS_MAX);
	return setup->wait_in_hardware && cpus < setup->vcpus ? cpus : setup->vcpus;
}

bool fixture_open(struct fixture *fixture, struct test_run *run, const struct guest_setup *setup)
{
	unsigned vcpus = count_vcpus(setup);
	const struct vm_region regions[] = {
		{ .gpa = 0, .pages = GUEST_SLOTS / PAGE_SIZE },
		{ .gpa = GUEST_SLOTS, .pages = pages_for(vcpus, sizeof(*fixture->slot)) },
		{ .gpa = GUEST_SHARED, .pages = 1 },
		{ .gpa = GUEST_STACKS, .pages = pages_for(vcpus, GUEST_STACK_SIZE) },
		ALIAS(GUEST_SIPI_PAGE_2, GUEST_SIPI_PAGE),
		ALIAS(GUEST_SIPI_PAGE_3, GUEST_SIPI_PAGE),
		ALIAS(RESET_PAGE, 0),
		setup->region ? *setup->region : (struct vm_region){ 0 },
	};
	const struct vm_config vm = {
		.vcpus = vcpus,
		.regions = regions,
		.region_count = ARRAY_SIZE(regions) - !setup->region,
		.wait_in_hardware = setup->wait_in_hardware,
		.decode_apic = setup->decode_apic,
		.virtual_interrupts = setup->virtual_interrupts,
		.posted_interrupts = setup->posted_interrupts,
		.apic_ids = setup->apic_ids,
	};

	*fixture = (struct fixture){ .run = run, .setup = setup, .vcpus = vcpus };
	if (!require(run, "creating the VM", vm_create(&vm, &fixture->vm)))
		return false;
	run->vm = fixture->vm;
	fixture->slot = at(fixture, GUEST_SLOTS);
	fixture->shared = at(fixture, GUEST_SHARED);
	load_guest(fixture);
	fill_shared(fixture);
	if (setup->capture && !capture(fixture))
		return false;
	if (setup->prepare)
		setup->prepare(fixture);
	return true;
}

void fixture_run(struct test_run *run)
{
	struct fixture fixture;

	if (!fixture_open(&fixture, run, run->test->guest))
		return;
	run->test->body(&fixture);
	if (fixture.vm)
		fixture_close(&fixture);
}

/* String instructions: every test looks through 32 KiB. */
static bool all_zero(const void *memory, size_t bytes)
{
	size_t words = bytes / 8;
	bool zero;

	__asm__ volatile("xor %%eax, %%eax; repe scasq"
			 : "+D"(memory), "+c"(words), "=@ccz"(zero)
			 :
			 : "rax", "memory");
	return zero;
}

static bool same(const void *a, const void *b, size_t bytes)
{
	size_t words = bytes / 8;
	bool equal;

	__asm__ volatile("cmp %%rcx, %%rcx; repe cmpsq"
			 : "+S"(a), "+D"(b), "+c"(words), "=@ccz"(equal)
			 :
			 : "memory");
	return equal;
}

/* Where no program may write. */
static void check_memory(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	expect(run, "page 0 is untouched", true,
	       all_zero(at(fixture, 0), 0xFF0) && all_zero(at(fixture, 0xFF8), 8) &&
		       same(at(fixture, 0xFF0), reset_code, sizeof(reset_code)));
	expect(run, "the SIPI page is untouched", true,
	       same(at(fixture, GUEST_SIPI_PAGE), guest_image, GUEST_SIPI_SIZE) &&
		       all_zero(at(fixture, GUEST_SIPI_PAGE + GUEST_SIPI_SIZE),
				PAGE_SIZE - GUEST_SIPI_SIZE));
}

static void expect_accesses(struct test_run *run)
{
	const char *last = "";
	unsigned failures = backend->access_failures ? backend->access_failures(&last) : 0;

	if (!expect(run, "accesses to the control structure that failed", 0, failures))
		test_note(run, "the last was of %s", last);
}

void fixture_close(struct fixture *fixture)
{
	struct vm *vm = fixture->vm;

	if (require(fixture->run, "stopping the vCPUs", vm_stop_all(vm)))
		check_memory(fixture);
	for (unsigned i = 0; i < fixture->vcpus; i++)
		vm->vcpus[i]->start.capture = NULL;
	pages_free(fixture->start, START_PAGES);
	fixture->start = NULL;
	fixture->run->vm = fixture->vm = NULL;
	require(fixture->run, "destroying the VM", vm_destroy(vm));
	expect_accesses(fixture->run);
}

bool fixture_start(struct fixture *fixture)
{
	return require(fixture->run, "starting the guest", vm_start(fixture->vm));
}

struct wait {
	struct fixture *fixture;
	bool (*condition)(struct fixture *fixture, uint64_t argument);
	uint64_t argument;
};

static bool waiting_is_over(void *argument)
{
	struct wait *wait = argument;

	return wait->condition(wait->fixture, wait->argument) ||
	       atomic_load(&wait->fixture->vm->failed);
}

static void describe_failure(struct fixture *fixture, const char *what, const struct vcpu *vcpu)
{
	struct test_run *run = fixture->run;

	run->expectations++;
	if (run->failures++ || run->reason[0])
		return;
	describe_vcpus(run);
	text_format(run->reason, sizeof(run->reason),
		    "%s: vCPU %u was ended: %s (exit %llx, qualification %llx, at %llx)", what,
		    vcpu->id, vcpu->failure.why, (unsigned long long)vcpu->failure.exit.raw_reason,
		    (unsigned long long)vcpu->failure.exit.raw_qualification,
		    (unsigned long long)vcpu->failure.exit.memory.gpa);
}

/* What every vCPU was doing when the time was over. */
static void describe_timeout(struct fixture *fixture, const char *what)
{
	struct test_run *run = fixture->run;
	size_t used;

	run->expectations++;
	if (run->failures++ || run->reason[0])
		return;
	describe_vcpus(run);
	used = text_format(run->reason, sizeof(run->reason), "%s: not in time; vCPUs", what);
	for (unsigned i = 0; i < fixture->vcpus && i < 8 && used < sizeof(run->reason); i++)
		used += text_format(run->reason + used, sizeof(run->reason) - used, "%s %s",
				    i ? "," : "",
				    vcpu_state_text(atomic_load(&fixture->vm->vcpus[i]->state)));
}

bool fixture_wait(struct fixture *fixture, const char *what,
		  bool (*condition)(struct fixture *fixture, uint64_t), uint64_t argument)
{
	struct wait wait = { fixture, condition, argument };
	enum status status =
		vm_wait(fixture->vm, waiting_is_over, &wait, test_time_left(fixture->run));
	const struct vcpu *failed = atomic_load(&fixture->vm->failed);

	if (failed)
		describe_failure(fixture, what, failed);
	else if (status != STATUS_OK)
		describe_timeout(fixture, what);
	return status == STATUS_OK && !failed;
}

static bool has_finished(const struct fixture *fixture, unsigned slot, uint32_t times)
{
	return fixture->slot[slot].finished >= times &&
	       atomic_load(&fixture->vm->vcpus[slot]->state) == VCPU_HALTED;
}

static bool one_finished(struct fixture *fixture, uint64_t argument)
{
	return has_finished(fixture, (unsigned)(argument >> 32), (uint32_t)argument);
}

static bool all_finished(struct fixture *fixture, uint64_t times)
{
	for (unsigned i = 1; i < fixture->vcpus; i++)
		if (!has_finished(fixture, i, (uint32_t)times))
			return false;
	return true;
}

bool fixture_wait_finished(struct fixture *fixture, unsigned slot, uint32_t times)
{
	return fixture_wait(fixture, "the guest's program", one_finished,
			    (uint64_t)slot << 32 | times);
}

bool fixture_wait_all_aps(struct fixture *fixture, uint32_t times)
{
	return fixture_wait(fixture, "the APs", all_finished, times);
}

static bool in_state(struct fixture *fixture, uint64_t argument)
{
	return atomic_load(&fixture->vm->vcpus[argument >> 8]->state) == (argument & 0xFF);
}

bool fixture_wait_state(struct fixture *fixture, unsigned slot, enum vcpu_state state)
{
	return fixture_wait(fixture, vcpu_state_text(state), in_state, (uint64_t)slot << 8 | state);
}

static uint64_t posted(const struct vcpu *vcpu)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < MESSAGE_IPIS; kind++)
		sum += atomic_load(&vcpu->counts.posted_of[kind]);
	return sum;
}

uint64_t fixture_received(const struct vcpu *vcpu)
{
	return atomic_load(&vcpu->counts.received) + posted(vcpu);
}

static bool all_arrived(struct fixture *fixture, uint64_t ignored)
{
	uint64_t sent = atomic_load(&fixture->vm->outside), received = 0;

	(void)ignored;
	for (unsigned i = 0; i < fixture->vcpus; i++) {
		sent += atomic_load(&fixture->vm->vcpus[i]->counts.sent);
		received += fixture_received(fixture->vm->vcpus[i]);
	}
	return sent == received;
}

bool fixture_wait_arrived(struct fixture *fixture)
{
	return fixture_wait(fixture, "all IPIs arrive", all_arrived, 0);
}

void fixture_expect_counts(struct fixture *fixture)
{
	static const char *const names[MESSAGE_IPIS] = {
#define NAME(name) [MESSAGE_##name] = #name " IPIs delivered, coalesced or dropped of those sent",
		IPI_KINDS(NAME)
#undef NAME
	};

	if (!fixture_wait_arrived(fixture))
		return;
	for (unsigned kind = MESSAGE_NONE + 1; kind < MESSAGE_IPIS; kind++) {
		uint64_t sent = atomic_load(&fixture->vm->outside_of[kind]), settled = 0;

		for (unsigned i = 0; i < fixture->vcpus; i++) {
			const struct vcpu_counts *counts = &fixture->vm->vcpus[i]->counts;

			sent += counts->sent_of[kind];
			settled += counts->settled_of[kind] + counts->posted_of[kind];
		}
		expect(fixture->run, names[kind], sent, settled);
	}
}
