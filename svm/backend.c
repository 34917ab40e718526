#include "x86/cpuid.h"
#include "x86/insn.h"

#include "svm/quirks.h"
#include "svm/svm.h"

static uint64_t rflags_get(struct vcpu *vcpu)
{
	return svm_get(svm_of(vcpu), RFLAGS);
}

static void rflags_set(struct vcpu *vcpu, uint64_t rflags)
{
	vmcb_set(svm_of(vcpu)->vmcb, VMCB_RFLAGS, rflags);
}

static bool borrows_timer(void)
{
	return true;
}

static bool needs_pacemaker(void)
{
	return svm_quirk_is_here(QUIRK_INTR_WAITS);
}

/* Each load flushes, and a processor has no translations of a guest that is not loaded. */
static void flush(struct vm *vm)
{
	(void)vm;
}

/* The APIC's page is mapped in no mode: every access exits, and core/ decides. */
static void apic_mode_changed(struct vcpu *vcpu)
{
	(void)vcpu;
}

static void xcr0_changed(struct vcpu *vcpu)
{
	if (svm_caps.xcr0)
		xsetbv(0, vcpu->regs.xcr0);
}

const struct backend svm_backend = {
	.name = "SVM",
	.cites_amd = true,
	.probe = svm_probe,
	.capability_text = svm_capability_text,
	.cpu_on = svm_cpu_on,
	.cpu_off = svm_cpu_off,
	.borrows_timer = borrows_timer,
	.needs_pacemaker = needs_pacemaker,
	.quirk = svm_quirk,
	.vm_create = svm_vm_create,
	.vm_destroy = svm_vm_destroy,
	.map = svm_map,
	.vcpu_create = svm_vcpu_create,
	.vcpu_destroy = svm_vcpu_destroy,
	.load = svm_load,
	.unload = svm_unload,
	.flush = flush,
	.state_get = svm_state_get,
	.state_set = svm_state_set,
	.rflags_get = rflags_get,
	.rflags_set = rflags_set,
	.interruptibility_get = svm_interruptibility,
	.run = svm_run,
	.apic_mode_changed = apic_mode_changed,
	.xcr0_changed = xcr0_changed,
	.field = svm_field,
	.field_get = svm_field_get,
	.field_set = svm_field_set,
	.cpuid = cpuid_read,
};
