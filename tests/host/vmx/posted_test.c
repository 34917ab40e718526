/* The posted-interrupt descriptor between its senders, the processor and the owner of the vCPU. */
#include "vmx/posted.h"

#include "tests/host/fake/host_test.h"

#include <pthread.h>
#include <sched.h>

static struct vmx_posted posted;

static int set_up(void **state)
{
	(void)state;
	memset(&posted, 0xA5, sizeof(posted));
	posted_reset(&posted);
	return 0;
}

static void test_held(void **state)
{
	(void)state;
	for (unsigned vector = 0; vector < 256; vector++)
		assert_int_equal(posted_request(&posted, (uint8_t)vector), POSTED_REFUSED);
	for (unsigned i = 0; i < POSTED_WORDS; i++)
		assert_int_equal(posted_take(&posted, i), 0);
	posted_release(&posted);
	assert_false(posted_hold(&posted));
	assert_int_equal(posted_request(&posted, 0x51), POSTED_REFUSED);
}

/* The first one notifies; the next one, once the processor has taken that. */
static void test_every_vector(void **state)
{
	(void)state;
	for (unsigned vector = 0; vector < 256; vector++) {
		posted_release(&posted);
		assert_int_equal(posted_request(&posted, (uint8_t)vector), POSTED_NOTIFY);
		assert_int_equal(posted_request(&posted, (uint8_t)(vector ^ 1)), POSTED_GIVEN);
		assert_int_equal(atomic_load(&posted.request[vector / 32]),
				 1u << vector % 32 | 1u << (vector ^ 1) % 32);
		assert_int_equal(atomic_load(&posted.control), POSTED_ON);
		assert_true(posted_hold(&posted));
		posted_arrived(&posted);
		assert_int_equal(posted_take(&posted, vector / 32),
				 1u << vector % 32 | 1u << (vector ^ 1) % 32);
		assert_int_equal(posted_take(&posted, vector / 32), 0);
	}
}

/* ---- senders on threads of their own ---- */

enum { SENDERS = 3, SHOTS = 2000, GUEST_LOOPS = 50, PATIENCE = 100000000 };

static _Atomic uint32_t notifications, mail; /* on the way; vectors in the mailbox */
static _Atomic unsigned taken[SENDERS], given, left;

static void acknowledge(unsigned vectors)
{
	for (unsigned i = 0; i < SENDERS; i++)
		if (vectors >> i & 1)
			atomic_fetch_add(&taken[i], 1);
}

/* As the processor does it, while the guest runs. */
static void process(void)
{
	atomic_fetch_sub(&notifications, 1);
	atomic_fetch_and(&posted.control, ~(uint64_t)POSTED_ON);
	acknowledge(atomic_exchange(&posted.request[0], 0));
}

static void *sender(void *argument)
{
	const unsigned i = (unsigned)(uintptr_t)argument;

	for (unsigned shot = 1; shot <= SHOTS; shot++) {
		switch (posted_request(&posted, (uint8_t)i)) {
		case POSTED_REFUSED:
			atomic_fetch_or(&mail, 1u << i);
			break;
		case POSTED_NOTIFY:
			atomic_fetch_add(&notifications, 1);
			atomic_fetch_add(&given, 1);
			break;
		case POSTED_GIVEN:
			atomic_fetch_add(&given, 1);
			break;
		}
		while (atomic_load(&taken[i]) < shot)
			sched_yield();
	}
	atomic_fetch_sub(&left, 1);
	return NULL;
}

/* None lost, none twice, and no notification left when the owner goes on. */
static void test_threads(void **state)
{
	pthread_t threads[SENDERS];
	unsigned loops = 0;

	(void)state;
	atomic_store(&left, SENDERS);
	for (uintptr_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sender, (void *)i), 0);
	while (atomic_load(&left) && loops++ < PATIENCE) {
		posted_release(&posted);
		for (unsigned i = 0; i < loops % GUEST_LOOPS; i++)
			if (atomic_load(&notifications))
				process();
			else
				sched_yield();
		if (posted_hold(&posted)) {
			while (!atomic_load(&notifications))
				sched_yield();
			atomic_fetch_sub(&notifications, 1);
			posted_arrived(&posted);
		}
		assert_int_equal(atomic_load(&posted.control), POSTED_HELD);
		acknowledge(posted_take(&posted, 0));
		acknowledge(atomic_exchange(&mail, 0));
		assert_int_equal(atomic_load(&notifications), 0);
	}
	for (unsigned i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (unsigned i = 0; i < SENDERS; i++)
		assert_int_equal(atomic_load(&taken[i]), SHOTS);
	assert_true(atomic_load(&given) > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(test_held),
		TEST(test_every_vector),
		TEST(test_threads),
	};

	return cmocka_run_group_tests_name("posted interrupts", tests, NULL, NULL);
}
