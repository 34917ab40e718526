/* A guest's own page tables: SDM vol. 3A, "Paging". */
#ifndef CORE_VM_WALK_H
#define CORE_VM_WALK_H

#include "lib/base.h"
#include "vm/regs.h"

struct vm;

/*
 * The guest-physical address of a linear address under the paging mode of regs (none, 32-bit, PAE,
 * 4-level). False: not mapped, or a table lies outside of guest memory. Permissions are not
 * checked: the processor has executed the access already.
 */
bool walk_linear(const struct vm *vm, const struct regs *regs, uint64_t linear, uint64_t *gpa);

/* Copies up to count bytes at a linear address; returns how many could be read. */
size_t walk_read(const struct vm *vm, const struct regs *regs, uint64_t linear, uint8_t *bytes,
		 size_t count);

#endif
