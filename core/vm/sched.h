/* Each processor's loop: which vCPU runs next, and for how long. */
#ifndef CORE_VM_SCHED_H
#define CORE_VM_SCHED_H

#include "lib/status.h"
#include "vm/cpu.h"

struct vm;

/* The VM that all processors work on; NULL: none. */
void sched_publish(struct vm *vm);

/*
 * Something that each usable processor does once, as part of its loop, without a vCPU loaded: see
 * work.h. *work must stay until sched_withdrawn(). sched_end_work and sched_publish keep those from
 * it that have not begun.
 */
struct work {
	void (*run)(struct cpu *cpu, void *argument);
	void *argument;
	uint64_t generation;	     /* sched's own */
	_Atomic unsigned unfinished; /* processors on which an exception ended it */
};
void sched_publish_work(struct work *work);
void sched_end_work(void);

/* True when no processor still looks at a VM that was withdrawn (published NULL), or is at work. */
bool sched_withdrawn(void);

/* True if no VM is published and none is looked at. */
bool sched_quiet(void);

/*
 * Stops, from outside, what the processors run that still look at a VM that was withdrawn or are at
 * work. False: one of them does not answer; it is CPU_LOST now.
 */
bool sched_rescue(void);

/* One round on this processor: apply messages, run at most one vCPU for one slice. True if
 * something was done. */
bool sched_step(struct cpu *cpu);

/* What an application processor does between being taken and being given back. */
void sched_loop(struct cpu *cpu);

#endif
