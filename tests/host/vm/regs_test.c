/* The registers after power-up, INIT and SIPI, and the guest's writes to CR0 and CR4. */
#include "vm/regs.h"

#include "backend.h"
#include "tests/host/fake/fake_backend.h"
#include "tests/host/fake/host_test.h"

enum { SIGNATURE = 0x000906EA };

/* Every byte of the registers is something that no reset leaves behind. */
static struct regs used(void)
{
	struct regs regs;

	memset(&regs, 0xA5, sizeof(regs));
	regs.activity = ACTIVITY_HLT;
	return regs;
}

static void assert_segment(const struct segment_state *got, uint16_t selector, uint64_t base,
			   uint32_t rights)
{
	assert_int_equal(got->selector, selector);
	assert_int_equal(got->base, base);
	assert_int_equal(got->limit, 0xFFFF);
	assert_int_equal(got->rights, rights);
}

/* SDM vol. 3A, "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT". */
static void assert_after_init(const struct regs *regs)
{
	for (unsigned i = 0; i < GPRS; i++)
		assert_int_equal(regs->gpr[i], i == RDX ? SIGNATURE : 0);
	assert_int_equal(regs->rip, 0xFFF0);
	assert_int_equal(regs->rflags, 2);
	assert_int_equal(regs->cr0 & ~0x60000000ull, 0x10);
	assert_int_equal(regs->cr2, 0);
	assert_int_equal(regs->cr3, 0);
	assert_int_equal(regs->cr4, 0);
	assert_int_equal(regs->efer, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(regs->dr[i], 0);
	assert_int_equal(regs->dr6, 0xFFFF0FF0);
	assert_int_equal(regs->dr7, 0x400);
	/* Present, read/write, accessed; S = 1 for code and data. */
	assert_segment(&regs->segment[CS], 0xF000, 0xFFFF0000, 0x93);
	assert_segment(&regs->segment[SS], 0, 0, 0x93);
	assert_segment(&regs->segment[DS], 0, 0, 0x93);
	assert_segment(&regs->segment[ES], 0, 0, 0x93);
	assert_segment(&regs->segment[FS], 0, 0, 0x93);
	assert_segment(&regs->segment[GS], 0, 0, 0x93);
	assert_segment(&regs->segment[LDTR], 0, 0, 0x82);
	assert_segment(&regs->segment[TR], 0, 0, 0x8B);
	assert_int_equal(regs->gdtr.base, 0);
	assert_int_equal(regs->gdtr.limit, 0xFFFF);
	assert_int_equal(regs->idtr.base, 0);
	assert_int_equal(regs->idtr.limit, 0xFFFF);
	assert_int_equal(regs->activity, ACTIVITY_ACTIVE);
	assert_int_equal(regs->interruptibility, 0);
}

static void test_power_up(void **state)
{
	struct regs regs = used();

	(void)state;
	regs_power_up(&regs, SIGNATURE);
	assert_after_init(&regs);
	assert_int_equal(regs.cr0, 0x60000010);
	assert_int_equal(regs.xcr0, 1);
	assert_int_equal(regs.pat, 0x0007040600070406);
}

static void test_init(void **state)
{
	struct regs regs = used();

	(void)state;
	regs_init(&regs, SIGNATURE);
	assert_after_init(&regs);
	/* Unchanged by INIT. */
	assert_int_equal(regs.xcr0, 0xA5A5A5A5A5A5A5A5);
	assert_int_equal(regs.pat, 0xA5A5A5A5A5A5A5A5);
}

/* APM vol. 2, "Processor Initialization State". */
static void test_init_of_amd(void **state)
{
	struct regs regs = used();
	static struct backend amd; /* a failure returns from here */

	(void)state;
	amd = fake_backend;
	amd.cites_amd = true;
	backend = &amd;
	assert_true(regs_init_keeps_debug());
	regs_init(&regs, SIGNATURE);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(regs.dr[i], 0xA5A5A5A5A5A5A5A5);
	assert_int_equal(regs.dr6, 0xA5A5A5A5A5A5A5A5);
	assert_int_equal(regs.dr7, 0xA5A5A5A5A5A5A5A5);
	assert_segment(&regs.segment[CS], 0xF000, 0xFFFF0000, 0x9A);
	for (unsigned i = ES; i <= GS; i++)
		if (i != CS)
			assert_segment(&regs.segment[i], 0, 0, 0x92);
	assert_segment(&regs.segment[LDTR], 0, 0, 0x82);
	assert_segment(&regs.segment[TR], 0, 0, 0x83);
	/* Power-up resets them, the rest is as with Intel. */
	regs_power_up(&regs, SIGNATURE);
	regs.segment[CS].rights = 0x93;
	for (unsigned i = ES; i <= GS; i++)
		regs.segment[i].rights = 0x93;
	regs.segment[TR].rights = 0x8B;
	assert_after_init(&regs);
	backend = &fake_backend;
	assert_false(regs_init_keeps_debug());
}

static void test_init_keeps_cache_bits(void **state)
{
	static const uint64_t cache_bits[] = { 0, 0x40000000, 0x60000000 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cache_bits); i++) {
		struct regs regs = { .cr0 = cache_bits[i] | 0x8005003F };

		regs_init(&regs, SIGNATURE);
		assert_int_equal(regs.cr0, cache_bits[i] | 0x10);
	}
}

static void test_sipi(void **state)
{
	(void)state;
	for (unsigned vector = 0; vector < 256; vector++) {
		struct regs regs, before;

		regs_power_up(&regs, SIGNATURE);
		before = regs;
		regs_sipi(&regs, (uint8_t)vector);
		assert_int_equal(regs.segment[CS].selector, vector * 0x100);
		assert_int_equal(regs.segment[CS].base, vector * 0x1000);
		assert_int_equal(regs.rip, 0);
		/* All else is as INIT left it. */
		regs.segment[CS] = before.segment[CS];
		regs.rip = before.rip;
		assert_memory_equal(&regs, &before, sizeof(regs));
	}
}

enum { CODE_LONG = 0x209B, CODE_32 = 0x409B };

/* SDM vol. 2B, "MOV - Move to/from Control Registers". */
static const struct {
	const char *what;
	unsigned number;
	uint64_t value, cr0, cr4, efer;
	uint32_t cs;
	bool works;
	uint64_t then_cr0, then_cr4, then_efer;
} control_rows[] = {
	{ "PE", 0, 0x11, 0x10, 0, 0, 0x93, true, 0x11, 0, 0 },
	{ "ET cannot be cleared", 0, 0x1, 0x10, 0, 0, 0x93, true, 0x11, 0, 0 },
	{ "PE off", 0, 0x10, 0x11, 0, 0, CODE_32, true, 0x10, 0, 0 },
	{ "all defined bits", 0, 0xE005003F, 0x10, 0, 0, CODE_32, true, 0xE005003F, 0, 0 },
	{ "reserved bits stay clear", 0, 0x1FFAFFD1, 0x10, 0, 0, 0x93, true, 0x11, 0, 0 },
	{ "high bits", 0, 0x100000011, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
	{ "PG without PE", 0, 0x80000010, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
	{ "NW without CD", 0, 0x20000010, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
	{ "CD without NW", 0, 0x40000010, 0x10, 0, 0, 0x93, true, 0x40000010, 0, 0 },
	{ "CD and NW", 0, 0x60000010, 0x10, 0, 0, 0x93, true, 0x60000010, 0, 0 },
	{ "32-bit paging", 0, 0x80000011, 0x11, 0, 0, CODE_32, true, 0x80000011, 0, 0 },
	{ "IA-32e paging", 0, 0x80000011, 0x11, 0x20, 0x100, CODE_32, true, 0x80000011, 0x20,
	  0x500 },
	{ "IA-32e paging without PAE", 0, 0x80000011, 0x11, 0, 0x100, CODE_32, false, 0, 0, 0 },
	{ "IA-32e paging with CS.L", 0, 0x80000011, 0x11, 0x20, 0x100, CODE_LONG, false, 0, 0, 0 },
	{ "paging stays on", 0, 0x80010011, 0x80000011, 0x20, 0x500, CODE_LONG, true, 0x80010011,
	  0x20, 0x500 },
	{ "paging off", 0, 0x11, 0x80000011, 0, 0, CODE_32, true, 0x11, 0, 0 },
	{ "LMA falls with PG", 0, 0x11, 0x80000011, 0x20, 0x500, CODE_32, true, 0x11, 0x20, 0x100 },
	{ "PG off in 64-bit mode", 0, 0x11, 0x80000011, 0x20, 0x500, CODE_LONG, false, 0, 0, 0 },
	{ "PAE", 4, 0x20, 0x10, 0, 0, 0x93, true, 0x10, 0x20, 0 },
	{ "all allowed bits", 4, 0x1507FF, 0x10, 0, 0, 0x93, true, 0x10, 0x1507FF, 0 },
	{ "LA57", 4, 0x1000, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
	{ "VMXE", 4, 0x2000, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
	{ "PCIDE", 4, 0x20000, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
	{ "SMXE", 4, 0x4000, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
	{ "reserved bit 15", 4, 0x8000, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
	{ "reserved high bit", 4, 0x100000000, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
	{ "PAE off in IA-32e mode", 4, 0, 0x80000011, 0x20, 0x500, CODE_LONG, false, 0, 0, 0 },
	{ "PAE off", 4, 0, 0x11, 0x20, 0x100, CODE_32, true, 0x11, 0, 0x100 },
	{ "no such register", 3, 0, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
	{ "no such register", 1, 0, 0x10, 0, 0, 0x93, false, 0, 0, 0 },
};

static void test_control_registers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(control_rows); i++) {
		struct regs regs = { .cr0 = control_rows[i].cr0,
				     .cr4 = control_rows[i].cr4,
				     .efer = control_rows[i].efer,
				     .segment[CS].rights = control_rows[i].cs };
		struct regs wanted = regs;
		bool works = regs_set_control(&regs, control_rows[i].number, control_rows[i].value);

		if (control_rows[i].works) {
			wanted.cr0 = control_rows[i].then_cr0;
			wanted.cr4 = control_rows[i].then_cr4;
			wanted.efer = control_rows[i].then_efer;
		}
		if (works != control_rows[i].works || memcmp(&regs, &wanted, sizeof(regs)))
			fail_msg("%s: %s, CR0 %lx CR4 %lx EFER %lx", control_rows[i].what,
				 works ? "done" : "#GP", regs.cr0, regs.cr4, regs.efer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_up),    cmocka_unit_test(test_init),
		cmocka_unit_test(test_init_of_amd), cmocka_unit_test(test_init_keeps_cache_bits),
		cmocka_unit_test(test_sipi),	    cmocka_unit_test(test_control_registers),
	};

	backend = &fake_backend;
	return cmocka_run_group_tests_name("regs", tests, NULL, NULL);
}
