/* The pages that the bases of the entry checks are run with. */
#include "tests/host/fake/entry_machines.h"
#include "tests/host/fake/host_test.h"
#include "tests/vmx/entry/rows.h"

static uint8_t pages[ENTRY_PAGES * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

/* An entry of a table in those pages. */
static uint64_t entry_at(const struct entry_ground *ground, uint64_t address, size_t size)
{
	uint64_t value = 0;

	assert_true(address >= ground->pages &&
		    address + size <= ground->pages + ENTRY_PAGES * (uint64_t)PAGE_SIZE);
	memcpy(&value, &pages[address - ground->pages], size);
	return value;
}

/* SDM vol. 3A, "32-bit Paging" and "PAE Paging": the physical address; user accesses may write. */
static uint64_t walk_32(const struct entry_ground *ground, uint64_t cr3, uint32_t linear)
{
	uint64_t entry = entry_at(ground, (cr3 & ~0xFFFull) + (linear >> 22) * 4, 4);

	assert_int_equal(entry & 7, 7);
	if (entry & 0x80) {
		assert_int_equal(entry >> 13 & 0x1FF, 0);
		return (entry & 0xFFC00000) | (linear & 0x3FFFFF);
	}
	entry = entry_at(ground, (entry & ~0xFFFull) + (linear >> 12 & 0x3FF) * 4, 4);
	assert_int_equal(entry & 7, 7);
	return (entry & ~0xFFFull) | (linear & 0xFFF);
}

static uint64_t walk_pae(const struct entry_ground *ground, const struct model_state *state,
			 uint32_t linear)
{
	unsigned top = linear >> 30;
	uint64_t cr3 = state->value[AT_GUEST_CR3];
	uint64_t entry = entry_at(ground, (cr3 & 0xFFFFFFE0) + top * 8, 8);

	assert_int_equal(entry, state->value[AT_PDPTE_0 + top]);
	assert_int_equal(entry, state->value[AT_GUEST_PDPTE0 + top]);
	assert_int_equal(entry & 0xFFF, 1);
	entry = entry_at(ground, (entry & ~0xFFFull) + (linear >> 21 & 0x1FF) * 8, 8);
	assert_int_equal(entry & 0x1FF087, 0x87);
	return (entry & ~0x1FFFFFull) | (linear & 0x1FFFFF);
}

static uint64_t walk(const struct entry_ground *ground, const struct model_state *state,
		     uint32_t linear)
{
	if (!(state->value[AT_GUEST_CR0] & BIT(31)))
		return linear;
	if (state->value[AT_GUEST_CR4] & 0x20)
		return walk_pae(ground, state, linear);
	return walk_32(ground, state->value[AT_GUEST_CR3], linear);
}

static bool machine_has_ug(const struct entry_machine *machine)
{
	return machine->ground.machine.controls[GROUP_SECONDARY] >> 32 &
	       CONTROL_MASK(SECONDARY_UNRESTRICTED_GUEST);
}

/* The first instruction of every base is a VMCALL; 64-bit paging is the host's and the same. */
static void fill(const struct entry_ground *ground)
{
	memset(pages, 0, sizeof(pages));
	entry_memory_fill(ground, pages);
	entry_tables_fill(ground, pages);
}

static void test_bases_run_a_vmcall(void **unused)
{
	static const uint8_t vmcall[] = { 0x0F, 0x01, 0xC1 };

	(void)unused;
	for (unsigned m = 0; m < entry_machine_count; m++) {
		unsigned made = 0;

		for (unsigned b = BASE_64; b < BASE_COUNT; b++) {
			const struct entry_ground *ground = &entry_machines[m].ground;
			struct model_state state;
			const char *missing;
			uint64_t address;

			if (!entry_base_make(b, ground, &state, &missing))
				continue;
			fill(ground);
			address = state.value[AT_GUEST_CS_BASE] + state.value[AT_GUEST_RIP];
			if (b >= BASE_PAE)
				address = walk(ground, &state, (uint32_t)address);
			assert_int_equal(address, entry_page(ground, PAGE_CODE));
			assert_memory_equal(&pages[address - ground->pages], vmcall,
					    sizeof(vmcall));
			made++;
		}
		/* All but those of "unrestricted guest" need nothing that a machine may lack. */
		assert_int_equal(made, machine_has_ug(&entry_machines[m]) ? 7 : 5);
	}
}

static void test_tables_map_to_themselves(void **unused)
{
	static const uint32_t linear[] = { 0x1000,     0x3FFFFC,   0x400000,   0x1500000,
					   0x40000000, 0x9ABCDEF0, 0xFEE00000, 0xFFFFFFFF };
	static const enum entry_base bases[] = { BASE_32, BASE_V86, BASE_PAE };
	const struct entry_ground *ground = &entry_machines[0].ground;
	struct model_state state;
	const char *missing;

	(void)unused;
	fill(ground);
	for (unsigned b = 0; b < ARRAY_SIZE(bases); b++)
		for (unsigned i = 0; i < ARRAY_SIZE(linear); i++) {
			assert_true(entry_base_make(bases[b], ground, &state, &missing));
			assert_int_equal(walk(ground, &state, linear[i]), linear[i]);
		}
}

/* The memory is as the bases' state says. */
static void test_memory_is_as_in_the_state(void **unused)
{
	const struct entry_ground *ground = &entry_machines[0].ground;
	struct model_state state;
	const char *missing;

	(void)unused;
	assert_true(entry_base_make(BASE_64, ground, &state, &missing));
	fill(ground);
	assert_int_equal(entry_at(ground, entry_page(ground, PAGE_LINK), 4),
			 state.value[AT_LINK_REVISION]);
	assert_int_equal(entry_at(ground, state.value[AT_VIRTUAL_APIC_ADDRESS] + 0x80, 4),
			 state.value[AT_VTPR]);
	for (unsigned i = 0; i < 512; i++) {
		uint64_t entry = state.value[AT_ENTRY_MSR_LOAD_ADDRESS] + 16 * i;

		assert_int_equal(entry_at(ground, entry, 8), state.value[AT_MSR_LOAD_INDEX]);
		assert_int_equal(entry_at(ground, entry + 8, 8), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bases_run_a_vmcall),
		cmocka_unit_test(test_tables_map_to_themselves),
		cmocka_unit_test(test_memory_is_as_in_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
