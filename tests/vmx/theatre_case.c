/* One case of a row: what is written before, what is wanted, what has come. */
#include "tests/vmx/theatre.h"

#include "platform.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/probe/delivery.h"
#include "tests/vmx/theatre_places.h"
#include "vmx/insn.h"

enum { TRIES = 4 };

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
		const uint64_t value =
			theatre_changed(theatre, change, probe->now.value[change->at]);

		probe_set(probe, change->at, value & model_mask(change->at));
	} else if (change->at < AT_CR2) {
		theatre->gpr[change->at - AT_GPR] =
			theatre_changed(theatre, change, theatre->gpr[change->at - AT_GPR]);
	} else if (change->at == AT_MEMORY) {
		*kept = read_memory(theatre, change->linear, change->bytes);
		write_memory(theatre, change->linear, change->bytes,
			     theatre_changed(theatre, change, *kept));
	} else if (change->at == AT_INTERRUPT) {
		interrupt_send(theatre->seat.cpu, change->linear);
	} else if (change->at == AT_SEAT) {
		*kept = read_seat(theatre, change->linear, change->bytes);
		write_seat(theatre, change->linear, change->bytes,
			   theatre_changed(theatre, change, *kept));
	} else if (change->at == AT_MSR) {
		*kept = rdmsr(change->linear);
		wrmsr(change->linear, theatre_changed(theatre, change, *kept));
	} else if (change->at >= AT_WORDS) {
		*kept = write_word(
			theatre, change->at,
			theatre_changed(theatre, change, *theatre_word(theatre, change->at)));
	} else {
		*kept = read_register(change->at);
		write_register(change->at, theatre_changed(theatre, change, *kept));
	}
}

static void undo(struct theatre *theatre, const struct guest_change *change, uint64_t kept)
{
	if (change->at < MODEL_VALUES)
		probe_set(&theatre->seat.probe, change->at,
			  theatre->base[theatre->mode].value[change->at]);
	else if (change->at == AT_MEMORY)
		write_memory(theatre, change->linear, change->bytes, kept);
	else if (change->at == AT_INTERRUPT)
		interrupt_end(change->linear);
	else if (change->at == AT_SEAT)
		write_seat(theatre, change->linear, change->bytes, kept);
	else if (change->at == AT_MSR)
		wrmsr(change->linear, kept);
	else if (change->at >= AT_WORDS)
		(void)write_word(theatre, change->at, kept);
	else if (change->at >= AT_CR2)
		write_register(change->at, kept);
}

static struct guest_change case_value(const struct guest_row *row, unsigned number)
{
	return (struct guest_change){ .at = row->at,
				      .how = !row->values     ? GUEST_NOT
					     : row->value_how ? row->value_how
							      : GUEST_SET,
				      .value = row->values ? row->values[number] : 0 };
}

static bool waits_for_interrupt(const struct guest_row *row)
{
	for (const struct guest_change *c = row->before; c && c->how; c++)
		if (c->at == AT_INTERRUPT)
			return true;
	return false;
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
		  theatre_address(theatre, theatre->fragment->start));
	theatre->gpr[RBX] += row->offset;
	if (row->far) {
		kept->data_entry = read_memory(theatre, DATA_ENTRY, 8);
		write_memory(theatre, DATA_ENTRY, 8,
			     theatre->far[row->far - 1] | (kept->data_entry & PAGE_MASK));
	}
	for (unsigned i = 0; row->before && row->before[i].how; i++)
		apply(theatre, &row->before[i], &kept->value[i]);
	if (value.how)
		apply(theatre, &value, kept_value);
}

/* ---- what has come ---- */

void theatre_differs(struct theatre *theatre, unsigned at, uint32_t linear, uint64_t wanted,
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
	} else if (w->at == AT_INTERRUPT) {
		got = interrupt_state(w->linear);
	} else if (w->at == AT_SEAT) {
		got = read_seat(theatre, w->linear, w->bytes);
	} else if (w->at == AT_MSR) {
		got = rdmsr(w->linear);
	} else if (w->at >= AT_WORDS) {
		got = *theatre_word(theatre, w->at);
	} else {
		got = read_register(w->at);
	}
	if ((got ^ w->value) & mask)
		theatre_differs(theatre, w->at, w->linear, w->value, got);
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

		if (exit->value[at] != probe->now.value[at] && !theatre_want(theatre, at, 0) &&
		    !is_unjudged(at))
			theatre_differs(theatre, at, 0, probe->now.value[at], exit->value[at]);
	}
	for (unsigned i = 0; i < GPRS; i++)
		if (i != RSP && (probe->gpr[i] ^ theatre->gpr[i]) & mask &&
		    !theatre_want(theatre, AT_GPR + i, 0))
			theatre_differs(theatre, AT_GPR + i, 0, theatre->gpr[i], probe->gpr[i]);
}

/* Entries that the row does not name; the first one may have two names. */
static void compare_entries(struct theatre *theatre)
{
	const bool shared = theatre->entry[EPT_NEAR_4] == theatre->entry[EPT_FAR_4];

	for (unsigned i = shared ? EPT_NEAR_4 + 1 : 0; i < EPT_ENTRIES; i++) {
		const uint64_t got = *theatre->entry[i];

		if (got != theatre->entries[i] && !theatre_want(theatre, AT_EPT + i, 0))
			theatre_differs(theatre, AT_EPT + i, 0, theatre->entries[i], got);
	}
}

static void compare(struct theatre *theatre, const struct guest_row *row)
{
	const unsigned kind = row->end == GUEST_FAILS ? PROBE_ENTRY_FAILED : PROBE_ENTERED;

	theatre->mismatches = 0;
	if (theatre->exit.result.kind != kind) {
		theatre_differs(theatre, AT_RESULT, 0, kind, theatre->exit.result.kind);
		return;
	}
	for (unsigned i = 0; i < theatre->wants; i++)
		compare_want(theatre, &theatre->want[i]);
	compare_rest(theatre);
	if (theatre->stale)
		compare_entries(theatre);
	if (theatre->wants == WANTS_MAX)
		theatre_differs(theatre, AT_RESULT, 0, 0, WANTS_MAX);
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

static bool carry_out(struct theatre *theatre, const struct guest_row *row, unsigned number,
		      enum guest_flush what)
{
	const struct vmx_cpu *processor = theatre->seat.cpu->arch;
	const struct guest_change value = case_value(row, number);
	struct kept kept;
	uint64_t kept_value = 0;

	theatre->fragment =
		guest_row_fragment(row, number, guest_modes[theatre->mode].code, &theatre->page);
	prepare(theatre, row, number, &kept, &kept_value);
	theatre_make_wants(theatre, row, number);
	renew(theatre, what);
	watch_begin(theatre, row);
	invalidate_apic_access(theatre);
	__builtin_memcpy(theatre->seat.probe.gpr, theatre->gpr, sizeof(theatre->gpr));
	theatre->exit.interrupted = waits_for_interrupt(row);
	probe_run(&theatre->seat.probe, &theatre->exit);
	if (processor->smi_sticks) /* start.hardware_wait.exit_state has judged it */
		theatre->exit.value[AT_GUEST_INTERRUPTIBILITY] &= ~(uint64_t)BLOCKED_BY_SMI;
	compare(theatre, row);
	theatre->stale = false;
	watch_end(theatre, row);
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
	right = carry_out(theatre, row->first, 0, FLUSH_NOTHING);
	theatre->stale = true;
	if (right) {
		right = carry_out(theatre, row, number, row->then);
		if (!right && row->then == FLUSH_BY_EXIT)
			right = carry_out(theatre, row, number, FLUSH_NOTHING);
	}
	theatre->stale = true;
	return right;
}

/* The case of a row that computes its cases. */
static bool carry_out_made(struct theatre *theatre, const struct guest_row *row, unsigned number,
			   enum guest_flush what)
{
	struct guest_made made;

	made.row = *row;
	made.watched = theatre->pages + row->watched * (size_t)PAGE_SIZE;
	made.befores = made.afters = 0;
	for (const struct guest_change *c = row->before; c && c->how; c++)
		made_before(&made, *c);
	for (const struct guest_change *c = row->after; c && c->how; c++)
		made_after(&made, *c);
	made.row.before = made.before;
	made.row.after = made.after;
	row->make(number, &made);
	made.before[made.befores].how = made.after[made.afters].how = GUEST_NOT;
	if (made.befores == ROW_BEFORE || made.afters == ROW_AFTER) {
		theatre->mismatches = 0;
		theatre_differs(theatre, AT_RESULT, 0, 0, ROW_BEFORE); /* too many changes */
		return false;
	}
	return carry_out(theatre, &made.row, 0, what);
}

/* The preemption timer, which guards every guest, has ended one that was to end otherwise. */
static bool is_late(struct theatre *theatre)
{
	const struct want *reason = theatre_want(theatre, AT_EXIT_REASON, 0);

	return theatre->exit.result.kind == PROBE_ENTERED &&
	       theatre->exit.result.number == REASON_PREEMPTION_TIMER && reason &&
	       reason->value != REASON_PREEMPTION_TIMER;
}

static bool any_case(struct theatre *theatre, const struct guest_row *row, unsigned number)
{
	if (row->make)
		return carry_out_made(theatre, row, number, FLUSH_AS_NEEDED);
	return row->first ? two_cases(theatre, row, number)
			  : carry_out(theatre, row, number, FLUSH_AS_NEEDED);
}

/* A machine or a hypervisor below may have been elsewhere meanwhile: such a case is tried again. */
bool theatre_case(struct theatre *theatre, const struct guest_row *row, unsigned number,
		  enum guest_mode mode)
{
	bool right = false;

	theatre->mode = mode;
	for (unsigned i = 0; i < TRIES && !right && (!i || is_late(theatre)); i++)
		right = any_case(theatre, row, number);
	return right;
}
