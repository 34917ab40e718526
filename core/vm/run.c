#include "vm/run.h"

#include "backend.h"
#include "platform.h"
#include "vlapic/timer.h"
#include "vm/borrowed_timer.h"
#include "vm/events.h"
#include "vm/handle.h"
#include "vm/load.h"
#include "vm/pacemaker.h"
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

static void keep_debug(struct vcpu *vcpu)
{
	struct regs now;

	backend->state_get(vcpu, &now);
	for (unsigned i = 0; i < ARRAY_SIZE(now.dr); i++)
		vcpu->regs.dr[i] = now.dr[i];
	vcpu->regs.dr6 = now.dr6;
	vcpu->regs.dr7 = now.dr7;
	vcpu->debug_kept = false;
}

static void set_state(struct vcpu *vcpu)
{
	if (vcpu->regs_changed) {
		if (vcpu->debug_kept)
			keep_debug(vcpu);
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
		void (*call)(struct vcpu * vcpu, void *argument);

		vcpu_load(cpu, vcpu);
		set_state(vcpu);
		vcpu->control.call_waits = false;
		call = atomic_exchange(&vcpu->control.call, NULL);
		if (call)
			call(vcpu, vcpu->control.argument);
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

/* An entry that ends before the first instruction. False: it ended otherwise, which is handled. */
static bool enter_for_nothing(struct cpu *cpu, struct vcpu *vcpu)
{
	const struct entry at_once = { .ticks = 0 };
	struct vm_exit exit;

	borrowed_timer_run(cpu, vcpu, &at_once, &exit);
	if (exit.kind == EXIT_TIMER || exit.kind == EXIT_KICK || exit.kind == EXIT_INTERRUPT)
		return true;
	exit_handle(vcpu, &exit);
	return false;
}

/* The shortest of a few: others may have work for the processor below us. */
static bool measure_exit(struct cpu *cpu, struct vcpu *vcpu)
{
	enum { TRIES = 5 };
	uint64_t shortest = ~0ull;

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t start = platform->clock();

		if (!enter_for_nothing(cpu, vcpu))
			return false;
		shortest = min_u64(shortest, platform->clock() - start);
	}
	cpu->exit_ticks = shortest ? shortest : 1;
	return true;
}

uint64_t vcpu_slice_ticks(const struct cpu *cpu, const struct vm *vm)
{
	enum { SLICES_A_SECOND = 100 }; /* at least, where exits are slow */
	uint64_t least = vm->slice ? vm->slice : platform->slice, exits = SLICE_EXITS;

	if (!cpu->index) {
		least = platform->slice * 2 / 5;
		exits = BOOT_SLICE_EXITS;
	}
	exits = min_u64(exits * cpu->exit_ticks, platform->clock_hz / SLICES_A_SECOND);
	return exits > least ? exits : least;
}

/* Lets the processor itself confirm the state before the first instruction. */
static void capture_start(struct cpu *cpu, struct vcpu *vcpu)
{
	vcpu->start.pending = false;
	if (!cpu->exit_ticks && !measure_exit(cpu, vcpu))
		return;
	if (!vcpu->start.capture || !enter_for_nothing(cpu, vcpu))
		return;
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
	pacemaker_begin(cpu, entry->ticks);
	borrowed_timer_run(cpu, vcpu, entry, exit);
	pacemaker_end(cpu);
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
	uint64_t end = now + vcpu_slice_ticks(cpu, vcpu->vm);
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
			capture_start(cpu, vcpu);
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
