/* A vCPU's VMCS: made, loaded on a processor, taken off again. */
#include "lib/pages.h"
#include "platform.h"
#include "vm/cpu.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "vmx/insn.h"
#include "vmx/quirks.h"
#include "vmx/vmx.h"

_Static_assert(sizeof(struct vmx_vcpu) <= PAGE_SIZE, "one page");

enum status vmx_vcpu_create(struct vcpu *vcpu)
{
	struct vmx_vcpu *arch = pages_alloc(1);

	if (!arch)
		return STATUS_NO_MEMORY;
	vcpu->arch = arch;
	arch->vmcs = pages_alloc(1);
	if (!arch->vmcs)
		return STATUS_NO_MEMORY;
	*(uint32_t *)arch->vmcs = (uint32_t)(vmx_caps.basic & 0x7FFFFFFF);
	arch->guest_dr6 = DR6_POWER_UP;
	posted_reset(&arch->posted);
	fpu_power_up(&arch->fpu);
	return STATUS_OK;
}

void vmx_vcpu_destroy(struct vcpu *vcpu)
{
	struct vmx_vcpu *arch = vcpu->arch;

	pages_free(arch->vmcs, 1);
	pages_free(arch, 1);
	vcpu->arch = NULL;
}

static bool use_vpid(void)
{
	return vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_VPID)) &&
	       vmx_caps.ept_vpid & VPID_CAP_INVVPID &&
	       vmx_caps.ept_vpid & (VPID_CAP_INVVPID_SINGLE | VPID_CAP_INVVPID_ALL);
}

/* Without MSR bitmaps every RDMSR and WRMSR exits. */
static uint32_t primary_controls(void)
{
	uint32_t wanted = CONTROL_MASK(PRIMARY_HLT) | CONTROL_MASK(PRIMARY_MWAIT) |
			  CONTROL_MASK(PRIMARY_MONITOR) | CONTROL_MASK(PRIMARY_RDPMC) |
			  CONTROL_MASK(PRIMARY_IO) | CONTROL_MASK(PRIMARY_SECONDARY);

	if (vmx_allows(GROUP_PRIMARY, CONTROL_MASK(PRIMARY_TPR_SHADOW)))
		wanted |= CONTROL_MASK(PRIMARY_TPR_SHADOW);
	else
		wanted |= CONTROL_MASK(PRIMARY_CR8_LOAD) | CONTROL_MASK(PRIMARY_CR8_STORE);
	/* Where they are not "true" controls, CR3 exits are forced on; with EPT they may be off. */
	return vmx_adjust(GROUP_PRIMARY, wanted);
}

/* SDM vol. 3C, "VM-Exit Control Fields": the timer's value is not saved where it is not active. */
static uint32_t timer(uint32_t control)
{
	return vmx_borrows_timer() ? 0 : control;
}

static void write_execution_controls(struct vcpu *vcpu, struct vmx_vcpu *arch)
{
	const struct vmx_vm *vm = vcpu->vm->arch;

	arch->pin =
		vmx_adjust(GROUP_PIN, CONTROL_MASK(PIN_EXTERNAL_INTERRUPT) | CONTROL_MASK(PIN_NMI) |
					      CONTROL_MASK(PIN_VIRTUAL_NMIS) |
					      timer(CONTROL_MASK(PIN_PREEMPTION_TIMER)));
	arch->primary = primary_controls();
	arch->secondary = vmx_adjust(GROUP_SECONDARY,
				     CONTROL_MASK(SECONDARY_EPT) |
					     CONTROL_MASK(SECONDARY_UNRESTRICTED_GUEST) |
					     CONTROL_MASK(SECONDARY_WBINVD) |
					     (use_vpid() ? CONTROL_MASK(SECONDARY_VPID) : 0));
	vmwrite(PIN_BASED_CONTROLS, arch->pin);
	vmwrite(PRIMARY_CONTROLS, arch->primary);
	vmwrite(SECONDARY_CONTROLS, arch->secondary);
	vmwrite(EXCEPTION_BITMAP, BIT(18)); /* machine checks are the host's: see CR4.MCE */
	vmwrite(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmwrite(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmwrite(CR3_TARGET_COUNT, 0);
	vmwrite(EPT_POINTER, vm->eptp);
	if (use_vpid())
		vmwrite(VPID, vcpu->id + 1);
	if (arch->primary & CONTROL_MASK(PRIMARY_TPR_SHADOW)) {
		vmwrite(VIRTUAL_APIC_ADDRESS, physical(vcpu->apic.page));
		vmwrite(TPR_THRESHOLD, 0);
	}
	if (vm->apic_access_page)
		vmwrite(APIC_ACCESS_ADDRESS, physical(vm->apic_access_page));
}

static void write_entry_exit_controls(struct vmx_vcpu *arch)
{
	arch->exit = vmx_adjust(
		GROUP_EXIT, CONTROL_MASK(EXIT_SAVE_DEBUG) | CONTROL_MASK(EXIT_HOST_64) |
				    CONTROL_MASK(EXIT_SAVE_PAT) | CONTROL_MASK(EXIT_LOAD_PAT) |
				    CONTROL_MASK(EXIT_SAVE_EFER) | CONTROL_MASK(EXIT_LOAD_EFER) |
				    timer(CONTROL_MASK(EXIT_SAVE_TIMER)));
	arch->entry = vmx_adjust(GROUP_ENTRY, CONTROL_MASK(ENTRY_LOAD_DEBUG) |
						      CONTROL_MASK(ENTRY_LOAD_PAT) |
						      CONTROL_MASK(ENTRY_LOAD_EFER));
	vmwrite(EXIT_CONTROLS, arch->exit);
	vmwrite(ENTRY_CONTROLS, arch->entry);
	vmwrite(EXIT_MSR_STORE_COUNT, 0);
	vmwrite(EXIT_MSR_LOAD_COUNT, 0);
	vmwrite(ENTRY_MSR_LOAD_COUNT, 0);
	vmwrite(ENTRY_INTERRUPTION_INFO, 0);
	vmwrite(VMCS_LINK_POINTER, ~0ull);
	vmwrite(GUEST_IA32_DEBUGCTL, 0);
	vmwrite(GUEST_IA32_SYSENTER_CS, 0);
	vmwrite(GUEST_IA32_SYSENTER_ESP, 0);
	vmwrite(GUEST_IA32_SYSENTER_EIP, 0);
}

void vmx_flush_linear(struct vcpu *vcpu)
{
	if (!use_vpid())
		return;
	if (vmx_caps.ept_vpid & VPID_CAP_INVVPID_SINGLE)
		(void)!invvpid(INVALIDATE_SINGLE,
			       (struct invvpid_descriptor){ .vpid = vcpu->id + 1 });
	else
		(void)!invvpid(INVALIDATE_ALL, (struct invvpid_descriptor){ 0 });
}

enum status vmx_load(struct cpu *cpu, struct vcpu *vcpu)
{
	struct vmx_vcpu *arch = vmx_of(vcpu);
	bool first = !arch->host_state;
	enum status status = STATUS_OK;

	/* A fresh region must be cleared once before its first use. */
	if (first)
		status = vmclear(physical(arch->vmcs));
	if (status == STATUS_OK)
		status = vmptrld(physical(arch->vmcs));
	if (status != STATUS_OK)
		return status;
	if (first) {
		write_execution_controls(vcpu, arch);
		write_entry_exit_controls(arch);
	}
	if (arch->host_state != cpu) {
		vmx_write_host_state();
		arch->host_state = cpu;
		arch->host_rsp = 0;
	}
	arch->cpu = cpu;
	arch->launched = false;
	/* Whatever this processor has cached of this VM may be from before. */
	vmx_flush(vcpu->vm);
	vmx_flush_linear(vcpu);
	vmx_post_load(vcpu);
	vmx_debug_load(arch);
	fpu_restore(&arch->fpu, vmx_caps.xcr0, vcpu->regs.xcr0);
	return STATUS_OK;
}

void vmx_unload(struct cpu *cpu, struct vcpu *vcpu)
{
	struct vmx_vcpu *arch = vmx_of(vcpu);

	(void)vmx_interruptibility(vcpu);
	fpu_save(&arch->fpu, vmx_caps.xcr0);
	vmx_debug_unload(arch);
	vmx_post_unload(cpu, vcpu);
	if (arch->rsp_in_gpr)
		vmwrite(GUEST_RSP, vcpu->regs.gpr[RSP]);
	arch->rsp_in_gpr = false;
	arch->cpu = NULL;
	if (vmclear(physical(arch->vmcs)) != STATUS_OK)
		cpu->error = STATUS_VM_FAIL_VALID;
}

/*
 * In xAPIC mode the processor may virtualize the registers, and in x2APIC mode the MSRs if it
 * delivers interrupts, too. In the other modes the page is not there: accesses to it exit, so that
 * core/ refuses them. "Virtualize x2APIC mode" excludes these exits: the guest finds memory there.
 */
static uint32_t apic_controls(const struct vcpu *vcpu, enum apic_mode mode)
{
	uint32_t delivery =
		vcpu->virtual_interrupts ? CONTROL_MASK(SECONDARY_INTERRUPT_DELIVERY) : 0;

	if (mode == APIC_XAPIC)
		return CONTROL_MASK(SECONDARY_APIC_ACCESSES) |
		       CONTROL_MASK(SECONDARY_APIC_REGISTERS) | delivery;
	if (delivery)
		return CONTROL_MASK(SECONDARY_X2APIC) | CONTROL_MASK(SECONDARY_APIC_REGISTERS) |
		       delivery;
	return CONTROL_MASK(SECONDARY_APIC_ACCESSES);
}

void vmx_apic_mode_changed(struct vcpu *vcpu)
{
	const uint32_t all =
		CONTROL_MASK(SECONDARY_APIC_ACCESSES) | CONTROL_MASK(SECONDARY_X2APIC) |
		CONTROL_MASK(SECONDARY_APIC_REGISTERS) | CONTROL_MASK(SECONDARY_INTERRUPT_DELIVERY);
	struct vmx_vcpu *arch = vmx_of(vcpu);
	const struct vmx_vm *vm = vcpu->vm->arch;
	enum apic_mode mode = apic_mode(&vcpu->apic);

	if (!vm->apic_access_page)
		return;
	vcpu->virtual_interrupts = vm->msr_bitmap && mode != APIC_DISABLED;
	arch->secondary = (arch->secondary & ~all) | apic_controls(vcpu, mode);
	vmwrite(SECONDARY_CONTROLS, arch->secondary);
	if (!vm->msr_bitmap)
		return;
	arch->primary &= ~CONTROL_MASK(PRIMARY_MSR_BITMAPS);
	if (mode == APIC_X2APIC)
		arch->primary |= CONTROL_MASK(PRIMARY_MSR_BITMAPS);
	vmwrite(PRIMARY_CONTROLS, arch->primary);
	if (vcpu->virtual_interrupts)
		vmx_deliver_begin(vcpu);
	vmx_post_mode_changed(vcpu);
}

void vmx_xcr0_changed(struct vcpu *vcpu)
{
	if (vmx_caps.xcr0)
		xsetbv(0, vcpu->regs.xcr0);
}
