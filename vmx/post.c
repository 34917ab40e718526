/*
 * Posted interrupts: SDM vol. 3C, "Posted-Interrupt Processing". Another processor sets the
 * vector's bit in the descriptor and sends a notification, which the processor of the guest takes
 * by itself.
 *
 *   sender: set the request; if HELD: take it back. If ON is clear: set it, send the notification
 *   owner:  clear HELD; enter the guest, exit; set HELD; if ON is set, one notification is still on
 *           its way: wait for it, throw it away, clear ON. Take over what is requested
 *
 * ON is set only while HELD is clear, in one step, and the processor clears it when it takes the
 * notification. So none arrives once the owner has gone on, and the vCPU may move. A request that
 * is found while HELD is set has a sender that is about to take it back.
 */
#include "platform.h"
#include "x86/insn.h"
#include "x86/local_apic.h"

#include "vmx/insn.h"
#include "vmx/vmx.h"

/* The control word: the processor knows bit 256 of the descriptor, the others are software's. */
enum { ON = 1 << 0, HELD = 1 << 1 };
/* The platform holds all interrupts by CR8; the notification is of the only class let through. */
enum { NOTIFICATION = 0xF2, CR8_ALL_BUT_F = 14, CR8_NONE = 15, ARRIVAL_SECONDS = 1 };

bool vmx_posts_interrupts(void)
{
	return vmx_delivers_interrupts() &&
	       vmx_allows(GROUP_PIN, CONTROL_MASK(PIN_POSTED_INTERRUPTS)) &&
	       vmx_allows(GROUP_EXIT, CONTROL_MASK(EXIT_ACKNOWLEDGE));
}

static bool may_post(const struct vcpu *vcpu)
{
	const struct vmx_vm *vm = vcpu->vm->arch;

	return vm->posts;
}

static bool level_triggered(const struct vcpu *vcpu, uint8_t vector)
{
	return apic_get(&vcpu->apic, APIC_TMR + vector / 32u * 0x10) >> vector % 32 & 1;
}

bool vmx_post(struct vcpu *vcpu, uint8_t vector)
{
	struct vmx_posted *posted = &vmx_of(vcpu)->posted;
	const uint32_t request = 1u << vector % 32;
	uint64_t control;

	/* The processor does not clear the TMR's bit. */
	if (atomic_load(&posted->control) & HELD || level_triggered(vcpu, vector))
		return false;
	atomic_fetch_or(&posted->requests[vector / 32], request);
	control = atomic_load(&posted->control);
	do {
		if (control & HELD) /* unless the owner has found it */
			return !(atomic_fetch_and(&posted->requests[vector / 32], ~request) &
				 request);
		if (control & ON)
			return true;
	} while (!atomic_compare_exchange_weak(&posted->control, &control, control | ON));
	platform->ipi(atomic_load(&vcpu->cpu), ICR_ASSERT | NOTIFICATION);
	return true;
}

void vmx_post_create(struct vmx_vcpu *arch)
{
	atomic_store(&arch->posted.control, HELD);
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

void vmx_post_unload(const struct vcpu *vcpu)
{
	if (may_post(vcpu))
		write_cr8(CR8_NONE);
}

void vmx_post_before(struct vcpu *vcpu)
{
	bool enabled = apic_get(&vcpu->apic, APIC_SVR) & APIC_SVR_ENABLED;

	if (may_post(vcpu) && enabled && atomic_load(&vcpu->state) == VCPU_RUNNING)
		atomic_fetch_and(&vmx_of(vcpu)->posted.control, ~(uint64_t)HELD);
}

static bool await_notification(void)
{
	uint64_t start = platform->clock();

	while (!local_apic_bit(APIC_IRR, NOTIFICATION)) {
		if (platform->clock() - start > ARRIVAL_SECONDS * platform->clock_hz)
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
	if (atomic_fetch_or(&posted->control, HELD) & ON) {
		arrived = await_notification();
		atomic_fetch_and(&posted->control, ~(uint64_t)ON);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(posted->requests); i++) {
		uint32_t offset = APIC_IRR + i * 0x10;

		if (atomic_load(&posted->requests[i]))
			apic_put(&vcpu->apic, offset,
				 apic_get(&vcpu->apic, offset) |
					 atomic_exchange(&posted->requests[i], 0));
	}
	return arrived;
}

/* "Acknowledge interrupt on exit": an interrupt that is not ours is in service, and is lost. */
void vmx_post_foreign(const struct vcpu *vcpu)
{
	uint64_t info;

	if (!may_post(vcpu))
		return;
	info = vmread(EXIT_INTERRUPTION_INFO);
	if (info & INFO_VALID && local_apic_bit(APIC_ISR, (uint8_t)info))
		local_apic_write(APIC_EOI, 0);
}
