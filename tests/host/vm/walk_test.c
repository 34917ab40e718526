/* Walks of a guest's page tables: SDM vol. 3A, "Paging". */
#include "vm/walk.h"

#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"

enum { PRESENT = 1, LARGE = 0x80, PAE = 0x20, PSE = 0x10, LMA = 0x500 };

#define PAGING 0x80000011ull
#define NX BIT(63)

static struct vm *vm;

static int set_up(void **state)
{
	(void)state;
	fake_machine(1, false);
	vm = fake_vm(1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

static void put32(uint64_t gpa, uint32_t value)
{
	memcpy(vm_memory(vm, gpa, 4), &value, 4);
}

static void put64(uint64_t gpa, uint64_t value)
{
	memcpy(vm_memory(vm, gpa, 8), &value, 8);
}

static void assert_maps(const struct regs *regs, uint64_t linear, uint64_t wanted)
{
	uint64_t gpa = 0xBAD;

	if (!walk_linear(vm, regs, linear, &gpa) || gpa != wanted)
		fail_msg("%lx maps to %lx, not %lx", linear, gpa, wanted);
}

static void assert_unmapped(const struct regs *regs, uint64_t linear)
{
	uint64_t gpa = 0xBAD;

	assert_false(walk_linear(vm, regs, linear, &gpa));
	assert_int_equal(gpa, 0xBAD);
}

static void test_no_paging(void **state)
{
	struct regs regs = { .cr0 = 0x11, .cr3 = 0x1000, .cr4 = PAE };

	(void)state;
	assert_maps(&regs, 0, 0);
	assert_maps(&regs, 0xFFFFFFF0, 0xFFFFFFF0);
	assert_maps(&regs, 0x100000010, 0x10); /* linear addresses have 32 bits there */
}

static void test_32_bit(void **state)
{
	struct regs regs = { .cr0 = PAGING, .cr3 = 0x1018 };

	(void)state;
	put32(0x1000 + 4 * 0x123, 0x2000 | PRESENT);
	put32(0x2000 + 4 * 0x3FF, 0xABCDE000 | PRESENT);
	put32(0x2000 + 4 * 0x3FE, 0xABCDE000); /* not present */
	put32(0x1000 + 4 * 0x124, 0x2000);
	put32(0x1000 + 4 * 0x125, 0xFF400000 | LARGE | PRESENT);
	put32(0x1000 + 4 * 0x126, 0x80000000 | PRESENT); /* a table outside of guest memory */
	assert_maps(&regs, 0x123u << 22 | 0x3FF000 | 0xFED, 0xABCDEFED);
	assert_unmapped(&regs, 0x123u << 22 | 0x3FE000);
	assert_unmapped(&regs, 0x124u << 22 | 0x3FF000);
	assert_unmapped(&regs, 0x126u << 22);
	/* Without CR4.PSE bit 7 means nothing: the entry names a table. */
	assert_unmapped(&regs, 0x125u << 22 | 0x123456);
	regs.cr4 = PSE;
	assert_maps(&regs, 0x125u << 22 | 0x123456, 0xFF523456);
	assert_maps(&regs, 0x100000000 | 0x125u << 22 | 0x123456, 0xFF523456);
	assert_maps(&regs, 0x123u << 22 | 0x3FF000 | 0xFED, 0xABCDEFED);
	/* Bit 7 of a page-table entry is PAT. */
	put32(0x2000 + 4 * 0x3FF, 0xABCDE000 | LARGE | PRESENT);
	assert_maps(&regs, 0x123u << 22 | 0x3FF000 | 0xFED, 0xABCDEFED);
	regs.cr3 = 0x80000000;
	assert_unmapped(&regs, 0x123u << 22 | 0x3FF000);
}

static void test_pae(void **state)
{
	struct regs regs = { .cr0 = PAGING, .cr3 = 0x1020, .cr4 = PAE };

	(void)state;
	put64(0x1020 + 8 * 2, 0x3000 | PRESENT); /* CR3 has 5 low bits here */
	put64(0x1020 + 8 * 3, 0x3000);
	put64(0x3000 + 8 * 0x1FF, 0x4000 | PRESENT);
	put64(0x3000 + 8 * 0x1FE, NX | 0xF234600000 | LARGE | PRESENT);
	put64(0x4000 + 8 * 0x101, NX | 0xF234567000 | PRESENT);
	assert_maps(&regs, 0x80000000 | 0x1FFu << 21 | 0x101000 | 0x89A, 0xF23456789A);
	assert_maps(&regs, 0x80000000 | 0x1FEu << 21 | 0x1FFFFF, 0xF2347FFFFF);
	assert_unmapped(&regs, 0xC0000000 | 0x1FFu << 21 | 0x101000);
	assert_unmapped(&regs, 0x80000000 | 0x1FDu << 21);
	assert_unmapped(&regs, 0x80000000 | 0x1FFu << 21 | 0x102000);
	/* Beyond 4 GiB it wraps. */
	assert_maps(&regs, 0x180000000 | 0x1FEu << 21 | 0x1FFFFF, 0xF2347FFFFF);
}

static void test_4_level(void **state)
{
	struct regs regs = { .cr0 = PAGING, .cr3 = 0x1018, .cr4 = PAE, .efer = LMA };
	const uint64_t top = 0x1FFull << 39, high = 0xFFFFull << 48 | top;

	(void)state;
	put64(0x1000 + 8 * 0x1FF, NX | 0x2000 | PRESENT);
	put64(0x1000 + 8 * 0x1FE, 0xC0000000 | LARGE | PRESENT); /* no 512-GiB pages: a table */
	put64(0x2000 + 8 * 1, 0x3000 | PRESENT);
	put64(0x2000 + 8 * 2, 0xFFFC0000000 | LARGE | PRESENT);
	put64(0x3000 + 8 * 3, 0x4000 | PRESENT);
	put64(0x3000 + 8 * 4, 0x5FFE00000 | LARGE | PRESENT);
	put64(0x4000 + 8 * 5, NX | 0x123456789000 | PRESENT | LARGE);
	assert_maps(&regs, high | 1ull << 30 | 3u << 21 | 5u << 12 | 0xABC, 0x123456789ABC);
	assert_maps(&regs, high | 1ull << 30 | 4u << 21 | 0x1ABCDE, 0x5FFFABCDE);
	assert_maps(&regs, high | 2ull << 30 | 0x3FFFFFFF, 0xFFFFFFFFFFF);
	assert_unmapped(&regs, 0x1FEull << 39);
	assert_unmapped(&regs, high | 3ull << 30);
	assert_unmapped(&regs, high | 1ull << 30 | 5u << 21);
	assert_unmapped(&regs, high | 1ull << 30 | 3u << 21 | 6u << 12);
	assert_unmapped(&regs, 0);
	assert_maps(&regs, top | 1ull << 30 | 3u << 21 | 5u << 12 | 0xABC, 0x123456789ABC);
}

/* Bytes across a page, up to one that is not mapped or not there. */
static void test_read(void **state)
{
	struct regs regs = { .cr0 = PAGING, .cr3 = 0x1000 };
	uint8_t bytes[16];

	(void)state;
	put32(0x1000, 0x2000 | PRESENT);
	put32(0x2000, 0x5000 | PRESENT);
	put32(0x2004, 0x4000 | PRESENT);
	put32(0x200C, 0x7FFFF000 | PRESENT); /* no memory of the guest's */
	memset(vm_memory(vm, 0x5FF8, 8), 0x11, 8);
	memset(vm_memory(vm, 0x4000, 8), 0x22, 8);
	memset(vm_memory(vm, 0x4FF8, 8), 0x33, 8);
	assert_int_equal(walk_read(vm, &regs, 0xFF8, bytes, 16), 16);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(bytes[i], i < 8 ? 0x11 : 0x22);
	memset(bytes, 0xEE, sizeof(bytes));
	assert_int_equal(walk_read(vm, &regs, 0x1FF8, bytes, 16), 8);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(bytes[i], i < 8 ? 0x33 : 0xEE);
	assert_int_equal(walk_read(vm, &regs, 0x2000, bytes, 16), 0);
	assert_int_equal(walk_read(vm, &regs, 0x3000, bytes, 16), 0);
	assert_int_equal(walk_read(vm, &regs, 0xFF8, bytes, 0), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_no_paging), TEST(test_32_bit), TEST(test_pae),
		TEST(test_4_level),   TEST(test_read),
	};

	return cmocka_run_group_tests_name("page walks", tests, NULL, NULL);
}
