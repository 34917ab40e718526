#include "platform.h"
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

/* If VMX cannot be switched on, machine_enter says so soon. */
static void measure_quirks(uint64_t found)
{
	const uint64_t guest = BIT(CAP_NESTED_PAGING) | BIT(CAP_UNRESTRICTED_GUEST);
	struct cpu *cpu = &platform->cpus[0];

	if ((found & guest) != guest || vmx_cpu_on(cpu) != STATUS_OK)
		return;
	vmx_measure_quirks(cpu);
	vmx_cpu_off(cpu);
}

static uint64_t with_timer(uint64_t found)
{
	if (found && vmx_borrows_timer() && platform->timer &&
	    (!vmx_quirk_is_here(QUIRK_INTERRUPT_WAITS) || platform->cpu_count > 1))
		found |= BIT(CAP_PREEMPTION);
	return found;
}

static uint64_t probe(struct facts *facts, const char **why, const char **advice)
{
	uint64_t found = vmx_probe(facts, why, advice);

	if (found && vmx_borrows_timer() && platform->timer)
		measure_quirks(found);
	return with_timer(found);
}

static uint64_t settle(struct facts *facts)
{
	return with_timer(vmx_settle(facts));
}

static bool needs_pacemaker(void)
{
	return vmx_quirk_is_here(QUIRK_INTERRUPT_WAITS);
}

const struct backend vmx_backend = {
	.name = "VMX",
	.probe = probe,
	.settle = settle,
	.capability_text = vmx_capability_text,
	.cpu_on = vmx_cpu_on,
	.cpu_off = vmx_cpu_off,
	.quirk = vmx_quirk,
	.borrows_timer = vmx_borrows_timer,
	.needs_pacemaker = needs_pacemaker,
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
