#include "tests/svm/checks.h"

#include "tests/svm/entry/outcome.h"
#include "tests/svm/ground.h"

static struct svm_seat *seat_of(struct entry_seat *seat)
{
	return (struct svm_seat *)seat;
}

static const struct svm_state *state_of(const uint64_t *value)
{
	return (const struct svm_state *)(const void *)value;
}

/* Seats share nothing. */
static void nothing(void)
{
}

static struct entry_seat *open(struct cpu *cpu, bool enters)
{
	struct svm_seat *seat = svm_seat_open(cpu);

	(void)enters;
	return seat ? &seat->entry : NULL;
}

static void close(struct entry_seat *seat)
{
	svm_seat_close(seat_of(seat));
}

static void free(struct entry_seat *seat)
{
	svm_seat_free(seat_of(seat));
}

static bool make_base(struct entry_seat *seat, unsigned base, uint64_t *state, const char **missing)
{
	struct svm_state made;

	if (!svm_base_make((enum svm_base)base, &seat_of(seat)->ground, &made, missing))
		return false;
	for (unsigned i = 0; i < SVM_VALUES; i++)
		state[i] = made.value[i];
	return true;
}

static void load(struct entry_seat *seat, const uint64_t *state, const uint64_t *ordinary)
{
	(void)ordinary;
	svm_seat_load(seat_of(seat), state);
}

static void set(struct entry_seat *seat, unsigned at, uint64_t value)
{
	svm_probe_set(&seat_of(seat)->probe, at, value);
}

static bool has(const struct entry_seat *seat, unsigned at)
{
	(void)seat;
	(void)at;
	return true;
}

struct svm_probe_result svm_result_of(const struct entry_result *result)
{
	return (struct svm_probe_result){ .kind = result->kind, .code = result->more };
}

static void enter(struct entry_seat *seat, struct entry_result *result)
{
	struct svm_probe_result got;

	svm_probe_run(&seat_of(seat)->probe, &got);
	*result = (struct entry_result){ .kind = got.kind, .more = got.code };
}

/* Each entry begins from a fresh copy. */
static void recover(struct entry_seat *seat, const struct entry_result *result, bool always)
{
	(void)seat;
	(void)result;
	(void)always;
}

static bool base_is_good(unsigned base, const struct entry_result *got)
{
	(void)base;
	return got->kind == SVM_PROBE_ENTERED && got->more == SVM_EXIT_VMMCALL;
}

static const char *base_wanted(unsigned base)
{
	(void)base;
	return "exit code 81H";
}

static bool is(unsigned outcome, const struct entry_result *result, const uint64_t *state)
{
	const struct svm_probe_result got = svm_result_of(result);

	(void)state;
	return svm_outcome_is((enum outcome)outcome, &got);
}

static bool allowed(const uint64_t *state, const void *machine, const struct entry_result *result)
{
	const struct svm_verdict verdict = svm_check(state_of(state), machine);
	const struct svm_probe_result got = svm_result_of(result);

	return svm_outcome_is_allowed(&verdict, &got);
}

static const char *rule_id(unsigned rule)
{
	return svm_rules[rule];
}

static bool violates(const uint64_t *state, const void *machine, unsigned rule)
{
	return svm_check(state_of(state), machine).violated & BIT(rule);
}

static bool agrees(const struct entry_row *row, unsigned rule, const uint64_t *state,
		   const void *machine)
{
	const struct svm_verdict verdict = svm_check(state_of(state), machine);

	return svm_outcome_agrees(row, rule, &verdict);
}

_Static_assert((int)SVM_OUTCOME_TEXT == (int)ENTRY_TEXT, "texts");
_Static_assert((int)SVM_VALUES <= (int)ENTRY_VALUES, "states");
_Static_assert((int)BASE_COUNT <= (int)ENTRY_BASES, "bases");

static void wanted_text(unsigned outcome, const uint64_t *state, char text[ENTRY_TEXT])
{
	(void)state;
	svm_outcome_text((enum outcome)outcome, text);
}

static void result_text(const struct entry_result *result, char text[ENTRY_TEXT])
{
	const struct svm_probe_result got = svm_result_of(result);

	svm_result_text(&got, text);
}

static void verdict_text(const uint64_t *state, const void *machine, char text[ENTRY_TEXT])
{
	const struct svm_verdict verdict = svm_check(state_of(state), machine);

	svm_verdict_text(&verdict, text);
}

const char *const svm_base_names[BASE_COUNT] = {
	[BASE_64] = "of 64-bit code",
	[BASE_COMPAT] = "of compatibility mode",
	[BASE_PAE] = "with PAE paging",
	[BASE_32] = "with 32-bit paging",
	[BASE_V86] = "of virtual-8086 mode",
	[BASE_FLAT] = "without paging",
	[BASE_REAL] = "of real mode",
	[BASE_64_SHADOW] = "of 64-bit code without nested paging",
	[BASE_PAE_SHADOW] = "with PAE paging without nested paging",
	[BASE_REAL_SHADOW] = "of real mode with paging",
};

const struct entry_checks svm_entry_checks = {
	.vendor = &svm_entry_vendor,
	.bases = BASE_COUNT,
	.ordinary = BASE_64,
	.base_names = svm_base_names,
	.reported = REPORTED,
	.prepare = nothing,
	.finish = nothing,
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
	.rules = &svm_rule_count,
	.rule_number = svm_rule_number,
	.rule_id = rule_id,
	.violates = violates,
	.agrees = agrees,
	.outcome_text = wanted_text,
	.result_text = result_text,
	.verdict_text = verdict_text,
};
