/* A readable dump of all fields of a vCPU's control structure. */
#ifndef CORE_VM_DUMP_H
#define CORE_VM_DUMP_H

#include "vm/vcpu.h"

/*
 * Calls line(text) for every line: the last exit first, then a line for each field that the
 * processor has: encoding (4 hexadecimal digits), name, value (16 digits). The loaded vCPU.
 */
void vcpu_dump(struct vcpu *vcpu, void (*line)(const char *text));

#endif
