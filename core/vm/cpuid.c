#include "vm/cpuid.h"

#include "backend.h"
#include "vm/vm.h"
#include "x86/cpuid.h"

static void leaf_1(const struct vcpu *vcpu, uint32_t out[4])
{
	out[1] = (out[1] & 0x0000FFFF) | (uint32_t)vcpu->vm->vcpu_count << 16 | vcpu->apic.id << 24;
	out[2] &= ~(uint32_t)(CPUID_1_ECX_MONITOR | CPUID_1_ECX_VMX | CPUID_1_ECX_SMX |
			      CPUID_1_ECX_OSXSAVE);
	out[2] |= CPUID_1_ECX_X2APIC | CPUID_1_ECX_TSC_DEADLINE | CPUID_1_ECX_HYPERVISOR;
	if (vcpu->regs.cr4 & CR4_OSXSAVE)
		out[2] |= CPUID_1_ECX_OSXSAVE;
	out[3] &= ~(uint32_t)(CPUID_1_EDX_MTRR | CPUID_1_EDX_MCE | CPUID_1_EDX_MCA);
	if (apic_mode(&vcpu->apic) == APIC_DISABLED)
		out[3] &= ~(uint32_t)CPUID_1_EDX_APIC; /* the APIC flag follows IA32_APIC_BASE.EN */
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
	} else if (leaf == 0x80000001) {
		out[2] &= ~(uint32_t)(CPUID_80000001_ECX_SVM | CPUID_80000001_ECX_SKINIT);
	} else if (leaf == 0x8000000A) { /* SVM's own */
		__builtin_memset(out, 0, sizeof(vcpu->cpuid.out));
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
