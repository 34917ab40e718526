#include "vm/run.h"

#include "backend.h"
#include "platform.h"
#include "vlapic/timer.h"
#include "vm/events.h"
#include "vm/handle.h"
#include "vm/load.h"
#include "vm/receive.h"
#include "vm/vm.h"

/*
 * In that state a processor takes no interrupts, those of its timer neither: so not the boot
 * processor, which runs the tests and watches their deadlines.
 */
static bool waits_in_hardware(const struct vcpu *vcpu)
{
	return vcpu->vm->wait_in_hardware && atomic_load(&vcpu->cpu)->index != 0;
}

bool vcpu_runnable(const struct vcpu *vcpu)
{
	enum vcpu_state state = atomic_load_explicit(&vcpu->state, memory_order_relaxed);

	return state == VCPU_RUNNING || (state == VCPU_WAIT_SIPI && waits_in_hardware(vcpu));
}

static void prepare(struct vcpu *vcpu, struct entry *entry, uint64_t now, uint64_t end)
{
	uint64_t due = vcpu->apic.due;

	*entry = (struct entry){ 0 };
	if (due && apic_timer_poll(&vcpu->apic, now))
		vcpu->event_pending = true;
	if (vcpu->event_pending && atomic_load(&vcpu->state) == VCPU_RUNNING)
		vcpu_choose_event(vcpu, entry);
	if (vcpu->event.type != EVENT_NONE)
		entry->inject = &vcpu->event;
	entry->pause_exits = vcpu->vm->overcommitted;
	due = vcpu->apic.due;
	if (due && due < end)
		end = due > now ? due : now + 1;
	entry->ticks = (uint32_t)(end - now);
}

static void set_state(struct vcpu *vcpu)
{
	if (vcpu->regs_changed) {
		vcpu->regs.activity = atomic_load(&vcpu->state) == VCPU_WAIT_SIPI
					      ? ACTIVITY_WAIT_SIPI
					      : ACTIVITY_ACTIVE;
		backend->state_set(vcpu, &vcpu->regs);
		backend->apic_mode_changed(vcpu);
		vcpu->regs_changed = false;
	}
}

void vcpu_serve(struct cpu *cpu, struct vcpu *vcpu)
{
	if (vcpu->control.call_waits) {
		vcpu_load(cpu, vcpu);
		set_state(vcpu);
		vcpu->control.call_waits = false;
		vcpu->control.call(vcpu, vcpu->control.argument);
		atomic_fetch_add(&vcpu->control.done, 1);
	}
	if (vcpu->control.move_to >= 0) {
		struct cpu *to = &platform->cpus[vcpu->control.move_to];

		vcpu->control.move_to = -1;
		if (to != cpu) {
			if (cpu->loaded == vcpu)
				vcpu_unload(cpu);
			atomic_fetch_add(&vcpu->moves, 1);
			atomic_store(&vcpu->cpu, to); /* from here on it is theirs */
			cpu_kick(to);
		}
		atomic_fetch_add(&vcpu->control.done, 1);
	}
}

/* Lets the processor itself confirm the state: an entry that ends before the first instruction. */
static void capture_start(struct vcpu *vcpu)
{
	const struct entry at_once = { .ticks = 0 };
	struct vm_exit exit;

	vcpu->start.pending = false;
	if (!vcpu->start.capture)
		return;
	backend->run(vcpu, &at_once, &exit);
	if (exit.kind != EXIT_TIMER && exit.kind != EXIT_KICK && exit.kind != EXIT_INTERRUPT) {
		exit_handle(vcpu, &exit);
		return;
	}
	*vcpu->start.capture = vcpu->regs; /* GPRs */
	backend->state_get(vcpu, vcpu->start.capture);
}

/* One entry and its exit. False: nothing was entered, look again. */
static bool enter(struct cpu *cpu, struct vcpu *vcpu, const struct entry *entry,
		  struct vm_exit *exit)
{
	bool hardware_wait =
		atomic_load_explicit(&vcpu->state, memory_order_relaxed) == VCPU_WAIT_SIPI;

	if (hardware_wait)
		atomic_store(&vcpu->sipi_wait.in_hardware, true);
	cpu_window_open(cpu);
	if (mailbox_waiting(&vcpu->mailbox) || atomic_load(&cpu->quit)) {
		cpu_window_close(cpu);
		atomic_store(&vcpu->sipi_wait.in_hardware, false);
		return false;
	}
	backend->run(vcpu, entry, exit);
	count(&vcpu->counts.exits);
	vcpu->last_exit.kind = exit->kind;
	vcpu->last_exit.reason = (uint32_t)exit->raw_reason;
	cpu_window_close(cpu);
	if (hardware_wait)
		atomic_store(&vcpu->sipi_wait.in_hardware, false);
	return true;
}

void vcpu_run_slice(struct cpu *cpu, struct vcpu *vcpu)
{
	uint64_t now = platform->clock();
	uint64_t end = now + slice_ticks(cpu, vcpu->vm);
	struct entry entry;
	struct vm_exit exit;

	vcpu_load(cpu, vcpu);
	for (; now < end; now = platform->clock()) {
		if (mailbox_waiting(&vcpu->mailbox))
			vcpu_drain(vcpu);
		if (vcpu->control.call_waits || vcpu->control.move_to >= 0 || !vcpu_runnable(vcpu))
			return;
		set_state(vcpu);
		if (vcpu->start.pending) {
			capture_start(vcpu);
			continue;
		}
		prepare(vcpu, &entry, now, end);
		if (!enter(cpu, vcpu, &entry, &exit))
			continue;
		vcpu->event = exit.interrupted;
		if (exit_handle(vcpu, &exit) == STEP_YIELD)
			return;
	}
}
