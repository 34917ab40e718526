#include "tests/vmx/ept/features.h"

#include "x86/msr.h"

static bool has(const struct model_machine *machine, uint64_t bits)
{
	const uint64_t all = bits | EPT_CAP_INVEPT | EPT_CAP_INVEPT_ALL;

	return has_ept(machine) && (machine->ept_vpid & all) == all;
}

bool has_tables(const struct model_machine *machine)
{
	return has(machine, 0);
}

bool has_far_pml4(const struct model_machine *machine)
{
	return has(machine, 0) && machine->physical_bits > 39;
}

bool has_reserved(const struct model_machine *machine)
{
	return has(machine, 0) && machine->physical_bits < 52;
}

bool has_reserved_far_pml4(const struct model_machine *machine)
{
	return has_reserved(machine) && has_far_pml4(machine);
}

bool has_reserved_2_mib(const struct model_machine *machine)
{
	return has_reserved(machine) && has_2_mib(machine);
}

bool has_reserved_1_gib(const struct model_machine *machine)
{
	return has_reserved(machine) && has_1_gib(machine);
}

bool has_2_mib(const struct model_machine *machine)
{
	return has(machine, EPT_CAP_2_MIB);
}

bool has_1_gib(const struct model_machine *machine)
{
	return has(machine, EPT_CAP_1_GIB);
}

bool has_no_2_mib(const struct model_machine *machine)
{
	return has(machine, 0) && !(machine->ept_vpid & EPT_CAP_2_MIB);
}

bool has_no_1_gib(const struct model_machine *machine)
{
	return has(machine, 0) && !(machine->ept_vpid & EPT_CAP_1_GIB);
}

bool has_execute_only(const struct model_machine *machine)
{
	return has(machine, EPT_CAP_EXECUTE_ONLY);
}

bool has_execute_only_2_mib(const struct model_machine *machine)
{
	return has(machine, EPT_CAP_EXECUTE_ONLY | EPT_CAP_2_MIB);
}

bool has_execute_only_1_gib(const struct model_machine *machine)
{
	return has(machine, EPT_CAP_EXECUTE_ONLY | EPT_CAP_1_GIB);
}

bool has_no_execute_only(const struct model_machine *machine)
{
	return has(machine, 0) && !(machine->ept_vpid & EPT_CAP_EXECUTE_ONLY);
}

bool has_flags(const struct model_machine *machine)
{
	return has(machine, EPT_CAP_AD);
}

bool has_flags_2_mib(const struct model_machine *machine)
{
	return has(machine, EPT_CAP_AD | EPT_CAP_2_MIB);
}

bool has_flags_1_gib(const struct model_machine *machine)
{
	return has(machine, EPT_CAP_AD | EPT_CAP_1_GIB);
}

bool has_advanced_info(const struct model_machine *machine)
{
	return has(machine, EPT_CAP_ADVANCED_INFO);
}

bool has_vpid(const struct model_machine *machine)
{
	return has(machine, VPID_CAP_INVVPID | VPID_CAP_INVVPID_ALL);
}

bool has_vpid_address(const struct model_machine *machine)
{
	return has_vpid(machine) && machine->ept_vpid & VPID_CAP_INVVPID_ADDRESS;
}

bool has_vpid_single(const struct model_machine *machine)
{
	return has_vpid(machine) && machine->ept_vpid & VPID_CAP_INVVPID_SINGLE;
}

bool has_vpid_not_global(const struct model_machine *machine)
{
	return has_vpid(machine) && machine->ept_vpid & VPID_CAP_INVVPID_NOT_GLOBAL;
}
