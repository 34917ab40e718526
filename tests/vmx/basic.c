/* The capability MSRs and the VMCS itself, before any guest runs, and the first exits. */
#include "lib/pages.h"
#include "x86/msr.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

/* SDM vol. 3D, "Reserved Controls and Default Settings": what must be 1 may be 1. */
static void capability_msrs(struct test_run *run)
{
	for (unsigned group = 0; group < GROUP_COUNT; group++) {
		uint64_t controls = vmx_caps.controls[group];

		expect_bits(run, "controls that must be 1 but may not", 0,
			    (uint32_t)controls & ~(uint32_t)(controls >> 32));
	}
	expect_bits_cited(run, SPEC_VMX_CR0_FIXED, "CR0 bits fixed to 1 but not allowed", 0,
			  vmx_caps.cr0_fixed0 & ~vmx_caps.cr0_fixed1);
	expect_bits_cited(run, SPEC_VMX_CR4_FIXED, "CR4 bits fixed to 1 but not allowed", 0,
			  vmx_caps.cr4_fixed0 & ~vmx_caps.cr4_fixed1);
	expect_bits_cited(run, SPEC_VMX_CR4_FIXED, "CR4.VMXE is fixed to 1", CR4_VMXE,
			  vmx_caps.cr4_fixed0 & CR4_VMXE);
	expect_bits_cited(run, SPEC_VMX_BASIC, "bit 31 of IA32_VMX_BASIC", 0,
			  vmx_caps.basic & BIT(31));
	expect_cited(run, SPEC_VMX_BASIC, "VMCS size is 1 to 4096", true,
		     (vmx_caps.basic >> 32 & 0x1FFF) - 1 < PAGE_SIZE);
}

/* Fields whose value the processor may hold elsewhere or check at the write. */
static bool keeps_any_value(uint32_t encoding)
{
	return vmcs_type(encoding) == VMCS_GUEST || vmcs_type(encoding) == VMCS_HOST;
}

static void try_field(struct test_run *run, const struct vmcs_row *row, unsigned *tried)
{
	const uint64_t pattern = 0x123456789ABCDEF5ull & vmcs_width_mask(row->encoding);
	uint64_t before, after = 0;

	/* Access-rights fields may lose their reserved bits: SDM vol. 3C, "Guest Register State".
	 */
	uint64_t kept = row->encoding >= GUEST_ES_RIGHTS && row->encoding <= GUEST_TR_RIGHTS
				? 0x1F0FF
				: ~0ull;

	if (vmread_try(row->encoding, &before) != STATUS_OK)
		return;
	(*tried)++;
	expect(run, row->name, STATUS_OK, vmwrite_try(row->encoding, pattern));
	expect(run, row->name, STATUS_OK, vmread_try(row->encoding, &after));
	expect_bits(run, row->name, pattern & kept, after & kept);
}

static void field_storage(struct test_run *run)
{
	uint8_t *page = pages_alloc(1);
	unsigned tried = 0;

	if (!require(run, "a page", page ? STATUS_OK : STATUS_NO_MEMORY))
		return;
	*(uint32_t *)page = (uint32_t)(vmx_caps.basic & 0x7FFFFFFF);
	if (require(run, "VMCLEAR", vmclear(physical(page))) &&
	    require(run, "VMPTRLD", vmptrld(physical(page)))) {
		for (unsigned i = 0; i < vmcs_row_count; i++)
			if (keeps_any_value(vmcs_rows[i].encoding))
				try_field(run, &vmcs_rows[i], &tried);
		expect(run, "at least the basic fields exist", true, tried >= 60);
		require(run, "VMCLEAR", vmclear(physical(page)));
	}
	pages_free(page, 1);
}

static void cpuid_exits(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	fixture->shared->rounds = 100;
	if (fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1))
		expect(run, "exits for 100 CPUIDs and more", true,
		       atomic_load(&fixture->vm->vcpus[0]->counts.exits) >= 100);
}

#define VMX BIT(CAP_VIRTUALIZATION)

static const struct test rows[] = {
	{ "vmx.capabilities", SPEC_VMX_CAPABILITIES, capability_msrs, .needs = VMX },
	{ "vmx.vmcs.storage", SPEC_VMCS_ACCESS, field_storage, .needs = VMX },
	{ "vmx.exit.cpuid", SPEC_EXIT_ALWAYS, fixture_run, .body = cpuid_exits,
	  .guest = GUEST(.vcpus = 1, .bsp = GUEST_cpuid), .needs = NEEDS_GUEST },
};

TEST_GROUP(vmx, rows);
