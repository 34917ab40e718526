#include "vm/watchdog.h"

#include "platform.h"

enum watch_state { WATCH_OFF, WATCH_ARMED, WATCH_FIRING };

enum { RETRIES_A_SECOND = 100, FLIGHT_A_SECOND = 1000 };

static _Atomic(enum watch_state) state;
static _Atomic(struct cpu *) watcher;
static _Atomic uint64_t due;
static _Atomic bool fired;

static void settle(uint64_t ticks)
{
	uint64_t start = platform->clock();

	while (platform->clock() - start < ticks)
		cpu_relax();
}

void watchdog_arm(uint64_t at)
{
	struct cpu *last = cpu_in_use(cpus_in_use() - 1);

	if (last->index == 0)
		return;
	atomic_store(&due, at);
	atomic_store(&fired, false);
	atomic_store(&state, WATCH_ARMED);
	atomic_store(&watcher, last);
	cpu_kick(last);
}

void watchdog_disarm(void)
{
	enum watch_state armed = WATCH_ARMED;

	if (!atomic_exchange(&watcher, NULL))
		return;
	while (!atomic_compare_exchange_weak(&state, &armed, WATCH_OFF)) {
		armed = WATCH_ARMED;
		cpu_relax();
	}
	if (!atomic_load(&fired))
		return;
	atomic_store(&platform->cpus[0].abandon, false);
	settle(platform->clock_hz / FLIGHT_A_SECOND); /* the last NMI may still be in flight */
}

/* The NMI may strike where it must not end anything: it is sent again until the test is over. */
static void fire(uint64_t now)
{
	enum watch_state armed = WATCH_ARMED;

	if (!atomic_compare_exchange_strong(&state, &armed, WATCH_FIRING))
		return;
	atomic_store(&due, now + platform->clock_hz / RETRIES_A_SECOND);
	atomic_store(&fired, true);
	cpu_abandon(&platform->cpus[0]);
	atomic_store(&state, WATCH_ARMED);
}

bool watchdog_watch(struct cpu *cpu)
{
	uint64_t now;

	if (atomic_load_explicit(&watcher, memory_order_relaxed) != cpu)
		return false;
	now = platform->clock();
	if (now >= atomic_load(&due))
		fire(now);
	return true;
}
