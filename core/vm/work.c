#include "vm/work.h"

#include "vm/control.h"
#include "vm/sched.h"

static bool is_done(void *argument)
{
	(void)argument;
	return sched_withdrawn();
}

enum status work_on_all(void (*run)(struct cpu *cpu, void *argument), void *argument,
			uint64_t microseconds)
{
	/* Not on the stack: see work.h. Only the boot processor gives work. */
	static struct work work;
	enum status status;

	work.run = run;
	work.argument = argument;
	atomic_store(&work.unfinished, 0);
	sched_publish_work(&work);
	/* The wait runs this processor's loop: its share is the first thing that it does there. */
	status = vm_wait(NULL, is_done, NULL, microseconds);
	sched_end_work();
	if (status != STATUS_OK)
		(void)sched_rescue();
	else if (atomic_load(&work.unfinished))
		status = STATUS_FAULT;
	return status;
}
