/* The tables of the VMX backend, recomputed from the layouts that the SDM gives. */
#include "vmx/vmcs.h"

#include "tests/host/fake/host_test.h"

/* SDM vol. 3C, "VMREAD, VMWRITE, and Encodings of VMCS Fields": the structure of an encoding. */
struct encoding {
	unsigned access, index, type, reserved_12, width, reserved_high;
};

static struct encoding split(uint32_t encoding)
{
	struct encoding parts;

	parts.access = encoding % 2; /* bit 0: 1 is the high half of a 64-bit field */
	parts.index = encoding / 2 % 0x200;
	parts.type = encoding / 0x400 % 4;
	parts.reserved_12 = encoding / 0x1000 % 2;
	parts.width = encoding / 0x2000 % 4;
	parts.reserved_high = encoding / 0x8000;
	return parts;
}

static void test_encodings(void **state)
{
	static const enum vmcs_width widths[] = { VMCS_16, VMCS_64, VMCS_32, VMCS_NATURAL };
	static const enum vmcs_type types[] = { VMCS_CONTROL, VMCS_READ_ONLY, VMCS_GUEST,
						VMCS_HOST };

	(void)state;
	assert_true(vmcs_row_count > 150);
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		struct encoding parts = split(vmcs_rows[i].encoding);

		if (parts.access || parts.reserved_12 || parts.reserved_high)
			fail_msg("%s has encoding %04x", vmcs_rows[i].name, vmcs_rows[i].encoding);
		assert_int_equal(vmcs_width(vmcs_rows[i].encoding), widths[parts.width]);
		assert_int_equal(vmcs_type(vmcs_rows[i].encoding), types[parts.type]);
		assert_true(parts.index < 64);
	}
}

static void test_no_duplicates(void **state)
{
	(void)state;
	for (unsigned i = 0; i < vmcs_row_count; i++)
		for (unsigned j = 0; j < i; j++)
			if (vmcs_rows[i].encoding == vmcs_rows[j].encoding ||
			    !strcmp(vmcs_rows[i].name, vmcs_rows[j].name))
				fail_msg("%s and %s", vmcs_rows[i].name, vmcs_rows[j].name);
}

static bool starts_with(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* GUEST_ and HOST_ name the state areas; these names of other fields are the SDM's own. */
static void test_prefixes(void **state)
{
	static const char *const guest_state[] = { "VMCS_LINK_POINTER", "PREEMPTION_TIMER_VALUE" };
	static const char *const read_only[] = { "GUEST_PHYSICAL_ADDRESS", "GUEST_LINEAR_ADDRESS" };

	(void)state;
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		const char *name = vmcs_rows[i].name;
		unsigned wanted = starts_with(name, "GUEST_")  ? 2
				  : starts_with(name, "HOST_") ? 3
							       : 0;
		unsigned type = split(vmcs_rows[i].encoding).type;

		for (unsigned n = 0; n < ARRAY_SIZE(guest_state); n++)
			if (!strcmp(name, guest_state[n]))
				wanted = 2;
		for (unsigned n = 0; n < ARRAY_SIZE(read_only); n++)
			if (!strcmp(name, read_only[n]))
				wanted = 1;
		if (wanted != type && (wanted >= 2 || type >= 2))
			fail_msg("%s is of type %u", name, type);
	}
}

/* Names whose ending gives the width away. */
static void test_widths_by_name(void **state)
{
	static const struct {
		const char *ending;
		unsigned width;
	} rows[] = { { "_SELECTOR", 0 }, { "_LIMIT", 2 }, { "_RIGHTS", 2 }, { "_BASE", 3 },
		     { "_CONTROLS", 2 }, { "_COUNT", 2 }, { "_SHADOW", 3 }, { "_INFO", 2 },
		     { "_ADDRESS", 1 },	 { "_BITMAP", 1 } };
	/* By the SDM's tables; the fields that do not follow their names. */
	static const struct {
		const char *name;
		unsigned width;
	} exceptions[] = { { "TERTIARY_CONTROLS", 1 },	  { "SECONDARY_EXIT_CONTROLS", 1 },
			   { "VM_FUNCTION_CONTROLS", 1 }, { "SPEC_CTRL_SHADOW", 1 },
			   { "GUEST_LINEAR_ADDRESS", 3 }, { "EXCEPTION_BITMAP", 2 } };
	unsigned checked = 0;

	(void)state;
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		const char *name = vmcs_rows[i].name;
		unsigned wanted = 9, width = split(vmcs_rows[i].encoding).width;

		for (unsigned n = 0; n < ARRAY_SIZE(rows); n++) {
			size_t length = strlen(name), end = strlen(rows[n].ending);

			if (length > end && !strcmp(name + length - end, rows[n].ending))
				wanted = rows[n].width;
		}
		for (unsigned n = 0; n < ARRAY_SIZE(exceptions); n++)
			if (!strcmp(name, exceptions[n].name))
				wanted = exceptions[n].width;
		if (wanted == 9)
			continue;
		if (wanted != width)
			fail_msg("%s has width %u", name, width);
		checked++;
	}
	assert_true(checked > 70);
}

/* A few of each kind, from the SDM's appendix, against rows that were shifted or mixed up. */
static void test_samples(void **state)
{
	static const struct {
		const char *name;
		uint32_t encoding;
	} rows[] = {
		{ "VPID", 0x0000 },
		{ "GUEST_ES_SELECTOR", 0x0800 },
		{ "GUEST_TR_SELECTOR", 0x080E },
		{ "HOST_ES_SELECTOR", 0x0C00 },
		{ "HOST_TR_SELECTOR", 0x0C0C },
		{ "MSR_BITMAP", 0x2004 },
		{ "EPT_POINTER", 0x201A },
		{ "GUEST_PHYSICAL_ADDRESS", 0x2400 },
		{ "VMCS_LINK_POINTER", 0x2800 },
		{ "GUEST_IA32_EFER", 0x2806 },
		{ "HOST_IA32_EFER", 0x2C02 },
		{ "PIN_BASED_CONTROLS", 0x4000 },
		{ "EXCEPTION_BITMAP", 0x4004 },
		{ "EXIT_CONTROLS", 0x400C },
		{ "ENTRY_CONTROLS", 0x4012 },
		{ "ENTRY_INTERRUPTION_INFO", 0x4016 },
		{ "TPR_THRESHOLD", 0x401C },
		{ "VM_INSTRUCTION_ERROR", 0x4400 },
		{ "EXIT_REASON", 0x4402 },
		{ "GUEST_ES_LIMIT", 0x4800 },
		{ "GUEST_TR_RIGHTS", 0x4822 },
		{ "GUEST_INTERRUPTIBILITY", 0x4824 },
		{ "GUEST_ACTIVITY_STATE", 0x4826 },
		{ "PREEMPTION_TIMER_VALUE", 0x482E },
		{ "HOST_IA32_SYSENTER_CS", 0x4C00 },
		{ "CR0_GUEST_HOST_MASK", 0x6000 },
		{ "EXIT_QUALIFICATION", 0x6400 },
		{ "GUEST_CR0", 0x6800 },
		{ "GUEST_CR3", 0x6802 },
		{ "GUEST_CR4", 0x6804 },
		{ "GUEST_CS_BASE", 0x6808 },
		{ "GUEST_DR7", 0x681A },
		{ "GUEST_RSP", 0x681C },
		{ "GUEST_RIP", 0x681E },
		{ "GUEST_RFLAGS", 0x6820 },
		{ "HOST_CR0", 0x6C00 },
		{ "HOST_RSP", 0x6C14 },
		{ "HOST_RIP", 0x6C16 },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_non_null(vmcs_field_name(rows[i].encoding));
		assert_string_equal(vmcs_field_name(rows[i].encoding), rows[i].name);
		assert_null(vmcs_field_name(rows[i].encoding + 1));
	}
	assert_null(vmcs_field_name(0x10000));
	assert_null(vmcs_field_name(0x7FFE));
}

static void test_controls(void **state)
{
	unsigned groups[GROUP_COUNT] = { 0 };

	(void)state;
	for (unsigned i = 0; i < control_row_count; i++) {
		assert_true(control_rows[i].group < GROUP_COUNT);
		assert_true(control_rows[i].bit < 32);
		assert_true(control_rows[i].text[0] != '\0');
		groups[control_rows[i].group]++;
		for (unsigned j = 0; j < i; j++) {
			if (control_rows[i].group != control_rows[j].group)
				continue;
			if (control_rows[i].bit == control_rows[j].bit ||
			    !strcmp(control_rows[i].text, control_rows[j].text))
				fail_msg("%s and %s", control_rows[i].text, control_rows[j].text);
		}
	}
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		assert_true(groups[i] >= (i == GROUP_EXIT2 ? 4 : 5));
}

/* Bits that the SDM's tables give for the controls that the backend lives by. */
static void test_control_bits(void **state)
{
	(void)state;
	assert_int_equal(CONTROL_MASK(PIN_NMI), 0x8);
	assert_int_equal(CONTROL_MASK(PIN_PREEMPTION_TIMER), 0x40);
	assert_int_equal(CONTROL_MASK(PRIMARY_IRQ_WINDOW), 0x4);
	assert_int_equal(CONTROL_MASK(PRIMARY_HLT), 0x80);
	assert_int_equal(CONTROL_MASK(PRIMARY_TPR_SHADOW), 0x200000);
	assert_int_equal(CONTROL_MASK(PRIMARY_NMI_WINDOW), 0x400000);
	assert_int_equal(CONTROL_MASK(PRIMARY_SECONDARY), 0x80000000);
	assert_int_equal(CONTROL_MASK(SECONDARY_EPT), 0x2);
	assert_int_equal(CONTROL_MASK(SECONDARY_UNRESTRICTED_GUEST), 0x80);
	assert_int_equal(CONTROL_MASK(EXIT_HOST_64), 0x200);
	assert_int_equal(CONTROL_MASK(ENTRY_GUEST_64), 0x200);
}

/* A second row with the same number would take the place of the first in the table of texts. */
static void test_exit_reasons(void **state)
{
	static const struct {
		const char *name;
		unsigned number;
	} rows[] = {
#define REASON(name, number, kind, text) { #name, number },
#include "vmx/reasons.def"
#undef REASON
	};
	unsigned known = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		for (unsigned j = 0; j < i; j++)
			if (rows[i].number == rows[j].number || !strcmp(rows[i].name, rows[j].name))
				fail_msg("%s and %s", rows[i].name, rows[j].name);
	for (uint32_t reason = 0; reason < 0x10000; reason++)
		known += strcmp(exit_reason_text(reason), "reserved") != 0;
	assert_int_equal(known, ARRAY_SIZE(rows));
	assert_string_equal(exit_reason_text(12), "HLT");
	assert_string_equal(exit_reason_text(48), "EPT violation");
	assert_string_equal(exit_reason_text(0x80000021), "VM-entry failure: guest state");
	assert_string_equal(exit_reason_text(35), "reserved");
}

static void test_instruction_errors(void **state)
{
	static const unsigned numbers[] = {
#define ERROR(number, text) number,
#include "vmx/errors.def"
#undef ERROR
	};

	(void)state;
	for (unsigned i = 1; i < ARRAY_SIZE(numbers); i++)
		assert_true(numbers[i] > numbers[i - 1]);
	assert_string_equal(instruction_error_text(7), "VM entry with invalid control fields");
	assert_string_equal(instruction_error_text(12),
			    "VMREAD or VMWRITE of an unsupported VMCS component");
	assert_string_equal(instruction_error_text(0), "reserved");
	assert_string_equal(instruction_error_text(14), "reserved");
	assert_string_equal(instruction_error_text(1000), "reserved");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_no_duplicates),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_widths_by_name),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_control_bits),
		cmocka_unit_test(test_exit_reasons),
		cmocka_unit_test(test_instruction_errors),
	};

	return cmocka_run_group_tests_name("VMCS", tests, NULL, NULL);
}
