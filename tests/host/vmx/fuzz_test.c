/*
 * The fuzzer of the entry checks against a processor that is the model with one rule removed: which
 * rules' faults does it find, and how small are the states that it says?
 */
static unsigned broken_rule;
static int breaks;

static int mutate(unsigned rule, int violated)
{
	return breaks && rule == broken_rule ? 0 : violated;
}

#define MODEL_RULE(number, violated) mutate(number, (violated) != 0)
#include "vmx/model/model.c"

#include "tests/host/fake/entry_machines.h"
#include "tests/host/fake/host_test.h"
#include "tests/vmx/entry/hunt.h"

static struct model_state held;
static const struct model_machine *machine;

static void set_value(void *context, unsigned at, uint64_t value)
{
	(void)context;
	held.value[at] = value;
}

static uint64_t own_link_page;

/* A processor would read there, and the model knows what our own page holds and no other. */
static void assert_link_is_ours(void)
{
	const uint64_t link = held.value[AT_VMCS_LINK_POINTER];

	if (!(link & PAGE_MASK) && !(link >> machine->physical_bits))
		assert_int_equal(link, own_link_page);
}

static bool agree(void *context, const struct fuzz_verdict *verdict)
{
	const struct model_verdict *wanted = (const void *)verdict->word;
	struct model_verdict got;

	(void)context;
	assert_link_is_ours();
	breaks = 1;
	got = model_check(&held, machine, MODEL_ALL);
	breaks = 0;
	return got.enters == wanted->enters && got.control_error == wanted->control_error &&
	       got.host_error == wanted->host_error && got.guest == wanted->guest &&
	       got.msr == wanted->msr;
}

static bool has(void *context, unsigned at)
{
	(void)context;
	(void)at;
	return true;
}

static const struct fuzz_target target = { set_value, agree, NULL, NULL };

static unsigned make_bases(const struct entry_machine *which, uint64_t (*bases)[ENTRY_VALUES])
{
	unsigned count = 0;

	for (unsigned b = BASE_64; b < BASE_COUNT; b++) {
		struct model_state base;
		const char *missing;

		if (!entry_base_make(b, &which->ground, &base, &missing))
			continue;
		memcpy(bases[count], base.value, sizeof(base.value));
		vmx_fuzz_prepare(bases[count++]);
	}
	memcpy(bases[count], bases[0], sizeof(bases[0]));
	own_link_page = entry_page(&which->ground, PAGE_LINK);
	bases[count][AT_VMCS_LINK_POINTER] = own_link_page;
	return count + 1;
}

/* A processor that is right is not accused, and half of the cases are valid. */
static void test_no_false_alarm(void **state)
{
	static struct fuzz fuzz;
	static uint64_t bases[BASE_COUNT + 1][ENTRY_VALUES];

	(void)state;
	broken_rule = model_rule_count;
	for (unsigned m = 0; m < entry_machine_count; m++) {
		static struct fuzz_difference difference;

		machine = &entry_machines[m].ground.machine;
		{
			const unsigned count = make_bases(&entry_machines[m], bases);

			fuzz_init(&fuzz, &vmx_fuzz_hunt, machine, &target,
				  (const uint64_t(*)[ENTRY_VALUES])bases, count, has, m);
		}
		for (unsigned i = 0; i < 20000; i++)
			assert_true(fuzz_next(&fuzz, &difference));
		print_message("%s: %u of %u cases are valid\n", entry_machines[m].name,
			      (unsigned)fuzz.valid, (unsigned)fuzz.cases);
		assert_in_range(fuzz.valid, 20000 / 4, 20000 * 3 / 4);
	}
}

static bool agrees_sometimes(void *context, const struct fuzz_verdict *verdict)
{
	static unsigned entries;

	(void)context;
	(void)verdict;
	return entries++ % 5;
}

static void set_nothing(void *context, unsigned at, uint64_t value)
{
	(void)context;
	(void)at;
	(void)value;
}

static bool agrees_always(void *context, const struct fuzz_verdict *verdict)
{
	(void)context;
	(void)verdict;
	return true;
}

/* The same cases on a processor that is right, on one that is wrong, and where none is entered. */
static void test_cases_are_the_same(void **state)
{
	static const struct fuzz_target targets[] = { { set_nothing, agrees_always, NULL, NULL },
						      { set_nothing, agrees_sometimes, NULL, NULL },
						      { set_nothing, agrees_always, NULL, NULL } };
	static struct fuzz fuzzers[ARRAY_SIZE(targets)];
	static uint64_t bases[BASE_COUNT + 1][ENTRY_VALUES];
	static struct fuzz_difference difference;
	const struct entry_machine *which = &entry_machines[entry_machine_count - 1];
	const unsigned count = make_bases(which, bases);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(fuzzers); i++)
		fuzz_init(&fuzzers[i], &vmx_fuzz_hunt, &which->ground.machine, &targets[i],
			  (const uint64_t(*)[ENTRY_VALUES])bases, count, has, 1);
	for (unsigned i = 0; i < 1000; i++) {
		assert_true(fuzz_next(&fuzzers[0], &difference));
		(void)fuzz_next(&fuzzers[1], &difference);
		fuzz_skip(&fuzzers[2], i % 2 ? &difference : NULL);
		for (unsigned n = 1; n < ARRAY_SIZE(fuzzers); n++) {
			assert_memory_equal(fuzzers[0].state, fuzzers[n].state,
					    sizeof(fuzzers[0].state));
			assert_true(fuzzers[0].random == fuzzers[n].random);
		}
	}
	assert_in_range(fuzzers[1].differences, 100, 900);
}

enum { CASES = 6000 };

/* Of the rules that a change of fields can break here, most are found within so many cases. */
static void test_finds_missing_checks(void **state)
{
	static struct fuzz fuzz;
	static uint64_t bases[BASE_COUNT + 1][ENTRY_VALUES];
	const struct entry_machine *last = &entry_machines[entry_machine_count - 1];
	unsigned found = 0, values = 0;

	(void)state;
	machine = &last->ground.machine;
	for (broken_rule = 0; broken_rule < model_rule_count; broken_rule++) {
		static struct fuzz_difference difference;
		unsigned cases = 0;

		{
			const unsigned count = make_bases(last, bases);

			fuzz_init(&fuzz, &vmx_fuzz_hunt, machine, &target,
				  (const uint64_t(*)[ENTRY_VALUES])bases, count, has, 1);
		}
		while (cases++ < CASES && fuzz_next(&fuzz, &difference))
			;
		if (cases > CASES) {
			print_message("not found: %s\n", model_rules[broken_rule].id);
			continue;
		}
		found++;
		values += difference.count;
		assert_true(model_violates(vmx_fuzz_verdict(&difference.verdict), broken_rule));
	}
	print_message("%u of %u rules found, %u values in a difference on average\n", found,
		      model_rule_count, found ? values / found : 0);
	assert_true(found * 3 > model_rule_count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_false_alarm),
		cmocka_unit_test(test_cases_are_the_same),
		cmocka_unit_test(test_finds_missing_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
