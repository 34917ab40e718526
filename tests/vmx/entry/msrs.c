/*
 * SDM vol. 3C, "Loading MSRs" in "VM Entries". What an exit does not load again is left as an entry
 * has it: IA32_KERNEL_GS_BASE.
 */
#include "x86/control.h"

#include "tests/vmx/entry/rows.h"

enum { SYSENTER_ESP = 0x175, SYSENTER_EIP = 0x176, PAT = 0x277 };
#define EFER 0xC0000080
#define LSTAR 0xC0000082
#define FS_BASE 0xC0000100
#define GS_BASE 0xC0000101
#define KERNEL_GS_BASE 0xC0000102

/* No processor is known to have these; hypervisors have 4000_0000H. Not those that are only read:
 * Bochs 3.1 panics at a WRMSR. */
static const uint64_t unknown[] = { 0x900, 0x1FFF, 0xC00000FF, 0xC0001FFF };

static bool refuses_unknown(const struct model_machine *machine)
{
	for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++)
		if (!machine->msr_refuses((uint32_t)unknown[i], 0))
			return false;
	return true;
}

/* A value of EFER keeps it on: the paging of the host may need it. */
static bool has_nxe(const struct model_machine *machine)
{
	return machine->efer & EFER_NXE;
}

/* clang-format off */
#define AREA(count, position) SET(ENTRY_MSR_LOAD_COUNT, count), SET(MSR_LOAD_POSITION, position)
#define LOAD(msr) AREA(1, 1), SET(MSR_LOAD_INDEX, msr)
#define BYTE(n, type) ((uint64_t)(type) << 8 * (n))
#define PAT_RESET 0x0007040600070406

static const struct entry_row rows[] = {
	{ "msr.load.high", BASE_64, MSR_LOAD, WALK, WITH(AREA(1, 1)), .at = AT_MSR_LOAD_INDEX, .mask = 0xFFFFFFFF00000000 },
	{ "msr.load.high", BASE_64, MSR_LOAD, WALK, WITH(AREA(5, 3)), .at = AT_MSR_LOAD_INDEX, .mask = 0xFFFFFFFF00000000 },
	/* The number of the entry in the area, here and above, is msr.load.qualification, too. */
	{ "msr.load.base", BASE_64, MSR_LOAD, VALUES, WITH(AREA(1, 1)), .at = AT_MSR_LOAD_INDEX, LIST(FS_BASE, GS_BASE) },
	{ "msr.load.base", BASE_64, MSR_LOAD, VALUES, WITH(AREA(2, 2)), .at = AT_MSR_LOAD_INDEX, LIST(FS_BASE, GS_BASE) },
	{ "msr.load.base", BASE_64, MSR_LOAD, VALUES, WITH(AREA(512, 1)), .at = AT_MSR_LOAD_INDEX, LIST(FS_BASE, GS_BASE) },
	{ "msr.load.base", BASE_64, MSR_LOAD, VALUES, WITH(AREA(512, 512)), .at = AT_MSR_LOAD_INDEX, LIST(FS_BASE, GS_BASE) },
	{ "msr.load.base", BASE_64, ENTERS, ONE, WITH(LOAD(KERNEL_GS_BASE)) },
	/* TPR, EOI and two that are reserved. */
	{ "msr.load.x2apic", BASE_64, MSR_LOAD, VALUES, WITH(AREA(1, 1)), .at = AT_MSR_LOAD_INDEX,
	  LIST(0x800, 0x808, 0x80B, 0x8FF) },
	{ "msr.load.smm", BASE_64, MSR_LOAD, ONE, WITH(LOAD(0x9B)) },
	{ "msr.load.unknown", BASE_64, MSR_LOAD, VALUES, WITH(AREA(1, 1)), .at = AT_MSR_LOAD_INDEX,
	  .values = unknown, .count = ARRAY_SIZE(unknown), .needs.vmx = refuses_unknown,
	  .needs_text = "#GP at WRMSR to unknown MSRs" },
	{ "msr.load.value", BASE_64, MSR_LOAD, FIXED, WITH(LOAD(EFER), SET(MSR_LOAD_VALUE, 0xD00)), .at = AT_MSR_LOAD_VALUE,
	  .group = REGISTER_EFER, .needs.vmx = has_nxe, .needs_text = "IA32_EFER.NXE" },
	{ "msr.load.value", BASE_64, ENTERS, VALUES, WITH(LOAD(EFER), EXIT_ON(LOAD_EFER)), .at = AT_MSR_LOAD_VALUE,
	  LIST(0xD00, 0xD01), .needs.vmx = has_nxe, .needs_text = "IA32_EFER.NXE" },
	/* Two of the upper four entries, which no page uses. */
	{ "msr.load.value", BASE_64, MSR_LOAD, VALUES, WITH(LOAD(PAT), SET(MSR_LOAD_VALUE, PAT_RESET)), .at = AT_MSR_LOAD_VALUE,
	  .mask = BYTE(4, 0xFF), LIST(BYTE(4, 2), BYTE(4, 3), BYTE(4, 8), BYTE(4, 0x80)) },
	{ "msr.load.value", BASE_64, MSR_LOAD, VALUES, WITH(LOAD(PAT), SET(MSR_LOAD_VALUE, PAT_RESET)), .at = AT_MSR_LOAD_VALUE,
	  .mask = BYTE(7, 0xFF), LIST(BYTE(7, 2), BYTE(7, 3), BYTE(7, 8), BYTE(7, 0x80)) },
	{ "msr.load.value", BASE_64, ENTERS, VALUES, WITH(LOAD(PAT), EXIT_ON(LOAD_PAT), SET(MSR_LOAD_VALUE, PAT_RESET)),
	  .at = AT_MSR_LOAD_VALUE, .mask = 0xFFFFFFFF00000000, LIST(0x0007040600000000, 0x0501000700000000) },
	{ "msr.load.value", BASE_64, MSR_LOAD, NOT_CANONICAL, WITH(LOAD(LSTAR)), .at = AT_MSR_LOAD_VALUE },
	{ "msr.load.value", BASE_64, MSR_LOAD, NOT_CANONICAL, WITH(LOAD(SYSENTER_ESP)), .at = AT_MSR_LOAD_VALUE },
	{ "msr.load.value", BASE_64, MSR_LOAD, NOT_CANONICAL, WITH(LOAD(SYSENTER_EIP)), .at = AT_MSR_LOAD_VALUE },
	{ "msr.load.value", BASE_64, MSR_LOAD, NOT_CANONICAL, WITH(LOAD(KERNEL_GS_BASE)), .at = AT_MSR_LOAD_VALUE },
	{ "msr.load.value", BASE_64, ENTERS, CANONICAL, WITH(LOAD(SYSENTER_EIP)), .at = AT_MSR_LOAD_VALUE },
	{ "msr.load.value", BASE_64, ENTERS, CANONICAL, WITH(LOAD(KERNEL_GS_BASE)), .at = AT_MSR_LOAD_VALUE },
	/* IA32_BIOS_SIGN_ID; never the update itself. */
	{ "msr.load.ucode", BASE_64, REPORTED, ONE, WITH(LOAD(0x8B)) },
	{ "msr.load.lme", BASE_64, REPORTED, ONE, WITH(LOAD(EFER), SET(MSR_LOAD_VALUE, 0xC00)), .by_name = true,
	  .needs.vmx = has_nxe, .needs_text = "IA32_EFER.NXE" },
	/* The entry after the last one is not looked at. */
	{ "msr.load.count", BASE_64, ENTERS, PAIRS, WITH(SET(MSR_LOAD_INDEX, FS_BASE)), .at = AT_ENTRY_MSR_LOAD_COUNT,
	  .at2 = AT_MSR_LOAD_POSITION, LIST(0, 1, 1, 2, 5, 6) },
	{ "msr.load.count", BASE_64, ENTERS, ONE, WITH(AREA(2, 3), SET(MSR_LOAD_INDEX, 0x900)) },
	{ "msr.load.count", BASE_64, ENTERS, VALUES, .at = AT_ENTRY_MSR_LOAD_COUNT, LIST(1, 2, 512) },
	{ "msr.load.count", BASE_64, REPORTED, VALUES, .by_name = true, .at = AT_ENTRY_MSR_LOAD_COUNT, LIST(513) },
};
/* clang-format on */

const struct entry_section entry_msrs = { rows, ARRAY_SIZE(rows) };
