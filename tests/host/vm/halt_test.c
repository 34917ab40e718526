/* HLT, what ends it, and the timer of a vCPU. */
#include "vm/run.h"

#include "vlapic/registers.h"
#include "vm/sched.h"

#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"

static struct vm *vm;
static struct vcpu *vcpu;
static struct cpu *cpu;

static struct fake_vcpu *guest(void)
{
	return fake_of(vcpu);
}

/* A running guest with its APIC enabled and interrupts on, which has been entered once. */
static int set_up(void **state)
{
	(void)state;
	fake_machine(1, false);
	vm = fake_vm(1);
	fake_enable_apics(vm);
	cpu = &platform->cpus[0];
	vcpu = fake_run_from_start(vm, 0, NULL, NULL);
	fake_step(0);
	guest()->regs.rflags |= RFLAGS_IF;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

/* One entry, unless the script has exits left. */
static void enter(void)
{
	assert_true(fake_step(0));
}

static void interrupt(uint8_t vector)
{
	assert_int_equal(apic_accept(&vcpu->apic, vector, false), APIC_ACCEPTED);
	vcpu->event_pending = true;
}

static void nmi(void)
{
	vcpu->nmis = 1;
	vcpu->event_pending = true;
}

static void assert_event(unsigned n, enum event_type type, uint8_t vector)
{
	assert_true(guest()->event_count > n);
	assert_int_equal(guest()->events[n].type, type);
	assert_int_equal(guest()->events[n].vector, vector);
}

static void go_to_sleep(uint64_t rflags, uint32_t interruptibility)
{
	static const struct vm_exit hlt[] = { { .kind = EXIT_HLT, .length = 1 } };

	fake_set_state(vcpu, VCPU_RUNNING);
	guest()->regs.rflags = rflags | RFLAGS_FIXED;
	guest()->regs.interruptibility = interruptibility;
	fake_set_script(vcpu, hlt, 1);
	enter();
	assert_int_equal(atomic_load(&vcpu->state), VCPU_HALTED);
	assert_false(fake_step(0));
}

static bool wakes(void)
{
	fake_step(0);
	return atomic_load(&vcpu->state) == VCPU_RUNNING;
}

static void test_halt(void **state)
{
	uint64_t rip = guest()->regs.rip;

	(void)state;
	go_to_sleep(RFLAGS_IF, 0);
	interrupt(0x50);
	assert_true(wakes());
	assert_int_equal(guest()->regs.rip, rip + 1); /* after the HLT */
	assert_event(0, EVENT_INTERRUPT, 0x50);

	go_to_sleep(0, 0); /* IF = 0: no interrupt, but an NMI */
	interrupt(0x60);
	assert_false(wakes());
	nmi();
	assert_true(wakes());
	assert_event(1, EVENT_NMI, 2);

	guest()->regs.rflags |= RFLAGS_IF;
	enter();
	assert_event(2, EVENT_INTERRUPT, 0x60);
	apic_mmio_write(&vcpu->apic, APIC_EOI, 0, fake.now);

	go_to_sleep(RFLAGS_IF, BLOCKED_BY_NMI);
	nmi();
	assert_false(wakes()); /* it is blocked */
	interrupt(0x61);
	assert_true(wakes());
	assert_event(3, EVENT_INTERRUPT, 0x61);
	assert_int_equal(vcpu->nmis, 1);
	vcpu->nmis = 0;
	apic_mmio_write(&vcpu->apic, APIC_EOI, 0, fake.now);

	go_to_sleep(RFLAGS_IF, 0);
	vcpu->extint = 9;
	vcpu->event_pending = true;
	assert_true(wakes());
	assert_event(4, EVENT_INTERRUPT, 9);

	go_to_sleep(RFLAGS_IF, 0);
	vcpu->extint = 0;
	vcpu->event_pending = true;
	assert_true(wakes());
	assert_event(5, EVENT_INTERRUPT, 0);
}

static void test_halt_and_priority(void **state)
{
	(void)state;
	apic_mmio_write(&vcpu->apic, APIC_TPR, 0x60, fake.now);
	go_to_sleep(RFLAGS_IF, 0);
	interrupt(0x50);
	assert_false(wakes());
	interrupt(0x70);
	assert_true(wakes());
	assert_event(0, EVENT_INTERRUPT, 0x70);
}

/* STI, HLT: the interrupt that came in the shadow wakes at once. */
static void test_interrupt_between_sti_and_hlt(void **state)
{
	static const struct vm_exit hlt[] = { { .kind = EXIT_HLT, .length = 1 } };

	(void)state;
	guest()->regs.interruptibility = BLOCKED_BY_STI;
	interrupt(0x50);
	fake_set_script(vcpu, hlt, 1);
	enter();
	assert_int_equal(atomic_load(&vcpu->state), VCPU_RUNNING);
	assert_event(0, EVENT_INTERRUPT, 0x50);
	assert_int_equal(guest()->regs.interruptibility, 0);
}

/* A processor that delivers fixed interrupts gets none of them injected; HLT ends by them all the
 * same, if the priority lets it. NMIs and ExtINTs are still ours. */
static void test_virtual_interrupts(void **state)
{
	(void)state;
	vcpu->virtual_interrupts = true;
	interrupt(0x50);
	enter();
	assert_int_equal(guest()->event_count, 0);
	assert_false(guest()->entry.irq_window);
	apic_put(&vcpu->apic, APIC_TPR, 0x50);
	enter();
	assert_int_equal(guest()->entry.tpr_threshold, 0);
	assert_int_equal(apic_highest_request(&vcpu->apic), 0x50); /* the processor's to take */

	go_to_sleep(RFLAGS_IF, 0);
	apic_put(&vcpu->apic, APIC_TPR, 0x4F);
	assert_true(wakes());
	assert_int_equal(guest()->event_count, 0);

	go_to_sleep(0, 0);
	assert_false(wakes());
	nmi();
	assert_true(wakes());
	assert_event(0, EVENT_NMI, 2);

	guest()->regs.rflags &= ~(uint64_t)RFLAGS_IF;
	vcpu->extint = 9;
	enter();
	assert_true(guest()->entry.irq_window);
	guest()->regs.rflags |= RFLAGS_IF;
	enter();
	assert_event(1, EVENT_INTERRUPT, 9);
	assert_false(guest()->entry.irq_window);
	assert_int_equal(atomic_load(&vcpu->counts.interrupts), 1);
}

/* The timer ends an entry early, wakes a halted guest, and is not polled for nothing. */
static void test_timer(void **state)
{
	(void)state;
	apic_mmio_write(&vcpu->apic, APIC_LVT_TIMER, 0x40, fake.now);
	apic_mmio_write(&vcpu->apic, APIC_TIMER_DIVIDE, 0xB, fake.now);
	apic_mmio_write(&vcpu->apic, APIC_TIMER_INITIAL, 5000, fake.now);
	enter();
	assert_event(0, EVENT_INTERRUPT, 0x40);
	apic_mmio_write(&vcpu->apic, APIC_EOI, 0, fake.now);
	apic_mmio_write(&vcpu->apic, APIC_TIMER_INITIAL, 2000000, fake.now);
	go_to_sleep(RFLAGS_IF, 0);
	fake.now += 1000000;
	assert_false(wakes());
	fake.now += 1000000;
	assert_true(wakes());
	assert_event(1, EVENT_INTERRUPT, 0x40);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_halt),
		TEST(test_halt_and_priority),
		TEST(test_interrupt_between_sti_and_hlt),
		TEST(test_timer),
		TEST(test_virtual_interrupts),
	};

	return cmocka_run_group_tests_name("halts", tests, NULL, NULL);
}
