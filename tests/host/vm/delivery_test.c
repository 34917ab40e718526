/* What becomes of messages: posting, kicks, and what the owner makes of each kind. */
#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"
#include "vm/ipi.h"
#include "vm/post.h"
#include "vm/receive.h"

static struct vm *vm;
static struct vcpu *target;

static int set_up(void **state)
{
	(void)state;
	fake_machine(2, false);
	vm = fake_vm(2);
	fake_enable_apics(vm);
	target = vm_vcpu(vm, 1);
	fake_set_state(target, VCPU_RUNNING);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

/* delivered, coalesced, dropped of the target. */
static void assert_counts(uint64_t delivered, uint64_t coalesced, uint64_t dropped)
{
	const struct vcpu_counts *counts = &target->counts;

	assert_int_equal(atomic_load(&counts->delivered), delivered);
	assert_int_equal(atomic_load(&counts->coalesced), coalesced);
	assert_int_equal(atomic_load(&counts->dropped), dropped);
	assert_int_equal(atomic_load(&counts->received), delivered + coalesced + dropped);
	assert_int_equal(atomic_load(&vm->outside), delivered + coalesced + dropped);
	/* Each kind for itself, too; there is nothing but IPIs from outside here. */
	for (unsigned kind = 0; kind < MESSAGE_IPIS; kind++)
		assert_int_equal(atomic_load(&counts->settled_of[kind]),
				 atomic_load(&vm->outside_of[kind]));
}

static void deliver(enum delivery_mode mode, uint8_t vector)
{
	const struct ipi ipi = {
		.destination = target->apic.id, .mode = mode, .vector = vector, .assert = true
	};

	assert_int_equal(ipi_send(vm, &ipi), STATUS_OK);
	vcpu_drain(target);
}

static void test_fixed(void **state)
{
	(void)state;
	deliver(DELIVERY_FIXED, 0x50);
	assert_int_equal(apic_highest_request(&target->apic), 0x50);
	assert_true(target->event_pending);
	assert_counts(1, 0, 0);
	deliver(DELIVERY_LOWEST, 0x50);
	assert_counts(1, 1, 0);
	deliver(DELIVERY_LOWEST, 0x51);
	assert_int_equal(apic_highest_request(&target->apic), 0x51);
	assert_counts(2, 1, 0);
	fake_poke(&target->apic, APIC_SVR, 0xFF);
	deliver(DELIVERY_FIXED, 0x52);
	assert_int_equal(apic_highest_request(&target->apic), 0x51);
	assert_counts(2, 1, 1);
}

/* One NMI waits beside the one that is being served. */
static void test_nmi(void **state)
{
	(void)state;
	deliver(DELIVERY_NMI, 0);
	assert_int_equal(target->nmis, 1);
	assert_true(target->event_pending);
	assert_counts(1, 0, 0);
	deliver(DELIVERY_NMI, 0);
	assert_int_equal(target->nmis, 1);
	assert_counts(1, 1, 0);
	fake_poke(&target->apic, APIC_SVR, 0xFF); /* NMIs are accepted all the same */
	target->nmis = 0;
	deliver(DELIVERY_NMI, 0);
	assert_int_equal(target->nmis, 1);
	assert_counts(2, 1, 0);
}

static void test_extint(void **state)
{
	(void)state;
	assert_int_equal(target->extint, -1);
	deliver(DELIVERY_EXTINT, 8);
	assert_int_equal(target->extint, 8);
	assert_true(target->event_pending);
	assert_int_equal(apic_highest_request(&target->apic), -1); /* bypasses the IRR */
	assert_counts(1, 0, 0);
	deliver(DELIVERY_EXTINT, 9);
	assert_int_equal(target->extint, 8);
	assert_counts(1, 1, 0);
	target->extint = 0; /* vector 0 is one too */
	deliver(DELIVERY_EXTINT, 9);
	assert_int_equal(target->extint, 0);
	assert_counts(1, 2, 0);
}

/* Stopped is final: everything is dropped and nothing changes. */
static void test_stopped(void **state)
{
	(void)state;
	fake_set_state(target, VCPU_STOPPED);
	deliver(DELIVERY_FIXED, 0x50);
	deliver(DELIVERY_NMI, 0);
	deliver(DELIVERY_EXTINT, 8);
	deliver(DELIVERY_INIT, 0);
	deliver(DELIVERY_SIPI, 1);
	assert_counts(0, 0, 5);
	assert_int_equal(apic_highest_request(&target->apic), -1);
	assert_int_equal(target->nmis, 0);
	assert_int_equal(target->extint, -1);
	assert_int_equal(atomic_load(&target->state), VCPU_STOPPED);
}

/* A paused vCPU keeps what comes; one that waits for a SIPI too, but its APIC is disabled. */
static void test_paused_and_waiting(void **state)
{
	(void)state;
	fake_set_state(target, VCPU_PAUSED);
	deliver(DELIVERY_FIXED, 0x50);
	deliver(DELIVERY_NMI, 0);
	assert_counts(2, 0, 0);
	deliver(DELIVERY_INIT, 0);
	assert_counts(3, 0, 0);
	assert_int_equal(atomic_load(&target->state), VCPU_WAIT_SIPI);
	assert_int_equal(target->nmis, 0);
	deliver(DELIVERY_FIXED, 0x50);
	assert_counts(3, 0, 1);
	assert_int_equal(apic_highest_request(&target->apic), -1);
}

static void test_init_and_sipi(void **state)
{
	(void)state;
	deliver(DELIVERY_SIPI, 0x10);
	assert_counts(0, 0, 1);
	assert_int_equal(atomic_load(&target->counts.sipis_ignored), 1);
	deliver(DELIVERY_INIT, 0);
	assert_int_equal(atomic_load(&target->state), VCPU_WAIT_SIPI);
	deliver(DELIVERY_SIPI, 0x10);
	assert_int_equal(atomic_load(&target->state), VCPU_RUNNING);
	assert_int_equal(target->start.vector, 0x10);
	assert_int_equal(target->regs.segment[CS].base, 0x10000);
	deliver(DELIVERY_SIPI, 0x11); /* the second one changes nothing */
	assert_int_equal(target->start.vector, 0x10);
	assert_int_equal(target->regs.segment[CS].base, 0x10000);
	assert_counts(2, 0, 2);
	target->apic.base |= IA32_APIC_BASE_BSP;
	deliver(DELIVERY_INIT, 0);
	assert_int_equal(atomic_load(&target->state), VCPU_RUNNING);
	assert_int_equal(target->regs.segment[CS].base, 0xFFFF0000);
	assert_counts(3, 0, 2);
}

/* INIT, SIPI, INIT, SIPI without a look between them: in order, the last SIPI counts. */
static void test_order_is_kept(void **state)
{
	struct ipi ipi = { .destination = 1, .assert = true };

	(void)state;
	for (uint8_t i = 1; i <= 2; i++) {
		ipi.mode = DELIVERY_INIT;
		assert_int_equal(ipi_send(vm, &ipi), STATUS_OK);
		ipi.mode = DELIVERY_SIPI;
		ipi.vector = i;
		assert_int_equal(ipi_send(vm, &ipi), STATUS_OK);
	}
	assert_int_equal(mailbox_count(&target->mailbox), 4);
	vcpu_drain(target);
	assert_int_equal(atomic_load(&target->state), VCPU_RUNNING);
	assert_int_equal(target->start.vector, 2);
	assert_counts(4, 0, 0);
	assert_int_equal(mailbox_count(&target->mailbox), 0);
}

/* Control messages are answered, and are no IPIs. */
static void test_control_messages(void **state)
{
	static const struct {
		enum message_kind kind;
		enum vcpu_state from, to;
		enum status result;
	} rows[] = {
		{ MESSAGE_START, VCPU_CREATED, VCPU_RUNNING, STATUS_OK },
		{ MESSAGE_START, VCPU_RUNNING, VCPU_RUNNING, STATUS_BAD_STATE },
		{ MESSAGE_PAUSE, VCPU_RUNNING, VCPU_PAUSED, STATUS_OK },
		{ MESSAGE_PAUSE, VCPU_HALTED, VCPU_HALTED, STATUS_BAD_STATE },
		{ MESSAGE_RESUME, VCPU_PAUSED, VCPU_RUNNING, STATUS_OK },
		{ MESSAGE_RESUME, VCPU_RUNNING, VCPU_RUNNING, STATUS_BAD_STATE },
		{ MESSAGE_STOP, VCPU_HALTED, VCPU_STOPPED, STATUS_OK },
		{ MESSAGE_STOP, VCPU_STOPPED, VCPU_STOPPED, STATUS_OK },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t done = atomic_load(&target->control.done);

		fake_set_state(target, rows[i].from);
		atomic_store(&target->control.result, STATUS_DEVICE);
		vcpu_post(&platform->cpus[0], target,
			  (struct message){ .kind = (uint8_t)rows[i].kind });
		vcpu_drain(target);
		assert_int_equal(atomic_load(&target->state), rows[i].to);
		assert_int_equal(atomic_load(&target->control.result), rows[i].result);
		assert_int_equal(atomic_load(&target->control.done), done + 1);
	}
	vcpu_post(&platform->cpus[0], target, (struct message){ .kind = MESSAGE_CALL });
	vcpu_post(&platform->cpus[0], target, (struct message){ .kind = MESSAGE_MOVE, .value = 1 });
	vcpu_post(&platform->cpus[0], target, (struct message){ .kind = MESSAGE_NONE });
	assert_false(target->control.call_waits);
	assert_int_equal(target->control.move_to, -1);
	vcpu_drain(target);
	assert_true(target->control.call_waits);
	assert_int_equal(target->control.move_to, 1);
	target->control.call_waits = false;
	target->control.move_to = -1;
	assert_counts(0, 0, 0);
}

/* A full box of one's own is emptied on the way; nothing is lost. */
static void test_full_box(void **state)
{
	struct vcpu *own = vm_vcpu(vm, 0);
	const struct ipi ipi = { .destination = 0, .mode = DELIVERY_FIXED, .vector = 0x50 };

	(void)state;
	for (unsigned i = 0; i < 3 * MAILBOX_SLOTS; i++)
		assert_int_equal(ipi_send(vm, &ipi), STATUS_OK);
	vcpu_drain(own);
	assert_int_equal(atomic_load(&own->counts.received), 3 * MAILBOX_SLOTS);
	assert_int_equal(atomic_load(&own->counts.coalesced), 3 * MAILBOX_SLOTS - 1);
}

/* The owner is told: its doorbell rings, and in its window it gets one NMI. */
static void test_kick(void **state)
{
	struct cpu *owner = atomic_load(&target->cpu);
	uint32_t rings = atomic_load(&owner->doorbell);
	const struct message message = { .kind = MESSAGE_NMI };

	(void)state;
	assert_ptr_equal(owner, &platform->cpus[1]);
	vcpu_post(&platform->cpus[0], target, message);
	assert_int_equal(atomic_load(&owner->doorbell), rings + 1);
	assert_int_equal(atomic_load(&fake.nmis), 0);
	assert_int_equal(mailbox_count(&target->mailbox), 1);
	cpu_window_open(owner);
	vcpu_post(&platform->cpus[0], target, message);
	vcpu_post(&platform->cpus[0], target, message);
	assert_int_equal(atomic_load(&owner->doorbell), rings + 3);
	assert_int_equal(atomic_load(&fake.nmis), 1);
	assert_int_equal(atomic_load(&fake_vendor.aborts), 1);
	cpu_window_close(owner);
}

/* Fixed, edge-triggered and legal, the VM wants it, and nothing waits in the mailbox: past it, and
 * without a kick. */
static void test_posted(void **state)
{
	static const struct {
		struct message message;
		bool posted;
	} rows[] = {
		{ { .kind = MESSAGE_FIXED, .vector = 0x51 }, true },
		{ { .kind = MESSAGE_LOWEST, .vector = 0xFF }, true },
		{ { .kind = MESSAGE_FIXED, .vector = 0x10 }, true },
		{ { .kind = MESSAGE_FIXED, .vector = 0x0F }, false },
		{ { .kind = MESSAGE_FIXED, .vector = 0x51, .level = true }, false },
		{ { .kind = MESSAGE_NMI, .vector = 0x51 }, false },
		{ { .kind = MESSAGE_EXTINT, .vector = 0x51 }, false },
		{ { .kind = MESSAGE_INIT, .vector = 0x51 }, false },
		{ { .kind = MESSAGE_SIPI, .vector = 0x51 }, false },
	};
	struct cpu *owner = atomic_load(&target->cpu);

	(void)state;
	for (unsigned can = 0; can < 4; can++)
		for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
			bool posted = can == 3 && rows[i].posted;
			unsigned kind = rows[i].message.kind, before = fake_vendor.posted;
			uint32_t rings = atomic_load(&owner->doorbell);
			uint64_t count = atomic_load(&target->counts.posted_of[kind]);

			fake_vendor.posts = can & 1;
			target->vm->posted_interrupts = can & 2;
			vcpu_post(&platform->cpus[0], target, rows[i].message);
			assert_int_equal(fake_vendor.posted - before, posted);
			assert_int_equal(atomic_load(&target->counts.posted_of[kind]) - count,
					 posted);
			assert_int_equal(mailbox_count(&target->mailbox), !posted);
			assert_int_equal(atomic_load(&owner->doorbell) - rings, !posted);
			if (posted)
				continue;
			/* Behind what waits there. */
			vcpu_post(&platform->cpus[0], target, rows[0].message);
			assert_int_equal(fake_vendor.posted, before);
			assert_int_equal(mailbox_count(&target->mailbox), 2);
			vcpu_drain(target);
			fake_set_state(target, VCPU_RUNNING);
		}
}

static unsigned sipis_until_it_wakes;

static void count_sipis(const struct cpu *to, uint32_t icr_low)
{
	assert_int_equal(to->index, 1);
	if (icr_low != IPI_NMI && --sipis_until_it_wakes == 0)
		atomic_store(&target->sipi_wait.in_hardware, false);
}

/* A processor in wait-for-SIPI takes no NMI: physical SIPIs until it has left that state. */
static void test_hardware_waiter(void **state)
{
	struct message message = { .kind = MESSAGE_SIPI, .vector = 0x9F };

	(void)state;
	fake.on_ipi = count_sipis;
	fake.hold_others = true;
	sipis_until_it_wakes = 3;
	atomic_store(&target->sipi_wait.in_hardware, true);
	vcpu_post(&platform->cpus[0], target, message);
	assert_int_equal(atomic_load(&fake.sipis), 3);
	assert_int_equal(atomic_load(&fake.last_icr), 0x469F);
	message = (struct message){ .kind = MESSAGE_INIT, .vector = 0x9F };
	sipis_until_it_wakes = 1;
	atomic_store(&target->sipi_wait.in_hardware, true);
	vcpu_post(&platform->cpus[0], target, message);
	assert_int_equal(atomic_load(&fake.last_icr), 0x4600);
	assert_int_equal(atomic_load(&fake.sipis), 4);
	assert_int_equal(target->sipi_wait.sent, 4);
	/* It never wakes: given up after a second. */
	fake.on_ipi = NULL;
	fake.clock_step = platform->clock_hz / 10;
	atomic_store(&target->sipi_wait.in_hardware, true);
	vcpu_post(&platform->cpus[0], target, message);
	assert_in_range(atomic_load(&fake.sipis), 4 + 8, 4 + 10);
	atomic_store(&target->sipi_wait.in_hardware, false);
	fake.hold_others = false;
	fake.clock_step = 100;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_fixed),
		TEST(test_nmi),
		TEST(test_extint),
		TEST(test_stopped),
		TEST(test_paused_and_waiting),
		TEST(test_init_and_sipi),
		TEST(test_order_is_kept),
		TEST(test_control_messages),
		TEST(test_full_box),
		TEST(test_kick),
		TEST(test_posted),
		TEST(test_hardware_waiter),
	};

	return cmocka_run_group_tests_name("delivery", tests, NULL, NULL);
}
