/* The MSRs and CPUID leaves of a virtual CPU. */
#include "vlapic/registers.h"
#include "vm/cpuid.h"
#include "vm/msr.h"
#include "vm/run.h"

#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"

enum { VCPUS = 3 };

static struct vm *vm;
static struct vcpu *vcpu; /* APIC id 21H */

static int set_up(void **state)
{
	static const uint32_t ids[VCPUS] = { 0x21, 0x22, 0x123 };

	(void)state;
	fake_machine(1, false);
	vm = fake_vm_with_ids(VCPUS, ids);
	vcpu = fake_run_from_start(vm, 0, NULL, NULL);
	assert_true(fake_step(0)); /* loads it */
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_vm_end(vm);
	return 0;
}

static uint64_t read(uint32_t msr)
{
	uint64_t value = 0xBAD;

	assert_true(vcpu_msr_read(vcpu, msr, &value));
	return value;
}

/* All MSRs of both ranges: those that exist, and #GP(0) for all others. */
static void test_which_exist(void **state)
{
	static const uint32_t readable[] = {
		0x10, 0x1B, 0x8B, 0xFE, 0x1A0, 0x277, 0x6E0, 0xC0000080
	};
	static const uint32_t writable[] = { 0x1B, 0x277, 0x6E0, 0xC0000080 };
	unsigned reads = 0, writes = 0;

	(void)state;
	for (uint32_t i = 0; i < 0x4000; i++) {
		uint32_t msr = i < 0x2000 ? i : 0xC0000000 + (i - 0x2000);
		uint64_t value = 0xBAD;

		/* A value that each of them takes. */
		uint64_t good = msr == 0x1B ? 0xFEE00900 : 0;

		if (vcpu_msr_read(vcpu, msr, &value))
			assert_int_equal(msr, readable[reads++]);
		else
			assert_int_equal(value, 0xBAD);
		if (vcpu_msr_write(vcpu, msr, good))
			assert_int_equal(msr, writable[writes++]);
	}
	assert_int_equal(reads, ARRAY_SIZE(readable));
	assert_int_equal(writes, ARRAY_SIZE(writable));
}

static void test_constants(void **state)
{
	uint64_t before = read(0x10);

	(void)state;
	assert_int_equal(read(0x8B), 0);
	assert_int_equal(read(0xFE), 0);
	assert_int_equal(read(0x1A0), 1);
	assert_true(read(0x10) > before);
	assert_true(read(0x10) <= fake.now);
}

static void test_apic_base(void **state)
{
	(void)state;
	vcpu->cpuid.known = true;
	assert_int_equal(read(0x1B), 0xFEE00900);
	assert_true(vcpu_msr_write(vcpu, 0x1B, 0xFEE00900));
	assert_int_equal(fake_of(vcpu)->mode_changes, 1); /* the one of the first entry */
	assert_false(vcpu->cpuid.known);
	assert_false(vcpu_msr_write(vcpu, 0x1B, 0xFEE00901));
	assert_int_equal(fake_of(vcpu)->mode_changes, 1);
	assert_true(vcpu_msr_write(vcpu, 0x1B, 0xFEE00D00));
	assert_int_equal(fake_of(vcpu)->mode_changes, 2);
	assert_int_equal(read(0x1B), 0xFEE00D00);
	assert_int_equal(read(0x802), 0x21);
	assert_true(vcpu_msr_write(vcpu, 0x1B, 0xFEE00000));
	assert_int_equal(fake_of(vcpu)->mode_changes, 3);
}

/* SDM vol. 3A, "Programming the PAT": types 0, 1, 4, 5, 6 and 7 in each of eight bytes. */
static void test_pat(void **state)
{
	(void)state;
	assert_int_equal(read(0x277), 0x0007040600070406);
	for (unsigned byte = 0; byte < 8; byte++)
		for (unsigned type = 0; type < 256; type++) {
			bool ok = type < 8 && type != 2 && type != 3;
			uint64_t value = (uint64_t)type << byte * 8;

			fake_of(vcpu)->regs.pat = 0x0606060606060606;
			vcpu->regs_changed = false;
			assert_int_equal(vcpu_msr_write(vcpu, 0x277, value), ok);
			assert_int_equal(vcpu->regs_changed, ok);
			if (ok)
				assert_int_equal(vcpu->regs.pat, value);
			assert_int_equal(read(0x277), 0x0606060606060606); /* until it is loaded */
		}
}

static void test_efer(void **state)
{
	struct regs *processor = &fake_of(vcpu)->regs;

	(void)state;
	for (unsigned n = 0; n < 64; n++) {
		bool ok = n == 0 || n == 8 || n == 10 || n == 11;

		processor->efer = 0;
		vcpu->regs_changed = false;
		assert_int_equal(vcpu_msr_write(vcpu, 0xC0000080, BIT(n)), ok);
		assert_int_equal(vcpu->regs_changed, ok);
		if (ok)
			assert_int_equal(vcpu->regs.efer,
					 n == 10 ? 0 : BIT(n)); /* LMA: read-only */
	}
	processor->efer = 0x500;
	processor->cr0 = 0x80000011;
	assert_int_equal(read(0xC0000080), 0x500);
	assert_false(vcpu_msr_write(vcpu, 0xC0000080, 0)); /* LME with paging on */
	assert_true(vcpu_msr_write(vcpu, 0xC0000080, 0x901));
	assert_int_equal(vcpu->regs.efer, 0xD01);
	processor->cr0 = 0x11;
	processor->efer = 0x100;
	assert_true(vcpu_msr_write(vcpu, 0xC0000080, 0));
	assert_int_equal(vcpu->regs.efer, 0);
}

static void test_tsc_deadline(void **state)
{
	(void)state;
	fake_enable_apics(vm);
	assert_true(vcpu_msr_write(vcpu, 0x6E0, 0x7FFFFFFFFFFF));
	assert_int_equal(read(0x6E0), 0); /* not in that mode */
	apic_mmio_write(&vcpu->apic, APIC_LVT_TIMER, 0x40040, fake.now);
	assert_true(vcpu_msr_write(vcpu, 0x6E0, 0x7FFFFFFFFFFF));
	assert_int_equal(read(0x6E0), 0x7FFFFFFFFFFF);
	assert_int_equal(vcpu->apic.due, 0x7FFFFFFFFFFF);
	/* One that has passed is not lost when the next one is set. */
	assert_true(vcpu_msr_write(vcpu, 0x6E0, 1));
	vcpu->event_pending = false;
	assert_true(vcpu_msr_write(vcpu, 0x6E0, 0x7FFFFFFFFFFF));
	assert_true(vcpu->event_pending);
	assert_int_equal(apic_highest_request(&vcpu->apic), 0x40);
}

/* EAX, EBX, ECX, EDX of a leaf. */
static const uint32_t *cpuid(uint32_t leaf, uint32_t subleaf)
{
	static uint32_t out[4];
	uint64_t *gpr = vcpu->regs.gpr;

	gpr[RAX] = BIT(32) | leaf;
	gpr[RCX] = BIT(32) | subleaf;
	gpr[RBX] = gpr[RDX] = UINT64_MAX;
	vcpu_cpuid(vcpu);
	assert_int_equal((gpr[RAX] | gpr[RBX] | gpr[RCX] | gpr[RDX]) >> 32, 0);
	out[0] = (uint32_t)gpr[RAX];
	out[1] = (uint32_t)gpr[RBX];
	out[2] = (uint32_t)gpr[RCX];
	out[3] = (uint32_t)gpr[RDX];
	return out;
}

static void test_leaf_1(void **state)
{
	const uint32_t *out;

	(void)state;
	fake_vendor.cpuid_1[1] = 0xAABBCCDD;
	out = cpuid(1, 0);
	assert_int_equal(out[0], FAKE_SIGNATURE);
	assert_int_equal(out[1], 0x2103CCDD); /* APIC id, logical processors, the rest as it is */
	assert_int_equal(out[2], ~(uint32_t)(1 << 3 | 1 << 5 | 1 << 6 | 1 << 27));
	assert_int_equal(out[3], ~(uint32_t)(1 << 7 | 1 << 12 | 1 << 14));
	fake_vendor.cpuid_1[2] = fake_vendor.cpuid_1[3] = 0;
	vcpu->cpuid.known = false;
	out = cpuid(1, 0);
	assert_int_equal(out[2], 1u << 21 | 1u << 24 | 1u << 31); /* x2APIC, deadline, guest */
	assert_int_equal(out[3], 0);
}

/* Flags that follow the guest's own state. */
static void test_leaf_1_flags(void **state)
{
	(void)state;
	vcpu->regs.cr4 = 1 << 18;
	assert_true(cpuid(1, 0)[2] & 1 << 27);
	assert_true(cpuid(1, 0)[3] & 1 << 9);
	assert_true(vcpu_msr_write(vcpu, 0x1B, 0xFEE00100));
	assert_false(cpuid(1, 0)[3] & 1 << 9);
}

/* SDM vol. 2A, "CPUID": leaf 0BH, and 1FH likewise; threads, cores, then nothing. */
static void test_topology(void **state)
{
	static const uint32_t leaves[] = { 0xB, 0x1F };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++)
		for (uint32_t subleaf = 0; subleaf < 5; subleaf++) {
			const uint32_t *out = cpuid(leaves[i], subleaf);

			assert_int_equal(out[0], subleaf == 1 ? 16 : 0);
			assert_int_equal(out[1], subleaf == 0 ? 1 : subleaf == 1 ? VCPUS : 0);
			assert_int_equal(out[2], subleaf == 0	? 0x100
						 : subleaf == 1 ? 0x201
								: subleaf);
			assert_int_equal(out[3], 0x21);
		}
	vcpu = vm_vcpu(vm, 2);
	assert_int_equal(cpuid(0xB, 0)[3], 0x123);
}

static void test_other_leaves(void **state)
{
	const uint32_t *out = cpuid(0x40000000, 0);

	(void)state;
	assert_int_equal(out[0], 0x40000000);
	assert_memory_equal(&out[1], "AssayAssayAs", 12);
	out = cpuid(7, 2);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(out[i], 7 + 2 * 16 + i);
}

/* INIT changes what CPUID says: CR4.OSXSAVE is 0 again. */
static void test_answer_after_init(void **state)
{
	(void)state;
	vcpu->regs.cr4 = 1 << 18;
	assert_true(cpuid(1, 0)[2] & 1 << 27);
	vcpu_apply(vcpu, ON_INIT_BSP, 0);
	assert_false(cpuid(1, 0)[2] & 1 << 27);
}

/* A test that looks at every exit sees those, too. */
static bool look(struct vcpu *at, const struct vm_exit *exit, void *argument)
{
	(void)at;
	(void)exit;
	(void)argument;
	return false;
}

static void test_no_quick_answers_for_those_who_look(void **state)
{
	(void)state;
	cpuid(7, 0);
	vm->on_exit = look;
	vcpu->cpuid.known = false;
	cpuid(7, 0);
	assert_false(vcpu->cpuid.known);
	vm->on_exit = NULL;
	cpuid(7, 0);
	assert_true(vcpu->cpuid.known);
}

/* The answer that is kept is the right one for its question only. */
static void test_repeated_questions(void **state)
{
	(void)state;
	assert_int_equal(cpuid(7, 0)[0], 7);
	assert_int_equal(cpuid(7, 1)[0], 23);
	assert_int_equal(cpuid(8, 1)[0], 24);
	assert_int_equal(cpuid(8, 1)[0], 24);
	assert_int_equal(cpuid(7, 0)[0], 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_which_exist),
		TEST(test_constants),
		TEST(test_apic_base),
		TEST(test_pat),
		TEST(test_efer),
		TEST(test_tsc_deadline),
		TEST(test_leaf_1),
		TEST(test_leaf_1_flags),
		TEST(test_topology),
		TEST(test_other_leaves),
		TEST(test_repeated_questions),
		TEST(test_answer_after_init),
		TEST(test_no_quick_answers_for_those_who_look),
	};

	return cmocka_run_group_tests_name("MSRs and CPUID", tests, NULL, NULL);
}
