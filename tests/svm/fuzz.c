/* VMRUN along the border between what enters and what does not: tests/entry/hunt.h. */
#include "tests/entry/hunt.h"

#include "tests/lib/list.h"
#include "tests/svm/checks.h"
#include "tests/svm/entry/hunt.h"
#include "tests/svm/entry/outcome.h"

/* All but virtual-8086 mode, which changes of other values make undefined. */
static unsigned make_bases(struct entry_seat *seat, uint64_t (*bases)[ENTRY_VALUES],
			   const char **names)
{
	unsigned count = 0;

	for (unsigned base = 0; base < BASE_COUNT; base++) {
		const char *missing;

		if (base == BASE_V86 ||
		    !svm_entry_checks.make_base(seat, base, bases[count], &missing))
			continue;
		names[count++] = svm_base_names[base];
	}
	return count;
}

static bool allows(const struct fuzz_verdict *verdict, const struct entry_result *result)
{
	const struct svm_probe_result got = svm_result_of(result);

	return svm_outcome_is_allowed(svm_fuzz_verdict(verdict), &got);
}

static bool violates(const struct fuzz_verdict *verdict, unsigned rule)
{
	return svm_fuzz_verdict(verdict)->violated & BIT(rule);
}

static const struct hunting hunting = {
	.checks = &svm_entry_checks,
	.hunt = &svm_fuzz_hunt,
	.make_bases = make_bases,
	.allows = allows,
	.violates = violates,
};

enum { SHORT = 4000, LONG = 200000, SHORT_MILLISECONDS = 20000, LONG_MILLISECONDS = 600000 };

static void fuzz(struct test_run *run)
{
	hunt_entries(run, &hunting);
}

#define FULL(n)                                                                                    \
	{                                                                                          \
		"full.fuzz.vmrun." #n, SPEC_VMRUN_CHECKS, fuzz,                                    \
			.needs = BIT(CAP_SVM), .cases = LONG, .milliseconds = LONG_MILLISECONDS,   \
			.argument = (n),                                                           \
			EXPLAINS("A long series of random VMCBs near the border of what is "       \
				 "valid, each number with its own cases.",                         \
				 MEANS_VMRUN)                                                      \
	}

/* Each long one has other cases. */
static const struct test rows[] = {
	{ "fuzz.vmrun", SPEC_VMRUN_CHECKS, fuzz, .needs = BIT(CAP_SVM), .cases = SHORT,
	  EXPLAINS("Random VMCBs near the border of what is valid: VMRUN accepts exactly what the "
		   "model accepts.",
		   MEANS_VMRUN),
	  .milliseconds = SHORT_MILLISECONDS },
	FULL(1),
	FULL(2),
	FULL(3),
	FULL(4),
};

TEST_GROUP(vmrun_fuzz, rows);
