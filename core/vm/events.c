#include "vm/events.h"

#include "platform.h"
#include "vlapic/timer.h"

void vcpu_try_wake(struct vcpu *vcpu)
{
	bool interrupt;

	if (atomic_load_explicit(&vcpu->state, memory_order_relaxed) != VCPU_HALTED)
		return;
	if (apic_timer_poll(&vcpu->apic, platform->clock()))
		vcpu->event_pending = true;
	if (!vcpu->event_pending)
		return;
	interrupt = vcpu->halt.interrupts_on &&
		    (vcpu->extint >= 0 || apic_deliverable(&vcpu->apic) >= 0);
	if (interrupt || (vcpu->nmis && !vcpu->halt.nmi_blocked))
		vcpu_apply(vcpu, ON_WAKE, 0);
}

static void inject_interrupt(struct vcpu *vcpu, uint8_t vector)
{
	if (vcpu->extint == vector)
		vcpu->extint = -1;
	else
		apic_take(&vcpu->apic, vector);
	vcpu->event = (struct event){ .type = EVENT_INTERRUPT, .vector = vector };
	count(&vcpu->counts.interrupts);
}

static int next_interrupt(struct vcpu *vcpu)
{
	if (vcpu->extint >= 0)
		return vcpu->extint;
	return vcpu->virtual_interrupts ? -1 : apic_deliverable(&vcpu->apic);
}

/* Leave when the TPR falls far enough for the highest request: "TPR Virtualization". */
static uint8_t threshold(struct vcpu *vcpu)
{
	int request = apic_highest_request(&vcpu->apic);
	uint8_t tpr = (uint8_t)(apic_get(&vcpu->apic, APIC_TPR) >> 4);
	uint8_t class = request < 0 ? 0 : (uint8_t)(request >> 4);

	return class <= tpr ? class : 0;
}

/*
 * Chooses the event for the next entry in the order of SDM vol. 3A, "Priority Among Concurrent
 * Events": NMI before interrupts; what cannot go in now asks for a window.
 */
void vcpu_choose_event(struct vcpu *vcpu, struct entry *entry)
{
	uint32_t blocking = backend->interruptibility_get(vcpu);
	bool free;

	if (vcpu->advance) /* the instruction that cast the shadow retires */
		blocking &= ~(uint32_t)(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);
	free = vcpu->event.type == EVENT_NONE && !(blocking & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
	if (vcpu->nmis && free && !(blocking & BLOCKED_BY_NMI)) {
		vcpu->nmis--;
		vcpu->event = (struct event){ .type = EVENT_NMI, .vector = 2 };
		count(&vcpu->counts.nmis);
		free = false;
	}
	/*
	 * Blocking by STI may, but need not, hold the NMI window back: with it open the exit would
	 * come before the first instruction for ever. IF is 1 then, so the interrupt window opens
	 * behind the shadow. SDM vol. 3C, "Other Causes of VM Exits".
	 */
	bool shadow = vcpu->nmis && blocking & BLOCKED_BY_STI;

	entry->nmi_window = vcpu->nmis && !shadow;

	int vector = next_interrupt(vcpu);

	if (vector >= 0 && free && backend->rflags_get(vcpu) & RFLAGS_IF) {
		inject_interrupt(vcpu, (uint8_t)vector);
		vector = next_interrupt(vcpu);
	}
	entry->irq_window = vector >= 0 || shadow;
	entry->tpr_threshold = vcpu->virtual_interrupts ? 0 : threshold(vcpu);
	vcpu->event_pending =
		vcpu->nmis || vcpu->extint >= 0 || apic_highest_request(&vcpu->apic) >= 0;
}
