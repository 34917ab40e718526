/* Where tests/run/rows.py finds the members of the tests' rows in the linked image. */
#include "suite/test.h"

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))
#define MEMBER(type, member) DEFINE(type##_##member, offsetof(struct type, member))

void asm_offsets(void);

void asm_offsets(void)
{
	DEFINE(test_size, sizeof(struct test));
	MEMBER(test, name);
	MEMBER(test, spec);
	MEMBER(test, needs);
	MEMBER(test, by_name);
	MEMBER(test, cpus);
	MEMBER(test, about);
	MEMBER(test, means);
	MEMBER(test_group, tests);
	MEMBER(test_group, count);
	DEFINE(citation_size, sizeof(struct citation));
	MEMBER(citation, intel);
	MEMBER(citation, amd);
	DEFINE(capabilities, CAP_COUNT);
}
