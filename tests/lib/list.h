/* The groups of tests, one for each file. */
#ifndef TESTS_LIB_LIST_H
#define TESTS_LIB_LIST_H

#include "suite/test.h"

#include "tests/lib/citations.h"

/* Groups that misbehave on purpose are only in the image of `make SABOTAGE=1`. */
#ifdef ASSAY_SABOTAGE
#define SABOTAGE_GROUPS(G) G(sabotage)
#else
#define SABOTAGE_GROUPS(G)
#endif

/* clang-format off */
#define TEST_GROUPS(G)                                                                             \
	G(machine) G(ids) G(vmx) G(instructions) G(entry) G(fuzz) G(exits) G(paging) G(behaviour) G(svm)   \
	G(vmrun) G(vmrun_fuzz) G(svm_init) SABOTAGE_GROUPS(G)                                      \
	G(start) G(vcpu) G(registers) G(fields) G(vm) G(kick) G(many) G(hardware) G(ipi)         \
	G(init) G(destination) G(apic) G(race) G(storm) G(hostile) G(machine_last)
/* clang-format on */

#define DECLARE_GROUP(name) extern const struct test_group name##_tests;
TEST_GROUPS(DECLARE_GROUP)
#undef DECLARE_GROUP

/* At the end of a file: its rows as its group. */
#define TEST_GROUP(name, rows) const struct test_group name##_tests = { rows, ARRAY_SIZE(rows) }

/* What a guest needs of the machine at least. */
#define NEEDS_GUEST                                                                                \
	(BIT(CAP_VIRTUALIZATION) | BIT(CAP_NESTED_PAGING) | BIT(CAP_UNRESTRICTED_GUEST) |          \
	 BIT(CAP_PREEMPTION))

#endif
