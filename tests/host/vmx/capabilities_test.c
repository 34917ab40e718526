/* The implications between the capability MSRs: each holds for a real processor and can be wrong.
 */
#include "tests/host/fake/host_test.h"
#include "tests/vmx/capabilities.h"
#include "x86/msr.h"

#include <string.h>

enum { ROWS_MAX = 120 };

/* Of one run over the table, or of many. */
struct seen {
	unsigned count, wrong;
	struct {
		const char *text;
		bool wrong;
	} rows[ROWS_MAX];
};

static void tell(void *context, const char *text, uint64_t wanted, uint64_t got)
{
	struct seen *seen = context;
	unsigned i = 0;

	while (i < seen->count && strcmp(seen->rows[i].text, text) != 0)
		i++;
	assert_true(i < ROWS_MAX);
	if (i == seen->count)
		seen->rows[seen->count++].text = text;
	seen->rows[i].wrong |= wanted != got;
	seen->wrong += wanted != got;
}

/* One that has everything that the table speaks of; of EPT, one memory type and one page-walk
 * length. */
static const struct {
	uint32_t msr;
	uint64_t value;
} values[] = {
	{ IA32_VMX_BASIC, 0x00DA040000000004 },
	{ IA32_VMX_PINBASED_CTLS, 0x000000FF00000016 },
	{ IA32_VMX_PROCBASED_CTLS, 0xFFFBFFFE0401E172 },
	{ IA32_VMX_EXIT_CTLS, 0xFFFFFFFF00036DFF },
	{ IA32_VMX_ENTRY_CTLS, 0x03FFFFFF000011FF },
	{ IA32_VMX_MISC, 0x000000007004C1E7 },
	{ IA32_VMX_CR0_FIXED0, 0x80000021 },
	{ IA32_VMX_CR0_FIXED1, 0xFFFFFFFF },
	{ IA32_VMX_CR4_FIXED0, 0x2000 },
	{ IA32_VMX_CR4_FIXED1, 0x3F77FF },
	{ IA32_VMX_VMCS_ENUM, 0x44 },
	{ IA32_VMX_PROCBASED_CTLS2, 0xFFFFFFFF00000000 },
	{ IA32_VMX_EPT_VPID_CAP, 0x00000F0106F34041 },
	{ IA32_VMX_TRUE_PINBASED_CTLS, 0x000000FF00000016 },
	{ IA32_VMX_TRUE_PROCBASED_CTLS, 0xFFFBFFFE04006172 },
	{ IA32_VMX_TRUE_EXIT_CTLS, 0xFFFFFFFF00036DFB },
	{ IA32_VMX_TRUE_ENTRY_CTLS, 0x03FFFFFF000011FB },
	{ IA32_VMX_VMFUNC, 1 },
	{ IA32_VMX_PROCBASED_CTLS3, 0x1F },
	{ IA32_VMX_EXIT_CTLS2, 0xF },
};

static struct capabilities good(void)
{
	struct capabilities c = { .cr0 = 0x80010033, .cr4 = 0x42668, .feature_control = 5 };

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		c.msr[values[i].msr - CAPABILITY_FIRST] = values[i].value;
	return c;
}

static void test_holds(void **state)
{
	struct capabilities c = good();
	struct seen seen = { 0 };

	(void)state;
	capabilities_compare(&c, tell, &seen);
	for (unsigned i = 0; i < seen.count; i++)
		if (seen.rows[i].wrong)
			fail_msg("%s", seen.rows[i].text);
	assert_true(seen.count >= 70);
}

/* One bit of one register flipped, of two: some such change breaks each row. */
static void test_each_can_be_wrong(void **state)
{
	static struct seen seen;
	uint64_t random = 11;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		struct capabilities c = good();
		uint64_t *words = (uint64_t *)&c;

		for (unsigned n = 0; n < 1 + i % 2; n++)
			words[random_below(&random, sizeof(c) / 8)] ^=
				BIT(random_below(&random, 64));
		capabilities_compare(&c, tell, &seen);
	}
	for (unsigned i = 0; i < seen.count; i++)
		if (!seen.rows[i].wrong)
			fail_msg("%s", seen.rows[i].text);
}

/* The processor without secondary controls has no more to say. */
static void test_nothing_without_controls(void **state)
{
	struct capabilities c = good();
	struct seen all = { 0 }, few = { 0 };

	(void)state;
	capabilities_compare(&c, tell, &all);
	c.msr[IA32_VMX_PROCBASED_CTLS2 - CAPABILITY_FIRST] = 0;
	c.msr[IA32_VMX_PROCBASED_CTLS3 - CAPABILITY_FIRST] = 0;
	c.msr[IA32_VMX_EPT_VPID_CAP - CAPABILITY_FIRST] = 0;
	c.msr[IA32_VMX_VMFUNC - CAPABILITY_FIRST] = 0;
	c.msr[IA32_VMX_PINBASED_CTLS - CAPABILITY_FIRST] &= ~BIT(32 + 7);
	c.msr[IA32_VMX_TRUE_PINBASED_CTLS - CAPABILITY_FIRST] &= ~BIT(32 + 7);
	capabilities_compare(&c, tell, &few);
	assert_int_equal(few.wrong, 0);
	assert_true(few.count + 15 < all.count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_each_can_be_wrong),
		cmocka_unit_test(test_nothing_without_controls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
