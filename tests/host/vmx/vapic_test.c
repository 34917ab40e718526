/* The model of a virtual-APIC page: what the SDM says of each operation, in examples. */
#include "tests/vmx/apic/model.h"

#include "x86/apic.h"

#include "tests/host/fake/host_test.h"
#include "vmx/vmx.h"

enum { SELF = TO_SELF << ICR_SHORTHAND_SHIFT };

static struct vapic with_tpr(uint32_t vtpr)
{
	struct vapic vapic = { 0 };

	VAPIC_WORD(&vapic, APIC_TPR) = vtpr;
	return vapic;
}

static void test_priority(void **state)
{
	static const struct {
		uint8_t vtpr, svi, vppr;
	} rows[] = { { 0x35, 0, 0x35 },	   { 0x35, 0x34, 0x35 }, { 0x35, 0x3F, 0x35 },
		     { 0x35, 0x4F, 0x40 }, { 0, 0xFF, 0xF0 },	 { 0xFF, 0xFF, 0xFF } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vapic vapic = with_tpr(0x12345600 | rows[i].vtpr);

		vapic.svi = rows[i].svi;
		vapic_entry(&vapic);
		assert_int_equal(VAPIC_WORD(&vapic, APIC_PPR), rows[i].vppr);
	}
}

static void test_evaluation(void **state)
{
	struct vapic vapic = with_tpr(0x45);

	(void)state;
	vapic.rvi = 0x4F;
	vapic_entry(&vapic);
	assert_false(vapic.pending);
	vapic.rvi = 0x50;
	vapic_entry(&vapic);
	assert_true(vapic.pending);
}

static void test_delivery_and_end(void **state)
{
	struct vapic vapic = with_tpr(0);

	(void)state;
	vapic_set(&vapic, APIC_IRR, 0x1F);
	vapic_self_ipi(&vapic, 0xFE);
	vapic_self_ipi(&vapic, 0x20);
	assert_int_equal(vapic.rvi, 0xFE);
	assert_int_equal(vapic_deliver(&vapic), 0xFE);
	assert_int_equal(vapic.rvi, 0x20);
	assert_int_equal(vapic.svi, 0xFE);
	assert_int_equal(VAPIC_WORD(&vapic, APIC_PPR), 0xF0);
	assert_true(vapic_has(&vapic, APIC_ISR, 0xFE));
	assert_false(vapic_has(&vapic, APIC_IRR, 0xFE));
	assert_false(vapic.pending);
	vapic_eoi(&vapic);
	assert_int_equal(vapic.svi, 0);
	assert_true(vapic.pending);
	assert_int_equal(vapic_deliver(&vapic), 0x20);
	assert_int_equal(vapic.rvi, 0x1F);
}

static void test_end_exits(void **state)
{
	(void)state;
	for (unsigned vector = 0; vector < 256; vector++)
		for (unsigned other = 0; other < 2; other++) {
			struct vapic vapic = with_tpr(0);

			vapic.svi = (uint8_t)vector;
			vapic_set(&vapic, APIC_ISR, vector);
			vapic.eoi_exits[vector / 64] = BIT(vector % 64);
			if (other)
				vapic.eoi_exits[vector / 64] = ~vapic.eoi_exits[vector / 64];
			vapic_written(&vapic, APIC_EOI);
			assert_int_equal(vapic.exit, other ? 0 : REASON_EOI);
			assert_int_equal(vapic.qualification, other ? 0 : vector);
			assert_false(vapic_has(&vapic, APIC_ISR, vector));
		}
}

/* Of bits 31:8 only destination mode and level may differ; the vector is at least 16. */
static void test_self_ipi(void **state)
{
	(void)state;
	for (unsigned bit = 8; bit < 32; bit++) {
		struct vapic vapic = with_tpr(0);

		VAPIC_WORD(&vapic, APIC_ICR) = (SELF | 0x41) ^ 1u << bit;
		vapic_written(&vapic, APIC_ICR);
		assert_int_equal(vapic.exit, bit == 11 || bit == 14 ? 0 : REASON_APIC_WRITE);
	}
	for (unsigned vector = 0; vector < 256; vector++) {
		struct vapic vapic = with_tpr(0);

		VAPIC_WORD(&vapic, APIC_ICR) = SELF | vector;
		vapic_written(&vapic, APIC_ICR);
		assert_int_equal(vapic.exit, vector < 16 ? REASON_APIC_WRITE : 0);
		assert_int_equal(vapic.rvi, vector < 16 ? 0 : vector);
	}
}

static void test_posting(void **state)
{
	const uint64_t requests[4] = { BIT(33), 0, BIT(63) | BIT(0), 0 }, none[4] = { 0 };
	struct vapic vapic = with_tpr(0xF0);

	(void)state;
	vapic_entry(&vapic);
	vapic_post(&vapic, none);
	assert_int_equal(vapic.rvi, 0);
	vapic.rvi = 0x95;
	vapic_post(&vapic, requests);
	assert_int_equal(vapic.rvi, 0xBF);
	assert_true(vapic_has(&vapic, APIC_IRR, 33));
	assert_true(vapic_has(&vapic, APIC_IRR, 128));
	assert_true(vapic_has(&vapic, APIC_IRR, 0xBF));
	vapic.rvi = 0xC0;
	vapic_post(&vapic, requests);
	assert_int_equal(vapic.rvi, 0xC0);
	assert_false(vapic.pending);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_priority),	 cmocka_unit_test(test_evaluation),
		cmocka_unit_test(test_delivery_and_end), cmocka_unit_test(test_end_exits),
		cmocka_unit_test(test_self_ipi),	 cmocka_unit_test(test_posting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
