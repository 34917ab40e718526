/* What the LDR is in x2APIC mode, by the manual's example and by our virtual local APIC; who can be
 * a physical destination. */
#include "x86/local_apic.h"

#include "vlapic/registers.h"

#include "tests/host/fake/fake_apic.h"
#include "tests/host/fake/host_test.h"

static void test_logical_id(void **state)
{
	static const struct {
		uint32_t id, logical;
	} rows[] = {
		{ 0, 1 },
		{ 1, 2 },
		{ 0xF, 0x8000 },
		{ 0x10, 0x10001 },
		{ 0x101, 0x100002 },
		{ 0x12345, 0x12340020 },
		{ 0xFFFE, 0x0FFF4000 },
		{ 0xFFFFF, 0xFFFF8000 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(local_apic_logical_id(rows[i].id), rows[i].logical);
}

static void test_virtual_apic_has_it(void **state)
{
	struct apic *apic = fake_x2apic();
	uint64_t ldr = 0;

	(void)state;
	assert_true(apic_msr_read(apic, X2APIC_MSR + APIC_LDR / 16, 0, &ldr));
	assert_int_equal(local_apic_logical_id(FAKE_APIC_ID), ldr);
}

static void test_names(void **state)
{
	static const uint32_t both[] = { 0, 1, 0xFE }, wide[] = { 0xFF, 0x100, 0x1FF, 0xFFFFFFFE };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(both); i++)
		assert_true(local_apic_names(both[i], false) && local_apic_names(both[i], true));
	for (unsigned i = 0; i < ARRAY_SIZE(wide); i++) {
		assert_false(local_apic_names(wide[i], false));
		assert_true(local_apic_names(wide[i], true));
	}
	assert_false(local_apic_names(0xFFFFFFFF, false));
	assert_false(local_apic_names(0xFFFFFFFF, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logical_id),
		cmocka_unit_test(test_virtual_apic_has_it),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("local_apic", tests, NULL, NULL);
}
