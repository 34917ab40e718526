/* SDM vol. 3C, "Checks on VMX Controls": bitmaps, counts, addresses and EPTP. With GUEST_RFLAGS 0
 * none of them is used, if they are accepted; but the MSRs to load at an exit are. */
#include "tests/vmx/entry/rows.h"

#define S(name) SECONDARY_BIT(name)

static bool has_4_targets(const struct model_machine *machine)
{
	return (machine->misc >> 16 & 0x1FF) == 4;
}

static bool may_switch_eptp(const struct model_machine *machine)
{
	return machine->vm_functions & 1;
}

/* IA32_VMX_EPT_VPID_CAP: memory types 0 and 6, 4 and 5 levels, accessed and dirty flags,
 * supervisor shadow-stack control. */
#define CAPABILITY(name, bit)                                                                      \
	static bool has_##name(const struct model_machine *machine)                                \
	{                                                                                          \
		return machine->ept_vpid & BIT(bit);                                               \
	}                                                                                          \
	static bool lacks_##name(const struct model_machine *machine)                              \
	{                                                                                          \
		return !(machine->ept_vpid & BIT(bit));                                            \
	}
CAPABILITY(walk_4, 6)
CAPABILITY(walk_5, 7)
CAPABILITY(type_uc, 8)
CAPABILITY(type_wb, 14)
CAPABILITY(flags, 21)
CAPABILITY(shadow_stacks, 23)

#define IF(condition, text) .needs.vmx = condition, .needs_text = text
#define FUNCTION_0 IF(may_switch_eptp, "EPTP switching")

/* An address of a page: bad ones if the control is on, good ones, and whatever if it is off. */
#define PAGES(rule, field, on, off)                                                                \
	{ rule, BASE_CONTROLS, FAILS_7, PAGE, WITH(on), .at = AT_##field },                        \
		{ rule, BASE_CONTROLS, PASSES, ONE, WITH(on) },                                    \
	{                                                                                          \
		rule, BASE_CONTROLS, PASSES, PAGE, WITH(off), .at = AT_##field                     \
	}

#define BY_SHADOW SECONDARY_ON(VMCS_SHADOWING)
#define BY_FUNCTIONS SECONDARIES_ON(S(VM_FUNCTIONS) | S(EPT))
#define BY_HLAT TERTIARY_ON(HLAT), SECONDARY_ON(EPT)
#define BY_IPI PRIMARY_ON(TPR_SHADOW), TERTIARY_ON(IPI_VIRTUALIZATION)
#define OFF(name) PRIMARY_ON(SECONDARY), SECONDARY_OFF(name)
#define BY_EPT SECONDARY_ON(EPT)

/* clang-format off */
static const struct entry_row rows[] = {
	{ "ctl.cr3_target", BASE_CONTROLS, PASSES, RANGES, .at = AT_CR3_TARGET_COUNT, LIST(0, 4),
	  IF(has_4_targets, "4 CR3-target values") },
	{ "ctl.cr3_target", BASE_CONTROLS, FAILS_7, VALUES, .at = AT_CR3_TARGET_COUNT,
	  LIST(5, 8, 0x100, 0x104, 0x80000004, 0xFFFFFFFF), IF(has_4_targets, "4 CR3-target values") },
	/* IA32_VMX_MISC has 9 bits for the number. */
	{ "ctl.cr3_target", BASE_CONTROLS, FAILS_7, WALK, .at = AT_CR3_TARGET_COUNT, .mask = 0xFFFFFE00 },

	PAGES("ctl.io_bitmap.a", IO_BITMAP_A, PRIMARY_ON(IO_BITMAPS), PRIMARY_OFF(IO_BITMAPS)),
	PAGES("ctl.io_bitmap.b", IO_BITMAP_B, PRIMARY_ON(IO_BITMAPS), PRIMARY_OFF(IO_BITMAPS)),
	{ "ctl.io_bitmap.a", BASE_64, ENTERS, ONE, WITH(PRIMARY_ON(IO_BITMAPS)) },
	PAGES("ctl.msr_bitmap", MSR_BITMAP, PRIMARY_ON(MSR_BITMAPS), PRIMARY_OFF(MSR_BITMAPS)),
	{ "ctl.msr_bitmap", BASE_64, ENTERS, ONE, WITH(PRIMARY_ON(MSR_BITMAPS)) },
	PAGES("ctl.vapic", VIRTUAL_APIC_ADDRESS, PRIMARY_ON(TPR_SHADOW), PRIMARY_OFF(TPR_SHADOW)),
	{ "ctl.vapic", BASE_64, ENTERS, ONE, WITH(PRIMARY_ON(TPR_SHADOW)) },
	PAGES("ctl.apic_access", APIC_ACCESS_ADDRESS, SECONDARY_ON(APIC_ACCESSES), OFF(APIC_ACCESSES)),
	PAGES("ctl.vmread_bitmap", VMREAD_BITMAP, BY_SHADOW, OFF(VMCS_SHADOWING)),
	PAGES("ctl.vmread_bitmap", VMWRITE_BITMAP, BY_SHADOW, OFF(VMCS_SHADOWING)),
	PAGES("ctl.ve_info", VE_INFORMATION_ADDRESS, SECONDARIES_ON(S(EPT_VE) | S(EPT)), OFF(EPT_VE)),
	PAGES("ctl.pml.address", PML_ADDRESS, SECONDARIES_ON(S(PML) | S(EPT)), OFF(PML)),
	{ "ctl.eptp_list", BASE_CONTROLS, FAILS_7, PAGE, WITH(BY_FUNCTIONS, SET(VM_FUNCTION_CONTROLS, 1)),
	  .at = AT_EPTP_LIST_ADDRESS, FUNCTION_0 },
	{ "ctl.eptp_list", BASE_CONTROLS, PASSES, ONE, WITH(BY_FUNCTIONS, SET(VM_FUNCTION_CONTROLS, 1)), FUNCTION_0 },
	{ "ctl.eptp_list", BASE_CONTROLS, PASSES, PAGE, WITH(BY_FUNCTIONS, SET(VM_FUNCTION_CONTROLS, 0)),
	  .at = AT_EPTP_LIST_ADDRESS, FUNCTION_0 },
	{ "ctl.eptp_list", BASE_CONTROLS, PASSES, PAGE, WITH(OFF(VM_FUNCTIONS), SET(VM_FUNCTION_CONTROLS, 1)),
	  .at = AT_EPTP_LIST_ADDRESS, FUNCTION_0 },
	PAGES("ctl.spptp", SPP_TABLE_POINTER, SECONDARIES_ON(S(SPP) | S(EPT)), OFF(SPP)),
	PAGES("ctl.pasid", LOW_PASID_DIRECTORY, SECONDARY_ON(PASID), OFF(PASID)),
	PAGES("ctl.pasid", HIGH_PASID_DIRECTORY, SECONDARY_ON(PASID), OFF(PASID)),
	{ "ctl.hlat", BASE_CONTROLS, FAILS_7, WALK, WITH(BY_HLAT), .at = AT_HLAT_POINTER, .mask = 0xFE7 },
	{ "ctl.hlat", BASE_CONTROLS, FAILS_7, WIDTH, WITH(BY_HLAT), .at = AT_HLAT_POINTER },
	{ "ctl.hlat", BASE_CONTROLS, PASSES, VALUES, WITH(BY_HLAT), .at = AT_HLAT_POINTER, .mask = 0x18, LIST(0, 8, 16, 24) },
	{ "ctl.hlat", BASE_CONTROLS, PASSES, PAGE, WITH(BY_HLAT, CLR(TERTIARY_CONTROLS, CONTROL_MASK(TERTIARY_HLAT))),
	  .at = AT_HLAT_POINTER },
	{ "ctl.hlat", BASE_CONTROLS, PASSES, PAGE, WITH(BY_HLAT, PRIMARY_OFF(TERTIARY)), .at = AT_HLAT_POINTER },
	{ "ctl.pid_table", BASE_CONTROLS, FAILS_7, WALK, WITH(BY_IPI), .at = AT_PID_POINTER_TABLE, .mask = 7 },
	{ "ctl.pid_table", BASE_CONTROLS, FAILS_7, WIDTH, WITH(BY_IPI), .at = AT_PID_POINTER_TABLE },
	/* The last entry is the first beyond the width, the first is the last within. */
	{ "ctl.pid_table", BASE_CONTROLS, FAILS_7, BELOW, WITH(BY_IPI, SET(LAST_PID_POINTER_INDEX, 1)),
	  .at = AT_PID_POINTER_TABLE, LIST(8) },
	{ "ctl.pid_table", BASE_CONTROLS, FAILS_7, BELOW, WITH(BY_IPI, SET(LAST_PID_POINTER_INDEX, 0xFFFF)),
	  .at = AT_PID_POINTER_TABLE, LIST(0x7FFF8, 0x1000, 8) },
	{ "ctl.pid_table", BASE_CONTROLS, PASSES, WALK, WITH(BY_IPI), .at = AT_PID_POINTER_TABLE, .mask = 0xFF8 },
	{ "ctl.pid_table", BASE_CONTROLS, PASSES, VALUES, WITH(BY_IPI), .at = AT_LAST_PID_POINTER_INDEX, LIST(0, 511) },
	{ "ctl.pid_table", BASE_CONTROLS, PASSES, PAGE, WITH(BY_IPI, PRIMARY_OFF(TERTIARY)), .at = AT_PID_POINTER_TABLE },

	{ "ctl.msr.entry_load", BASE_CONTROLS, FAILS_7, WALK, WITH(SET(ENTRY_MSR_LOAD_COUNT, 1)),
	  .at = AT_ENTRY_MSR_LOAD_ADDRESS, .mask = 15 },
	{ "ctl.msr.entry_load", BASE_CONTROLS, FAILS_7, WIDTH, WITH(SET(ENTRY_MSR_LOAD_COUNT, 1)), .at = AT_ENTRY_MSR_LOAD_ADDRESS },
	{ "ctl.msr.entry_load", BASE_CONTROLS, FAILS_7, BELOW, WITH(SET(ENTRY_MSR_LOAD_COUNT, 2)),
	  .at = AT_ENTRY_MSR_LOAD_ADDRESS, LIST(16) },
	{ "ctl.msr.entry_load", BASE_CONTROLS, FAILS_7, BELOW, WITH(SET(ENTRY_MSR_LOAD_COUNT, 512)),
	  .at = AT_ENTRY_MSR_LOAD_ADDRESS, LIST(16, 0x1000, 0x1FF0) },
	/* 16 times the count has 33 bits. */
	{ "ctl.msr.entry_load.wrap", BASE_CONTROLS, FAILS_7, BELOW, WITH(SET(ENTRY_MSR_LOAD_COUNT, 0x10000001)),
	  .at = AT_ENTRY_MSR_LOAD_ADDRESS, LIST(0x100000000) },
	{ "ctl.msr.entry_load", BASE_CONTROLS, PASSES, VALUES, .at = AT_ENTRY_MSR_LOAD_COUNT, LIST(1, 512) },
	{ "ctl.msr.entry_load", BASE_CONTROLS, PASSES, WALK, WITH(SET(ENTRY_MSR_LOAD_COUNT, 1)),
	  .at = AT_ENTRY_MSR_LOAD_ADDRESS, .mask = 0xFF0 },
	{ "ctl.msr.entry_load", BASE_CONTROLS, PASSES, PAGE, WITH(SET(ENTRY_MSR_LOAD_COUNT, 0)), .at = AT_ENTRY_MSR_LOAD_ADDRESS },
	{ "ctl.msr.exit_store", BASE_CONTROLS, FAILS_7, WALK, WITH(SET(EXIT_MSR_STORE_COUNT, 1)),
	  .at = AT_EXIT_MSR_STORE_ADDRESS, .mask = 15 },
	{ "ctl.msr.exit_store", BASE_CONTROLS, FAILS_7, WIDTH, WITH(SET(EXIT_MSR_STORE_COUNT, 1)), .at = AT_EXIT_MSR_STORE_ADDRESS },
	{ "ctl.msr.exit_store", BASE_CONTROLS, FAILS_7, BELOW, WITH(SET(EXIT_MSR_STORE_COUNT, 2)),
	  .at = AT_EXIT_MSR_STORE_ADDRESS, LIST(16) },
	{ "ctl.msr.exit_store", BASE_CONTROLS, FAILS_7, BELOW, WITH(SET(EXIT_MSR_STORE_COUNT, 512)),
	  .at = AT_EXIT_MSR_STORE_ADDRESS, LIST(16, 0x1000, 0x1FF0) },
	{ "ctl.msr.exit_store.wrap", BASE_CONTROLS, FAILS_7, BELOW, WITH(SET(EXIT_MSR_STORE_COUNT, 0x10000001)),
	  .at = AT_EXIT_MSR_STORE_ADDRESS, LIST(0x100000000) },
	{ "ctl.msr.exit_store", BASE_CONTROLS, PASSES, VALUES, .at = AT_EXIT_MSR_STORE_COUNT, LIST(1, 256) },
	{ "ctl.msr.exit_store", BASE_CONTROLS, PASSES, WALK, WITH(SET(EXIT_MSR_STORE_COUNT, 1)),
	  .at = AT_EXIT_MSR_STORE_ADDRESS, .mask = 0xFF0 },
	{ "ctl.msr.exit_store", BASE_CONTROLS, PASSES, PAGE, WITH(SET(EXIT_MSR_STORE_COUNT, 0)), .at = AT_EXIT_MSR_STORE_ADDRESS },
	/* A bad area that is accepted is a VMX abort. */
	{ "ctl.msr.exit_load", BASE_CONTROLS, FAILS_7, WALK, .last = true, WITH(SET(EXIT_MSR_LOAD_COUNT, 1)),
	  .at = AT_EXIT_MSR_LOAD_ADDRESS, .mask = 15 },
	{ "ctl.msr.exit_load", BASE_CONTROLS, FAILS_7, WIDTH, .last = true, WITH(SET(EXIT_MSR_LOAD_COUNT, 1)),
	  .at = AT_EXIT_MSR_LOAD_ADDRESS },
	{ "ctl.msr.exit_load", BASE_CONTROLS, FAILS_7, BELOW, .last = true, WITH(SET(EXIT_MSR_LOAD_COUNT, 2)),
	  .at = AT_EXIT_MSR_LOAD_ADDRESS, LIST(16) },
	{ "ctl.msr.exit_load", BASE_CONTROLS, FAILS_7, BELOW, .last = true, WITH(SET(EXIT_MSR_LOAD_COUNT, 512)),
	  .at = AT_EXIT_MSR_LOAD_ADDRESS, LIST(16, 0x1000, 0x1FF0) },
	{ "ctl.msr.exit_load.wrap", BASE_CONTROLS, FAILS_7, BELOW, .last = true, .by_name = true,
	  WITH(SET(EXIT_MSR_LOAD_COUNT, 0x10000001)), .at = AT_EXIT_MSR_LOAD_ADDRESS, LIST(0x100000000) },
	{ "ctl.msr.exit_load", BASE_CONTROLS, PASSES, VALUES, .at = AT_EXIT_MSR_LOAD_COUNT, LIST(1, 512) },
	{ "ctl.msr.exit_load", BASE_CONTROLS, PASSES, WALK, WITH(SET(EXIT_MSR_LOAD_COUNT, 1)),
	  .at = AT_EXIT_MSR_LOAD_ADDRESS, .mask = 0xFF0 },
	{ "ctl.msr.exit_load", BASE_CONTROLS, PASSES, PAGE, WITH(SET(EXIT_MSR_LOAD_COUNT, 0)), .at = AT_EXIT_MSR_LOAD_ADDRESS },
	/* More than any processor recommends: undefined, up to a machine check. */
	{ "ctl.msr.count", BASE_CONTROLS, REPORTED, VALUES, .last = true, .by_name = true, .at = AT_EXIT_MSR_STORE_COUNT, LIST(4097) },

	{ "ctl.eptp.type", BASE_CONTROLS, FAILS_7, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 7, LIST(1, 2, 3, 4, 5, 7) },
	{ "ctl.eptp.type", BASE_CONTROLS, FAILS_7, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 7, LIST(0),
	  IF(lacks_type_uc, "no uncacheable EPT") },
	{ "ctl.eptp.type", BASE_CONTROLS, FAILS_7, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 7, LIST(6),
	  IF(lacks_type_wb, "no write-back EPT") },
	{ "ctl.eptp.type", BASE_CONTROLS, PASSES, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 7, LIST(0),
	  IF(has_type_uc, "uncacheable EPT") },
	{ "ctl.eptp.type", BASE_CONTROLS, PASSES, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 7, LIST(6),
	  IF(has_type_wb, "write-back EPT") },
	{ "ctl.eptp.type", BASE_CONTROLS, PASSES, RANGES, WITH(OFF(EPT)), .at = AT_EPT_POINTER, .mask = 7, LIST(0, 7) },
	{ "ctl.eptp.type", BASE_64, ENTERS, ONE, WITH(BY_EPT) },
	{ "ctl.eptp.walk", BASE_CONTROLS, FAILS_7, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 0x38,
	  LIST(0, 8, 0x10, 0x28, 0x30, 0x38) },
	{ "ctl.eptp.walk", BASE_CONTROLS, FAILS_7, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 0x38, LIST(0x20),
	  IF(lacks_walk_5, "no EPT of 5 levels") },
	{ "ctl.eptp.walk", BASE_CONTROLS, FAILS_7, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 0x38, LIST(0x18),
	  IF(lacks_walk_4, "no EPT of 4 levels") },
	{ "ctl.eptp.walk", BASE_CONTROLS, PASSES, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 0x38, LIST(0x20),
	  IF(has_walk_5, "EPT of 5 levels") },
	{ "ctl.eptp.walk", BASE_CONTROLS, PASSES, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 0x38, LIST(0x18),
	  IF(has_walk_4, "EPT of 4 levels") },
	{ "ctl.eptp.ad", BASE_CONTROLS, FAILS_7, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 0x40, LIST(0x40),
	  IF(lacks_flags, "no accessed and dirty flags of EPT") },
	{ "ctl.eptp.ad", BASE_CONTROLS, PASSES, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 0x40, LIST(0, 0x40),
	  IF(has_flags, "accessed and dirty flags of EPT") },
	{ "ctl.eptp.sss", BASE_CONTROLS, FAILS_7, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 0x80, LIST(0x80),
	  IF(lacks_shadow_stacks, "no supervisor shadow-stack control of EPT") },
	{ "ctl.eptp.sss", BASE_CONTROLS, PASSES, VALUES, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 0x80, LIST(0, 0x80),
	  IF(has_shadow_stacks, "supervisor shadow-stack control of EPT") },
	{ "ctl.eptp.reserved", BASE_CONTROLS, FAILS_7, WALK, WITH(BY_EPT), .at = AT_EPT_POINTER, .mask = 0xF00 },
	{ "ctl.eptp.reserved", BASE_CONTROLS, FAILS_7, WIDTH, WITH(BY_EPT), .at = AT_EPT_POINTER },
	{ "ctl.eptp.reserved", BASE_CONTROLS, PASSES, PAGE, WITH(OFF(EPT)), .at = AT_EPT_POINTER },
};
/* clang-format on */

const struct entry_section entry_control_addresses = { rows, ARRAY_SIZE(rows) };
