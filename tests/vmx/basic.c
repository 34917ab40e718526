/* The capability MSRs and the VMCS itself, before any guest runs, and the first exits. */
#include "lib/pages.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"
#include "tests/vmx/capabilities.h"
#include "tests/vmx/stage.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

static void tell(void *stage, const char *text, uint64_t wanted, uint64_t got)
{
	check_number(stage, "ctl.cap.consistent", wanted, got, "%s", text);
}

static void capability_checks(struct stage *stage)
{
	struct capabilities capabilities;

	capabilities_read(&capabilities);
	capabilities_compare(&capabilities, tell, stage);
}

/* Fields whose value the processor may hold elsewhere or check at the write. */
static bool keeps_any_value(uint32_t encoding)
{
	return vmcs_type(encoding) == VMCS_GUEST || vmcs_type(encoding) == VMCS_HOST;
}

static void try_value(struct test_run *run, const struct vmcs_row *row, uint64_t value)
{
	const uint64_t kept = vmcs_kept_mask(row->encoding);
	uint64_t after = 0;

	expect(run, row->name, STATUS_OK, vmwrite_try(row->encoding, value));
	expect(run, row->name, STATUS_OK, vmread_try(row->encoding, &after));
	expect_bits(run, row->name, value & kept, after & kept);
}

/* A pattern and its complement, so that no bit may stick. */
static void try_field(struct test_run *run, const struct vmcs_row *row, unsigned *tried)
{
	const uint64_t mask = vmcs_width_mask(row->encoding), pattern = 0x123456789ABCDEF5ull;
	uint64_t before;

	if (vmread_try(row->encoding, &before) != STATUS_OK)
		return;
	(*tried)++;
	try_value(run, row, pattern & mask);
	try_value(run, row, ~pattern & mask);
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

#define VMX BIT(CAP_VMX)

static const struct test rows[] = {
	{ "vmx.capabilities", SPEC_VMX_CAPABILITIES, stage_run, .needs = VMX,
	  .data = capability_checks,
	  EXPLAINS("The VMX capability MSRs agree with each other and with CPUID.",
		   "The machine promises controls that exclude each other or need others: software "
		   "that trusts the MSRs builds VMCSs that fail.") },
	{ "vmx.vmcs.storage", SPEC_VMCS_ACCESS, field_storage, .needs = VMX,
	  EXPLAINS("Every guest-state and host-state field keeps the value that VMWRITE put there.",
		   "A VMCS field does not keep its value, or is not what the guest has: a "
		   "hypervisor cannot save, restore or inspect guests.") },
	{ "vmx.exit.cpuid", SPEC_EXIT_ALWAYS, fixture_run, .body = cpuid_exits,
	  .guest = GUEST(.vcpus = 1, .bsp = GUEST_cpuid), .needs = NEEDS_GUEST,
	  EXPLAINS("CPUID in a guest exits every time.",
		   "An exit that is unconditional does not come: a guest sees the host's CPUID.") },
};

TEST_GROUP(vmx, rows);
