/* Creating, looking up and destroying VMs; page accounting at every step that can fail. */
#include "lib/pages.h"
#include "vm/control.h"
#include "vm/create.h"
#include "vm/sched.h"

#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"

static const struct vm_region memory = { .gpa = 0x10000, .pages = 3 };
static const struct vm_region regions[] = {
	{ .gpa = 0, .pages = 4 },
	{ .gpa = 0x100000, .pages = 2 },
	{ .gpa = 0x200000, .pages = 2, .memory = (uint8_t *)0x100000, .alias = true },
};

static int set_up(void **state)
{
	(void)state;
	fake_machine(2, false);
	return 0;
}

static void test_limits(void **state)
{
	struct vm *vm = (struct vm *)&regions;

	(void)state;
	for (unsigned vcpus = 0; vcpus <= 2 * VM_VCPUS_MAX; vcpus++) {
		const struct vm_config config = { .vcpus = vcpus };
		enum status status = vm_create(&config, &vm);

		assert_int_equal(status, vcpus >= 1 && vcpus <= 64 ? STATUS_OK : STATUS_INVALID);
		if (status == STATUS_OK) {
			assert_int_equal(vm->vcpu_count, vcpus);
			fake_vm_end(vm);
			vm = (struct vm *)&regions;
		}
		assert_ptr_equal(vm, &regions);
		assert_int_equal(pages_in_use(), 0);
	}
	assert_int_equal(vm_create(&(struct vm_config){ .vcpus = UINT32_MAX }, &vm),
			 STATUS_INVALID);
}

static void test_too_many_regions(void **state)
{
	struct vm_region many[VM_REGIONS_MAX + 1];
	struct vm *vm;

	(void)state;
	for (unsigned i = 0; i <= VM_REGIONS_MAX; i++)
		many[i] = (struct vm_region){ .gpa = i * 0x10000ull, .pages = 1 };
	assert_int_equal(vm_create(&(struct vm_config){ .vcpus = 1,
							.regions = many,
							.region_count = VM_REGIONS_MAX + 1 },
				   &vm),
			 STATUS_INVALID);
	assert_int_equal(vm_create(&(struct vm_config){ .vcpus = 1,
							.regions = many,
							.region_count = VM_REGIONS_MAX },
				   &vm),
			 STATUS_OK);
	fake_vm_end(vm);
}

/* With one page more each time, creation fails at each step once and returns all it took. */
static void test_no_memory(void **state)
{
	const struct vm_config config = { .vcpus = 3, .regions = regions, .region_count = 3 };
	enum status status = STATUS_NO_MEMORY;
	unsigned failures = 0;
	struct vm *vm;

	(void)state;
	for (size_t pages = 1; status != STATUS_OK; pages++) {
		assert_true(pages < 100);
		fake_platform.arena_pages = pages;
		pages_setup();
		status = vm_create(&config, &vm);
		if (status == STATUS_OK)
			break;
		failures++;
		assert_int_equal(status, STATUS_NO_MEMORY);
		assert_int_equal(pages_in_use(), 0);
		assert_int_equal(fake_vendor.vms, 0);
		assert_int_equal(fake_vendor.vcpus, 0);
	}
	assert_true(failures > 12);
	fake_vm_end(vm);
}

/* The backend refuses: its first, second, ... call. */
static void test_backend_failures(void **state)
{
	const struct vm_config config = { .vcpus = 3, .regions = regions, .region_count = 3 };
	struct vm *vm;

	(void)state;
	for (unsigned n = 1; n <= 1 + 3 + 3; n++) {
		fake_vendor.fail_after = n;
		assert_int_equal(vm_create(&config, &vm), STATUS_DEVICE);
		assert_int_equal(pages_in_use(), 0);
		assert_int_equal(fake_vendor.vms, 0);
		assert_int_equal(fake_vendor.vcpus, 0);
	}
	fake_vendor.fail_after = 8;
	assert_int_equal(vm_create(&config, &vm), STATUS_OK);
	fake_vm_end(vm);
}

static void test_first_state(void **state)
{
	static const uint32_t ids[] = { 0x11, 0x22, 0x33 };
	const struct vm_config config = {
		.vcpus = 3, .apic_ids = ids, .wait_in_hardware = true, .decode_apic = true
	};
	struct vm *vm;

	(void)state;
	assert_int_equal(vm_create(&config, &vm), STATUS_OK);
	assert_true(vm->wait_in_hardware);
	assert_true(vm->decode_apic);
	for (unsigned i = 0; i < 3; i++) {
		struct vcpu *vcpu = vm_vcpu(vm, i);

		assert_ptr_equal(vcpu->vm, vm);
		assert_int_equal(vcpu->id, i);
		assert_int_equal(vcpu->affinity, -1);
		assert_int_equal(vcpu->control.move_to, -1);
		assert_int_equal(vcpu->extint, -1);
		assert_int_equal(vcpu->apic.id, ids[i]);
		assert_int_equal(apic_get(&vcpu->apic, APIC_ID), ids[i] << 24);
		assert_int_equal(vcpu->apic.base, i ? 0xFEE00800 : 0xFEE00900);
		assert_int_equal(atomic_load(&vcpu->state), i ? VCPU_WAIT_SIPI : VCPU_CREATED);
		assert_ptr_equal(atomic_load(&vcpu->cpu), &platform->cpus[i % 2]);
		assert_int_equal(vcpu->regs.rip, 0xFFF0);
		assert_int_equal(vcpu->regs.cr0, 0x60000010);
		assert_int_equal(vcpu->regs.xcr0, 1);
		assert_int_equal(vcpu->regs.gpr[RDX], FAKE_SIGNATURE);
		assert_int_equal(vcpu->cache_bits, 0x60000000);
		assert_true(vcpu->regs_changed);
		assert_true(mailbox_push(&vcpu->mailbox, (struct message){ .kind = MESSAGE_NONE }));
	}
	fake_vm_end(vm);
}

static void test_look_up(void **state)
{
	static const uint32_t ids[] = { 0x11, 0xFFFFFFF0, 3 };
	struct vm *vm = fake_vm_with_ids(3, ids);

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(vm_vcpu(vm, i)->id, i);
		assert_ptr_equal(vm_vcpu_by_apic_id(vm, ids[i]), vm_vcpu(vm, i));
	}
	assert_null(vm_vcpu(vm, 3));
	assert_null(vm_vcpu(vm, 64));
	assert_null(vm_vcpu(vm, UINT32_MAX));
	assert_null(vm_vcpu_by_apic_id(vm, 0));
	assert_null(vm_vcpu_by_apic_id(vm, 0x33));
	fake_vm_end(vm);
}

static void test_counts(void **state)
{
	struct vm *vm = fake_vm(6);

	(void)state;
	assert_int_equal(vm->vcpu_count, 6);
	assert_int_equal(vm_running(vm), 0);
	for (unsigned s = 0; s < VCPU_STATE_COUNT; s++)
		fake_set_state(vm_vcpu(vm, s), s);
	assert_int_equal(vm_running(vm), 1);
	fake_set_state(vm_vcpu(vm, 5), VCPU_RUNNING);
	assert_int_equal(vm_running(vm), 2);
	fake_vm_end(vm);
}

static void test_memory(void **state)
{
	const struct vm_config config = { .vcpus = 1, .regions = regions, .region_count = 3 };
	struct vm *vm;
	uint8_t *low;

	(void)state;
	assert_int_equal(vm_create(&config, &vm), STATUS_OK);
	low = vm_memory(vm, 0, 1);
	assert_non_null(low);
	assert_int_equal((uintptr_t)low % PAGE_SIZE, 0);
	for (unsigned i = 0; i < 4 * PAGE_SIZE; i++)
		assert_int_equal(low[i], 0);
	assert_ptr_equal(vm_memory(vm, 0x1234, 8), low + 0x1234);
	assert_ptr_equal(vm_memory(vm, 0x3FFF, 1), low + 0x3FFF);
	assert_null(vm_memory(vm, 0x3FFF, 2));
	assert_ptr_equal(vm_memory(vm, 0, 0x4000), low);
	assert_null(vm_memory(vm, 0, 0x4001));
	assert_null(vm_memory(vm, 0x4000, 1));
	assert_null(vm_memory(vm, UINT64_MAX, 1));
	assert_null(vm_memory(vm, 0, SIZE_MAX));
	/* The alias shows the same bytes. */
	assert_ptr_equal(vm_memory(vm, 0x200010, 4), vm_memory(vm, 0x100010, 4));
	assert_null(vm_memory(vm, 0x202000, 1));
	fake_vm_end(vm);
}

/* An alias of what is not there. */
static void test_bad_alias(void **state)
{
	const struct vm_region bad[] = {
		memory,
		{ .gpa = 0x50000, .pages = 4, .memory = (uint8_t *)0x10000, .alias = true },
	};
	struct vm *vm;

	(void)state;
	assert_int_equal(
		vm_create(&(struct vm_config){ .vcpus = 1, .regions = bad, .region_count = 2 },
			  &vm),
		STATUS_INVALID);
	assert_int_equal(pages_in_use(), 0);
	assert_int_equal(fake_vendor.vms, 0);
}

/* Destroyed while its vCPUs run on both processors. */
static void test_destroy_running(void **state)
{
	struct vm *vm = fake_vm(4);

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		fake_run_from_start(vm, i, fake_spin, NULL);
	fake_settle(3);
	assert_int_equal(vm_running(vm), 4);
	assert_non_null(platform->cpus[0].loaded);
	assert_non_null(platform->cpus[1].loaded);
	fake_vm_end(vm);
	assert_null(platform->cpus[0].loaded);
	assert_null(platform->cpus[1].loaded);
	assert_true(sched_withdrawn());
}

/* A processor that does not answer, not even to NMIs: out of use, and the memory is kept. */
static void test_destroy_times_out(void **state)
{
	struct vm *vm = fake_vm(2);

	(void)state;
	fake.hold_others = true;
	fake.clock_step = platform->clock_hz / 200;
	assert_int_equal(vm_destroy(vm), STATUS_TIMEOUT);
	assert_true(pages_in_use() > 0);
	assert_int_equal(fake_vendor.vcpus, 2);
	assert_int_equal(atomic_load(&platform->cpus[1].phase), CPU_LOST);
	assert_int_equal(platform->cpus[1].error, STATUS_TIMEOUT);
	assert_int_equal(atomic_load(&fake.nmis), 20);
	assert_true(sched_withdrawn());
	/* The next VM does without it. */
	assert_int_equal(cpus_in_use(), 1);
	vm = fake_vm(2);
	assert_true(vm->overcommitted);
	assert_ptr_equal(atomic_load(&vm_vcpu(vm, 1)->cpu), &platform->cpus[0]);
	assert_int_equal(vm_destroy(vm), STATUS_OK);
}

static unsigned nmis_until_it_answers;

static void answer(const struct cpu *to, uint32_t icr_low)
{
	assert_int_equal(to->index, 1);
	assert_int_equal(icr_low, IPI_NMI);
	if (--nmis_until_it_answers == 0)
		fake.hold_others = false;
}

/* One that lets go when it is stopped from outside: the caller learns it, nothing is lost. */
static void test_destroy_by_force(void **state)
{
	struct vm *vm = fake_vm(2);

	(void)state;
	fake.hold_others = true;
	fake.on_ipi = answer;
	fake.clock_step = platform->clock_hz / 200;
	nmis_until_it_answers = 3;
	assert_int_equal(vm_destroy(vm), STATUS_BAD_STATE);
	assert_int_equal(pages_in_use(), 0);
	assert_int_equal(fake_vendor.vcpus, 0);
	assert_int_equal(atomic_load(&platform->cpus[1].phase), CPU_READY);
	assert_false(atomic_load(&platform->cpus[1].abandon));
	assert_int_equal(atomic_load(&fake.nmis), 3);
}

static void test_processors_in_use(void **state)
{
	(void)state;
	fake_machine(5, false);
	assert_int_equal(cpus_in_use(), 5);
	atomic_store(&platform->cpus[1].phase, CPU_FAILED);
	atomic_store(&platform->cpus[3].phase, CPU_LOST);
	atomic_store(&platform->cpus[0].phase, CPU_FAILED); /* the boot processor always counts */
	assert_int_equal(cpus_in_use(), 3);
	assert_false(cpu_usable(&platform->cpus[3]));
	for (unsigned i = 0; i < 7; i++) {
		static const unsigned wanted[] = { 0, 2, 4 };

		assert_int_equal(cpu_in_use(i)->index, wanted[i % 3]);
	}
}

static void test_stop_all(void **state)
{
	struct vm *vm = fake_vm(3);

	(void)state;
	fake_run_from_start(vm, 2, fake_spin, NULL);
	assert_int_equal(vm_stop_all(vm), STATUS_OK);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(atomic_load(&vm_vcpu(vm, i)->state), VCPU_STOPPED);
	assert_int_equal(vm_stop_all(vm), STATUS_OK);
	fake_vm_end(vm);
}

static void test_pages(void **state)
{
	uint8_t *a, *b, *c;

	(void)state;
	fake_platform.arena_pages = 7; /* one of them is the map */
	pages_setup();
	assert_null(pages_alloc(0));
	assert_null(pages_alloc(7));
	a = pages_alloc(2);
	b = pages_alloc(2);
	c = pages_alloc(2);
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_null(pages_alloc(1));
	assert_int_equal(pages_in_use(), 6);
	memset(b, 0xFF, 2 * PAGE_SIZE);
	pages_free(b, 2);
	assert_int_equal(pages_in_use(), 4);
	assert_null(pages_alloc(3)); /* not in a row */
	assert_ptr_equal(pages_alloc(2), b);
	for (unsigned i = 0; i < 2 * PAGE_SIZE; i++)
		assert_int_equal(b[i], 0);
	pages_free(NULL, 5);
	pages_free(a, 2);
	pages_free(b, 2);
	pages_free(c, 2);
	assert_int_equal(pages_in_use(), 0);
	assert_ptr_equal(pages_alloc(6), a);
	pages_free(a, 6);
	pages_limit(3);
	assert_null(pages_alloc(4));
	assert_ptr_equal(pages_alloc(3), a);
	assert_null(pages_alloc(1));
	pages_limit(PAGES_NO_LIMIT);
	assert_non_null(pages_alloc(1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(test_limits),
		TEST(test_too_many_regions),
		TEST(test_no_memory),
		TEST(test_backend_failures),
		TEST(test_first_state),
		TEST(test_look_up),
		TEST(test_counts),
		TEST(test_memory),
		TEST(test_bad_alias),
		TEST(test_destroy_running),
		TEST(test_destroy_times_out),
		TEST(test_destroy_by_force),
		TEST(test_processors_in_use),
		TEST(test_stop_all),
		TEST(test_pages),
	};

	return cmocka_run_group_tests_name("VM", tests, NULL, NULL);
}
