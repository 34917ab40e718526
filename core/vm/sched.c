#include "vm/sched.h"

#include "backend.h"
#include "platform.h"
#include "vm/events.h"
#include "vm/ipi.h"
#include "vm/load.h"
#include "vm/pacemaker.h"
#include "vm/receive.h"
#include "vm/run.h"
#include "vm/vm.h"
#include "vm/watchdog.h"

static struct vm *_Atomic published;
static struct work *_Atomic published_work;
static _Atomic uint64_t generation;

static void begin_generation(void)
{
	atomic_fetch_add(&generation, 1);
	for (unsigned i = 0; i < platform->cpu_count; i++)
		cpu_kick(&platform->cpus[i]);
}

void sched_end_work(void)
{
	atomic_store(&published_work, NULL);
}

void sched_publish(struct vm *vm)
{
	sched_end_work();
	atomic_store(&published, vm);
	begin_generation();
}

void sched_publish_work(struct work *work)
{
	work->generation = atomic_load(&generation) + 1;
	atomic_store(&published_work, work);
	begin_generation();
}

bool sched_withdrawn(void)
{
	uint64_t now = atomic_load(&generation);

	for (unsigned i = 0; i < platform->cpu_count; i++) {
		struct cpu *cpu = &platform->cpus[i];

		if (atomic_load(&cpu->phase) == CPU_READY && atomic_load(&cpu->vm_seen) != now)
			return false;
	}
	return true;
}

bool sched_quiet(void)
{
	return !atomic_load(&published) && sched_withdrawn();
}

enum { RESCUE_TRIES = 20, TRIES_A_SECOND = 100 };

static bool waits_for_sipi(const struct cpu *cpu)
{
	const struct vcpu *loaded = cpu->loaded;

	return loaded && atomic_load(&loaded->sipi_wait.in_hardware);
}

static bool rescue(struct cpu *cpu, uint64_t now)
{
	for (unsigned i = 0; i < with_patience(RESCUE_TRIES); i++) {
		uint64_t start = platform->clock();

		cpu_abandon(cpu);
		if (waits_for_sipi(cpu)) /* NMIs are blocked there */
			platform->ipi(cpu, IPI_SIPI);
		while (platform->clock() - start < platform->clock_hz / TRIES_A_SECOND)
			if (atomic_load(&cpu->vm_seen) == now) {
				atomic_store(&cpu->abandon, false);
				return true;
			}
	}
	/* If it ever goes on, it goes to its end, in peace. */
	atomic_store(&cpu->abandon, false);
	cpu->error = STATUS_TIMEOUT;
	atomic_store(&cpu->phase, CPU_LOST);
	return false;
}

bool sched_rescue(void)
{
	uint64_t now = atomic_load(&generation);
	bool all = true;

	for (unsigned i = 1; i < platform->cpu_count; i++) {
		struct cpu *cpu = &platform->cpus[i];

		if (atomic_load(&cpu->phase) == CPU_READY && atomic_load(&cpu->vm_seen) != now)
			all = rescue(cpu, now) && all;
	}
	return all;
}

/* The work of this generation. After an exception in it the loop comes here once more. */
static void do_work(struct cpu *cpu, uint64_t now)
{
	struct work *work = atomic_load(&published_work);

	if (!work || work->generation != now || !cpu_usable(cpu))
		return;
	if (cpu->work_begun == now) {
		atomic_fetch_add(&work->unfinished, 1);
		return;
	}
	cpu->work_begun = now;
	vcpu_unload(cpu);
	work->run(cpu, work->argument);
}

/* The VM in force. A new one first ends the old one's stay on this processor. */
static struct vm *current_vm(struct cpu *cpu)
{
	uint64_t now = atomic_load(&generation);
	struct vm *vm = atomic_load(&published);

	if (atomic_load_explicit(&cpu->vm_seen, memory_order_relaxed) != now) {
		if (!vm || (cpu->loaded && cpu->loaded->vm != vm))
			vcpu_unload(cpu);
		cpu->next = 0;
		do_work(cpu, now);
		atomic_store(&cpu->vm_seen, now);
	}
	return vm;
}

/* Nothing to do for this vCPU. With many vCPUs most are in that state, so it is checked first.
 * Owner only. */
static inline bool is_quiet(const struct vcpu *vcpu)
{
	if (mailbox_waiting(&vcpu->mailbox) || vcpu->control.call_waits ||
	    vcpu->control.move_to >= 0)
		return false;
	switch (atomic_load_explicit(&vcpu->state, memory_order_relaxed)) {
	case VCPU_RUNNING:
		return false;
	case VCPU_HALTED:
		return !vcpu->event_pending && !vcpu->apic.due;
	case VCPU_WAIT_SIPI:
		return !vcpu->vm->wait_in_hardware;
	default:
		return true;
	}
}

/* Messages, calls, moves and wake-ups of one vCPU; true if it can run then. */
static bool attend(struct cpu *cpu, struct vcpu *vcpu, bool *busy)
{
	if (mailbox_waiting(&vcpu->mailbox)) {
		vcpu_drain(vcpu);
		*busy = true;
	}
	vcpu_serve(cpu, vcpu);
	if (atomic_load(&vcpu->cpu) != cpu)
		return false;
	vcpu_try_wake(vcpu);
	return vcpu_runnable(vcpu);
}

bool sched_step(struct cpu *cpu)
{
	struct vm *vm = current_vm(cpu);
	bool busy = false;

	if (!vm)
		return false;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = vm->vcpus[(cpu->next + i) % vm->vcpu_count];

		if (atomic_load_explicit(&vcpu->cpu, memory_order_acquire) != cpu)
			continue;
		if (is_quiet(vcpu) || !attend(cpu, vcpu, &busy))
			continue;
		cpu->next = vcpu->id + 1;
		vcpu_run_slice(cpu, vcpu);
		vcpu_serve(cpu, vcpu);
		return true;
	}
	return busy;
}

/* A halted vCPU of this processor whose timer runs must be looked at again and again. */
static bool timers_run(const struct cpu *cpu)
{
	const struct vm *vm = atomic_load(&published);

	for (unsigned i = 0; vm && i < vm->vcpu_count; i++)
		if (atomic_load(&vm->vcpus[i]->cpu) == cpu && vm->vcpus[i]->apic.due)
			return true;
	return false;
}

void sched_loop(struct cpu *cpu)
{
	while (!atomic_load(&cpu->quit)) {
		uint32_t seen = atomic_load(&cpu->doorbell);
		bool beats = pacemaker_beat(cpu);
		bool watches = watchdog_watch(cpu) || beats;

		if (sched_step(cpu))
			continue;
		if (watches || timers_run(cpu))
			cpu_relax();
		else if (!atomic_load(&cpu->quit))
			platform->idle(&cpu->doorbell, seen);
	}
	vcpu_unload(cpu);
}
