#include "vm/machine.h"

#include "backend.h"
#include "vm/borrowed_timer.h"
#include "vm/fail.h"
#include "vm/load.h"
#include "vm/pacemaker.h"
#include "vm/sched.h"
#include "vm/vcpu.h"

enum { START_SECONDS = 5, STOP_SECONDS = 2 };

static bool use_virtualization;
static struct fault last_fault;
enum { FAULT_NONE, FAULT_TAKEN, FAULT_WAITS };
static _Atomic int fault_state;

static void guarded_loop(void *argument)
{
	sched_loop(argument);
}

void machine_after_fault(struct cpu *cpu)
{
	struct vcpu *vcpu = cpu->loaded;

	cpu_window_close(cpu);
	if (cpu->on_interrupt) {
		platform->apic_put_back();
		cpu->on_interrupt = NULL;
	}
	if (!vcpu)
		return;
	vcpu_fail(vcpu, "exception in the host", NULL);
	vcpu_unload(cpu);
}

static void turn_on(void *cpu)
{
	((struct cpu *)cpu)->error = backend->cpu_on(cpu);
}

/* MSRs that promise more than the processor does make it an exception. */
static enum status switch_on(struct cpu *cpu)
{
	struct fault fault;

	cpu->error = STATUS_OK;
	if (!platform->guarded(cpu, turn_on, cpu, &fault))
		cpu->error = STATUS_NOT_ON;
	if (cpu->error == STATUS_OK)
		borrowed_timer_take(cpu);
	return cpu->error;
}

static void switch_off(struct cpu *cpu)
{
	borrowed_timer_return(cpu);
	backend->cpu_off(cpu);
}

static void survive(struct cpu *cpu, const struct fault *fault)
{
	int none = FAULT_NONE;

	if (atomic_compare_exchange_strong(&fault_state, &none, FAULT_TAKEN)) {
		last_fault = *fault;
		atomic_store(&fault_state, FAULT_WAITS);
	}
	count(&cpu->faults);
	machine_after_fault(cpu);
}

static void work(struct cpu *cpu)
{
	enum cpu_phase awaited = CPU_FIRMWARE;
	struct fault fault;

	if (use_virtualization)
		(void)switch_on(cpu);
	if (cpu->error != STATUS_OK) {
		atomic_store(&cpu->phase, CPU_FAILED);
		return;
	}
	/* One that comes too late has been given up, and the report says so. */
	if (atomic_compare_exchange_strong(&cpu->phase, &awaited, CPU_READY))
		while (!platform->guarded(cpu, guarded_loop, cpu, &fault))
			survive(cpu, &fault);
	if (use_virtualization)
		switch_off(cpu);
}

/*
 * The firmware does not survive an NMI of ours. An application processor stays here until it has
 * come; the boot processor must go, and the platform sees to what comes later.
 */
static void give_back(struct cpu *cpu)
{
	while (!cpu_settle(cpu) && cpu->index)
		;
	if (!platform->cpu_give_back(cpu))
		atomic_store(&cpu->spoiled, true);
}

/* One that is lost or deaf may still be, though it is out of use. */
static bool in_loop(const struct cpu *cpu)
{
	enum cpu_phase phase = atomic_load(&cpu->phase);

	return !atomic_load(&cpu->gone_back) &&
	       (phase == CPU_READY || phase == CPU_LOST ||
		(phase == CPU_FAILED && cpu->error == STATUS_NO_NMI));
}

static bool in_firmware(const struct cpu *cpu)
{
	return atomic_load(&cpu->phase) == CPU_FIRMWARE;
}

static void ap_main(struct cpu *cpu)
{
	cpu->error = platform->cpu_take(cpu);
	if (cpu->error != STATUS_OK) {
		atomic_store(&cpu->phase, CPU_FAILED);
		return;
	}
	work(cpu);
	give_back(cpu);
	if (atomic_load(&cpu->phase) == CPU_READY)
		atomic_store(&cpu->phase, CPU_FIRMWARE);
	atomic_store(&cpu->gone_back, true);
}

/* Waits until this holds for no AP any more, at most so many seconds. */
static bool wait_while(bool (*holds)(const struct cpu *cpu), unsigned seconds)
{
	uint64_t start = platform->clock(), limit = seconds * platform->clock_hz;

	for (unsigned i = 1; i < platform->cpu_count; i++)
		while (holds(&platform->cpus[i])) {
			if (platform->clock() - start > limit)
				return false;
			cpu_relax();
		}
	return true;
}

unsigned machine_start(bool virtualization, bool alone)
{
	enum status started = alone ? STATUS_HANGS : STATUS_OK;
	unsigned ready = 1;

	use_virtualization = virtualization;
	if (platform->cpu_count > 1 && !alone)
		started = platform->aps_start(ap_main);
	if (started == STATUS_OK)
		(void)wait_while(in_firmware, START_SECONDS);
	for (unsigned i = 1; i < platform->cpu_count; i++) {
		struct cpu *cpu = &platform->cpus[i];
		enum cpu_phase silent = CPU_FIRMWARE;

		if (started != STATUS_OK) { /* it has never left the firmware */
			cpu->error = started;
			atomic_store(&cpu->phase, CPU_FAILED);
			continue;
		}
		atomic_compare_exchange_strong(&cpu->phase, &silent, CPU_LOST);
		ready += atomic_load(&cpu->phase) == CPU_READY;
	}
	if (virtualization)
		pacemaker_choose();
	return ready;
}

bool machine_stop(void)
{
	for (unsigned i = 1; i < platform->cpu_count; i++) {
		atomic_store(&platform->cpus[i].quit, true);
		cpu_kick(&platform->cpus[i]);
	}
	return wait_while(in_loop, STOP_SECONDS);
}

enum status machine_enter(bool virtualization)
{
	struct cpu *cpu = &platform->cpus[0];
	enum status status = platform->cpu_take(cpu);

	if (status != STATUS_OK)
		return status;
	if (virtualization)
		status = switch_on(cpu);
	if (status != STATUS_OK) {
		give_back(cpu);
		return status;
	}
	atomic_store(&cpu->phase, CPU_READY);
	return STATUS_OK;
}

void machine_leave(bool virtualization)
{
	struct cpu *cpu = &platform->cpus[0];

	cpu_window_close(cpu);
	vcpu_unload(cpu);
	atomic_store(&cpu->phase, CPU_FIRMWARE);
	if (virtualization)
		switch_off(cpu);
	give_back(cpu);
}

bool machine_take_fault(struct fault *fault)
{
	if (atomic_load(&fault_state) != FAULT_WAITS)
		return false;
	*fault = last_fault;
	atomic_store(&fault_state, FAULT_NONE);
	return true;
}
