#include "tests/host/fake/fake_vm.h"

#include "lib/pages.h"
#include "vm/cpu.h"
#include "vm/create.h"
#include "vm/receive.h"

struct vm *fake_vm_with_ids(unsigned vcpus, const uint32_t *apic_ids)
{
	const struct vm_region memory = { .gpa = 0, .pages = FAKE_VM_PAGES };
	const struct vm_config config = {
		.vcpus = vcpus, .regions = &memory, .region_count = 1, .apic_ids = apic_ids
	};
	struct vm *vm = NULL;

	FAKE_CHECK(vm_create(&config, &vm) == STATUS_OK);
	return vm;
}

struct vm *fake_vm(unsigned vcpus)
{
	return fake_vm_with_ids(vcpus, NULL);
}

void fake_vm_end(struct vm *vm)
{
	FAKE_CHECK(vm_destroy(vm) == STATUS_OK);
	FAKE_CHECK(pages_in_use() == 0);
	FAKE_CHECK(fake_vendor.vms == 0 && fake_vendor.vcpus == 0);
	FAKE_CHECK(atomic_load(&fake.lost_wakeups) == 0);
}

void fake_set_state(struct vcpu *vcpu, enum vcpu_state state)
{
	atomic_store(&vcpu->state, state);
}

struct vcpu *fake_run_from_start(struct vm *vm, unsigned id, fake_program *program, void *argument)
{
	struct vcpu *vcpu = vm_vcpu(vm, id);

	fake_set_program(vcpu, program, argument);
	fake_set_state(vcpu, VCPU_RUNNING);
	return vcpu;
}

void fake_drain(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_drain(vm->vcpus[i]);
}

void fake_poke(struct apic *apic, uint32_t offset, uint32_t value)
{
	__atomic_store_n(&apic->page[offset / sizeof(uint32_t)], value, __ATOMIC_RELAXED);
}

void fake_enable_apics(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		fake_poke(&vm->vcpus[i]->apic, APIC_SVR, 0x1FF);
}

struct fake_sums fake_sums(const struct vm *vm)
{
	struct fake_sums sums = { 0 };

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		const struct vcpu_counts *counts = &vm->vcpus[i]->counts;

		sums.sent += atomic_load(&counts->sent);
		sums.received += atomic_load(&counts->received);
		sums.delivered += atomic_load(&counts->delivered);
		sums.coalesced += atomic_load(&counts->coalesced);
		sums.dropped += atomic_load(&counts->dropped);
	}
	sums.sent += atomic_load(&vm->outside);
	return sums;
}
