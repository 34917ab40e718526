#include "vm/ipi.h"

#include "platform.h"
#include "vm/vm.h"

bool ipi_matches(const struct vcpu *vcpu, uint32_t destination, bool logical, bool from_x2apic)
{
	const struct apic *apic = &vcpu->apic;
	uint32_t ldr;

	if (!logical && apic->id == destination)
		return true;
	/* All ones reach everyone in every mode: "Broadcast/Self Delivery Mode", "Determining IPI
	 * Destination". */
	if (destination == DESTINATION_ALL || (!from_x2apic && destination == 0xFF))
		return true;
	if (!logical)
		return false;
	ldr = apic_get(apic, APIC_LDR);
	if (apic_mode(apic) == APIC_X2APIC) {
		/* An 8-bit logical destination names cluster 0: "Logical Destination Mode in x2APIC
		 * Mode". */
		return ldr >> 16 == destination >> 16 && (ldr & destination & 0xFFFF);
	}
	if (destination > 0xFF)
		return false;
	if (apic_get(apic, APIC_DFR) >> 28 == 0xF)
		return ldr >> 24 & destination;
	return ldr >> 28 == destination >> 4 && (ldr >> 24 & destination & 0xF);
}

static bool addressed(const struct vcpu *vcpu, const struct ipi *ipi)
{
	switch (ipi->shorthand) {
	case TO_SELF:
		return vcpu == ipi->source;
	case TO_ALL:
		return true;
	case TO_OTHERS:
		return vcpu != ipi->source;
	case TO_DESTINATION:
		break;
	}
	return ipi_matches(vcpu, ipi->destination, ipi->logical,
			   !ipi->source || apic_mode(&ipi->source->apic) == APIC_X2APIC);
}

static uint32_t priority(const struct vcpu *vcpu)
{
	return apic_priority(&vcpu->apic) >> 4 & 0xF;
}

static bool accepts_fixed(const struct vcpu *vcpu)
{
	return apic_mode(&vcpu->apic) != APIC_DISABLED &&
	       apic_get(&vcpu->apic, APIC_SVR) & APIC_SVR_ENABLED;
}

/* "Lowest Priority Delivery Mode": the lowest processor priority wins; ties go round. */
static struct vcpu *arbitrate(struct vm *vm, const struct ipi *ipi)
{
	uint32_t turn = atomic_fetch_add(&vm->lowest_turn, 1);
	struct vcpu *best = NULL;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *vcpu = vm->vcpus[(turn + i) % vm->vcpu_count];

		if (!addressed(vcpu, ipi) || !accepts_fixed(vcpu))
			continue;
		if (!best || priority(vcpu) < priority(best))
			best = vcpu;
	}
	if (best)
		atomic_store(&vm->lowest_turn, best->id + 1);
	return best;
}

static enum message_kind kind_of(enum delivery_mode mode)
{
	static const uint8_t kinds[] = {
		[DELIVERY_FIXED] = MESSAGE_FIXED, [DELIVERY_LOWEST] = MESSAGE_LOWEST,
		[DELIVERY_NMI] = MESSAGE_NMI,	  [DELIVERY_INIT] = MESSAGE_INIT,
		[DELIVERY_SIPI] = MESSAGE_SIPI,	  [DELIVERY_EXTINT] = MESSAGE_EXTINT,
	};

	return kinds[mode];
}

/* SDM vol. 3A, "Valid Combinations for the Pentium 4 and Intel Xeon Processors' Local xAPIC ICR".
 */
static bool valid(const struct ipi *ipi)
{
	if (kind_of(ipi->mode) == MESSAGE_NONE)
		return false;
	if (ipi->shorthand == TO_SELF || ipi->shorthand == TO_ALL)
		return ipi->mode == DELIVERY_FIXED;
	return true;
}

static void send_to(struct vcpu *vcpu, const struct ipi *ipi)
{
	struct cpu *self = ipi->source ? atomic_load(&ipi->source->cpu) : &platform->cpus[0];
	struct message message = {
		.kind = (uint8_t)kind_of(ipi->mode),
		.vector = ipi->vector,
		/* A local APIC sends edges whatever the ICR says: "Valid Combinations". */
		.level = ipi->level && !ipi->source,
		.value = ipi->source ? ipi->source->apic.id : DESTINATION_ALL,
	};

	if (ipi->source) {
		count(&ipi->source->counts.sent);
		count(&ipi->source->counts.sent_of[message.kind]);
	} else {
		atomic_fetch_add(&vcpu->vm->outside, 1);
		atomic_fetch_add(&vcpu->vm->outside_of[message.kind], 1);
	}
	vcpu_post(self, vcpu, message);
}

enum status ipi_send(struct vm *vm, const struct ipi *ipi)
{
	unsigned sent = 0;

	/* "INIT Level De-assert" does nothing on processors since the Pentium 4, and older ones
	 * want it sent to all including self: so it comes before the valid combinations. */
	if (ipi->mode == DELIVERY_INIT && ipi->level && !ipi->assert)
		return STATUS_OK;
	if (ipi->source && ipi->source->vm != vm)
		return STATUS_NOT_FOUND;
	if (!valid(ipi)) {
		atomic_fetch_add(&vm->refused, 1);
		return STATUS_UNSUPPORTED;
	}
	if (ipi->mode == DELIVERY_LOWEST) {
		struct vcpu *winner = arbitrate(vm, ipi);

		if (!winner)
			return STATUS_NOT_FOUND;
		send_to(winner, ipi);
		return STATUS_OK;
	}
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		if (!addressed(vm->vcpus[i], ipi))
			continue;
		send_to(vm->vcpus[i], ipi);
		sent++;
	}
	return sent ? STATUS_OK : STATUS_NOT_FOUND;
}

static bool carries_vector(enum delivery_mode mode)
{
	return mode == DELIVERY_FIXED || mode == DELIVERY_LOWEST;
}

void ipi_from_icr(struct vcpu *source, uint32_t low, uint32_t destination)
{
	struct ipi ipi = {
		.source = source,
		.destination = destination,
		.mode = low >> 8 & 7,
		.shorthand = low >> ICR_SHORTHAND_SHIFT & 3,
		.vector = (uint8_t)low,
		.logical = low & ICR_LOGICAL,
		.assert = low & ICR_ASSERT,
		.level = low & ICR_LEVEL,
	};

	/* Reserved in "ICR Operation in x2APIC Mode"; "Error Handling" has a bit for the attempt,
	 * and an illegal vector adds none. */
	if (ipi.mode == DELIVERY_LOWEST && apic_mode(&source->apic) == APIC_X2APIC) {
		apic_error(&source->apic, APIC_ESR_REDIRECTABLE);
		source->attention = true;
		atomic_fetch_add(&source->vm->refused, 1);
		return;
	}
	if (carries_vector(ipi.mode) && ipi.vector < 16) {
		apic_error(&source->apic, APIC_ESR_SEND_ILLEGAL);
		source->attention = true;
		return;
	}
	if (ipi.mode == DELIVERY_EXTINT) { /* reserved in the ICR */
		atomic_fetch_add(&source->vm->refused, 1);
		return;
	}
	(void)ipi_send(source->vm, &ipi); /* refusals are counted; no target is not an error */
}

void ipi_self(struct vcpu *source, uint8_t vector)
{
	/* "SELF IPI Register": as an ICR write with the self shorthand, fixed, edge. */
	ipi_from_icr(source, (uint32_t)(TO_SELF << ICR_SHORTHAND_SHIFT) | ICR_ASSERT | vector, 0);
}

/*
 * A processor in the wait-for-SIPI activity state takes nothing but INIT and SIPI, and loses a
 * SIPI that comes before the VM entry is complete: so repeat until it has left that state.
 */
static void wake_hardware_waiter(struct vcpu *vcpu, struct message message)
{
	uint8_t vector = message.kind == MESSAGE_SIPI ? message.vector : 0;
	uint64_t give_up = platform->clock() + platform->clock_hz / 100;

	while (atomic_load(&vcpu->in_wait_sipi) && platform->clock() < give_up) {
		platform->ipi(atomic_load(&vcpu->cpu), IPI_SIPI | vector);
		for (unsigned i = 0; i < 200 && atomic_load(&vcpu->in_wait_sipi); i++)
			cpu_relax();
	}
}

static void drain_owned(struct cpu *self, struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (atomic_load(&vm->vcpus[i]->cpu) == self)
			vcpu_drain(vm->vcpus[i]);
}

void vcpu_post(struct cpu *self, struct vcpu *vcpu, struct message message)
{
	while (!mailbox_push(&vcpu->mailbox, message)) {
		cpu_kick(atomic_load(&vcpu->cpu));
		drain_owned(self, vcpu->vm);
		cpu_relax();
	}
	if (atomic_load(&vcpu->in_wait_sipi))
		wake_hardware_waiter(vcpu, message);
	else
		cpu_kick(atomic_load(&vcpu->cpu));
}

enum outcome { DELIVERED, COALESCED, DROPPED };

static enum outcome take_fixed(struct vcpu *vcpu, struct message message)
{
	vcpu->attention = true; /* an illegal vector may raise the error interrupt */
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
	vcpu->attention = true;
	return DELIVERED;
}

static enum outcome take_extint(struct vcpu *vcpu, uint8_t vector)
{
	if (vcpu->extint >= 0)
		return COALESCED;
	vcpu->extint = vector;
	vcpu->attention = true;
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

	atomic_store(&vcpu->control_result, refused ? STATUS_BAD_STATE : STATUS_OK);
	atomic_fetch_add(&vcpu->controls_done, 1);
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
			vcpu->call_waits = true;
			break;
		case MESSAGE_MOVE:
			vcpu->move_to = (int)message.value;
			break;
		case MESSAGE_NONE:
			break;
		}
	}
}
