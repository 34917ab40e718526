/* Control from another processor: pause, resume, stop, moves, calls. */
#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"
#include "vm/control.h"
#include "vm/post.h"

enum { VCPUS = 4 };

static struct vm *vm;

static int set_up(void **state)
{
	(void)state;
	fake_machine(2, false);
	vm = fake_vm(VCPUS);
	for (unsigned i = 0; i < VCPUS; i++)
		fake_set_program(vm_vcpu(vm, i), fake_spin, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

static enum vcpu_state state_of(unsigned id)
{
	return atomic_load(&vm_vcpu(vm, id)->state);
}

/* vCPU 0 is on the calling processor, vCPU 1 on the other one. */
static void test_pause_and_resume(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct vcpu *vcpu = vm_vcpu(vm, i);
		unsigned executed;

		fake_set_state(vcpu, VCPU_RUNNING);
		fake_settle(3);
		assert_true(fake_of(vcpu)->executed > 0);
		assert_int_equal(vcpu_pause(vcpu), STATUS_OK);
		assert_int_equal(state_of(i), VCPU_PAUSED);
		executed = fake_of(vcpu)->executed;
		fake_settle(5);
		assert_int_equal(fake_of(vcpu)->executed, executed); /* no instruction retires */
		assert_int_equal(vcpu_pause(vcpu), STATUS_BAD_STATE);
		assert_int_equal(vcpu_resume(vcpu), STATUS_OK);
		assert_int_equal(state_of(i), VCPU_RUNNING);
		fake_settle(3);
		assert_true(fake_of(vcpu)->executed > executed);
		assert_int_equal(vcpu_resume(vcpu), STATUS_BAD_STATE);
	}
}

/* Which control is allowed from which state. */
static void test_states(void **state)
{
	static const struct {
		enum status (*control)(struct vcpu *vcpu);
		enum vcpu_state from, to; /* the one state from which it works */
	} rows[] = { { vcpu_pause, VCPU_RUNNING, VCPU_PAUSED },
		     { vcpu_resume, VCPU_PAUSED, VCPU_RUNNING },
		     { vcpu_stop, VCPU_STATE_COUNT, VCPU_STOPPED } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		for (unsigned from = 0; from < VCPU_STATE_COUNT; from++) {
			bool allowed = rows[i].from == from || rows[i].from == VCPU_STATE_COUNT;

			fake_set_state(vm_vcpu(vm, 1), from);
			assert_int_equal(rows[i].control(vm_vcpu(vm, 1)),
					 allowed ? STATUS_OK : STATUS_BAD_STATE);
			assert_int_equal(state_of(1), allowed ? rows[i].to : from);
		}
}

static void test_start(void **state)
{
	(void)state;
	assert_int_equal(vm_start(vm), STATUS_OK);
	assert_int_equal(state_of(0), VCPU_RUNNING);
	assert_int_equal(vm_start(vm), STATUS_BAD_STATE);
	fake_settle(2);
	assert_true(fake_of(vm_vcpu(vm, 0))->executed > 0);
	assert_int_equal(fake_of(vm_vcpu(vm, 0))->regs.rip, 0xFFF0);
}

static void test_start_ap(void **state)
{
	(void)state;
	assert_int_equal(vm_start_ap(vm, 2, 0x9F), STATUS_OK);
	fake_settle(2);
	assert_int_equal(state_of(2), VCPU_RUNNING);
	assert_int_equal(vm_vcpu(vm, 2)->start.vector, 0x9F);
	assert_int_equal(fake_of(vm_vcpu(vm, 2))->regs.segment[CS].base, 0x9F000);
	assert_int_equal(atomic_load(&vm_vcpu(vm, 2)->counts.inits), 1);
	assert_int_equal(vm_start_ap(vm, 99, 1), STATUS_NOT_FOUND);
	assert_int_equal(state_of(3), VCPU_WAIT_SIPI);
}

static void test_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		fake_set_state(vm_vcpu(vm, i), VCPU_RUNNING);
	fake_set_state(vm_vcpu(vm, 3), VCPU_HALTED);
	assert_int_equal(vm_pause_all(vm), STATUS_OK);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(state_of(i), VCPU_PAUSED);
	assert_int_equal(state_of(3), VCPU_HALTED);
	assert_int_equal(vm_running(vm), 0);
	fake_set_state(vm_vcpu(vm, 2), VCPU_STOPPED);
	assert_int_equal(vm_resume_all(vm), STATUS_OK);
	assert_int_equal(state_of(0), VCPU_RUNNING);
	assert_int_equal(state_of(1), VCPU_RUNNING);
	assert_int_equal(state_of(2), VCPU_STOPPED);
	assert_int_equal(state_of(3), VCPU_HALTED);
	assert_int_equal(vm_running(vm), 2);
}

/* It halts on the way: not an error of pause_all. */
static void halt_at_once(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	(void)vcpu;
	(void)entry;
	*exit = (struct vm_exit){ .kind = EXIT_HLT, .length = 1 };
}

static void test_pause_of_one_that_halts(void **state)
{
	(void)state;
	fake_set_program(vm_vcpu(vm, 1), halt_at_once, NULL);
	fake_set_state(vm_vcpu(vm, 1), VCPU_RUNNING);
	fake_step(1);
	assert_int_equal(state_of(1), VCPU_HALTED);
	assert_int_equal(vm_pause_all(vm), STATUS_OK);
	assert_int_equal(vcpu_pause(vm_vcpu(vm, 1)), STATUS_BAD_STATE);
}

/* The state goes along: unloaded there, loaded here. */
static void test_move(void **state)
{
	struct vcpu *vcpu = vm_vcpu(vm, 1);
	uint32_t rings;

	(void)state;
	fake_set_state(vcpu, VCPU_RUNNING);
	fake_settle(2);
	assert_ptr_equal(fake_of(vcpu)->loaded_on, &platform->cpus[1]);
	fake_of(vcpu)->regs.rip = 0x777;
	rings = atomic_load(&platform->cpus[0].doorbell);
	assert_int_equal(vcpu_set_affinity(vcpu, 0), STATUS_OK);
	assert_true(atomic_load(&platform->cpus[0].doorbell) != rings); /* it may be asleep */
	assert_int_equal(vcpu->affinity, 0);
	assert_ptr_equal(atomic_load(&vcpu->cpu), &platform->cpus[0]);
	assert_int_equal(atomic_load(&vcpu->moves), 1);
	assert_null(platform->cpus[1].loaded);
	fake_settle(2);
	assert_ptr_equal(fake_of(vcpu)->loaded_on, &platform->cpus[0]);
	assert_int_equal(fake_of(vcpu)->regs.rip, 0x777);
	assert_int_equal(fake_of(vcpu)->loads, 2);
	assert_int_equal(fake_of(vcpu)->states_set, 1);
	assert_int_equal(vcpu_set_affinity(vcpu, 0), STATUS_OK); /* it is there */
	assert_int_equal(atomic_load(&vcpu->moves), 1);
	assert_int_equal(vcpu_set_affinity(vcpu, -1), STATUS_OK);
	assert_int_equal(vcpu->affinity, -1);
	assert_ptr_equal(atomic_load(&vcpu->cpu), &platform->cpus[0]);
	assert_int_equal(vcpu_set_affinity(vcpu, 2), STATUS_INVALID);
	atomic_store(&platform->cpus[1].phase, CPU_LOST);
	assert_int_equal(vcpu_set_affinity(vcpu, 1), STATUS_INVALID); /* out of use */
	atomic_store(&platform->cpus[1].phase, CPU_READY);
	assert_int_equal(vcpu_set_affinity(vcpu, -2), STATUS_INVALID);
	assert_int_equal(vcpu->affinity, -1);
}

/* Messages that came before the move are seen after it. */
static void test_messages_across_a_move(void **state)
{
	struct vcpu *vcpu = vm_vcpu(vm, 1);

	(void)state;
	fake_set_state(vcpu, VCPU_RUNNING);
	fake_enable_apics(vm);
	fake.hold_others = true;
	vcpu_post(&platform->cpus[0], vcpu, (struct message){ .kind = MESSAGE_MOVE, .value = 0 });
	vcpu_post(&platform->cpus[0], vcpu,
		  (struct message){ .kind = MESSAGE_FIXED, .vector = 0x55 });
	fake.hold_others = false;
	fake_settle(3);
	assert_ptr_equal(atomic_load(&vcpu->cpu), &platform->cpus[0]);
	assert_int_equal(apic_highest_request(&vcpu->apic), 0x55);
}

struct seen {
	struct vcpu *vcpu;
	struct cpu *on, *loaded_on;
	unsigned calls;
};

static void see(struct vcpu *vcpu, void *argument)
{
	struct seen *seen = argument;

	seen->vcpu = vcpu;
	seen->on = fake_self();
	seen->loaded_on = fake_of(vcpu)->loaded_on;
	seen->calls++;
}

/* In every state, on the owner, loaded. */
static void test_call(void **state)
{
	(void)state;
	for (unsigned s = 0; s < VCPU_STATE_COUNT; s++)
		for (unsigned id = 0; id < 2; id++) {
			struct seen seen = { 0 };

			fake_set_state(vm_vcpu(vm, id), s);
			assert_int_equal(vcpu_call(vm_vcpu(vm, id), see, &seen), STATUS_OK);
			assert_ptr_equal(seen.vcpu, vm_vcpu(vm, id));
			assert_ptr_equal(seen.on, &platform->cpus[id]);
			assert_ptr_equal(seen.loaded_on, &platform->cpus[id]);
			assert_int_equal(seen.calls, 1);
			fake_settle(2);
			assert_int_equal(seen.calls, 1);
		}
}

static void test_registers(void **state)
{
	struct vcpu *vcpu = vm_vcpu(vm, 1);
	struct regs regs;

	(void)state;
	assert_int_equal(vcpu_registers(vcpu, &regs), STATUS_OK);
	assert_int_equal(regs.rip, 0xFFF0);
	assert_int_equal(regs.activity, ACTIVITY_WAIT_SIPI);
	assert_int_equal(vcpu_registers(vm_vcpu(vm, 0), &regs), STATUS_OK);
	assert_int_equal(regs.activity, ACTIVITY_ACTIVE);
	fake_set_state(vcpu, VCPU_RUNNING);
	fake_settle(2);
	fake_of(vcpu)->regs.rip = 0x1234; /* the guest went on */
	vcpu->regs.gpr[RSI] = 0x5678;
	assert_int_equal(vcpu_registers(vcpu, &regs), STATUS_OK);
	assert_int_equal(regs.rip, 0x1234);
	assert_int_equal(regs.gpr[RSI], 0x5678);
}

/* A processor that does not look: the caller gets its time-out, not a hang. */
static void test_timeouts(void **state)
{
	struct vcpu *vcpu = vm_vcpu(vm, 1);
	struct seen seen = { 0 };

	(void)state;
	fake.hold_others = true;
	fake.clock_step = platform->clock_hz / 100;
	fake_set_state(vcpu, VCPU_RUNNING);
	assert_int_equal(vcpu_pause(vcpu), STATUS_TIMEOUT);
	assert_int_equal(vcpu_call(vcpu, see, &seen), STATUS_TIMEOUT);
	assert_int_equal(seen.calls, 0);
	assert_int_equal(vm_pause_all(vm), STATUS_TIMEOUT);
	fake.hold_others = false;
	fake.clock_step = 100;
	fake_settle(5);
	assert_int_equal(state_of(1), VCPU_PAUSED);
	assert_int_equal(seen.calls, 0); /* it is no longer asked for */
}

static bool never(void *argument)
{
	++*(unsigned *)argument;
	return false;
}

static bool third_time(void *argument)
{
	return ++*(unsigned *)argument == 3;
}

static void test_wait(void **state)
{
	unsigned looks = 0;
	uint64_t start;

	(void)state;
	assert_int_equal(vm_wait(vm, third_time, &looks, 1000), STATUS_OK);
	assert_int_equal(looks, 3);
	looks = 0;
	start = fake.now;
	assert_int_equal(vm_wait(vm, never, &looks, 1000), STATUS_TIMEOUT);
	assert_true(looks > 100);
	assert_in_range(fake.now - start, 1000000, 1100000); /* 1 ms, the clock counts ns */
	looks = 2;
	assert_int_equal(vm_wait(vm, third_time, &looks, 0), STATUS_OK); /* a look comes first */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_pause_and_resume),
		TEST(test_states),
		TEST(test_start),
		TEST(test_start_ap),
		TEST(test_all),
		TEST(test_pause_of_one_that_halts),
		TEST(test_move),
		TEST(test_messages_across_a_move),
		TEST(test_call),
		TEST(test_registers),
		TEST(test_timeouts),
		TEST(test_wait),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
