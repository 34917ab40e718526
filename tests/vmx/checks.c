#include "tests/vmx/checks.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "vm/cpu.h"

#include "tests/vmx/entry/outcome.h"
#include "tests/vmx/ground.h"

/* What stands behind a seat of the engine. */
struct place {
	struct entry_seat entry;
	struct seat seat;
	bool tables; /* those of the bases that need them are filled */
};

enum { PLACE_PAGES = (sizeof(struct place) + PAGE_SIZE - 1) / PAGE_SIZE };

static struct {
	uint64_t *ept; /* NULL: none */
	unsigned pages;
} map;

static struct place *place_of(struct entry_seat *seat)
{
	return (struct place *)seat;
}

const struct entry_ground *vmx_ground_of(const struct entry_seat *seat)
{
	return &((const struct place *)seat)->seat.ground;
}

static const struct model_state *state_of(const uint64_t *value)
{
	return (const struct model_state *)(const void *)value;
}

static void prepare(void)
{
	(void)ground_machine(); /* here, and not on all processors at once */
	map.ept = ground_map(&map.pages);
}

static void finish(void)
{
	ground_unmap(map.ept, map.pages);
}

static struct entry_seat *open(struct cpu *cpu, bool enters)
{
	struct place *place = pages_alloc(PLACE_PAGES);

	if (!place)
		return NULL;
	(void)seat_open(&place->seat, cpu, map.ept);
	place->entry = (struct entry_seat){
		.cpu = cpu,
		.status = place->seat.status,
		.machine = &place->seat.ground.machine,
		.now = place->seat.probe.now.value,
		.stale = !place->seat.probe.overwrites,
	};
	place->seat.entered = enters;
	return &place->entry;
}

static void close(struct entry_seat *seat)
{
	seat_close(&place_of(seat)->seat);
}

static void free(struct entry_seat *seat)
{
	if (!cpu_usable(seat->cpu))
		return;
	seat_free(&place_of(seat)->seat);
	pages_free(seat, PLACE_PAGES);
}

static bool make_base(struct entry_seat *seat, unsigned base, uint64_t *state, const char **missing)
{
	struct place *place = place_of(seat);
	struct model_state made;

	if (!entry_base_make((enum entry_base)base, &place->seat.ground, &made, missing))
		return false;
	for (unsigned i = 0; i < MODEL_VALUES; i++)
		state[i] = made.value[i];
	if (entry_needs_tables((enum entry_base)base) && !place->tables) {
		entry_tables_fill(&place->seat.ground, place->seat.pages);
		place->tables = true;
	}
	return true;
}

static struct entry_result result_of(const struct probe_result *result)
{
	return (struct entry_result){ result->kind, result->number, result->qualification };
}

struct probe_result vmx_probe_result(const struct entry_result *result)
{
	return (struct probe_result){ .kind = (uint8_t)result->kind,
				      .number = result->number,
				      .qualification = result->more };
}

static void enter(struct entry_seat *seat, struct entry_result *result)
{
	struct probe_result got;

	probe_enter(&place_of(seat)->seat.probe, &got);
	*result = result_of(&got);
}

static void load(struct entry_seat *seat, const uint64_t *state, const uint64_t *ordinary)
{
	struct probe *probe = &place_of(seat)->seat.probe;
	struct probe_result unused;

	/* Where software cannot write the exit information, this leaves what no case should. */
	if (ordinary) {
		probe_set_all(probe, state_of(ordinary));
		probe_enter(probe, &unused);
	}
	probe_set_all(probe, state_of(state));
}

static void set(struct entry_seat *seat, unsigned at, uint64_t value)
{
	probe_set(&place_of(seat)->seat.probe, (enum model_index)at, value);
}

static bool has(const struct entry_seat *seat, unsigned at)
{
	return probe_has(&((const struct place *)seat)->seat.probe, (enum model_index)at);
}

static void recover(struct entry_seat *seat, const struct entry_result *result, bool always)
{
	if (always || result->kind == PROBE_FAULTED || result->number == PROBE_STALE)
		probe_renew(&place_of(seat)->seat.probe);
}

static bool is(unsigned outcome, const struct entry_result *result, const uint64_t *state)
{
	const struct probe_result got = vmx_probe_result(result);

	return outcome_is((enum outcome)outcome, &got, state[AT_MSR_LOAD_POSITION]);
}

/* As every base but the first is to come out: by the VMCALL. */
static bool base_is_good(unsigned base, const struct entry_result *result)
{
	const struct probe_result got = vmx_probe_result(result);

	return outcome_is(base == BASE_CONTROLS ? PASSES : ENTERS, &got, 0) &&
	       (base == BASE_CONTROLS || got.number == REASON_VMCALL);
}

static const char *base_wanted(unsigned base)
{
	return base == BASE_CONTROLS ? "exit reason 33, qualification 0" : "exit reason 18";
}

static struct model_verdict verdict_of(const uint64_t *state, const void *machine)
{
	return model_check(state_of(state), machine, MODEL_ALL);
}

static bool allowed(const uint64_t *state, const void *machine, const struct entry_result *result)
{
	const struct model_verdict verdict = verdict_of(state, machine);
	const struct probe_result got = vmx_probe_result(result);

	return outcome_is_allowed(&verdict, &got);
}

static const char *rule_id(unsigned rule)
{
	return model_rules[rule].id;
}

static bool violates(const uint64_t *state, const void *machine, unsigned rule)
{
	const struct model_verdict verdict = verdict_of(state, machine);

	return model_violates(&verdict, rule);
}

static bool agrees(const struct entry_row *row, unsigned rule, const uint64_t *state,
		   const void *machine)
{
	const struct model_verdict verdict = verdict_of(state, machine);

	return outcome_agrees(row, rule, state_of(state), &verdict);
}

_Static_assert((int)OUTCOME_TEXT == (int)ENTRY_TEXT, "texts");
_Static_assert((int)MODEL_VALUES <= (int)ENTRY_VALUES, "states");
_Static_assert((int)BASE_COUNT <= (int)ENTRY_BASES, "bases");

static void wanted_text(unsigned outcome, const uint64_t *state, char text[ENTRY_TEXT])
{
	outcome_text((enum outcome)outcome, state[AT_MSR_LOAD_POSITION], text);
}

static void result_text(const struct entry_result *result, char text[ENTRY_TEXT])
{
	const struct probe_result got = vmx_probe_result(result);

	outcome_result_text(&got, text);
}

static void verdict_text(const uint64_t *state, const void *machine, char text[ENTRY_TEXT])
{
	const struct model_verdict verdict = verdict_of(state, machine);

	outcome_verdict_text(&verdict, text);
}

static const char *const base_names[BASE_COUNT] = {
	"of the controls", "of 64-bit code",	   "of compatibility mode", "with PAE paging",
	"with paging",	   "of virtual-8086 mode", "without paging",	    "of real mode",
};

const struct entry_checks vmx_entry_checks = {
	.vendor = &vmx_entry_vendor,
	.bases = BASE_COUNT,
	.ordinary = BASE_64,
	.base_names = base_names,
	.reported = REPORTED,
	.prepare = prepare,
	.finish = finish,
	.open = open,
	.close = close,
	.free = free,
	.make_base = make_base,
	.load = load,
	.set = set,
	.has = has,
	.enter = enter,
	.recover = recover,
	.base_is_good = base_is_good,
	.base_wanted = base_wanted,
	.is = is,
	.allowed = allowed,
	.rules = &model_rule_count,
	.rule_number = model_rule_number,
	.rule_id = rule_id,
	.violates = violates,
	.agrees = agrees,
	.outcome_text = wanted_text,
	.result_text = result_text,
	.verdict_text = verdict_text,
};
