#include "tests/host/fake/entry_machines.h"

#include "tests/host/fake/host_test.h"

/* WRMSR as the machines of the tests have it. */
static bool refuses(uint32_t msr, uint64_t value)
{
	if (msr >> 8 == 8) /* x2APIC */
		fail_msg("the model writes MSR %x", msr);
	switch (msr) {
	case 0x79:	 /* IA32_BIOS_UPDT_TRIG */
	case 0x8B:	 /* IA32_BIOS_SIGN_ID */
	case 0x9B:	 /* IA32_SMM_MONITOR_CTL */
	case 0xC0000100: /* IA32_FS_BASE */
	case 0xC0000101: /* IA32_GS_BASE */
		fail_msg("the model writes MSR %x", msr);
		return true;
	case 0xC0000080: /* IA32_EFER */
		return value & ~0xD01ull;
	case 0x277: /* IA32_PAT: 2, 3 and above 7 are reserved */
		for (unsigned i = 0; i < 64; i += 8) {
			uint8_t type = (uint8_t)(value >> i);

			if (type > 7 || type == 2 || type == 3)
				return true;
		}
		return false;
	case 0x174: /* IA32_SYSENTER_CS, _ESP, _EIP */
		return false;
	case 0x175:
	case 0x176:
	case 0xC0000082: /* IA32_LSTAR */
	case 0xC0000102: /* IA32_KERNEL_GS_BASE */
		return (uint64_t)((int64_t)(value << 16) >> 16) != value;
	default:
		return true;
	}
}

#define HOST(cr4)                                                                                  \
	{                                                                                          \
		.value = {                                                                         \
			[AT_HOST_CR0] = 0x80050033,                                                \
			[AT_HOST_CR3] = 0x1000000,                                                 \
			[AT_HOST_CR4] = cr4,                                                       \
			[AT_HOST_CS_SELECTOR] = 0x08,                                              \
			[AT_HOST_SS_SELECTOR] = 0x10,                                              \
			[AT_HOST_DS_SELECTOR] = 0x10,                                              \
			[AT_HOST_ES_SELECTOR] = 0x10,                                              \
			[AT_HOST_FS_SELECTOR] = 0x10,                                              \
			[AT_HOST_GS_SELECTOR] = 0x10,                                              \
			[AT_HOST_TR_SELECTOR] = 0xFF0,                                             \
			[AT_HOST_TR_BASE] = 0x1200000,                                             \
			[AT_HOST_GDTR_BASE] = 0x1201000,                                           \
			[AT_HOST_IDTR_BASE] = 0x1202000,                                           \
			[AT_HOST_GS_BASE] = 0x1203000,                                             \
			[AT_HOST_IA32_PAT] = 0x0007040600070406,                                   \
			[AT_HOST_IA32_EFER] = 0xD00,                                               \
			[AT_HOST_RSP] = 0x1210000,                                                 \
			[AT_HOST_RIP] = 0x1300000,                                                 \
		}                                                                                  \
	}

#define COMMON                                                                                     \
	.revision = 0x12, .vmxon = 0x1400000, .current = 0x1401000, .efer = 0x801,                 \
	.cr0_fixed0 = 0x80000021, .cr0_fixed1 = 0xFFFFFFFF, .cr4_fixed0 = 0x2000,                  \
	.msr_refuses = refuses

const struct entry_machine entry_machines[] = {
	/* As Bochs's corei7_skylake_x. */
	{ "skylake",
	  { .host = HOST(0x42660),
	    .pages = 0x1500000,
	    .eptp = 0x160001E,
	    .cr3_64 = 0x1000000,
	    .machine = { COMMON, .basic = 0x00D8100000000012 | BIT(54) | BIT(55),
			 .misc = 0x7004C1E0ull | BIT(29) | BIT(30), .ept_vpid = 0xF0106734141,
			 .vm_functions = 1, .cr4_fixed1 = 0x3767FF, .physical_bits = 40,
			 .linear_bits = 48,
			 .controls = { [GROUP_PIN] = 0x000000FF00000016,
				       [GROUP_PRIMARY] = 0xFFF9FFFE04006172,
				       [GROUP_SECONDARY] = 0x02377FFF00000000,
				       [GROUP_EXIT] = 0x007FFFFF00036DFB,
				       [GROUP_ENTRY] = 0x0000FFFF000011FB } } } },
	/* As its core2_penryn_t9600: no secondary controls, default settings. */
	{ "penryn",
	  { .host = HOST(0x2660),
	    .pages = 0x1500000,
	    .cr3_64 = 0x1000000,
	    .machine = { COMMON, .basic = 0x0018040000000012 | BIT(54), .misc = 0x000401C0,
			 .cr4_fixed1 = 0x27FF, .physical_bits = 36, .linear_bits = 48,
			 .controls = { [GROUP_PIN] = 0x0000003F00000016,
				       [GROUP_PRIMARY] = 0x77F9FFFE0401E172,
				       [GROUP_EXIT] = 0x0003FFFF00036DFF,
				       [GROUP_ENTRY] = 0x00003FFF000011FF } } } },
	/* 48-bit addresses, CET whose branch tracking CPUID hides, controls that load it. */
	{ "half of CET",
	  { .host = HOST(0x42660),
	    .pages = 0x1500000,
	    .eptp = 0x160001E,
	    .cr3_64 = 0x1000000,
	    .machine = { COMMON, .basic = 0x00D8100000000012 | BIT(54) | BIT(55) | BIT(56),
			 .misc = 0x7004C1E0ull | BIT(29) | BIT(30), .ept_vpid = 0xF0106734141,
			 .vm_functions = 1, .cr4_fixed1 = 0xBF67FF, .physical_bits = 39,
			 .linear_bits = 48, .perf_global = 0xF000000FF, .debugctl = 0x9FC3,
			 .shadow_stacks = true,
			 .controls = { [GROUP_PIN] = 0x000000FF00000016,
				       [GROUP_PRIMARY] = 0xFFF9FFFE04006172,
				       [GROUP_SECONDARY] = 0x02377FFF00000000,
				       [GROUP_EXIT] = 0x107FFFFF00036DFB,
				       [GROUP_ENTRY] = 0x0010FFFF000011FB } } } },
	/* What every processor has with 64-bit mode: no activity state but the active one, no
	 * secondary controls, no virtual NMIs, no preemption timer. */
	{ "bare",
	  { .host = HOST(0x2660),
	    .pages = 0x1500000,
	    .cr3_64 = 0x1000000,
	    .machine = { COMMON, .basic = 0x0018040000000012 | BIT(54), .misc = 0x00040000,
			 .cr4_fixed1 = 0x27FF, .physical_bits = 36, .linear_bits = 48,
			 .controls = { [GROUP_PIN] = 0x0000001F00000016,
				       [GROUP_PRIMARY] = 0x0401E1F20401E172,
				       [GROUP_EXIT] = 0x00036FFF00036DFF,
				       [GROUP_ENTRY] = 0x000013FF000011FF } } } },
	/* A first EPT: one memory type, no accessed and dirty flags, no functions; with Intel PT
	 * on. */
	{ "tracing",
	  { .host = HOST(0x42660),
	    .pages = 0x1500000,
	    .eptp = 0x160001E,
	    .cr3_64 = 0x1000000,
	    .machine = { COMMON, .basic = 0x00D8100000000012 | BIT(54) | BIT(55),
			 .misc = 0x3004C1E0ull, .ept_vpid = 0xF0106514040, .cr4_fixed1 = 0x3767FF,
			 .physical_bits = 52, .linear_bits = 48, .rtit_ctl = 0x3F7F,
			 .tracing = true,
			 .controls = { [GROUP_PIN] = 0x0000007F00000016,
				       [GROUP_PRIMARY] = 0xFFF9FFFE04006172,
				       [GROUP_SECONDARY] = 0x012820FF00000000,
				       [GROUP_EXIT] = 0x03FFFFFF00036DFB,
				       [GROUP_ENTRY] = 0x0007FFFF000011FB } } } },
	/* Everything that the SDM names: all controls, 57-bit addresses, CET, PKS, FRED. */
	{ "everything",
	  { .host = HOST(0x42660),
	    .pages = 0x1500000,
	    .eptp = 0x160001E,
	    .cr3_64 = 0x1000000,
	    .machine = { COMMON,
			 .basic = 0x00D8100000000012 | BIT(54) | BIT(55) | BIT(56),
			 .misc = 0x7004C1E0ull | BIT(29) | BIT(30),
			 .ept_vpid = 0xF0106F341C1 | BIT(6) | BIT(7) | BIT(21) | BIT(22) | BIT(23),
			 .vm_functions = 1,
			 .cr4_fixed1 = 0x1FFFFFFFF,
			 .physical_bits = 46,
			 .linear_bits = 57,
			 .tertiary = 0xFF,
			 .exit2 = 0xF,
			 .perf_global = 0x70000000F,
			 .debugctl = 0x9FC3,
			 .rtit_ctl = 0x3F7F,
			 .lbr_ctl = 0x7F000F,
			 .spec_ctrl = 7,
			 .lam = true,
			 .rtm = true,
			 .bus_lock = true,
			 .sgx = true,
			 .shadow_stacks = true,
			 .branch_tracking = true,
			 .controls = { [GROUP_PIN] = 0x000000FF00000016,
				       [GROUP_PRIMARY] = 0xFFFBFFFE04006172,
				       [GROUP_SECONDARY] = 0xFFFFFFFF00000000,
				       [GROUP_TERTIARY] = 0x000000FF00000000,
				       [GROUP_EXIT] = 0xFFFFFFFF00036DFB,
				       [GROUP_EXIT2] = 0x0000000F00000000,
				       [GROUP_ENTRY] = 0x01FFFFFF000011FB } } } },
};

const unsigned entry_machine_count = ARRAY_SIZE(entry_machines);
