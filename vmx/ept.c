/* Guest-physical memory: SDM vol. 3C, "The Extended Page Table Mechanism (EPT)". 4 KiB pages. */
#include "lib/pages.h"
#include "platform.h"
#include "x86/msr.h"

#include "vmx/insn.h"
#include "vmx/vmx.h"

enum {
	EPT_READ = 1 << 0,
	EPT_WRITE = 1 << 1,
	EPT_EXECUTE = 1 << 2,
	EPT_TYPE_WB = 6 << 3, /* in a leaf */
	EPTP_WB = 6,
	EPTP_WALK_4 = 3 << 3,
};

#define EPT_RWX (EPT_READ | EPT_WRITE | EPT_EXECUTE)

enum status vmx_map(struct vm *vm, uint64_t gpa, uint64_t physical_address, size_t pages)
{
	struct vmx_vm *arch = vm->arch;

	return nested_map(&arch->ept, gpa, physical_address, pages, EPT_TYPE_WB | EPT_RWX);
}

/* Where INVEPT does not exist there is no EPT either (it comes with the capability MSR). */
void vmx_flush(struct vm *vm)
{
	struct vmx_vm *arch = vm->arch;

	if (vmx_caps.ept_vpid & EPT_CAP_INVEPT_SINGLE)
		(void)!invept(INVALIDATE_SINGLE, (struct invept_descriptor){ .eptp = arch->eptp });
	else if (vmx_caps.ept_vpid & EPT_CAP_INVEPT_ALL)
		(void)!invept(INVALIDATE_ALL, (struct invept_descriptor){ 0 });
}

static bool use_apic_page(const struct vm *vm)
{
	return !vm->decode_apic &&
	       vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_APIC_ACCESSES) |
						   CONTROL_MASK(SECONDARY_APIC_REGISTERS)) &&
	       vmx_allows(GROUP_PRIMARY, CONTROL_MASK(PRIMARY_TPR_SHADOW));
}

enum status vmx_vm_create(struct vm *vm)
{
	_Static_assert(sizeof(struct vmx_vm) <= PAGE_SIZE, "one page");
	struct vmx_vm *arch = pages_alloc(1);

	if (!arch)
		return STATUS_NO_MEMORY;
	vm->arch = arch;
	if (nested_create(&arch->ept, EPT_RWX) != STATUS_OK)
		return STATUS_NO_MEMORY;
	arch->eptp = physical(arch->ept.root) | EPTP_WALK_4 | EPTP_WB;
	if (vmx_borrows_timer()) {
		arch->empty = pages_alloc(1);
		if (!arch->empty)
			return STATUS_NO_MEMORY;
		arch->empty_eptp = physical(arch->empty) | EPTP_WALK_4 | EPTP_WB;
	}
	if (!use_apic_page(vm))
		return STATUS_OK;
	arch->apic_access_page = pages_alloc(1);
	if (!arch->apic_access_page)
		return STATUS_NO_MEMORY;
	if (vm->virtual_interrupts && vmx_delivers_interrupts() &&
	    vmx_deliver_create(arch) != STATUS_OK)
		return STATUS_NO_MEMORY;
	arch->posts = arch->msr_bitmap && vm->posted_interrupts && vmx_posts_interrupts();
	return vmx_map(vm, APIC_DEFAULT_BASE, physical(arch->apic_access_page), 1);
}

void vmx_vm_destroy(struct vm *vm)
{
	struct vmx_vm *arch = vm->arch;

	nested_destroy(&arch->ept);
	pages_free(arch->apic_access_page, 1);
	pages_free(arch->empty, 1);
	pages_free(arch->msr_bitmap, 1);
	pages_free(arch, 1);
	vm->arch = NULL;
}
