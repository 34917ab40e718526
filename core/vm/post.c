#include "vm/post.h"

#include "backend.h"
#include "platform.h"
#include "vm/cpu.h"
#include "vm/receive.h"
#include "vm/vm.h"

enum {
	REPEATS_A_SECOND = 20000, /* far longer than a SIPI is on its way */
	GIVE_UP_SECONDS = 1,	  /* below another hypervisor, it may not have the processor */
};

/*
 * A processor in the wait-for-SIPI activity state takes nothing but INIT and SIPI, and loses a
 * SIPI that comes before the VM entry is complete: so repeat until it has left that state.
 */
static void wake_hardware_waiter(struct vcpu *vcpu, struct message message)
{
	uint8_t vector = message.kind == MESSAGE_SIPI ? message.vector : 0;
	uint64_t now = platform->clock(),
		 give_up = now + with_patience(GIVE_UP_SECONDS * platform->clock_hz);

	while (atomic_load(&vcpu->sipi_wait.in_hardware) && now < give_up) {
		uint64_t again = now + with_patience(platform->clock_hz / REPEATS_A_SECOND);

		vcpu->sipi_wait.sent++;
		platform->ipi(atomic_load(&vcpu->cpu), IPI_SIPI | vector);
		do
			now = platform->clock();
		while (now < again && atomic_load(&vcpu->sipi_wait.in_hardware));
	}
}

static void drain_owned(struct cpu *self, struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (atomic_load(&vm->vcpus[i]->cpu) == self)
			vcpu_drain(vm->vcpus[i]);
}

/* Not past what waits in the mailbox: an INIT must not take away what was sent after it. */
static bool posted_to_processor(struct vcpu *vcpu, struct message message)
{
	if (!vcpu->vm->posted_interrupts || !backend->post ||
	    (message.kind != MESSAGE_FIXED && message.kind != MESSAGE_LOWEST) || message.level ||
	    message.vector < 16 || mailbox_waiting(&vcpu->mailbox) ||
	    !backend->post(vcpu, message.vector))
		return false;
	atomic_fetch_add(&vcpu->counts.posted_of[message.kind], 1);
	return true;
}

void vcpu_post(struct cpu *self, struct vcpu *vcpu, struct message message)
{
	if (posted_to_processor(vcpu, message))
		return;
	while (!mailbox_push(&vcpu->mailbox, message)) {
		cpu_kick(atomic_load(&vcpu->cpu));
		drain_owned(self, vcpu->vm);
		cpu_relax();
	}
	if (atomic_load(&vcpu->sipi_wait.in_hardware))
		wake_hardware_waiter(vcpu, message);
	else
		cpu_kick(atomic_load(&vcpu->cpu));
}
