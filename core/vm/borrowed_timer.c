#include "vm/borrowed_timer.h"

#include "platform.h"
#include "vm/exit.h"
#include "vm/vm.h"

bool borrowed_timer_is_needed(void)
{
	return platform->timer && backend->borrows_timer && backend->borrows_timer();
}

void borrowed_timer_take(struct cpu *cpu)
{
	if (cpu->timer_borrowed || !borrowed_timer_is_needed())
		return;
	platform->timer_use(true);
	cpu->timer_borrowed = true;
}

void borrowed_timer_run(struct cpu *cpu, struct vcpu *vcpu, const struct entry *entry,
			struct vm_exit *exit)
{
	if (!vcpu->vm->borrows_timer) {
		backend->run(vcpu, entry, exit);
		return;
	}
	borrowed_timer_take(cpu);
	if (entry->ticks)
		platform->timer(entry->ticks);
	backend->run(vcpu, entry, exit);
	if (exit->kind == EXIT_INTERRUPT) {
		platform->take_interrupt();
		exit->kind = EXIT_TIMER;
	}
}

void borrowed_timer_return(struct cpu *cpu)
{
	if (cpu->timer_borrowed)
		platform->timer_use(false);
	cpu->timer_borrowed = false;
}

bool borrowed_timer_ends(bool (*enter)(void *context), void *context)
{
	enum { WAITS_A_SECOND = 5000, TRIES = 4 };
	const uint64_t wait = platform->clock_hz / WAITS_A_SECOND;
	bool ends = false;

	platform->timer_use(true);
	/* The interrupt may come late on a busy host. */
	for (unsigned i = 0; i < TRIES && !ends; i++) {
		const uint64_t start = platform->clock();

		platform->timer(1);
		while (platform->clock() - start < wait << 2 * i)
			cpu_relax();
		ends = enter(context);
		platform->take_interrupt();
	}
	platform->timer_use(false);
	return ends;
}
