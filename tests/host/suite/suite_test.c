/* The whole run, from the options to the totals, with tests that behave in every way. */
#include "suite/suite.h"

#include "lib/pages.h"
#include "suite/facts.h"
#include "suite/tap_read.h"
#include "suite/test.h"
#include "vm/control.h"
#include "vm/create.h"
#include "vm/machine.h"

#include "tests/host/fake/fake_json.h"
#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"

#include <time.h>

static unsigned runs;
static void *leaked;

static void pass(struct test_run *run)
{
	runs++;
	expect(run, "one", 1, 1);
}

static void fail_it(struct test_run *run)
{
	expect(run, "one", 1, 2);
}

static void say_nothing(struct test_run *run)
{
	(void)run;
}

static void fault(struct test_run *run)
{
	expect(run, "one", 1, 1);
	fake_fault(14);
}

static void leak(struct test_run *run)
{
	expect(run, "one", 1, 1);
	leaked = pages_alloc(3);
}

/* A VM that is left running: the suite destroys it. */
static void leave_vm(struct test_run *run)
{
	const struct vm_config config = { .vcpus = 8 };

	if (!require(run, "creating", vm_create(&config, &run->vm)))
		return;
	for (unsigned i = 0; i < 8; i++)
		fake_set_program(vm_vcpu(run->vm, i), fake_spin, NULL);
	expect(run, "start", STATUS_OK, vm_start(run->vm));
	for (unsigned i = 1; i < 8; i++)
		expect(run, "start", STATUS_OK, vm_start_ap(run->vm, i, 1));
}

static void die_on_the_owner(struct vcpu *vcpu, void *argument)
{
	(void)vcpu;
	(void)argument;
	fake_fault(13);
}

/* An exception on another processor: it survives, and this test is charged. */
static void fault_elsewhere(struct test_run *run)
{
	const struct vm_config config = { .vcpus = 2 };

	if (!require(run, "creating", vm_create(&config, &run->vm)))
		return;
	(void)vcpu_call(vm_vcpu(run->vm, 1), die_on_the_owner, NULL);
	expect(run, "one", 1, 1);
}

static unsigned moods;

/* The same in the first two runs only. */
static void moody(struct test_run *run)
{
	expect(run, "mood", 0, moods++ > 1);
}

/* Nothing in it looks at the time: another processor ends it. */
static void hang(struct test_run *run)
{
	expect(run, "one", 1, 1);
	for (;;)
		cpu_relax();
}

static const struct test tests[] = {
	{ .name = "a.passes", .run = pass },
	{ .name = "a.fails", .run = fail_it },
	{ .name = "b.silent", .run = say_nothing },
	{ .name = "b.faults", .run = fault },
	{ .name = "b.leaks", .run = leak },
	{ .name = "b.needs-avx", .run = pass, .needs = BIT(CAP_AVX) | BIT(CAP_XSAVE) },
	{ .name = "b.needs-cpus", .run = pass, .cpus = 3 },
	{ .name = "c.leaves-vm", .run = leave_vm, .needs = BIT(CAP_VIRTUALIZATION) },
	{ .name = "c.passes", .run = pass },
};

static const struct test elsewhere[] = {
	{ .name = "d.faults-elsewhere",
	  .run = fault_elsewhere,
	  .needs = BIT(CAP_VIRTUALIZATION),
	  .cpus = 2 },
	{ .name = "d.by-name", .run = pass, .by_name = true },
	{ .name = "d.hangs", .run = hang, .cpus = 2, .milliseconds = 1, .by_name = true },
	{ .name = "d.passes", .run = pass },
	{ .name = "e.moody", .run = moody },
};

static const struct test_group group = { tests, ARRAY_SIZE(tests) };
static const struct test_group elsewhere_group = { elsewhere, ARRAY_SIZE(elsewhere) };
const struct test_group *const test_groups[] = { &group, &elsewhere_group, NULL };

static uint64_t measure(struct test_run *run)
{
	(void)run;
	return 42;
}

static uint64_t break_off(struct test_run *run)
{
	test_error(run, "broken");
	return 43;
}

const struct benchmark benchmarks[] = {
	{ "a figure", "ticks", measure, 0, 0 },
	{ "no figure", "ticks", break_off, 0, 0 },
	{ "not here", "ticks", measure, BIT(CAP_AVX), 0 },
	{ "not with these", "ticks", measure, 0, 5 },
};
const unsigned benchmark_count = ARRAY_SIZE(benchmarks);

static void machine(unsigned cpus)
{
	fake_threads_end();
	fake_machine(cpus, cpus > 1);
	atomic_store(&platform->cpus[0].phase, CPU_FIRMWARE);
	runs = 0;
}

static int run(const char *filter, bool bench)
{
	const struct suite_options options = { .bench = bench,
					       .report = "\\R",
					       .filter_count = filter ? 1 : 0,
					       .filters = { filter } };
	static struct facts facts;

	memset(&facts, 0, sizeof(facts));
	return suite_main(&options, &facts);
}

static const char *json(void)
{
	return fake_file("\\R.JSON")->data;
}

/* Verdict and start of the reason of a test; "-": it did not run. */
static void assert_verdict(const char *name, const char *verdict, const char *reason)
{
	char key[80];
	const char *at;

	snprintf(key, sizeof(key), "\"name\":\"%s\"", name);
	at = strstr(json(), key);
	if (!at) {
		assert_string_equal(verdict, "-");
		return;
	}
	snprintf(key, sizeof(key), "\"%s\"", verdict);
	assert_string_equal(json_member(at, "verdict", 0), key);
	if (reason)
		assert_non_null(strstr(json_member(at, "reason", 0), reason));
}

static void assert_all_verdicts(void)
{
	assert_null(json_error(json()));
	assert_verdict("a.passes", "PASS", NULL);
	assert_verdict("a.fails", "FAIL", "one");
	assert_verdict("b.silent", "ERROR", "without a verdict");
	assert_verdict("b.faults", "ERROR",
		       "exception 14 (error code 0) at somewhere+34 on processor 0");
	assert_verdict("b.leaks", "ERROR", "3 pages were not returned");
	assert_verdict("c.leaves-vm", "PASS", NULL);
	assert_verdict("c.passes", "PASS", NULL);
	assert_verdict("machine.restored", "PASS", NULL);
}

static void test_one_processor(void **state)
{
	(void)state;
	machine(1);
	fake_vendor.capabilities &= ~BIT(CAP_AVX);
	assert_int_equal(run(NULL, false), SUITE_FAILED);
	assert_all_verdicts();
	assert_verdict("b.needs-avx", "SKIP", "needs AVX");
	assert_verdict("b.needs-cpus", "SKIP", "needs 3 processors");
	assert_verdict("d.faults-elsewhere", "SKIP", "needs 2 processors");
	assert_int_equal(runs, 3);
	assert_int_equal(atomic_load(&fake_vendor.on), 0);
	assert_int_equal(atomic_load(&fake.taken), atomic_load(&fake.given_back));
	assert_int_equal(fake_vendor.vms, 0);
	assert_int_equal(pages_in_use(), 3); /* the leak */
	pages_free(leaked, 3);
}

static void test_threads(void **state)
{
	(void)state;
	machine(4);
	assert_int_equal(run(NULL, false), SUITE_FAILED);
	assert_all_verdicts();
	assert_verdict("b.needs-avx", "PASS", NULL);
	assert_verdict("b.needs-cpus", "PASS", NULL);
	assert_verdict("d.faults-elsewhere", "ERROR", "exception 13");
	assert_verdict("d.passes", "PASS", NULL);
	assert_verdict("d.by-name", "SKIP", "full name");
	assert_int_equal(atomic_load(&platform->cpus[1].faults), 1);
	assert_int_equal(atomic_load(&fake_vendor.on), 0);
	assert_int_equal(atomic_load(&fake.taken), atomic_load(&fake.given_back));
	assert_int_equal(atomic_load(&fake.lost_wakeups), 0);
	pages_free(leaked, 3);
}

static void test_watchdog(void **state)
{
	(void)state;
	machine(2);
	assert_int_equal(run("d.hangs", false), SUITE_FAILED);
	assert_verdict("d.hangs", "ERROR", "no end in time: processor 0 was stopped");
	assert_verdict("machine.restored", "PASS", NULL);
	assert_int_equal(atomic_load(&fake.taken), atomic_load(&fake.given_back));
}

static void test_filters(void **state)
{
	(void)state;
	machine(1);
	assert_int_equal(run("?.passes", false), SUITE_PASSED);
	assert_int_equal(runs, 3);
	assert_verdict("a.fails", "-", NULL);
	assert_non_null(strstr(fake.console,
			       "4 passed, 0 failed, 0 skipped, 0 errors, 4 checks: PASSED\n"));
	assert_non_null(strstr(fake_file("\\R.TAP")->data, "\n1..4\n"));
	machine(1);
	assert_int_equal(run("d.by-name", false), SUITE_PASSED);
	assert_int_equal(runs, 1);
	machine(1);
	assert_int_equal(run("a.fails", false), SUITE_FAILED);
	machine(1);
	assert_int_equal(run("b.silent", false), SUITE_FAILED);
	machine(1);
	assert_int_equal(run("nothing", false), SUITE_USAGE);
	assert_non_null(strstr(fake.console, "no test matches"));
	assert_null(fake_file("\\R.TAP"));
}

/* A run that did not do what was asked for is neither green nor red. */
static int run_with(const struct suite_options *options)
{
	static struct facts facts;

	machine(1);
	fake_vendor.capabilities &= ~BIT(CAP_AVX);
	memset(&facts, 0, sizeof(facts));
	return suite_main(options, &facts);
}

static void test_incomplete(void **state)
{
	struct suite_options options = { .report = "\\R",
					 .filter_count = 3,
					 .filters = { "a.passes", "b.needs-*", "d.by-name*" } };

	(void)state;
	assert_int_equal(run_with(&options), SUITE_PASSED);
	options.required = BIT(CAP_XSAVE);
	assert_int_equal(run_with(&options), SUITE_PASSED);
	options.required |= BIT(CAP_AVX);
	assert_int_equal(run_with(&options), SUITE_INCOMPLETE);
	assert_non_null(strstr(fake.console, "\nINCOMPLETE: avx is required, and this machine"));
	options.required = 0;
	options.skips_limited = true;
	options.max_skips = 2; /* the test that nobody asked for is none of them */
	assert_int_equal(run_with(&options), SUITE_PASSED);
	options.max_skips = 1;
	assert_int_equal(run_with(&options), SUITE_INCOMPLETE);
	assert_non_null(strstr(fake.console, "2 tests were skipped, at most 1 may be\n"));
	options.filters[0] = "a.fails"; /* a failure outranks it */
	assert_int_equal(run_with(&options), SUITE_FAILED);
	/* Nothing ran but the check that comes after everything. */
	options = (struct suite_options){ .report = "\\R",
					  .filter_count = 1,
					  .filters = { "b.needs-*" } };
	assert_int_equal(run_with(&options), SUITE_INCOMPLETE);
	assert_non_null(strstr(fake.console, "INCOMPLETE: none of the tests could run\n"));
}

static void test_list(void **state)
{
	const struct suite_options options = { .list = true,
					       .filter_count = 1,
					       .filters = { "?.passes" } };
	static struct facts facts;

	(void)state;
	machine(1);
	assert_int_equal(suite_main(&options, &facts), SUITE_PASSED);
	assert_string_equal(fake.console, "a.passes\nc.passes\nd.passes\n");
	assert_int_equal(runs, 0);
}

/* "# running a.passes" is on the volume before the test, if that is quick or wanted. */
static void assert_written_ahead(bool resume, bool slow, bool wanted)
{
	const struct suite_options options = { .resume = resume,
					       .report = "\\R",
					       .filter_count = 2,
					       .filters = { "a.passes", "b.needs-cpus" } };
	static struct facts facts;

	machine(1);
	fake.append_ticks = slow ? platform->clock_hz / 10 : 0;
	memset(&facts, 0, sizeof(facts));
	assert_int_equal(suite_main(&options, &facts), SUITE_PASSED);
	assert_int_equal(strstr(fake_file("\\R.TAP")->data, "# running a.passes\nok 1") != NULL,
			 wanted);
	/* Not one that is skipped. */
	assert_null(strstr(fake_file("\\R.TAP")->data, "# running b.needs-cpus"));
}

static void test_write_ahead(void **state)
{
	(void)state;
	assert_written_ahead(false, false, true);
	assert_written_ahead(false, true, false);
	assert_written_ahead(true, true, true);
}

static int run_often(const char *filter, unsigned times)
{
	const struct suite_options options = {
		.runs = times, .report = "\\R", .filter_count = 1, .filters = { filter }
	};
	static struct facts facts;

	memset(&facts, 0, sizeof(facts));
	return suite_main(&options, &facts);
}

static void test_many_runs(void **state)
{
	(void)state;
	machine(1);
	assert_int_equal(run_often("a.passes", 5), SUITE_PASSED);
	assert_int_equal(runs, 5);
	assert_null(json_error(json()));
	assert_verdict("soak.constant", "PASS", "");
	assert_string_equal(json_member(json(), "passed", 0), "3");
	assert_non_null(strstr(fake.console, "run 5/5 "));
	assert_non_null(strstr(json(), "\"runs\":["));
	machine(1);
	moods = 0;
	assert_int_equal(run_often("e.moody", 4), SUITE_FAILED);
	assert_verdict("e.moody", "PASS", "");
	assert_verdict("soak.constant", "FAIL", "e.moody in run 3: FAIL");
	assert_null(json_error(json()));
}

static void test_benchmarks(void **state)
{
	(void)state;
	machine(1);
	fake_vendor.capabilities &= ~BIT(CAP_AVX);
	assert_int_equal(run("a.passes", true), SUITE_PASSED);
	assert_null(json_error(json()));
	assert_string_equal(json_member(json(), "value", 0), "42");
	assert_string_equal(json_member(json(), "value", 1), "");
	assert_non_null(strstr(fake.console, "no figure: broken\n"));
}

/* No virtualization: said in one line, everything that needs it is skipped, the rest runs. */
static void test_no_virtualization(void **state)
{
	(void)state;
	machine(1);
	fake_vendor.capabilities = 0;
	fake_vendor.why = "the processor has none";
	assert_int_equal(run("c.*", false), SUITE_PASSED);
	assert_non_null(strstr(fake.console, "no virtualization: the processor has none\n"));
	assert_verdict("c.leaves-vm", "SKIP", "needs a capability");
	assert_verdict("c.passes", "PASS", NULL);
	assert_int_equal(atomic_load(&fake_vendor.on), 0);
}

static void test_bad_processors(void **state)
{
	(void)state;
	machine(4);
	fake.fail_take = 1 << 1;
	fake_vendor.fail_cpu_on = 1 << 2;
	assert_int_equal(run("b.needs-cpus", false), SUITE_INCOMPLETE);
	assert_verdict("b.needs-cpus", "SKIP", "needs 3 processors");
	assert_non_null(strstr(fake.console, "processor 1 (APIC id 1) cannot be used"));
	assert_non_null(strstr(fake.console, "processor 2 (APIC id 2) cannot be used"));
	assert_int_equal(atomic_load(&platform->cpus[3].phase), CPU_FIRMWARE);
	machine(4);
	fake_vendor.fault_cpu_on = 1 << 3;
	assert_int_equal(run("b.needs-cpus", false), SUITE_PASSED);
	assert_non_null(strstr(fake.console, "processor 3 (APIC id 3) cannot be used: switching"));
	assert_verdict("machine.restored", "PASS", NULL);
	/* Firmware that starts none beside the boot processor: they have never left it. */
	machine(4);
	fake.aps_status = STATUS_REFUSED;
	assert_int_equal(run("b.needs-cpus", false), SUITE_INCOMPLETE);
	assert_verdict("b.needs-cpus", "SKIP", "needs 3 processors");
	assert_verdict("machine.restored", "PASS", NULL);
	assert_non_null(
		strstr(fake.console, "processor 3 (APIC id 3) cannot be used: the firmware"));
	machine(1);
	fake.fail_take = 1;
	assert_int_equal(run("a.passes", false), SUITE_FAILED);
	assert_int_equal(runs, 0);
	machine(1);
	fake_vendor.fail_cpu_on = 1;
	assert_int_equal(run("a.passes", false), SUITE_FAILED);
	assert_verdict("a.passes", "ERROR", "not supported by this machine");
	machine(1);
	fake.fail_give_back = 1;
	assert_int_equal(run("a.passes", false), SUITE_FAILED);
	assert_verdict("machine.restored", "FAIL", "otherwise than found");
	machine(1);
	fake_platform.arena_pages = 10;
	assert_int_equal(run("a.passes", false), SUITE_FAILED);
	assert_non_null(strstr(fake.console, "not enough memory for the report\n"));
}

static void describe(struct facts *facts)
{
	facts_add(facts, "found late", "when they ran");
}

/* The last line of the last report is that processors were being started: this run starts none. */
static void test_start_that_hangs(void **state)
{
	static const char hung[] = "TAP version 13\n1..2\n" TAP_STARTING "\n";

	(void)state;
	machine(4);
	fake_platform.describe_started = describe;
	assert_int_equal(platform->file_write("\\R.TAP", hung, sizeof(hung) - 1), STATUS_OK);
	assert_int_equal(run("b.needs-cpus", false), SUITE_INCOMPLETE);
	assert_non_null(strstr(fake.console, "the last run ended in the start of the processors"));
	assert_non_null(strstr(fake.console, "\nfound late"));
	assert_string_equal(json_member(json(), "found_late", 0), "\"when they ran\"");
	assert_verdict("b.needs-cpus", "SKIP", "needs 3 processors");
	assert_verdict("machine.restored", "PASS", NULL);
	assert_int_equal(platform->cpus[1].error, STATUS_HANGS);
	assert_int_equal(atomic_load(&platform->cpus[3].phase), CPU_FAILED);
	fake_platform.describe_started = NULL;
	/* That one came to its end: the next one tries again. */
	machine(4);
	assert_int_equal(run("b.needs-cpus", false), SUITE_PASSED);
	assert_verdict("b.needs-cpus", "PASS", NULL);
}

static int resume(void)
{
	const struct suite_options options = {
		.resume = true, .report = "\\R", .filter_count = 1, .filters = { "?.passes" }
	};
	static struct facts facts;

	memset(&facts, 0, sizeof(facts));
	return suite_main(&options, &facts);
}

/* What one processor does not have is not used on any. */
static void test_differing_processors(void **state)
{
	(void)state;
	machine(2);
	fake_vendor.lacking = BIT(CAP_XSAVE);
	assert_int_equal(run("b.needs-avx", false), SUITE_INCOMPLETE);
	assert_verdict("b.needs-avx", "SKIP", "needs XSAVE");
	assert_string_equal(json_member(json(), "xsave", 0), "false");
	assert_non_null(strstr(fake.console, "\nfake processors"));
	assert_string_equal(json_member(json(), "fake_processors", 0), "\"differ\"");
}

/* Zeroed sectors after a power cut, and a report that no memory of ours holds. */
static void test_odd_reports(void **state)
{
	static const char damaged[] = "TAP version 13\n1..4\nok 1 - a.passes # 1 checks\n\0\0\0"
				      "ok 2 - c.passes # 1 checks\n# 4 passed\n";
	static const char forged[] = "TAP version 13\nok 1 - a.passes x\n";
	static char huge[FAKE_FILE_SIZE - 1];

	(void)state;
	machine(1);
	assert_int_equal(platform->file_write("\\R.TAP", damaged, sizeof(damaged) - 1), STATUS_OK);
	assert_int_equal(resume(), SUITE_PASSED);
	assert_non_null(strstr(fake.console, "the last report is damaged"));
	assert_non_null(strstr(fake.console, "1 tests are known: going on"));
	assert_int_equal(runs, 2);
	machine(1);
	assert_int_equal(platform->file_write("\\R.TAP", forged, sizeof(forged) - 1), STATUS_OK);
	assert_int_equal(resume(), SUITE_PASSED);
	machine(1);
	fake_platform.arena_pages = 200; /* not enough for the large buffer */
	pages_setup();
	memset(huge, '\n', sizeof(huge));
	memcpy(huge, "TAP version 13\n", 15);
	assert_int_equal(platform->file_write("\\R.TAP", huge, sizeof(huge)), STATUS_OK);
	assert_int_equal(resume(), SUITE_PASSED);
	assert_non_null(strstr(fake.console, "too long to be read"));
	assert_int_equal(runs, 3);
}

/* A processor that arrives when it has been given up: it does not join, and goes back. */
static void test_arrives_late(void **state)
{
	const uint64_t hz = fake_platform.clock_hz;
	const struct timespec nap = { .tv_nsec = 10000000 };

	(void)state;
	machine(3);
	fake_platform.clock_hz = 10000000; /* hundredths of a second for seconds */
	fake.late_take = 1 << 2;
	assert_int_equal(run("b.needs-cpus", false), SUITE_FAILED);
	fake_platform.clock_hz = hz;
	assert_non_null(strstr(fake.console, "processor 2 (APIC id 2) does not answer"));
	assert_verdict("b.needs-cpus", "SKIP", "needs 3 processors");
	for (unsigned i = 0; i < 200 && !atomic_load(&platform->cpus[2].gone_back); i++)
		nanosleep(&nap, NULL);
	assert_true(atomic_load(&platform->cpus[2].gone_back));
	assert_int_equal(atomic_load(&platform->cpus[2].phase), CPU_LOST);
	assert_int_equal(atomic_load(&fake_vendor.on), 0);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(test_many_runs),
		cmocka_unit_test(test_one_processor),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_benchmarks),
		cmocka_unit_test(test_no_virtualization),
		cmocka_unit_test(test_bad_processors),
		cmocka_unit_test(test_write_ahead),
		cmocka_unit_test(test_start_that_hangs),
		cmocka_unit_test(test_arrives_late),
		cmocka_unit_test(test_odd_reports),
		cmocka_unit_test(test_differing_processors),
		cmocka_unit_test(test_incomplete),
	};

	return cmocka_run_group_tests_name("suite", all, NULL, NULL);
}
