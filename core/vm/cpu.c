#include "vm/cpu.h"

#include "backend.h"
#include "lib/pages.h"
#include "platform.h"

void cpu_nmi(struct cpu *cpu)
{
	if (backend && backend->abort_entry && atomic_load(&cpu->window) != WINDOW_CLOSED)
		backend->abort_entry(cpu);
	atomic_fetch_add(&cpu->nmis, 1);
}

enum {
	KICK_SECONDS = 1,	/* far beyond the longest SMI; what takes longer does not come */
	FLIGHT_A_SECOND = 1000, /* a millisecond, for what may be on its way uncounted */
};

static void go_deaf(struct cpu *cpu)
{
	atomic_store(&cpu->deaf, true);
	if (!cpu->index)
		return;
	cpu->error = STATUS_NO_NMI;
	atomic_store(&cpu->phase, CPU_FAILED);
}

static bool wait_nmi(const struct cpu *cpu, uint32_t before)
{
	const uint64_t limit = with_patience(KICK_SECONDS * platform->clock_hz),
		       start = platform->clock();

	while (atomic_load(&cpu->nmis) == before) {
		if (platform->clock() - start > limit)
			return false;
		cpu_relax();
	}
	return true;
}

void cpu_expect_nmi(struct cpu *cpu)
{
	atomic_store(&cpu->nmis_then, atomic_load(&cpu->nmis));
	atomic_fetch_add(&cpu->nmis_sent, 1);
}

void cpu_send_nmi(struct cpu *cpu)
{
	cpu_expect_nmi(cpu);
	platform->ipi(cpu, IPI_NMI);
}

bool cpu_heard(struct cpu *cpu)
{
	if (wait_nmi(cpu, atomic_load(&cpu->nmis_then)))
		return true;
	go_deaf(cpu);
	return false;
}

bool cpu_hears(struct cpu *cpu)
{
	cpu_send_nmi(cpu);
	return cpu_heard(cpu);
}

/* Two that come close together may arrive as one, so not the numbers alone decide. */
bool cpu_owes_nmi(const struct cpu *cpu)
{
	uint32_t nmis = atomic_load(&cpu->nmis);

	return (int32_t)(atomic_load(&cpu->nmis_sent) - nmis) > 0 &&
	       nmis == atomic_load(&cpu->nmis_then);
}

bool cpu_settle(struct cpu *cpu)
{
	uint64_t start = platform->clock();

	/* One that has not come in time already is not waited for again with each test. */
	if (cpu_owes_nmi(cpu) &&
	    (atomic_load(&cpu->deaf) || !wait_nmi(cpu, atomic_load(&cpu->nmis_then)))) {
		go_deaf(cpu);
		return false;
	}
	/* Somebody else's NMIs, or several in one: ours may be the one that is still to come. */
	while (atomic_load(&cpu->nmis) != atomic_load(&cpu->nmis_sent) &&
	       platform->clock() - start < platform->clock_hz / FLIGHT_A_SECOND)
		cpu_relax();
	atomic_store(&cpu->nmis_sent, atomic_load(&cpu->nmis));
	return true;
}

void cpu_window_open(struct cpu *cpu)
{
	cpu->nmis_before = atomic_load_explicit(&cpu->nmis, memory_order_relaxed);
	/* Sequentially consistent: the look for work that follows must not move before it. */
	atomic_store(&cpu->window, WINDOW_OPEN);
}

void cpu_window_close(struct cpu *cpu)
{
	/* A kick was sent: its NMI has arrived or is on its way to this processor. */
	if (atomic_exchange(&cpu->window, WINDOW_CLOSED) == WINDOW_KICKED &&
	    !wait_nmi(cpu, cpu->nmis_before))
		go_deaf(cpu);
}

void cpu_kick(struct cpu *cpu)
{
	enum cpu_window open = WINDOW_OPEN;

	atomic_fetch_add(&cpu->doorbell, 1);
	if (atomic_load_explicit(&cpu->deaf, memory_order_relaxed))
		return; /* it looks at the end of its slice; its idling has an end, too */
	if (atomic_compare_exchange_strong(&cpu->window, &open, WINDOW_KICKED))
		cpu_send_nmi(cpu);
}

void cpu_abandon(struct cpu *cpu)
{
	atomic_store(&cpu->abandon, true);
	cpu_send_nmi(cpu);
}

bool cpu_abandoned(struct cpu *cpu)
{
	return atomic_load(&cpu->abandon) && !pages_locked() &&
	       atomic_exchange(&cpu->abandon, false);
}

bool cpu_has_own_id(const struct cpu *cpu)
{
	unsigned same = 0;

	for (unsigned i = 0; i < platform->cpu_count; i++)
		same += platform->cpus[i].apic_id == cpu->apic_id;
	return same == 1;
}

bool cpu_usable(const struct cpu *cpu)
{
	enum cpu_phase phase = atomic_load(&cpu->phase);

	return cpu->index == 0 ||
	       (phase != CPU_FAILED && phase != CPU_LOST && !atomic_load(&cpu->paces));
}

unsigned cpus_in_use(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < platform->cpu_count; i++)
		count += cpu_usable(&platform->cpus[i]);
	return count;
}

struct cpu *cpu_in_use(unsigned number)
{
	unsigned skip = number % cpus_in_use();

	for (unsigned i = 0; i < platform->cpu_count; i++)
		if (cpu_usable(&platform->cpus[i]) && !skip--)
			return &platform->cpus[i];
	return &platform->cpus[0];
}
