/* Accesses of the APIC page: what a decoded instruction does there, and what is refused. */
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
	assert_memory_equal(&vcpu->failure.exit, exit, sizeof(*exit));
	fake_set_state(vcpu, VCPU_RUNNING);
}

/* An access of the APIC page: size, operation, register and immediate forms. */
static struct vm_exit access_at(uint32_t offset, enum access_op op, uint8_t size, bool to_memory)
{
	return (struct vm_exit){ .kind = EXIT_MEMORY,
				 .length = 6,
				 .memory = { .gpa = 0xFEE00000 + offset,
					     .kind = to_memory ? MEMORY_WRITE : MEMORY_READ,
					     .decoded = true,
					     .access = { .op = op,
							 .size = size,
							 .reg_size = size,
							 .memory_is_destination = to_memory,
							 .reg = RBX } } };
}

static void test_apic_page(void **state)
{
	struct vm_exit load = access_at(APIC_VERSION, ACCESS_LOAD, 4, false);
	struct vm_exit store = access_at(APIC_TPR, ACCESS_STORE, 4, true);
	struct vm_exit or = access_at(APIC_TPR, ACCESS_OR, 4, true);
	uint64_t *gpr = vcpu->regs.gpr;

	(void)state;
	gpr[RBX] = UINT64_MAX;
	handle(&load);
	assert_advances();
	assert_int_equal(gpr[RBX], 0x50014);
	assert_true(vcpu->event_pending); /* a load of a reserved register may raise an interrupt */
	vcpu->event_pending = false;
	load.memory.access.size = load.memory.access.reg_size = 1;
	load.memory.gpa += 2; /* a byte of it */
	handle(&load);
	assert_int_equal(gpr[RBX], 0x50005);
	load.memory.gpa += 2; /* bytes 4 to 15 of a register's place */
	handle(&load);
	assert_int_equal(gpr[RBX], 0x50000);
	gpr[RBX] = 0x30;
	handle(&store);
	assert_advances();
	assert_true(vcpu->event_pending);
	assert_int_equal(apic_get(&vcpu->apic, APIC_TPR), 0x30);
	gpr[RBX] = 0x05;
	processor()->rflags |= RFLAGS_CF | RFLAGS_RF; /* RF: an EPT violation saves 1 */
	handle(& or);
	assert_advances();
	assert_int_equal(apic_get(&vcpu->apic, APIC_TPR), 0x35);
	assert_false(processor()->rflags & (RFLAGS_CF | RFLAGS_RF));
	/* A plain store does not read: no error is latched for a register that cannot be read. */
	store.memory.gpa = 0xFEE00000 + APIC_EOI;
	handle(&store);
	assert_int_equal(vcpu->apic.esr_latched, 0);
	store.memory.gpa = 0xFEE00000 + 0x10;
	handle(&store);
	assert_int_equal(vcpu->apic.esr_latched, APIC_ESR_ILLEGAL_REGISTER);
}

static void test_icr_in_the_page(void **state)
{
	struct vm_exit high = access_at(APIC_ICR_HIGH, ACCESS_STORE, 4, true);
	struct vm_exit low = access_at(APIC_ICR, ACCESS_STORE, 4, true);
	const struct vm_exit in_place = { .kind = EXIT_APIC_WRITE, .apic = { .offset = APIC_ICR } };
	struct message message;

	(void)state;
	vcpu->regs.gpr[RBX] = 0x01000000;
	handle(&high);
	vcpu->regs.gpr[RBX] = 0x4042;
	handle(&low);
	assert_advances();
	assert_true(mailbox_pop(&vm_vcpu(vm, 1)->mailbox, &message));
	assert_int_equal(message.vector, 0x42);
	assert_int_equal(atomic_load(&vcpu->counts.sent), 1);
	/* By a processor that has put the value there: no instruction is left to advance over. */
	fake_poke(&vcpu->apic, APIC_ICR, 0x4043);
	vcpu->event_pending = false;
	assert_int_equal(handle(&in_place), STEP_AGAIN);
	assert_true(mailbox_pop(&vm_vcpu(vm, 1)->mailbox, &message));
	assert_int_equal(message.vector, 0x43);
	assert_true(vcpu->event_pending);
	assert_false(vcpu->advance);
}

static void test_bad_accesses(void **state)
{
	struct vm_exit exit = access_at(APIC_TPR, ACCESS_LOAD, 4, false);

	(void)state;
	exit.memory.gpa = 0xFEDFFFFC;
	assert_fails(&exit, "access outside guest memory");
	exit.memory.gpa = 0xFEE01000;
	assert_fails(&exit, "access outside guest memory");
	exit.memory.gpa = 0x1FEE00000;
	assert_fails(&exit, "access outside guest memory");
	exit.memory.gpa = 0xFEE00080;
	exit.memory.kind = MEMORY_READ | MEMORY_FETCH;
	assert_fails(&exit, "instruction fetch from the APIC page");
	exit.memory.kind = MEMORY_READ;
	exit.memory.decoded = false;
	assert_fails(&exit, "APIC access by an instruction that is not decoded");
	for (uint8_t size = 1; size <= 8; size *= 2) {
		exit = access_at(APIC_TPR, ACCESS_AND, size, true);
		if (size == 4)
			continue;
		assert_fails(&exit, "APIC store that is not 32 bits wide");
		exit.memory.access.op = ACCESS_CMP; /* these write nothing */
		handle(&exit);
		assert_advances();
		exit.memory.access.op = ACCESS_TEST;
		handle(&exit);
		assert_advances();
	}
	assert_true(apic_set_base(&vcpu->apic, 0xFEE00D00)); /* the page is gone then */
	exit = access_at(APIC_TPR, ACCESS_LOAD, 4, false);
	assert_fails(&exit, "access outside guest memory");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_apic_page),
		TEST(test_icr_in_the_page),
		TEST(test_bad_accesses),
	};

	return cmocka_run_group_tests_name("APIC page", tests, NULL, NULL);
}
