/* The timer of the local APIC: SDM vol. 3A, "APIC Timer". Times are clock ticks. */
#include "tests/host/fake/fake_apic.h"
#include "tests/host/fake/host_test.h"
#include "vlapic/registers.h"
#include "vlapic/timer.h"

enum { NOW = 100000, VECTOR = 0x40, DIVIDE_BY_1 = 0xB };

/* The page holds the value already, as where a processor virtualizes APIC registers. */
static bool in_place;

static int by_exit(void **state)
{
	(void)state;
	in_place = false;
	return 0;
}

static int by_processor(void **state)
{
	(void)state;
	in_place = true;
	return 0;
}

static void write(struct apic *apic, uint32_t offset, uint32_t value, uint64_t now)
{
	if (in_place)
		apic->page[offset / 4] = value;
	assert_int_equal(apic_mmio_write(apic, offset, value, now), APIC_DONE);
}

static struct apic *timer(uint32_t lvt, uint32_t divide)
{
	struct apic *apic = fake_enabled_apic();

	write(apic, APIC_LVT_TIMER, lvt, NOW);
	write(apic, APIC_TIMER_DIVIDE, divide, NOW);
	return apic;
}

static void start(struct apic *apic, uint32_t count, uint64_t now)
{
	write(apic, APIC_TIMER_INITIAL, count, now);
}

static uint32_t current(struct apic *apic, uint64_t now)
{
	return apic_mmio_read(apic, APIC_TIMER_CURRENT, now);
}

/* True if it fired; the interrupt is taken and ended. */
static bool fires(struct apic *apic, uint64_t now)
{
	bool fired = apic_timer_poll(apic, now);

	assert_int_equal(apic_highest_request(apic), fired ? VECTOR : -1);
	if (fired) {
		apic_take(apic, VECTOR);
		write(apic, APIC_EOI, 0, now);
	}
	return fired;
}

static void test_divide(void **state)
{
	static const struct {
		uint32_t code, divisor;
	} rows[] = { { 0x0, 2 },  { 0x1, 4 },  { 0x2, 8 },   { 0x3, 16 },
		     { 0x8, 32 }, { 0x9, 64 }, { 0xA, 128 }, { 0xB, 1 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct apic *apic = timer(VECTOR, rows[i].code);
		uint64_t end = NOW + 100ull * rows[i].divisor;

		start(apic, 100, NOW);
		assert_int_equal(current(apic, NOW), 100);
		assert_int_equal(current(apic, NOW + rows[i].divisor), 99);
		assert_int_equal(current(apic, end - 1), 1);
		assert_false(fires(apic, end - 1));
		assert_int_equal(current(apic, end), 0);
		assert_true(fires(apic, end));
	}
}

static void test_one_shot(void **state)
{
	struct apic *apic = timer(VECTOR, DIVIDE_BY_1);

	(void)state;
	assert_false(fires(apic, NOW)); /* not armed */
	start(apic, 50, NOW);
	assert_int_equal(apic_mmio_read(apic, APIC_TIMER_INITIAL, NOW), 50);
	assert_true(fires(apic, NOW + 50));
	assert_false(fires(apic, NOW + 51));
	assert_false(fires(apic, NOW + 100));
	assert_int_equal(current(apic, NOW + 100), 0);
	start(apic, 50, NOW + 200); /* a write while it runs starts it anew */
	start(apic, 70, NOW + 210);
	assert_false(fires(apic, NOW + 279));
	assert_true(fires(apic, NOW + 280));
	start(apic, 50, NOW + 300);
	start(apic, 0, NOW + 310); /* stops it */
	assert_int_equal(current(apic, NOW + 311), 0);
	assert_false(fires(apic, NOW + 350));
}

static void test_periodic(void **state)
{
	struct apic *apic = timer(VECTOR | APIC_LVT_TIMER_PERIODIC, 0 /* by 2 */);

	(void)state;
	start(apic, 100, NOW);
	assert_false(fires(apic, NOW + 199));
	assert_true(fires(apic, NOW + 200));
	assert_false(fires(apic, NOW + 200));
	assert_int_equal(current(apic, NOW + 200), 100);
	assert_int_equal(current(apic, NOW + 300), 50);
	assert_true(fires(apic, NOW + 400));
	/* Seen late: no burst, and no drift. */
	assert_true(fires(apic, NOW + 1001));
	assert_false(fires(apic, NOW + 1199));
	assert_true(fires(apic, NOW + 1200));
	/* Read after the count has reached zero and before the interrupt was made. */
	assert_int_equal(current(apic, NOW + 1400), 100);
	assert_int_equal(current(apic, NOW + 1500), 50);
	assert_true(fires(apic, NOW + 1500));
	start(apic, 0, NOW + 1500);
	assert_false(fires(apic, NOW + 9999));
}

/* Periodic to one-shot and back while it counts: the count goes on. */
static void test_mode_changes(void **state)
{
	struct apic *apic = timer(VECTOR | APIC_LVT_TIMER_PERIODIC, DIVIDE_BY_1);

	(void)state;
	start(apic, 100, NOW);
	write(apic, APIC_LVT_TIMER, VECTOR, NOW + 10);
	assert_int_equal(current(apic, NOW + 40), 60);
	assert_true(fires(apic, NOW + 100));
	assert_false(fires(apic, NOW + 200));
	start(apic, 100, NOW + 200);
	write(apic, APIC_LVT_TIMER, VECTOR | APIC_LVT_TIMER_PERIODIC, NOW + 210);
	assert_true(fires(apic, NOW + 300));
	assert_true(fires(apic, NOW + 400));
	/* To TSC-deadline mode and back: disarmed. */
	write(apic, APIC_LVT_TIMER, VECTOR | APIC_LVT_TIMER_TSC_DEADLINE, NOW + 410);
	assert_int_equal(apic_get(apic, APIC_TIMER_INITIAL), 0);
	assert_int_equal(current(apic, NOW + 410), 0);
	assert_false(fires(apic, NOW + 500));
	apic_set_tsc_deadline(apic, NOW + 600, NOW + 500);
	write(apic, APIC_LVT_TIMER, VECTOR, NOW + 510);
	assert_int_equal(apic->tsc_deadline, 0);
	assert_false(fires(apic, NOW + 600));
}

static void test_tsc_deadline(void **state)
{
	struct apic *apic = timer(VECTOR | APIC_LVT_TIMER_TSC_DEADLINE, DIVIDE_BY_1);

	(void)state;
	start(apic, 10, NOW); /* "writes to the initial-count register are ignored" */
	assert_int_equal(apic_get(apic, APIC_TIMER_INITIAL), 0);
	assert_false(fires(apic, NOW + 10));
	apic_set_tsc_deadline(apic, NOW + 100, NOW);
	assert_int_equal(apic->tsc_deadline, NOW + 100);
	assert_int_equal(current(apic, NOW + 1), 0);
	/* Another vector or mask in the same mode does not disarm. */
	write(apic, APIC_LVT_TIMER, VECTOR | APIC_LVT_TIMER_TSC_DEADLINE, NOW);
	assert_false(fires(apic, NOW + 99));
	assert_true(fires(apic, NOW + 100));
	assert_int_equal(apic->tsc_deadline, 0);
	assert_false(fires(apic, NOW + 101));
	apic_set_tsc_deadline(apic, NOW + 50, NOW + 200); /* in the past: at once */
	assert_true(fires(apic, NOW + 200));
	apic_set_tsc_deadline(apic, NOW + 300, NOW + 200);
	apic_set_tsc_deadline(apic, 0, NOW + 200); /* disarms */
	assert_false(fires(apic, NOW + 300));
}

/* "In non-TSC-deadline mode WRMSR ... is ignored". */
static void test_deadline_in_other_modes(void **state)
{
	struct apic *apic = timer(VECTOR, DIVIDE_BY_1);

	(void)state;
	apic_set_tsc_deadline(apic, NOW + 10, NOW);
	assert_int_equal(apic->tsc_deadline, 0);
	assert_false(fires(apic, NOW + 10));
}

/* A masked timer counts and reaches zero, but interrupts nobody. */
static void test_masked(void **state)
{
	struct apic *apic = timer(VECTOR | APIC_LVT_MASKED, DIVIDE_BY_1);

	(void)state;
	start(apic, 100, NOW);
	assert_int_equal(current(apic, NOW + 50), 50);
	assert_false(fires(apic, NOW + 100));
	write(apic, APIC_LVT_TIMER, VECTOR, NOW + 110);
	assert_false(fires(apic, NOW + 110)); /* that interrupt is gone */
	write(apic, APIC_LVT_TIMER, VECTOR | APIC_LVT_MASKED | APIC_LVT_TIMER_PERIODIC, NOW + 200);
	start(apic, 100, NOW + 200);
	assert_false(fires(apic, NOW + 300));
	write(apic, APIC_LVT_TIMER, VECTOR | APIC_LVT_TIMER_PERIODIC, NOW + 350);
	assert_true(fires(apic, NOW + 400));
}

/* A new divisor applies to what is left of the count. */
static void test_divide_while_it_runs(void **state)
{
	struct apic *apic = timer(VECTOR | APIC_LVT_TIMER_PERIODIC, DIVIDE_BY_1);

	(void)state;
	start(apic, 100, NOW);
	write(apic, APIC_TIMER_DIVIDE, 1 /* by 4 */, NOW + 40);
	assert_int_equal(current(apic, NOW + 40), 60);
	assert_int_equal(current(apic, NOW + 44), 59);
	assert_false(fires(apic, NOW + 40 + 239));
	assert_true(fires(apic, NOW + 40 + 240));
	assert_false(fires(apic, NOW + 40 + 240 + 399));
	assert_true(fires(apic, NOW + 40 + 240 + 400));
	start(apic, 0, NOW + 1000);
	write(apic, APIC_TIMER_DIVIDE, DIVIDE_BY_1, NOW + 1000); /* arms nothing */
	assert_false(fires(apic, NOW + 9999));
}

/* An illegal vector is an error when the timer fires, and no interrupt; a pending one coalesces. */
static void test_vectors(void **state)
{
	struct apic *apic = timer(15, DIVIDE_BY_1);

	(void)state;
	start(apic, 10, NOW);
	assert_true(apic_timer_poll(apic, NOW + 10)); /* the error may have an interrupt */
	assert_int_equal(apic->esr_latched, APIC_ESR_RECEIVE_ILLEGAL);
	assert_int_equal(apic_highest_request(apic), -1);
	apic = timer(VECTOR, DIVIDE_BY_1);
	apic_accept(apic, VECTOR, false);
	start(apic, 10, NOW);
	assert_true(apic_timer_poll(apic, NOW + 10));
	assert_int_equal(apic_accept(apic, VECTOR, false), APIC_COALESCED);
}

/* A count that ended before the guest wrote to the timer has ended. */
static void test_write_after_the_end(void **state)
{
	static const struct {
		uint32_t offset, value;
	} writes[] = { { APIC_TIMER_INITIAL, 500 },
		       { APIC_TIMER_INITIAL, 0 },
		       { APIC_TIMER_DIVIDE, 1 },
		       { APIC_LVT_TIMER, VECTOR | APIC_LVT_MASKED },
		       { APIC_LVT_TIMER, VECTOR | APIC_LVT_TIMER_TSC_DEADLINE } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++) {
		struct apic *apic = timer(VECTOR, DIVIDE_BY_1);

		start(apic, 100, NOW);
		write(apic, writes[i].offset, writes[i].value, NOW + 100);
		assert_int_equal(apic_highest_request(apic), VECTOR);
		assert_false(apic_timer_poll(apic, NOW + 100));
	}
}

static void test_longest(void **state)
{
	struct apic *apic = timer(VECTOR, 0xA /* by 128 */);
	uint64_t end = NOW + 0xFFFFFFFFull * 128;

	(void)state;
	start(apic, 0xFFFFFFFF, NOW);
	assert_int_equal(current(apic, NOW), 0xFFFFFFFF);
	assert_int_equal(current(apic, end - 128), 1);
	assert_false(fires(apic, end - 1));
	assert_true(fires(apic, end));
}

/* Its entry and divisor go back to their first values, those in force too, not just the page's. */
static void test_reset_and_disable(void **state)
{
	struct apic *apic = timer(VECTOR, DIVIDE_BY_1);

	(void)state;
	apic_init(apic);
	write(apic, APIC_SVR, APIC_SVR_ENABLED | 0xFF, NOW);
	start(apic, 100, NOW);
	assert_int_equal(current(apic, NOW + 100), 50); /* divided by 2 */
	assert_false(fires(apic, NOW + 200));		/* masked */
	/* Disabled by software while it counts: the entry is masked from then on. */
	write(apic, APIC_LVT_TIMER, VECTOR, NOW + 300);
	start(apic, 100, NOW + 300);
	write(apic, APIC_SVR, 0xFF, NOW + 310);
	write(apic, APIC_SVR, APIC_SVR_ENABLED | 0xFF, NOW + 320);
	assert_false(fires(apic, NOW + 500));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, by_exit), cmocka_unit_test_setup(name, by_processor)
	const struct CMUnitTest tests[] = {
		TEST(test_divide),	 TEST(test_one_shot),
		TEST(test_periodic),	 TEST(test_mode_changes),
		TEST(test_tsc_deadline), TEST(test_deadline_in_other_modes),
		TEST(test_masked),	 TEST(test_divide_while_it_runs),
		TEST(test_vectors),	 TEST(test_write_after_the_end),
		TEST(test_longest),	 TEST(test_reset_and_disable),
	};

	return cmocka_run_group_tests_name("APIC timer", tests, NULL, NULL);
}
