#include "tests/vmx/crew.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "vm/work.h"

#include "tests/vmx/ground.h"

enum {
	MEMBER_PAGES = (sizeof(struct member) + PAGE_SIZE - 1) / PAGE_SIZE,
	PART = 64, /* cases of a row that are worth a share of their own */
	CLOSE_MICROSECONDS = 1000000,
};

static struct crew the_crew;

static unsigned pages_for(size_t size)
{
	return (unsigned)((size + PAGE_SIZE - 1) / PAGE_SIZE);
}

/* ---- the state in the VMCS ---- */

/* As every base but the first is to come out: by the VMCALL. */
static bool base_enters(struct member *member, enum entry_base base)
{
	struct probe_result *got = &member->broken[base];

	probe_enter(&member->seat.probe, got);
	return outcome_is(base == BASE_CONTROLS ? PASSES : ENTERS, got, 0) &&
	       (base == BASE_CONTROLS || got->number == REASON_VMCALL);
}

/* Where software cannot write the exit information, this leaves what no case should. */
static void enter_ordinarily(struct member *member)
{
	struct probe_result unused;

	probe_set_all(&member->seat.probe, &member->base[BASE_64]);
	probe_enter(&member->seat.probe, &unused);
}

static enum base_state make_base(struct member *member, enum entry_base base)
{
	if (!entry_base_make(base, &member->seat.ground, &member->base[base],
			     &member->missing[base]))
		return BASE_MISSING;
	if (entry_needs_tables(base) && !member->tables) {
		entry_tables_fill(&member->seat.ground, member->seat.pages);
		member->tables = true;
	}
	return BASE_READY;
}

/* Makes it, and tries it once: a base that breaks a rule would hide all others. */
static bool has_base(const struct crew *crew, struct member *member, enum entry_base base)
{
	if (member->base_state[base] != BASE_UNKNOWN)
		return member->base_state[base] == BASE_READY;
	member->base_state[base] = make_base(member, base);
	if (member->base_state[base] != BASE_READY || crew->task == CREW_MODEL)
		return member->base_state[base] == BASE_READY;
	probe_set_all(&member->seat.probe, &member->base[base]);
	member->loaded = (int)base;
	if (base_enters(member, base))
		return true;
	member->base_state[base] = BASE_BROKEN;
	return false;
}

static void load_base(const struct crew *crew, struct member *member, enum entry_base base)
{
	if (member->loaded == (int)base)
		return;
	if (!member->seat.probe.overwrites && has_base(crew, member, BASE_64))
		enter_ordinarily(member);
	probe_set_all(&member->seat.probe, &member->base[base]);
	member->loaded = (int)base;
}

/* Where the cases of a row begin: the VMCS, or the state for the model. */
static void begin_base(const struct crew *crew, struct member *member, enum entry_base base)
{
	if (crew->task == CREW_ENTER)
		load_base(crew, member, base);
	else
		member->state = member->base[base];
}

/* ---- cases ---- */

static unsigned differences_max(const struct crew *crew)
{
	return DIFFERENCES_OF_ROW * crew->section->count;
}

static unsigned difference_pages(const struct crew *crew)
{
	return pages_for(differences_max(crew) * sizeof(struct difference));
}

/* Room for one; NULL: the row has its share already, or there is no memory. */
static struct difference *new_difference(const struct crew *crew, struct member *member)
{
	if (member->kept_of_row == DIFFERENCES_OF_ROW ||
	    member->difference_count == differences_max(crew))
		return NULL;
	if (!member->differences)
		member->differences = pages_alloc(difference_pages(crew));
	if (!member->differences)
		return NULL;
	member->kept_of_row++;
	return &member->differences[member->difference_count++];
}

static bool same_result(const struct probe_result *a, const struct probe_result *b)
{
	return a->kind == b->kind && a->number == b->number && a->qualification == b->qualification;
}

static void report(struct member *member, unsigned row, const struct probe_result *got)
{
	struct reported *reported = &member->reported[member->reported_count - 1];
	unsigned i = 0;

	if (!member->reported_count || reported->row != row) {
		if (member->reported_count == REPORTED_MAX)
			return;
		reported = &member->reported[member->reported_count++];
		reported->row = (uint16_t)row;
		reported->count = 0;
	}
	while (i < reported->count && !same_result(&reported->outcome[i].got, got))
		i++;
	if (i == ARRAY_SIZE(reported->outcome))
		return;
	if (i == reported->count) {
		reported->outcome[i].got = *got;
		reported->outcome[i].times = 0;
		reported->count++;
	}
	reported->outcome[i].times++;
}

/* The processor does otherwise than the row says: what does the model say? */
static NOINLINE void differs(const struct crew *crew, struct member *member, unsigned row,
			     unsigned number, const struct entry_case *what,
			     const struct probe_result *got)
{
	struct difference *difference = new_difference(crew, member);

	atomic_fetch_add(&crew->results[row].wrong, 1);
	if (difference) {
		*difference = (struct difference){
			.row = (uint16_t)row, .number = (uint16_t)number, .what = *what, .got = *got
		};
		difference->position = member->seat.probe.now.value[AT_MSR_LOAD_POSITION];
		difference->verdict = model_check(&member->seat.probe.now,
						  &member->seat.ground.machine, MODEL_ALL);
		difference->allowed = outcome_is_allowed(&difference->verdict, got);
	}
	/* It did what no processor should: the next case begins from what we know. */
	if (got->kind == PROBE_FAULTED || got->number == PROBE_STALE)
		probe_renew(&member->seat.probe);
}

static NOINLINE void disagrees(const struct crew *crew, struct member *member, unsigned row,
			       unsigned number, const struct entry_case *what,
			       const struct model_verdict *verdict)
{
	struct difference *difference = new_difference(crew, member);

	atomic_fetch_add(&crew->results[row].wrong, 1);
	if (difference)
		*difference = (struct difference){ .row = (uint16_t)row,
						   .number = (uint16_t)number,
						   .allowed = true,
						   .what = *what,
						   .verdict = *verdict };
}

static void enter_case(const struct crew *crew, struct member *member, unsigned row,
		       unsigned number, const struct entry_case *what)
{
	const enum outcome wanted = crew->section->rows[row].outcome;
	struct probe *probe = &member->seat.probe;
	struct probe_result got;

	for (unsigned i = 0; i < what->count; i++)
		probe_set(probe, what->set[i].at, what->set[i].value);
	probe_enter(probe, &got);
	if (!outcome_is(wanted, &got, probe->now.value[AT_MSR_LOAD_POSITION]))
		differs(crew, member, row, number, what, &got);
	else if (wanted == REPORTED)
		report(member, row, &got);
}

static void check_case(const struct crew *crew, struct member *member, unsigned row,
		       unsigned number, const struct entry_case *what)
{
	struct model_verdict verdict;

	entry_case_apply(what, &member->state);
	verdict = model_check(&member->state, &member->seat.ground.machine, MODEL_ALL);
	if (!outcome_agrees(&crew->section->rows[row], member->rule, &member->state, &verdict))
		disagrees(crew, member, row, number, what, &verdict);
}

/* Puts the values of a case back; the next place of the row has others. */
static void undo(const struct crew *crew, struct member *member, const struct entry_case *what)
{
	for (unsigned i = 0; i < what->count; i++) {
		const enum model_index at = what->set[i].at;

		if (crew->task == CREW_ENTER)
			probe_set(&member->seat.probe, at, member->cases.base->value[at]);
		else
			member->state.value[at] = member->cases.base->value[at];
	}
}

/* The row's cases from..to. */
static void do_cases(struct crew *crew, struct member *member, unsigned row, unsigned from,
		     unsigned to)
{
	const struct entry_row *what = &crew->section->rows[row];
	struct entry_cases *cases = &member->cases;
	unsigned number = from;

	begin_base(crew, member, what->base);
	if (crew->task == CREW_MODEL)
		member->rule = model_rule_number(what->rule);
	member->kept_of_row = 0;
	entry_cases_begin(cases, what, &member->base[what->base], &member->seat.ground.machine);
	if (from)
		entry_cases_skip(cases, from);
	for (; number < to && entry_cases_next(cases); number++) {
		if (cases->moved)
			undo(crew, member, &cases->before);
		if (crew->task == CREW_ENTER)
			enter_case(crew, member, row, number, &cases->now);
		else
			check_case(crew, member, row, number, &cases->now);
	}
	undo(crew, member, &cases->now);
	if (number > from)
		atomic_fetch_add(&crew->results[row].cases, number - from);
}

/* ---- the work of one processor ---- */

void reasons_add(struct reasons *reasons, const char *text, unsigned rows)
{
	unsigned i = 0;

	while (i < reasons->count && !text_equal(reasons->reason[i].text, text))
		i++;
	if (i == REASONS_MAX)
		return;
	if (i == reasons->count) {
		text_format(reasons->reason[i].text, REASON_TEXT, "%s", text);
		reasons->reason[i].rows = 0;
		reasons->count++;
	}
	reasons->reason[i].rows += rows;
}

/* Large rows are shared out in parts: those beyond the first wait here for whoever is free. */
static bool offer_part(struct crew *crew, unsigned row, unsigned part)
{
	unsigned place = atomic_load(&crew->parts_offered);

	do {
		if (place == CREW_PARTS_MAX)
			return false;
	} while (!atomic_compare_exchange_weak(&crew->parts_offered, &place, place + 1));
	atomic_store(&crew->parts[place], part << 16 | row); /* part is not 0 */
	return true;
}

static bool take_part(struct crew *crew, unsigned *row, unsigned *part)
{
	unsigned place = atomic_load(&crew->parts_taken), both;

	do {
		if (place == atomic_load(&crew->parts_offered))
			return false;
	} while (!atomic_compare_exchange_weak(&crew->parts_taken, &place, place + 1));
	while (!(both = atomic_load(&crew->parts[place])))
		cpu_relax();
	*row = both & 0xFFFF;
	*part = both >> 16;
	return true;
}

static bool is_meant(const struct crew *crew, const struct entry_row *row)
{
	switch (crew->rows) {
	case CREW_ORDINARY:
		return !row->last && !row->by_name;
	case CREW_LAST:
		return row->last && !row->by_name;
	case CREW_BY_NAME:
		return row->by_name && text_equal(row->rule, crew->rule);
	case CREW_ALL:
		break;
	}
	return true;
}

static enum row_state look_at(const struct crew *crew, struct member *member,
			      const struct entry_row *row)
{
	char text[REASON_TEXT];
	const char *missing;

	if (has_base(crew, member, row->base))
		missing = entry_row_missing(row, &member->base[row->base],
					    &member->seat.ground.machine, text, sizeof(text));
	else if (member->base_state[row->base] == BASE_BROKEN)
		return ROW_NO_BASE;
	else
		missing = member->missing[row->base];
	if (!missing)
		return ROW_DONE;
	reasons_add(&member->reasons, missing, 1);
	return ROW_MISSING;
}

static void do_row(struct crew *crew, struct member *member, unsigned row)
{
	const struct entry_row *what = &crew->section->rows[row];
	enum row_state state;
	unsigned count, from;

	if (!is_meant(crew, what))
		return;
	state = look_at(crew, member, what);
	atomic_store(&crew->results[row].state, state);
	if (state != ROW_DONE)
		return;
	count = entry_cases_count(what, &member->base[what->base], &member->seat.ground.machine);
	for (from = PART; from < count && offer_part(crew, row, from / PART);)
		from += PART;
	do_cases(crew, member, row, 0, PART);
	if (from < count) /* nobody else will */
		do_cases(crew, member, row, from, count);
}

static void do_part(struct crew *crew, struct member *member, unsigned row, unsigned part)
{
	if (has_base(crew, member, crew->section->rows[row].base))
		do_cases(crew, member, row, part * PART, (part + 1) * PART);
	else
		atomic_store(&crew->results[row].state, ROW_NO_BASE);
}

static struct member *begin(struct crew *crew, struct cpu *cpu)
{
	struct member *member = pages_alloc(MEMBER_PAGES);

	if (!member)
		return NULL;
	crew->members[cpu->index] = member;
	member->loaded = -1;
	(void)seat_open(&member->seat, cpu, crew->ept);
	member->seat.entered = crew->task == CREW_ENTER;
	return member;
}

static void work(struct cpu *cpu, void *argument)
{
	struct crew *crew = argument;
	struct member *member = crew->members[cpu->index];
	uint64_t start = platform->clock();
	unsigned row, part;

	if (!member)
		member = begin(crew, cpu);
	if (!member || member->seat.status != STATUS_OK) {
		atomic_fetch_add(&crew->failed, 1);
		return;
	}
	while ((row = atomic_fetch_add(&crew->next_row, 1)) < crew->section->count)
		do_row(crew, member, crew->order[row]);
	while (take_part(crew, &row, &part))
		do_part(crew, member, row, part);
	member->ticks += platform->clock() - start;
}

static void end(struct cpu *cpu, void *argument)
{
	struct crew *crew = argument;
	struct member *member = crew->members[cpu->index];

	if (member)
		seat_close(&member->seat);
}

/* ---- the boot processor's side ---- */

/* To load another base takes as long as several cases. */
static void sort_rows(struct crew *crew)
{
	unsigned count = 0;

	for (unsigned base = 0; base < BASE_COUNT; base++)
		for (unsigned row = 0; row < crew->section->count; row++)
			if (crew->section->rows[row].base == base)
				crew->order[count++] = (uint16_t)row;
}

static unsigned result_pages(const struct crew *crew)
{
	return pages_for(crew->section->count * (sizeof(*crew->results) + sizeof(*crew->order)));
}

struct crew *crew_open(struct test_run *run, const struct entry_section *section,
		       enum crew_task task)
{
	struct crew *crew = &the_crew;

	*crew = (struct crew){ .section = section, .task = task };
	(void)ground_machine(); /* here, and not on all processors at once */
	crew->ept = ground_map(&crew->ept_pages);
	crew->results = pages_alloc(result_pages(crew));
	crew->members = pages_alloc(pages_for(platform->cpu_count * sizeof(*crew->members)));
	if (!crew->results || !crew->members) {
		test_error(run, "not enough memory");
		crew_free(crew);
		return NULL;
	}
	crew->order = (uint16_t *)(crew->results + section->count);
	sort_rows(crew);
	return crew;
}

bool crew_work(struct crew *crew, struct test_run *run, enum crew_rows rows, const char *rule)
{
	enum status status;

	crew->rows = rows;
	crew->rule = rule;
	atomic_store(&crew->next_row, 0);
	atomic_store(&crew->parts_offered, 0);
	atomic_store(&crew->parts_taken, 0);
	for (unsigned i = 0; i < CREW_PARTS_MAX; i++)
		atomic_store(&crew->parts[i], 0);
	status = work_on_all(work, crew, test_time_left(run));
	if (status != STATUS_OK)
		test_error(run, "work on all processors: %s", status_text(status));
	else if (atomic_load(&crew->failed))
		test_error(run, "%u processors have no memory or no VMCS",
			   atomic_load(&crew->failed));
	return status == STATUS_OK && !atomic_load(&crew->failed);
}

void crew_close(struct crew *crew, struct test_run *run)
{
	if (work_on_all(end, crew, CLOSE_MICROSECONDS) != STATUS_OK)
		test_error(run, "a processor did not close its VMCS");
}

void crew_free(struct crew *crew)
{
	for (unsigned i = 0; crew->members && i < platform->cpu_count; i++) {
		struct member *member = crew->members[i];

		if (!member || !cpu_usable(member->seat.cpu))
			continue;
		seat_free(&member->seat);
		pages_free(member->differences, difference_pages(crew));
		pages_free(member, MEMBER_PAGES);
	}
	pages_free(crew->results, result_pages(crew));
	pages_free(crew->members, pages_for(platform->cpu_count * sizeof(*crew->members)));
	ground_unmap(crew->ept, crew->ept_pages);
}
