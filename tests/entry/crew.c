#include "tests/entry/crew.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "vm/work.h"

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

/* ---- states ---- */

/* Makes it, and tries it once: a base that breaks a rule would hide all others. */
static bool has_base(const struct crew *crew, struct member *member, unsigned base)
{
	const struct entry_checks *checks = crew->checks;
	enum base_state *state = &member->base_state[base];

	if (*state != BASE_UNKNOWN)
		return *state == BASE_READY;
	*state = checks->make_base(member->seat, base, member->base[base], &member->missing[base])
			 ? BASE_READY
			 : BASE_MISSING;
	if (*state != BASE_READY || crew->task == CREW_MODEL)
		return *state == BASE_READY;
	checks->load(member->seat, member->base[base], NULL);
	member->loaded = (int)base;
	checks->enter(member->seat, &member->broken[base]);
	if (checks->base_is_good(base, &member->broken[base]))
		return true;
	*state = BASE_BROKEN;
	return false;
}

static void load_base(const struct crew *crew, struct member *member, unsigned base)
{
	const unsigned ordinary = crew->checks->ordinary;
	const bool before = member->seat->stale && has_base(crew, member, ordinary);

	crew->checks->load(member->seat, member->base[base],
			   before ? member->base[ordinary] : NULL);
}

static void copy_state(const struct crew *crew, uint64_t *to, const uint64_t *from)
{
	const unsigned count = crew->checks->vendor->values;

	for (unsigned i = 0; i < count; i++)
		to[i] = from[i];
}

/* Where the cases of a row begin: the processor, or the state for the model. The row before has
 * put back what it changed. */
static void begin_base(const struct crew *crew, struct member *member, unsigned base)
{
	if (member->loaded == (int)base)
		return;
	if (crew->task == CREW_ENTER)
		load_base(crew, member, base);
	else
		copy_state(crew, member->state, member->base[base]);
	member->loaded = (int)base;
}

const uint64_t *crew_state(const struct crew *crew, const struct member *member,
			   const struct difference *difference)
{
	static uint64_t state[ENTRY_VALUES];

	copy_state(crew, state, member->base[crew->section->rows[difference->row].base]);
	entry_case_apply(&difference->what, state);
	return state;
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

static bool same_result(const struct entry_result *a, const struct entry_result *b)
{
	return a->kind == b->kind && a->number == b->number && a->more == b->more;
}

static void report(struct member *member, unsigned row, const struct entry_result *got)
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
			     const struct entry_result *got)
{
	struct difference *difference = new_difference(crew, member);

	atomic_fetch_add(&crew->results[row].wrong, 1);
	if (difference) {
		*difference = (struct difference){
			.row = (uint16_t)row, .number = (uint16_t)number, .what = *what, .got = *got
		};
		difference->allowed =
			crew->checks->allowed(member->seat->now, member->seat->machine, got);
	}
	/* If it did what no processor should: the next case begins from what we know. */
	crew->checks->recover(member->seat, got, false);
}

static NOINLINE void disagrees(const struct crew *crew, struct member *member, unsigned row,
			       unsigned number, const struct entry_case *what)
{
	struct difference *difference = new_difference(crew, member);

	atomic_fetch_add(&crew->results[row].wrong, 1);
	if (difference)
		*difference = (struct difference){ .row = (uint16_t)row,
						   .number = (uint16_t)number,
						   .allowed = true,
						   .what = *what };
}

static void enter_case(const struct crew *crew, struct member *member, unsigned row,
		       unsigned number, const struct entry_case *what)
{
	const uint8_t wanted = crew->section->rows[row].outcome;
	struct entry_seat *seat = member->seat;
	struct entry_result got;

	for (unsigned i = 0; i < what->count; i++)
		crew->checks->set(seat, what->set[i].at, what->set[i].value);
	crew->checks->enter(seat, &got);
	if (!crew->checks->is(wanted, &got, seat->now))
		differs(crew, member, row, number, what, &got);
	else if (wanted == crew->checks->reported)
		report(member, row, &got);
}

static void check_case(const struct crew *crew, struct member *member, unsigned row,
		       unsigned number, const struct entry_case *what)
{
	entry_case_apply(what, member->state);
	if (!crew->checks->agrees(&crew->section->rows[row], member->rule, member->state,
				  member->seat->machine))
		disagrees(crew, member, row, number, what);
}

/* Puts the values of a case back; the next place of the row has others. */
static void undo(const struct crew *crew, struct member *member, const struct entry_case *what)
{
	for (unsigned i = 0; i < what->count; i++) {
		const unsigned at = what->set[i].at;
		const uint64_t before = member->cases.origin.base[at];

		if (crew->task == CREW_ENTER)
			crew->checks->set(member->seat, at, before);
		else
			member->state[at] = before;
	}
}

static struct entry_origin origin_of(const struct crew *crew, const struct member *member,
				     const struct entry_row *row)
{
	return (struct entry_origin){ crew->checks->vendor, member->base[row->base],
				      member->seat->machine };
}

/* The row's cases from..to. */
static void do_cases(struct crew *crew, struct member *member, unsigned row, unsigned from,
		     unsigned to)
{
	const struct entry_row *what = &crew->section->rows[row];
	const struct entry_origin origin = origin_of(crew, member, what);
	struct entry_cases *cases = &member->cases;
	unsigned number = from;

	begin_base(crew, member, what->base);
	if (crew->task == CREW_MODEL && member->rule_id != what->rule) {
		member->rule_id = what->rule;
		member->rule = crew->checks->rule_number(what->rule);
	}
	member->kept_of_row = 0;
	entry_cases_begin(cases, what, &origin);
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
	const struct entry_origin origin = origin_of(crew, member, row);
	char text[REASON_TEXT];
	const char *missing;

	/* First what needs no base: to try one for rows that are left out may have a price. */
	missing = origin.vendor->missing(row, origin.machine, text, sizeof(text));
	if (missing)
		;
	else if (has_base(crew, member, row->base))
		missing = entry_row_missing(row, &origin, text, sizeof(text));
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
	const struct entry_origin origin = origin_of(crew, member, what);
	enum row_state state;
	unsigned count, from;

	if (!is_meant(crew, what))
		return;
	state = look_at(crew, member, what);
	atomic_store(&crew->results[row].state, state);
	if (state != ROW_DONE)
		return;
	count = entry_cases_count(what, &origin);
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
	member->seat = crew->checks->open(cpu, crew->task == CREW_ENTER);
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
	if (!member || !member->seat || member->seat->status != STATUS_OK) {
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

	if (member && member->seat)
		crew->checks->close(member->seat);
}

/* ---- the boot processor's side ---- */

/* To load another base takes as long as several cases. */
static void sort_rows(struct crew *crew)
{
	unsigned count = 0;

	for (unsigned base = 0; base < crew->checks->bases; base++)
		for (unsigned row = 0; row < crew->section->count; row++)
			if (crew->section->rows[row].base == base)
				crew->order[count++] = (uint16_t)row;
}

static unsigned result_pages(const struct crew *crew)
{
	return pages_for(crew->section->count * (sizeof(*crew->results) + sizeof(*crew->order)));
}

struct crew *crew_open(struct test_run *run, const struct entry_checks *checks,
		       const struct entry_section *section, enum crew_task task)
{
	struct crew *crew = &the_crew;

	*crew = (struct crew){ .checks = checks, .section = section, .task = task };
	checks->prepare();
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
		test_error(run, "%u processors have no memory, or nothing to enter with",
			   atomic_load(&crew->failed));
	return status == STATUS_OK && !atomic_load(&crew->failed);
}

void crew_close(struct crew *crew, struct test_run *run)
{
	if (work_on_all(end, crew, CLOSE_MICROSECONDS) != STATUS_OK)
		test_error(run, "a processor did not close what it enters with");
}

void crew_free(struct crew *crew)
{
	for (unsigned i = 0; crew->members && i < platform->cpu_count; i++) {
		struct member *member = crew->members[i];

		if (!member || !cpu_usable(&platform->cpus[i]))
			continue;
		if (member->seat)
			crew->checks->free(member->seat);
		pages_free(member->differences, difference_pages(crew));
		pages_free(member, MEMBER_PAGES);
	}
	pages_free(crew->results, result_pages(crew));
	pages_free(crew->members, pages_for(platform->cpu_count * sizeof(*crew->members)));
	crew->checks->finish();
}
