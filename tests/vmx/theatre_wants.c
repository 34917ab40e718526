/* What is wanted of a case: by how its row says that it ends, and by what the row says of it. */
#include "tests/probe/delivery.h"
#include "tests/vmx/theatre_places.h"
#include "vmx/insn.h"

enum {
	RF = 1 << 16,
	CPUID_BYTES = 2,
	HANDLER_NOP = 1 /* before its CPUID */,
	RIGHTS_UNUSABLE = 1 << 16,
	QUALIFICATION_UNDEFINED = 0xE40, /* of EPT violations, without certain features */
	FILLER = 0xA5
};

/* Where an index has a want, the first one is found at once. */
struct want *theatre_want(struct theatre *theatre, unsigned at, uint32_t linear)
{
	for (unsigned i = theatre->first_want[at]; i && i <= theatre->wants; i++)
		if (theatre->want[i - 1].at == at && theatre->want[i - 1].linear == linear)
			return &theatre->want[i - 1];
	return NULL;
}

static void forget_wants(struct theatre *theatre)
{
	for (unsigned i = 0; i < theatre->wants; i++)
		theatre->first_want[theatre->want[i].at] = 0;
	theatre->wants = 0;
}

static struct want *want_at(struct theatre *theatre, unsigned at, uint32_t linear)
{
	struct want *want = theatre_want(theatre, at, linear);

	if (!want && theatre->wants < WANTS_MAX) {
		want = &theatre->want[theatre->wants++];
		if (!theatre->first_want[at])
			theatre->first_want[at] = (uint8_t)theatre->wants;
		*want = (struct want){ .at = (uint16_t)at, .linear = linear, .mask = ~0ull };
		if (at < MODEL_FIELDS)
			want->value = theatre->seat.probe.now.value[at];
		else if (at >= AT_GPR && at < AT_CR2)
			want->value = theatre->gpr[at - AT_GPR];
		else if (at >= AT_WORDS)
			want->value = *theatre_word(theatre, at);
	}
	return want;
}

static void want(struct theatre *theatre, unsigned at, uint64_t value, uint64_t mask)
{
	struct want *w = want_at(theatre, at, 0);

	if (w) {
		w->value = value;
		w->mask = mask;
	}
}

static void want_memory(struct theatre *theatre, uint32_t linear, unsigned bytes, uint64_t value)
{
	struct want *w = want_at(theatre, AT_MEMORY, linear);

	if (w) {
		w->bytes = (uint8_t)bytes;
		w->value = value;
	}
}

static void want_change(struct theatre *theatre, const struct guest_change *change)
{
	struct want *w = want_at(theatre, change->at, change->linear);

	if (!w)
		return;
	w->bytes = change->bytes;
	if (change->how == GUEST_UNJUDGED)
		w->mask &= change->value ? ~change->value : 0;
	else if (change->how == GUEST_JUDGED)
		w->mask |= change->value;
	else
		w->value = theatre_changed(theatre, change, w->value);
}

static void want_exit(struct theatre *theatre, uint64_t reason, unsigned at)
{
	want(theatre, AT_EXIT_REASON, reason, ~0ull);
	want(theatre, AT_GUEST_RIP, theatre_address(theatre, at), ~0ull);
}

static void want_instruction(struct theatre *theatre, uint64_t reason, unsigned at, unsigned length)
{
	want_exit(theatre, reason, at);
	want(theatre, AT_EXIT_INSTRUCTION_LENGTH, length, ~0ull);
}

static void want_exception(struct theatre *theatre, const struct guest_row *row)
{
	struct want *flags;

	want_exit(theatre, REASON_EXCEPTION_NMI, theatre->fragment->instruction);
	want(theatre, AT_EXIT_INTERRUPTION_INFO,
	     INFO_VALID | INFO_HARDWARE_EXCEPTION | row->number | (row->has_code ? INFO_ERROR : 0),
	     ~0ull);
	if (row->has_code)
		want(theatre, AT_EXIT_INTERRUPTION_ERROR_CODE, row->code, ~0ull);
	/* A rule of its own judges RF. */
	flags = want_at(theatre, AT_GUEST_RFLAGS, 0);
	if (flags)
		flags->mask = ~(uint64_t)RF;
}

static void want_segment(struct theatre *theatre, enum segment number,
			 const struct segment_state *segment)
{
	const bool usable = !(segment->rights & RIGHTS_UNUSABLE);

	want(theatre, AT_GUEST_ES_SELECTOR + number, segment->selector, ~0ull);
	want(theatre, AT_GUEST_ES_BASE + number, segment->base, usable ? ~0ull : 0);
	want(theatre, AT_GUEST_ES_LIMIT + number, segment->limit, usable ? ~0ull : 0);
	want(theatre, AT_GUEST_ES_RIGHTS + number, segment->rights,
	     usable ? ~0ull : RIGHTS_UNUSABLE);
}

/* An event with an instruction, whose length is added: SDM vol. 3C, "Details of Vectored-Event
 * Injection". */
static bool is_software(uint64_t injected)
{
	return injected & INFO_VALID && (injected & INFO_TYPE) >= INFO_SOFTWARE_INTERRUPT;
}

static uint64_t pushed_rip(const struct theatre *theatre, const struct guest_row *row)
{
	const struct fragment *fragment = theatre->fragment;
	const uint64_t *now = theatre->seat.probe.now.value;

	switch ((enum pushes)row->pushes) {
	case PUSHES_INSTRUCTION:
		return theatre_address(theatre, fragment->instruction);
	case PUSHES_NEXT:
		return theatre_address(theatre, fragment->next);
	case PUSHES_START:
		break;
	}
	if (is_software(now[AT_ENTRY_INTERRUPTION_INFO]))
		return now[AT_GUEST_RIP] + now[AT_ENTRY_INSTRUCTION_LENGTH];
	return now[AT_GUEST_RIP];
}

static void want_delivery(struct theatre *theatre, const struct guest_row *row)
{
	static const struct segment_state null = { .rights = RIGHTS_UNUSABLE };
	const struct delivery delivery = { row->number, row->has_code, row->code };
	const uint64_t *now = theatre->seat.probe.now.value;
	struct regs regs = theatre->regs[theatre->mode];
	struct delivered done;

	regs.rip = pushed_rip(theatre, row);
	regs.rflags = now[AT_GUEST_RFLAGS] | (row->pushes == PUSHES_INSTRUCTION ? RF : 0);
	regs.gpr[RSP] = now[AT_GUEST_RSP];
	guest_deliver(theatre->mode, &regs, &delivery, &done);
	want(theatre, AT_EXIT_REASON, REASON_CPUID, ~0ull);
	want(theatre, AT_EXIT_INSTRUCTION_LENGTH, CPUID_BYTES, ~0ull);
	want(theatre, AT_GUEST_RIP, done.rip + HANDLER_NOP, ~0ull);
	want(theatre, AT_GUEST_RSP, done.rsp, ~0ull);
	want(theatre, AT_GUEST_RFLAGS, done.rflags, ~0ull);
	want_segment(theatre, CS, &done.cs);
	want_segment(theatre, SS, &done.ss);
	for (unsigned i = ES; done.nulls && i <= GS; i++)
		if (i != CS && i != SS)
			want_segment(theatre, i, &null);
	for (unsigned i = 0; i < done.count; i++) {
		const uint32_t linear = (uint32_t)(done.stack + i * (uint64_t)done.step);
		const unsigned bytes = done.frame[i].bytes;

		write_memory(theatre, linear, bytes, FILLER * 0x0101010101010101ull);
		want_memory(theatre, linear, bytes,
			    bytes == 8 ? done.frame[i].value
				       : done.frame[i].value & (BIT(8 * bytes) - 1));
	}
}

/*
 * An EPT violation or misconfiguration, a full log: SDM vol. 3C, "Exit Qualification for EPT
 * Violations". Bits of the qualification that a control or a capability defines are for rows to
 * judge, and so is RF.
 */
static void want_memory_exit(struct theatre *theatre, const struct guest_row *row)
{
	const bool violation = row->number == REASON_EPT_VIOLATION;
	struct want *w = want_at(theatre, AT_GUEST_RFLAGS, 0);

	if (w)
		w->mask = ~(uint64_t)RF;
	if (violation)
		want(theatre, AT_EXIT_QUALIFICATION, 0, ~(uint64_t)QUALIFICATION_UNDEFINED);
	if (!row->far || row->number == REASON_PML_FULL)
		return;
	want(theatre, AT_GUEST_PHYSICAL_ADDRESS, theatre->far[row->far - 1] + row->offset, ~0ull);
	if (violation)
		want(theatre, AT_GUEST_LINEAR_ADDRESS, GUEST_AT(GUEST_DATA, row->offset), ~0ull);
}

static bool is_memory_exit(const struct guest_row *row)
{
	return row->end <= GUEST_EXITS_NEXT &&
	       (row->number == REASON_EPT_VIOLATION || row->number == REASON_EPT_MISCONFIGURATION ||
		row->number == REASON_PML_FULL);
}

void theatre_make_wants(struct theatre *theatre, const struct guest_row *row, unsigned number)
{
	const struct fragment *f = theatre->fragment;
	const uint64_t injected = theatre->seat.probe.now.value[AT_ENTRY_INTERRUPTION_INFO];
	struct want *result;

	forget_wants(theatre);
	want(theatre, AT_EXIT_QUALIFICATION, 0, ~0ull);
	if (row->end != GUEST_FAILS) {
		want(theatre, AT_EXIT_INTERRUPTION_INFO, 0, INFO_VALID);
		want(theatre, AT_IDT_VECTORING_INFO, 0, INFO_VALID);
	}
	if (injected & INFO_VALID && row->end != GUEST_FAILS)
		want(theatre, AT_ENTRY_INTERRUPTION_INFO, injected & ~INFO_VALID, ~0ull);
	switch ((enum guest_end)row->end) {
	case GUEST_EXITS:
		want_instruction(theatre, row->number, f->instruction,
				 (unsigned)(f->next - f->instruction));
		break;
	case GUEST_EXITS_AT:
		want_exit(theatre, row->number, f->start);
		break;
	case GUEST_EXITS_NEXT:
		want_exit(theatre, row->number, f->next);
		break;
	case GUEST_PASSES:
		want_instruction(theatre, REASON_CPUID, f->next, CPUID_BYTES);
		break;
	case GUEST_RAISES:
		want_exception(theatre, row);
		break;
	case GUEST_DELIVERS:
		want_delivery(theatre, row);
		break;
	case GUEST_FAILS:
		want(theatre, AT_EXIT_REASON, REASON_ENTRY_FAILURE | row->number, ~0ull);
		break;
	}
	if (is_memory_exit(row))
		want_memory_exit(theatre, row);
	for (const struct guest_change *c = row->after; c && c->how; c++)
		want_change(theatre, c);
	result = row->result_at ? want_at(theatre, row->result_at, 0) : NULL;
	if (result)
		result->value =
			(row->results ? row->results[number] : result->value) + number * row->each;
	if (row->info_mask) {
		result = want_at(theatre, AT_EXIT_INSTRUCTION_INFO, 0);
		if (result)
			result->mask = row->info_mask;
	}
}
