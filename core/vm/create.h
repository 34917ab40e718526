/* Making and ending a VM; at most one is alive at a time. Boot processor only. */
#ifndef CORE_VM_CREATE_H
#define CORE_VM_CREATE_H

#include "vm/vm.h"

struct vm_config {
	unsigned vcpus;			 /* 1..VM_VCPUS_MAX */
	const struct vm_region *regions; /* gpa and pages; memory is allocated, zeroed */
	unsigned region_count;
	bool wait_in_hardware;	  /* WAIT_SIPI uses the processor's activity state */
	bool decode_apic;	  /* never use the processor's APIC-register virtualization */
	bool virtual_interrupts;  /* the processor delivers fixed interrupts, if it can */
	bool posted_interrupts;	  /* ... also from other processors to guests that run */
	const uint32_t *apic_ids; /* one for each vCPU; NULL: equal to the id */
};

/* STATUS_INVALID: 0 or too many vCPUs. STATUS_NO_MEMORY. Nothing stays allocated on an error. */
enum status vm_create(const struct vm_config *config, struct vm **vm);

/*
 * Stops every vCPU wherever it runs, clears every VMCS, returns all memory. A processor that does
 * not let go before the deadline is stopped from outside: STATUS_BAD_STATE. One that does not even
 * answer that is marked CPU_LOST, and the memory is kept, for it may go on using it:
 * STATUS_TIMEOUT.
 */
enum status vm_destroy(struct vm *vm);

/* Takes whatever VM there is off every processor, for good; its memory is not returned. The same
 * errors. */
enum status vm_withdraw(void);

#endif
