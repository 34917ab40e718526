/* What each kind of exit does: advance, emulate, inject, change the state, or end the vCPU. */
#include "vlapic/registers.h"
#include "vm/handle.h"
#include "vm/run.h"
#include "vm/sched.h"

#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"

static struct vm *vm;
static struct vcpu *vcpu;

static int set_up(void **state)
{
	(void)state;
	fake_machine(1, false);
	vm = fake_vm(2);
	fake_enable_apics(vm);
	vcpu = fake_run_from_start(vm, 0, NULL, NULL);
	fake_step(0); /* loads it */
	vcpu->event_pending = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

static struct regs *processor(void)
{
	return &fake_of(vcpu)->regs;
}

static enum step handle(const struct vm_exit *exit)
{
	vcpu->advance = false;
	vcpu->event = (struct event){ 0 };
	return exit_handle(vcpu, exit);
}

static void assert_fault(uint8_t vector)
{
	assert_int_equal(vcpu->event.type, EVENT_EXCEPTION);
	assert_int_equal(vcpu->event.vector, vector);
	assert_false(vcpu->advance);
	assert_int_equal(atomic_load(&vcpu->state), VCPU_RUNNING);
}

static void assert_advances(void)
{
	assert_true(vcpu->advance);
	assert_int_equal(vcpu->event.type, EVENT_NONE);
	assert_int_equal(atomic_load(&vcpu->state), VCPU_RUNNING);
}

static void assert_fails(const struct vm_exit *exit, const char *why)
{
	fake_set_state(vcpu, VCPU_RUNNING);
	vcpu->failure.why = NULL;
	handle(exit);
	assert_int_equal(atomic_load(&vcpu->state), VCPU_STOPPED);
	assert_string_equal(vcpu->failure.why, why);
	assert_ptr_equal(atomic_load(&vm->failed), vcpu);
	atomic_store(&vm->failed, NULL);
	assert_memory_equal(&vcpu->failure.exit, exit, sizeof(*exit));
	fake_set_state(vcpu, VCPU_RUNNING);
}

/* Kinds that need no more than the kind. */
static void test_simple_kinds(void **state)
{
	static const struct {
		enum exit_kind kind;
		enum step step;
		bool advance, event_pending;
		uint8_t fault;
	} rows[] = {
		{ EXIT_TIMER, STEP_AGAIN, false, false, 0 },
		{ EXIT_KICK, STEP_AGAIN, false, false, 0 },
		{ EXIT_INTERRUPT, STEP_AGAIN, false, false, 0 },
		{ EXIT_PAUSE, STEP_YIELD, true, false, 0 },
		{ EXIT_CPUID, STEP_AGAIN, true, false, 0 },
		{ EXIT_INVD, STEP_AGAIN, true, false, 0 },
		{ EXIT_UNDEFINED, STEP_AGAIN, false, false, 6 },
		{ EXIT_HYPERCALL, STEP_AGAIN, false, false, 6 },
		{ EXIT_IRQ_WINDOW, STEP_AGAIN, false, true, 0 },
		{ EXIT_NMI_WINDOW, STEP_AGAIN, false, true, 0 },
		{ EXIT_TPR, STEP_AGAIN, false, true, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct vm_exit exit = { .kind = rows[i].kind, .length = 2 };

		vcpu->event_pending = false;
		assert_int_equal(handle(&exit), rows[i].step);
		assert_int_equal(vcpu->advance, rows[i].advance);
		assert_int_equal(vcpu->event_pending, rows[i].event_pending);
		if (rows[i].fault)
			assert_fault(rows[i].fault);
		else
			assert_int_equal(vcpu->event.type, EVENT_NONE);
		assert_int_equal(atomic_load(&vcpu->state), VCPU_RUNNING);
		assert_null(vcpu->failure.why);
	}
}

/* One that stays pending would end every entry: in the end it is taken. */
static void test_foreign_interrupts(void **state)
{
	const struct vm_exit exit = { .kind = EXIT_INTERRUPT };

	(void)state;
	for (unsigned i = 0; i < 999; i++)
		handle(&exit);
	assert_int_equal(fake.interrupts_taken, 0);
	handle(&exit);
	assert_int_equal(fake.interrupts_taken, 1);
	for (unsigned i = 0; i < 1000; i++)
		handle(&exit);
	assert_int_equal(fake.interrupts_taken, 2);
	assert_int_equal(atomic_load(&vcpu->counts.foreign_interrupts), 2000);
	assert_string_equal(exit_text(EXIT_INTERRUPT), "interrupt of the machine's own");
}

/* Kinds that end the vCPU, with their own text as the reason. */
static void test_fatal_kinds(void **state)
{
	static const enum exit_kind kinds[] = { EXIT_IO,	EXIT_DR,       EXIT_TASK_SWITCH,
						EXIT_EXCEPTION, EXIT_SHUTDOWN, EXIT_ENTRY_FAILED,
						EXIT_UNKNOWN };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct vm_exit exit = { .kind = kinds[i], .raw_reason = i };

		assert_fails(&exit, exit_text(kinds[i]));
		assert_int_equal(handle(&exit), STEP_YIELD);
		fake_set_state(vcpu, VCPU_RUNNING);
	}
	assert_string_equal(exit_text(EXIT_SHUTDOWN), "triple fault");
	assert_string_equal(exit_text(EXIT_UNKNOWN), "unknown exit");
	assert_string_equal(exit_text(EXIT_TIMER), "time slice over");
}

static void test_msrs(void **state)
{
	const struct vm_exit read = { .kind = EXIT_MSR_READ, .length = 2 };
	const struct vm_exit write = { .kind = EXIT_MSR_WRITE, .length = 2 };
	uint64_t *gpr = vcpu->regs.gpr;

	(void)state;
	gpr[RCX] = 0xFFFFFFFF0000001B; /* ECX counts */
	gpr[RAX] = gpr[RDX] = UINT64_MAX;
	handle(&read);
	assert_advances();
	assert_int_equal(gpr[RAX], 0xFEE00900);
	assert_int_equal(gpr[RDX], 0);
	gpr[RAX] = 0xFFFFFFFF07040600; /* EDX:EAX counts */
	gpr[RDX] = 0x00070406;
	gpr[RCX] = 0x277;
	handle(&write);
	assert_advances();
	assert_int_equal(vcpu->regs.pat, 0x0007040607040600);
	processor()->pat = vcpu->regs.pat; /* as the next entry does */
	handle(&read);
	assert_int_equal(gpr[RAX], 0x07040600);
	assert_int_equal(gpr[RDX], 0x00070406);
	gpr[RCX] = 0x12345;
	gpr[RAX] = 7;
	handle(&read);
	assert_fault(13);
	assert_int_equal(gpr[RAX], 7);
	handle(&write);
	assert_fault(13);
}

static void test_x2apic_msrs(void **state)
{
	const struct vm_exit write = { .kind = EXIT_MSR_WRITE, .length = 2 };
	const struct vm_exit read = { .kind = EXIT_MSR_READ, .length = 2 };
	uint64_t *gpr = vcpu->regs.gpr;
	struct message message;

	(void)state;
	gpr[RCX] = 0x808;
	gpr[RAX] = 0x20;
	gpr[RDX] = 0;
	handle(&write); /* not in xAPIC mode */
	assert_fault(13);
	assert_true(apic_set_base(&vcpu->apic, 0xFEE00D00));
	vcpu->event_pending = false;
	handle(&write);
	assert_advances();
	assert_true(vcpu->event_pending);
	assert_int_equal(apic_get(&vcpu->apic, APIC_TPR), 0x20);
	gpr[RCX] = 0x830; /* to physical id 1 */
	gpr[RAX] = 0x4042;
	gpr[RDX] = 1;
	handle(&write);
	assert_advances();
	assert_true(mailbox_pop(&vm_vcpu(vm, 1)->mailbox, &message));
	assert_int_equal(message.vector, 0x42);
	assert_false(mailbox_pop(&vcpu->mailbox, &message));
	gpr[RDX] = 0x01000000; /* not an xAPIC destination */
	handle(&write);
	assert_false(mailbox_pop(&vm_vcpu(vm, 1)->mailbox, &message));
	gpr[RCX] = 0x83F; /* SELF IPI */
	gpr[RAX] = 0x43;
	gpr[RDX] = 0;
	handle(&write);
	assert_true(mailbox_pop(&vcpu->mailbox, &message));
	assert_int_equal(message.vector, 0x43);
	handle(&read); /* write-only */
	assert_fault(13);
	gpr[RCX] = 0x8FF;
	handle(&write);
	assert_fault(13);
	gpr[RCX] = 0x900; /* beyond the APIC's */
	handle(&write);
	assert_fault(13);
}

static struct vm_exit mov_cr(uint8_t number, uint8_t gpr)
{
	return (struct vm_exit){ .kind = EXIT_CR,
				 .length = 3,
				 .cr = { .number = number, .gpr = gpr } };
}

static void test_control_registers(void **state)
{
	struct vm_exit exit = mov_cr(0, RSI);

	(void)state;
	processor()->cr0 = 0x11;
	processor()->cr3 = 0x3000; /* the guest's own: must not be lost */
	vcpu->regs_changed = false;
	vcpu->cpuid.known = true;
	vcpu->regs.gpr[RSI] = 0x40000013;
	handle(&exit);
	assert_advances();
	assert_int_equal(vcpu->regs.cr0, 0x40000013);
	assert_int_equal(vcpu->regs.cr3, 0x3000);
	assert_int_equal(vcpu->cache_bits, 0x40000000);
	assert_true(vcpu->regs_changed);
	assert_false(vcpu->cpuid.known);
	vcpu->regs.gpr[RSI] = 0x80000000; /* PG without PE */
	handle(&exit);
	assert_fault(13);
	exit = mov_cr(4, RSI);
	vcpu->regs.gpr[RSI] = 0x20;
	handle(&exit);
	assert_advances();
	assert_int_equal(vcpu->regs.cr4, 0x20);
	vcpu->regs.gpr[RSI] = 0x2000;
	handle(&exit);
	assert_fault(13);

	processor()->cr0 = 0x1F;
	exit = (struct vm_exit){ .kind = EXIT_CR, .cr = { .clts = true } };
	handle(&exit);
	assert_advances();
	assert_int_equal(vcpu->regs.cr0, 0x17);
	exit = (struct vm_exit){ .kind = EXIT_CR, .cr = { .lmsw = true, .lmsw_source = 0xFFF8 } };
	handle(&exit);
	assert_advances();
	assert_int_equal(vcpu->regs.cr0, 0x19); /* PE stays; MP and EM go, TS comes */

	exit = mov_cr(3, RSI);
	assert_fails(&exit, "control-register access");
	exit = mov_cr(8, RSI);
	assert_fails(&exit, "control-register access");
	exit = mov_cr(0, RSI);
	exit.cr.read = true;
	assert_fails(&exit, "control-register access");
}

static void test_xsetbv(void **state)
{
	static const struct {
		uint64_t value;
		uint32_t ecx, offered;
		bool ok;
	} rows[] = {
		{ 1, 0, 7, true },
		{ 3, 0, 7, true },
		{ 7, 0, 7, true },
		{ 0, 0, 7, false },
		{ 2, 0, 7, false },
		{ 5, 0, 7, false },
		{ 9, 0, 7, false },
		{ 9, 0, 15, false },
		{ 7, 0, 3, false },
		{ 3, 1, 7, false },
		{ BIT(32) | 3, 0, 7, false },
	};
	const struct vm_exit exit = { .kind = EXIT_XSETBV, .length = 3 };
	unsigned changes = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		vcpu->regs.xcr0 = 1;
		fake_vendor.cpuid_d[0] = rows[i].offered;
		vcpu->regs.gpr[RAX] = (uint32_t)rows[i].value;
		vcpu->regs.gpr[RDX] = rows[i].value >> 32;
		vcpu->regs.gpr[RCX] = rows[i].ecx;
		handle(&exit);
		if (rows[i].ok)
			assert_advances();
		else
			assert_fault(13);
		changes += rows[i].ok;
		assert_int_equal(vcpu->regs.xcr0, rows[i].ok ? rows[i].value : 1);
		assert_int_equal(fake_of(vcpu)->xcr0_changes, changes);
	}
}

/* What the processor leaves to us of its virtual APIC: an illegal SELF IPI, EOIs of level-triggered
 * interrupts. */
static void test_virtual_interrupts(void **state)
{
	const struct vm_exit self = { .kind = EXIT_APIC_WRITE,
				      .apic = { .offset = APIC_SELF_IPI } };
	const struct vm_exit eoi = { .kind = EXIT_EOI };

	(void)state;
	vcpu->apic.base |= IA32_APIC_BASE_EXTD;
	apic_put(&vcpu->apic, APIC_SELF_IPI, 0x0F);
	assert_int_equal(handle(&self), STEP_AGAIN);
	assert_int_equal(vcpu->apic.esr_latched, APIC_ESR_SEND_ILLEGAL);
	assert_int_equal(vcpu->event.type, EVENT_NONE);
	assert_true(vcpu->event_pending);
	assert_false(vcpu->advance);
	assert_int_equal(atomic_load(&vcpu->counts.level_eois), 0);
	assert_int_equal(handle(&eoi), STEP_AGAIN);
	assert_int_equal(atomic_load(&vcpu->counts.level_eois), 1);
	assert_false(vcpu->advance);
}

static void test_hardware_init_and_sipi(void **state)
{
	const struct vm_exit init = { .kind = EXIT_INIT };
	const struct vm_exit sipi = { .kind = EXIT_SIPI,
				      .sipi = { .vector = 0x9F, .interruptibility = 4 } };

	(void)state;
	vcpu->regs_changed = false;
	assert_int_equal(handle(&sipi), STEP_AGAIN);
	assert_int_equal(vcpu->sipi_wait.vector, 0x9F);
	assert_int_equal(vcpu->sipi_wait.interruptibility, 4);
	assert_int_equal(atomic_load(&vcpu->counts.hardware_sipis), 1);
	assert_true(vcpu->regs_changed);
	assert_int_equal(atomic_load(&vcpu->state), VCPU_RUNNING); /* its message does the rest */
	assert_int_equal(handle(&init), STEP_AGAIN);
	assert_int_equal(atomic_load(&vcpu->state), VCPU_RUNNING);
	assert_int_equal(vcpu->regs.rip, 0xFFF0);
	assert_true(vcpu->start.pending);
	vcpu->apic.base &= ~(uint64_t)IA32_APIC_BASE_BSP;
	assert_int_equal(handle(&init), STEP_AGAIN);
	assert_int_equal(atomic_load(&vcpu->state), VCPU_WAIT_SIPI);
	assert_int_equal(atomic_load(&vcpu->counts.hardware_inits), 2);
	assert_int_equal(atomic_load(&vcpu->counts.inits), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_simple_kinds),
		TEST(test_foreign_interrupts),
		TEST(test_fatal_kinds),
		TEST(test_msrs),
		TEST(test_x2apic_msrs),
		TEST(test_control_registers),
		TEST(test_xsetbv),
		TEST(test_hardware_init_and_sipi),
		TEST(test_virtual_interrupts),
	};

	return cmocka_run_group_tests_name("exits", tests, NULL, NULL);
}
