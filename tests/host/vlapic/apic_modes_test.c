/* IA32_APIC_BASE: the modes of the local APIC, and what a change of mode keeps. */
#include "tests/host/fake/fake_apic.h"
#include "tests/host/fake/host_test.h"
#include "vlapic/registers.h"

/* SDM vol. 3A, "Local APIC State Transitions with IA32_APIC_BASE": mode bits 11:10. */
static void test_base_transitions(void **state)
{
	enum { OFF = 0, INVALID = 1, XAPIC = 2, X2APIC = 3 };
	static const bool allowed[4][4] = {
		[OFF] = { [OFF] = true, [XAPIC] = true },
		[XAPIC] = { [OFF] = true, [XAPIC] = true, [X2APIC] = true },
		[X2APIC] = { [OFF] = true, [X2APIC] = true },
	};
	static const enum apic_mode modes[] = { APIC_DISABLED, APIC_DISABLED, APIC_XAPIC,
						APIC_X2APIC };

	(void)state;
	for (unsigned from = 0; from < 4; from++)
		for (unsigned to = 0; from != INVALID && to < 4; to++)
			for (unsigned bsp = 0; bsp <= 0x100; bsp += 0x100) {
				struct apic *apic = fake_apic();
				uint64_t before = APIC_DEFAULT_BASE | from << 10;
				uint64_t value = APIC_DEFAULT_BASE | to << 10 | bsp;

				apic->base = before;
				assert_int_equal(apic_set_base(apic, value), allowed[from][to]);
				assert_int_equal(apic->base, allowed[from][to] ? value : before);
				assert_int_equal(apic_mode(apic),
						 modes[allowed[from][to] ? to : from]);
			}
}

static void test_base_reserved_bits(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 64; n++) {
		struct apic *apic = fake_apic();
		bool flag = n == 8 || n == 11;

		if (n == 10)
			continue; /* to x2APIC mode: above */
		assert_int_equal(apic_set_base(apic, 0xFEE00800 ^ BIT(n)), flag);
		assert_int_equal(apic->base, flag ? 0xFEE00800 ^ BIT(n) : 0xFEE00800);
	}
}

static void test_into_x2apic_mode(void **state)
{
	struct apic *apic = fake_enabled_apic();

	(void)state;
	apic->page[APIC_TPR / 4] = 0x31;
	apic->page[APIC_ICR_HIGH / 4] = 0xFF000000;
	apic->page[APIC_LDR / 4] = 0x12000000;
	fake_set_vector(apic, APIC_IRR, 0x41);
	assert_true(apic_set_base(apic, 0xFEE00C00));
	/* ID, LDR and ICR are new; "the state of the local APIC ... is preserved" else. */
	assert_int_equal(apic_get(apic, APIC_ID), FAKE_APIC_ID);
	assert_int_equal(apic_get(apic, APIC_LDR), 0x20020);
	assert_int_equal(apic_get(apic, APIC_ICR_HIGH), 0);
	assert_int_equal(apic_get(apic, APIC_TPR), 0x31);
	assert_int_equal(apic_get(apic, APIC_SVR), 0x1FF);
	assert_true(fake_has_vector(apic, APIC_IRR, 0x41));
}

/* Disabling resets: "all ... state is lost", and the way back is to xAPIC mode. */
static void test_disabled_and_back(void **state)
{
	static const uint64_t bases[] = { 0xFEE00800, 0xFEE00C00 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
		struct apic *apic = fake_enabled_apic();

		apic->base = bases[i];
		apic->page[APIC_TPR / 4] = 0x31;
		fake_set_vector(apic, APIC_ISR, 0x41);
		assert_true(apic_set_base(apic, 0xFEE00000));
		assert_true(apic_set_base(apic, 0xFEE00800));
		assert_int_equal(apic_get(apic, APIC_ID), 0x25000000);
		assert_int_equal(apic_get(apic, APIC_TPR), 0);
		assert_int_equal(apic_get(apic, APIC_SVR), 0xFF);
		assert_false(fake_has_vector(apic, APIC_ISR, 0x41));
	}
}

/* x2APIC ids have 32 bits; the LDR is their cluster and their bit in it. */
static void test_identities(void **state)
{
	static const struct {
		uint32_t id, ldr;
	} rows[] = { { 0, 0x1 },
		     { 0xF, 0x8000 },
		     { 0x10, 0x10001 },
		     { 0xFF, 0xF8000 },
		     { 0x100, 0x100001 },
		     { 0xFFFF, 0x0FFF8000 },
		     { 0xFFFFE, 0xFFFF4000 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct apic *apic = fake_x2apic();

		apic->id = rows[i].id;
		apic_init(apic);
		assert_int_equal(apic_get(apic, APIC_ID), rows[i].id);
		assert_int_equal(apic_get(apic, APIC_LDR), rows[i].ldr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base_transitions), cmocka_unit_test(test_base_reserved_bits),
		cmocka_unit_test(test_into_x2apic_mode), cmocka_unit_test(test_disabled_and_back),
		cmocka_unit_test(test_identities),
	};

	return cmocka_run_group_tests_name("APIC modes", tests, NULL, NULL);
}
