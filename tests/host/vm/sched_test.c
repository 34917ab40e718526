/* The loop of a processor, the slice of a vCPU, captures of the start, the kick's window. */
#include "vm/sched.h"

#include "vm/control.h"
#include "vm/create.h"
#include "vm/post.h"
#include "vm/run.h"

#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"

static struct vm *vm;

static int set_up(void **state)
{
	(void)state;
	fake_machine(1, false);
	vm = fake_vm(3);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (vm)
		fake_vm_end(vm);
	return 0;
}

static unsigned executed(unsigned id)
{
	return fake_of(vm_vcpu(vm, id))->executed;
}

static void test_round_robin(void **state)
{
	(void)state;
	assert_false(fake_step(0)); /* nobody runs */
	for (unsigned i = 0; i < 3; i++)
		fake_run_from_start(vm, i, fake_spin, NULL);
	for (unsigned i = 0; i < 9; i++) {
		assert_true(fake_step(0));
		for (unsigned id = 0; id < 3; id++)
			assert_int_equal(executed(id), (i + 3 - id) / 3);
	}
	assert_int_equal(fake_of(vm_vcpu(vm, 1))->loads, 3);
	assert_int_equal(fake_of(vm_vcpu(vm, 1))->unloads, 3);
	assert_int_equal(fake_of(vm_vcpu(vm, 1))->states_set, 1);
	fake_set_state(vm_vcpu(vm, 1), VCPU_HALTED);
	for (unsigned i = 0; i < 4; i++)
		assert_true(fake_step(0));
	assert_int_equal(executed(0), 5);
	assert_int_equal(executed(1), 3);
	assert_int_equal(executed(2), 5);
	/* Those of other processors are not its business. */
	atomic_store(&vm_vcpu(vm, 0)->cpu, NULL);
	assert_true(fake_step(0));
	assert_true(fake_step(0));
	assert_int_equal(executed(0), 5);
	assert_int_equal(executed(2), 7);
	atomic_store(&vm_vcpu(vm, 0)->cpu, &platform->cpus[0]);
}

static void test_slices(void **state)
{
	const struct cpu other = { .index = 1 };

	(void)state;
	assert_int_equal(vcpu_slice_ticks(&platform->cpus[0], vm), BOOT_SLICE_TICKS);
	assert_int_equal(vcpu_slice_ticks(&other, vm), FAKE_SLICE);
	vm->slice = 10 * FAKE_SLICE;
	assert_int_equal(vcpu_slice_ticks(&other, vm), 10 * FAKE_SLICE);
	assert_int_equal(vcpu_slice_ticks(&platform->cpus[0], vm), BOOT_SLICE_TICKS);
	vm->slice = 0;
}

/* Others wait for this processor: PAUSE gives it up. */
static void test_pause_yields(void **state)
{
	static const struct vm_exit script[] = { { .kind = EXIT_PAUSE, .length = 2 } };
	uint64_t before = fake.now;

	(void)state;
	fake_run_from_start(vm, 0, NULL, NULL);
	fake_set_script(vm_vcpu(vm, 0), script, 1);
	assert_true(fake_step(0));
	assert_true(fake_of(vm_vcpu(vm, 0))->entry.pause_exits);
	assert_true(fake.now - before < BOOT_SLICE_TICKS);
	assert_true(fake_step(0));
	assert_int_equal(fake_of(vm_vcpu(vm, 0))->regs.rip, 0xFFF2);
}

static void test_messages_are_work(void **state)
{
	(void)state;
	vcpu_post(&platform->cpus[0], vm_vcpu(vm, 2), (struct message){ .kind = MESSAGE_STOP });
	assert_true(fake_step(0));
	assert_int_equal(atomic_load(&vm_vcpu(vm, 2)->state), VCPU_STOPPED);
	assert_false(fake_step(0));
}

/* A message that comes while the guest runs ends its slice at once. */
static void post_to_itself(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	(void)entry;
	(void)exit;
	vcpu_post(&platform->cpus[0], vcpu, (struct message){ .kind = MESSAGE_PAUSE });
	assert_true(fake_aborted(vcpu));
}

static void test_kick_while_it_runs(void **state)
{
	(void)state;
	fake_run_from_start(vm, 0, post_to_itself, NULL);
	assert_true(fake_step(0));
	assert_int_equal(executed(0), 1);
	assert_int_equal(atomic_load(&vm_vcpu(vm, 0)->state), VCPU_PAUSED);
	assert_int_equal(atomic_load(&fake.nmis), 1);
	assert_int_equal(atomic_load(&platform->cpus[0].window), WINDOW_CLOSED);
}

/* The window: one NMI each at most, none outside; closing waits for the one that was sent. */
static void test_window(void **state)
{
	struct cpu *cpu = &platform->cpus[0];
	uint32_t rings = atomic_load(&cpu->doorbell);

	(void)state;
	cpu_kick(cpu);
	assert_int_equal(atomic_load(&fake.nmis), 0);
	cpu_window_open(cpu);
	assert_int_equal(atomic_load(&cpu->window), WINDOW_OPEN);
	cpu_kick(cpu);
	assert_int_equal(atomic_load(&cpu->window), WINDOW_KICKED);
	cpu_kick(cpu);
	cpu_kick(cpu);
	assert_int_equal(atomic_load(&fake.nmis), 1);
	assert_int_equal(atomic_load(&cpu->nmis), 1);
	assert_int_equal(atomic_load(&fake_vendor.aborts), 1);
	cpu_window_close(cpu);
	assert_int_equal(atomic_load(&cpu->window), WINDOW_CLOSED);
	cpu_kick(cpu);
	assert_int_equal(atomic_load(&fake.nmis), 1);
	cpu_window_open(cpu);
	assert_int_equal(cpu->nmis_before, 1); /* what the closing waits for is the next one */
	cpu_window_close(cpu);
	assert_int_equal(atomic_load(&cpu->doorbell), rings + 5);
	/* An NMI of somebody else's, outside of the window: counted, nothing aborted. */
	cpu_nmi(cpu);
	assert_int_equal(atomic_load(&cpu->nmis), 2);
	assert_int_equal(atomic_load(&fake_vendor.aborts), 1);
}

/* The wait for an NMI that never comes has an end, and there are no further kicks. */
static void test_deaf(void **state)
{
	struct cpu *cpu;
	uint64_t before;

	(void)state;
	fake_vm_end(vm);
	vm = NULL;
	fake_machine(2, false);
	fake.hold_others = true;
	fake.clock_step = platform->clock_hz / 100;
	atomic_store(&fake.drop_nmis, true);
	for (unsigned i = 0; i < 2; i++) {
		const uint64_t limit = (i + 1) * platform->clock_hz;

		fake_platform.patience = i + 1; /* a hypervisor below is slow to deliver */
		cpu = &platform->cpus[i];
		cpu_window_open(cpu);
		cpu_kick(cpu);
		before = fake.now;
		cpu_window_close(cpu);
		assert_true(fake.now - before < limit + platform->clock_hz);
		assert_true(fake.now - before >= limit);
		assert_true(atomic_load(&cpu->deaf));
		cpu_window_open(cpu);
		cpu_kick(cpu);
		assert_int_equal(atomic_load(&cpu->window), WINDOW_OPEN);
		cpu_window_close(cpu);
		assert_int_equal(atomic_load(&fake.nmis), i + 1);
	}
	/* The boot processor goes on; the other one is out of use, and named. */
	assert_true(cpu_usable(&platform->cpus[0]));
	assert_false(cpu_usable(cpu));
	assert_int_equal(cpu->error, STATUS_NO_NMI);
	fake_platform.patience = 0;
}

/* Before a processor goes back to the firmware: what was sent has arrived, or it is known. */
/* 256 is listed as 0 by firmware that gives 8 bits; neither 0 is sent anything then. */
static void test_own_id(void **state)
{
	struct cpu *cpus = platform->cpus;

	(void)state;
	fake_vm_end(vm);
	fake_machine(3, false);
	cpus[2].apic_id = 256;
	for (unsigned i = 0; i < 3; i++)
		assert_true(cpu_has_own_id(&cpus[i]));
	cpus[2].apic_id = 0;
	assert_false(cpu_has_own_id(&cpus[0]));
	assert_true(cpu_has_own_id(&cpus[1]));
	assert_false(cpu_has_own_id(&cpus[2]));
	vm = NULL;
}

static void test_settle(void **state)
{
	struct cpu *cpu = &platform->cpus[0];
	uint64_t before = fake.now;

	(void)state;
	fake.stray_nmis = true;
	fake.clock_step = platform->clock_hz / 10000;
	assert_true(cpu_settle(cpu));
	assert_true(cpu_hears(cpu));
	assert_false(cpu_owes_nmi(cpu));
	assert_true(cpu_settle(cpu));
	assert_true(fake.now - before < platform->clock_hz / 1000); /* nothing to wait for */
	/* Three that arrive as one; then one of somebody else's. */
	fake.delay_nmis = true;
	for (unsigned i = 0; i < 3; i++)
		cpu_send_nmi(cpu);
	assert_true(cpu_owes_nmi(cpu));
	fake.delayed[0] = 1;
	fake_deliver_nmis();
	for (unsigned i = 0; i < 2; i++) {
		before = fake.now;
		assert_false(cpu_owes_nmi(cpu));
		assert_true(cpu_settle(cpu));
		assert_true(fake.now - before >= platform->clock_hz / 1000);
		cpu_nmi(cpu);
	}
	assert_true(cpu_settle(cpu));
	/* One that is late. */
	assert_false(cpu_hears(cpu));
	assert_false(cpu_settle(cpu));
	assert_true(cpu_owes_nmi(cpu));
	fake_deliver_nmis();
	assert_false(cpu_owes_nmi(cpu));
	assert_true(cpu_settle(cpu));
	assert_true(atomic_load(&cpu->deaf)); /* for good */
}

/* To be ended from outside: one NMI whatever the window, and its handler is told once. */
static void test_abandon(void **state)
{
	struct cpu *cpu = &platform->cpus[0];

	(void)state;
	assert_false(cpu_abandoned(cpu));
	cpu_abandon(cpu);
	assert_int_equal(atomic_load(&fake.nmis), 1);
	assert_true(cpu_abandoned(cpu));
	assert_false(cpu_abandoned(cpu));
}

static void test_early_nmi(void **state)
{
	(void)state;
	backend = NULL;
	cpu_nmi(&platform->cpus[0]); /* before there is a backend */
	assert_int_equal(atomic_load(&platform->cpus[0].nmis), 1);
	backend = &fake_backend;
}

/* A message between the look for work and the entry: the entry does not happen. */
static void test_no_entry_with_messages(void **state)
{
	struct vcpu *vcpu = fake_run_from_start(vm, 0, fake_spin, NULL);

	(void)state;
	atomic_store(&platform->cpus[0].quit, true);
	fake.clock_step = BOOT_SLICE_TICKS / 4;
	assert_true(fake_step(0)); /* the slice goes by without an entry */
	assert_int_equal(fake_of(vcpu)->entries, 0);
	assert_int_equal(atomic_load(&vcpu->counts.exits), 0);
	assert_int_equal(atomic_load(&platform->cpus[0].window), WINDOW_CLOSED);
	atomic_store(&platform->cpus[0].quit, false);
	fake.clock_step = 100;
	assert_true(fake_step(0));
	assert_int_equal(fake_of(vcpu)->entries, 1);
	assert_int_equal(atomic_load(&vcpu->counts.exits), 1);
}

static void test_load_fails(void **state)
{
	struct vcpu *vcpu = fake_run_from_start(vm, 0, fake_spin, NULL);

	(void)state;
	fake_vendor.fail_load = true;
	assert_true(fake_step(0));
	assert_int_equal(atomic_load(&vcpu->state), VCPU_STOPPED);
	assert_non_null(vcpu->failure.why);
	assert_int_equal(fake_of(vcpu)->entries, 0);
	assert_null(platform->cpus[0].loaded);
	fake_vendor.fail_load = false;
}

/* The state that the processor itself has before the first instruction. */
static void test_capture(void **state)
{
	struct vcpu *vcpu = vm_vcpu(vm, 1);
	struct regs start = { 0 };

	(void)state;
	vcpu->start.capture = &start;
	fake_of(vcpu)->adds_to_idtr = 0x1000;
	fake_set_program(vcpu, fake_spin, NULL);
	assert_int_equal(vm_start_ap(vm, 1, 0x22), STATUS_OK);
	assert_true(fake_step(0));
	assert_int_equal(start.idtr.base, 0x1000); /* the processor's word counts, not ours */
	assert_int_equal(start.segment[CS].selector, 0x2200);
	assert_int_equal(start.rip, 0);
	assert_int_equal(start.gpr[RDX], FAKE_SIGNATURE);
	assert_int_equal(start.activity, ACTIVITY_ACTIVE);
	assert_int_equal(fake_of(vcpu)->entries, 2); /* one that ended at once */
	assert_int_equal(fake_of(vcpu)->executed, 1);
	start.rip = 99;
	assert_true(fake_step(0));
	assert_int_equal(start.rip, 99); /* once */
}

/* Without a place for it nothing is entered for it. */
static void test_no_capture(void **state)
{
	struct vcpu *vcpu = vm_vcpu(vm, 0);

	(void)state;
	fake_set_program(vcpu, fake_spin, NULL);
	assert_int_equal(vm_start(vm), STATUS_OK);
	assert_true(vcpu->start.pending || fake_of(vcpu)->entries);
	fake_step(0);
	assert_false(vcpu->start.pending);
	assert_int_equal(fake_of(vcpu)->entries, fake_of(vcpu)->executed);
}

/* Its own way with exits comes first, and may keep them to itself. */
static bool take_hlt(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	(void)vcpu;
	++*(unsigned *)argument;
	return exit->kind == EXIT_HLT;
}

static void test_on_exit(void **state)
{
	static const struct vm_exit script[] = { { .kind = EXIT_HLT }, { .kind = EXIT_PAUSE } };
	unsigned seen = 0;

	(void)state;
	vm->on_exit = take_hlt;
	vm->on_exit_argument = &seen;
	fake_run_from_start(vm, 0, NULL, NULL);
	fake_set_script(vm_vcpu(vm, 0), script, 2);
	assert_true(fake_step(0));
	assert_int_equal(seen, 2);
	assert_int_equal(atomic_load(&vm_vcpu(vm, 0)->state), VCPU_RUNNING);
	assert_true(vm_vcpu(vm, 0)->advance); /* the PAUSE was handled as ever */
}

/* A waiting call or move ends the slice. */
static void call_itself(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	(void)entry;
	(void)exit;
	vcpu_post(&platform->cpus[0], vcpu, (struct message){ .kind = MESSAGE_CALL });
}

static void count_call(struct vcpu *vcpu, void *argument)
{
	(void)vcpu;
	++*(unsigned *)argument;
}

static void test_calls_end_the_slice(void **state)
{
	struct vcpu *vcpu = fake_run_from_start(vm, 0, call_itself, NULL);
	unsigned calls = 0;

	(void)state;
	vcpu->control.argument = &calls;
	for (unsigned i = 1; i < 4; i++) {
		atomic_store(&vcpu->control.call, count_call);
		assert_true(fake_step(0));
		assert_int_equal(calls, i);
		assert_int_equal(executed(0), i);
	}
}

static void quit_soon(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	(void)entry;
	(void)exit;
	if (fake_of(vcpu)->executed == 3)
		atomic_store(&platform->cpus[0].quit, true);
}

static void note_call(struct vcpu *vcpu, void *called)
{
	(void)vcpu;
	*(bool *)called = true;
}

/* Who finds a box full drains all of its own, so that a call may wait while no message does. */
static void test_call_of_a_drained_box(void **state)
{
	struct vcpu *vcpu = vm_vcpu(vm, 1);
	bool called = false;

	(void)state;
	fake_set_state(vcpu, VCPU_PAUSED);
	atomic_store(&vcpu->control.call, note_call);
	vcpu->control.argument = &called;
	vcpu->control.call_waits = true;
	fake_step(0);
	assert_true(called);
	vcpu->control.move_to = 0;
	fake_step(0);
	assert_int_equal(vcpu->control.move_to, -1);
}

static void test_loop(void **state)
{
	(void)state;
	fake_run_from_start(vm, 0, quit_soon, NULL);
	fake.clock_step = BOOT_SLICE_TICKS;
	sched_loop(&platform->cpus[0]);
	assert_int_equal(executed(0), 3);
	assert_null(platform->cpus[0].loaded);
	assert_int_equal(atomic_load(&fake.idles), 0);
	atomic_store(&platform->cpus[0].quit, false);
}

/* A second VM takes the place of the first on the processor. */
static void test_publication(void **state)
{
	struct cpu *cpu = &platform->cpus[0];

	(void)state;
	fake_run_from_start(vm, 1, fake_spin, NULL);
	fake_step(0);
	assert_true(sched_withdrawn());
	assert_int_equal(cpu->next, 2);
	sched_publish(NULL);
	assert_false(sched_withdrawn());
	assert_ptr_equal(cpu->loaded, vm_vcpu(vm, 1));
	assert_false(fake_step(0));
	assert_null(cpu->loaded);
	assert_int_equal(cpu->next, 0);
	assert_true(sched_withdrawn());
	sched_publish(vm);
	assert_true(fake_step(0));
	assert_ptr_equal(cpu->loaded, vm_vcpu(vm, 1));
	/* A processor that is not ready is not waited for. */
	sched_publish(NULL);
	atomic_store(&cpu->phase, CPU_LOST);
	assert_true(sched_withdrawn());
	atomic_store(&cpu->phase, CPU_READY);
	assert_false(sched_withdrawn());
	sched_publish(vm);
}

/* Waiting in hardware counts as runnable, and says so while it is inside. */
static void test_hardware_wait(void **state)
{
	const struct vm_config config = { .vcpus = 2, .wait_in_hardware = true };
	struct vcpu *vcpu;

	(void)state;
	fake_vm_end(vm);
	fake_machine(2, false);
	assert_int_equal(vm_create(&config, &vm), STATUS_OK);
	vcpu = vm_vcpu(vm, 1);
	assert_true(vcpu_runnable(vcpu));
	assert_false(vcpu_runnable(vm_vcpu(vm, 0)));
	assert_true(fake_step(1));
	assert_true(fake_of(vcpu)->entries > 0);
	assert_int_equal(fake_of(vcpu)->regs.activity, ACTIVITY_WAIT_SIPI);
	assert_false(atomic_load(&vcpu->sipi_wait.in_hardware));
	/* The physical SIPI announces the message, which does the work. */
	fake_set_program(vcpu, fake_spin, NULL);
	atomic_store(&fake_of(vcpu)->physical_sipi, 0x33);
	assert_true(fake_step(1));
	assert_int_equal(vcpu->sipi_wait.vector, 0x33);
	assert_int_equal(atomic_load(&vcpu->counts.hardware_sipis), 1);
	assert_int_equal(atomic_load(&vcpu->state), VCPU_WAIT_SIPI);
	/* The boot processor would be deaf to the deadlines that it watches. */
	atomic_store(&vcpu->cpu, &platform->cpus[0]);
	assert_false(vcpu_runnable(vcpu));
	atomic_store(&vcpu->cpu, &platform->cpus[1]);
	assert_int_equal(vm_start_ap(vm, 1, 0x44), STATUS_OK);
	assert_true(fake_step(1));
	assert_int_equal(atomic_load(&vcpu->state), VCPU_RUNNING);
	assert_int_equal(fake_of(vcpu)->regs.activity, ACTIVITY_ACTIVE);
	assert_int_equal(fake_of(vcpu)->regs.segment[CS].selector, 0x4400);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_round_robin),
		TEST(test_slices),
		TEST(test_pause_yields),
		TEST(test_messages_are_work),
		TEST(test_kick_while_it_runs),
		TEST(test_window),
		TEST(test_deaf),
		TEST(test_settle),
		TEST(test_own_id),
		TEST(test_abandon),
		TEST(test_early_nmi),
		TEST(test_no_entry_with_messages),
		TEST(test_load_fails),
		TEST(test_capture),
		TEST(test_no_capture),
		TEST(test_on_exit),
		TEST(test_calls_end_the_slice),
		TEST(test_call_of_a_drained_box),
		TEST(test_loop),
		TEST(test_publication),
		TEST(test_hardware_wait),
	};

	return cmocka_run_group_tests_name("processors", tests, NULL, NULL);
}
