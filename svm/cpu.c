/* SVM on and off on one processor: APM vol. 2, "Enabling SVM" and "SVM Related MSRs". */
#include "lib/pages.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "svm/insn.h"
#include "svm/svm.h"

enum { PAGES = 3 }; /* struct svm_cpu, the host save area, the host's VMCB */

static struct svm_cpu *arch_of(struct cpu *cpu)
{
	_Static_assert(sizeof(struct svm_cpu) <= PAGE_SIZE, "one page");
	uint8_t *memory = pages_alloc(PAGES);
	struct svm_cpu *arch = (void *)memory;

	if (!arch)
		return NULL;
	arch->host_save = memory + PAGE_SIZE;
	arch->host = (void *)(memory + 2 * PAGE_SIZE);
	cpu->arch = arch;
	return arch;
}

/*
 * SVMDIS is cleared where it is not locked, and put back. R_INIT turns an INIT that GIF=0 has held
 * into #SX, where it would reset the processor: APM vol. 2, "INIT Redirection". Processors without
 * it ignore the write.
 */
static enum status allow_svme(struct svm_cpu *arch)
{
	arch->has_vm_cr = rdmsr_try(AMD_VM_CR, &arch->vm_cr) == STATUS_OK;
	if (!arch->has_vm_cr)
		return STATUS_OK;
	if (arch->vm_cr & VM_CR_SVMDIS && arch->vm_cr & VM_CR_LOCK)
		return STATUS_UNSUPPORTED;
	return wrmsr_try(AMD_VM_CR, (arch->vm_cr & ~(uint64_t)VM_CR_SVMDIS) | VM_CR_R_INIT);
}

static enum status switch_on(struct svm_cpu *arch)
{
	enum status status = allow_svme(arch);

	if (status == STATUS_OK)
		status = wrmsr_try(IA32_EFER, arch->efer | EFER_SVME);
	arch->on = status == STATUS_OK;
	if (status == STATUS_OK)
		status = rdmsr_try(AMD_VM_HSAVE_PA, &arch->hsave_pa);
	if (status == STATUS_OK)
		status = wrmsr_try(AMD_VM_HSAVE_PA, svm_physical(arch->host_save));
	if (status == STATUS_OK)
		status = svm_vmsave(svm_physical(arch->host));
	return status;
}

enum status svm_cpu_on(struct cpu *cpu)
{
	struct svm_cpu *arch;
	enum status status;

	if (!svm_offered())
		return STATUS_UNSUPPORTED;
	if (!svm_caps_are_the_same())
		return STATUS_DIFFERENT;
	arch = arch_of(cpu);
	if (!arch)
		return STATUS_NO_MEMORY;
	arch->efer = rdmsr(IA32_EFER);
	arch->cr4 = read_cr4();
	if (svm_caps.xcr0) {
		write_cr4(arch->cr4 | CR4_OSXSAVE); /* XSETBV, for the guests' extended state */
		arch->xcr0 = xgetbv(0);
	}
	status = switch_on(arch);
	if (status != STATUS_OK)
		svm_cpu_off(cpu);
	return status;
}

void svm_cpu_off(struct cpu *cpu)
{
	struct svm_cpu *arch = cpu->arch;

	if (!arch)
		return;
	if (arch->on && wrmsr_try(AMD_VM_HSAVE_PA, arch->hsave_pa) != STATUS_OK)
		cpu->error = STATUS_FAULT;
	wrmsr(IA32_EFER, arch->efer);
	if (arch->has_vm_cr && wrmsr_try(AMD_VM_CR, arch->vm_cr) != STATUS_OK)
		cpu->error = STATUS_FAULT;
	if (svm_caps.xcr0) {
		xsetbv(0, arch->xcr0);
		write_cr4(arch->cr4);
	}
	cpu->arch = NULL;
	pages_free(arch, PAGES);
}
