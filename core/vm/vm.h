/*
 * A virtual machine: vCPUs, guest memory, and their control from outside. The functions here are
 * for the boot processor, which runs the tests; they wait, and while they wait that processor does
 * its share of running vCPUs. At most one VM is alive at a time.
 */
#ifndef CORE_VM_VM_H
#define CORE_VM_VM_H

#include "lib/base.h"
#include "lib/status.h"
#include "vm/ipi.h"
#include "vm/vcpu.h"

enum { VM_VCPUS_MAX = 64, VM_REGIONS_MAX = 8 };

/* Guest-physical pages backed by ours; alias regions show the pages of another one. */
struct vm_region {
	uint64_t gpa;
	size_t pages;
	uint8_t *memory;
	bool alias; /* in a config: memory holds the guest-physical address to show */
};

struct vm_config {
	unsigned vcpus;			 /* 1..VM_VCPUS_MAX */
	const struct vm_region *regions; /* gpa and pages; memory is allocated, zeroed */
	unsigned region_count;
	bool wait_in_hardware;	  /* WAIT_SIPI uses the processor's activity state */
	bool decode_apic;	  /* never use the processor's APIC-register virtualization */
	const uint32_t *apic_ids; /* one for each vCPU; NULL: equal to the id */
};

struct vm {
	unsigned vcpu_count;
	bool wait_in_hardware, decode_apic;
	bool crowded; /* more vCPUs than processors */
	bool stuck;   /* a vCPU did not stop in time */
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
	void *vendor; /* the backend's: EPT, bitmaps */
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

/* Starts the boot processor of the guest at its reset vector. */
enum status vm_start(struct vm *vm);

/* INIT, then SIPI with this vector, from outside. */
enum status vm_start_ap(struct vm *vm, uint32_t apic_id, uint8_t vector);

struct vcpu *vm_vcpu(struct vm *vm, uint32_t id);		  /* NULL: none */
struct vcpu *vm_vcpu_by_apic_id(struct vm *vm, uint32_t apic_id); /* NULL: none */
unsigned vm_running(const struct vm *vm);

/*
 * Life-cycle control; each returns after the vCPU's owner has carried it out. STATUS_BAD_STATE:
 * not allowed in the vCPU's state. STATUS_TIMEOUT.
 */
enum status vcpu_pause(struct vcpu *vcpu);
enum status vcpu_resume(struct vcpu *vcpu);
enum status vcpu_stop(struct vcpu *vcpu);

/* Pins the vCPU to the processor of this index, or to none with -1, and moves it there with its
 * state. STATUS_INVALID: there is no such processor, or it is out of use. */
enum status vcpu_set_affinity(struct vcpu *vcpu, int cpu);

enum status vm_pause_all(struct vm *vm);  /* those that run */
enum status vm_resume_all(struct vm *vm); /* those that are paused */
enum status vm_stop_all(struct vm *vm);	  /* all, for good */

/* Where a guest-physical range is in our memory; NULL if it is not all in one region. */
void *vm_memory(const struct vm *vm, uint64_t gpa, size_t size);

/*
 * Runs this processor's share of vCPUs until condition(argument) holds. STATUS_TIMEOUT: not
 * within that many microseconds.
 */
enum status vm_wait(struct vm *vm, bool (*condition)(void *argument), void *argument,
		    uint64_t microseconds);

/*
 * Runs call(vcpu, argument) on the processor that owns the vCPU, with the vCPU loaded there and
 * between two guest instructions: the place from which its control structure can be read and
 * written. STATUS_TIMEOUT.
 */
enum status vcpu_call(struct vcpu *vcpu, void (*call)(struct vcpu *vcpu, void *argument),
		      void *argument);

/* A vCPU's registers between two instructions. STATUS_TIMEOUT. */
enum status vcpu_registers(struct vcpu *vcpu, struct regs *regs);

#endif
