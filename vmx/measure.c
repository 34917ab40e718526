#include "vmx/measure.h"

#include "platform.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "vmx/insn.h"

enum { LEAF_FEATURES = 7, LEAF_PERFORMANCE = 0xA };
#define LEAF_WIDTHS 0x80000008u

/* Of CPUID leaf 7: where a feature is. */
enum {
	EBX_SGX = 1 << 2,
	EBX_RTM = 1 << 11,
	EBX_TRACING = 1 << 25,
	ECX_SHADOW_STACKS = 1 << 7,
	ECX_BUS_LOCK = 1 << 24,
	EDX_LAST_BRANCHES = 1 << 19,
	EDX_BRANCH_TRACKING = 1 << 20,
	EDX_SPEC_CTRL = 1 << 26 | 1 << 27, /* IBRS, STIBP */
	SUBLEAF_1_EAX_LAM = 1 << 26,
};
#define EDX_SSBD (1u << 31)

/* Bits that take effect at once and would disturb us, or that WRMSR treats in its own way. */
enum {
	RTIT_TRACE_EN = 1 << 0,
	LBR_EN = 1 << 0,
	DEBUGCTL_LOW = 0xFFFF,
	DEBUGCTL_TRACES = 0x7C0, /* TR, BTS, BTINT and what belongs to them: they write to memory */
};

/*
 * The bits of an MSR that WRMSR takes and that read back: those of .tried that are clear are tried
 * one by one. 0: there is no such MSR. Emulators may swallow writes of MSRs that they do not know.
 */
static uint64_t bits_taken(uint32_t msr, uint64_t tried)
{
	uint64_t before, taken, value;

	if (rdmsr_try(msr, &before) != STATUS_OK)
		return 0;
	taken = before;
	for (tried &= ~before; tried; tried &= tried - 1) {
		uint64_t bit = tried & -tried;

		if (wrmsr_try(msr, before | bit) != STATUS_OK)
			continue;
		if (rdmsr_try(msr, &value) == STATUS_OK && value & bit)
			taken |= bit;
		wrmsr(msr, before);
	}
	return taken;
}

static uint64_t performance_bits(void)
{
	const unsigned version = cpuid_or_zero(LEAF_PERFORMANCE, 0).eax & 0xFF;

	return version >= 2 ? bits_taken(IA32_PERF_GLOBAL_CTRL, ~0ull) : 0;
}

static void measure_msrs(struct model_machine *machine, const struct cpuid *features)
{
	uint64_t value;

	machine->efer = bits_taken(IA32_EFER, ~(uint64_t)(EFER_LME | EFER_LMA));
	machine->efer |= EFER_LME | EFER_LMA;
	machine->perf_global = performance_bits();
	machine->debugctl = bits_taken(IA32_DEBUGCTL, DEBUGCTL_LOW & ~DEBUGCTL_TRACES);
	if (features->ebx & EBX_TRACING && rdmsr_try(IA32_RTIT_CTL, &value) == STATUS_OK) {
		machine->tracing = value & RTIT_TRACE_EN;
		machine->rtit_ctl = RTIT_TRACE_EN;
		if (!machine->tracing)
			machine->rtit_ctl |= bits_taken(IA32_RTIT_CTL, ~(uint64_t)RTIT_TRACE_EN);
	}
	if (features->edx & EDX_LAST_BRANCHES)
		machine->lbr_ctl = bits_taken(IA32_LBR_CTL, ~(uint64_t)LBR_EN) | LBR_EN;
	if (features->edx & (EDX_SPEC_CTRL | EDX_SSBD))
		machine->spec_ctrl = bits_taken(IA32_SPEC_CTRL, ~0ull);
}

static void measure_features(struct model_machine *machine, const struct cpuid *features)
{
	const uint32_t widths = cpuid_or_zero(LEAF_WIDTHS, 0).eax;

	machine->physical_bits = widths & 0xFF;
	machine->linear_bits = widths >> 8 & 0xFF;
	machine->sgx = features->ebx & EBX_SGX;
	machine->rtm = features->ebx & EBX_RTM;
	machine->bus_lock = features->ecx & ECX_BUS_LOCK;
	machine->shadow_stacks = features->ecx & ECX_SHADOW_STACKS;
	machine->branch_tracking = features->edx & EDX_BRANCH_TRACKING;
	if (features->eax >= 1) /* the highest subleaf */
		machine->lam = cpuid(LEAF_FEATURES, 1).eax & SUBLEAF_1_EAX_LAM;
}

/* The 64-bit capability MSRs, of bits that may be 1; the groups have the low halves of them. */
static void measure_wide_controls(struct model_machine *machine)
{
	if (vmx_allows(GROUP_PRIMARY, CONTROL_MASK(PRIMARY_TERTIARY)))
		machine->tertiary = rdmsr(IA32_VMX_PROCBASED_CTLS3);
	if (vmx_allows(GROUP_EXIT, CONTROL_MASK(EXIT_SECONDARY)))
		machine->exit2 = rdmsr(IA32_VMX_EXIT_CTLS2);
	machine->controls[GROUP_TERTIARY] = machine->tertiary << 32;
	machine->controls[GROUP_EXIT2] = machine->exit2 << 32;
	if (vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_VM_FUNCTIONS)))
		machine->vm_functions = rdmsr(IA32_VMX_VMFUNC);
}

/*
 * WRMSR by trying it. IA32_EFER must stay in 64-bit mode and, with NXE, with our page tables: its
 * value is looked at; IA32_TIME_STAMP_COUNTER would lose time.
 */
static bool refuses(uint32_t msr, uint64_t value)
{
	uint64_t before;

	if (rdmsr_try(msr, &before) != STATUS_OK)
		return true;
	if (msr == IA32_TIME_STAMP_COUNTER)
		return false;
	if (msr == IA32_EFER) {
		if ((value ^ before) & EFER_LME)
			return true;
		value |= before;
	}
	if (wrmsr_try(msr, value) != STATUS_OK)
		return true;
	wrmsr(msr, before);
	return false;
}

void vmx_measure(struct model_machine *machine, const struct cpu *cpu)
{
	const struct vmx_cpu *part = cpu->arch;
	const struct cpuid features = cpuid_or_zero(LEAF_FEATURES, 0);

	*machine = (struct model_machine){
		.basic = vmx_caps.basic,
		.misc = vmx_caps.misc,
		.ept_vpid = vmx_caps.ept_vpid,
		.cr0_fixed0 = vmx_caps.cr0_fixed0,
		.cr0_fixed1 = vmx_caps.cr0_fixed1,
		.cr4_fixed0 = vmx_caps.cr4_fixed0,
		.cr4_fixed1 = vmx_caps.cr4_fixed1,
		.revision = (uint32_t)(vmx_caps.basic & 0x7FFFFFFF),
		.vmxon = physical(part->vmxon_region),
		.msr_refuses = refuses,
	};
	for (unsigned i = 0; i < GROUP_COUNT; i++)
		machine->controls[i] = vmx_caps.controls[i];
	measure_wide_controls(machine);
	measure_features(machine, &features);
	measure_msrs(machine, &features);
}
