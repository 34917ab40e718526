/* What an exit means: the instruction or event is carried out on the virtual CPU. */
#ifndef CORE_VM_HANDLE_H
#define CORE_VM_HANDLE_H

#include "vm/vcpu.h"

enum step { STEP_AGAIN, STEP_YIELD };

/* Decides an exit: emulates, changes the state, or ends the vCPU with a reason. */
enum step exit_handle(struct vcpu *vcpu, const struct vm_exit *exit);

#endif
