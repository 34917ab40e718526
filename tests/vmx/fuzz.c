/*
 * VM entries along the border between what enters and what does not: vmx/model/fuzz.h. Every
 * processor has its own share of the cases, with random numbers of its own.
 */
#include "lib/pages.h"
#include "lib/text.h"
#include "vm/work.h"

#include "tests/lib/list.h"
#include "tests/vmx/catalogue.h"
#include "tests/vmx/entry/outcome.h"
#include "tests/vmx/ground.h"
#include "vmx/model/fuzz.h"

enum {
	BASES = BASE_COUNT, /* all but BASE_CONTROLS, and one with a VMCS link pointer */
	KEPT = 3,	    /* differences that a processor keeps */
	CLOSE_MICROSECONDS = 1000000,
};

struct hunter {
	struct seat seat;
	struct fuzz_target target;
	struct fuzz fuzz;
	struct model_state bases[BASES];
	const char *names[BASES];
	uint64_t ticks;
	unsigned base_count;
	struct probe_result got, wrong; /* of the last entry; of the last one that was wrong */
	unsigned differences, refused;	/* of them, valid states that the processor refused */
	uint64_t violated[MODEL_RULES_MAX / 64]; /* rules that it does not see to */
	struct {
		struct fuzz_difference what;
		struct probe_result got;
	} kept[KEPT + 1]; /* the last one is overwritten */
};

enum { HUNTER_PAGES = (sizeof(struct hunter) + PAGE_SIZE - 1) / PAGE_SIZE };

static struct {
	uint64_t *ept;
	unsigned ept_pages;
	struct hunter **hunters; /* by number of the processor */
	unsigned each;		 /* cases for every processor */
	uint64_t seed;
} hunt;

static void set_value(void *context, enum model_index at, uint64_t value)
{
	struct hunter *hunter = context;

	probe_set(&hunter->seat.probe, at, value);
}

static bool agrees(void *context, const struct model_verdict *verdict)
{
	struct hunter *hunter = context;

	probe_enter(&hunter->seat.probe, &hunter->got);
	if (outcome_is_allowed(verdict, &hunter->got))
		return true;
	hunter->wrong = hunter->got;
	probe_renew(
		&hunter->seat.probe); /* whatever it did, the next entry begins from what we know */
	return false;
}

static bool has_value(void *context, enum model_index at)
{
	const struct hunter *hunter = context;

	return probe_has(&hunter->seat.probe, at);
}

static void make_bases(struct hunter *hunter)
{
	static const char *const names[BASE_COUNT] = {
		[BASE_64] = "64-bit code",
		[BASE_COMPAT] = "compatibility mode",
		[BASE_PAE] = "protected mode with PAE paging",
		[BASE_32] = "protected mode with 32-bit paging",
		[BASE_V86] = "virtual-8086 mode",
		[BASE_FLAT] = "protected mode without paging",
		[BASE_REAL] = "real mode",
	};

	for (unsigned base = BASE_64; base < BASE_COUNT; base++) {
		struct model_state *state = &hunter->bases[hunter->base_count];
		const char *missing;

		if (!entry_base_make(base, &hunter->seat.ground, state, &missing))
			continue;
		/* Whatever a case makes of the paging mode: there are PDPTEs at CR3. */
		state->value[AT_GUEST_CR3] = entry_page(&hunter->seat.ground, PAGE_PDPT);
		fuzz_prepare(state);
		hunter->names[hunter->base_count++] = names[base];
	}
	hunter->bases[hunter->base_count] = hunter->bases[0];
	hunter->names[hunter->base_count] = "64-bit code with a VMCS link pointer";
	hunter->bases[hunter->base_count++].value[AT_VMCS_LINK_POINTER] =
		entry_page(&hunter->seat.ground, PAGE_LINK);
}

static struct hunter *begin(struct cpu *cpu)
{
	struct hunter *hunter = pages_alloc(HUNTER_PAGES);

	if (!hunter)
		return NULL;
	hunt.hunters[cpu->index] = hunter;
	if (seat_open(&hunter->seat, cpu, hunt.ept) != STATUS_OK)
		return hunter;
	hunter->seat.entered = true;
	entry_tables_fill(&hunter->seat.ground, hunter->seat.pages);
	make_bases(hunter);
	hunter->target = (struct fuzz_target){ set_value, agrees, hunter };
	fuzz_init(&hunter->fuzz, &hunter->seat.ground.machine, &hunter->target, hunter->bases,
		  hunter->base_count, has_value, hunt.seed + cpu->index);
	return hunter;
}

static void note(struct hunter *hunter, unsigned place)
{
	const struct model_verdict *verdict = &hunter->kept[place].what.verdict;

	hunter->kept[place].got = hunter->wrong;
	hunter->differences++;
	if (verdict->msr) /* all that is wrong is the entry that ends every case */
		hunter->refused++;
	for (unsigned i = 0; !verdict->msr && i < ARRAY_SIZE(hunter->violated); i++)
		hunter->violated[i] |= verdict->violated[i];
}

static void work(struct cpu *cpu, void *argument)
{
	struct hunter *hunter = begin(cpu);
	uint64_t start = platform->clock();

	(void)argument;
	if (!hunter || hunter->seat.status != STATUS_OK)
		return;
	for (unsigned i = 0; i < hunt.each; i++) {
		unsigned place = hunter->differences < KEPT ? hunter->differences : KEPT;

		if (!fuzz_next(&hunter->fuzz, &hunter->kept[place].what))
			note(hunter, place);
	}
	hunter->ticks = platform->clock() - start;
}

static void end(struct cpu *cpu, void *argument)
{
	(void)argument;
	if (hunt.hunters[cpu->index])
		seat_close(&hunt.hunters[cpu->index]->seat);
}

/* ---- the boot processor's side ---- */

static bool open_hunt(struct test_run *run, unsigned cases)
{
	unsigned cpus = cpus_in_use();

	(void)ground_machine(); /* here, and not on all processors at once */
	hunt.ept = ground_map(&hunt.ept_pages);
	hunt.each = (cases + cpus - 1) / cpus;
	hunt.seed = ((uint64_t)test_seed << 32) + (run->test->argument << 16);
	hunt.hunters = pages_alloc((platform->cpu_count * sizeof(*hunt.hunters) + PAGE_SIZE - 1) /
				   PAGE_SIZE);
	return require(run, "memory", hunt.hunters ? STATUS_OK : STATUS_NO_MEMORY);
}

static void close_hunt(void)
{
	for (unsigned i = 0; hunt.hunters && i < platform->cpu_count; i++) {
		struct hunter *hunter = hunt.hunters[i];

		if (!hunter || !cpu_usable(hunter->seat.cpu))
			continue;
		seat_free(&hunter->seat);
		pages_free(hunter, HUNTER_PAGES);
	}
	pages_free(hunt.hunters,
		   (platform->cpu_count * sizeof(*hunt.hunters) + PAGE_SIZE - 1) / PAGE_SIZE);
	ground_unmap(hunt.ept, hunt.ept_pages);
}

/* The rules that a state breaks, in words: what a person puts into a bug report. */
static void note_rules(struct test_run *run, const struct model_verdict *verdict)
{
	for (unsigned i = 0; !verdict->msr && i < model_rule_count; i++) {
		struct rule rule;

		if (!model_violates(verdict, i))
			continue;
		(void)rule_find(model_rules[i].id, &rule);
		test_note(run, "  violates %s: %s", rule.id, rule.words);
	}
}

/* All of them, not of those differences alone that are told. */
static void count_rules(struct test_run *run, const struct hunter *hunter)
{
	for (unsigned i = 0; i < model_rule_count; i++)
		if (hunter->violated[i / 64] >> i % 64 & 1)
			test_rule(run, model_rules[i].id, 0, 1);
	if (hunter->refused)
		test_rule(run, "fuzz.refused", 0, hunter->refused);
}

static void note_difference(struct test_run *run, const struct hunter *hunter,
			    const struct fuzz_difference *d, const struct probe_result *got)
{
	char wanted_text[OUTCOME_TEXT], got_text[OUTCOME_TEXT];

	outcome_verdict_text(&d->verdict, wanted_text);
	outcome_result_text(got, got_text);
	test_note(run, "processor %u: wanted %s, got %s; a state of %s that does not run, with",
		  hunter->seat.cpu->index, wanted_text, got_text, hunter->names[d->base]);
	for (unsigned i = 0; i < d->count; i++)
		test_note(run, "  %s = %llXH instead of %llXH",
			  model_name((enum model_index)d->at[i]),
			  (unsigned long long)d->state.value[d->at[i]],
			  (unsigned long long)hunter->bases[d->base].value[d->at[i]]);
	note_rules(run, &d->verdict);
	expect_failed(run, "a state that the fuzzer found", wanted_text, got_text);
}

static void tell(struct test_run *run)
{
	uint64_t cases = 0, valid = 0, ticks = 0;
	unsigned differences = 0;

	for (unsigned i = 0; i < platform->cpu_count; i++) {
		const struct hunter *hunter = hunt.hunters[i];

		if (!cpu_usable(&platform->cpus[i]))
			continue;
		if (!require(run, "opening a VMCS",
			     hunter ? hunter->seat.status : STATUS_NO_MEMORY))
			continue;
		cases += hunter->fuzz.cases;
		valid += hunter->fuzz.valid;
		differences += hunter->differences;
		ticks += hunter->ticks;
		count_rules(run, hunter);
		for (unsigned n = 0; n < hunter->differences && n < KEPT; n++)
			note_difference(run, hunter, &hunter->kept[n].what, &hunter->kept[n].got);
	}
	expected(run, (unsigned)cases - differences);
	test_note(run, "%u cases, %u of them valid, %u differences, %u ticks each; --seed %u",
		  (unsigned)cases, (unsigned)valid, differences,
		  (unsigned)(cases ? ticks / cases : 0), test_seed);
}

static void fuzz_entries(struct test_run *run, unsigned cases)
{
	enum status status;

	if (open_hunt(run, cases)) {
		status = work_on_all(work, NULL, test_time_left(run));
		/* A VMCS must not be active in memory that is given back. */
		(void)require(run, "closing", work_on_all(end, NULL, CLOSE_MICROSECONDS));
		if (require(run, "work on all processors", status))
			tell(run);
	}
	close_hunt();
}

enum { SHORT = 4000, LONG = 200000 };

static void fuzz_short(struct test_run *run)
{
	fuzz_entries(run, SHORT);
}

static void fuzz_long(struct test_run *run)
{
	fuzz_entries(run, LONG);
}

#define MEANS_ENTRY                                                                                \
	"VM entry accepts what it must refuse, or refuses what it must accept: a nested "          \
	"hypervisor's mistakes go through, or its guests do not start."
#define FULL(n)                                                                                    \
	{                                                                                          \
		"full.fuzz.entry." #n, SPEC_VM_ENTRIES, fuzz_long,                                 \
			.needs = BIT(CAP_VMX), .milliseconds = 600000, .argument = (n),            \
			EXPLAINS("A long series of random VMCSs near the border of what is "       \
				 "valid, each number with its own cases.",                         \
				 MEANS_ENTRY)                                                      \
	}

/* Each long one has other cases: after one that stops the machine, --resume goes on with the next.
 */
static const struct test rows[] = {
	{ "fuzz.entry", SPEC_VM_ENTRIES, fuzz_short, .needs = BIT(CAP_VMX),
	  EXPLAINS("Random VMCSs near the border of what is valid: the machine accepts exactly "
		   "what the model of entries accepts.",
		   MEANS_ENTRY) },
	FULL(1),
	FULL(2),
	FULL(3),
	FULL(4),
	FULL(5),
	FULL(6),
	FULL(7),
	FULL(8),
};

TEST_GROUP(fuzz, rows);
