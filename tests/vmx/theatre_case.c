/* One case of a row: what is written before, what is wanted, what has come. */
#include "tests/vmx/theatre.h"

#include "x86/insn.h"
#include "x86/msr.h"

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

#define LOW_32 0xFFFFFFFFull

/* What an exit saves as the processor has it, whatever an entry loaded; PDPTEs by rows. */
static const uint16_t unjudged[] = {
	AT_PREEMPTION_TIMER_VALUE,
	AT_GUEST_PDPTE0,
	AT_GUEST_PDPTE1,
	AT_GUEST_PDPTE2,
	AT_GUEST_PDPTE3,
	AT_GUEST_IA32_BNDCFGS,
	AT_GUEST_IA32_RTIT_CTL,
	AT_GUEST_IA32_LBR_CTL,
	AT_GUEST_IA32_PKRS,
	AT_GUEST_UINV,
	AT_GUEST_IA32_S_CET,
	AT_GUEST_SSP,
	AT_GUEST_INTERRUPT_SSP_TABLE,
};

/* ---- values ---- */

/* A machine with 52 bits has none: has_reserved. */
static uint64_t beyond(const struct theatre *theatre, uint64_t number)
{
	const unsigned bits = theatre->seat.ground.machine.physical_bits;

	return bits < 52 ? BIT(bits + number % (52 - bits)) : 0;
}

static uint64_t changed(const struct theatre *theatre, const struct guest_change *change,
			uint64_t before)
{
	switch (change->how) {
	case GUEST_SET:
		return change->value;
	case GUEST_OR:
		return before | change->value;
	case GUEST_CLEAR:
		return before & ~change->value;
	case GUEST_XOR:
		return before ^ change->value;
	case GUEST_ADD:
		return before + change->value;
	case GUEST_FIELD:
		return theatre->seat.probe.now.value[change->value];
	case GUEST_CODE_ADDRESS:
		return GUEST_AT(theatre->page, theatre->fragment->instruction) + change->value;
	case GUEST_FAR:
		return theatre->far[change->value >> 57 & 3] + (change->value & ~FAR(3, 0));
	case GUEST_CODE_ENTRY:
		return change->value + GUEST_AT(theatre->page, theatre->fragment->start) /
					       PAGE_SIZE * change->bytes;
	case GUEST_BEYOND:
		return before ^ beyond(theatre, change->value);
	default:
		return before;
	}
}

/* ---- before ---- */

/* What was there before a row's changes to what is not in the VMCS. */
struct kept {
	uint64_t value[ROW_BEFORE];
	uint64_t data_entry;
};

/* The page-table entry of GUEST_DATA, outside of 32-bit paging. */
#define DATA_ENTRY                                                                                 \
	(uint32_t) GUEST_AT(GUEST_PAGE_TABLE, 8 * (GUEST_LINEAR / PAGE_SIZE + GUEST_DATA))

static void apply(struct theatre *theatre, const struct guest_change *change, uint64_t *kept)
{
	struct probe *probe = &theatre->seat.probe;

	if (change->at < MODEL_VALUES) {
		const uint64_t value = changed(theatre, change, probe->now.value[change->at]);

		probe_set(probe, change->at, value & model_mask(change->at));
	} else if (change->at < AT_CR2) {
		theatre->gpr[change->at - AT_GPR] =
			changed(theatre, change, theatre->gpr[change->at - AT_GPR]);
	} else if (change->at == AT_MEMORY) {
		*kept = read_memory(theatre, change->linear, change->bytes);
		write_memory(theatre, change->linear, change->bytes,
			     changed(theatre, change, *kept));
	} else if (change->at == AT_MSR) {
		*kept = rdmsr(change->linear);
		wrmsr(change->linear, changed(theatre, change, *kept));
	} else if (change->at >= AT_WORDS) {
		*kept = write_word(theatre, change->at,
				   changed(theatre, change, *theatre_word(theatre, change->at)));
	} else {
		*kept = read_register(change->at);
		write_register(change->at, changed(theatre, change, *kept));
	}
}

static void undo(struct theatre *theatre, const struct guest_change *change, uint64_t kept)
{
	if (change->at < MODEL_VALUES)
		probe_set(&theatre->seat.probe, change->at,
			  theatre->base[theatre->mode].value[change->at]);
	else if (change->at == AT_MEMORY)
		write_memory(theatre, change->linear, change->bytes, kept);
	else if (change->at == AT_MSR)
		wrmsr(change->linear, kept);
	else if (change->at >= AT_WORDS)
		(void)write_word(theatre, change->at, kept);
	else if (change->at >= AT_CR2)
		write_register(change->at, kept);
}

static uint64_t address_of(const struct theatre *theatre, unsigned offset)
{
	return guest_offset(theatre->mode, GUEST_AT(theatre->page, offset));
}

static struct guest_change case_value(const struct guest_row *row, unsigned number)
{
	return (struct guest_change){ .at = row->at,
				      .how = !row->values     ? GUEST_NOT
					     : row->value_how ? row->value_how
							      : GUEST_SET,
				      .value = row->values ? row->values[number] : 0 };
}

static void prepare(struct theatre *theatre, const struct guest_row *row, unsigned number,
		    struct kept *kept, uint64_t *kept_value)
{
	const struct guest_change value = case_value(row, number);

	if (theatre->loaded != (int)theatre->mode)
		probe_set_all(&theatre->seat.probe, &theatre->base[theatre->mode]);
	theatre->loaded = (int)theatre->mode;
	__builtin_memcpy(theatre->gpr, theatre->regs[theatre->mode].gpr, sizeof(theatre->gpr));
	probe_set(&theatre->seat.probe, AT_GUEST_RIP,
		  address_of(theatre, theatre->fragment->start));
	theatre->gpr[RBX] += row->offset;
	if (row->far) {
		kept->data_entry = read_memory(theatre, DATA_ENTRY, 8);
		write_memory(theatre, DATA_ENTRY, 8,
			     theatre->far[row->far - 1] | (kept->data_entry & PAGE_MASK));
	}
	for (unsigned i = 0; i < guest_changes(row->before); i++)
		apply(theatre, &row->before[i], &kept->value[i]);
	if (value.how)
		apply(theatre, &value, kept_value);
}

/* ---- what is wanted ---- */

static struct want *find(struct theatre *theatre, unsigned at, uint32_t linear)
{
	for (unsigned i = 0; i < theatre->wants; i++)
		if (theatre->want[i].at == at && theatre->want[i].linear == linear)
			return &theatre->want[i];
	return NULL;
}

static struct want *want_at(struct theatre *theatre, unsigned at, uint32_t linear)
{
	struct want *want = find(theatre, at, linear);

	if (!want && theatre->wants < WANTS_MAX) {
		want = &theatre->want[theatre->wants++];
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
		w->value = changed(theatre, change, w->value);
}

static void want_exit(struct theatre *theatre, uint64_t reason, unsigned at)
{
	want(theatre, AT_EXIT_REASON, reason, ~0ull);
	want(theatre, AT_GUEST_RIP, address_of(theatre, at), ~0ull);
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
		return address_of(theatre, fragment->instruction);
	case PUSHES_NEXT:
		return address_of(theatre, fragment->next);
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

static void make_wants(struct theatre *theatre, const struct guest_row *row, unsigned number)
{
	const struct fragment *f = theatre->fragment;
	const uint64_t injected = theatre->seat.probe.now.value[AT_ENTRY_INTERRUPTION_INFO];
	struct want *result;

	theatre->wants = 0;
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
	for (unsigned i = 0; i < guest_changes(row->after); i++)
		want_change(theatre, &row->after[i]);
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

/* ---- what has come ---- */

static void differs(struct theatre *theatre, unsigned at, uint32_t linear, uint64_t wanted,
		    uint64_t got)
{
	if (theatre->mismatches < MISMATCHES_MAX)
		theatre->mismatch[theatre->mismatches] =
			(struct mismatch){ (uint16_t)at, linear, wanted, got };
	theatre->mismatches++;
}

static uint64_t gpr_mask(const struct theatre *theatre)
{
	return guest_modes[theatre->mode].code == CODE_64 ? ~0ull : LOW_32;
}

static void compare_want(struct theatre *theatre, const struct want *w)
{
	const struct probe *probe = &theatre->seat.probe;
	uint64_t got, mask = w->mask;

	if (w->at < MODEL_FIELDS) {
		got = theatre->exit.value[w->at];
	} else if (w->at < AT_CR2) {
		got = probe->gpr[w->at - AT_GPR];
		mask &= gpr_mask(theatre);
	} else if (w->at == AT_MEMORY) {
		got = read_memory(theatre, w->linear, w->bytes);
	} else if (w->at == AT_MSR) {
		got = rdmsr(w->linear);
	} else if (w->at >= AT_WORDS) {
		got = *theatre_word(theatre, w->at);
	} else {
		got = read_register(w->at);
	}
	if ((got ^ w->value) & mask)
		differs(theatre, w->at, w->linear, w->value, got);
}

static bool is_unjudged(unsigned at)
{
	for (unsigned i = 0; i < ARRAY_SIZE(unjudged); i++)
		if (unjudged[i] == at)
			return true;
	return false;
}

static void compare_rest(struct theatre *theatre)
{
	const struct probe *probe = &theatre->seat.probe;
	const struct probe_exit *exit = &theatre->exit;
	const uint64_t mask = gpr_mask(theatre);

	for (unsigned i = 0; i < exit->changed_count; i++) {
		const unsigned at = exit->changed[i];

		if (!find(theatre, at, 0) && !is_unjudged(at))
			differs(theatre, at, 0, probe->now.value[at], exit->value[at]);
	}
	for (unsigned i = 0; i < GPRS; i++)
		if (i != RSP && (probe->gpr[i] ^ theatre->gpr[i]) & mask &&
		    !find(theatre, AT_GPR + i, 0))
			differs(theatre, AT_GPR + i, 0, theatre->gpr[i], probe->gpr[i]);
}

/* Entries that the row does not name; the first one may have two names. */
static void compare_entries(struct theatre *theatre)
{
	const bool shared = theatre->entry[EPT_NEAR_4] == theatre->entry[EPT_FAR_4];

	for (unsigned i = shared ? EPT_NEAR_4 + 1 : 0; i < EPT_ENTRIES; i++) {
		const uint64_t got = *theatre->entry[i];

		if (got != theatre->entries[i] && !find(theatre, AT_EPT + i, 0))
			differs(theatre, AT_EPT + i, 0, theatre->entries[i], got);
	}
}

static void compare(struct theatre *theatre, const struct guest_row *row)
{
	const unsigned kind = row->end == GUEST_FAILS ? PROBE_ENTRY_FAILED : PROBE_ENTERED;

	theatre->mismatches = 0;
	if (theatre->exit.result.kind != kind) {
		differs(theatre, AT_RESULT, 0, kind, theatre->exit.result.kind);
		return;
	}
	for (unsigned i = 0; i < theatre->wants; i++)
		compare_want(theatre, &theatre->want[i]);
	compare_rest(theatre);
	if (theatre->stale)
		compare_entries(theatre);
	if (theatre->wants == WANTS_MAX)
		differs(theatre, AT_RESULT, 0, 0, WANTS_MAX);
}

/* What changes of the EPT, and of page tables with a VPID, may have left in caches. */
static void renew(struct theatre *theatre, enum guest_flush what)
{
	const uint64_t secondary = theatre->seat.probe.now.value[AT_SECONDARY_CONTROLS];

	if (what != FLUSH_AS_NEEDED) {
		theatre_flush(theatre, what);
	} else if (secondary & CONTROL_MASK(SECONDARY_VPID)) {
		theatre_flush(theatre, FLUSH_EPT_ALL);
		theatre_flush(theatre, FLUSH_VPID_ALL);
	} else if (theatre->stale) {
		theatre_flush(theatre, FLUSH_EPT_SINGLE);
	}
	for (unsigned i = 0; theatre->stale && i < EPT_ENTRIES; i++)
		theatre->entries[i] = *theatre->entry[i];
}

static bool one_case(struct theatre *theatre, const struct guest_row *row, unsigned number,
		     enum guest_flush what)
{
	const struct guest_change value = case_value(row, number);
	struct kept kept;
	uint64_t kept_value = 0;

	theatre->fragment =
		guest_row_fragment(row, number, guest_modes[theatre->mode].code, &theatre->page);
	prepare(theatre, row, number, &kept, &kept_value);
	make_wants(theatre, row, number);
	renew(theatre, what);
	__builtin_memcpy(theatre->seat.probe.gpr, theatre->gpr, sizeof(theatre->gpr));
	probe_run(&theatre->seat.probe, &theatre->exit);
	compare(theatre, row);
	theatre->stale = false;
	if (value.how)
		undo(theatre, &value, kept_value);
	for (unsigned i = guest_changes(row->before); i-- > 0;)
		undo(theatre, &row->before[i], kept.value[i]);
	if (row->far)
		write_memory(theatre, DATA_ENTRY, 8, kept.data_entry);
	return !theatre->mismatches;
}

/* From empty caches; .stale: each run is to see to them, and the next case. */
static bool two_cases(struct theatre *theatre, const struct guest_row *row, unsigned number)
{
	bool right;

	theatre_flush(theatre, FLUSH_EPT_ALL);
	theatre_flush(theatre, FLUSH_VPID_ALL);
	theatre->stale = true;
	right = one_case(theatre, row->first, 0, FLUSH_NOTHING);
	theatre->stale = true;
	if (right) {
		right = one_case(theatre, row, number, row->then);
		if (!right && row->then == FLUSH_BY_EXIT)
			right = one_case(theatre, row, number, FLUSH_NOTHING);
	}
	theatre->stale = true;
	return right;
}

bool theatre_case(struct theatre *theatre, const struct guest_row *row, unsigned number,
		  enum guest_mode mode)
{
	theatre->mode = mode;
	return row->first ? two_cases(theatre, row, number)
			  : one_case(theatre, row, number, FLUSH_AS_NEEDED);
}
