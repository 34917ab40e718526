#include "tests/vmx/exit/needs.h"

#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

bool has_monitor(const struct model_machine *machine)
{
	(void)machine;
	return cpuid(1, 0).ecx & BIT(3);
}

bool has_osxsave(const struct model_machine *machine)
{
	return machine->cr4_fixed1 & CR4_OSXSAVE;
}

bool has_cet(const struct model_machine *machine)
{
	return machine->cr4_fixed1 & CR4_CET;
}

bool has_targets(const struct model_machine *machine)
{
	return (machine->misc >> 16 & 0x1FF) >= 4;
}

bool has_io_info(const struct model_machine *machine)
{
	return machine->basic & BIT(54);
}

bool has_hlt_state(const struct model_machine *machine)
{
	return machine->misc & BIT(6);
}

bool has_shutdown_state(const struct model_machine *machine)
{
	return machine->misc & BIT(7);
}

bool has_trap_flag(const struct model_machine *machine)
{
	return machine->controls[GROUP_PRIMARY] >> 32 & CONTROL_MASK(PRIMARY_MONITOR_TRAP);
}

bool has_hlt_and_trap_flag(const struct model_machine *machine)
{
	return has_hlt_state(machine) && has_trap_flag(machine);
}

/* An emulator may take a write, and forget it. */
static bool keeps(uint32_t msr, uint64_t bit)
{
	uint64_t before, after = 0;

	if (rdmsr_try(msr, &before) != STATUS_OK || wrmsr_try(msr, before | bit) != STATUS_OK)
		return false;
	after = rdmsr(msr);
	wrmsr(msr, before);
	return after & bit;
}

bool has_btf(const struct model_machine *machine)
{
	return machine->debugctl & 2 && keeps(IA32_DEBUGCTL, 2);
}

bool has_counters(const struct model_machine *machine)
{
	return machine->perf_global & 1 && keeps(IA32_PERF_GLOBAL_CTRL, 1);
}

static bool may_be_1(const struct model_machine *machine, uint32_t control)
{
	return machine->controls[GROUP_PRIMARY] >> 32 & CONTROL_MASK(PRIMARY_SECONDARY) &&
	       machine->controls[GROUP_SECONDARY] >> 32 & control;
}

bool has_ept(const struct model_machine *machine)
{
	return may_be_1(machine, CONTROL_MASK(SECONDARY_EPT)) &&
	       machine->ept_vpid & EPT_CAP_WALK_4 && machine->ept_vpid & EPT_CAP_WB;
}

bool has_no_ept(const struct model_machine *machine)
{
	return !has_ept(machine);
}

bool has_invept(const struct model_machine *machine)
{
	return may_be_1(machine, CONTROL_MASK(SECONDARY_EPT)) && machine->ept_vpid & EPT_CAP_INVEPT;
}

bool has_invvpid(const struct model_machine *machine)
{
	return may_be_1(machine, CONTROL_MASK(SECONDARY_VPID)) &&
	       machine->ept_vpid & VPID_CAP_INVVPID;
}
