#include "vm/control.h"

#include "backend.h"
#include "platform.h"
#include "vm/ipi.h"
#include "vm/post.h"
#include "vm/sched.h"

enum { CONTROL_MICROSECONDS = 1000000 };

enum status vm_wait(struct vm *vm, bool (*condition)(void *argument), void *argument,
		    uint64_t microseconds)
{
	struct cpu *self = &platform->cpus[0];
	uint64_t start = platform->clock();
	uint64_t ticks = platform->clock_hz / 1000 * microseconds / 1000;

	(void)vm;
	for (;;) {
		if (condition(argument))
			return STATUS_OK;
		if (platform->clock() - start > ticks)
			return STATUS_TIMEOUT;
		if (!sched_step(self))
			cpu_relax();
	}
}

struct done {
	struct vcpu *vcpu;
	uint32_t before;
};

static bool control_done(void *argument)
{
	struct done *done = argument;

	return atomic_load(&done->vcpu->control.done) != done->before;
}

static enum status control(struct vcpu *vcpu, struct message message)
{
	struct done done = { vcpu, atomic_load(&vcpu->control.done) };

	atomic_store(&vcpu->control.result, STATUS_OK);
	vcpu_post(&platform->cpus[0], vcpu, message);
	if (vm_wait(vcpu->vm, control_done, &done, with_patience(CONTROL_MICROSECONDS)) !=
	    STATUS_OK)
		return STATUS_TIMEOUT;
	return atomic_load(&vcpu->control.result);
}

enum status vcpu_pause(struct vcpu *vcpu)
{
	return control(vcpu, (struct message){ .kind = MESSAGE_PAUSE });
}

enum status vcpu_resume(struct vcpu *vcpu)
{
	return control(vcpu, (struct message){ .kind = MESSAGE_RESUME });
}

enum status vcpu_stop(struct vcpu *vcpu)
{
	return control(vcpu, (struct message){ .kind = MESSAGE_STOP });
}

enum status vcpu_set_affinity(struct vcpu *vcpu, int cpu)
{
	if (cpu < -1 || cpu >= (int)platform->cpu_count)
		return STATUS_INVALID;
	if (cpu >= 0 && !cpu_usable(&platform->cpus[cpu]))
		return STATUS_INVALID;
	vcpu->affinity = cpu;
	if (cpu < 0)
		return STATUS_OK;
	return control(vcpu, (struct message){ .kind = MESSAGE_MOVE, .value = (uint32_t)cpu });
}

/* It is done once. Too late, it finds nothing to do: the argument is gone then. */
enum status vcpu_call(struct vcpu *vcpu, void (*call)(struct vcpu *vcpu, void *argument),
		      void *argument)
{
	enum status status;

	atomic_store(&vcpu->control.call, call);
	vcpu->control.argument = argument;
	status = control(vcpu, (struct message){ .kind = MESSAGE_CALL });
	if (status == STATUS_TIMEOUT)
		atomic_store(&vcpu->control.call, NULL);
	return status;
}

static void get_registers(struct vcpu *vcpu, void *argument)
{
	struct regs *regs = argument;

	*regs = vcpu->regs;
	backend->state_get(vcpu, regs);
}

enum status vcpu_registers(struct vcpu *vcpu, struct regs *regs)
{
	return vcpu_call(vcpu, get_registers, regs);
}

enum status vm_start(struct vm *vm)
{
	return control(vm->vcpus[0], (struct message){ .kind = MESSAGE_START });
}

enum status vm_start_ap(struct vm *vm, uint32_t apic_id, uint8_t vector)
{
	struct ipi ipi = { .destination = apic_id, .mode = DELIVERY_INIT, .assert = true };
	enum status status = ipi_send(vm, &ipi);

	if (status != STATUS_OK)
		return status;
	ipi.mode = DELIVERY_SIPI;
	ipi.vector = vector;
	return ipi_send(vm, &ipi);
}

static enum status for_all(struct vm *vm, enum vcpu_state state,
			   enum status (*change)(struct vcpu *vcpu))
{
	enum status result = STATUS_OK;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		enum status status;

		if (atomic_load(&vm->vcpus[i]->state) != state)
			continue;
		status = change(vm->vcpus[i]);
		/* It may have halted or ended meanwhile: that is not our caller's error. */
		if (status != STATUS_OK && status != STATUS_BAD_STATE)
			result = status;
	}
	return result;
}

enum status vm_pause_all(struct vm *vm)
{
	return for_all(vm, VCPU_RUNNING, vcpu_pause);
}

enum status vm_resume_all(struct vm *vm)
{
	return for_all(vm, VCPU_PAUSED, vcpu_resume);
}

static bool all_stopped(void *argument)
{
	struct vm *vm = argument;

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (atomic_load(&vm->vcpus[i]->state) != VCPU_STOPPED)
			return false;
	return true;
}

enum status vm_stop_all(struct vm *vm)
{
	const struct message stop = { .kind = MESSAGE_STOP };

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_post(&platform->cpus[0], vm->vcpus[i], stop);
	/* Once is enough to wait for what does not stop. */
	vm->stuck = vm_wait(vm, all_stopped, vm,
			    vm->stuck ? 0 : with_patience(CONTROL_MICROSECONDS)) != STATUS_OK;
	return vm->stuck ? STATUS_TIMEOUT : STATUS_OK;
}
