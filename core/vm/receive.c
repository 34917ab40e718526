#include "vm/receive.h"

enum outcome { DELIVERED, COALESCED, DROPPED };

static enum outcome take_fixed(struct vcpu *vcpu, struct message message)
{
	vcpu->event_pending = true; /* an illegal vector may raise the error interrupt */
	switch (apic_accept(&vcpu->apic, message.vector, message.level)) {
	case APIC_ACCEPTED:
		return DELIVERED;
	case APIC_COALESCED:
		return COALESCED;
	case APIC_REFUSED:
		break;
	}
	return DROPPED;
}

/* One NMI may wait behind the one that is being served: SDM vol. 3A, "Handling Multiple NMIs". */
static enum outcome take_nmi(struct vcpu *vcpu)
{
	if (vcpu->nmis)
		return COALESCED;
	vcpu->nmis = 1;
	vcpu->event_pending = true;
	return DELIVERED;
}

static enum outcome take_extint(struct vcpu *vcpu, uint8_t vector)
{
	if (vcpu->extint >= 0)
		return COALESCED;
	vcpu->extint = vector;
	vcpu->event_pending = true;
	return DELIVERED;
}

static enum outcome take_init_or_sipi(struct vcpu *vcpu, struct message message)
{
	bool bsp = vcpu->apic.base & IA32_APIC_BASE_BSP;
	enum vcpu_event event = message.kind == MESSAGE_SIPI ? ON_SIPI
				: bsp			     ? ON_INIT_BSP
							     : ON_INIT;

	return vcpu_apply(vcpu, event, message.vector) == DO_IGNORE ? DROPPED : DELIVERED;
}

static enum outcome take_ipi(struct vcpu *vcpu, struct message message)
{
	if (message.kind == MESSAGE_INIT || message.kind == MESSAGE_SIPI)
		return take_init_or_sipi(vcpu, message);
	if (atomic_load(&vcpu->state) == VCPU_STOPPED)
		return DROPPED;
	if (message.kind == MESSAGE_NMI)
		return take_nmi(vcpu);
	if (message.kind == MESSAGE_EXTINT)
		return take_extint(vcpu, message.vector);
	return take_fixed(vcpu, message);
}

static void settle(struct vcpu *vcpu, struct message message)
{
	struct vcpu_counts *counts = &vcpu->counts;

	switch (take_ipi(vcpu, message)) {
	case DELIVERED:
		count(&counts->delivered);
		break;
	case COALESCED:
		count(&counts->coalesced);
		break;
	case DROPPED:
		count(&counts->dropped);
		break;
	}
	count(&counts->settled_of[message.kind]);
	count(&counts->received);
}

static void take_control(struct vcpu *vcpu, struct message message)
{
	static const uint8_t events[] = {
		[MESSAGE_START] = ON_START,
		[MESSAGE_PAUSE] = ON_PAUSE,
		[MESSAGE_RESUME] = ON_RESUME,
		[MESSAGE_STOP] = ON_STOP,
	};
	bool refused = vcpu_apply(vcpu, events[message.kind], 0) == DO_REFUSE;

	atomic_store(&vcpu->control.result, refused ? STATUS_BAD_STATE : STATUS_OK);
	atomic_fetch_add(&vcpu->control.done, 1);
}

void vcpu_drain(struct vcpu *vcpu)
{
	struct message message;

	while (mailbox_pop(&vcpu->mailbox, &message)) {
		switch ((enum message_kind)message.kind) {
		case MESSAGE_FIXED:
		case MESSAGE_LOWEST:
		case MESSAGE_NMI:
		case MESSAGE_EXTINT:
		case MESSAGE_INIT:
		case MESSAGE_SIPI:
			settle(vcpu, message);
			break;
		case MESSAGE_START:
		case MESSAGE_PAUSE:
		case MESSAGE_RESUME:
		case MESSAGE_STOP:
			take_control(vcpu, message);
			break;
		case MESSAGE_CALL:
			vcpu->control.call_waits = true;
			break;
		case MESSAGE_MOVE:
			vcpu->control.move_to = (int)message.value;
			break;
		case MESSAGE_NONE:
			break;
		}
	}
}
