/* Sections of rows as tests: what came out otherwise than the rows say, in words. */
#include "tests/entry/report.h"

#include "lib/text.h"

/* ---- what came out otherwise ---- */

/* A rule's rows that stand together. */
struct rule_rows {
	const char *id;
	unsigned from, to; /* rows */
	unsigned cases, wrong;
};

/* Most rows of a rule have the same text. */
static bool is_of(const struct entry_row *row, const struct rule_rows *rule)
{
	return row->rule == rule->id || text_equal(row->rule, rule->id);
}

static bool next_rule(const struct crew *crew, struct rule_rows *rule)
{
	const struct entry_section *section = crew->section;
	unsigned row = rule->to;

	if (row == section->count)
		return false;
	*rule = (struct rule_rows){ .id = section->rows[row].rule, .from = row };
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

/* A difference, and who saw it; NULL: none. */
struct found {
	const struct difference *d;
	const struct member *member;
};

/* The rule's first one, in the order of the table, after another (NULL: of all). */
static struct found next_difference(const struct crew *crew, const struct rule_rows *rule,
				    const struct difference *after)
{
	struct found found = { NULL, NULL };

	for (unsigned i = 0; i < platform->cpu_count; i++) {
		const struct member *member = crew->members[i];

		for (unsigned n = 0; member && n < member->difference_count; n++) {
			const struct difference *d = &member->differences[n];

			if (d->row < rule->from || d->row >= rule->to)
				continue;
			if (after && place(d) <= place(after))
				continue;
			if (!found.d || place(d) < place(found.d))
				found = (struct found){ d, member };
		}
	}
	return found;
}

static void texts(const struct crew *crew, struct found found, char wanted[ENTRY_TEXT],
		  char got[ENTRY_TEXT])
{
	const uint64_t *state = crew_state(crew, found.member, found.d);

	crew->checks->outcome_text(crew->section->rows[found.d->row].outcome, state, wanted);
	if (crew->task == CREW_MODEL)
		crew->checks->verdict_text(state, found.member->seat->machine, got);
	else
		crew->checks->result_text(&found.d->got, got);
}

/* The rule's first difference decides whether the processor is wrong, or we are. */
static void judge(struct test_run *run, const struct crew *crew, const struct rule_rows *rule)
{
	const struct found first = next_difference(crew, rule, NULL);
	char what[TEST_TEXT], wanted[ENTRY_TEXT], got[ENTRY_TEXT];

	if (!first.d) {
		test_error(run, "%s: no memory for what differs", rule->id);
		return;
	}
	texts(crew, first, wanted, got);
	text_format(what, sizeof(what), "%s: %u of %u cases", rule->id, rule->wrong, rule->cases);
	test_note(run, "%s: wanted %s, got %s", what, wanted, got);
	if (first.d->allowed)
		test_error(run, "row and model disagree: %s, row %u, case %u", rule->id,
			   first.d->row, first.d->number);
	else
		expect_failed(run, what, wanted, got);
}

static void note_difference(struct test_run *run, const struct crew *crew, struct found found)
{
	const struct difference *d = found.d;
	const struct entry_checks *checks = crew->checks;
	char wanted[ENTRY_TEXT], got[ENTRY_TEXT];

	texts(crew, found, wanted, got);
	test_note(run, "%s, row %u, case %u: wanted %s, got %s", crew->section->rows[d->row].rule,
		  d->row, d->number, wanted, got);
	for (unsigned i = 0; i < d->what.count; i++)
		test_note(run, "  %s = %llx", checks->vendor->name(d->what.set[i].at),
			  (unsigned long long)d->what.set[i].value);
	for (unsigned i = 0; d->allowed && i < *checks->rules; i++)
		if (checks->violates(crew_state(crew, found.member, d), found.member->seat->machine,
				     i))
			test_note(run, "  the model finds violated: %s", checks->rule_id(i));
}

/* To make lines that do not fit would take as long as the cases. */
static bool has_room(const struct test_run *run)
{
	enum { ROOM = 200 };

	return run->notes_used + ROOM < TEST_NOTES;
}

static void note_rule(struct test_run *run, const struct crew *crew, const struct rule_rows *rule)
{
	struct found found = { NULL, NULL };
	unsigned told = 0;

	for (; told < DIFFERENCES_OF_ROW && has_room(run); told++) {
		found = next_difference(crew, rule, found.d);
		if (!found.d)
			break;
		note_difference(run, crew, found);
	}
	if (rule->wrong > told)
		test_note(run, "%s: and %u more", rule->id, rule->wrong - told);
}

/* A base that does not enter hides all the rows that start from it. */
static void judge_base(struct test_run *run, const struct crew *crew, unsigned base)
{
	for (unsigned i = 0; i < platform->cpu_count; i++) {
		const struct member *member = crew->members[i];
		char what[TEST_TEXT], got[ENTRY_TEXT];

		if (!member || member->base_state[base] != BASE_BROKEN)
			continue;
		text_format(what, sizeof(what), "the state %s, unchanged",
			    crew->checks->base_names[base]);
		crew->checks->result_text(&member->broken[base], got);
		expect_failed(run, what, crew->checks->base_wanted(base), got);
		return;
	}
}

/* ---- what was not judged ---- */

static void note_reported(struct test_run *run, const struct crew *crew,
			  const struct reported *reported)
{
	for (unsigned i = 0; i < reported->count; i++) {
		char got[ENTRY_TEXT];

		crew->checks->result_text(&reported->outcome[i].got, got);
		test_note(run, "%s is reported: %u times %s",
			  crew->section->rows[reported->row].rule, reported->outcome[i].times, got);
	}
}

static void tell_missing(struct test_run *run, const struct crew *crew)
{
	struct reasons all = { .count = 0 };

	for (unsigned i = 0; i < platform->cpu_count; i++)
		if (crew->members[i])
			reasons_join(&all, &crew->members[i]->reasons);
	reasons_tell(&all, run);
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
	struct rule_rows rule = { 0 };
	unsigned cases = 0, wrong = 0;

	for (unsigned base = 0; base < crew->checks->bases; base++)
		judge_base(run, crew, base);
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
	tell_missing(run, crew);
}

/* ---- the tests ---- */

void entry_run_rows(struct test_run *run, const struct entry_checks *checks,
		    const struct entry_section *section, enum crew_task task, enum crew_rows rows,
		    const char *rule)
{
	struct crew *crew = crew_open(run, checks, section, task);
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
