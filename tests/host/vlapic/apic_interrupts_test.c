/* Acceptance, priority and end of interrupts in the local APIC, errors, the software disable. */
#include "tests/host/fake/fake_apic.h"
#include "tests/host/fake/host_test.h"
#include "vlapic/registers.h"

enum { NOW = 1000 };

static void eoi(struct apic *apic)
{
	assert_int_equal(apic_mmio_write(apic, APIC_EOI, 0, NOW), APIC_DONE);
}

static void set_tpr(struct apic *apic, uint32_t value)
{
	assert_int_equal(apic_mmio_write(apic, APIC_TPR, value, NOW), APIC_DONE);
}

static uint32_t ppr(struct apic *apic)
{
	return apic_mmio_read(apic, APIC_PPR, NOW);
}

/* Each vector has its bit in IRR, then in ISR; TMR says how it was triggered. */
static void test_every_vector(void **state)
{
	(void)state;
	for (unsigned vector = 0; vector < 256; vector++)
		for (unsigned level = 0; level < 2; level++) {
			struct apic *apic = fake_enabled_apic();
			uint8_t v = (uint8_t)vector;

			fake_set_vector(apic, APIC_TMR, (uint8_t)(v ^ 1));
			if (!level)
				fake_set_vector(apic, APIC_TMR, v); /* of the time before */
			if (vector < 16) {
				assert_int_equal(apic_accept(apic, v, level), APIC_REFUSED);
				assert_int_equal(apic->esr_latched, 0x40);
				assert_int_equal(apic_highest_request(apic), -1);
				continue;
			}
			assert_int_equal(apic_deliverable(apic), -1);
			assert_int_equal(apic_accept(apic, v, level), APIC_ACCEPTED);
			assert_int_equal(apic->esr_latched, 0);
			assert_true(fake_has_vector(apic, APIC_IRR, v));
			assert_int_equal(fake_has_vector(apic, APIC_TMR, v), level);
			assert_true(fake_has_vector(apic, APIC_TMR, (uint8_t)(v ^ 1)));
			assert_int_equal(apic_highest_request(apic), vector);
			assert_int_equal(apic_deliverable(apic), vector);

			apic_take(apic, v);
			assert_false(fake_has_vector(apic, APIC_IRR, v));
			assert_true(fake_has_vector(apic, APIC_ISR, v));
			assert_int_equal(apic_get(apic, APIC_PPR), vector & 0xF0);
			assert_int_equal(apic_mmio_write(apic, APIC_EOI, 0, NOW),
					 level ? APIC_END_LEVEL : APIC_DONE);
			assert_false(fake_has_vector(apic, APIC_ISR, v));
			assert_int_equal(apic_get(apic, APIC_PPR), 0);
		}
}

/* Two of one vector: one waits beside the one that is being served, no more. */
static void test_coalescing(void **state)
{
	struct apic *apic = fake_enabled_apic();

	(void)state;
	assert_int_equal(apic_accept(apic, 0x50, false), APIC_ACCEPTED);
	assert_int_equal(apic_accept(apic, 0x50, false), APIC_COALESCED);
	assert_int_equal(apic_accept(apic, 0x50, true), APIC_COALESCED);
	assert_false(fake_has_vector(apic, APIC_TMR, 0x50));
	apic_take(apic, 0x50);
	assert_int_equal(apic_accept(apic, 0x50, false), APIC_ACCEPTED);
	assert_int_equal(apic_accept(apic, 0x50, false), APIC_COALESCED);
	assert_int_equal(apic_deliverable(apic), -1); /* not above itself */
	eoi(apic);
	assert_int_equal(apic_deliverable(apic), 0x50);
}

/* The highest vector first; one of a higher class nests, one of the same class waits. */
static void test_order(void **state)
{
	struct apic *apic = fake_enabled_apic();

	(void)state;
	apic_accept(apic, 0x31, false);
	apic_accept(apic, 0x3F, false);
	assert_int_equal(apic_deliverable(apic), 0x3F);
	apic_take(apic, 0x3F);
	assert_int_equal(apic_deliverable(apic), -1);
	apic_accept(apic, 0x40, false);
	assert_int_equal(apic_deliverable(apic), 0x40);
	apic_take(apic, 0x40);
	apic_accept(apic, 0xFF, false);
	apic_take(apic, 0xFF);
	assert_int_equal(ppr(apic), 0xF0);

	eoi(apic); /* ends the highest in service: FFH, then 40H, then 3FH */
	assert_int_equal(ppr(apic), 0x40);
	assert_true(fake_has_vector(apic, APIC_ISR, 0x40));
	eoi(apic);
	assert_false(fake_has_vector(apic, APIC_ISR, 0x40));
	assert_true(fake_has_vector(apic, APIC_ISR, 0x3F));
	assert_int_equal(apic_deliverable(apic), -1);
	eoi(apic);
	assert_int_equal(apic_deliverable(apic), 0x31);
	eoi(apic); /* with nothing in service: no effect */
	assert_int_equal(apic_deliverable(apic), 0x31);
	assert_int_equal(ppr(apic), 0);
}

/* Bits of one 32-bit word: the highest of them ends, the others stay. */
static void test_eoi_in_one_word(void **state)
{
	struct apic *apic = fake_enabled_apic();

	(void)state;
	fake_set_vector(apic, APIC_ISR, 0x20);
	fake_set_vector(apic, APIC_ISR, 0x3F);
	eoi(apic);
	assert_false(fake_has_vector(apic, APIC_ISR, 0x3F));
	assert_true(fake_has_vector(apic, APIC_ISR, 0x20));
	eoi(apic);
	assert_false(fake_has_vector(apic, APIC_ISR, 0x20));
}

/* A processor that delivers virtual interrupts changes the page: each vector, and none. */
static void test_reload(void **state)
{
	(void)state;
	for (unsigned vector = 16; vector < 256; vector++) {
		struct apic *apic = fake_enabled_apic();
		uint8_t v = (uint8_t)vector;

		fake_set_vector(apic, APIC_IRR, v);
		fake_set_vector(apic, APIC_ISR, (uint8_t)(v ^ 0x80));
		apic->words_set[0] = apic->words_set[2] = 0;
		assert_int_equal(apic_highest_request(apic), -1);
		assert_int_equal(apic_highest_in_service(apic), -1);
		apic_reload(apic);
		assert_int_equal(apic_highest_request(apic), vector);
		assert_int_equal(apic_highest_in_service(apic), vector ^ 0x80);
		apic_put(apic, APIC_IRR + vector / 32 * 16, 0);
		apic_put(apic, APIC_ISR + (vector ^ 0x80) / 32 * 16, 0);
		apic_reload(apic);
		assert_int_equal(apic_highest_request(apic), -1);
		assert_int_equal(apic_highest_in_service(apic), -1);
	}
}

/* The PPR by its definition: SDM vol. 3A, "Task and Processor Priorities". */
static void test_ppr(void **state)
{
	(void)state;
	for (uint32_t tpr = 0; tpr < 256; tpr++)
		for (unsigned isr = 0x0F; isr < 256; isr += 0x11) {
			struct apic *apic = fake_enabled_apic();
			uint32_t class = isr < 16 ? 0 : isr & 0xF0;
			uint32_t wanted = (tpr & 0xF0) >= class ? tpr : class;

			if (isr >= 16)
				fake_set_vector(apic, APIC_ISR, (uint8_t)isr);
			set_tpr(apic, tpr);
			assert_int_equal(apic_get(apic, APIC_PPR), wanted);
			assert_int_equal(ppr(apic), wanted);
		}
}

static void test_ppr_of_a_tpr_in_the_page(void **state)
{
	struct apic *apic = fake_enabled_apic();

	(void)state;
	apic_accept(apic, 0x55, false);
	apic->page[APIC_TPR / 4] = 0x50; /* the processor did it */
	assert_int_equal(apic_deliverable(apic), -1);
	assert_int_equal(apic_get(apic, APIC_PPR), 0x50);
	apic->page[APIC_TPR / 4] = 0x40;
	apic_update_ppr(apic);
	assert_int_equal(apic_get(apic, APIC_PPR), 0x40);
	apic->page[APIC_TPR / 4] = 0x4F;
	assert_int_equal(apic_deliverable(apic), 0x55);
	apic->page[APIC_TPR / 4] = 0x60;
	assert_int_equal(ppr(apic), 0x60);
}

/* A vector is held back by a TPR of its class or above, and by nothing below. */
static void test_tpr(void **state)
{
	(void)state;
	for (unsigned vector = 16; vector < 256; vector++)
		for (uint32_t class = 0; class < 16; class ++) {
			struct apic *apic = fake_enabled_apic();

			apic_accept(apic, (uint8_t)vector, false);
			set_tpr(apic, class << 4);
			assert_int_equal(apic_deliverable(apic),
					 vector / 16 > class ? (int)vector : -1);
			assert_int_equal(apic_highest_request(apic), vector);
		}
}

/* SDM vol. 3A, "Local APIC State After It Has Been Software Disabled". */
static void test_software_disable(void **state)
{
	static const uint32_t lvts[] = { 0x320, 0x330, 0x340, 0x350, 0x360, 0x370 };
	struct apic *apic = fake_enabled_apic();

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(lvts); i++) {
		apic_mmio_write(apic, lvts[i], 0x30 + i, NOW);
		assert_int_equal(apic_get(apic, lvts[i]), 0x30 + i);
	}
	apic_accept(apic, 0x50, false);
	apic_mmio_write(apic, APIC_SVR, 0xFF, NOW);
	assert_int_equal(apic_get(apic, APIC_SVR), 0xFF);
	for (unsigned i = 0; i < ARRAY_SIZE(lvts); i++) {
		assert_int_equal(apic_get(apic, lvts[i]), 0x10030 + i);
		apic_mmio_write(apic, lvts[i], 0x40 + i, NOW); /* the mask cannot be cleared */
		assert_int_equal(apic_get(apic, lvts[i]), 0x10040 + i);
	}
	apic_mmio_write(apic, APIC_TIMER_DIVIDE, 3, NOW); /* no LVT entry: no mask */
	assert_int_equal(apic_get(apic, APIC_TIMER_DIVIDE), 3);
	assert_int_equal(apic_accept(apic, 0x51, false), APIC_REFUSED);
	assert_int_equal(apic_accept(apic, 5, false), APIC_REFUSED);
	assert_int_equal(apic->esr_latched, 0);
	/* "Pending interrupts in the IRR and ISR registers are held". */
	assert_int_equal(apic_deliverable(apic), 0x50);
	apic_mmio_write(apic, APIC_SVR, 0x120, NOW);
	assert_int_equal(apic_get(apic, APIC_SVR), 0x120);
	assert_int_equal(apic_get(apic, 0x320), 0x10040); /* the masks stay */
	assert_int_equal(apic_accept(apic, 0x51, false), APIC_ACCEPTED);
	apic->base = APIC_DEFAULT_BASE; /* globally disabled */
	assert_int_equal(apic_accept(apic, 0x52, false), APIC_REFUSED);
	assert_false(fake_has_vector(apic, APIC_IRR, 0x52));
}

/* The ESR shows what was latched before the last write to it. */
static void test_esr(void **state)
{
	struct apic *apic = fake_enabled_apic();

	(void)state;
	apic_accept(apic, 15, false);
	apic_mmio_read(apic, 0x10, NOW);
	assert_int_equal(apic_mmio_read(apic, APIC_ESR, NOW), 0);
	apic_mmio_write(apic, APIC_ESR, 0, NOW);
	assert_int_equal(apic_mmio_read(apic, APIC_ESR, NOW), 0xC0);
	assert_int_equal(apic_mmio_read(apic, APIC_ESR, NOW), 0xC0); /* reading clears nothing */
	apic_error(apic, APIC_ESR_SEND_ILLEGAL);
	assert_int_equal(apic_mmio_read(apic, APIC_ESR, NOW), 0xC0);
	apic_mmio_write(apic, APIC_ESR, 0xFFFFFFFF, NOW);
	assert_int_equal(apic_mmio_read(apic, APIC_ESR, NOW), 0x20);
	apic_mmio_write(apic, APIC_ESR, 0, NOW);
	assert_int_equal(apic_mmio_read(apic, APIC_ESR, NOW), 0);
}

static void test_error_interrupt(void **state)
{
	struct apic *apic = fake_enabled_apic();

	(void)state;
	apic_error(apic, APIC_ESR_SEND_ILLEGAL); /* masked */
	assert_int_equal(apic_highest_request(apic), -1);
	apic_mmio_write(apic, APIC_ESR, 0, NOW);
	apic_mmio_write(apic, APIC_LVT_ERROR, 0xE0, NOW);
	apic_error(apic, APIC_ESR_SEND_ILLEGAL);
	assert_int_equal(apic_deliverable(apic), 0xE0);
	apic_take(apic, 0xE0);
	apic_error(apic, APIC_ESR_SEND_ILLEGAL); /* the same again, before the ESR is written */
	assert_int_equal(apic_highest_request(apic), -1);
	apic_mmio_write(apic, APIC_ESR, 0, NOW); /* rearms */
	apic_error(apic, APIC_ESR_SEND_ILLEGAL);
	assert_int_equal(apic_highest_request(apic), 0xE0);
}

/* The lowest legal vector, and illegal ones, which must not raise an error about themselves. */
static void test_vector_of_the_error_interrupt(void **state)
{
	struct apic *apic = fake_enabled_apic();

	(void)state;
	apic_mmio_write(apic, APIC_LVT_ERROR, 15, NOW);
	apic_error(apic, APIC_ESR_SEND_ILLEGAL);
	assert_int_equal(apic_highest_request(apic), -1);
	assert_int_equal(apic->esr_latched, APIC_ESR_SEND_ILLEGAL);
	apic_mmio_write(apic, APIC_LVT_ERROR, 16, NOW);
	apic_mmio_write(apic, APIC_ESR, 0, NOW);
	apic_error(apic, APIC_ESR_SEND_ILLEGAL);
	assert_int_equal(apic_highest_request(apic), 16);
	assert_false(fake_has_vector(apic, APIC_TMR, 16));
}

/* By the ISR as it is, whichever of its words. */
static void test_priority(void **state)
{
	static const uint8_t vectors[] = { 0x31, 0x5F, 0x80, 0xF1 };
	struct apic *apic = fake_enabled_apic();

	(void)state;
	assert_int_equal(apic_priority(apic), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
		apic_accept(apic, vectors[i], false);
		apic_take(apic, vectors[i]);
		assert_int_equal(apic_priority(apic), vectors[i] & 0xF0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_vector),
		cmocka_unit_test(test_coalescing),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_eoi_in_one_word),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_ppr),
		cmocka_unit_test(test_ppr_of_a_tpr_in_the_page),
		cmocka_unit_test(test_tpr),
		cmocka_unit_test(test_software_disable),
		cmocka_unit_test(test_esr),
		cmocka_unit_test(test_error_interrupt),
		cmocka_unit_test(test_vector_of_the_error_interrupt),
		cmocka_unit_test(test_priority),
	};

	return cmocka_run_group_tests_name("APIC interrupts", tests, NULL, NULL);
}
