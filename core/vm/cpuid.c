#include "vm/cpuid.h"

#include "backend.h"
#include "vm/vm.h"

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
	uint32_t *out = vcpu->cpuid.out;

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
	vcpu->cpuid.leaf = leaf;
	vcpu->cpuid.subleaf = subleaf;
	vcpu->cpuid.known = true;
}

void vcpu_cpuid(struct vcpu *vcpu)
{
	if (vcpu_cpuid_quick(vcpu))
		return;
	cpuid_look_up(vcpu, (uint32_t)vcpu->regs.gpr[RAX], (uint32_t)vcpu->regs.gpr[RCX]);
	(void)vcpu_cpuid_quick(vcpu);
	/* A test that looks at every exit wants to see them all. */
	vcpu->cpuid.known = !vcpu->vm->on_exit;
}
