#include "tests/host/model/model.h"

#include <string.h>

/* SDM vol. 3A, "Local APIC State After Power-Up or Reset"; INIT does the same to these. */
static void reset_apic(struct model_vcpu *v)
{
	v->enabled = false;
	v->spurious = 255;
	v->tpr = 0;
	v->ldr = 0;
	v->model = 15;
	memset(v->irr, 0, sizeof(v->irr));
	memset(v->isr, 0, sizeof(v->isr));
	memset(v->tmr, 0, sizeof(v->tmr));
	v->esr = v->errors = 0;
	v->error_vector = 0;
	v->error_masked = true;
}

void model_reset(struct model *m, unsigned vcpus, const uint32_t *ids)
{
	memset(m, 0, sizeof(*m));
	m->vcpus = vcpus;
	for (unsigned i = 0; i < vcpus; i++) {
		struct model_vcpu *v = &m->vcpu[i];

		v->state = i == 0 ? 'C' : 'W';
		v->id = ids[i];
		v->bsp = i == 0;
		v->mode = MODEL_XAPIC;
		v->extint = -1;
		reset_apic(v);
	}
}

static int top(const bool *set)
{
	for (int n = 255; n >= 0; n--)
		if (set[n])
			return n;
	return -1;
}

/* ---- acceptance ---- */

/* 'd' delivered, 'c' coalesced, '-' not accepted. */
static char accept(struct model_vcpu *v, uint8_t vector, bool level);

static void error(struct model_vcpu *v, unsigned bit)
{
	bool first = !(v->errors >> bit & 1);

	v->errors = (uint8_t)(v->errors | 1 << bit);
	if (first && !v->error_masked && v->error_vector >= 16)
		accept(v, v->error_vector, false);
}

static char accept(struct model_vcpu *v, uint8_t vector, bool level)
{
	if (v->mode == MODEL_OFF || !v->enabled)
		return '-';
	if (vector < 16) {
		error(v, 6);
		return '-';
	}
	if (v->irr[vector])
		return 'c';
	v->irr[vector] = true;
	v->tmr[vector] = level;
	return 'd';
}

uint8_t model_ppr(const struct model *m, unsigned vcpu)
{
	const struct model_vcpu *v = &m->vcpu[vcpu];
	int serving = top(v->isr);
	int class = serving < 0 ? 0 : serving / 16;

	return v->tpr / 16 >= class ? v->tpr : (uint8_t)(class * 16);
}

int model_deliverable(const struct model *m, unsigned vcpu)
{
	int request = top(m->vcpu[vcpu].irr);

	return request >= 0 && request / 16 > model_ppr(m, vcpu) / 16 ? request : -1;
}

void model_take(struct model *m, unsigned vcpu)
{
	int vector = model_deliverable(m, vcpu);

	if (vector < 0)
		return;
	m->vcpu[vcpu].irr[vector] = false;
	m->vcpu[vcpu].isr[vector] = true;
}

/* ---- registers ---- */

void model_write_tpr(struct model *m, unsigned vcpu, uint8_t value)
{
	m->vcpu[vcpu].tpr = value;
}

void model_write_svr(struct model *m, unsigned vcpu, bool enabled, uint8_t vector)
{
	m->vcpu[vcpu].enabled = enabled;
	m->vcpu[vcpu].spurious = vector;
	if (!enabled)
		m->vcpu[vcpu].error_masked = true;
}

void model_write_ldr(struct model *m, unsigned vcpu, uint8_t value)
{
	m->vcpu[vcpu].ldr = value;
}

void model_write_dfr(struct model *m, unsigned vcpu, uint8_t value)
{
	m->vcpu[vcpu].model = value % 16;
}

void model_write_esr(struct model *m, unsigned vcpu)
{
	m->vcpu[vcpu].esr = m->vcpu[vcpu].errors;
	m->vcpu[vcpu].errors = 0;
}

void model_write_error_lvt(struct model *m, unsigned vcpu, bool masked, uint8_t vector)
{
	m->vcpu[vcpu].error_masked = masked || !m->vcpu[vcpu].enabled;
	m->vcpu[vcpu].error_vector = vector;
}

void model_eoi(struct model *m, unsigned vcpu)
{
	int serving = top(m->vcpu[vcpu].isr);

	if (serving >= 0)
		m->vcpu[vcpu].isr[serving] = false;
}

bool model_set_mode(struct model *m, unsigned vcpu, enum model_mode mode, bool bsp)
{
	struct model_vcpu *v = &m->vcpu[vcpu];

	/* From off to xAPIC, from xAPIC to x2APIC, from anywhere to off. */
	if (mode == MODEL_X2APIC && v->mode == MODEL_OFF)
		return false;
	if (mode == MODEL_XAPIC && v->mode == MODEL_X2APIC)
		return false;
	if (mode == MODEL_OFF && v->mode != MODEL_OFF)
		reset_apic(v);
	v->mode = mode;
	v->bsp = bsp;
	return true;
}

/* ---- states ---- */

static void init(struct model_vcpu *v)
{
	v->state = v->bsp ? 'R' : 'W';
	reset_apic(v);
	v->nmi = false;
	v->extint = -1;
	v->inits++;
}

/* A control event: allowed in one state, or in all. */
static void control(struct model_vcpu *v, char allowed, char next)
{
	v->refused = allowed != v->state;
	if (!v->refused)
		v->state = next;
}

void model_event(struct model *m, unsigned vcpu, char event)
{
	struct model_vcpu *v = &m->vcpu[vcpu];

	switch (event) {
	case 'H':
		if (v->state == 'R')
			v->state = 'H';
		break;
	case 'w':
		if (v->state == 'H')
			v->state = 'R';
		break;
	case 'G':
		control(v, 'C', 'R');
		break;
	case 'P':
		control(v, 'R', 'P');
		break;
	case 'R':
		control(v, 'P', 'R');
		break;
	default: /* X */
		v->refused = false;
		v->state = 'S';
	}
}

/* ---- messages ---- */

static void push(struct model_vcpu *v, char kind, uint8_t vector, bool level)
{
	v->queue[v->queued++] = (struct model_message){ kind, vector, level };
}

void model_post(struct model *m, unsigned vcpu, char kind)
{
	push(&m->vcpu[vcpu], kind, 0, false);
}

/* What becomes of an IPI: 'd', 'c' or '-'. */
static char receive(struct model_vcpu *v, struct model_message message)
{
	if (v->state == 'S') {
		v->sipis_ignored += message.kind == 'S';
		return '-';
	}
	switch (message.kind) {
	case 'N':
		if (v->nmi)
			return 'c';
		v->nmi = true;
		return 'd';
	case 'E':
		if (v->extint >= 0)
			return 'c';
		v->extint = message.vector;
		return 'd';
	case 'I':
		init(v);
		return 'd';
	case 'S':
		if (v->state != 'W') {
			v->sipis_ignored++;
			return '-';
		}
		v->state = 'R';
		v->sipi_vector = message.vector;
		return 'd';
	default: /* F, L */
		return accept(v, message.vector, message.level);
	}
}

void model_drain(struct model *m, unsigned vcpu)
{
	struct model_vcpu *v = &m->vcpu[vcpu];

	for (unsigned i = 0; i < v->queued; i++) {
		char became;

		if (strchr("GPRX", v->queue[i].kind)) {
			model_event(m, vcpu, v->queue[i].kind);
			continue;
		}
		became = receive(v, v->queue[i]);
		v->received++;
		v->delivered += became == 'd';
		v->coalesced += became == 'c';
		v->dropped += became == '-';
	}
	v->queued = 0;
}

/* ---- destinations ---- */

static bool named(const struct model_vcpu *v, uint32_t destination, bool logical, bool wide)
{
	if (destination == (wide ? 0xFFFFFFFFu : 0xFFu))
		return true;
	if (!logical)
		return destination == v->id;
	if (v->mode == MODEL_X2APIC)
		return v->id / 16 == destination / 65536 &&
		       destination % 65536 / (1u << v->id % 16) % 2 == 1;
	if (destination > 255)
		return false;
	if (v->model == 15) /* flat */
		return (v->ldr & destination) != 0;
	return v->ldr / 16u == destination / 16 && (v->ldr % 16u & destination % 16) != 0;
}

static bool addressed(const struct model *m, unsigned vcpu, unsigned source, unsigned shorthand,
		      uint32_t destination, bool logical)
{
	bool wide = m->vcpu[source].mode == MODEL_X2APIC;

	switch (shorthand) {
	case 0:
		return named(&m->vcpu[vcpu], destination, logical, wide);
	case 1:
		return vcpu == source;
	case 2:
		return true;
	default:
		return vcpu != source;
	}
}

static bool send_lowest(struct model *m, unsigned source, const bool *to, uint8_t vector,
			int winner)
{
	int best = 16;

	for (unsigned i = 0; i < m->vcpus; i++)
		if (to[i] && m->vcpu[i].enabled && m->vcpu[i].mode != MODEL_OFF &&
		    model_ppr(m, i) / 16 < best)
			best = model_ppr(m, i) / 16;
	if (best == 16)
		return winner < 0;
	if (winner < 0 || !to[winner] || !m->vcpu[winner].enabled ||
	    m->vcpu[winner].mode == MODEL_OFF || model_ppr(m, (unsigned)winner) / 16 != best)
		return false;
	push(&m->vcpu[winner], 'L', vector, false);
	m->vcpu[source].sent++;
	return true;
}

/* SDM vol. 3A, "Interrupt Command Register (ICR)" and its table of valid combinations. */
bool model_icr(struct model *m, unsigned source, uint32_t low, uint32_t destination, int winner)
{
	static const char kinds[] = { 'F', 'L', 0, 0, 'N', 'I', 'S', 0 };
	uint8_t vector = (uint8_t)(low % 256);
	unsigned mode = low / 256 % 8, shorthand = low >> 18 & 3;
	bool logical = low >> 11 & 1, asserted = low >> 14 & 1, level = low >> 15 & 1;
	bool to[MODEL_VCPUS];

	if (mode == 1 && m->vcpu[source].mode == MODEL_X2APIC) {
		error(&m->vcpu[source], 4);
		m->refused++;
		return winner < 0;
	}
	if (mode <= 1 && vector < 16) {
		error(&m->vcpu[source], 5);
		return winner < 0;
	}
	if (mode == 5 && level && !asserted) /* INIT level de-assert */
		return winner < 0;
	if (!kinds[mode] || ((shorthand == 1 || shorthand == 2) && mode != 0)) {
		m->refused++;
		return winner < 0;
	}
	for (unsigned i = 0; i < m->vcpus; i++)
		to[i] = addressed(m, i, source, shorthand, destination, logical);
	if (mode == 1)
		return send_lowest(m, source, to, vector, winner);
	for (unsigned i = 0; i < m->vcpus; i++) {
		if (!to[i])
			continue;
		push(&m->vcpu[i], kinds[mode], vector, false);
		m->vcpu[source].sent++;
	}
	return true;
}
