/* VMX on and off on one processor: SDM vol. 3C, "Enabling and Entering VMX Operation". */
#include "lib/pages.h"
#include "platform.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "vmx/insn.h"
#include "vmx/vmx.h"

/* 0: this processor has none, or guests do not use it. */
static uint64_t read_xcr0(void)
{
	return vmx_caps.xcr0 ? xgetbv(0) : 0;
}

static void write_xcr0(uint64_t value)
{
	if (value)
		xsetbv(0, value);
}

static enum status may_allow_vmxon(void)
{
	uint64_t value;
	enum status status = rdmsr_try(IA32_FEATURE_CONTROL, &value);

	if (status != STATUS_OK)
		return status;
	return value & FEATURE_CONTROL_LOCK && !(value & FEATURE_CONTROL_VMX_OUTSIDE_SMX)
		       ? STATUS_UNSUPPORTED
		       : STATUS_OK;
}

_Atomic unsigned vmx_early_vmxons, vmx_early_vmxons_accepted;

/* VMXON while IA32_FEATURE_CONTROL does not allow it. */
static void try_early(const struct vmx_cpu *arch)
{
	atomic_fetch_add(&vmx_early_vmxons, 1);
	if (vmxon(physical(arch->vmxon_region)) == STATUS_FAULT)
		return;
	atomic_fetch_add(&vmx_early_vmxons_accepted, 1);
	(void)!vmxoff();
}

static enum status allow_vmxon(const struct vmx_cpu *arch)
{
	const uint64_t value = rdmsr(IA32_FEATURE_CONTROL) | FEATURE_CONTROL_VMX_OUTSIDE_SMX;

	if (value & FEATURE_CONTROL_LOCK)
		return STATUS_OK;
	try_early(arch);
	if (wrmsr_try(IA32_FEATURE_CONTROL, value) == STATUS_OK)
		try_early(arch);
	/* Locking lasts until reset; VMXON demands it. */
	return wrmsr_try(IA32_FEATURE_CONTROL, value | FEATURE_CONTROL_LOCK);
}

static struct vmx_cpu *arch_of(struct cpu *cpu)
{
	_Static_assert(sizeof(struct vmx_cpu) < PAGE_SIZE, "one page for it, one for the region");
	struct vmx_cpu *arch = pages_alloc(2);

	if (!arch)
		return NULL;
	arch->vmxon_region = (uint8_t *)arch + PAGE_SIZE;
	*(uint32_t *)arch->vmxon_region = (uint32_t)(vmx_caps.basic & 0x7FFFFFFF);
	cpu->arch = arch;
	return arch;
}

/* May raise exceptions where the capability MSRs are wrong: its caller is prepared. */
enum status vmx_cpu_on(struct cpu *cpu)
{
	struct vmx_cpu *arch;
	struct vmx_caps here;
	uint64_t cr4;
	enum status status = may_allow_vmxon();

	if (status != STATUS_OK)
		return status;
	if (!vmx_caps_join(&here, !cpu->index))
		return STATUS_DIFFERENT;
	arch = arch_of(cpu);
	if (!arch)
		return STATUS_NO_MEMORY;
	arch->cr0 = read_cr0();
	arch->cr4 = read_cr4();
	write_cr0((arch->cr0 | here.cr0_fixed0) & here.cr0_fixed1);
	cr4 = arch->cr4 | here.cr4_fixed0 | CR4_VMXE;
	if (vmx_caps.xcr0)
		cr4 |= CR4_OSXSAVE; /* XSETBV, for the guests' extended state */
	write_cr4(cr4 & here.cr4_fixed1);
	arch->xcr0 = read_xcr0();
	status = allow_vmxon(arch);
	if (status == STATUS_OK)
		status = vmxon(physical(arch->vmxon_region));
	arch->on = status == STATUS_OK;
	if (!arch->on)
		vmx_cpu_off(cpu);
	return status;
}

void vmx_cpu_off(struct cpu *cpu)
{
	struct vmx_cpu *arch = cpu->arch;

	if (!arch)
		return;
	if (arch->on) {
		/* No VMCS is active here any more; translations of ours must not outlive us. */
		if (vmx_caps.ept_vpid & EPT_CAP_INVEPT_ALL)
			(void)!invept(INVALIDATE_ALL, (struct invept_descriptor){ 0 });
		if (vmx_caps.ept_vpid & VPID_CAP_INVVPID_ALL)
			(void)!invvpid(INVALIDATE_ALL, (struct invvpid_descriptor){ 0 });
		if (vmxoff() != STATUS_OK) {
			cpu->error = STATUS_FAULT;
			arch->cr4 |= CR4_VMXE; /* it cannot be cleared in VMX operation */
		}
	}
	write_xcr0(arch->xcr0);
	write_cr4(arch->cr4);
	write_cr0(arch->cr0);
	cpu->arch = NULL;
	pages_free(arch, 2);
}
