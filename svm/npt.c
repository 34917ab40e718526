/* Guest-physical memory and permission maps: APM vol. 2, "Nested Paging", "I/O Permissions Map",
 * "MSR Permissions Map". */
#include "lib/pages.h"

#include "svm/svm.h"

/* A nested walk is one of user accesses: APM vol. 2, "Nested Page Table Permissions". */
enum { NPT_PRESENT = 1 << 0, NPT_WRITE = 1 << 1, NPT_USER = 1 << 2 };
#define NPT_BITS (NPT_PRESENT | NPT_WRITE | NPT_USER)

enum { IOPM_PAGES = 3, MSRPM_PAGES = 2 };

enum status svm_vm_create(struct vm *vm)
{
	_Static_assert(sizeof(struct svm_vm) <= PAGE_SIZE, "one page");
	struct svm_vm *arch = pages_alloc(1);

	if (!arch)
		return STATUS_NO_MEMORY;
	vm->arch = arch;
	arch->empty = pages_alloc(1);
	arch->iopm = pages_alloc(IOPM_PAGES);
	arch->msrpm = pages_alloc(MSRPM_PAGES);
	if (!arch->empty || !arch->iopm || !arch->msrpm)
		return STATUS_NO_MEMORY;
	__builtin_memset(arch->iopm, 0xFF, IOPM_PAGES * PAGE_SIZE);
	__builtin_memset(arch->msrpm, 0xFF, MSRPM_PAGES * PAGE_SIZE);
	return nested_create(&arch->npt, NPT_BITS | svm_caps.encrypted);
}

void svm_vm_destroy(struct vm *vm)
{
	struct svm_vm *arch = vm->arch;

	nested_destroy(&arch->npt);
	pages_free(arch->empty, 1);
	pages_free(arch->iopm, IOPM_PAGES);
	pages_free(arch->msrpm, MSRPM_PAGES);
	pages_free(arch, 1);
	vm->arch = NULL;
}

enum status svm_map(struct vm *vm, uint64_t gpa, uint64_t physical_address, size_t pages)
{
	struct svm_vm *arch = vm->arch;

	return nested_map(&arch->npt, gpa, physical_address, pages, NPT_BITS | svm_caps.encrypted);
}
