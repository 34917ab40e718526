/* Who gets an IPI, by destination, shorthand and priority, and what is refused. */
#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"
#include "vlapic/registers.h"
#include "vm/ipi.h"

enum { VCPUS = 5 };

static struct vm *vm;

static int set_up(void **state)
{
	(void)state;
	fake_machine(1, false);
	vm = fake_vm(VCPUS);
	fake_enable_apics(vm);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

static struct apic *apic_of(unsigned id)
{
	return &vm_vcpu(vm, id)->apic;
}

static void into_x2apic(unsigned id)
{
	assert_true(apic_set_base(apic_of(id), apic_of(id)->base | IA32_APIC_BASE_EXTD));
}

static bool matches(unsigned id, uint32_t destination, bool logical, bool from_x2apic)
{
	return ipi_matches(vm_vcpu(vm, id), destination, logical, from_x2apic);
}

/* Bit n: a message waits for vCPU n; all boxes are empty afterwards. */
static unsigned receivers(void)
{
	struct message message;
	unsigned set = 0;

	for (unsigned i = 0; i < VCPUS; i++)
		while (mailbox_pop(&vm_vcpu(vm, i)->mailbox, &message))
			set |= 1u << i;
	return set;
}

static void test_physical(void **state)
{
	(void)state;
	for (unsigned x2apic = 0; x2apic < 2; x2apic++) {
		for (uint32_t to = 0; to < 0x300; to++) {
			bool all = to == 0xFF && !x2apic;

			assert_int_equal(matches(3, to, false, x2apic), to == 3 || all);
		}
		assert_true(matches(3, 0xFFFFFFFF, false, x2apic));
		assert_false(matches(3, 0xFFFFFFFE, false, x2apic));
		assert_false(matches(3, 0x10003, false, x2apic));
	}
	apic_of(3)->id = 0xFF;
	assert_true(matches(3, 0xFF, false, true));
	assert_false(matches(2, 0xFF, false, true));
}

/* SDM vol. 3A, "Logical Destination Mode": all LDRs with all destinations. */
static void test_flat_and_cluster(void **state)
{
	(void)state;
	for (uint32_t ldr = 0; ldr < 256; ldr++)
		for (uint32_t to = 0; to < 256; to++) {
			bool cluster = (ldr & 0xF0) == (to & 0xF0) && (ldr & to & 0x0F);

			fake_poke(apic_of(1), APIC_LDR, ldr << 24);
			fake_poke(apic_of(1), APIC_DFR, 0xFFFFFFFF);
			assert_int_equal(matches(1, to, true, false), (ldr & to) || to == 0xFF);
			assert_int_equal(matches(1, to, true, true), (ldr & to) != 0);
			assert_false(matches(1, to | 0x100, true, true));
			fake_poke(apic_of(1), APIC_DFR, 0x0FFFFFFF);
			assert_int_equal(matches(1, to, true, false), cluster || to == 0xFF);
		}
	assert_true(matches(1, 0xFFFFFFFF, true, true));
	assert_true(matches(1, 0xFFFFFFFF, true, false));
}

/* SDM vol. 3A, "Logical Destination Mode in x2APIC Mode": cluster 31:16, members 15:0. */
static void test_x2apic_cluster(void **state)
{
	uint64_t random = 1;

	(void)state;
	apic_of(1)->id = 0x35; /* LDR: cluster 3, bit 5 */
	into_x2apic(1);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t cluster = random_below(&random, 2) ? 3 : random_below(&random, 0x10000);
		uint32_t members = random_below(&random, 0x10000);

		assert_int_equal(matches(1, cluster << 16 | members, true, true),
				 cluster == 3 && members >> 5 & 1);
	}
	assert_true(matches(1, 0xFFFFFFFF, true, true));
	assert_true(matches(1, 0x35, false, true));
	assert_false(matches(1, 0x30020, false, true));
}

static enum status send(struct ipi ipi)
{
	return ipi_send(vm, &ipi);
}

static void test_shorthands(void **state)
{
	struct vcpu *source = vm_vcpu(vm, 2);

	(void)state;
	/* The destination does not count then. */
	assert_int_equal(send((struct ipi){ .source = source, .shorthand = TO_SELF, .vector = 32 }),
			 STATUS_OK);
	assert_int_equal(receivers(), 0x04);
	assert_int_equal(send((struct ipi){ .source = source, .shorthand = TO_ALL, .vector = 32 }),
			 STATUS_OK);
	assert_int_equal(receivers(), 0x1F);
	assert_int_equal(
		send((struct ipi){ .source = source, .shorthand = TO_OTHERS, .vector = 32 }),
		STATUS_OK);
	assert_int_equal(receivers(), 0x1B);
	assert_int_equal(send((struct ipi){ .source = source, .destination = 4, .vector = 32 }),
			 STATUS_OK);
	assert_int_equal(receivers(), 0x10);
	assert_int_equal(atomic_load(&source->counts.sent), 1 + 5 + 4 + 1);
	assert_int_equal(send((struct ipi){ .shorthand = TO_OTHERS, .vector = 32 }), STATUS_OK);
	assert_int_equal(receivers(), 0x1F); /* from outside nobody is excepted */
	assert_int_equal(atomic_load(&vm->outside), 5);
}

static void test_destinations(void **state)
{
	struct vcpu *source = vm_vcpu(vm, 0);

	(void)state;
	assert_int_equal(send((struct ipi){ .source = source, .destination = 0xFF, .vector = 32 }),
			 STATUS_OK);
	assert_int_equal(receivers(), 0x1F);
	assert_int_equal(send((struct ipi){ .destination = DESTINATION_ALL, .vector = 32 }),
			 STATUS_OK);
	assert_int_equal(receivers(), 0x1F);
	/* From outside, destinations have 32 bits. */
	assert_int_equal(send((struct ipi){ .destination = 0xFF, .vector = 32 }), STATUS_NOT_FOUND);
	assert_int_equal(send((struct ipi){ .source = source, .destination = 9, .vector = 32 }),
			 STATUS_NOT_FOUND);
	assert_int_equal(receivers(), 0);
	for (unsigned i = 0; i < VCPUS; i++)
		fake_poke(apic_of(i), APIC_LDR, 1u << (24 + i));
	assert_int_equal(
		send((struct ipi){
			.source = source, .destination = 0x15, .logical = true, .vector = 32 }),
		STATUS_OK);
	assert_int_equal(receivers(), 0x15);
	into_x2apic(0);
	assert_int_equal(send((struct ipi){ .source = source, .destination = 0xFF, .vector = 32 }),
			 STATUS_NOT_FOUND);
	assert_int_equal(atomic_load(&vm->refused), 0); /* nobody there is no refusal */
}

/* What the mailbox holds after an IPI in each mode; NONE: refused. */
static void test_modes(void **state)
{
	static const enum message_kind kinds[8] = {
		[DELIVERY_FIXED] = MESSAGE_FIXED, [DELIVERY_LOWEST] = MESSAGE_LOWEST,
		[DELIVERY_NMI] = MESSAGE_NMI,	  [DELIVERY_INIT] = MESSAGE_INIT,
		[DELIVERY_SIPI] = MESSAGE_SIPI,	  [DELIVERY_EXTINT] = MESSAGE_EXTINT,
	};

	(void)state;
	for (unsigned mode = 0; mode < 8; mode++) {
		struct ipi ipi = { .destination = 1, .mode = mode, .vector = 0x42, .assert = true };
		uint64_t refused = atomic_load(&vm->refused);
		struct message message;

		if (kinds[mode] == MESSAGE_NONE) {
			assert_int_equal(ipi_send(vm, &ipi), STATUS_UNSUPPORTED);
			assert_int_equal(atomic_load(&vm->refused), refused + 1);
			assert_int_equal(receivers(), 0);
			continue;
		}
		ipi.source = vm_vcpu(vm, 3);
		assert_int_equal(ipi_send(vm, &ipi), STATUS_OK);
		assert_true(mailbox_pop(&vm_vcpu(vm, 1)->mailbox, &message));
		assert_int_equal(message.kind, kinds[mode]);
		assert_int_equal(message.vector, 0x42);
		assert_int_equal(message.value, 3);
		assert_int_equal(receivers(), 0);
		ipi.source = NULL;
		assert_int_equal(ipi_send(vm, &ipi), STATUS_OK);
		assert_true(mailbox_pop(&vm_vcpu(vm, 1)->mailbox, &message));
		assert_int_equal(message.value, DESTINATION_ALL);
		assert_int_equal(atomic_load(&vm->refused), refused);
	}
}

/* SDM vol. 3A, "Valid Combinations": only fixed interrupts go to oneself. */
static void test_invalid_combinations(void **state)
{
	unsigned refused = 0;

	(void)state;
	for (unsigned shorthand = TO_SELF; shorthand <= TO_OTHERS; shorthand++)
		for (unsigned mode = 0; mode < 8; mode++) {
			bool known = mode != DELIVERY_SMI && mode != DELIVERY_RESERVED;
			bool ok = known && (mode == DELIVERY_FIXED || shorthand == TO_OTHERS);

			refused += !ok;
			assert_int_equal(send((struct ipi){ .source = vm_vcpu(vm, 0),
							    .shorthand = shorthand,
							    .mode = mode,
							    .vector = 0x42,
							    .assert = true }),
					 ok ? STATUS_OK : STATUS_UNSUPPORTED);
			assert_int_equal(receivers() != 0, ok);
		}
	assert_int_equal(atomic_load(&vm->refused), refused);
}

/* "INIT Level De-assert": accepted and without effect. */
static void test_init_deassert(void **state)
{
	(void)state;
	for (unsigned level = 0; level < 2; level++)
		for (unsigned assert = 0; assert < 2; assert++) {
			assert_int_equal(send((struct ipi){ .destination = DESTINATION_ALL,
							    .mode = DELIVERY_INIT,
							    .level = level,
							    .assert = assert }),
					 STATUS_OK);
			assert_int_equal(receivers(), level && !assert ? 0 : 0x1F);
		}
	/* Other modes do not look at the level. */
	assert_int_equal(
		send((struct ipi){ .destination = 1, .mode = DELIVERY_NMI, .level = true }),
		STATUS_OK);
	assert_int_equal(receivers(), 0x02);
	assert_int_equal(atomic_load(&vm->refused), 0);
}

/* A guest's level-triggered IPI goes out as an edge; from outside, the level is kept. */
static void test_trigger(void **state)
{
	struct ipi ipi = { .source = vm_vcpu(vm, 0),
			   .destination = 1,
			   .vector = 0x42,
			   .level = true,
			   .assert = true };
	struct message message;

	(void)state;
	assert_int_equal(ipi_send(vm, &ipi), STATUS_OK);
	assert_true(mailbox_pop(&vm_vcpu(vm, 1)->mailbox, &message));
	assert_false(message.level);
	ipi.source = NULL;
	assert_int_equal(ipi_send(vm, &ipi), STATUS_OK);
	assert_true(mailbox_pop(&vm_vcpu(vm, 1)->mailbox, &message));
	assert_true(message.level);
}

static unsigned lowest(uint32_t destination)
{
	struct ipi ipi = {
		.destination = destination, .mode = DELIVERY_LOWEST, .vector = 0x42, .assert = true
	};

	assert_int_equal(ipi_send(vm, &ipi), STATUS_OK);
	return receivers();
}

static void test_lowest_priority(void **state)
{
	static const uint32_t priorities[VCPUS] = { 0x50, 0x40, 0x10, 0x20, 0x1F };

	(void)state;
	for (unsigned i = 0; i < VCPUS; i++)
		fake_poke(apic_of(i), APIC_TPR, priorities[i]);
	fake_poke(apic_of(2), APIC_TPR, 0x30);
	assert_int_equal(lowest(DESTINATION_ALL), 0x10); /* 1FH */
	assert_int_equal(lowest(DESTINATION_ALL), 0x10);
	fake_poke(apic_of(4), APIC_SVR, 0xFF); /* software-disabled: no candidate */
	assert_int_equal(lowest(DESTINATION_ALL), 0x08);
	assert_true(apic_set_base(apic_of(3), APIC_DEFAULT_BASE)); /* disabled */
	assert_int_equal(lowest(DESTINATION_ALL), 0x04);
	assert_int_equal(lowest(1), 0x02); /* only those that are addressed */
	/* Outside of the shorthand's reach. */
	assert_int_equal(send((struct ipi){ .source = vm_vcpu(vm, 2),
					    .shorthand = TO_OTHERS,
					    .mode = DELIVERY_LOWEST,
					    .vector = 0x42 }),
			 STATUS_OK);
	assert_int_equal(receivers(), 0x02);
	for (unsigned i = 0; i < 3; i++)
		fake_poke(apic_of(i), APIC_SVR, 0xFF);
	assert_int_equal(send((struct ipi){ .destination = DESTINATION_ALL,
					    .mode = DELIVERY_LOWEST,
					    .vector = 0x42 }),
			 STATUS_NOT_FOUND);
}

/* The class decides, not the bits below; ties go round. */
static void test_lowest_priority_ties(void **state)
{
	static const unsigned all[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x01, 0x02 };

	(void)state;
	for (unsigned i = 0; i < VCPUS; i++)
		fake_poke(apic_of(i), APIC_TPR, 0x2F - i);
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(lowest(DESTINATION_ALL), all[i]);
	fake_poke(apic_of(2), APIC_TPR, 0x30);
	assert_int_equal(lowest(DESTINATION_ALL), 0x08);
	assert_int_equal(lowest(DESTINATION_ALL), 0x10);
	assert_int_equal(lowest(DESTINATION_ALL), 0x01);
	assert_int_equal(lowest(DESTINATION_ALL), 0x02);
	assert_int_equal(lowest(DESTINATION_ALL), 0x08);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_physical),
		TEST(test_flat_and_cluster),
		TEST(test_x2apic_cluster),
		TEST(test_shorthands),
		TEST(test_destinations),
		TEST(test_modes),
		TEST(test_invalid_combinations),
		TEST(test_init_deassert),
		TEST(test_trigger),
		TEST(test_lowest_priority),
		TEST(test_lowest_priority_ties),
	};

	return cmocka_run_group_tests_name("IPIs", tests, NULL, NULL);
}
