#include "suite/select.h"

#include "lib/text.h"

static bool selected(const struct suite_options *options, const char *name)
{
	if (!options->filter_count)
		return options->list || !text_glob("full.*", name); /* long: only by a filter */
	for (unsigned i = 0; i < options->filter_count; i++)
		if (text_glob(options->filters[i], name))
			return true;
	return false;
}

unsigned for_each_selected(const struct test_group *const groups[],
			   const struct suite_options *options,
			   void (*visit)(const struct test *test, unsigned number))
{
	unsigned number = 0;

	for (unsigned g = 0; groups[g]; g++)
		for (unsigned i = 0; i < groups[g]->count; i++) {
			const struct test *test = &groups[g]->tests[i];

			if (!selected(options, test->name))
				continue;
			number++;
			if (visit)
				visit(test, number);
		}
	return number;
}

/* A test with a price is not what a glob, or no filter at all, asks for. */
bool asked_for(const struct test *test, const struct suite_options *options)
{
	for (unsigned i = 0; test->by_name && i < options->filter_count; i++)
		if (text_equal(options->filters[i], test->name))
			return true;
	return !test->by_name;
}

/* The first capability that the test needs and the machine lacks is named. */
bool skip(struct test_run *run, const struct suite_options *options, uint64_t capabilities,
	  unsigned processors)
{
	const struct test *test = run->test;
	uint64_t missing = test->needs & ~capabilities;

	if (missing)
		test_skip(run, "needs %s",
			  backend->capability_text((enum capability)__builtin_ctzll(missing)));
	else if (!asked_for(test, options))
		test_skip(run, "runs only by its full name: it may cost a processor");
	else if (test->cpus > processors)
		test_skip(run, "needs %u processors", test->cpus);
	else
		return false;
	return true;
}
