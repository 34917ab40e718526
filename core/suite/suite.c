#include "suite/suite.h"

#include "backend.h"
#include "lib/pages.h"
#include "lib/text.h"
#include "suite/capability.h"
#include "suite/guarded.h"
#include "suite/line.h"
#include "suite/report.h"
#include "suite/select.h"
#include "suite/soak.h"
#include "suite/summary.h"
#include "suite/tap_read.h"
#include "suite/version.h"
#include "vm/create.h"
#include "vm/machine.h"
#include "vm/sched.h"
#include "vm/vm.h"

enum { PARTS = 64 }; /* of a test's cases, each written ahead, where one of them ends the machine */

static struct {
	const struct suite_options *options;
	uint64_t capabilities;
	const char *why_not;   /* no virtualization: the reason in one line */
	const char *advice;    /* what to do about it, NULL: nothing */
	unsigned ready;	       /* processors */
	bool alone;	       /* the boot processor runs all: see look_for_unfinished_run */
	unsigned ran;	       /* tests of the first run that were not skipped */
	unsigned lacking;      /* those skipped for what the machine lacks */
	char lacks[TEST_TEXT]; /* why the run is incomplete */
} suite;

char suite_brief[BRIEF_TEXT];

static void list_test(const struct test *test, unsigned number)
{
	(void)number;
	report_line("%s", test->name);
}

static void probe(void *argument)
{
	suite.capabilities = backend->probe(argument, &suite.why_not, &suite.advice);
}

/* Where a machine stops at once, its screen has this. */
static void say_who(void)
{
	char line[LINE_COLUMNS + 1];

	text_format(line, sizeof(line), "assay %s (%s) takes the boot processor", assay_version,
		    assay_commit);
	platform->progress(line);
}

/* What this processor offers; reading its MSRs may fault, so it is taken for that. */
static enum status probe_machine(struct facts *facts)
{
	struct cpu *cpu = &platform->cpus[0];
	struct fault fault;
	enum status status = platform->cpu_take(cpu);

	if (status != STATUS_OK)
		return status;
	if (!platform->guarded(cpu, probe, facts, &fault)) {
		suite.capabilities = 0;
		suite.why_not = "reading the capability MSRs raised an exception";
	}
	if (!platform->cpu_give_back(cpu))
		atomic_store(&cpu->spoiled, true);
	return STATUS_OK;
}

static bool virtualization(void)
{
	return suite.capabilities & BIT(CAP_VIRTUALIZATION);
}

/* Processors may fail or be lost at any time; the tests go on with the others. */
static void look_for_processors(struct test_run *run)
{
	for (unsigned i = 1; i < platform->cpu_count; i++) {
		struct cpu *cpu = &platform->cpus[i];
		char text[TEST_TEXT];

		if (cpu_usable(cpu) || cpu->named)
			continue;
		cpu->named = true;
		if (atomic_load(&cpu->paces))
			text_format(
				text, sizeof(text),
				"processor %u (APIC id %x) runs no guests but ends those of the "
				"others: interrupts do not, while the guest's IF is 0",
				i, cpu->apic_id);
		else if (atomic_load(&cpu->phase) == CPU_LOST)
			text_format(text, sizeof(text),
				    "processor %u (APIC id %x) does not answer: it is out of use",
				    i, cpu->apic_id);
		else
			text_format(text, sizeof(text),
				    "processor %u (APIC id %x) cannot be used: %s", i, cpu->apic_id,
				    status_text(cpu->error));
		if (run)
			test_fault(run, "%s", text);
		else
			report_line("%s", text);
	}
	suite.ready = cpus_in_use();
}

static void run_here(struct test_run *run, unsigned number)
{
	report_running(run, number, suite.options->resume || report_is_quick());
	if (!require(run, "taking the boot processor", machine_enter(virtualization())))
		return;
	guarded_run(run);
	machine_leave(virtualization());
}

static void tell(const struct test_run *run, unsigned number)
{
	if (run->verdict != VERDICT_SKIP)
		suite.ran++;
	else if (asked_for(run->test, suite.options))
		suite.lacking++;
	report_test(run, number);
}

/* The machine was reset among these cases: runs them again, in parts, so that the next reset says
 * more; a single one is told. */
static void search(struct test_run *run, unsigned number)
{
	const struct case_range lost = run->cases;
	unsigned step = (lost.end - lost.first - 1) / PARTS + 1;

	*run = (struct test_run){ .test = run->test, .tells = lost.end - lost.first == 1 };
	if (run->tells)
		test_error(run, "the machine was reset in case %u of this test", lost.first);
	else
		report_line(
			"the machine was reset in %s: running its cases %u to %u again, in parts",
			run->test->name, lost.first, lost.end - 1);
	for (run->cases.first = lost.first; run->cases.first < lost.end;
	     run->cases.first = run->cases.end) {
		run->cases.end =
			lost.end - run->cases.first < step ? lost.end : run->cases.first + step;
		run_here(run, number);
	}
	if (!run->tells)
		test_error(run, "the machine was reset during this test, and not when its cases "
				"were run again");
	look_for_processors(run);
	test_settle(run);
}

static void run_test(const struct test *test, unsigned number)
{
	struct test_run run = { .test = test };

	if (tap_read_next(&run, number)) {
		if (run.cases.end)
			search(&run, number);
		tell(&run, number);
		return;
	}
	run.cases = test_all_cases(test);
	if (!skip(&run, suite.options, suite.capabilities, suite.ready))
		run_here(&run, number);
	look_for_processors(&run);
	test_settle(&run);
	if (soak_test(&run, number))
		report_again(&run);
	else if (!soak_repeats())
		tell(&run, number);
}

static void run_benchmark(const struct benchmark *benchmark)
{
	const struct test test = { .name = benchmark->name, .milliseconds = 600000 };
	struct test_run run = { .test = &test };
	uint64_t value;

	if (benchmark->needs & ~suite.capabilities || benchmark->cpus > suite.ready)
		return;
	if (machine_enter(virtualization()) != STATUS_OK)
		return;
	run.started = platform->clock();
	value = benchmark->run(&run);
	if (run.vm)
		(void)vm_destroy(run.vm);
	machine_leave(virtualization());
	if (run.erred || run.failures)
		report_line("%s: %s", benchmark->name, run.reason);
	else
		report_bench(benchmark->name, value, benchmark->unit);
}

/* Those that could not be used never left the firmware, or went back at once; not parked ones, nor
 * those that wait for an NMI. */
static bool given_back(const struct cpu *cpu)
{
	enum cpu_phase phase = atomic_load(&cpu->phase);

	return phase == CPU_FIRMWARE || atomic_load(&cpu->gone_back) ||
	       (phase == CPU_FAILED && cpu->error != STATUS_FAULT && cpu->error != STATUS_NO_NMI);
}

/* Not a row of the list: it can only be said when everything is over. */
static void report_restored(unsigned number)
{
	static const struct test test = { .name = "machine.restored" };
	struct test_run run = { .test = &test };

	for (unsigned i = 0; i < platform->cpu_count; i++) {
		const struct cpu *cpu = &platform->cpus[i];

		if (given_back(cpu))
			expect(&run, "processors that were given back otherwise than found", 0,
			       atomic_load(&cpu->spoiled));
		else
			test_error(&run, "processor %u was not given back", i);
	}
	test_settle(&run);
	report_test(&run, number);
}

/* The runs differ in nothing but, on real processors, the time they take. */
static void report_soak(unsigned number)
{
	static const struct test test = { .name = "soak.constant" };
	struct test_run run = { .test = &test };
	const uint64_t *ticks;
	unsigned count;

	soak_judge(&run);
	test_settle(&run);
	report_test(&run, number);
	count = soak_ticks(&ticks);
	report_runs(ticks, count);
}

static void run_tests(void)
{
	while (soak_next()) {
		for_each_selected(test_groups, suite.options, run_test);
		soak_run_done();
	}
}

/* Looks for a run that did not come to its end; its files are about to be overwritten. */
static void look_for_unfinished_run(void)
{
	char path[TEST_TEXT];
	struct tap_known known;

	suite.alone = false;
	text_format(path, sizeof(path), "%s.TAP", suite.options->report);
	if (!tap_read_open(path, &known))
		return;
	if (known.cut) {
		report_line("the last report is too long to be read: starting again");
		tap_read_close();
		return;
	}
	if (known.damaged)
		report_line("the last report is damaged: what comes after its first NUL is lost");
	suite.alone = known.starting && !known.damaged && platform->cpu_count > 1;
	if (suite.alone)
		report_line("the last run ended in the start of the processors: this one does "
			    "without them");
	report_line("the last run did not come to its end; %u tests are known: %s", known.tests,
		    suite.options->resume ? "going on after them"
					  : "starting again, --resume would go on after them");
	if (!suite.options->resume)
		tap_read_close();
}

static void say_why_not(void)
{
	report_line("no virtualization: %s", suite.why_not);
	summary_why(suite.why_not, suite.advice);
}

static void start_processors(struct facts *facts, struct report_head *head)
{
	unsigned known = facts->count;

	(void)machine_start(virtualization(), suite.alone);
	if (virtualization() && backend->settle)
		head->capabilities = suite.capabilities = backend->settle(facts);
	if (platform->describe_started)
		platform->describe_started(facts);
	report_started(facts, known);
	look_for_processors(NULL);
}

/* The first of what is required and missing; CAP_COUNT: nothing is. */
static enum capability missing(void)
{
	uint64_t required = suite.options->required;

	/* The whole suite is a test of virtualization. */
	if (!suite.options->filter_count)
		required |= BIT(CAP_VIRTUALIZATION);
	required &= ~suite.capabilities;
	return required ? (enum capability)__builtin_ctzll(required) : CAP_COUNT;
}

/* Why this run is no answer to what was asked for; NULL: it is one. */
static const char *incomplete(void)
{
	enum capability cap = missing();

	if (cap != CAP_COUNT)
		text_format(suite.lacks, TEST_TEXT, "%s is required, and this machine has no %s",
			    capability_names[cap], backend->capability_text(cap));
	else if (!suite.ran)
		text_format(suite.lacks, TEST_TEXT, "none of the tests could run");
	else if (suite.options->skips_limited && suite.lacking > suite.options->max_skips)
		text_format(suite.lacks, TEST_TEXT, "%u tests were skipped, at most %u may be",
			    suite.lacking, suite.options->max_skips);
	else
		return NULL;
	return suite.lacks;
}

static int result(void)
{
	static const int results[] = { [REPORT_PASSED] = SUITE_PASSED,
				       [REPORT_FAILED] = SUITE_FAILED,
				       [REPORT_INCOMPLETE] = SUITE_INCOMPLETE };

	return results[report_totals()->outcome];
}

static int run_all(struct facts *facts)
{
	unsigned tests = for_each_selected(test_groups, suite.options, NULL),
		 runs = suite.options->runs ? suite.options->runs : 1;
	unsigned total = tests + (runs > 1) + 1;
	struct report_head head = { facts, suite.options, suite.capabilities, total };

	if (runs == 1)
		look_for_unfinished_run();
	if (soak_open(runs, tests) != STATUS_OK || report_open(&head) != STATUS_OK) {
		report_line("assay: not enough memory for the report");
		return SUITE_FAILED;
	}
	if (!virtualization())
		say_why_not();
	start_processors(facts, &head);
	run_tests();
	for (unsigned i = 0; suite.options->bench && i < benchmark_count; i++)
		run_benchmark(&benchmarks[i]);
	if (!machine_stop())
		report_line("assay: a processor did not come back");
	if (runs > 1)
		report_soak(total - 1);
	report_restored(total);
	report_close(incomplete());
	summary_brief(report_totals(), suite_brief, sizeof(suite_brief));
	soak_close();
	return result();
}

int suite_main(const struct suite_options *options, struct facts *facts)
{
	enum status status;

	suite.options = options;
	suite.ran = suite.lacking = 0;
	suite_brief[0] = '\0';
	test_seed = options->seed;
	test_cases = options->cases;
	facts_add(facts, "seed", "%u", test_seed);
	if (options->list) {
		for_each_selected(test_groups, suite.options, list_test);
		return SUITE_PASSED;
	}
	if (!for_each_selected(test_groups, suite.options, NULL)) {
		report_line("assay: no test matches; -l lists them");
		return SUITE_USAGE;
	}
	pages_setup();
	say_who();
	status = probe_machine(facts);
	if (status != STATUS_OK) {
		report_line("assay: the boot processor cannot be taken: %s", status_text(status));
		return SUITE_FAILED;
	}
	return run_all(facts);
}
