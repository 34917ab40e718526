#include "suite/suite.h"

#include "backend.h"
#include "lib/pages.h"
#include "lib/text.h"
#include "suite/describe.h"
#include "suite/report.h"
#include "suite/resume.h"
#include "suite/soak.h"
#include "suite/summary.h"
#include "suite/test.h"
#include "vm/create.h"
#include "vm/machine.h"
#include "vm/sched.h"
#include "vm/vm.h"
#include "vm/watchdog.h"

static struct {
	const struct suite_options *options;
	uint64_t capabilities;
	const char *why_not; /* no virtualization: the reason in one line */
	const char *advice;  /* what to do about it, NULL: nothing */
	unsigned ready;	     /* processors */
} suite;

static bool selected(const char *name)
{
	const struct suite_options *options = suite.options;

	if (!options->filter_count)
		return options->list || !text_glob("full.*", name); /* long: only by a filter */
	for (unsigned i = 0; i < options->filter_count; i++)
		if (text_glob(options->filters[i], name))
			return true;
	return false;
}

/* A test with a price is not what a glob, or no filter at all, asks for. */
static bool asked_for(const struct test *test)
{
	const struct suite_options *options = suite.options;

	for (unsigned i = 0; test->by_name && i < options->filter_count; i++)
		if (text_equal(options->filters[i], test->name))
			return true;
	return !test->by_name;
}

/* Calls visit for every selected test, in order; returns how many there are. */
static unsigned for_each_test(void (*visit)(const struct test *test, unsigned number))
{
	unsigned number = 0;

	for (unsigned g = 0; test_groups[g]; g++)
		for (unsigned i = 0; i < test_groups[g]->count; i++) {
			const struct test *test = &test_groups[g]->tests[i];

			if (!selected(test->name))
				continue;
			number++;
			if (visit)
				visit(test, number);
		}
	return number;
}

static void list_test(const struct test *test, unsigned number)
{
	(void)number;
	report_line("%s", test->name);
}

static void probe(void *argument)
{
	suite.capabilities = backend->probe(argument, &suite.why_not, &suite.advice);
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
		suite.why_not = "reading the VMX capability MSRs raised an exception";
	}
	platform->cpu_give_back(cpu);
	return STATUS_OK;
}

static bool virtualization(void)
{
	return suite.capabilities & BIT(CAP_VIRTUALIZATION);
}

/* The first capability that the test needs and the machine lacks. */
static bool skip_for_capability(struct test_run *run)
{
	uint64_t missing = run->test->needs & ~suite.capabilities;

	if (!missing)
		return false;
	test_skip(run, "needs %s",
		  backend->capability_text((enum capability)__builtin_ctzll(missing)));
	return true;
}

static void run_body(void *argument)
{
	struct test_run *run = argument;

	run->test->run(run);
}

/* What the test left behind; it may be in any state, so this is guarded too. */
static void clean_up(void *argument)
{
	struct test_run *run = argument;

	pages_limit(PAGES_NO_LIMIT);
	switch (run->vm ? vm_destroy(run->vm) : vm_withdraw()) {
	case STATUS_OK:
		break;
	case STATUS_TIMEOUT:
		test_error(run, "a processor does not answer any more");
		break;
	default:
		test_error(run, "a processor did not let go of its vCPU");
	}
}

enum {
	BODY_GRACE = 6000, /* milliseconds: waits of the body end first, the watchdog comes after */
	SHOW_LIMIT = 3000,
	CLEAN_UP_LIMIT = 8000,
};

static void show_vcpus(void *run)
{
	describe_vcpus(run);
}

static void run_guarded(struct test_run *run, void (*part)(void *argument), unsigned milliseconds)
{
	struct cpu *cpu = &platform->cpus[0];
	struct fault fault;
	bool completed;

	watchdog_arm(platform->clock() + platform->clock_hz / 1000 * milliseconds);
	completed = platform->guarded(cpu, part, run, &fault);
	watchdog_disarm();
	if (completed)
		return;
	machine_after_fault(cpu);
	describe_fault(run, &fault);
	if (fault.abandoned && part == run_body)
		run_guarded(run, show_vcpus, SHOW_LIMIT);
}

static void run_taken(struct test_run *run)
{
	size_t pages = pages_in_use();
	struct fault fault;

	run->started = platform->clock();
	run_guarded(run, run_body, test_milliseconds(run) + BODY_GRACE);
	if (machine_take_fault(&fault))
		describe_fault(run, &fault);
	run_guarded(run, clean_up, CLEAN_UP_LIMIT);
	if (machine_take_fault(&fault))
		describe_fault(run, &fault);
	for (unsigned i = 0; i < platform->cpu_count; i++)
		if (cpu_usable(&platform->cpus[i]) && platform->cpus[i].loaded)
			test_error(run, "processor %u still holds a vCPU", i);
	if (pages_in_use() != pages)
		test_error(run, "%d pages were not returned", (int)(pages_in_use() - pages));
	run->ticks = platform->clock() - run->started;
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
		if (atomic_load(&cpu->phase) == CPU_LOST)
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

/* If the test cannot run here, or nobody asked for it, it is skipped with the reason. */
static bool skip(struct test_run *run)
{
	const struct test *test = run->test;

	if (skip_for_capability(run))
		return true;
	if (!asked_for(test))
		test_skip(run, "runs only by its full name: it may cost a processor");
	else if (test->cpus > suite.ready)
		test_skip(run, "needs %u processors", test->cpus);
	else
		return false;
	return true;
}

static void run_here(struct test_run *run, unsigned number)
{
	if (suite.options->resume || report_is_quick())
		report_running(run->test->name);
	report_progress(run->test, number);
	if (!require(run, "taking the boot processor", machine_enter(virtualization())))
		return;
	run_taken(run);
	machine_leave(virtualization());
}

static void run_test(const struct test *test, unsigned number)
{
	struct test_run run = { .test = test };

	if (resume_take(&run, number)) {
		report_test(&run, number);
		return;
	}
	if (!skip(&run))
		run_here(&run, number);
	look_for_processors(&run);
	test_settle(&run);
	if (soak_test(&run, number))
		report_again(&run);
	else if (!soak_repeats())
		report_test(&run, number);
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

/* Those that could not be used never left the firmware, or went back at once; not parked ones. */
static bool given_back(const struct cpu *cpu)
{
	enum cpu_phase phase = atomic_load(&cpu->phase);

	return phase == CPU_FIRMWARE || (phase == CPU_FAILED && cpu->error != STATUS_FAULT);
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
		for_each_test(run_test);
		soak_run_done();
	}
}

/* Looks for a run that did not come to its end; its files are about to be overwritten. */
static void look_for_unfinished_run(void)
{
	char path[TEST_TEXT];
	unsigned known;

	text_format(path, sizeof(path), "%s.TAP", suite.options->report);
	if (!resume_open(path, &known))
		return;
	report_line("the last run did not come to its end; %u tests are known: %s", known,
		    suite.options->resume ? "going on after them"
					  : "starting again, --resume would go on after them");
	if (!suite.options->resume)
		resume_close();
}

static void say_why_not(void)
{
	report_line("no virtualization: %s", suite.why_not);
	summary_why(suite.why_not, suite.advice);
}

static int run_all(struct facts *facts)
{
	unsigned tests = for_each_test(NULL), runs = suite.options->runs ? suite.options->runs : 1;
	unsigned total = tests + (runs > 1) + 1;
	const unsigned *by = report_totals()->by_verdict;

	if (runs == 1)
		look_for_unfinished_run();
	if (soak_open(runs, tests) != STATUS_OK ||
	    report_open(suite.options->report, facts, total) != STATUS_OK) {
		report_line("assay: not enough memory for the report");
		return SUITE_FAILED;
	}
	if (!virtualization())
		say_why_not();
	(void)machine_start(virtualization());
	look_for_processors(NULL);
	run_tests();
	for (unsigned i = 0; suite.options->bench && i < benchmark_count; i++)
		run_benchmark(&benchmarks[i]);
	if (!machine_stop())
		report_line("assay: a processor did not come back");
	if (runs > 1)
		report_soak(total - 1);
	report_restored(total);
	report_close();
	soak_close();
	return by[VERDICT_FAIL] || by[VERDICT_ERROR] ? SUITE_FAILED : SUITE_PASSED;
}

int suite_main(const struct suite_options *options, struct facts *facts)
{
	enum status status;

	suite.options = options;
	test_seed = options->seed;
	facts_add(facts, "seed", "%u", test_seed);
	if (options->list) {
		for_each_test(list_test);
		return SUITE_PASSED;
	}
	if (!for_each_test(NULL)) {
		report_line("assay: no test matches; -l lists them");
		return SUITE_USAGE;
	}
	pages_setup();
	status = probe_machine(facts);
	if (status != STATUS_OK) {
		report_line("assay: the boot processor cannot be taken: %s", status_text(status));
		return SUITE_FAILED;
	}
	return run_all(facts);
}
