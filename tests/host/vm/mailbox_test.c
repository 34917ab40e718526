/* The mailbox of a vCPU on one thread; threads_test.c has the real ones. */
#include "vm/mailbox.h"

#include "tests/host/fake/host_test.h"

static struct mailbox box;

static int set_up(void **state)
{
	(void)state;
	memset(&box, 0xA5, sizeof(box));
	mailbox_reset(&box);
	return 0;
}

static struct message numbered(uint32_t n)
{
	return (struct message){
		.kind = MESSAGE_MOVE, .vector = (uint8_t)n, .level = n & 1, .value = n
	};
}

static void assert_pops(uint32_t n)
{
	struct message message;

	assert_true(mailbox_pop(&box, &message));
	assert_int_equal(message.kind, MESSAGE_MOVE);
	assert_int_equal(message.vector, n & 0xFF);
	assert_int_equal(message.level, n & 1);
	assert_int_equal(message.value, n);
}

static void test_empty(void **state)
{
	struct message message = numbered(7);

	(void)state;
	assert_false(mailbox_pop(&box, &message));
	assert_int_equal(message.value, 7);
	assert_int_equal(mailbox_count(&box), 0);
	assert_false(mailbox_waiting(&box));
}

static void test_first_in_first_out(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < MAILBOX_SLOTS; i++) {
		assert_true(mailbox_push(&box, numbered(i)));
		assert_int_equal(mailbox_count(&box), i + 1);
		assert_true(mailbox_waiting(&box));
	}
	for (uint32_t i = 0; i < MAILBOX_SLOTS; i++) {
		assert_true(mailbox_waiting(&box));
		assert_pops(i);
		assert_int_equal(mailbox_count(&box), MAILBOX_SLOTS - 1 - i);
	}
	assert_false(mailbox_waiting(&box));
}

static void test_full(void **state)
{
	struct message message;

	(void)state;
	for (uint32_t i = 0; i < MAILBOX_SLOTS; i++)
		assert_true(mailbox_push(&box, numbered(i)));
	assert_false(mailbox_push(&box, numbered(1000)));
	assert_false(mailbox_push(&box, numbered(1001)));
	assert_int_equal(mailbox_count(&box), MAILBOX_SLOTS);
	assert_pops(0);
	assert_true(mailbox_push(&box, numbered(MAILBOX_SLOTS)));
	assert_false(mailbox_push(&box, numbered(1002)));
	for (uint32_t i = 1; i <= MAILBOX_SLOTS; i++)
		assert_pops(i);
	assert_false(mailbox_pop(&box, &message));
}

/* Any fill level, many laps. */
static void test_laps(void **state)
{
	uint64_t random = 42;
	uint32_t in = 0, out = 0;

	(void)state;
	while (out < 100000) {
		for (uint32_t n = random_below(&random, MAILBOX_SLOTS + 2); n; n--) {
			bool room = in - out < MAILBOX_SLOTS;

			assert_int_equal(mailbox_push(&box, numbered(in)), room);
			in += room;
		}
		for (uint32_t n = random_below(&random, MAILBOX_SLOTS + 2); n && out < in; n--)
			assert_pops(out++);
		assert_int_equal(mailbox_count(&box), in - out);
		assert_int_equal(mailbox_waiting(&box), in != out);
	}
}

/* Positions wrap at 2^32 without a seam. */
static void test_wrap(void **state)
{
	const uint32_t start = UINT32_MAX - MAILBOX_SLOTS + 1 - 2 * MAILBOX_SLOTS;

	(void)state;
	atomic_store(&box.head, start);
	atomic_store(&box.tail, start);
	for (uint32_t i = 0; i < MAILBOX_SLOTS; i++)
		atomic_store(&box.slot[i].turn, start + i);
	for (uint32_t i = 0; i < 5 * MAILBOX_SLOTS; i++) {
		assert_true(mailbox_push(&box, numbered(i)));
		assert_int_equal(mailbox_count(&box), 1);
		if (i % MAILBOX_SLOTS == 0) {
			for (uint32_t n = 1; n < MAILBOX_SLOTS; n++)
				assert_true(mailbox_push(&box, numbered(i)));
			assert_false(mailbox_push(&box, numbered(i)));
			for (uint32_t n = 1; n < MAILBOX_SLOTS; n++)
				assert_pops(i);
		}
		assert_pops(i);
	}
	assert_true(atomic_load(&box.head) < start);
}

/* A slot that is claimed and not written yet holds the receiver back, and shows as waiting. */
static void test_claimed_slot(void **state)
{
	struct message message;

	(void)state;
	atomic_fetch_add(&box.tail, 1);
	assert_true(mailbox_waiting(&box));
	assert_int_equal(mailbox_count(&box), 1);
	assert_false(mailbox_pop(&box, &message));
	assert_true(mailbox_push(&box, numbered(1)));
	assert_false(mailbox_pop(&box, &message));
	box.slot[0].message = numbered(0);
	atomic_store(&box.slot[0].turn, 1);
	assert_pops(0);
	assert_pops(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty, set_up),
		cmocka_unit_test_setup(test_first_in_first_out, set_up),
		cmocka_unit_test_setup(test_full, set_up),
		cmocka_unit_test_setup(test_laps, set_up),
		cmocka_unit_test_setup(test_wrap, set_up),
		cmocka_unit_test_setup(test_claimed_slot, set_up),
	};

	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
