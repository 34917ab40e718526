/* A guest's registers and the state save area: APM vol. 2, "State Saved in the VMCB". */
#include "x86/insn.h"

#include "svm/quirks.h"
#include "svm/svm.h"

/* Rows of the state save area: ES CS SS DS FS GS, GDTR, LDTR, IDTR, TR, 16 bytes each. */
static const uint16_t segment_offset[SEGMENTS] = { 0x400, 0x410, 0x420, 0x430,
						   0x440, 0x450, 0x470, 0x490 };

enum {
	ATTRIBUTE = 2,
	LIMIT = 4,
	BASE = 8,
	RIGHTS_PRESENT = 1 << 7,
	RIGHTS_DPL = 3 << 5,
	RIGHTS_UNUSABLE = 1 << 16,
};

/* A null segment is one that is not present. */
static void segment_get(const struct vmcb *vmcb, unsigned i, struct segment_state *segment)
{
	const unsigned at = segment_offset[i];

	segment->selector = (uint16_t)vmcb_get(vmcb, VMCB_ENCODING(at, 2u));
	segment->rights = vmcb_rights(vmcb_get(vmcb, VMCB_ENCODING(at + ATTRIBUTE, 2u)));
	segment->limit = (uint32_t)vmcb_get(vmcb, VMCB_ENCODING(at + LIMIT, 4u));
	segment->base = vmcb_get(vmcb, VMCB_ENCODING(at + BASE, 8u));
	if (!(segment->rights & RIGHTS_PRESENT))
		segment->rights |= RIGHTS_UNUSABLE;
}

static void segment_set(struct vmcb *vmcb, unsigned i, const struct segment_state *segment)
{
	const unsigned at = segment_offset[i];
	const bool null = segment->rights & RIGHTS_UNUSABLE;

	vmcb_set(vmcb, VMCB_ENCODING(at, 2u), segment->selector);
	vmcb_set(vmcb, VMCB_ENCODING(at + ATTRIBUTE, 2u),
		 null ? 0u : vmcb_attributes(segment->rights));
	vmcb_set(vmcb, VMCB_ENCODING(at + LIMIT, 4u), segment->limit);
	vmcb_set(vmcb, VMCB_ENCODING(at + BASE, 8u), segment->base);
}

void svm_set_nmi_mask(struct svm_vcpu *arch, bool masked)
{
	const uint64_t vintr = svm_get(arch, VINTR);

	arch->nmi_masked = masked;
	arch->at_iret = false;
	if (svm_has(SVM_VNMI))
		svm_set(arch, VINTR, masked ? vintr | VINTR_NMI_MASK : vintr & ~VINTR_NMI_MASK);
}

/* The VMCB has one bit for the shadows of STI and MOV SS. */
uint32_t svm_interruptibility(struct vcpu *vcpu)
{
	struct svm_vcpu *arch = svm_of(vcpu);
	const bool masked =
		svm_has(SVM_VNMI) ? svm_get(arch, VINTR) & VINTR_NMI_MASK : arch->nmi_masked;

	return (svm_get(arch, INTERRUPT_SHADOW) & SHADOW_INTERRUPTS ? BLOCKED_BY_STI : 0) |
	       (masked ? BLOCKED_BY_NMI : 0);
}

void svm_state_get(struct vcpu *vcpu, struct regs *regs)
{
	struct svm_vcpu *arch = svm_of(vcpu);

	regs->gpr[RAX] = svm_get(arch, RAX);
	regs->gpr[RSP] = svm_get(arch, RSP);
	regs->rip = svm_get(arch, RIP);
	regs->rflags = svm_get(arch, RFLAGS);
	regs->cr0 = svm_get(arch, CR0);
	regs->cr2 = svm_get(arch, CR2);
	regs->cr3 = svm_get(arch, CR3);
	regs->cr4 = svm_get(arch, CR4);
	regs->efer = svm_get(arch, EFER) & ~(uint64_t)EFER_SVME;
	regs->pat = svm_get(arch, G_PAT);
	regs->xcr0 = svm_xcr0(vcpu);
	debug_addresses_read(regs->dr);
	regs->dr6 = svm_get(arch, DR6);
	regs->dr7 = svm_get(arch, DR7);
	for (unsigned i = ES; i < SEGMENTS; i++)
		segment_get(arch->vmcb, i, &regs->segment[i]);
	/* The privilege level has a field of its own; the DPL of SS need not be it. */
	regs->segment[SS].rights = (regs->segment[SS].rights & ~(uint32_t)RIGHTS_DPL) |
				   (uint32_t)svm_get(arch, CPL) << 5;
	regs->gdtr.base = svm_get(arch, GDTR_BASE);
	regs->gdtr.limit = (uint16_t)svm_get(arch, GDTR_LIMIT);
	regs->idtr.base = svm_get(arch, IDTR_BASE);
	regs->idtr.limit = (uint16_t)svm_get(arch, IDTR_LIMIT);
	regs->activity = ACTIVITY_ACTIVE;
	regs->interruptibility = svm_interruptibility(vcpu);
}

static unsigned privilege_level(const struct regs *regs)
{
	if (!(regs->cr0 & CR0_PE))
		return 0;
	return regs->rflags & RFLAGS_VM ? 3 : regs->segment[SS].rights >> 5 & 3;
}

void svm_state_set(struct vcpu *vcpu, const struct regs *regs)
{
	struct svm_vcpu *arch = svm_of(vcpu);

	vmcb_set(arch->vmcb, VMCB_RAX, regs->gpr[RAX]);
	vmcb_set(arch->vmcb, VMCB_RSP, regs->gpr[RSP]);
	vmcb_set(arch->vmcb, VMCB_RIP, regs->rip);
	vmcb_set(arch->vmcb, VMCB_RFLAGS, regs->rflags);
	vmcb_set(arch->vmcb, VMCB_CR0, regs->cr0);
	vmcb_set(arch->vmcb, VMCB_CR2, regs->cr2);
	if (svm_quirk_is_here(QUIRK_CR2))
		write_cr2(regs->cr2);
	vmcb_set(arch->vmcb, VMCB_CR3, regs->cr3);
	vmcb_set(arch->vmcb, VMCB_CR4, regs->cr4);
	vmcb_set(arch->vmcb, VMCB_EFER, regs->efer | EFER_SVME);
	vmcb_set(arch->vmcb, VMCB_G_PAT, regs->pat);
	debug_addresses_write(regs->dr);
	vmcb_set(arch->vmcb, VMCB_DR6, regs->dr6);
	vmcb_set(arch->vmcb, VMCB_DR7, regs->dr7);
	for (unsigned i = ES; i < SEGMENTS; i++)
		segment_set(arch->vmcb, i, &regs->segment[i]);
	vmcb_set(arch->vmcb, VMCB_CPL, privilege_level(regs));
	vmcb_set(arch->vmcb, VMCB_GDTR_BASE, regs->gdtr.base);
	vmcb_set(arch->vmcb, VMCB_GDTR_LIMIT, regs->gdtr.limit);
	vmcb_set(arch->vmcb, VMCB_IDTR_BASE, regs->idtr.base);
	vmcb_set(arch->vmcb, VMCB_IDTR_LIMIT, regs->idtr.limit);
	vmcb_set(arch->vmcb, VMCB_INTERRUPT_SHADOW,
		 regs->interruptibility & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS) ? SHADOW_INTERRUPTS
									       : 0u);
	svm_set_nmi_mask(arch, regs->interruptibility & BLOCKED_BY_NMI);
	arch->clean = 0;
	arch->flush = true; /* what MOV to CR0 and CR4 and INIT invalidate on a processor */
}
