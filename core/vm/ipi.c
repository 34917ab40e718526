#include "vm/ipi.h"

#include "platform.h"
#include "vm/cpu.h"
#include "vm/post.h"
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
		source->event_pending = true;
		atomic_fetch_add(&source->vm->refused, 1);
		return;
	}
	if (carries_vector(ipi.mode) && ipi.vector < 16) {
		apic_error(&source->apic, APIC_ESR_SEND_ILLEGAL);
		source->event_pending = true;
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
