#include "tests/probe/delivery.h"

enum {
	RFLAGS_NT = 1 << 14,
	RFLAGS_AC = 1 << 18,
	SELECTOR_BYTES = 2,
	HANDLER_STEP = 4,
	UNUSABLE = 1 << 16
};

static void push(struct delivered *out, uint64_t value, unsigned bytes)
{
	/* The last one pushed is the first in memory. */
	for (unsigned i = out->count; i > 0; i--)
		out->frame[i] = out->frame[i - 1];
	out->frame[0].value = value;
	out->frame[0].bytes = (uint8_t)(bytes < out->step ? bytes : out->step);
	out->count++;
}

/* Selectors in a frame of 32 bits or 64: the upper bits are not defined everywhere. */
static void push_selector(struct delivered *out, const struct segment_state *segment)
{
	push(out, segment->selector, SELECTOR_BYTES);
}

static unsigned step_of(enum guest_mode mode)
{
	if (1 << mode & MODES_LONG)
		return 8;
	return 1 << mode & (MODES_16 | 1 << MODE_REAL) ? 2 : 4;
}

/* CS, and SS if the privilege level changes. */
static void set_segments(enum guest_mode mode, const struct regs *regs, struct delivered *out)
{
	const enum guest_mode kernel = 1 << mode & MODES_LONG ? MODE_64
				       : 1 << mode & MODES_16 ? MODE_16
							      : MODE_32;
	const struct guest_memory none = { 0 };
	struct regs there;

	guest_mode_state(kernel, &none, &there);
	out->ss = regs->segment[SS];
	if (mode == MODE_REAL) {
		out->cs = regs->segment[CS];
		return;
	}
	out->cs = there.segment[CS];
	if (!guest_modes[mode].user)
		return;
	out->ss = there.segment[SS];
	if (kernel == MODE_64)
		out->ss = (struct segment_state){ .rights = UNUSABLE };
}

static uint64_t stack_before(enum guest_mode mode, const struct regs *regs)
{
	if (!guest_modes[mode].user)
		return regs->gpr[RSP];
	return 1 << mode & MODES_16 ? GUEST_AT(GUEST_STACK, STACK_TSS) - GUEST_LINEAR
				    : GUEST_AT(GUEST_STACK, STACK_TSS);
}

static void make_frame(enum guest_mode mode, const struct regs *regs,
		       const struct delivery *delivery, struct delivered *out)
{
	if (mode == MODE_V86) {
		push_selector(out, &regs->segment[GS]);
		push_selector(out, &regs->segment[FS]);
		push_selector(out, &regs->segment[DS]);
		push_selector(out, &regs->segment[ES]);
	}
	if (guest_modes[mode].user || out->step == 8) {
		push_selector(out, &regs->segment[SS]);
		push(out, regs->gpr[RSP], out->step);
	}
	push(out, regs->rflags, out->step);
	push_selector(out, &regs->segment[CS]);
	push(out, regs->rip, out->step);
	if (delivery->has_code && mode != MODE_REAL)
		push(out, delivery->code, out->step);
}

static uint64_t flags_after(enum guest_mode mode, const struct regs *regs, unsigned vector)
{
	uint64_t cleared = RFLAGS_TF | RFLAGS_RF; /* which no handler begins with */

	if (mode == MODE_REAL)
		cleared |= RFLAGS_IF | RFLAGS_AC;
	else
		cleared |= RFLAGS_NT | RFLAGS_VM | (vector & 1 ? 0 : RFLAGS_IF);
	return regs->rflags & ~cleared;
}

void guest_deliver(enum guest_mode mode, const struct regs *regs, const struct delivery *delivery,
		   struct delivered *out)
{
	const uint64_t handler =
		GUEST_AT(GUEST_HANDLERS, delivery->vector * (uint64_t)HANDLER_STEP);
	uint64_t base;

	*out = (struct delivered){ .step = step_of(mode), .nulls = mode == MODE_V86 };
	set_segments(mode, regs, out);
	make_frame(mode, regs, delivery, out);
	base = 1 << mode & (MODES_16 | 1 << MODE_REAL) ? GUEST_LINEAR : 0;
	out->rip = handler - base;
	out->rsp = stack_before(mode, regs);
	if (out->step == 8)
		out->rsp &= ~15ull;
	out->rsp -= out->count * (uint64_t)out->step;
	out->stack = out->rsp + base;
	out->rflags = flags_after(mode, regs, delivery->vector);
}
