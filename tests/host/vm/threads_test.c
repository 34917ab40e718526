/*
 * Real threads: the mailbox with many senders, and processors that kick each other. Run under
 * AddressSanitizer with the other tests and once more under ThreadSanitizer.
 */
#include "vlapic/registers.h"
#include "vm/control.h"
#include "vm/ipi.h"
#include "vm/machine.h"
#include "vm/sched.h"

#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"

#include <pthread.h>
#include <sched.h>

enum { SENDERS = 4, MESSAGES = 20000, CPUS = 4, VCPUS = 6, SECOND = 1000000 /* microseconds */ };

/* ---- the mailbox alone ---- */

static struct mailbox box;

static void *send_messages(void *argument)
{
	const unsigned *sender = argument;

	for (uint32_t n = 0; n < MESSAGES; n++) {
		const struct message message = { .kind = MESSAGE_FIXED,
						 .vector = (uint8_t)*sender,
						 .level = n & 1,
						 .value = n };

		while (!mailbox_push(&box, message))
			sched_yield();
	}
	return NULL;
}

/* Each sender's messages arrive whole, in order, once each. */
static void test_mailbox(void **state)
{
	pthread_t threads[SENDERS];
	unsigned numbers[SENDERS];
	uint32_t next[SENDERS] = { 0 };
	struct message message;

	(void)state;
	mailbox_reset(&box);
	for (unsigned i = 0; i < SENDERS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, send_messages, &numbers[i]), 0);
	}
	for (unsigned left = SENDERS * MESSAGES; left;) {
		if (!mailbox_pop(&box, &message)) {
			sched_yield();
			continue;
		}
		assert_int_equal(message.kind, MESSAGE_FIXED);
		assert_in_range(message.vector, 0, SENDERS - 1);
		assert_int_equal(message.value, next[message.vector]);
		assert_int_equal(message.level, message.value & 1);
		next[message.vector]++;
		left--;
	}
	for (unsigned i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_false(mailbox_pop(&box, &message));
	assert_int_equal(mailbox_count(&box), 0);
}

/* ---- guests on processors ---- */

static struct vm *vm;

static struct guest {
	uint64_t random;
	unsigned left;	 /* IPIs to send */
	uint64_t ended;	 /* interrupts whose handler has come to its end */
	uint32_t target; /* of ping and pong */
	unsigned balls;
	_Atomic bool done;
} guests[VCPUS];

static int set_up(void **state)
{
	(void)state;
	fake_machine(CPUS, true);
	assert_int_equal(machine_start(true, false), CPUS);
	assert_int_equal(machine_enter(true), STATUS_OK);
	vm = fake_vm(VCPUS);
	for (unsigned i = 0; i < VCPUS; i++)
		guests[i] = (struct guest){ .random = i + 1 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	machine_leave(true);
	assert_true(machine_stop());
	fake_threads_end();
	for (unsigned i = 0; i < CPUS; i++)
		assert_int_equal(atomic_load(&platform->cpus[i].phase), CPU_FIRMWARE);
	assert_int_equal(atomic_load(&fake_vendor.on), 0);
	assert_int_equal(atomic_load(&fake.lost_wakeups), 0);
	return 0;
}

/* On its owner: APIC enabled, interrupts on, this program. */
static void prepare(struct vcpu *vcpu, void *program)
{
	/* Its INIT starts it. */
	FAKE_CHECK(apic_set_base(&vcpu->apic, vcpu->apic.base | IA32_APIC_BASE_BSP));
	fake_set_program(vcpu, *(fake_program **)program, &guests[vcpu->id]);
	vcpu_apply(vcpu, ON_INIT_BSP, 0);
	vcpu->regs.rflags |= RFLAGS_IF;
	fake_poke(&vcpu->apic, APIC_SVR, 0x1FF);
}

/* vCPU 0, which has the ball, comes last: the others must be there to take it. */
static void start_all(fake_program *program)
{
	for (unsigned i = VCPUS; i--;)
		assert_int_equal(vcpu_call(vm_vcpu(vm, i), prepare, &program), STATUS_OK);
}

/* As a processor that virtualizes APIC registers does it: the value, then the exit. */
static void write_apic(struct vcpu *vcpu, uint16_t offset, uint32_t value, struct vm_exit *exit)
{
	fake_poke(&vcpu->apic, offset, value);
	*exit = (struct vm_exit){ .kind = EXIT_APIC_WRITE, .apic = { .offset = offset } };
}

static void send(struct vcpu *vcpu, uint32_t low, uint32_t destination, struct vm_exit *exit)
{
	fake_poke(&vcpu->apic, APIC_ICR_HIGH, destination << 24);
	write_apic(vcpu, APIC_ICR, ICR_ASSERT | low, exit);
}

/* The guest's handlers: IRET at once, an EOI for each interrupt; false: nothing to handle. */
static bool handle(struct vcpu *vcpu, struct guest *guest, struct vm_exit *exit)
{
	fake_of(vcpu)->regs.interruptibility = 0;
	fake_of(vcpu)->regs.rflags |= RFLAGS_IF;
	if (atomic_load(&vcpu->counts.interrupts) == guest->ended)
		return false;
	guest->ended++;
	write_apic(vcpu, APIC_EOI, 0, exit);
	return true;
}

/* Random IPIs in random modes to random targets, then HLT for ever. */
static void storm(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	struct guest *guest = fake_of(vcpu)->argument;
	uint32_t random, low;

	(void)entry;
	if (handle(vcpu, guest, exit))
		return;
	if (!guest->left) {
		atomic_store(&guest->done, true);
		*exit = (struct vm_exit){ .kind = EXIT_HLT, .length = 1 };
		return;
	}
	guest->left--;
	random = random_below(&guest->random, 1 << 16);
	low = 0x20 | (random & 0x3F);
	if (random >> 6 & 1)
		low |= random >> 7 & 1 ? DELIVERY_LOWEST << 8 : DELIVERY_NMI << 8;
	if ((random >> 8) % 16 == 0)
		low |= (uint32_t)TO_OTHERS << ICR_SHORTHAND_SHIFT;
	send(vcpu, low, (random >> 12) % VCPUS, exit);
}

static bool storm_is_over(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < VCPUS; i++)
		if (!atomic_load(&guests[i].done) || mailbox_waiting(&vm_vcpu(vm, i)->mailbox) ||
		    atomic_load(&vm_vcpu(vm, i)->state) != VCPU_HALTED)
			return false;
	return true;
}

/* All that was sent has arrived, and became exactly one thing. */
static void test_storm(void **state)
{
	struct fake_sums sums;

	(void)state;
	for (unsigned i = 0; i < VCPUS; i++)
		guests[i].left = 2000;
	start_all(storm);
	assert_int_equal(vm_wait(vm, storm_is_over, NULL, 60 * SECOND), STATUS_OK);
	sums = fake_sums(vm);
	assert_true(sums.sent >= VCPUS * 2000);
	assert_int_equal(sums.received, sums.sent);
	assert_int_equal(sums.delivered + sums.coalesced + sums.dropped, sums.sent);
	assert_true(sums.delivered > 0);
}

/* One ball goes round: whoever gets it sends it on and sleeps. A lost wake-up stops it. */
static void pass_on(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	struct guest *guest = fake_of(vcpu)->argument;
	uint64_t before = guest->ended;

	(void)entry;
	if (handle(vcpu, guest, exit)) {
		guest->balls += (unsigned)(guest->ended - before);
		return;
	}
	if (guest->balls && guest->left) {
		guest->balls--;
		guest->left--;
		send(vcpu, 0x40, guest->target, exit);
		return;
	}
	if (!guest->left)
		atomic_store(&guest->done, true);
	*exit = (struct vm_exit){ .kind = EXIT_HLT, .length = 1 };
}

static bool all_done(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < VCPUS; i++)
		if (!atomic_load(&guests[i].done))
			return false;
	return true;
}

static void test_ball(void **state)
{
	(void)state;
	for (unsigned i = 0; i < VCPUS; i++) {
		guests[i].left = 1500;
		guests[i].target = (i + 1) % VCPUS;
	}
	guests[0].balls = 1;
	start_all(pass_on);
	assert_int_equal(vm_wait(vm, all_done, NULL, 60 * SECOND), STATUS_OK);
	assert_true(atomic_load(&fake.nmis) > 0);
}

static void read_executed(struct vcpu *vcpu, void *argument)
{
	*(unsigned *)argument = fake_of(vcpu)->executed;
}

/* Life-cycle control of guests that run, from another processor, over and over. */
static void test_control(void **state)
{
	uint64_t random = 9;

	(void)state;
	start_all(fake_spin);
	for (unsigned n = 0; n < 200; n++) {
		struct vcpu *vcpu = vm_vcpu(vm, random_below(&random, VCPUS));
		unsigned before, after;

		if (random_below(&random, 2)) {
			int to = (int)random_below(&random, CPUS);

			assert_int_equal(vcpu_set_affinity(vcpu, to), STATUS_OK);
			assert_ptr_equal(atomic_load(&vcpu->cpu), &platform->cpus[to]);
		}
		assert_int_equal(vcpu_pause(vcpu), STATUS_OK);
		assert_int_equal(vcpu_pause(vcpu), STATUS_BAD_STATE);
		assert_int_equal(vcpu_call(vcpu, read_executed, &before), STATUS_OK);
		if (n % 10 == 0)
			sched_yield();
		assert_int_equal(vcpu_call(vcpu, read_executed, &after), STATUS_OK);
		assert_int_equal(after, before);
		assert_int_equal(vcpu_resume(vcpu), STATUS_OK);
	}
	assert_int_equal(vm_running(vm), VCPUS);
	assert_int_equal(vm_pause_all(vm), STATUS_OK);
	assert_int_equal(vm_running(vm), 0);
	assert_int_equal(vm_resume_all(vm), STATUS_OK);
	assert_int_equal(vm_running(vm), VCPUS);
}

/* INITs and SIPIs from all sides at once; in the end the last SIPI is obeyed. */
static void reset_others(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	struct guest *guest = fake_of(vcpu)->argument;
	uint32_t random = random_below(&guest->random, 1 << 16);

	(void)entry;
	if (!guest->left) {
		atomic_store(&guest->done, true);
		*exit = (struct vm_exit){ .kind = EXIT_HLT, .length = 1 };
		return;
	}
	guest->left--;
	/* To the last two vCPUs, which send nothing themselves. */
	send(vcpu, random & 4 ? DELIVERY_INIT << 8 : DELIVERY_SIPI << 8 | 0x10,
	     VCPUS - 1 - random % 2, exit);
}

static void become_ap(struct vcpu *vcpu, void *program)
{
	prepare(vcpu, program);
	FAKE_CHECK(apic_set_base(&vcpu->apic, vcpu->apic.base & ~(uint64_t)IA32_APIC_BASE_BSP));
}

static bool senders_done(void *argument)
{
	(void)argument;
	for (unsigned i = 0; i < VCPUS - 2; i++)
		if (!atomic_load(&guests[i].done))
			return false;
	return true;
}

static bool both_run(void *argument)
{
	(void)argument;
	return atomic_load(&vm_vcpu(vm, VCPUS - 1)->state) == VCPU_RUNNING &&
	       atomic_load(&vm_vcpu(vm, VCPUS - 2)->state) == VCPU_RUNNING &&
	       !mailbox_waiting(&vm_vcpu(vm, VCPUS - 1)->mailbox) &&
	       !mailbox_waiting(&vm_vcpu(vm, VCPUS - 2)->mailbox);
}

static void test_init_and_sipi(void **state)
{
	struct fake_sums sums;

	(void)state;
	for (unsigned i = 0; i < VCPUS; i++)
		guests[i].left = i < VCPUS - 2 ? 2000 : 0;
	start_all(reset_others);
	for (unsigned i = VCPUS - 2; i < VCPUS; i++) {
		fake_program *program = fake_spin;

		assert_int_equal(vcpu_call(vm_vcpu(vm, i), become_ap, &program), STATUS_OK);
	}
	assert_int_equal(vm_wait(vm, senders_done, NULL, 60 * SECOND), STATUS_OK);
	assert_int_equal(vm_start_ap(vm, VCPUS - 1, 0x77), STATUS_OK);
	assert_int_equal(vm_start_ap(vm, VCPUS - 2, 0x88), STATUS_OK);
	assert_int_equal(vm_wait(vm, both_run, NULL, 10 * SECOND), STATUS_OK);
	assert_int_equal(vm_vcpu(vm, VCPUS - 1)->start.vector, 0x77);
	assert_int_equal(vm_vcpu(vm, VCPUS - 2)->start.vector, 0x88);
	sums = fake_sums(vm);
	assert_int_equal(sums.sent, 4 * 2000 + 4);
	assert_int_equal(sums.delivered + sums.dropped, sums.sent);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mailbox),
		TEST(test_storm),
		TEST(test_ball),
		TEST(test_control),
		TEST(test_init_and_sipi),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
