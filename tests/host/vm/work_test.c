/* Work for all processors at once: done once each, beside a VM, in spite of those that fail. */
#include "vm/work.h"

#include "vm/control.h"
#include "vm/machine.h"
#include "vm/sched.h"

#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"

enum { CPUS = 4, HUNDREDS = 300, SECOND = 1000000 /* microseconds */ };

static _Atomic unsigned calls[HUNDREDS];
static _Atomic unsigned present;
static unsigned faulty, hanging;

static int set_up(void **state)
{
	(void)state;
	fake_machine(CPUS, false);
	for (unsigned i = 0; i < HUNDREDS; i++)
		atomic_store(&calls[i], 0);
	return 0;
}

static void note(struct cpu *cpu, void *argument)
{
	assert_ptr_equal(cpu, fake_self());
	assert_null(cpu->loaded);
	assert_int_equal(*(int *)argument, 42);
	atomic_fetch_add(&calls[cpu->index], 1);
}

static void expect_calls(unsigned a, unsigned b, unsigned c, unsigned d)
{
	const unsigned wanted[CPUS] = { a, b, c, d };

	for (unsigned i = 0; i < CPUS; i++)
		assert_int_equal(atomic_load(&calls[i]), wanted[i]);
}

static void test_each_once(void **state)
{
	int answer = 42;

	(void)state;
	assert_int_equal(work_on_all(note, &answer, SECOND), STATUS_OK);
	expect_calls(1, 1, 1, 1);
	fake_settle(10);
	expect_calls(1, 1, 1, 1);
	assert_true(sched_quiet());
	assert_int_equal(work_on_all(note, &answer, SECOND), STATUS_OK);
	expect_calls(2, 2, 2, 2);
}

static void test_only_the_usable(void **state)
{
	int answer = 42;

	(void)state;
	atomic_store(&platform->cpus[1].phase, CPU_FAILED);
	atomic_store(&platform->cpus[3].phase, CPU_LOST);
	assert_int_equal(work_on_all(note, &answer, SECOND), STATUS_OK);
	assert_int_equal(atomic_load(&calls[0]), 1);
	assert_int_equal(atomic_load(&calls[2]), 1);
}

/* The vCPU that was loaded makes room, and runs on afterwards. */
static void test_beside_a_vm(void **state)
{
	struct vm *vm = fake_vm(2);
	int answer = 42;
	unsigned before;

	(void)state;
	fake_run_from_start(vm, 0, fake_spin, NULL);
	assert_true(fake_step(0));
	assert_non_null(platform->cpus[0].loaded);
	assert_int_equal(work_on_all(note, &answer, SECOND), STATUS_OK);
	expect_calls(1, 1, 1, 1);
	before = fake_of(vm_vcpu(vm, 0))->executed;
	assert_true(fake_step(0));
	assert_int_equal(fake_of(vm_vcpu(vm, 0))->executed, before + 1);
	fake_vm_end(vm);
}

/* One that does not come in time has no part in it later. */
static void test_late(void **state)
{
	int answer = 42;

	(void)state;
	fake.hold_others = true;
	assert_int_equal(work_on_all(note, &answer, 10), STATUS_TIMEOUT);
	expect_calls(1, 0, 0, 0);
	for (unsigned i = 1; i < CPUS; i++) {
		assert_int_equal(atomic_load(&platform->cpus[i].phase), CPU_LOST);
		fake_step(i);
	}
	expect_calls(1, 0, 0, 0);
}

/* More processors than 8 bits have numbers: each is itself, for work and for a vCPU's moves. */
static void test_hundreds(void **state)
{
	struct vm *vm;
	int answer = 42;

	(void)state;
	fake_machine(HUNDREDS, false);
	vm = fake_vm(VM_VCPUS_MAX);
	for (unsigned i = 0; i < VM_VCPUS_MAX; i++) {
		struct vcpu *vcpu = fake_run_from_start(vm, i, fake_spin, NULL);

		assert_int_equal(vcpu_set_affinity(vcpu, (int)(HUNDREDS - 1 - i)), STATUS_OK);
	}
	assert_int_equal(work_on_all(note, &answer, 10 * SECOND), STATUS_OK);
	for (unsigned i = 0; i < HUNDREDS; i++)
		assert_int_equal(atomic_load(&calls[i]), 1);
	for (unsigned i = 0; i < VM_VCPUS_MAX; i++) {
		struct vcpu *vcpu = vm_vcpu(vm, i);
		const unsigned before = fake_of(vcpu)->executed;

		assert_ptr_equal(atomic_load(&vcpu->cpu), &platform->cpus[HUNDREDS - 1 - i]);
		fake_step(HUNDREDS - 1 - i);
		assert_true(fake_of(vcpu)->executed > before);
		assert_int_equal(vcpu_pause(vcpu), STATUS_OK);
	}
	fake_vm_end(vm);
}

/* ---- with threads: at the same time ---- */

static int set_up_threads(void **state)
{
	(void)state;
	fake_machine(CPUS, true);
	assert_int_equal(machine_start(true, false), CPUS);
	assert_int_equal(machine_enter(true), STATUS_OK);
	atomic_store(&present, 0);
	faulty = hanging = CPUS;
	return 0;
}

static int tear_down_threads(void **state)
{
	(void)state;
	machine_leave(true);
	assert_true(machine_stop());
	fake_threads_end();
	assert_int_equal(atomic_load(&fake.lost_wakeups), 0);
	return 0;
}

/* Ends when all have come. */
static void meet(struct cpu *cpu, void *argument)
{
	(void)argument;
	if (cpu->index == faulty)
		fake_fault(13);
	atomic_fetch_add(&present, 1);
	while (cpu->index == hanging)
		cpu_relax();
	while (atomic_load(&present) < CPUS - (faulty < CPUS))
		cpu_relax();
}

static void test_at_once(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 200; i++) {
		atomic_store(&present, 0);
		assert_int_equal(work_on_all(meet, NULL, 10 * SECOND), STATUS_OK);
		assert_int_equal(atomic_load(&present), CPUS);
	}
}

/* An exception on another processor: the others come to their end, and the next work is done. */
static void test_fault(void **state)
{
	struct fault fault;

	(void)state;
	faulty = 2;
	assert_int_equal(work_on_all(meet, NULL, 10 * SECOND), STATUS_FAULT);
	assert_true(machine_take_fault(&fault));
	assert_int_equal(fault.vector, 13);
	assert_int_equal(fault.cpu, 2);
	assert_int_equal(atomic_load(&platform->cpus[2].faults), 1);
	faulty = CPUS;
	atomic_store(&present, 0);
	assert_int_equal(work_on_all(meet, NULL, 10 * SECOND), STATUS_OK);
}

static void on_interrupt(struct cpu *cpu, uint8_t vector)
{
	(void)cpu;
	(void)vector;
}

static void borrow_apic(struct cpu *cpu, void *argument)
{
	cpu->on_interrupt = on_interrupt;
	meet(cpu, argument);
	cpu->on_interrupt = NULL;
}

/* What had the local APIC when the exception came has it no more. */
static void test_fault_with_the_apic(void **state)
{
	struct fault fault;

	(void)state;
	faulty = 2;
	assert_int_equal(work_on_all(borrow_apic, NULL, 10 * SECOND), STATUS_FAULT);
	assert_true(machine_take_fault(&fault));
	assert_int_equal(atomic_load(&fake.apics_put_back), 1);
	for (unsigned i = 0; i < CPUS; i++)
		assert_true(platform->cpus[i].on_interrupt == NULL);
}

/* One that does not end is stopped from outside, and is of use again. */
static void test_hang(void **state)
{
	struct fault fault;

	(void)state;
	hanging = 1;
	assert_int_equal(work_on_all(meet, NULL, SECOND / 20), STATUS_TIMEOUT);
	assert_true(machine_take_fault(&fault));
	assert_true(fault.abandoned);
	assert_true(cpu_usable(&platform->cpus[1]));
	hanging = CPUS;
	atomic_store(&present, 0);
	assert_int_equal(work_on_all(meet, NULL, 10 * SECOND), STATUS_OK);
}

static void come(struct cpu *cpu, void *argument)
{
	(void)argument;
	atomic_fetch_add(&calls[cpu->index], 1);
}

/* All start, are kicked out of their idling for work, and go back. */
static void test_hundreds_at_once(void **state)
{
	(void)state;
	(void)set_up(NULL);
	fake_machine(HUNDREDS, true);
	assert_int_equal(machine_start(true, false), HUNDREDS);
	assert_int_equal(machine_enter(true), STATUS_OK);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(work_on_all(come, NULL, 60 * SECOND), STATUS_OK);
		for (unsigned cpu = 0; cpu < HUNDREDS; cpu++)
			assert_int_equal(atomic_load(&calls[cpu]), i);
	}
	(void)tear_down_threads(NULL);
	assert_int_equal(atomic_load(&fake.taken), HUNDREDS);
	assert_int_equal(atomic_load(&fake.given_back), HUNDREDS);
}

int main(void)
{
#define ALONE(name) cmocka_unit_test_setup(name, set_up)
#define THREADS(name) cmocka_unit_test_setup_teardown(name, set_up_threads, tear_down_threads)
	const struct CMUnitTest tests[] = {
		ALONE(test_each_once),	 ALONE(test_only_the_usable),
		ALONE(test_beside_a_vm), ALONE(test_late),
		ALONE(test_hundreds),	 cmocka_unit_test(test_hundreds_at_once),
		THREADS(test_at_once),	 THREADS(test_fault),
		THREADS(test_hang),	 THREADS(test_fault_with_the_apic),
	};

	return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
