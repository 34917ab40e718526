#include "vm/fail.h"

#include "backend.h"
#include "vm/vm.h"
#include "vm/walk.h"

void vcpu_fail(struct vcpu *vcpu, const char *why, const struct vm_exit *exit)
{
	struct vcpu *none = NULL;

	if (exit) {
		vcpu->failure.exit = *exit;
		backend->state_get(vcpu, &vcpu->regs);
		vcpu->failure.code_bytes = (uint8_t)walk_read(
			vcpu->vm, &vcpu->regs, vcpu->regs.segment[CS].base + vcpu->regs.rip,
			vcpu->failure.code, sizeof(vcpu->failure.code));
	}
	vcpu->failure.why = why;
	atomic_compare_exchange_strong(&vcpu->vm->failed, &none, vcpu);
	vcpu_apply(vcpu, ON_STOP, 0);
}
