/* Processors that differ: what all of them have is used. */
#include "tests/host/fake/fake_platform.h"
#include "tests/host/fake/host_test.h"
#include "vmx/vmx.h"
#include "x86/msr.h"

#define CONTROLS(may, must) ((uint64_t)(may) << 32 | (must))
#define TIMER CONTROL_MASK(PIN_PREEMPTION_TIMER)

/* A core, as the capability MSRs of a large and a small one may be. */
static struct vmx_caps core(void)
{
	return (struct vmx_caps){
		.basic = 0x00DA040000000004,
		.misc = 0x7004C1E5,
		.cr0_fixed0 = 0x80000021,
		.cr0_fixed1 = 0xFFFFFFFF,
		.cr4_fixed0 = 0x2000,
		.cr4_fixed1 = 0x3F77FF,
		.ept_vpid = 0xF0106F34141,
		.controls = { [GROUP_PIN] = CONTROLS(0xFF, 0x16),
			      [GROUP_PRIMARY] = CONTROLS(0xFFFBFFFE, 0x4006172),
			      [GROUP_SECONDARY] = CONTROLS(0x553CFE, 0),
			      [GROUP_TERTIARY] = 0x1F,
			      [GROUP_EXIT] = CONTROLS(0xFFFFFF, 0x36DFB),
			      [GROUP_ENTRY] = CONTROLS(0x3FFFF, 0x11FB) },
		.xcr0 = 7,
	};
}

static void test_equal(void **state)
{
	struct vmx_caps all = core(), here = core();

	(void)state;
	assert_true(vmx_caps_intersect(&all, &here));
	assert_memory_equal(&all, &here, sizeof(all));
}

static void test_differences(void **state)
{
	struct vmx_caps all = core(), here = core();

	(void)state;
	here.controls[GROUP_SECONDARY] = CONTROLS(0x153CFE & ~2u, 4);
	here.controls[GROUP_TERTIARY] = 0xF0;
	here.ept_vpid &= ~EPT_CAP_2_MIB;
	here.cr0_fixed0 = 0x80000031;
	here.cr4_fixed1 = 0x1F77FF;
	here.misc = 0x70030165; /* three targets, no shutdown state */
	here.xcr0 = 3;
	assert_true(vmx_caps_intersect(&all, &here));
	assert_true(all.controls[GROUP_SECONDARY] == CONTROLS(0x153CFC, 4));
	assert_true(all.controls[GROUP_TERTIARY] == 0x10);
	assert_true(all.controls[GROUP_PIN] == core().controls[GROUP_PIN]);
	assert_false(all.ept_vpid & EPT_CAP_2_MIB);
	assert_true(all.cr0_fixed0 == 0x80000031);
	assert_true(all.cr4_fixed1 == 0x1F77FF);
	assert_true(all.misc == 0x70030165);
	assert_int_equal(all.xcr0, 3);
	/* The other way round it is the same. */
	struct vmx_caps other = here, big = core();

	assert_true(vmx_caps_intersect(&other, &big));
	assert_memory_equal(&all, &other, sizeof(all));
}

/* At another rate the timer's value would be another time: it is not used. */
static void test_timer_rate(void **state)
{
	struct vmx_caps all = core(), here = core();

	(void)state;
	here.misc ^= 2;
	assert_true(vmx_caps_intersect(&all, &here));
	assert_false(all.controls[GROUP_PIN] >> 32 & TIMER);
	assert_true(all.controls[GROUP_PIN] >> 32 & CONTROL_MASK(PIN_NMI));
}

static void test_impossible(void **state)
{
	struct vmx_caps all = core(), here = core();

	(void)state;
	here.basic ^= 1; /* another revision of the VMCS */
	assert_false(vmx_caps_intersect(&all, &here));
	all = here = core();
	here.basic ^= 1ull << 50; /* another memory type */
	assert_false(vmx_caps_intersect(&all, &here));
	all = here = core();
	here.basic ^= BIT(54);
	assert_true(vmx_caps_intersect(&all, &here));
	assert_false(all.basic & BIT(54));
	all = here = core();
	all.controls[GROUP_EXIT] = CONTROLS(0xFFFFFF & ~(1u << 20), 0);
	here.controls[GROUP_EXIT] = CONTROLS(0xFFFFFF, 1u << 20);
	assert_false(vmx_caps_intersect(&all, &here)); /* 1 here, 0 there */
	all = here = core();
	here.basic |= VMX_BASIC_32_BIT_ADDRESSES;
	assert_true(vmx_caps_intersect(&all, &here));
	assert_true(all.basic & VMX_BASIC_32_BIT_ADDRESSES);
}

/* Each of the controls is needed; the last two for posted interrupts only. */
static void test_interrupts(void **state)
{
	static const struct {
		enum control_group group;
		uint32_t control;
	} needs[] = {
		{ GROUP_PIN, CONTROL_MASK(PIN_EXTERNAL_INTERRUPT) },
		{ GROUP_PRIMARY, CONTROL_MASK(PRIMARY_TPR_SHADOW) },
		{ GROUP_PRIMARY, CONTROL_MASK(PRIMARY_MSR_BITMAPS) },
		{ GROUP_SECONDARY, CONTROL_MASK(SECONDARY_APIC_ACCESSES) },
		{ GROUP_SECONDARY, CONTROL_MASK(SECONDARY_X2APIC) },
		{ GROUP_SECONDARY, CONTROL_MASK(SECONDARY_APIC_REGISTERS) },
		{ GROUP_SECONDARY, CONTROL_MASK(SECONDARY_INTERRUPT_DELIVERY) },
		{ GROUP_PIN, CONTROL_MASK(PIN_POSTED_INTERRUPTS) },
		{ GROUP_EXIT, CONTROL_MASK(EXIT_ACKNOWLEDGE) },
	};
	const unsigned posted = ARRAY_SIZE(needs) - 2;

	(void)state;
	fake_machine(1, false);
	for (unsigned i = 0; i <= ARRAY_SIZE(needs); i++) {
		for (unsigned group = 0; group < GROUP_COUNT; group++)
			vmx_caps.controls[group] = CONTROLS(~0u, 0);
		if (i < ARRAY_SIZE(needs))
			vmx_caps.controls[needs[i].group] = CONTROLS(~needs[i].control, 0);
		assert_int_equal(vmx_delivers_interrupts(), i >= posted);
		assert_int_equal(vmx_posts_interrupts(), i == ARRAY_SIZE(needs));
	}
	/* Not where the local APIC's timer ends guests' time. */
	fake_platform.apic_timer = true;
	assert_false(vmx_delivers_interrupts() || vmx_posts_interrupts());
	fake_platform.apic_timer = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),	   cmocka_unit_test(test_differences),
		cmocka_unit_test(test_timer_rate), cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_interrupts),
	};

	return cmocka_run_group_tests_name("capabilities of several processors", tests, NULL, NULL);
}
