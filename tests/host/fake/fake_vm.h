/* What most host tests begin and end with: a machine, a VM with a little memory, no leak. */
#ifndef TESTS_HOST_FAKE_FAKE_VM_H
#define TESTS_HOST_FAKE_FAKE_VM_H

#include "vm/vm.h"

#include "tests/host/fake/fake_backend.h"
#include "tests/host/fake/fake_platform.h"

enum { FAKE_VM_PAGES = 16 };

/* On the machine that fake_machine made; FAKE_VM_PAGES at guest-physical 0. */
struct vm *fake_vm(unsigned vcpus);
struct vm *fake_vm_with_ids(unsigned vcpus, const uint32_t *apic_ids);

/* Destroys it; fails the test if a page or a fake is left over. */
void fake_vm_end(struct vm *vm);

/* Makes vCPU id run this program from the start, as its boot processor's START would. */
struct vcpu *fake_run_from_start(struct vm *vm, unsigned id, fake_program *program, void *argument);

/* Puts a vCPU into a state without any event, for tests of what comes then. */
void fake_set_state(struct vcpu *vcpu, enum vcpu_state state);

/* All messages of all vCPUs are applied; no guest runs. */
void fake_drain(struct vm *vm);

/* Software-enables the APIC of every vCPU, as an operating system does first. */
void fake_enable_apics(struct vm *vm);

/* A register of the APIC page, set behind core's back. */
void fake_poke(struct apic *apic, uint32_t offset, uint32_t value);

/* Sum over all vCPUs. */
struct fake_sums {
	uint64_t sent, received, delivered, coalesced, dropped;
};
struct fake_sums fake_sums(const struct vm *vm);

#endif
