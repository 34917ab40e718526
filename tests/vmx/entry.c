/*
 * VM entries against the rules of the SDM: each test is a section's rows, carried out by all
 * processors. See tests/vmx/entry/rows.h for the rows, crew.h for who does what.
 */
#include "lib/text.h"

#include "tests/lib/list.h"
#include "tests/vmx/crew.h"
#include "tests/vmx/entry/sections.h"

/* ---- what came out otherwise ---- */

/* A rule's rows that stand together. */
struct rule {
	const char *id;
	unsigned from, to; /* rows */
	unsigned cases, wrong;
};

/* Most rows of a rule have the same text. */
static bool is_of(const struct entry_row *row, const struct rule *rule)
{
	return row->rule == rule->id || text_equal(row->rule, rule->id);
}

static bool next_rule(const struct crew *crew, struct rule *rule)
{
	const struct entry_section *section = crew->section;
	unsigned row = rule->to;

	if (row == section->count)
		return false;
	*rule = (struct rule){ .id = section->rows[row].rule, .from = row };
	for (; row < section->count && is_of(&section->rows[row], rule); row++) {
		rule->cases += atomic_load(&crew->results[row].cases);
		rule->wrong += atomic_load(&crew->results[row].wrong);
	}
	rule->to = row;
	return true;
}

static uint32_t place(const struct difference *d)
{
	return (uint32_t)d->row << 16 | d->number;
}

/* The rule's first one, in the order of the table, after another (NULL: of all); NULL: none. */
static const struct difference *next_difference(const struct crew *crew, const struct rule *rule,
						const struct difference *after)
{
	const struct difference *found = NULL;

	for (unsigned i = 0; i < platform->cpu_count; i++) {
		const struct member *member = crew->members[i];

		for (unsigned n = 0; member && n < member->difference_count; n++) {
			const struct difference *d = &member->differences[n];

			if (d->row < rule->from || d->row >= rule->to)
				continue;
			if (after && place(d) <= place(after))
				continue;
			if (!found || place(d) < place(found))
				found = d;
		}
	}
	return found;
}

static void texts(const struct crew *crew, const struct difference *d, char wanted[OUTCOME_TEXT],
		  char got[OUTCOME_TEXT])
{
	outcome_text(crew->section->rows[d->row].outcome, d->position, wanted);
	if (crew->task == CREW_MODEL)
		outcome_verdict_text(&d->verdict, got);
	else
		outcome_result_text(&d->got, got);
}

/* The rule's first difference decides whether the processor is wrong, or we are. */
static void judge(struct test_run *run, const struct crew *crew, const struct rule *rule)
{
	const struct difference *first = next_difference(crew, rule, NULL);
	char what[TEST_TEXT], wanted[OUTCOME_TEXT], got[OUTCOME_TEXT];

	if (!first) {
		test_error(run, "%s: no memory for what differs", rule->id);
		return;
	}
	texts(crew, first, wanted, got);
	text_format(what, sizeof(what), "%s: %u of %u cases", rule->id, rule->wrong, rule->cases);
	test_note(run, "%s: wanted %s, got %s", what, wanted, got);
	if (first->allowed)
		test_error(run, "row and model disagree: %s, row %u, case %u", rule->id, first->row,
			   first->number);
	else
		expect_failed(run, what, wanted, got);
}

static void note_difference(struct test_run *run, const struct crew *crew,
			    const struct difference *d)
{
	char wanted[OUTCOME_TEXT], got[OUTCOME_TEXT];

	texts(crew, d, wanted, got);
	test_note(run, "%s, row %u, case %u: wanted %s, got %s", crew->section->rows[d->row].rule,
		  d->row, d->number, wanted, got);
	for (unsigned i = 0; i < d->what.count; i++)
		test_note(run, "  %s = %llx", model_name(d->what.set[i].at),
			  (unsigned long long)d->what.set[i].value);
	for (unsigned i = 0; d->allowed && i < model_rule_count; i++)
		if (model_violates(&d->verdict, i))
			test_note(run, "  the model finds violated: %s", model_rules[i].id);
}

/* To make lines that do not fit would take as long as the cases. */
static bool has_room(const struct test_run *run)
{
	enum { ROOM = 200 };

	return run->notes_used + ROOM < TEST_NOTES;
}

static void note_rule(struct test_run *run, const struct crew *crew, const struct rule *rule)
{
	const struct difference *d = NULL;
	unsigned told = 0;

	for (; told < DIFFERENCES_OF_ROW && has_room(run); told++) {
		d = next_difference(crew, rule, d);
		if (!d)
			break;
		note_difference(run, crew, d);
	}
	if (rule->wrong > told)
		test_note(run, "%s: and %u more", rule->id, rule->wrong - told);
}

/* A base that does not enter hides all the rows that start from it. */
static void judge_base(struct test_run *run, const struct crew *crew, enum entry_base base)
{
	static const char *const names[BASE_COUNT] = {
		"of the controls", "of 64-bit code", "of compatibility mode",
		"with PAE paging", "with paging",    "of virtual-8086 mode",
		"without paging",  "of real mode",
	};

	for (unsigned i = 0; i < platform->cpu_count; i++) {
		const struct member *member = crew->members[i];
		char what[TEST_TEXT], got[OUTCOME_TEXT];

		if (!member || member->base_state[base] != BASE_BROKEN)
			continue;
		text_format(what, sizeof(what), "the state %s, unchanged", names[base]);
		outcome_result_text(&member->broken[base], got);
		expect_failed(run, what,
			      base == BASE_CONTROLS ? "exit reason 33, qualification 0"
						    : "exit reason 18",
			      got);
		return;
	}
}

/* ---- what was not judged ---- */

static void note_reported(struct test_run *run, const struct crew *crew,
			  const struct reported *reported)
{
	for (unsigned i = 0; i < reported->count; i++) {
		char got[OUTCOME_TEXT];

		outcome_result_text(&reported->outcome[i].got, got);
		test_note(run, "%s is reported: %u times %s",
			  crew->section->rows[reported->row].rule, reported->outcome[i].times, got);
	}
}

static void note_missing(struct test_run *run, const struct crew *crew, struct reasons *all)
{
	all->count = 0;
	for (unsigned i = 0; i < platform->cpu_count; i++) {
		const struct member *member = crew->members[i];

		for (unsigned n = 0; member && n < member->reasons.count; n++)
			reasons_add(all, member->reasons.reason[n].text,
				    member->reasons.reason[n].rows);
	}
	for (unsigned i = 0; i < all->count; i++)
		test_note(run, "%u rows need %s", all->reason[i].rows, all->reason[i].text);
}

static void note_speed(struct test_run *run, const struct crew *crew, unsigned cases)
{
	uint64_t ticks = 0, longest = 0;

	for (unsigned i = 0; i < platform->cpu_count; i++) {
		const struct member *member = crew->members[i];

		if (!member)
			continue;
		ticks += member->ticks;
		longest = member->ticks > longest ? member->ticks : longest;
	}
	test_note(run, "%u cases, %llu ticks each, at most %llu on a processor", cases,
		  (unsigned long long)(cases ? ticks / cases : 0), (unsigned long long)longest);
}

/* What is short comes first: there is room for so many lines. */
static void tell(struct test_run *run, const struct crew *crew)
{
	struct rule rule = { 0 };
	unsigned cases = 0, wrong = 0;
	struct reasons reasons;

	for (unsigned base = 0; base < BASE_COUNT; base++)
		judge_base(run, crew, (enum entry_base)base);
	for (; next_rule(crew, &rule); cases += rule.cases, wrong += rule.wrong) {
		if (crew->task == CREW_ENTER)
			test_rule(run, rule.id, rule.cases, rule.wrong);
		if (rule.wrong)
			judge(run, crew, &rule);
	}
	expected(run, cases - wrong);
	note_speed(run, crew, cases);
	rule.to = 0;
	while (has_room(run) && next_rule(crew, &rule))
		if (rule.wrong)
			note_rule(run, crew, &rule);
	for (unsigned i = 0; i < platform->cpu_count; i++)
		for (unsigned n = 0; crew->members[i] && n < crew->members[i]->reported_count; n++)
			note_reported(run, crew, &crew->members[i]->reported[n]);
	note_missing(run, crew, &reasons);
	if (!run->expectations && !run->erred && reasons.count)
		test_skip(run, "needs %s", reasons.reason[0].text);
}

/* ---- the tests ---- */

static void run_rows(struct test_run *run, const struct entry_section *section, enum crew_task task,
		     enum crew_rows rows, const char *rule)
{
	struct crew *crew = crew_open(run, section, task);
	bool all;

	if (!crew)
		return;
	all = crew_work(crew, run, rows, rule);
	/* Rows that may cost the processor come when all others are done. */
	if (all && rows == CREW_ORDINARY)
		all = crew_work(crew, run, CREW_LAST, NULL);
	crew_close(crew, run);
	if (all)
		tell(run, crew);
	crew_free(crew);
}

static void section(struct test_run *run)
{
	run_rows(run, run->test->data, CREW_ENTER, CREW_ORDINARY, NULL);
}

#define BY_NAME "full.vmx.entry.by_name."

/* The test's name ends in the rule's. */
static void by_name(struct test_run *run)
{
	run_rows(run, run->test->data, CREW_ENTER, CREW_BY_NAME,
		 run->test->name + sizeof(BY_NAME) - 1);
}

#define ADDRESS(name, rows, spec, about) &(rows),

static void model(struct test_run *run)
{
	static const struct entry_section *const sections[] = { ENTRY_SECTIONS(ADDRESS) };

	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++)
		run_rows(run, sections[i], CREW_MODEL, CREW_ALL, NULL);
}

enum { MILLISECONDS = 20000 }; /* emulators count instructions, at a few million a second */

#define VMX BIT(CAP_VMX)

#define MEANS_ENTRY                                                                                \
	"VM entry accepts what it must refuse, or refuses what it must accept: a nested "          \
	"hypervisor's mistakes go through, or its guests do not start."
#define SECTION(name, rows, spec, about)                                                           \
	{ name,                                                                                    \
	  spec,                                                                                    \
	  section,                                                                                 \
	  .needs = VMX,                                                                            \
	  .data = &(rows),                                                                         \
	  .milliseconds = MILLISECONDS,                                                            \
	  EXPLAINS(about, MEANS_ENTRY) },
#define RULE(rule, rows)                                                                           \
	{ BY_NAME rule,                                                                            \
	  SPEC_VM_ENTRIES,                                                                         \
	  by_name,                                                                                 \
	  .needs = VMX,                                                                            \
	  .by_name = true,                                                                         \
	  .data = &(rows),                                                                         \
	  EXPLAINS("One rule of VM entries that an emulator may stop at as a whole.",              \
		   MEANS_ENTRY) },

static const struct test rows[] = {
	{ "vmx.entry.model", SPEC_VM_ENTRIES, model, .needs = VMX,
	  EXPLAINS("The cases of the entry tests and the model of VM entries agree about this "
		   "machine; nothing is entered.",
		   "Assay's two descriptions of VM entries disagree about this machine's "
		   "capabilities: its other entry verdicts may be wrong.") },
	ENTRY_SECTIONS(SECTION) ENTRY_RULES_BY_NAME(RULE)
};

TEST_GROUP(entry, rows);
