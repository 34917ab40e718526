#include "vm/pacemaker.h"

#include "backend.h"
#include "platform.h"

static _Atomic bool chosen;

void pacemaker_choose(void)
{
	struct cpu *last = cpu_in_use(cpus_in_use() - 1);

	if (backend->needs_pacemaker && backend->needs_pacemaker() && last->index != 0) {
		atomic_store(&last->paces, true);
		atomic_store(&chosen, true);
	}
}

void pacemaker_begin(struct cpu *cpu, uint64_t ticks)
{
	if (atomic_load_explicit(&chosen, memory_order_relaxed))
		atomic_store_explicit(&cpu->due, platform->clock() + ticks, memory_order_relaxed);
}

void pacemaker_end(struct cpu *cpu)
{
	if (atomic_load_explicit(&chosen, memory_order_relaxed))
		atomic_store_explicit(&cpu->due, 0, memory_order_relaxed);
}

/* A kick that comes late, when another entry has begun, only ends that one early. */
bool pacemaker_beat(const struct cpu *self)
{
	if (!atomic_load_explicit(&self->paces, memory_order_relaxed))
		return false;
	for (unsigned i = 0; i < platform->cpu_count; i++) {
		struct cpu *cpu = &platform->cpus[i];
		uint64_t due = atomic_load_explicit(&cpu->due, memory_order_relaxed);

		if (due && platform->clock() >= due)
			cpu_kick(cpu);
	}
	return true;
}
