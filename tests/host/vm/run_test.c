/* Running a vCPU: events go in by priority, and windows are asked for. */
#include "vm/run.h"

#include "vlapic/registers.h"
#include "vm/borrowed_timer.h"
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

static void test_slice(void **state)
{
	uint64_t before = fake.now;
	unsigned executed = guest()->executed;

	(void)state;
	enter();
	assert_in_range(fake.now - before, BOOT_SLICE_TICKS, BOOT_SLICE_TICKS + 1000);
	assert_int_equal(guest()->executed, executed + 1);
	assert_in_range(guest()->entry.ticks, BOOT_SLICE_TICKS - 1000, BOOT_SLICE_TICKS);
	assert_int_equal(guest()->event_count, 0);
	assert_false(guest()->entry.irq_window);
	assert_false(guest()->entry.nmi_window);
	assert_false(guest()->entry.pause_exits);
	assert_int_equal(atomic_load(&cpu->window), WINDOW_CLOSED);
}

/* The first start on a processor measures an exit; slow ones make the slices longer. */
static void test_slice_of_slow_exits(void **state)
{
	(void)state;
	assert_int_equal(vcpu_slice_ticks(cpu, vm), BOOT_SLICE_TICKS);
	cpu->exit_ticks = 0;
	fake.clock_step = 7000;
	vcpu->start.pending = true;
	enter();
	assert_int_equal(cpu->exit_ticks, 7000);
	assert_int_equal(vcpu_slice_ticks(cpu, vm), 7000 * BOOT_SLICE_EXITS);
	enter();
	assert_in_range(guest()->entry.ticks, 7000, 7000 * BOOT_SLICE_EXITS);
	assert_true(guest()->entry.ticks > BOOT_SLICE_TICKS);
	assert_int_equal(vcpu_slice_ticks(&(struct cpu){ .index = 1, .exit_ticks = 7000 }, vm),
			 7000 * SLICE_EXITS);
	cpu->exit_ticks = platform->clock_hz;
	assert_int_equal(vcpu_slice_ticks(cpu, vm), platform->clock_hz / 100);
}

static void test_interrupt(void **state)
{
	(void)state;
	interrupt(0x50);
	enter();
	assert_int_equal(guest()->event_count, 1);
	assert_event(0, EVENT_INTERRUPT, 0x50);
	assert_int_equal(apic_highest_request(&vcpu->apic), -1);
	assert_int_equal(apic_get(&vcpu->apic, APIC_PPR), 0x50);
	assert_int_equal(atomic_load(&vcpu->counts.interrupts), 1);
	assert_false(guest()->entry.irq_window);
	assert_int_equal(guest()->entry.tpr_threshold, 0);
	assert_false(vcpu->event_pending);
	enter(); /* and it does not go in twice */
	assert_int_equal(guest()->event_count, 1);
}

/* IF = 0: a window; the window opens, the interrupt goes in. */
static void test_interrupt_window(void **state)
{
	(void)state;
	guest()->regs.rflags &= ~(uint64_t)RFLAGS_IF;
	interrupt(0x50);
	enter();
	assert_int_equal(guest()->event_count, 0);
	assert_true(guest()->entry.irq_window);
	assert_true(vcpu->event_pending);
	guest()->regs.rflags |= RFLAGS_IF; /* STI and one more instruction */
	enter();
	assert_int_equal(guest()->event_count, 1);
	assert_event(0, EVENT_INTERRUPT, 0x50);
	assert_false(guest()->entry.irq_window);
}

/* STI and MOV SS block for one instruction. */
static void test_shadows(void **state)
{
	static const uint32_t shadows[] = { BLOCKED_BY_STI, BLOCKED_BY_MOV_SS };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(shadows); i++) {
		unsigned before = guest()->event_count;

		guest()->regs.interruptibility = shadows[i];
		guest()->regs.rflags |= RFLAGS_IF;
		interrupt(0x50);
		nmi();
		enter();
		assert_int_equal(guest()->event_count, before);
		assert_true(guest()->entry.irq_window);
		/* The NMI window may be open in the shadow of STI: the exit would never end. */
		assert_int_equal(guest()->entry.nmi_window, shadows[i] == BLOCKED_BY_MOV_SS);
		guest()->regs.interruptibility = 0;
		enter();
		assert_event(before, EVENT_NMI, 2);
		assert_event(before + 1, EVENT_INTERRUPT, 0x50);
		guest()->regs.interruptibility = 0;
		apic_mmio_write(&vcpu->apic, APIC_EOI, 0, fake.now);
	}
}

static void test_nmi_in_the_shadow_of_sti(void **state)
{
	(void)state;
	guest()->regs.interruptibility = BLOCKED_BY_STI;
	guest()->regs.rflags |= RFLAGS_IF;
	nmi();
	enter();
	assert_true(guest()->entry.irq_window);
	assert_false(guest()->entry.nmi_window);
	guest()->regs.interruptibility = 0;
	enter();
	assert_event(0, EVENT_NMI, 2);
	assert_false(guest()->entry.irq_window);
}

/* The instruction that cast the shadow has exited and retires by the advance of RIP. */
static void test_shadow_of_an_instruction_that_retires(void **state)
{
	unsigned entries = guest()->entries;

	(void)state;
	guest()->regs.interruptibility = BLOCKED_BY_STI;
	vcpu->advance = true;
	guest()->exit_length = 2;
	interrupt(0x50);
	enter();
	assert_event(0, EVENT_INTERRUPT, 0x50);
	assert_int_equal(guest()->entries, entries + 1); /* with the first entry, no window */
	assert_int_equal(guest()->regs.rip, 0xFFF2);
	assert_int_equal(guest()->entry.tpr_threshold, 0);
}

/* SDM vol. 3A, "Priority Among Concurrent Events": NMI first, then what the APIC has. */
static void test_nmi_before_interrupt(void **state)
{
	(void)state;
	interrupt(0x50);
	nmi();
	enter();
	assert_event(0, EVENT_NMI, 2);
	assert_event(1, EVENT_INTERRUPT, 0x50); /* a window opened at once: IF is set */
	assert_int_equal(atomic_load(&vcpu->counts.nmis), 1);
	assert_int_equal(vcpu->nmis, 0);
}

/* An NMI behind one that is being served waits for its IRET. */
static void test_nmi_is_latched(void **state)
{
	(void)state;
	nmi();
	enter();
	assert_int_equal(guest()->event_count, 1);
	assert_false(guest()->entry.nmi_window);
	nmi();
	enter();
	assert_int_equal(guest()->event_count, 1);
	assert_true(guest()->entry.nmi_window);
	guest()->regs.interruptibility = 0; /* IRET */
	enter();
	assert_int_equal(guest()->event_count, 2);
	assert_event(1, EVENT_NMI, 2);
	assert_int_equal(atomic_load(&vcpu->counts.nmis), 2);
}

static void test_extint_0(void **state)
{
	(void)state;
	vcpu->extint = 0;
	vcpu->event_pending = true;
	enter();
	assert_event(0, EVENT_INTERRUPT, 0);
	assert_int_equal(vcpu->extint, -1);
}

static void test_extint(void **state)
{
	(void)state;
	apic_mmio_write(&vcpu->apic, APIC_TPR, 0xFF, fake.now); /* does not hold it back */
	vcpu->extint = 8;
	vcpu->event_pending = true;
	enter();
	assert_event(0, EVENT_INTERRUPT, 8);
	assert_int_equal(vcpu->extint, -1);
	assert_false(fake_of(vcpu)->entry.irq_window);
	/* Before the APIC's, of which one with the same vector stays where it is. */
	apic_mmio_write(&vcpu->apic, APIC_TPR, 0, fake.now);
	guest()->regs.rflags &= ~(uint64_t)RFLAGS_IF;
	interrupt(0x50);
	vcpu->extint = 0x50;
	enter();
	assert_int_equal(guest()->event_count, 1);
	assert_true(guest()->entry.irq_window);
	guest()->regs.rflags |= RFLAGS_IF;
	enter();
	assert_event(1, EVENT_INTERRUPT, 0x50);
	assert_int_equal(vcpu->extint, -1);
	assert_int_equal(apic_highest_request(&vcpu->apic), 0x50);
	assert_true(guest()->entry.irq_window);
	assert_true(vcpu->event_pending);
}

/* Held back by the TPR: leave when it falls to the request's class. */
static void test_tpr_threshold(void **state)
{
	static const struct {
		uint8_t tpr, vector, threshold;
		bool taken;
	} rows[] = {
		{ 0x60, 0x50, 5, false }, { 0x50, 0x50, 5, false }, { 0x5F, 0x51, 5, false },
		{ 0x40, 0x50, 0, true },  { 0xF0, 0x10, 1, false },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned before = guest()->event_count;

		guest()->regs.rflags |= RFLAGS_IF;
		apic_init(&vcpu->apic);
		fake_enable_apics(vm);
		apic_mmio_write(&vcpu->apic, APIC_TPR, rows[i].tpr, fake.now);
		interrupt(rows[i].vector);
		enter();
		assert_int_equal(guest()->event_count, before + rows[i].taken);
		assert_int_equal(guest()->entry.tpr_threshold, rows[i].threshold);
		assert_false(guest()->entry.irq_window);
		assert_int_equal(vcpu->event_pending, !rows[i].taken);
	}
	/* Held back by what is in service: the TPR does not matter. */
	apic_init(&vcpu->apic);
	fake_enable_apics(vm);
	apic_mmio_write(&vcpu->apic, APIC_TPR, 0x30, fake.now);
	interrupt(0x80);
	apic_take(&vcpu->apic, 0x80);
	interrupt(0x50);
	enter();
	assert_int_equal(guest()->entry.tpr_threshold, 0);
}

/* An event whose delivery was cut short goes in again, alone and unchanged. */
static void test_interrupted_delivery(void **state)
{
	static const struct vm_exit script[] = {
		{ .kind = EXIT_KICK,
		  .interrupted = { .type = EVENT_SOFTWARE,
				   .vector = 3,
				   .raw = 0x80000603,
				   .length = 1 } },
	};

	(void)state;
	fake_set_script(vcpu, script, 1);
	enter();
	assert_int_equal(guest()->event_count, 1);
	assert_event(0, EVENT_SOFTWARE, 3);
	assert_int_equal(guest()->events[0].raw, 0x80000603);
	assert_int_equal(guest()->events[0].length, 1);
	assert_int_equal(vcpu->event.type, EVENT_NONE);
	/* Others wait behind it. */
	fake_set_script(vcpu, script, 1);
	interrupt(0x50);
	nmi();
	guest()->regs.interruptibility = BLOCKED_BY_NMI;
	guest()->regs.rflags &= ~(uint64_t)RFLAGS_IF;
	enter();
	assert_event(1, EVENT_SOFTWARE, 3);
	assert_true(guest()->entry.irq_window);
	assert_true(guest()->entry.nmi_window);
	assert_int_equal(guest()->event_count, 2);
}

static void test_event_goes_before_all(void **state)
{
	(void)state;
	vcpu_inject_gp(vcpu);
	interrupt(0x50);
	nmi();
	enter();
	assert_event(0, EVENT_EXCEPTION, 13);
	assert_event(1, EVENT_NMI, 2);
	assert_event(2, EVENT_INTERRUPT, 0x50);
}

/* The debug registers that AMD's INIT leaves alone are the processor's, or those still to be set.
 */
static void test_init_keeps_debug_registers(void **state)
{
	static struct backend amd; /* a failure returns from here */

	(void)state;
	amd = fake_backend;
	amd.cites_amd = true;
	backend = &amd;
	for (unsigned to_be_set = 0; to_be_set < 2; to_be_set++) {
		struct regs *current = to_be_set ? &vcpu->regs : &guest()->regs;
		uint64_t mark = 0x1000 + to_be_set;

		current->dr[0] = current->dr[3] = mark;
		current->dr6 = 0xFFFF0FF0 | to_be_set;
		current->dr7 = 0x400 | 1 << to_be_set;
		vcpu->regs_changed = to_be_set;
		vcpu_apply(vcpu, ON_INIT_BSP, 0);
		vcpu_apply(vcpu, ON_INIT_BSP, 0);
		enter();
		assert_int_equal(guest()->regs.segment[CS].base, 0xFFFF0000);
		assert_int_equal(guest()->regs.dr[0], mark);
		assert_int_equal(guest()->regs.dr[3], mark);
		assert_int_equal(guest()->regs.dr6, 0xFFFF0FF0 | to_be_set);
		assert_int_equal(guest()->regs.dr7, 0x400 | 1 << to_be_set);
	}
	backend = &fake_backend;
	vcpu_apply(vcpu, ON_INIT_BSP, 0);
	enter();
	assert_int_equal(guest()->regs.dr[0], 0);
	assert_int_equal(guest()->regs.dr7, 0x400);
}

/* The interrupt is the timer's, which has ended the slice, or the machine's own. */
static void test_borrowed_timer(void **state)
{
	const struct vm_exit interrupted = { .kind = EXIT_INTERRUPT };

	(void)state;
	for (unsigned borrows = 0; borrows < 2; borrows++) {
		unsigned taken = fake.interrupts_taken;
		uint64_t foreign = atomic_load(&vcpu->counts.foreign_interrupts);

		fake_vendor.borrows_timer = vm->borrows_timer = borrows;
		fake.shot = 0;
		fake_set_script(vcpu, &interrupted, 1);
		enter();
		assert_int_equal(fake.timer_uses, borrows);
		assert_int_equal(fake.interrupts_taken - taken, borrows);
		assert_int_equal(atomic_load(&vcpu->counts.foreign_interrupts) - foreign, !borrows);
		if (borrows)
			assert_int_equal(fake.shot, guest()->entry.ticks);
		else
			assert_int_equal(fake.shot, 0);
	}
	borrowed_timer_take(cpu);
	assert_int_equal(fake.timer_uses, 1);
	borrowed_timer_return(cpu);
	borrowed_timer_return(cpu);
	assert_int_equal(fake.timer_uses, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_slice),
		TEST(test_slice_of_slow_exits),
		TEST(test_interrupt),
		TEST(test_interrupt_window),
		TEST(test_shadows),
		TEST(test_nmi_in_the_shadow_of_sti),
		TEST(test_shadow_of_an_instruction_that_retires),
		TEST(test_nmi_before_interrupt),
		TEST(test_nmi_is_latched),
		TEST(test_extint),
		TEST(test_extint_0),
		TEST(test_tpr_threshold),
		TEST(test_interrupted_delivery),
		TEST(test_event_goes_before_all),
		TEST(test_init_keeps_debug_registers),
		TEST(test_borrowed_timer),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
