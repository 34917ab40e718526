#include "tests/entry/hunt.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "vm/work.h"

#include "tests/entry/catalogue.h"

enum {
	KEPT = 6,	  /* differences that a processor keeps */
	KEPT_REFUSED = 2, /* of them, valid states that it refused: no rule tells them apart */
	CLOSE_MICROSECONDS = 1000000,
	/* So many quarters of the test's time are for cases: a slow machine makes fewer. */
	QUARTERS = 3,
};

struct hunter {
	struct entry_seat *seat;
	struct fuzz_target target;
	struct fuzz fuzz;
	uint64_t bases[ENTRY_BASES][ENTRY_VALUES];
	const char *names[ENTRY_BASES];
	uint64_t ticks;
	unsigned base_count;
	struct entry_result got, wrong; /* of the last entry; of the last one that was wrong */
	unsigned refused;		/* valid states that it refused */
	bool violated[HUNT_RULES];	/* rules that it does not see to */
	struct {
		struct fuzz_difference what;
		struct entry_result got;
	} kept[KEPT + 1]; /* the one behind the kept ones is overwritten */
	unsigned kept_count;
};

enum { HUNTER_PAGES = (sizeof(struct hunter) + PAGE_SIZE - 1) / PAGE_SIZE };

static struct {
	const struct hunting *what;
	struct hunter **hunters; /* by number of the processor */
	unsigned cpus;		 /* that share the cases */
	struct case_range cases;
	bool tells;	/* the case is not entered: it has ended the machine */
	uint64_t until; /* clock: then it is enough */
	uint64_t seed;
} hunt;

static void set_value(void *context, unsigned at, uint64_t value)
{
	struct hunter *hunter = context;

	hunt.what->checks->set(hunter->seat, at, value);
}

static bool agrees(void *context, const struct fuzz_verdict *verdict)
{
	struct hunter *hunter = context;

	hunt.what->checks->enter(hunter->seat, &hunter->got);
	if (hunt.what->allows(verdict, &hunter->got))
		return true;
	hunter->wrong = hunter->got;
	/* Whatever it did, the next entry begins from what we know. */
	hunt.what->checks->recover(hunter->seat, &hunter->got, true);
	return false;
}

static bool has_value(void *context, unsigned at)
{
	const struct hunter *hunter = context;

	return hunt.what->checks->has(hunter->seat, at);
}

/* Whether a rule may be at fault that is not known yet; of valid states that are refused, the first
 * few. */
static bool is_new(void *context, enum fuzz_side side, const struct fuzz_verdict *verdict)
{
	struct hunter *hunter = context;

	if (side == FUZZ_VALID && hunter->refused < KEPT_REFUSED)
		return true;
	hunter->refused += side == FUZZ_VALID;
	for (unsigned i = 0; side != FUZZ_VALID && i < *hunt.what->checks->rules; i++)
		if (!hunter->violated[i] && hunt.what->violates(verdict, i))
			return true;
	return false;
}

static struct hunter *begin(struct cpu *cpu)
{
	struct hunter *hunter = pages_alloc(HUNTER_PAGES);

	if (!hunter)
		return NULL;
	hunt.hunters[cpu->index] = hunter;
	hunter->seat = hunt.what->checks->open(cpu, true);
	if (!hunter->seat || hunter->seat->status != STATUS_OK)
		return hunter;
	hunter->base_count = hunt.what->make_bases(hunter->seat, hunter->bases, hunter->names);
	hunter->target = (struct fuzz_target){ set_value, agrees, is_new, hunter };
	fuzz_init(&hunter->fuzz, hunt.what->hunt, hunter->seat->machine, &hunter->target,
		  (const uint64_t(*)[ENTRY_VALUES])hunter->bases, hunter->base_count, has_value,
		  hunt.seed + cpu->index);
	return hunter;
}

/* Adds the rules that the difference breaks; whether one of them is new. */
static bool add_rules(bool violated[HUNT_RULES], const struct fuzz_difference *what)
{
	bool new = false;

	for (unsigned i = 0; what->side != FUZZ_VALID && i < *hunt.what->checks->rules; i++) {
		if (violated[i] || !hunt.what->violates(&what->verdict, i))
			continue;
		violated[i] = new = true;
	}
	return new;
}

/* The difference behind the kept ones: keeps it if it shows what they do not. */
static void note(struct hunter *hunter)
{
	const struct fuzz_difference *what = &hunter->kept[hunter->kept_count].what;
	bool new = add_rules(hunter->violated, what);

	hunter->kept[hunter->kept_count].got = hunter->wrong;
	if (what->side == FUZZ_VALID)
		new = ++hunter->refused <= KEPT_REFUSED;
	if (new && hunter->kept_count < KEPT)
		hunter->kept_count++;
}

/* The case to be told takes the place of a difference. */
static void take_case(struct hunter *hunter, unsigned number)
{
	struct fuzz_difference *what = &hunter->kept[hunter->kept_count].what;

	if (number < hunt.cases.first)
		fuzz_skip(&hunter->fuzz, NULL);
	else if (hunt.tells) {
		fuzz_skip(&hunter->fuzz, what);
		hunter->kept_count++;
	} else if (!fuzz_next(&hunter->fuzz, what))
		note(hunter);
}

static void work(struct cpu *cpu, void *argument)
{
	struct hunter *hunter = begin(cpu);
	uint64_t start = platform->clock();
	unsigned number = 0;

	(void)argument;
	if (!hunter || !hunter->seat || hunter->seat->status != STATUS_OK)
		return;
	for (unsigned i = 0; i < cpu->index; i++)
		number += cpu_usable(&platform->cpus[i]);
	for (; number < hunt.cases.end && platform->clock() < hunt.until; number += hunt.cpus)
		take_case(hunter, number);
	hunter->ticks = platform->clock() - start;
}

static void end(struct cpu *cpu, void *argument)
{
	(void)argument;
	if (hunt.hunters[cpu->index] && hunt.hunters[cpu->index]->seat)
		hunt.what->checks->close(hunt.hunters[cpu->index]->seat);
}

/* ---- the boot processor's side ---- */

static bool open_hunt(struct test_run *run, const struct hunting *what)
{
	hunt.what = what;
	what->checks->prepare();
	hunt.cpus = cpus_in_use();
	hunt.cases = run->cases;
	hunt.tells = run->tells;
	hunt.seed = ((uint64_t)test_seed << 32) + (run->test->argument << 16);
	hunt.hunters = pages_alloc((platform->cpu_count * sizeof(*hunt.hunters) + PAGE_SIZE - 1) /
				   PAGE_SIZE);
	return require(run, "memory", hunt.hunters ? STATUS_OK : STATUS_NO_MEMORY);
}

static void close_hunt(void)
{
	for (unsigned i = 0; hunt.hunters && i < platform->cpu_count; i++) {
		struct hunter *hunter = hunt.hunters[i];

		if (!hunter || !cpu_usable(&platform->cpus[i]))
			continue;
		if (hunter->seat)
			hunt.what->checks->free(hunter->seat);
		pages_free(hunter, HUNTER_PAGES);
	}
	pages_free(hunt.hunters,
		   (platform->cpu_count * sizeof(*hunt.hunters) + PAGE_SIZE - 1) / PAGE_SIZE);
	hunt.what->checks->finish();
}

/* The rules that a state breaks, in words: what a person puts into a bug report. */
static void note_rules(struct test_run *run, const struct fuzz_difference *d)
{
	const struct entry_checks *checks = hunt.what->checks;

	for (unsigned i = 0; d->side != FUZZ_VALID && i < *checks->rules; i++) {
		struct rule rule;

		if (!hunt.what->violates(&d->verdict, i))
			continue;
		(void)rule_find(checks->rule_id(i), &rule);
		test_note(run, "  violates %s: %s", rule.id, rule.words);
	}
}

/* All of them, not of those differences alone that are told. */
static void count_rules(struct test_run *run, const struct hunter *hunter)
{
	for (unsigned i = 0; i < *hunt.what->checks->rules; i++)
		if (hunter->violated[i])
			test_rule(run, hunt.what->checks->rule_id(i), 0, 1);
	if (hunter->refused)
		test_rule(run, "fuzz.refused", 0, hunter->refused);
}

static void note_state(struct test_run *run, const struct hunter *hunter,
		       const struct fuzz_difference *d, const char *wanted, const char *got)
{
	const struct entry_vendor *vendor = hunt.what->checks->vendor;

	test_note(run, "processor %u: wanted %s, got %s; a state %s, with",
		  hunter->seat->cpu->index, wanted, got, hunter->names[d->base]);
	for (unsigned i = 0; i < d->count; i++)
		test_note(run, "  %s = %llXH instead of %llXH", vendor->name(d->at[i]),
			  (unsigned long long)d->state[d->at[i]],
			  (unsigned long long)hunter->bases[d->base][d->at[i]]);
	note_rules(run, d);
}

static void note_difference(struct test_run *run, const struct hunter *hunter,
			    const struct fuzz_difference *d, const struct entry_result *got)
{
	char wanted_text[ENTRY_TEXT], got_text[ENTRY_TEXT];

	hunt.what->checks->verdict_text(d->state, hunter->seat->machine, wanted_text);
	if (!got) {
		note_state(run, hunter, d, wanted_text, "a reset of the machine");
		return;
	}
	hunt.what->checks->result_text(got, got_text);
	note_state(run, hunter, d, wanted_text, got_text);
	expect_failed(run, "a state that the fuzzer found", wanted_text, got_text);
}

static void tell(struct test_run *run)
{
	bool told[HUNT_RULES] = { false };
	uint64_t cases = 0, valid = 0, ticks = 0;
	unsigned differences = 0;

	for (unsigned i = 0; i < platform->cpu_count; i++) {
		const struct hunter *hunter = hunt.hunters[i];

		if (!cpu_usable(&platform->cpus[i]))
			continue;
		if (!require(run, "opening what it enters with",
			     hunter && hunter->seat ? hunter->seat->status : STATUS_NO_MEMORY))
			continue;
		cases += hunter->fuzz.cases;
		valid += hunter->fuzz.valid;
		differences += (unsigned)hunter->fuzz.differences;
		ticks += hunter->ticks;
		count_rules(run, hunter);
		for (unsigned n = 0; n < hunter->kept_count; n++)
			if (hunter->kept[n].what.side == FUZZ_VALID ||
			    add_rules(told, &hunter->kept[n].what))
				note_difference(run, hunter, &hunter->kept[n].what,
						hunt.tells ? NULL : &hunter->kept[n].got);
	}
	if (hunt.tells)
		return;
	expected(run, (unsigned)cases - differences);
	test_note(run, "%u cases, %u of them valid, %u differences, %u ticks each; --seed %u",
		  (unsigned)cases, (unsigned)valid, differences,
		  (unsigned)(cases ? ticks / cases : 0), test_seed);
}

void hunt_entries(struct test_run *run, const struct hunting *what)
{
	enum status status;
	uint64_t microseconds;

	if (open_hunt(run, what)) {
		microseconds = test_time_left(run);
		hunt.until = platform->clock() +
			     platform->clock_hz / 1000 * microseconds / 1000 / 4 * QUARTERS;
		status = work_on_all(work, NULL, microseconds);
		/* Nothing must be in use in memory that is given back. */
		(void)require(run, "closing", work_on_all(end, NULL, CLOSE_MICROSECONDS));
		if (require(run, "work on all processors", status))
			tell(run);
	}
	close_hunt();
}
