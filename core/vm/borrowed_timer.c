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
