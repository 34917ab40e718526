#include "x86/cpuid.h"

#include "vmx/insn.h"
#include "vmx/quirks.h"
#include "vmx/vmx.h"

static uint64_t rflags_get(struct vcpu *vcpu)
{
	(void)vcpu;
	return vmread(GUEST_RFLAGS);
}

static void rflags_set(struct vcpu *vcpu, uint64_t rflags)
{
	(void)vcpu;
	vmwrite(GUEST_RFLAGS, rflags);
}

const struct backend vmx_backend = {
	.name = "VMX",
	.probe = vmx_probe,
	.settle = vmx_settle,
	.capability_text = vmx_capability_text,
	.cpu_on = vmx_cpu_on,
	.cpu_off = vmx_cpu_off,
	.quirk = vmx_quirk,
	.vm_create = vmx_vm_create,
	.vm_destroy = vmx_vm_destroy,
	.map = vmx_map,
	.vcpu_create = vmx_vcpu_create,
	.vcpu_destroy = vmx_vcpu_destroy,
	.load = vmx_load,
	.unload = vmx_unload,
	.flush = vmx_flush,
	.state_get = vmx_state_get,
	.state_set = vmx_state_set,
	.rflags_get = rflags_get,
	.rflags_set = rflags_set,
	.interruptibility_get = vmx_interruptibility,
	.run = vmx_run,
	.post = vmx_post,
	.abort_entry = vmx_abort_entry,
	.apic_mode_changed = vmx_apic_mode_changed,
	.xcr0_changed = vmx_xcr0_changed,
	.field = vmx_field,
	.field_get = vmx_field_get,
	.field_set = vmx_field_set,
	.access_failures = vmx_take_access_failures,
	.cpuid = cpuid_read,
};
