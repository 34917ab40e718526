/* core/ against the model: every ICR write between vCPUs in all modes, and random sequences. */
#include "vlapic/apic.h"

#include "tests/host/fake/host_test.h"
#include "tests/host/model/model_run.h"

enum { VCPUS = 5, SEQUENCES = 400, BYTES = 1500 };

static const uint32_t ids[VCPUS] = { 0, 0x11, 0x12, 3, 0xFE };

/* One vCPU in x2APIC mode, one disabled in software, one off; different priorities. */
static void prepare(unsigned scene)
{
	static const uint32_t ldrs[VCPUS] = { 0x01, 0x12, 0x14, 0x21, 0xFF };

	both_begin(VCPUS, ids);
	for (unsigned i = 0; i < VCPUS; i++) {
		both_write(i, APIC_SVR, 0x1FF);
		both_write(i, APIC_LDR, ldrs[i] << 24);
		both_write(i, APIC_DFR, scene & 1 ? 0 : 0xF0000000);
		both_write(i, APIC_TPR, 0x10 * (i % 3));
		both_write(i, APIC_LVT_ERROR, 0xE0 + i);
	}
	both_write(3, APIC_SVR, 0xFF);
	if (scene & 2)
		both_set_base(0, 0xFEE00D00);
	both_set_base(2, 0xFEE00C00);
	both_set_base(4, 0xFEE00000);
}

static void test_every_icr(void **state)
{
	static const uint32_t vectors[] = { 0, 15, 16, 0x42, 0xFF };
	static const uint32_t destinations[] = {
		0, 0x11, 3, 0xFE, 0xFF, 0x13, 0x10001, 0xFFFFFFFF
	};
	unsigned writes = 0;

	(void)state;
	for (unsigned scene = 0; scene < 4; scene++) {
		prepare(scene);
		for (uint32_t bits = 0; bits < 1 << 8; bits++)
			for (unsigned v = 0; v < ARRAY_SIZE(vectors); v++)
				for (unsigned d = 0; d < ARRAY_SIZE(destinations); d++) {
					uint32_t low = vectors[v];

					low |= (bits & 0xF) << 8;     /* mode, logical */
					low |= (bits >> 4 & 3) << 14; /* level, trigger */
					low |= (bits >> 6 & 3) << 18; /* shorthand */
					both_icr(0, low,
						 scene & 2 ? destinations[d]
							   : destinations[d] & 0xFF);
					for (unsigned i = 0; i < VCPUS; i++)
						both_drain(i);
					/* Back to where INIT does not leave it. */
					if ((bits & 7) == 5)
						for (unsigned i = 1; i < 3; i++)
							both_write(i, APIC_SVR, 0x1FF);
					writes++;
				}
		both_end();
	}
	print_message("%u writes\n", writes);
	assert_int_equal(writes, 4 * 256 * 5 * 8);
}

static void test_sequences(void **state)
{
	uint64_t random = 0x5EED;
	uint8_t bytes[BYTES];

	(void)state;
	for (unsigned n = 0; n < SEQUENCES; n++) {
		for (unsigned i = 0; i < BYTES; i++)
			bytes[i] = (uint8_t)random_below(&random, 256);
		both_run(bytes, 1 + random_below(&random, BYTES));
	}
	assert_true(random != 0x5EED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_icr),
		cmocka_unit_test(test_sequences),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
