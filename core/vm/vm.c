#include "vm/vm.h"

#include "vm/cpu.h"

struct vcpu *vm_vcpu(struct vm *vm, uint32_t id)
{
	return id < vm->vcpu_count ? vm->vcpus[id] : NULL;
}

struct vcpu *vm_vcpu_by_apic_id(struct vm *vm, uint32_t apic_id)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpus[i]->apic.id == apic_id)
			return vm->vcpus[i];
	return NULL;
}

unsigned vm_running(const struct vm *vm)
{
	unsigned running = 0;

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		running += atomic_load(&vm->vcpus[i]->state) == VCPU_RUNNING;
	return running;
}

void *vm_memory(const struct vm *vm, uint64_t gpa, size_t size)
{
	for (unsigned i = 0; i < vm->region_count; i++) {
		const struct vm_region *region = &vm->regions[i];
		uint64_t length = region->pages * PAGE_SIZE;

		if (gpa >= region->gpa && gpa - region->gpa < length &&
		    size <= length - (gpa - region->gpa))
			return region->memory + (gpa - region->gpa);
	}
	return NULL;
}
