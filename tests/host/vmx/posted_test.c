/* The posted-interrupt descriptor between its senders, the processor and the owner of the vCPU. */
#include "tests/host/fake/host_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Before each access others have their turn: one of them at one of the accesses, or threads. */
static void (*other)(void);
static unsigned accesses, turn;
static bool threads_run;

static void let_others(void)
{
	static _Thread_local unsigned state = 1;

	if (!threads_run) {
		if (++accesses == turn)
			other();
		return;
	}
	state = state * 1103515245 + 12345;
	if (state >> 16 & 1)
		sched_yield();
}

#undef atomic_load
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_compare_exchange_weak
#define atomic_load(object) (let_others(), atomic_load_explicit(object, memory_order_seq_cst))
#define atomic_fetch_or(object, bits)                                                              \
	(let_others(), atomic_fetch_or_explicit(object, bits, memory_order_seq_cst))
#define atomic_fetch_and(object, bits)                                                             \
	(let_others(), atomic_fetch_and_explicit(object, bits, memory_order_seq_cst))
#define atomic_compare_exchange_weak(object, expected, desired)                                    \
	(let_others(), atomic_compare_exchange_strong(object, expected, desired))

#include "vmx/posted.c"

static struct vmx_posted posted;

static int set_up(void **state)
{
	(void)state;
	memset(&posted, 0xA5, sizeof(posted));
	posted_reset(&posted);
	threads_run = false;
	turn = 0;
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

/* ---- one sender, and one other at any of its accesses ---- */

enum { OURS = 0x01, THEIRS = 0x02, ACCESSES = 8 };

static unsigned on_the_way, ours_taken;
static bool waits; /* the owner, for a notification */

static void take_all(void)
{
	ours_taken += posted_take(&posted, 0) >> OURS & 1;
}

/* As the processor does it, while the guest runs. */
static void take_notification(void)
{
	if (!on_the_way)
		return;
	on_the_way--;
	posted_arrived(&posted); /* which clears ON, too */
	take_all();
}

static void end_wait(void)
{
	assert_int_equal(on_the_way, 1);
	on_the_way = 0;
	waits = false;
	posted_arrived(&posted);
	take_all();
}

static void leave_guest(void)
{
	if (!posted_hold(&posted))
		take_all();
	else if (on_the_way)
		end_wait();
	else
		waits = true; /* it has been decided, but not sent */
}

static void enter_guest(void)
{
	posted_release(&posted);
}

static void send_theirs(void)
{
	on_the_way += posted_request(&posted, THEIRS) == POSTED_NOTIFY;
}

static void check_request(bool runs, bool notified)
{
	bool held, waiting;
	enum posted result;

	posted_reset(&posted);
	on_the_way = ours_taken = 0;
	waits = false;
	if (runs)
		posted_release(&posted);
	if (notified)
		send_theirs();
	accesses = 0;
	result = posted_request(&posted, OURS);
	turn = 0;
	on_the_way += result == POSTED_NOTIFY;
	if (waits)
		end_wait();
	held = posted.control & POSTED_HELD;
	waiting = posted.request[0] >> OURS & 1;
	assert_int_equal(ours_taken + waiting, result != POSTED_REFUSED);
	assert_false(waiting && (held || !on_the_way));
	assert_int_equal(on_the_way, posted.control & POSTED_ON);
	assert_false(held && on_the_way);
}

static void test_every_access(void **state)
{
	static void (*const others[])(void) = { take_notification, leave_guest, enter_guest,
						send_theirs };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
		for (unsigned start = 0; start < 3; start++)
			for (unsigned at = 1; at <= ACCESSES; at++) {
				bool runs = start > 0;

				if ((others[i] == leave_guest) != runs &&
				    (others[i] == enter_guest || others[i] == leave_guest))
					continue; /* it does already */
				other = others[i];
				turn = at;
				check_request(runs, start == 2);
			}
}

/* ---- senders on threads of their own ---- */

enum { SENDERS = 3, SHOTS = 2000, GUEST_LOOPS = 50, PATIENCE = 1000000 };

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

static void give_up(const char *why)
{
	print_error("%s\n", why);
	abort();
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
		for (unsigned n = 0; atomic_load(&taken[i]) < shot; n++) {
			if (n > PATIENCE)
				give_up("an interrupt is lost");
			sched_yield();
		}
	}
	atomic_fetch_sub(&left, 1);
	return NULL;
}

/* Until it exits; with stay, not before all requests have been taken. */
static void run_guest(unsigned loops, bool stay)
{
	for (unsigned i = 0; i < loops || (stay && atomic_load(&posted.request[0])); i++) {
		if (i > PATIENCE)
			give_up("a request without a notification");
		if (atomic_load(&notifications))
			process();
		else
			sched_yield();
	}
}

/* Nothing but mail ends a halt. */
static void halt(void)
{
	for (unsigned i = 0; !atomic_load(&mail) && atomic_load(&left); i++) {
		if (i > PATIENCE)
			give_up("a wake-up is lost");
		sched_yield();
	}
}

/* None lost, none twice, and no notification left when the owner goes on. */
static void test_threads(void **state)
{
	pthread_t threads[SENDERS];

	(void)state;
	threads_run = true;
	atomic_store(&left, SENDERS);
	for (uintptr_t i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, sender, (void *)i), 0);
	for (unsigned loop = 0; atomic_load(&left); loop++) {
		posted_release(&posted);
		run_guest(loop % GUEST_LOOPS, loop % 2);
		if (posted_hold(&posted)) {
			for (unsigned n = 0; !atomic_load(&notifications); n++) {
				if (n > PATIENCE)
					give_up("no notification");
				sched_yield();
			}
			atomic_fetch_sub(&notifications, 1);
			posted_arrived(&posted);
		}
		assert_int_equal(atomic_load(&posted.control), POSTED_HELD);
		acknowledge(posted_take(&posted, 0));
		if (loop % 3 == 0)
			halt();
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
		TEST(test_every_access),
		TEST(test_threads),
	};

	return cmocka_run_group_tests_name("posted interrupts", tests, NULL, NULL);
}
