/* What is left of a machine check, and whether a processor may go on. */
#include "x86/mca.h"

#include "x86/msr.h"

#include "tests/host/fake/host_test.h"

enum { BANKS = 3, RIPV = 1, EIPV = 2, MCIP = 4 };

#define VALID BIT(63)
#define UNCORRECTED BIT(61)
#define CORRUPT BIT(57)

static uint64_t mcg_status, banks[BANKS];

static uint64_t read_msr(uint32_t msr)
{
	switch (msr) {
	case IA32_MCG_CAP:
		return BANKS | 0x1000;
	case IA32_MCG_STATUS:
		return mcg_status;
	default:
		assert_in_range(msr, IA32_MC0_STATUS, IA32_MC0_STATUS + 4 * (BANKS - 1));
		assert_int_equal((msr - IA32_MC0_STATUS) % 4, 0);
		return banks[(msr - IA32_MC0_STATUS) / 4];
	}
}

static struct machine_check look(uint64_t status, uint64_t bank0, uint64_t bank1, uint64_t bank2)
{
	mcg_status = status;
	banks[0] = bank0;
	banks[1] = bank1;
	banks[2] = bank2;
	return machine_check_read(read_msr);
}

static void test_none(void **state)
{
	(void)state;
	assert_false(look(0, VALID | CORRUPT, 0, 0).seen); /* left from before, or INT 18 */
	assert_false(look(RIPV, 0, 0, 0).fatal);
}

static void test_goes_on(void **state)
{
	struct machine_check found = look(MCIP | RIPV, 0, VALID | 5, CORRUPT | UNCORRECTED);

	(void)state;
	assert_true(found.seen);
	assert_false(found.fatal); /* a bank that is not valid says nothing */
	assert_int_equal(found.bank, 1);
	assert_true(found.status == (VALID | 5));
	assert_int_equal(look(MCIP | RIPV, VALID, 0, VALID | UNCORRECTED).bank, 2);
	assert_int_equal(look(MCIP | RIPV, 0, 0, 0).bank, -1); /* another processor's */
	assert_false(look(MCIP | RIPV, 0, 0, 0).fatal);
}

static void test_ends(void **state)
{
	struct machine_check found = look(MCIP | RIPV, VALID | UNCORRECTED, VALID | CORRUPT, 0);

	(void)state;
	assert_true(found.fatal);
	assert_int_equal(found.bank, 1);
	found = look(MCIP | EIPV, VALID | UNCORRECTED, 0, 0);
	assert_true(found.fatal); /* there is nothing to return to */
	assert_int_equal(found.bank, 0);
	assert_true(found.mcg_status == (MCIP | EIPV));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests_name("machine checks", tests, NULL, NULL);
}
