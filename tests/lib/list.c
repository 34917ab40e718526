#include "tests/lib/list.h"

const struct test_group *const test_groups[] = {
#define GROUP(name) &name##_tests,
	TEST_GROUPS(GROUP)
#undef GROUP
		NULL,
};
