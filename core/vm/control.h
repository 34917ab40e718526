/*
 * Control of a VM from outside. The functions here are for the boot processor, which runs the
 * tests; they wait, and while they wait that processor does its share of running vCPUs.
 */
#ifndef CORE_VM_CONTROL_H
#define CORE_VM_CONTROL_H

#include "vm/vm.h"

/* Starts the boot processor of the guest at its reset vector. */
enum status vm_start(struct vm *vm);

/* INIT, then SIPI with this vector, from outside. */
enum status vm_start_ap(struct vm *vm, uint32_t apic_id, uint8_t vector);

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
