/* Every register of the local APIC, in both modes. */
#include "tests/host/fake/fake_apic.h"
#include "tests/host/fake/host_test.h"
#include "vlapic/registers.h"

enum { NOW = 1000, ILLEGAL_REGISTER = 0x80 };

/*
 * SDM vol. 3A, "Local APIC Register Address Map", "x2APIC Register Address Space" and the figure
 * of each register. written: what is there after all ones were written to the xAPIC page while
 * the APIC is software-enabled; in x2APIC mode, the bits that are not reserved.
 */
#define NONE 0xFFFFFFFFFFFFFFFFull /* the x2APIC MSR does not exist or is read-only */

static const struct {
	uint16_t offset;
	uint32_t reset;	     /* after power-up; the ID and LDR of x2APIC mode are tested apart */
	uint32_t written;    /* after a store of all ones */
	bool xapic_readable; /* else reads 0 */
	bool msr_readable;
	uint64_t msr_bits; /* that WRMSR may set */
} registers[] = {
	{ 0x020, 0x25000000, 0x25000000, true, true, NONE },
	{ 0x030, 0x00050014, 0x00050014, true, true, NONE },
	{ 0x080, 0, 0xFF, true, true, 0xFF },
	{ 0x090, 0, 0, true, false, NONE },
	{ 0x0A0, 0, 0, true, true, NONE },
	{ 0x0B0, 0, 0, false, false, 0 },
	{ 0x0C0, 0, 0, true, false, NONE },
	{ 0x0D0, 0, 0xFF000000, true, true, NONE },
	{ 0x0E0, 0xFFFFFFFF, 0xFFFFFFFF, true, false, NONE },
	{ 0x0F0, 0xFF, 0x1FF, true, true, 0x1FF },
	{ 0x280, 0, 0, true, true, 0 },
	{ 0x300, 0, 0x000CCFFF, true, true, 0xFFFFFFFF000CDFFF },
	{ 0x310, 0, 0xFF000000, true, false, NONE },
	{ 0x320, 0x10000, 0x000700FF, true, true, 0x700FF },
	{ 0x330, 0x10000, 0x000107FF, true, true, 0x107FF },
	{ 0x340, 0x10000, 0x000107FF, true, true, 0x107FF },
	{ 0x350, 0x10000, 0x0001A7FF, true, true, 0x1A7FF },
	{ 0x360, 0x10000, 0x0001A7FF, true, true, 0x1A7FF },
	{ 0x370, 0x10000, 0x000100FF, true, true, 0x100FF },
	{ 0x380, 0, 0xFFFFFFFF, true, true, 0xFFFFFFFF },
	{ 0x390, 0, 0, true, true, NONE },
	{ 0x3E0, 0, 0xB, true, true, 0xB },
};

static int row_of(uint32_t offset)
{
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
		if (registers[i].offset == offset)
			return (int)i;
	return -1;
}

static bool is_bitmap(uint32_t offset)
{
	return offset >= 0x100 && offset <= 0x270;
}

static void test_reset_values(void **state)
{
	struct apic *apic = fake_apic();

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++)
		assert_int_equal(apic_mmio_read(apic, registers[i].offset, NOW),
				 registers[i].reset);
	for (uint32_t offset = 0x100; offset <= 0x270; offset += 0x10)
		assert_int_equal(apic_mmio_read(apic, offset, NOW), 0);
	assert_int_equal(apic->esr_latched, 0);
	assert_int_equal(apic->base, 0xFEE00800);
	apic_power_up(apic, 0, true);
	assert_int_equal(apic->base, 0xFEE00900);
}

static void test_xapic_writes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
		struct apic *apic = fake_enabled_apic();
		uint32_t offset = registers[i].offset;
		enum apic_effect effect = apic_mmio_write(apic, offset, 0xFFFFFFFF, NOW);

		assert_int_equal(effect, offset == 0x300 ? APIC_SEND : APIC_DONE);
		assert_int_equal(apic_get(apic, offset), registers[i].written);
		assert_int_equal(apic->esr_latched, 0);
	}
}

/* The same through the page, where a processor that virtualizes APIC registers puts the value. */
static void test_written_in_place(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
		struct apic *apic = fake_enabled_apic();
		uint32_t offset = registers[i].offset;

		if (registers[i].written == registers[i].reset && offset != 0x20)
			continue; /* such a write exits before it reaches the page, or is a fault */
		apic->page[offset / 4] = 0xFFFFFFFF;
		apic_mmio_write(apic, offset, 0xFFFFFFFF, NOW);
		assert_int_equal(apic_get(apic, offset), registers[i].written);
	}
}

/* Every address of the page: those that are reserved set the ESR and read 0. */
static void test_xapic_addresses(void **state)
{
	(void)state;
	for (uint32_t offset = 0; offset < PAGE_SIZE; offset += 4) {
		struct apic *apic = fake_enabled_apic();
		int row = row_of(offset);
		bool known = row >= 0 || (is_bitmap(offset) && offset % 16 == 0);
		uint32_t value = apic_mmio_read(apic, offset, NOW);

		if (row >= 0 && !registers[row].xapic_readable)
			assert_int_equal(value, 0);
		assert_int_equal(apic->esr_latched, known ? 0 : ILLEGAL_REGISTER);
		if (!known)
			assert_int_equal(value, 0);
		apic = fake_enabled_apic();
		apic_mmio_write(apic, offset, 0, NOW);
		if (offset % 16 == 0)
			assert_int_equal(apic->esr_latched, known ? 0 : ILLEGAL_REGISTER);
	}
}

static void test_bitmaps_are_read_only(void **state)
{
	(void)state;
	for (uint32_t offset = 0x100; offset <= 0x270; offset += 0x10) {
		struct apic *apic = fake_enabled_apic();

		apic->page[offset / 4] = 0x12345678;
		assert_int_equal(apic_mmio_write(apic, offset, 0xFFFFFFFF, NOW), APIC_DONE);
		assert_int_equal(apic_mmio_read(apic, offset, NOW), 0x12345678);
		apic->base |= IA32_APIC_BASE_EXTD;

		uint64_t value;

		assert_true(apic_msr_read(apic, 0x800 + offset / 16, NOW, &value));
		assert_int_equal(value, 0x12345678);
		assert_int_equal(apic_msr_write(apic, 0x800 + offset / 16, 0, NOW), APIC_FAULT);
	}
}

static void test_x2apic_reads(void **state)
{
	struct apic *apic = fake_x2apic();

	(void)state;
	for (uint32_t msr = 0x800; msr <= 0x8FF; msr++) {
		uint32_t offset = (msr - 0x800) * 16;
		int row = row_of(offset);
		uint64_t value = 0xBAD;
		bool works = apic_msr_read(apic, msr, NOW, &value);

		assert_int_equal(works,
				 (row >= 0 && registers[row].msr_readable) || is_bitmap(offset));
		if (!works)
			assert_int_equal(value, 0xBAD);
		else if (offset == 0x20)
			assert_int_equal(value, FAKE_APIC_ID);
		else if (offset == 0xD0)
			assert_int_equal(value, 0x20020); /* cluster 2, bit 5 */
		else
			assert_int_equal(value, row < 0 ? 0 : registers[row].reset);
	}
	assert_int_equal(apic->esr_latched, 0);
}

/* Each bit alone: reserved ones raise #GP(0) and leave the register alone, others are stored. */
static void test_x2apic_writes(void **state)
{
	(void)state;
	for (uint32_t msr = 0x800; msr <= 0x8FF; msr++) {
		uint32_t offset = (msr - 0x800) * 16;
		int row = row_of(offset);
		uint64_t bits = row < 0 ? NONE : registers[row].msr_bits;

		if (offset == 0x3F0)
			continue; /* SELF IPI: below */
		for (int n = -1; n < 64; n++) {
			struct apic *apic = fake_x2apic();
			uint64_t value = n < 0 ? 0 : BIT(n), before = apic_get(apic, offset);
			bool works = bits != NONE && !(value & ~bits);
			enum apic_effect effect;

			apic->page[APIC_SVR / 4] |= APIC_SVR_ENABLED;
			effect = apic_msr_write(apic, msr, value, NOW);
			assert_int_equal(effect, !works		   ? APIC_FAULT
						 : offset == 0x300 ? APIC_SEND
								   : APIC_DONE);
			if (offset == 0x280 || offset == 0xB0 || offset == 0xF0)
				continue; /* no stored value, or changed by us above */
			assert_int_equal(apic_get(apic, offset), !works		   ? before
								 : offset == 0x300 ? value & 0xCCFFF
										   : value);
		}
	}
}

static void test_x2apic_icr(void **state)
{
	struct apic *apic = fake_x2apic();
	uint64_t value;

	(void)state;
	assert_int_equal(apic_msr_write(apic, 0x830, 0x12345678000C4DAA, NOW), APIC_SEND);
	assert_int_equal(apic_get(apic, APIC_ICR_HIGH), 0x12345678);
	assert_true(apic_msr_read(apic, 0x830, NOW, &value));
	assert_int_equal(value, 0x12345678000C4DAA);
	/* The delivery status does not exist there; it is neither kept nor refused. */
	assert_int_equal(apic_msr_write(apic, 0x830, 0x1000, NOW), APIC_SEND);
	assert_true(apic_msr_read(apic, 0x830, NOW, &value));
	assert_int_equal(value, 0);
}

static void test_self_ipi(void **state)
{
	struct apic *apic = fake_x2apic();
	uint64_t value;

	(void)state;
	assert_int_equal(apic_msr_write(apic, 0x83F, 0xFF, NOW), APIC_SEND_SELF);
	assert_int_equal(apic_get(apic, APIC_SELF_IPI), 0xFF);
	assert_int_equal(apic_msr_write(apic, 0x83F, 0x100, NOW), APIC_FAULT);
	assert_int_equal(apic_msr_write(apic, 0x83F, BIT(32), NOW), APIC_FAULT);
	assert_int_equal(apic_get(apic, APIC_SELF_IPI), 0xFF);
	assert_false(apic_msr_read(apic, 0x83F, NOW, &value)); /* write-only */
}

/* The MSRs exist in x2APIC mode only. */
static void test_msrs_outside_of_x2apic_mode(void **state)
{
	struct apic *apic = fake_apic();
	uint64_t value;

	(void)state;
	for (uint32_t msr = 0x800; msr <= 0x8FF; msr++) {
		assert_false(apic_msr_read(apic, msr, NOW, &value));
		assert_int_equal(apic_msr_write(apic, msr, 0, NOW), APIC_FAULT);
	}
	apic->base = APIC_DEFAULT_BASE;
	assert_false(apic_msr_read(apic, 0x802, NOW, &value));
}

/* SDM vol. 3A, "Local APIC State After It Receives an INIT Reset". */
static void test_init_keeps_id_and_mode(void **state)
{
	static const struct {
		uint64_t base;
		uint32_t id, ldr;
	} rows[] = { { 0xFEE00800, 0x25000000, 0 },
		     { 0xFEE00900, 0x25000000, 0 },
		     { 0xFEE00C00, 0x25, 0x20020 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct apic *apic = fake_enabled_apic();

		apic->base = rows[i].base;
		apic->esr_latched = 0x20;
		apic->due = 5;
		apic->period = 6;
		apic->tsc_deadline = 7;
		for (uint32_t offset = 0x30; offset < 0x400; offset += 0x10)
			apic->page[offset / 4] = 0x12345678;
		apic_init(apic);
		assert_int_equal(apic->base, rows[i].base);
		assert_int_equal(apic->esr_latched, 0);
		assert_int_equal(apic->due, 0);
		assert_int_equal(apic->period, 0);
		assert_int_equal(apic->tsc_deadline, 0);
		for (unsigned r = 0; r < ARRAY_SIZE(registers); r++) {
			uint32_t offset = registers[r].offset;

			assert_int_equal(apic_get(apic, offset), offset == 0x20 ? rows[i].id
								 : offset == 0xD0
									 ? rows[i].ldr
									 : registers[r].reset);
		}
		for (uint32_t offset = 0x100; offset <= 0x270; offset += 0x10)
			assert_int_equal(apic_get(apic, offset), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset_values),
		cmocka_unit_test(test_xapic_writes),
		cmocka_unit_test(test_written_in_place),
		cmocka_unit_test(test_xapic_addresses),
		cmocka_unit_test(test_bitmaps_are_read_only),
		cmocka_unit_test(test_x2apic_reads),
		cmocka_unit_test(test_x2apic_writes),
		cmocka_unit_test(test_x2apic_icr),
		cmocka_unit_test(test_self_ipi),
		cmocka_unit_test(test_msrs_outside_of_x2apic_mode),
		cmocka_unit_test(test_init_keeps_id_and_mode),
	};

	return cmocka_run_group_tests_name("APIC registers", tests, NULL, NULL);
}
