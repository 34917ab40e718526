/* VM entries along the border between what enters and what does not: tests/entry/hunt.h. */
#include "tests/entry/hunt.h"

#include "tests/lib/list.h"
#include "tests/vmx/checks.h"
#include "tests/vmx/entry/hunt.h"
#include "tests/vmx/entry/outcome.h"
#include "tests/vmx/ground.h"

static void copy(uint64_t *to, const uint64_t *from)
{
	for (unsigned i = 0; i < MODEL_VALUES; i++)
		to[i] = from[i];
}

/* All but BASE_CONTROLS, and one with a VMCS link pointer. */
static unsigned make_bases(struct entry_seat *seat, uint64_t (*bases)[ENTRY_VALUES],
			   const char **names_of)
{
	static const char *const names[BASE_COUNT] = {
		[BASE_64] = "of 64-bit code",
		[BASE_COMPAT] = "of compatibility mode",
		[BASE_PAE] = "of protected mode with PAE paging",
		[BASE_32] = "of protected mode with 32-bit paging",
		[BASE_V86] = "of virtual-8086 mode",
		[BASE_FLAT] = "of protected mode without paging",
		[BASE_REAL] = "of real mode",
	};

	const struct entry_ground *ground = vmx_ground_of(seat);
	unsigned count = 0;

	for (unsigned base = BASE_64; base < BASE_COUNT; base++) {
		const char *missing;

		if (!vmx_entry_checks.make_base(seat, base, bases[count], &missing))
			continue;
		/* Whatever a case makes of the paging mode: there are PDPTEs at CR3. */
		bases[count][AT_GUEST_CR3] = entry_page(ground, PAGE_PDPT);
		vmx_fuzz_prepare(bases[count]);
		names_of[count++] = names[base];
	}
	copy(bases[count], bases[0]);
	names_of[count] = "of 64-bit code with a VMCS link pointer";
	bases[count++][AT_VMCS_LINK_POINTER] = entry_page(ground, PAGE_LINK);
	return count;
}

static const struct model_verdict *verdict_of(const struct fuzz_verdict *verdict)
{
	return (const struct model_verdict *)(const void *)verdict->word;
}

static bool allows(const struct fuzz_verdict *verdict, const struct entry_result *result)
{
	const struct probe_result got = vmx_probe_result(result);

	return outcome_is_allowed(verdict_of(verdict), &got);
}

static bool violates(const struct fuzz_verdict *verdict, unsigned rule)
{
	return model_violates(verdict_of(verdict), rule);
}

static const struct hunting hunting = {
	.checks = &vmx_entry_checks,
	.hunt = &vmx_fuzz_hunt,
	.make_bases = make_bases,
	.allows = allows,
	.violates = violates,
};

enum { SHORT = 4000, LONG = 200000 };

static void fuzz(struct test_run *run)
{
	hunt_entries(run, &hunting);
}

#define FULL(n)                                                                                    \
	{                                                                                          \
		"full.fuzz.entry." #n, SPEC_VM_ENTRIES, fuzz,                                      \
			.needs = BIT(CAP_VMX), .cases = LONG, .milliseconds = 600000,              \
			.argument = (n),                                                           \
			EXPLAINS("A long series of random VMCSs near the border of what is "       \
				 "valid, each number with its own cases.",                         \
				 MEANS_ENTRY)                                                      \
	}

/* Each long one has other cases. */
static const struct test rows[] = {
	{ "fuzz.entry", SPEC_VM_ENTRIES, fuzz, .needs = BIT(CAP_VMX), .cases = SHORT,
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
