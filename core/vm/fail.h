/* Ending a vCPU that core/ cannot go on with. */
#ifndef CORE_VM_FAIL_H
#define CORE_VM_FAIL_H

#include "vm/vcpu.h"

/* Ends a vCPU with a reason that the report prints; owner only. exit: of the vCPU that is loaded,
 * or NULL if there was none. */
void vcpu_fail(struct vcpu *vcpu, const char *why, const struct vm_exit *exit);

#endif
