/* The MSRs and CPUID leaves of a virtual CPU. All others raise #GP(0), as on a processor. */
#include "backend.h"
#include "platform.h"
#include "vm/run.h"
#include "vm/vm.h"

enum {
	IA32_TSC = 0x10,
	IA32_APIC_BASE = 0x1B,
	IA32_BIOS_SIGN_ID = 0x8B,
	IA32_MTRRCAP = 0xFE,
	IA32_MISC_ENABLE = 0x1A0,
	IA32_PAT = 0x277,
	IA32_TSC_DEADLINE = 0x6E0,
};

#define IA32_EFER 0xC0000080u

static bool read_zero(struct vcpu *vcpu, uint64_t *value)
{
	(void)vcpu;
	*value = 0;
	return true;
}

static bool read_tsc(struct vcpu *vcpu, uint64_t *value)
{
	(void)vcpu;
	*value = platform->clock();
	return true;
}

static bool read_base(struct vcpu *vcpu, uint64_t *value)
{
	*value = vcpu->apic.base;
	return true;
}

static bool write_base(struct vcpu *vcpu, uint64_t value)
{
	uint64_t before = vcpu->apic.base;

	if (!apic_set_base(&vcpu->apic, value))
		return false;
	vcpu->cpuid_known = false;
	if (apic_mode_of(before) != apic_mode_of(value))
		backend->apic_mode_changed(vcpu);
	return true;
}

static bool read_misc_enable(struct vcpu *vcpu, uint64_t *value)
{
	(void)vcpu;
	*value = 1; /* fast strings */
	return true;
}

static bool read_pat(struct vcpu *vcpu, uint64_t *value)
{
	backend->state_get(vcpu, &vcpu->regs);
	*value = vcpu->regs.pat;
	return true;
}

/* SDM vol. 3A, "IA32_PAT MSR": eight memory types, 2 and 3 are reserved. */
static bool write_pat(struct vcpu *vcpu, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t type = (uint8_t)(value >> i * 8);

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	backend->state_get(vcpu, &vcpu->regs);
	vcpu->regs.pat = value;
	vcpu->regs_changed = true;
	return true;
}

static bool read_efer(struct vcpu *vcpu, uint64_t *value)
{
	backend->state_get(vcpu, &vcpu->regs);
	*value = vcpu->regs.efer;
	return true;
}

/* LMA is read-only; LME does not change while paging is on: SDM vol. 3A, "IA-32e Mode". */
static bool write_efer(struct vcpu *vcpu, uint64_t value)
{
	const uint64_t writable = EFER_SCE | EFER_LME | EFER_NXE;

	backend->state_get(vcpu, &vcpu->regs);
	if (value & ~(writable | EFER_LMA))
		return false;
	if (vcpu->regs.cr0 & CR0_PG && (value ^ vcpu->regs.efer) & EFER_LME)
		return false;
	vcpu->regs.efer = (value & writable) | (vcpu->regs.efer & EFER_LMA);
	vcpu->regs_changed = true;
	return true;
}

static bool read_deadline(struct vcpu *vcpu, uint64_t *value)
{
	*value = vcpu->apic.tsc_deadline;
	return true;
}

static bool write_deadline(struct vcpu *vcpu, uint64_t value)
{
	uint64_t now = platform->clock();

	if (apic_timer_poll(&vcpu->apic, now)) /* the deadline before */
		vcpu->attention = true;
	apic_set_tsc_deadline(&vcpu->apic, value, now);
	return true;
}

static const struct {
	uint32_t msr;
	bool (*read)(struct vcpu *vcpu, uint64_t *value);
	bool (*write)(struct vcpu *vcpu, uint64_t value);
} msrs[] = {
	{ IA32_TSC, read_tsc, NULL },
	{ IA32_APIC_BASE, read_base, write_base },
	{ IA32_BIOS_SIGN_ID, read_zero, NULL },
	{ IA32_MTRRCAP, read_zero, NULL },
	{ IA32_MISC_ENABLE, read_misc_enable, NULL },
	{ IA32_PAT, read_pat, write_pat },
	{ IA32_TSC_DEADLINE, read_deadline, write_deadline },
	{ IA32_EFER, read_efer, write_efer },
};

bool vcpu_msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	if (msr >= 0x800 && msr <= 0x8FF)
		return apic_msr_read(&vcpu->apic, msr, platform->clock(), value);
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].msr == msr)
			return msrs[i].read(vcpu, value);
	return false;
}

bool vcpu_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].msr == msr)
			return msrs[i].write && msrs[i].write(vcpu, value);
	return false;
}

enum {
	/* Leaf 1 ECX */
	CPUID_MONITOR = 1 << 3,
	CPUID_VMX = 1 << 5,
	CPUID_SMX = 1 << 6,
	CPUID_X2APIC = 1 << 21,
	CPUID_TSC_DEADLINE = 1 << 24,
	CPUID_XSAVE = 1 << 26,
	CPUID_OSXSAVE = 1 << 27,
	/* Leaf 1 EDX: what this virtual CPU has no MSRs for */
	CPUID_MTRR = 1 << 12,
	CPUID_MCE = 1 << 7,
	CPUID_MCA = 1 << 14,
};

static void leaf_1(const struct vcpu *vcpu, uint32_t out[4])
{
	out[1] = (out[1] & 0x0000FFFF) | (uint32_t)vcpu->vm->vcpu_count << 16 | vcpu->apic.id << 24;
	out[2] &= ~(uint32_t)(CPUID_MONITOR | CPUID_VMX | CPUID_SMX | CPUID_OSXSAVE);
	out[2] |= CPUID_X2APIC | CPUID_TSC_DEADLINE | 1u << 31;
	if (vcpu->regs.cr4 & CR4_OSXSAVE)
		out[2] |= CPUID_OSXSAVE;
	out[3] &= ~(uint32_t)(CPUID_MTRR | CPUID_MCE | CPUID_MCA);
	if (apic_mode(&vcpu->apic) == APIC_DISABLED)
		out[3] &= ~(1u << 9); /* the APIC flag follows IA32_APIC_BASE.EN */
}

/* One core a package would need 32 id bits for the package; we show one level of cores. */
static void leaf_0b(const struct vcpu *vcpu, uint32_t subleaf, uint32_t out[4])
{
	out[0] = subleaf == 1 ? 16 : 0;
	out[1] = subleaf == 0 ? 1 : subleaf == 1 ? vcpu->vm->vcpu_count : 0;
	out[2] = (subleaf & 0xFF) | (subleaf == 0 ? 0x100 : subleaf == 1 ? 0x200 : 0);
	out[3] = vcpu->apic.id;
}

static NOINLINE void cpuid_look_up(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf)
{
	uint32_t *out = vcpu->cpuid_out;

	backend->cpuid(leaf, subleaf, out);
	if (leaf == 1) {
		leaf_1(vcpu, out);
	} else if (leaf == 0xB || leaf == 0x1F) {
		leaf_0b(vcpu, subleaf, out);
	} else if (leaf == 0x40000000) {
		out[0] = leaf;
		out[1] = 0x61737341; /* "AssayAssayAs" */
		out[2] = 0x73734179;
		out[3] = 0x73417961;
	}
	vcpu->cpuid_leaf = leaf;
	vcpu->cpuid_subleaf = subleaf;
	vcpu->cpuid_known = true;
}

void vcpu_cpuid(struct vcpu *vcpu)
{
	if (vcpu_cpuid_quick(vcpu))
		return;
	cpuid_look_up(vcpu, (uint32_t)vcpu->regs.gpr[RAX], (uint32_t)vcpu->regs.gpr[RCX]);
	(void)vcpu_cpuid_quick(vcpu);
	/* A test that looks at every exit wants to see them all. */
	vcpu->cpuid_known = !vcpu->vm->on_exit;
}
