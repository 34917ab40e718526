#include "tests/host/model/model_run.h"

#include "vlapic/registers.h"
#include "vm/cpu.h"
#include "vm/ipi.h"
#include "vm/post.h"
#include "vm/receive.h"

#include "tests/host/fake/fake_vm.h"
#include "tests/host/model/model.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOW = 1 };

static struct model model;
static struct vm *vm;
static unsigned step;

#define SAME(what, ours, theirs) same(#what, i, (uint64_t)(ours), (uint64_t)(theirs))

static void same(const char *what, unsigned vcpu, uint64_t ours, uint64_t model_says)
{
	if (ours == model_says)
		return;
	fprintf(stderr, "step %u, vCPU %u: %s is %llx, but the model says %llx\n", step, vcpu, what,
		(unsigned long long)ours, (unsigned long long)model_says);
	abort();
}

static uint32_t word(const bool *set, unsigned n)
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < 32; i++)
		bits |= (uint32_t)set[n * 32 + i] << i;
	return bits;
}

static void compare_apic(unsigned i)
{
	const struct model_vcpu *v = &model.vcpu[i];
	struct apic *apic = &vm->vcpus[i]->apic;
	bool x2apic = v->mode == MODEL_X2APIC;
	uint64_t mode = v->mode == MODEL_OFF ? 0 : x2apic ? 0xC00 : 0x800;

	SAME(IA32_APIC_BASE, apic->base, 0xFEE00000 | mode | (v->bsp ? 0x100 : 0));
	SAME(ID, apic_get(apic, 0x20), x2apic ? v->id : v->id << 24);
	SAME(TPR, apic_mmio_read(apic, 0x80, NOW), v->tpr);
	SAME(PPR, apic_mmio_read(apic, 0xA0, NOW), model_ppr(&model, i));
	SAME(LDR, apic_get(apic, 0xD0),
	     x2apic ? v->id / 16 * 65536 + (1u << v->id % 16) : (uint32_t)v->ldr << 24);
	SAME(DFR, apic_get(apic, 0xE0), (uint32_t)v->model << 28 | 0x0FFFFFFF);
	SAME(SVR, apic_get(apic, 0xF0), v->spurious | (v->enabled ? 0x100 : 0));
	SAME(ESR, apic_get(apic, 0x280), v->esr);
	SAME(errors, apic->esr_latched, v->errors);
	SAME(LVT_ERROR, apic_get(apic, 0x370), v->error_vector | (v->error_masked ? 0x10000 : 0));
	SAME(deliverable, apic_deliverable(apic), model_deliverable(&model, i));
	for (unsigned n = 0; n < 8; n++) {
		SAME(ISR, apic_get(apic, 0x100 + n * 16), word(v->isr, n));
		SAME(TMR, apic_get(apic, 0x180 + n * 16), word(v->tmr, n));
		SAME(IRR, apic_get(apic, 0x200 + n * 16), word(v->irr, n));
	}
}

static void compare(void)
{
	static const char states[] = "CRHWPS";

	for (unsigned i = 0; i < model.vcpus; i++) {
		const struct model_vcpu *v = &model.vcpu[i];
		struct vcpu *vcpu = vm->vcpus[i];
		struct vcpu_counts *counts = &vcpu->counts;

		SAME(state, states[atomic_load(&vcpu->state)], v->state);
		SAME(messages, mailbox_count(&vcpu->mailbox), v->queued);
		SAME(NMI, vcpu->nmis, v->nmi);
		SAME(ExtINT, vcpu->extint, v->extint);
		SAME(SIPI vector, vcpu->start.vector, v->sipi_vector);
		SAME(sent, atomic_load(&counts->sent), v->sent);
		SAME(received, atomic_load(&counts->received), v->received);
		SAME(delivered, atomic_load(&counts->delivered), v->delivered);
		SAME(coalesced, atomic_load(&counts->coalesced), v->coalesced);
		SAME(dropped, atomic_load(&counts->dropped), v->dropped);
		SAME(INITs, atomic_load(&counts->inits), v->inits);
		SAME(ignored SIPIs, atomic_load(&counts->sipis_ignored), v->sipis_ignored);
		/* Whoever has something to take looks before the next entry. */
		if (!vcpu->event_pending && (v->nmi || v->extint >= 0))
			SAME(attention, vcpu->event_pending, true);
		compare_apic(i);
	}
	for (unsigned i = 0; i < 1; i++)
		SAME(refused IPIs, atomic_load(&vm->refused), model.refused);
}

void both_begin(unsigned vcpus, const uint32_t *ids)
{
	fake_machine(1, false);
	vm = fake_vm_with_ids(vcpus, ids);
	model_reset(&model, vcpus, ids);
	step = 0;
	compare();
}

void both_end(void)
{
	fake_vm_end(vm);
}

/* Boxes are bounded: nobody may find one full. */
static void make_room(void)
{
	for (unsigned i = 0; i < model.vcpus; i++)
		if (model.vcpu[i].queued >= MODEL_QUEUE - 1)
			both_drain(i);
}

void both_icr(unsigned source, uint32_t low, uint32_t destination)
{
	uint32_t before[MODEL_VCPUS];
	int winner = -1;

	if (model.vcpu[source].mode == MODEL_OFF)
		return; /* no ICR */
	make_room();
	for (unsigned i = 0; i < model.vcpus; i++)
		before[i] = mailbox_count(&vm->vcpus[i]->mailbox);
	ipi_from_icr(vm->vcpus[source], low, destination);
	for (unsigned i = 0; i < model.vcpus; i++)
		if (mailbox_count(&vm->vcpus[i]->mailbox) != before[i])
			winner = (int)i;
	if (!model_icr(&model, source, low, destination,
		       (low >> 8 & 7) == DELIVERY_LOWEST ? winner : -1)) {
		fprintf(stderr, "step %u: ICR %x to %x from vCPU %u: not to vCPU %d\n", step, low,
			destination, source, winner);
		abort();
	}
	compare();
}

void both_set_base(unsigned vcpu, uint64_t base)
{
	bool legal = (base & ~0xD00ull) == 0xFEE00000 && (base & 0xC00) != 0x400;
	enum model_mode mode = !(base & 0x800)	? MODEL_OFF
			       : (base & 0x400) ? MODEL_X2APIC
						: MODEL_XAPIC;
	unsigned i = vcpu;

	legal = legal && model_set_mode(&model, vcpu, mode, base & 0x100);
	SAME(no #GP, apic_set_base(&vm->vcpus[vcpu]->apic, base), legal);
	compare();
}

static void write_model(unsigned i, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case APIC_TPR:
		model_write_tpr(&model, i, (uint8_t)value);
		break;
	case APIC_EOI:
		model_eoi(&model, i);
		break;
	case APIC_LDR:
		model_write_ldr(&model, i, (uint8_t)(value >> 24));
		break;
	case APIC_DFR:
		model_write_dfr(&model, i, (uint8_t)(value >> 28));
		break;
	case APIC_SVR:
		model_write_svr(&model, i, value & 0x100, (uint8_t)value);
		break;
	case APIC_ESR:
		model_write_esr(&model, i);
		break;
	default: /* APIC_LVT_ERROR */
		model_write_error_lvt(&model, i, value & 0x10000, (uint8_t)value);
	}
}

/* One of the registers above, with no reserved bit set, in the mode that the vCPU is in. */
void both_write(unsigned vcpu, uint32_t offset, uint32_t value)
{
	struct apic *apic = &vm->vcpus[vcpu]->apic;
	bool mmio_only = offset == APIC_LDR || offset == APIC_DFR;
	unsigned i = vcpu;

	if (model.vcpu[vcpu].mode == MODEL_OFF)
		return;
	if (model.vcpu[vcpu].mode == MODEL_XAPIC) {
		SAME(effect, apic_mmio_write(apic, offset, value, NOW), APIC_DONE);
		write_model(vcpu, offset, value);
	} else {
		SAME(effect, apic_msr_write(apic, 0x800 + offset / 16, value, NOW),
		     mmio_only ? APIC_FAULT : APIC_DONE);
		if (!mmio_only)
			write_model(vcpu, offset, value);
	}
	compare();
}

void both_drain(unsigned vcpu)
{
	vcpu_drain(vm->vcpus[vcpu]);
	model_drain(&model, vcpu);
	compare();
}

static void post(unsigned i, enum message_kind kind, char model_kind)
{
	make_room();
	vcpu_post(&platform->cpus[0], vm->vcpus[i], (struct message){ .kind = (uint8_t)kind });
	model_post(&model, i, model_kind);
	both_drain(i);
	SAME(refused, atomic_load(&vm->vcpus[i]->control.result) == STATUS_BAD_STATE,
	     model.vcpu[i].refused);
}

static void event(unsigned i, enum vcpu_event event, char model_event_kind)
{
	vcpu_apply(vm->vcpus[i], event, 0);
	model_event(&model, i, model_event_kind);
	compare();
}

static void take(unsigned i)
{
	int vector = apic_deliverable(&vm->vcpus[i]->apic);

	if (vector >= 0)
		apic_take(&vm->vcpus[i]->apic, (uint8_t)vector);
	model_take(&model, i);
	compare();
}

/* The guest takes its NMI or ExtINT. */
static void take_others(unsigned i)
{
	vm->vcpus[i]->nmis = 0;
	model.vcpu[i].nmi = false;
	vm->vcpus[i]->extint = -1;
	model.vcpu[i].extint = -1;
	compare();
}

/* ---- from bytes ---- */

struct input {
	const uint8_t *at, *end;
};

static uint8_t byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static uint32_t bytes_to_word(struct input *in)
{
	uint32_t value = byte(in);

	value = value << 8 | byte(in);
	value = value << 8 | byte(in);
	return value << 8 | byte(in);
}

/* Mostly addresses that reach somebody. */
static uint32_t destination(struct input *in, bool wide)
{
	uint8_t how = byte(in);

	if (how < 64)
		return model.vcpu[how % model.vcpus].id & (wide ? 0xFFFFFFFF : 0xFF);
	if (how < 96)
		return wide ? 0xFFFFFFFF : 0xFF;
	if (!wide)
		return byte(in);
	if (how < 160)
		return model.vcpu[how % model.vcpus].id / 16 << 16 | (uint32_t)byte(in) << 8 |
		       byte(in);
	return bytes_to_word(in);
}

static void one_step(struct input *in)
{
	static const uint32_t offsets[] = { APIC_TPR, APIC_EOI, APIC_LDR,	APIC_DFR,
					    APIC_SVR, APIC_ESR, APIC_LVT_ERROR, APIC_EOI };
	static const uint32_t bits[] = { 0xFF, 0, 0xFF000000, 0xF0000000, 0x1FF, 0, 0x100FF, 0 };
	uint8_t what = byte(in);
	unsigned i = byte(in) % model.vcpus, r;
	uint32_t low;

	switch (what % 16) {
	case 0:
	case 1:
	case 2:
		low = (uint32_t)byte(in) << 16 | (uint32_t)byte(in) << 8;
		low |= byte(in);
		both_icr(i, low, destination(in, model.vcpu[i].mode == MODEL_X2APIC));
		break;
	case 3:
	case 4:
		both_drain(i);
		break;
	case 5:
		both_write(i, APIC_SVR, 0x100 | byte(in));
		break;
	case 6:
	case 7:
		r = byte(in) % ARRAY_SIZE(offsets);
		both_write(i, offsets[r], bytes_to_word(in) & bits[r]);
		break;
	case 8:
		take(i);
		break;
	case 9:
		take_others(i);
		break;
	case 10:
		event(i, ON_HLT, 'H');
		break;
	case 11:
		event(i, ON_WAKE, 'w');
		break;
	case 12:
		both_set_base(i, 0xFEE00000 | (uint64_t)(byte(in) & 0x1F) << 8 | byte(in) / 0xFF);
		break;
	case 13:
		post(i, MESSAGE_START, 'G');
		break;
	case 14:
		post(i, MESSAGE_PAUSE, 'P');
		break;
	default:
		if (what < 250)
			post(i, MESSAGE_RESUME, 'R');
		else
			post(i, MESSAGE_STOP, 'X');
	}
}

void both_run(const uint8_t *bytes, size_t size)
{
	static const uint32_t ids[2][MODEL_VCPUS] = {
		{ 0, 1, 2, 3, 4, 5, 6, 7 }, { 0x10, 0x11, 3, 0x25, 0xFE, 0x8F, 0x12, 0 }
	};
	struct input in = { bytes, bytes + size };
	uint8_t first = byte(&in);

	both_begin(1 + first % MODEL_VCPUS, ids[first / MODEL_VCPUS % 2]);
	for (; in.at < in.end; step++)
		one_step(&in);
	both_end();
}
