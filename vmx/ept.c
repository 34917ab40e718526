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
	TABLE_ENTRIES = 512,
};

#define EPT_RWX (EPT_READ | EPT_WRITE | EPT_EXECUTE)
#define EPT_ADDRESS 0x000FFFFFFFFFF000ull

static uint64_t *table_at(uint64_t entry)
{
	return (uint64_t *)(uintptr_t)(entry & EPT_ADDRESS);
}

static uint64_t *make_table(struct vmx_vm *arch)
{
	uint64_t *table = arch->tables < EPT_TABLES_MAX ? pages_alloc(1) : NULL;

	if (table)
		arch->table[arch->tables++] = table;
	return table;
}

/* The leaf entry for a guest-physical address; tables on the way are made. NULL: no memory. */
static uint64_t *leaf(struct vmx_vm *arch, uint64_t gpa)
{
	uint64_t *table = arch->ept;

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t *entry = &table[gpa >> shift & (TABLE_ENTRIES - 1)];

		if (!*entry) {
			uint64_t *below = make_table(arch);

			if (!below)
				return NULL;
			*entry = physical(below) | EPT_RWX;
		}
		table = table_at(*entry);
	}
	return &table[gpa >> 12 & (TABLE_ENTRIES - 1)];
}

enum status vmx_map(struct vm *vm, uint64_t gpa, uint64_t physical_address, size_t pages)
{
	struct vmx_vm *arch = vm->arch;

	for (size_t i = 0; i < pages; i++) {
		uint64_t *entry = leaf(arch, gpa + i * PAGE_SIZE);

		if (!entry)
			return STATUS_NO_MEMORY;
		*entry = (physical_address + i * PAGE_SIZE) | EPT_TYPE_WB | EPT_RWX;
	}
	return STATUS_OK;
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
	arch->ept = pages_alloc(1);
	if (!arch->ept)
		return STATUS_NO_MEMORY;
	arch->eptp = physical(arch->ept) | EPTP_WALK_4 | EPTP_WB;
	if (!use_apic_page(vm))
		return STATUS_OK;
	arch->apic_access_page = pages_alloc(1);
	if (!arch->apic_access_page)
		return STATUS_NO_MEMORY;
	return vmx_map(vm, APIC_DEFAULT_BASE, physical(arch->apic_access_page), 1);
}

void vmx_vm_destroy(struct vm *vm)
{
	struct vmx_vm *arch = vm->arch;

	for (unsigned i = 0; i < arch->tables; i++)
		pages_free(arch->table[i], 1);
	pages_free(arch->ept, 1);
	pages_free(arch->apic_access_page, 1);
	pages_free(arch, 1);
	vm->arch = NULL;
}
