/* The guest-state and host-state areas: SDM vol. 3C, "Guest-State Area" and "Host-State Area". */
#include "x86/insn.h"
#include "x86/msr.h"

#include "vmx/insn.h"
#include "vmx/vmx.h"

/* CR0 bits that the guest changes without an exit; the others it sees in the read shadow. */
#define CR0_GUEST_OWNED (0xFull | BIT(16) | BIT(18) | CR0_PG)

/* Rows of the same order in all four tables: ES CS SS DS FS GS LDTR TR. */
#define SELECTOR_OF(segment) (GUEST_ES_SELECTOR + 2 * (segment))
#define BASE_OF(segment) (GUEST_ES_BASE + 2 * (segment))
#define LIMIT_OF(segment) (GUEST_ES_LIMIT + 2 * (segment))
#define RIGHTS_OF(segment) (GUEST_ES_RIGHTS + 2 * (segment))

_Static_assert(SELECTOR_OF(TR) == GUEST_TR_SELECTOR && BASE_OF(TR) == GUEST_TR_BASE, "order");
_Static_assert(LIMIT_OF(TR) == GUEST_TR_LIMIT && RIGHTS_OF(TR) == GUEST_TR_RIGHTS, "order");

void vmx_state_get(struct vcpu *vcpu, struct regs *regs)
{
	uint64_t mask = vmread(CR0_GUEST_HOST_MASK);

	regs->gpr[RSP] = vmread(GUEST_RSP);
	regs->rip = vmread(GUEST_RIP);
	regs->rflags = vmread(GUEST_RFLAGS);
	regs->cr0 = (vmread(GUEST_CR0) & ~mask) | (vmread(CR0_READ_SHADOW) & mask);
	regs->cr2 = read_cr2();
	regs->cr3 = vmread(GUEST_CR3);
	regs->cr4 = vmread(CR4_READ_SHADOW);
	regs->efer = vmread(GUEST_IA32_EFER);
	regs->pat = vmread(GUEST_IA32_PAT);
	regs->xcr0 = vcpu->regs.xcr0;
	debug_addresses_read(regs->dr);
	regs->dr6 = read_dr6();
	regs->dr7 = vmread(GUEST_DR7);
	for (unsigned i = ES; i < SEGMENTS; i++) {
		regs->segment[i].selector = (uint16_t)vmread(SELECTOR_OF(i));
		regs->segment[i].base = vmread(BASE_OF(i));
		regs->segment[i].limit = (uint32_t)vmread(LIMIT_OF(i));
		regs->segment[i].rights = (uint32_t)vmread(RIGHTS_OF(i));
	}
	regs->gdtr.base = vmread(GUEST_GDTR_BASE);
	regs->gdtr.limit = (uint16_t)vmread(GUEST_GDTR_LIMIT);
	regs->idtr.base = vmread(GUEST_IDTR_BASE);
	regs->idtr.limit = (uint16_t)vmread(GUEST_IDTR_LIMIT);
	regs->activity = (enum activity)vmread(GUEST_ACTIVITY_STATE);
	regs->interruptibility = (uint32_t)vmread(GUEST_INTERRUPTIBILITY);
}

/* With EPT an entry takes them from the VMCS: SDM vol. 3C, "Loading Page-Directory-Pointer-Table
 * Entries". A guest whose table lies outside of its memory gets entries that are not present. */
static void set_pdptes(const struct vm *vm, const struct regs *regs)
{
	const uint64_t *table = vm_memory(vm, regs->cr3 & 0xFFFFFFE0, 4 * sizeof(uint64_t));

	for (unsigned i = 0; i < 4; i++)
		vmwrite(GUEST_PDPTE0 + 2 * i, table ? table[i] : 0);
}

/* Unrestricted guests may run with PE and PG clear: SDM vol. 3C, "Restrictions on VMX Operation".
 */
static void set_control_registers(struct vmx_vcpu *arch, const struct regs *regs)
{
	uint64_t fixed0 = vmx_caps.cr0_fixed0 & ~(uint64_t)(CR0_PE | CR0_PG);

	vmwrite(GUEST_CR0, (regs->cr0 | fixed0) & vmx_caps.cr0_fixed1);
	vmwrite(CR0_READ_SHADOW, regs->cr0);
	vmwrite(CR0_GUEST_HOST_MASK, ~CR0_GUEST_OWNED);
	vmwrite(GUEST_CR3, regs->cr3);
	/* A machine check while a guest runs with CR4.MCE clear would shut the processor down. */
	vmwrite(GUEST_CR4, ((regs->cr4 | vmx_caps.cr4_fixed0) & vmx_caps.cr4_fixed1) |
				   (vmread(HOST_CR4) & CR4_MCE));
	vmwrite(CR4_READ_SHADOW, regs->cr4);
	vmwrite(CR4_GUEST_HOST_MASK, ~0ull);
	vmwrite(GUEST_IA32_EFER, regs->efer);
	arch->entry &= ~CONTROL_MASK(ENTRY_GUEST_64);
	if (regs->efer & EFER_LMA)
		arch->entry |= CONTROL_MASK(ENTRY_GUEST_64);
	vmwrite(ENTRY_CONTROLS, arch->entry);
}

void vmx_state_set(struct vcpu *vcpu, const struct regs *regs)
{
	set_control_registers(vmx_of(vcpu), regs);
	if (regs->cr0 & CR0_PG && regs->cr4 & CR4_PAE && !(regs->efer & EFER_LMA))
		set_pdptes(vcpu->vm, regs);
	/* What MOV to CR0 and CR4 and INIT invalidate on a processor. */
	vmx_flush_linear(vcpu);
	vmwrite(GUEST_RSP, regs->gpr[RSP]);
	vmwrite(GUEST_RIP, regs->rip);
	vmwrite(GUEST_RFLAGS, regs->rflags);
	write_cr2(regs->cr2);
	vmwrite(GUEST_IA32_PAT, regs->pat);
	debug_addresses_write(regs->dr);
	write_dr6(regs->dr6);
	vmwrite(GUEST_DR7, regs->dr7);
	for (unsigned i = ES; i < SEGMENTS; i++) {
		vmwrite(SELECTOR_OF(i), regs->segment[i].selector);
		vmwrite(BASE_OF(i), regs->segment[i].base);
		vmwrite(LIMIT_OF(i), regs->segment[i].limit);
		vmwrite(RIGHTS_OF(i), regs->segment[i].rights);
	}
	vmwrite(GUEST_GDTR_BASE, regs->gdtr.base);
	vmwrite(GUEST_GDTR_LIMIT, regs->gdtr.limit);
	vmwrite(GUEST_IDTR_BASE, regs->idtr.base);
	vmwrite(GUEST_IDTR_LIMIT, regs->idtr.limit);
	vmwrite(GUEST_ACTIVITY_STATE, regs->activity);
	vmwrite(GUEST_INTERRUPTIBILITY, regs->interruptibility);
	vmwrite(GUEST_PENDING_DEBUG, 0);
	vmx_of(vcpu)->rsp_in_gpr = false;
}

/* Debug registers and CR2 have no VMCS field, DR7 apart: they change hands with the processor. */
void vmx_debug_load(struct vmx_vcpu *arch)
{
	debug_host_save(&arch->host_debug);
	debug_addresses_write(arch->guest_dr);
	write_dr6(arch->guest_dr6);
	write_cr2(arch->guest_cr2);
}

void vmx_debug_unload(struct vmx_vcpu *arch)
{
	debug_addresses_read(arch->guest_dr);
	arch->guest_dr6 = read_dr6();
	arch->guest_cr2 = read_cr2();
	debug_host_restore(&arch->host_debug);
}

/* The base of a system segment in our GDT: SDM vol. 3A, "TSS Descriptor in 64-bit mode". */
static uint64_t system_segment_base(uint64_t gdt, uint16_t selector)
{
	const uint64_t *descriptor = (const uint64_t *)(uintptr_t)(gdt + (selector & ~7u));

	return (descriptor[0] >> 16 & 0xFFFFFF) | (descriptor[0] >> 32 & 0xFF000000) |
	       descriptor[1] << 32;
}

static void write_host_segments(void)
{
	const struct descriptor_table gdt = sgdt(), idt = sidt();
	uint16_t cs, ss, ds, es, fs, gs, tr;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	__asm__ volatile("mov %%ss, %0" : "=r"(ss));
	__asm__ volatile("mov %%ds, %0" : "=r"(ds));
	__asm__ volatile("mov %%es, %0" : "=r"(es));
	__asm__ volatile("mov %%fs, %0" : "=r"(fs));
	__asm__ volatile("mov %%gs, %0" : "=r"(gs));
	__asm__ volatile("str %0" : "=r"(tr));
	vmwrite(HOST_CS_SELECTOR, cs);
	vmwrite(HOST_SS_SELECTOR, ss);
	vmwrite(HOST_DS_SELECTOR, ds);
	vmwrite(HOST_ES_SELECTOR, es);
	vmwrite(HOST_FS_SELECTOR, fs);
	vmwrite(HOST_GS_SELECTOR, gs);
	vmwrite(HOST_TR_SELECTOR, tr);
	vmwrite(HOST_GDTR_BASE, gdt.base);
	vmwrite(HOST_IDTR_BASE, idt.base);
	vmwrite(HOST_TR_BASE, system_segment_base(gdt.base, tr));
	vmwrite(HOST_FS_BASE, rdmsr(IA32_FS_BASE));
	vmwrite(HOST_GS_BASE, rdmsr(IA32_GS_BASE));
}

void vmx_write_host_state(void)
{
	vmwrite(HOST_CR0, read_cr0());
	vmwrite(HOST_CR3, read_cr3());
	vmwrite(HOST_CR4, read_cr4());
	write_host_segments();
	vmwrite(HOST_IA32_SYSENTER_CS, rdmsr(IA32_SYSENTER_CS));
	vmwrite(HOST_IA32_SYSENTER_ESP, rdmsr(IA32_SYSENTER_ESP));
	vmwrite(HOST_IA32_SYSENTER_EIP, rdmsr(IA32_SYSENTER_EIP));
	if (vmx_allows(GROUP_EXIT, CONTROL_MASK(EXIT_LOAD_PAT)))
		vmwrite(HOST_IA32_PAT, rdmsr(IA32_PAT));
	if (vmx_allows(GROUP_EXIT, CONTROL_MASK(EXIT_LOAD_EFER)))
		vmwrite(HOST_IA32_EFER, rdmsr(IA32_EFER));
	vmwrite(HOST_RIP, (uint64_t)(uintptr_t)vmx_exit_point);
}
