/* A virtual machine: its vCPUs and its memory. */
#ifndef CORE_VM_VM_H
#define CORE_VM_VM_H

#include "lib/base.h"
#include "lib/status.h"
#include "vm/vcpu.h"

enum { VM_VCPUS_MAX = 64, VM_REGIONS_MAX = 8 };

/* Guest-physical pages backed by ours; alias regions show the pages of another one. */
struct vm_region {
	uint64_t gpa;
	size_t pages;
	uint8_t *memory;
	bool alias; /* in a config: memory holds the guest-physical address to show */
};

struct vm {
	unsigned vcpu_count;
	bool wait_in_hardware, decode_apic, virtual_interrupts, posted_interrupts;
	bool overcommitted; /* more vCPUs than processors */
	bool borrows_timer; /* platform.timer ends its guests' time: see borrowed_timer.h */
	uint64_t slice;	    /* a test's own; 0: the platform's */
	bool stuck;	    /* a vCPU did not stop in time */
	struct vcpu *vcpus[VM_VCPUS_MAX];
	struct vm_region regions[VM_REGIONS_MAX];
	unsigned region_count;
	_Atomic uint32_t lowest_turn;  /* lowest-priority ties are broken in turn */
	_Atomic(struct vcpu *) failed; /* the first that core/ had to end; NULL: none */
	_Atomic uint64_t refused;      /* IPIs refused: SMI, reserved mode, invalid combination */
	_Atomic uint64_t outside;      /* IPI messages sent from outside, and by their kind */
	_Atomic uint64_t outside_of[MESSAGE_IPIS];

	/* A test's own way with exits, first: true if it has dealt with this one. Owner's
	 * processor. */
	bool (*on_exit)(struct vcpu *vcpu, const struct vm_exit *exit, void *argument);
	void *on_exit_argument;
	void *arch; /* the backend's: EPT, bitmaps */
};

struct vcpu *vm_vcpu(struct vm *vm, uint32_t id);		  /* NULL: none */
struct vcpu *vm_vcpu_by_apic_id(struct vm *vm, uint32_t apic_id); /* NULL: none */
unsigned vm_running(const struct vm *vm);

/* Where a guest-physical range is in our memory; NULL if it is not all in one region. */
void *vm_memory(const struct vm *vm, uint64_t gpa, size_t size);

#endif
