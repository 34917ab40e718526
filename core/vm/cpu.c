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

void cpu_window_open(struct cpu *cpu)
{
	cpu->nmis_before = atomic_load_explicit(&cpu->nmis, memory_order_relaxed);
	/* Sequentially consistent: the look for work that follows must not move before it. */
	atomic_store(&cpu->window, WINDOW_OPEN);
}

void cpu_window_close(struct cpu *cpu)
{
	/* A kick was sent: its NMI has arrived or is on its way to this processor. */
	if (atomic_exchange(&cpu->window, WINDOW_CLOSED) == WINDOW_KICKED)
		while (atomic_load(&cpu->nmis) == cpu->nmis_before)
			cpu_relax();
}

void cpu_kick(struct cpu *cpu)
{
	enum cpu_window open = WINDOW_OPEN;

	atomic_fetch_add(&cpu->doorbell, 1);
	if (atomic_compare_exchange_strong(&cpu->window, &open, WINDOW_KICKED))
		platform->ipi(cpu, IPI_NMI);
}

void cpu_abandon(struct cpu *cpu)
{
	atomic_store(&cpu->abandon, true);
	platform->ipi(cpu, IPI_NMI);
}

bool cpu_abandoned(struct cpu *cpu)
{
	return atomic_load(&cpu->abandon) && !pages_locked() &&
	       atomic_exchange(&cpu->abandon, false);
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
