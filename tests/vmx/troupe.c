#include "tests/vmx/troupe.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "vm/work.h"

#include "tests/entry/reasons.h"
#include "tests/vmx/theatre.h"

enum {
	SHARE = 8, /* rows that a processor takes at a time, of one mode */
	DIFFERENCES_MAX = 64,
	DIFFERENCES_OF_RULE = 3,
	CLOSE_MICROSECONDS = 1000000,
	LINE_TEXT = 400,
};

/* A case that came out otherwise than its row says. */
struct difference {
	uint16_t row, number;
	uint8_t mode, mismatches;
	struct mismatch mismatch[MISMATCHES_MAX];
};

/* What a processor has of its own. */
struct player {
	struct theatre theatre;
	unsigned difference_count;
	struct difference difference[DIFFERENCES_MAX];
	struct reasons reasons; /* of rows and modes */
};

struct row_result {
	_Atomic uint32_t cases, wrong;
	_Atomic bool no_fragment; /* a mode that the row names has none */
};

/* Not on the stack: see work_on_all. There is one at a time. */
static struct {
	const struct guest_section *section;
	struct player **players; /* by number of the processor; NULL: it has not begun */
	struct row_result *results;
	_Atomic unsigned next;	 /* share */
	_Atomic unsigned failed; /* processors without VMCS */
	_Atomic unsigned absent; /* without memory: the others do the rows */
} the_troupe;

static unsigned pages_for(size_t size)
{
	return (unsigned)((size + PAGE_SIZE - 1) / PAGE_SIZE);
}

/* ---- a processor's work ---- */

static void note_difference(struct player *player, unsigned row, unsigned number,
			    enum guest_mode mode)
{
	const struct theatre *theatre = &player->theatre;
	struct difference *d = &player->difference[player->difference_count];

	atomic_fetch_add(&the_troupe.results[row].wrong, 1);
	if (player->difference_count == DIFFERENCES_MAX)
		return;
	player->difference_count++;
	*d = (struct difference){ .row = (uint16_t)row,
				  .number = (uint16_t)number,
				  .mode = (uint8_t)mode,
				  .mismatches = (uint8_t)theatre->mismatches };
	__builtin_memcpy(d->mismatch, theatre->mismatch, sizeof(d->mismatch));
}

static void do_row(struct player *player, unsigned number, enum guest_mode mode)
{
	const struct guest_row *row = &the_troupe.section->rows[number];
	struct row_result *result = &the_troupe.results[number];
	const char *missing = player->theatre.missing[mode];
	char text[80];

	if (!(row->modes >> mode & 1))
		return;
	if (!missing)
		missing = guest_row_missing(&player->theatre, row, text, sizeof(text));
	if (missing) {
		reasons_add(&player->reasons, missing, 1);
		return;
	}
	for (unsigned i = 0; i < guest_row_cases(row); i++) {
		enum guest_page page;

		if (!guest_row_fragment(row, i, guest_modes[mode].code, &page)) {
			atomic_store(&result->no_fragment, true);
			return;
		}
		if (!theatre_case(&player->theatre, row, i, mode))
			note_difference(player, number, i, mode);
		atomic_fetch_add(&result->cases, 1);
	}
}

static struct player *begin(struct cpu *cpu)
{
	struct player *player = pages_alloc(pages_for(sizeof(*player)));

	if (!player)
		return NULL;
	the_troupe.players[cpu->index] = player;
	(void)theatre_open(&player->theatre, cpu);
	return player;
}

/* Rows whose cases are computed have so many of them that each is a share. */
static unsigned rows_of_share(const struct guest_section *section)
{
	for (unsigned i = 0; i < section->count; i++)
		if (section->rows[i].make)
			return 1;
	return SHARE;
}

/* Shares in the order of modes: to load another one takes as long as several cases. */
static void work(struct cpu *cpu, void *unused)
{
	const unsigned count = the_troupe.section->count;
	const unsigned rows = rows_of_share(the_troupe.section);
	const unsigned shares = (count + rows - 1) / rows;
	struct player *player = begin(cpu);
	unsigned share;

	(void)unused;
	if (!player || player->theatre.seat.status == STATUS_NO_MEMORY) {
		atomic_fetch_add(&the_troupe.absent, 1);
		return;
	}
	if (player->theatre.seat.status != STATUS_OK) {
		atomic_fetch_add(&the_troupe.failed, 1);
		return;
	}
	while ((share = atomic_fetch_add(&the_troupe.next, 1)) < shares * GUEST_MODES) {
		const unsigned from = share % shares * rows;

		for (unsigned row = from; row < from + rows && row < count; row++)
			do_row(player, row, (enum guest_mode)(share / shares));
	}
}

static void end(struct cpu *cpu, void *unused)
{
	struct player *player = the_troupe.players[cpu->index];

	(void)unused;
	if (player)
		theatre_close(&player->theatre);
}

/* ---- the boot processor's side ---- */

static bool open(struct test_run *run)
{
	the_troupe.section = run->test->data;
	atomic_store(&the_troupe.next, 0);
	atomic_store(&the_troupe.failed, 0);
	atomic_store(&the_troupe.absent, 0);
	(void)ground_machine(); /* here, and not on all processors at once */
	the_troupe.results =
		pages_alloc(pages_for(the_troupe.section->count * sizeof(struct row_result)));
	the_troupe.players = pages_alloc(pages_for(platform->cpu_count * sizeof(struct player *)));
	if (the_troupe.results && the_troupe.players)
		return true;
	test_error(run, "not enough memory");
	return false;
}

static void free_all(void)
{
	for (unsigned i = 0; the_troupe.players && i < platform->cpu_count; i++) {
		struct player *player = the_troupe.players[i];

		if (!player || !cpu_usable(player->theatre.seat.cpu))
			continue;
		theatre_free(&player->theatre);
		pages_free(player, pages_for(sizeof(*player)));
	}
	pages_free(the_troupe.results,
		   pages_for(the_troupe.section->count * sizeof(struct row_result)));
	pages_free(the_troupe.players, pages_for(platform->cpu_count * sizeof(struct player *)));
}

static const char *rule_of(const struct difference *d)
{
	return the_troupe.section->rows[d->row].rule;
}

static void value_texts(const struct mismatch *m, char *wanted, char *got, size_t size)
{
	static const char *const kinds[] = { "VMfailInvalid", "VMfailValid", "an entry failure",
					     "an exit", "an exception" };

	if (m->at == AT_RESULT) {
		text_format(wanted, size, "%s",
			    m->wanted < ARRAY_SIZE(kinds) ? kinds[m->wanted] : "");
		text_format(got, size, "%s", m->got < ARRAY_SIZE(kinds) ? kinds[m->got] : "");
		return;
	}
	text_format(wanted, size, "%llXH", (unsigned long long)m->wanted);
	text_format(got, size, "%llXH", (unsigned long long)m->got);
}

/* All that differs in a case, in one line. */
static void tell_difference(struct test_run *run, const struct difference *d, bool judged)
{
	char what[TEST_TEXT], line[LINE_TEXT], name[48], wanted[40], got[40];
	size_t used = text_format(line, sizeof(line), "%s, row %u, case %u, %s:", rule_of(d),
				  d->row, d->number, guest_modes[d->mode].name);

	for (unsigned i = 0; i < d->mismatches && i < MISMATCHES_MAX; i++) {
		mismatch_name(&d->mismatch[i], name, sizeof(name));
		value_texts(&d->mismatch[i], wanted, got, sizeof(wanted));
		if (!i && !judged) {
			text_format(what, sizeof(what), "%s %s", line, name);
			expect_failed(run, what, wanted, got);
		}
		if (used < sizeof(line))
			used += text_format(line + used, sizeof(line) - used,
					    "%s %s wanted %s, got %s", i ? ";" : "", name, wanted,
					    got);
	}
	test_note(run, "%s", line);
}

/* Those of a row, as long as there are few of its rule. */
static void tell_row(struct test_run *run, unsigned row, unsigned *told)
{
	for (unsigned i = 0; i < platform->cpu_count; i++) {
		const struct player *player = the_troupe.players[i];

		for (unsigned n = 0; player && n < player->difference_count; n++) {
			const struct difference *d = &player->difference[n];

			if (d->row == row && *told < DIFFERENCES_OF_RULE)
				tell_difference(run, d, (*told)++);
		}
	}
}

/* A rule's rows stand together. The first difference decides; a few more are told, then how many
 * there are. */
static void tell_differences(struct test_run *run)
{
	const struct guest_section *section = the_troupe.section;
	unsigned told = 0, cases = 0, wrong = 0;

	for (unsigned row = 0; row < section->count; row++) {
		const struct row_result *result = &the_troupe.results[row];
		const char *rule = section->rows[row].rule;

		tell_row(run, row, &told);
		cases += atomic_load(&result->cases);
		wrong += atomic_load(&result->wrong);
		if (row + 1 < section->count && text_equal(rule, section->rows[row + 1].rule))
			continue;
		if (wrong > told)
			test_note(run, "%s: %u of %u cases are wrong", rule, wrong, cases);
		told = cases = wrong = 0;
	}
}

/* What left rows out, whichever processor they fell to. */
static void tell_reasons(struct test_run *run)
{
	struct reasons all = { .count = 0 };

	for (unsigned i = 0; i < platform->cpu_count; i++)
		if (the_troupe.players[i])
			reasons_join(&all, &the_troupe.players[i]->reasons);
	reasons_tell(&all, run);
}

static void tell(struct test_run *run)
{
	for (unsigned row = 0; row < the_troupe.section->count; row++) {
		const struct row_result *result = &the_troupe.results[row];
		const unsigned cases = atomic_load(&result->cases);
		const unsigned wrong = atomic_load(&result->wrong);

		test_rule(run, the_troupe.section->rows[row].rule, cases, wrong);
		expected(run, cases - wrong);
		if (atomic_load(&result->no_fragment))
			test_error(run, "%s, row %u: no code for a mode",
				   the_troupe.section->rows[row].rule, row);
	}
	tell_differences(run);
	tell_reasons(run);
}

/* On a machine with many processors the memory may not be enough for all of them. */
static void tell_absent(struct test_run *run)
{
	const unsigned absent = atomic_load(&the_troupe.absent);

	if (absent && !atomic_load(&the_troupe.next))
		test_error(run, "not enough memory");
	else if (absent)
		test_note(run, "%u processors took no part: not enough memory", absent);
}

void troupe_run(struct test_run *run)
{
	enum status status;

	if (open(run)) {
		status = work_on_all(work, NULL, test_time_left(run));
		if (status != STATUS_OK)
			test_error(run, "work on all processors: %s", status_text(status));
		else if (atomic_load(&the_troupe.failed))
			test_error(run, "%u processors have no VMCS",
				   atomic_load(&the_troupe.failed));
		tell_absent(run);
		if (work_on_all(end, NULL, CLOSE_MICROSECONDS) != STATUS_OK)
			test_error(run, "a processor did not close its VMCS");
		if (status == STATUS_OK)
			tell(run);
	}
	free_all();
}
