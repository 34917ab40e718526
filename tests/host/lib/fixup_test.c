/* The table of instructions that may fault, with the kernel's signals for the exceptions. */
#define _GNU_SOURCE
#include "tests/host/fake/host_test.h"

#include "x86/fixup.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>

/* As the image's handler of exceptions does. */
static void handler(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint64_t landing = fixup_landing((uint64_t)registers[REG_RIP]);

	(void)number;
	(void)info;
	if (!landing)
		abort();
	registers[REG_RIP] = (greg_t)landing;
	registers[REG_RAX] =
		(greg_t)((uint64_t)registers[REG_TRAPNO] | (uint64_t)registers[REG_ERR] << 32);
}

/* In each test: cmocka has set handlers of its own by then. */
static void take_signals(void)
{
	const struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	assert_int_equal(sigaction(SIGILL, &action, NULL), 0);
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
}

static void test_lands_with_the_vector(void **state)
{
	uint64_t fault = 0;

	(void)state;
	take_signals();
	__asm__ volatile("1: ud2\n2:\n\t" FIXUP("1b", "2b") : "+a"(fault));
	assert_int_equal(fault, 6);
	fault = 0;
	__asm__ volatile("1: movb (%1), %b0\n2:\n\t" FIXUP("1b", "2b")
			 : "+a"(fault)
			 : "r"(0x8000000000000000ull));
	assert_int_equal(fault, 13);
}

static void test_error_code(void **state)
{
	uint64_t fault = 0;

	(void)state;
	take_signals();
	/* In ring 3 this is #GP with the vector's gate as its error code. */
	__asm__ volatile("1: int $8\n2:\n\t" FIXUP("1b", "2b") : "+a"(fault));
	assert_int_equal(fault, 13 | (8ull * 8 + 2) << 32);
}

static void test_goto(void **state)
{
	(void)state;
	take_signals();
	__asm__ goto("1: ud2\n\t" FIXUP("1b", "%l[landed]") : : : "rax" : landed);
	fail();
landed:;
}

static void test_msrs(void **state)
{
	uint64_t value = 5;

	(void)state;
	take_signals();
	assert_int_equal(rdmsr_try(IA32_PAT, &value), STATUS_FAULT);
	assert_int_equal(value, 5);
	assert_int_equal(wrmsr_try(IA32_PAT, 0x100000000), STATUS_FAULT);
}

static void test_elsewhere(void **state)
{
	(void)state;
	assert_int_equal(fixup_landing(0), 0);
	assert_int_equal(fixup_landing((uint64_t)(uintptr_t)test_elsewhere), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lands_with_the_vector),
		cmocka_unit_test(test_error_code),
		cmocka_unit_test(test_goto),
		cmocka_unit_test(test_msrs),
		cmocka_unit_test(test_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
