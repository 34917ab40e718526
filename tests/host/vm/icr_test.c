/* A guest's writes to the ICR and SELF IPI: decoding, and errors of the sender. */
#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"
#include "vlapic/registers.h"
#include "vm/ipi.h"

static struct vm *vm;
static struct vcpu *source;

static int set_up(void **state)
{
	(void)state;
	fake_machine(1, false);
	vm = fake_vm(4);
	fake_enable_apics(vm);
	source = vm_vcpu(vm, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

/* Bit n: a message like this one waits for vCPU n; all boxes are empty afterwards. */
static unsigned receivers(enum message_kind kind, uint8_t vector)
{
	struct message message;
	unsigned set = 0;

	for (unsigned i = 0; i < 4; i++)
		while (mailbox_pop(&vm_vcpu(vm, i)->mailbox, &message)) {
			assert_int_equal(message.kind, kind);
			assert_int_equal(message.vector, vector);
			set |= 1u << i;
		}
	return set;
}

static const struct {
	uint32_t low, destination;
	enum message_kind kind;
	unsigned to;
} sends[] = {
	{ 0x00004042, 2, MESSAGE_FIXED, 0x4 },	  /* fixed, physical */
	{ 0x00000042, 2, MESSAGE_FIXED, 0x4 },	  /* the level bit does not matter */
	{ 0x0000C042, 2, MESSAGE_FIXED, 0x4 },	  /* nor does the trigger mode */
	{ 0x00004142, 2, MESSAGE_LOWEST, 0x4 },	  /* lowest priority */
	{ 0x00004442, 2, MESSAGE_NMI, 0x4 },	  /* NMI */
	{ 0x0000C542, 2, MESSAGE_INIT, 0x4 },	  /* INIT, level assert */
	{ 0x00004542, 2, MESSAGE_INIT, 0x4 },	  /* INIT, edge */
	{ 0x00000542, 2, MESSAGE_INIT, 0x4 },	  /* INIT, edge, no level */
	{ 0x00008542, 2, MESSAGE_NONE, 0 },	  /* INIT level de-assert */
	{ 0x00084542, 9, MESSAGE_NONE, 0 },	  /* all including self: fixed only */
	{ 0x000C4542, 9, MESSAGE_INIT, 0xD },	  /* all but self */
	{ 0x00004642, 3, MESSAGE_SIPI, 0x8 },	  /* start-up */
	{ 0x000C4642, 3, MESSAGE_SIPI, 0xD },	  /* start-up, all but self */
	{ 0x00044042, 3, MESSAGE_FIXED, 0x2 },	  /* self */
	{ 0x00084042, 3, MESSAGE_FIXED, 0xF },	  /* all including self */
	{ 0x000C4042, 3, MESSAGE_FIXED, 0xD },	  /* all but self */
	{ 0x00044442, 3, MESSAGE_NONE, 0 },	  /* NMI to self */
	{ 0x00004242, 2, MESSAGE_NONE, 0 },	  /* SMI */
	{ 0x00004342, 2, MESSAGE_NONE, 0 },	  /* reserved */
	{ 0x00004742, 2, MESSAGE_NONE, 0 },	  /* ExtINT is none for the ICR */
	{ 0x00004042, 0xFF, MESSAGE_FIXED, 0xF }, /* broadcast, in xAPIC mode */
	{ 0x00004042, 9, MESSAGE_NONE, 0 },	  /* nobody */
	{ 0x00004842, 0x0A, MESSAGE_FIXED, 0xA }, /* logical, flat */
	{ 0x00004010, 0, MESSAGE_FIXED, 0x1 },	  /* the lowest legal vector */
	{ 0x0000460F, 0, MESSAGE_SIPI, 0x1 },	  /* a SIPI's vector is no interrupt's */
	{ 0x00004400, 0, MESSAGE_NMI, 0x1 },	  /* an NMI has none */
	{ 0xFFF04042, 2, MESSAGE_FIXED, 0x4 },	  /* reserved bits are not looked at */
	{ 0x00005042, 2, MESSAGE_FIXED, 0x4 },	  /* delivery status: read-only */
};

static void test_decoding(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		fake_poke(&vm_vcpu(vm, i)->apic, APIC_LDR, 1u << (24 + i));
	for (unsigned i = 0; i < ARRAY_SIZE(sends); i++) {
		unsigned to;

		ipi_from_icr(source, sends[i].low, sends[i].destination);
		to = receivers(sends[i].kind, (uint8_t)sends[i].low);
		if (to != sends[i].to)
			fail_msg("ICR %08x to %x reached %x, not %x", sends[i].low,
				 sends[i].destination, to, sends[i].to);
		assert_int_equal(source->apic.esr_latched, 0);
	}
	assert_int_equal(atomic_load(&vm->refused), 5);
}

static void test_destination_in_x2apic_mode(void **state)
{
	(void)state;
	assert_true(apic_set_base(&source->apic, 0xFEE00C00));
	ipi_from_icr(source, 0x4042, 0xFF);
	assert_int_equal(receivers(MESSAGE_NONE, 0), 0);
	ipi_from_icr(source, 0x4042, 0xFFFFFFFF);
	assert_int_equal(receivers(MESSAGE_FIXED, 0x42), 0xF);
	for (unsigned i = 0; i < 4; i++)
		vm_vcpu(vm, i)->apic.base = 0xFEE00C00;
	for (unsigned i = 0; i < 4; i++)
		apic_init(&vm_vcpu(vm, i)->apic);
	ipi_from_icr(source, 0x4842, 0x00000005);
	assert_int_equal(receivers(MESSAGE_FIXED, 0x42), 0x5);
	ipi_from_icr(source, 0x4842, 0x00010005); /* another cluster */
	assert_int_equal(receivers(MESSAGE_NONE, 0), 0);
}

/* Vectors 0 to 15 of modes that carry one: the sender's ESR, nothing goes out. */
static void test_illegal_vectors(void **state)
{
	(void)state;
	for (uint32_t mode = 0; mode < 8; mode++)
		for (uint32_t vector = 0; vector < 20; vector++) {
			bool illegal = mode <= 1 && vector < 16;
			unsigned to;

			source->apic.esr_latched = 0;
			source->event_pending = false;
			ipi_from_icr(source, 0x4000 | mode << 8 | vector, 0);
			assert_int_equal(source->apic.esr_latched,
					 illegal ? APIC_ESR_SEND_ILLEGAL : 0);
			assert_int_equal(source->event_pending, illegal);
			to = 0;
			for (unsigned i = 0; i < 4; i++) {
				struct message message;

				while (mailbox_pop(&vm_vcpu(vm, i)->mailbox, &message))
					to |= 1u << i;
			}
			assert_int_equal(to,
					 illegal || mode == 2 || mode == 3 || mode == 7 ? 0 : 1);
		}
}

/* Reserved in x2APIC mode: its own error bit, whatever the vector. */
static void test_lowest_priority_in_x2apic_mode(void **state)
{
	(void)state;
	assert_true(apic_set_base(&source->apic, 0xFEE00C00));
	for (uint32_t vector = 15; vector < 17; vector++) {
		source->apic.esr_latched = 0;
		source->event_pending = false;
		ipi_from_icr(source, 0x4100 | vector, 0);
		assert_int_equal(source->apic.esr_latched, APIC_ESR_REDIRECTABLE);
		assert_true(source->event_pending);
		assert_int_equal(receivers(MESSAGE_NONE, 0), 0);
	}
	assert_int_equal(atomic_load(&vm->refused), 2);
}

static void test_error_interrupt_of_the_sender(void **state)
{
	(void)state;
	fake_poke(&source->apic, APIC_LVT_ERROR, 0xE0);
	ipi_from_icr(source, 0x4005, 0);
	assert_int_equal(apic_highest_request(&source->apic), 0xE0);
	assert_true(source->event_pending);
}

static void test_self_ipi(void **state)
{
	(void)state;
	source->apic.base |= IA32_APIC_BASE_EXTD;
	for (unsigned vector = 0; vector < 256; vector++) {
		source->apic.esr_latched = 0;
		ipi_self(source, (uint8_t)vector);
		assert_int_equal(receivers(MESSAGE_FIXED, (uint8_t)vector), vector < 16 ? 0 : 0x2);
		assert_int_equal(source->apic.esr_latched, vector < 16 ? APIC_ESR_SEND_ILLEGAL : 0);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_decoding),
		TEST(test_destination_in_x2apic_mode),
		TEST(test_illegal_vectors),
		TEST(test_lowest_priority_in_x2apic_mode),
		TEST(test_error_interrupt_of_the_sender),
		TEST(test_self_ipi),
	};

	return cmocka_run_group_tests_name("ICR", tests, NULL, NULL);
}
