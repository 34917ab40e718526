/*
 * Posted interrupts, for guests that the processor delivers interrupts to: posted.h says how. The
 * platform holds all interrupts by CR8; while such a guest is on a processor the class of the
 * notification is let through, so that its processor takes it.
 */
#include "platform.h"
#include "x86/insn.h"
#include "x86/local_apic.h"

#include "vmx/insn.h"
#include "vmx/vmx.h"

enum {
	CLASS_F = 0xF0,
	NOTIFICATION = 0xF2,
	CR8_ALL_BUT_F = 14,
	CR8_NONE = 15,
	ARRIVAL_SECONDS = 1
};

static bool may_post(const struct vcpu *vcpu)
{
	const struct vmx_vm *vm = vcpu->vm->arch;

	return vm->posts;
}

static bool level_triggered(const struct vcpu *vcpu, uint8_t vector)
{
	return apic_get(&vcpu->apic, APIC_TMR + vector / 32u * 0x10) >> vector % 32 & 1;
}

/* Level-triggered ones, and the first edge after one, are core's: the processor leaves the TMR
 * alone. */
bool vmx_post(struct vcpu *vcpu, uint8_t vector)
{
	enum posted posted;

	if (!may_post(vcpu) || level_triggered(vcpu, vector))
		return false;
	posted = posted_request(&vmx_of(vcpu)->posted, vector);
	/* The vCPU is there until this notification has come. */
	if (posted == POSTED_NOTIFY)
		platform->ipi(atomic_load(&vcpu->cpu), ICR_ASSERT | NOTIFICATION);
	return posted != POSTED_REFUSED;
}

/* Posted interrupts need virtual-interrupt delivery; without it the APIC is disabled. */
void vmx_post_mode_changed(struct vcpu *vcpu)
{
	struct vmx_vcpu *arch = vmx_of(vcpu);

	if (!may_post(vcpu))
		return;
	arch->pin &= ~CONTROL_MASK(PIN_POSTED_INTERRUPTS);
	if (vcpu->virtual_interrupts)
		arch->pin |= CONTROL_MASK(PIN_POSTED_INTERRUPTS);
	vmwrite(PIN_BASED_CONTROLS, arch->pin);
	arch->exit |= CONTROL_MASK(EXIT_ACKNOWLEDGE);
	vmwrite(EXIT_CONTROLS, arch->exit);
	vmwrite(POSTED_INTERRUPT_VECTOR, NOTIFICATION);
	vmwrite(POSTED_INTERRUPT_DESCRIPTOR, physical(&arch->posted));
}

void vmx_post_load(const struct vcpu *vcpu)
{
	if (may_post(vcpu))
		write_cr8(CR8_ALL_BUT_F);
}

/* What was acknowledged at exits and is not ours is sent once more: it waits for the firmware. */
void vmx_post_unload(const struct cpu *cpu, struct vcpu *vcpu)
{
	struct vmx_vcpu *arch = vmx_of(vcpu);

	if (!may_post(vcpu))
		return;
	write_cr8(CR8_NONE);
	for (unsigned i = 0; i < 16; i++)
		if (arch->foreign >> i & 1)
			platform->ipi(cpu, ICR_ASSERT | (CLASS_F + i));
	arch->foreign = 0;
}

void vmx_post_before(struct vcpu *vcpu)
{
	bool enabled = apic_get(&vcpu->apic, APIC_SVR) & APIC_SVR_ENABLED;

	if (may_post(vcpu) && enabled && atomic_load(&vcpu->state) == VCPU_RUNNING)
		posted_release(&vmx_of(vcpu)->posted);
}

static bool await_notification(void)
{
	const uint64_t limit = with_patience(ARRIVAL_SECONDS * platform->clock_hz),
		       start = platform->clock();

	while (!local_apic_bit(APIC_IRR, NOTIFICATION)) {
		if (platform->clock() - start > limit)
			return false;
		cpu_relax();
	}
	platform->take_interrupt();
	return true;
}

bool vmx_post_after(struct vcpu *vcpu)
{
	struct vmx_posted *posted = &vmx_of(vcpu)->posted;
	bool arrived = true;

	if (!may_post(vcpu))
		return true;
	if (posted_hold(posted)) {
		arrived = await_notification();
		posted_arrived(posted);
	}
	for (unsigned i = 0; i < POSTED_WORDS; i++) {
		uint32_t requests = posted_take(posted, i), offset = APIC_IRR + i * 0x10;

		if (requests)
			apic_put(&vcpu->apic, offset, apic_get(&vcpu->apic, offset) | requests);
	}
	return arrived;
}

/* "Acknowledge interrupt on exit": one that is not ours is in service. */
void vmx_post_foreign(struct vcpu *vcpu)
{
	uint64_t info;

	if (!may_post(vcpu))
		return;
	info = vmread(EXIT_INTERRUPTION_INFO);
	if (!(info & INFO_VALID) || !local_apic_bit(APIC_ISR, (uint8_t)info))
		return;
	local_apic_write(APIC_EOI, 0);
	vmx_of(vcpu)->foreign |= (uint16_t)(1u << (info & 0xF));
}
