/* A vCPU's VMCB: made, loaded on a processor, taken off again. */
#include "lib/pages.h"
#include "x86/insn.h"

#include "svm/insn.h"
#include "svm/quirks.h"
#include "svm/svm.h"

_Static_assert(sizeof(struct svm_vcpu) <= PAGE_SIZE, "one page");

enum {
	FEATURE_RDPRU = 1 << 4, /* CPUID 80000008H EBX */
	FEATURE_INVLPGB = 1 << 3,
	FEATURE_MCOMMIT = 1 << 8,
};

/* Intercepts that never change. Machine checks are the host's. */
static const uint8_t always[] = {
	SVM_EXIT_WRITE_CR4,   SVM_EXIT_MC,	 SVM_EXIT_INTR,	   SVM_EXIT_NMI,
	SVM_EXIT_INIT,	      SVM_EXIT_RDPMC,	 SVM_EXIT_CPUID,   SVM_EXIT_INVD,
	SVM_EXIT_HLT,	      SVM_EXIT_INVLPGA,	 SVM_EXIT_IOIO,	   SVM_EXIT_MSR,
	SVM_EXIT_TASK_SWITCH, SVM_EXIT_SHUTDOWN, SVM_EXIT_VMRUN,   SVM_EXIT_VMMCALL,
	SVM_EXIT_VMLOAD,      SVM_EXIT_VMSAVE,	 SVM_EXIT_STGI,	   SVM_EXIT_CLGI,
	SVM_EXIT_SKINIT,      SVM_EXIT_WBINVD,	 SVM_EXIT_MONITOR, SVM_EXIT_MWAIT,
	SVM_EXIT_MWAIT_ARMED, SVM_EXIT_XSETBV,
};

void svm_intercept(struct svm_vcpu *arch, unsigned code, bool on)
{
	if (vmcb_intercepts(arch->vmcb, code) == on)
		return;
	vmcb_intercept(arch->vmcb, code, on);
	arch->clean &= ~(uint32_t)BIT(VMCB_CLEAN_INTERCEPTS);
}

/* Of instructions that a guest does not have, where the processor knows the intercept. */
static void intercept_newer(struct svm_vcpu *arch)
{
	const uint32_t features = svm_caps.extended_features;

	svm_intercept(arch, SVM_EXIT_RDPRU, features & FEATURE_RDPRU);
	svm_intercept(arch, SVM_EXIT_INVLPGB, features & FEATURE_INVLPGB);
	svm_intercept(arch, SVM_EXIT_INVLPGB_ILLEGAL, features & FEATURE_INVLPGB);
	svm_intercept(arch, SVM_EXIT_TLBSYNC, features & FEATURE_INVLPGB);
	svm_intercept(arch, SVM_EXIT_MCOMMIT, features & FEATURE_MCOMMIT);
	svm_intercept(arch, SVM_EXIT_INVPCID, svm_caps.invpcid);
}

enum status svm_vcpu_create(struct vcpu *vcpu)
{
	const struct svm_vm *vm = vcpu->vm->arch;
	struct svm_vcpu *arch = pages_alloc(1);

	if (!arch)
		return STATUS_NO_MEMORY;
	vcpu->arch = arch;
	arch->vmcb = pages_alloc(1);
	if (!arch->vmcb)
		return STATUS_NO_MEMORY;
	for (unsigned i = 0; i < ARRAY_SIZE(always); i++)
		svm_intercept(arch, always[i], true);
	intercept_newer(arch);
	vmcb_set(arch->vmcb, VMCB_IOPM_BASE_PA, svm_physical(vm->iopm));
	vmcb_set(arch->vmcb, VMCB_MSRPM_BASE_PA, svm_physical(vm->msrpm));
	/* 0 is the host's. Those that share one never meet: each load flushes. */
	vmcb_set(arch->vmcb, VMCB_GUEST_ASID, vcpu->id % (svm_caps.asids - 1) + 1);
	vmcb_set(arch->vmcb, VMCB_VINTR,
		 VINTR_MASKING | (svm_has(SVM_VNMI) ? VINTR_NMI_ENABLE : 0));
	vmcb_set(arch->vmcb, VMCB_NP_CONTROL, NP_ENABLE);
	vmcb_set(arch->vmcb, VMCB_N_CR3, svm_physical(vm->npt.root));
	fpu_power_up(&arch->fpu);
	return STATUS_OK;
}

void svm_vcpu_destroy(struct vcpu *vcpu)
{
	struct svm_vcpu *arch = vcpu->arch;

	pages_free(arch->vmcb, 1);
	pages_free(arch, 1);
	vcpu->arch = NULL;
}

enum status svm_load(struct cpu *cpu, struct vcpu *vcpu)
{
	struct svm_vcpu *arch = svm_of(vcpu);

	arch->cpu = cpu;
	if (arch->last != cpu)
		arch->clean = 0;
	arch->last = cpu;
	/* Whatever this processor has cached for the ASID may be another's, or from before. */
	arch->flush = true;
	debug_host_save(&arch->host_debug);
	debug_addresses_write(arch->guest_dr);
	if (svm_quirk_is_here(QUIRK_CR2))
		write_cr2(svm_get(arch, CR2));
	fpu_restore(&arch->fpu, svm_caps.xcr0, vcpu->regs.xcr0);
	return STATUS_OK;
}

void svm_unload(struct cpu *cpu, struct vcpu *vcpu)
{
	struct svm_vcpu *arch = svm_of(vcpu);

	(void)cpu;
	vcpu->regs.xcr0 = svm_xcr0(vcpu);
	fpu_save(&arch->fpu, svm_caps.xcr0);
	debug_addresses_read(arch->guest_dr);
	debug_host_restore(&arch->host_debug);
	arch->cpu = NULL;
}
