#include "vm/create.h"

#include "backend.h"
#include "lib/pages.h"
#include "platform.h"
#include "vlapic/registers.h"
#include "vm/borrowed_timer.h"
#include "vm/control.h"
#include "vm/sched.h"

enum {
	VCPU_PAGES = (sizeof(struct vcpu) + PAGE_SIZE - 1) / PAGE_SIZE,
	VM_PAGES = (sizeof(struct vm) + PAGE_SIZE - 1) / PAGE_SIZE,
};

static void vcpu_free(struct vcpu *vcpu)
{
	if (!vcpu)
		return;
	if (vcpu->arch)
		backend->vcpu_destroy(vcpu);
	pages_free(vcpu->apic.page, 1);
	pages_free(vcpu, VCPU_PAGES);
}

static void vcpu_set_up(struct vcpu *vcpu, struct vm *vm, uint32_t id, uint32_t apic_id)
{
	uint32_t leaf[4];

	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->affinity = -1;
	vcpu->control.move_to = -1;
	vcpu->extint = -1;
	atomic_store(&vcpu->cpu, cpu_in_use(id));
	atomic_store(&vcpu->state, id == 0 ? VCPU_CREATED : VCPU_WAIT_SIPI);
	mailbox_reset(&vcpu->mailbox);
	apic_power_up(&vcpu->apic, apic_id, id == 0);
	backend->cpuid(1, 0, leaf);
	regs_power_up(&vcpu->regs, leaf[0]);
	vcpu->cache_bits = vcpu->regs.cr0 & (CR0_CD | CR0_NW);
	vcpu->regs_changed = true;
}

static enum status vcpu_new(struct vm *vm, uint32_t id, uint32_t apic_id)
{
	struct vcpu *vcpu = pages_alloc(VCPU_PAGES);

	if (!vcpu)
		return STATUS_NO_MEMORY;
	vm->vcpus[id] = vcpu;
	vcpu->apic.page = pages_alloc(1);
	if (!vcpu->apic.page)
		return STATUS_NO_MEMORY;
	vcpu_set_up(vcpu, vm, id, apic_id);
	return backend->vcpu_create(vcpu);
}

static enum status add_region(struct vm *vm, const struct vm_region *want)
{
	struct vm_region *region = &vm->regions[vm->region_count];

	*region = *want;
	if (region->alias)
		region->memory =
			vm_memory(vm, (uint64_t)(uintptr_t)want->memory, want->pages * PAGE_SIZE);
	else
		region->memory = pages_alloc(want->pages);
	if (!region->memory)
		return region->alias ? STATUS_INVALID : STATUS_NO_MEMORY;
	vm->region_count++;
	return backend->map(vm, region->gpa, physical(region->memory), region->pages);
}

static void vm_free(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_free(vm->vcpus[i]);
	for (unsigned i = 0; i < vm->region_count; i++)
		if (!vm->regions[i].alias)
			pages_free(vm->regions[i].memory, vm->regions[i].pages);
	if (vm->arch)
		backend->vm_destroy(vm);
	pages_free(vm, VM_PAGES);
}

static enum status fill(struct vm *vm, const struct vm_config *config)
{
	enum status status = backend->vm_create(vm);

	for (unsigned i = 0; status == STATUS_OK && i < config->region_count; i++)
		status = add_region(vm, &config->regions[i]);
	for (unsigned i = 0; status == STATUS_OK && i < config->vcpus; i++)
		status = vcpu_new(vm, i, config->apic_ids ? config->apic_ids[i] : i);
	return status;
}

enum status vm_create(const struct vm_config *config, struct vm **out)
{
	struct vm *vm;
	enum status status;

	if (config->vcpus == 0 || config->vcpus > VM_VCPUS_MAX ||
	    config->region_count > VM_REGIONS_MAX)
		return STATUS_INVALID;
	vm = pages_alloc(VM_PAGES);
	if (!vm)
		return STATUS_NO_MEMORY;
	vm->vcpu_count = config->vcpus;
	vm->overcommitted = config->vcpus > cpus_in_use();
	vm->wait_in_hardware = config->wait_in_hardware;
	vm->decode_apic = config->decode_apic;
	vm->virtual_interrupts = config->virtual_interrupts;
	vm->posted_interrupts = config->posted_interrupts;
	vm->borrows_timer = borrowed_timer_is_needed();
	status = fill(vm, config);
	if (status != STATUS_OK) {
		vm_free(vm);
		return status;
	}
	*out = vm;
	sched_publish(vm);
	return STATUS_OK;
}

static bool withdrawn(void *argument)
{
	(void)argument;
	return sched_withdrawn();
}

enum { DESTROY_MICROSECONDS = 1000000 };

enum status vm_withdraw(void)
{
	if (sched_quiet())
		return STATUS_OK;
	sched_publish(NULL);
	if (vm_wait(NULL, withdrawn, NULL, with_patience(DESTROY_MICROSECONDS)) == STATUS_OK)
		return STATUS_OK;
	return sched_rescue() ? STATUS_BAD_STATE : STATUS_TIMEOUT;
}

enum status vm_destroy(struct vm *vm)
{
	enum status stopped = vm_stop_all(vm), status = vm_withdraw();

	if (status == STATUS_TIMEOUT)
		return status;
	vm_free(vm);
	return stopped == STATUS_OK ? status : STATUS_BAD_STATE;
}
