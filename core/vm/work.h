/*
 * Work for all processors at the same time: each does it once, from its loop, without a vCPU
 * loaded. For tests of the processor itself, which share their cases out among all that there are.
 */
#ifndef CORE_VM_WORK_H
#define CORE_VM_WORK_H

#include "lib/base.h"
#include "lib/status.h"
#include "vm/cpu.h"

/*
 * Boot processor, in a test. Calls run(cpu, argument) on every usable processor, this one included,
 * with virtualization on, and returns when all have done it; a processor that does not end in time
 * is stopped from outside. The argument must outlive the test's function: where an exception ends
 * that, the others are at work until the suite cleans up. Error: STATUS_TIMEOUT; STATUS_FAULT if an
 * exception ended the work of another processor, which goes on with its loop.
 */
enum status work_on_all(void (*run)(struct cpu *cpu, void *argument), void *argument,
			uint64_t microseconds);

#endif
