#include "vm/fail.h"

#include "backend.h"
#include "vm/vm.h"
#include "vm/walk.h"

void vcpu_fail(struct vcpu *vcpu, const char *why, const struct vm_exit *exit)
{
	struct vcpu *none = NULL;

	if (exit) {
		vcpu->last = *exit;
		backend->state_get(vcpu, &vcpu->regs);
		vcpu->code_bytes = (uint8_t)walk_read(vcpu->vm, &vcpu->regs,
						      vcpu->regs.segment[CS].base + vcpu->regs.rip,
						      vcpu->code, sizeof(vcpu->code));
	}
	vcpu->failure = why;
	atomic_compare_exchange_strong(&vcpu->vm->failed, &none, vcpu);
	vcpu_apply(vcpu, ON_STOP, 0);
}
