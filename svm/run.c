/* One VMRUN and its #VMEXIT: APM vol. 2, "VMRUN Instruction", "#VMEXIT". */
#include "vm/cpuid.h"
#include "x86/insn.h"

#include "svm/insn.h"
#include "svm/svm.h"

/* The one place where RIP moves past an instruction that exited. */
static void advance(struct vcpu *vcpu, uint32_t length)
{
	struct svm_vcpu *arch = svm_of(vcpu);

	svm_set(arch, RIP, svm_get(arch, RIP) + length);
	if (svm_get(arch, INTERRUPT_SHADOW) & SHADOW_INTERRUPTS)
		svm_set(arch, INTERRUPT_SHADOW, 0);
	vcpu->advance = false;
}

/* What the processor may keep from the entry before: APM vol. 2, "TLB Control", "VMCB Clean Bits".
 */
static void write_hints(struct svm_vcpu *arch)
{
	const uint64_t flush = svm_has(SVM_FLUSH_BY_ASID) ? TLB_FLUSH_ASID : TLB_FLUSH_ALL;

	vmcb_set(arch->vmcb, VMCB_TLB_CONTROL, arch->flush ? flush : TLB_NOTHING);
	vmcb_set(arch->vmcb, VMCB_CLEAN, svm_has(SVM_CLEAN_BITS) ? arch->clean : 0);
	arch->flush = false;
	arch->clean = ~0u;
}

/* Enters until an exit comes that core/ must see. False: a kick came first. */
static bool enter(struct vcpu *vcpu, struct svm_vcpu *arch, uint64_t *code)
{
	const struct cpu *cpu = arch->cpu;
	const struct svm_cpu *cpu_arch = cpu->arch;
	uint64_t *gpr = vcpu->regs.gpr;

	for (;;) {
		vmcb_set(arch->vmcb, VMCB_RAX, gpr[RAX]);
		vmcb_set(arch->vmcb, VMCB_RSP, gpr[RSP]);
		write_hints(arch);
		svm_clgi();
		/* A kick from here on waits for VMRUN, which then exits at once. */
		if (atomic_load_explicit(&cpu->window, memory_order_relaxed) == WINDOW_KICKED) {
			svm_stgi();
			arch->flush = true;
			arch->clean = 0;
			return false;
		}
		interrupts_on();
		svm_enter(gpr, svm_physical(arch->vmcb), svm_physical(cpu_arch->host));
		interrupts_off();
		svm_stgi();
		*code = svm_get(arch, EXITCODE);
		gpr[RAX] = svm_get(arch, RAX);
		gpr[RSP] = svm_get(arch, RSP);
		if (*code != SVM_EXIT_CPUID || !svm_has(SVM_NRIP_SAVE) ||
		    atomic_load_explicit(&cpu->window, memory_order_relaxed) != WINDOW_OPEN ||
		    arch->step != STEP_NONE || !vcpu_cpuid_quick(vcpu))
			return true;
		advance(vcpu, (uint32_t)(svm_get(arch, NRIP) - svm_get(arch, RIP)));
		count(&vcpu->counts.exits);
	}
}

/* An entry that ends before its first instruction: nothing is mapped, so its fetch exits. */
static void map_nothing(struct vcpu *vcpu, bool nothing)
{
	const struct svm_vm *vm = vcpu->vm->arch;
	struct svm_vcpu *arch = svm_of(vcpu);

	svm_set(arch, N_CR3, svm_physical(nothing ? vm->empty : vm->npt.root));
	arch->flush = true;
}

void svm_run(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	struct svm_vcpu *arch = svm_of(vcpu);
	const bool at_once = !entry->ticks;
	const uint64_t resume = svm_get(arch, RFLAGS) & RFLAGS_RF;

	if (vcpu->advance)
		advance(vcpu, arch->exit_length);
	svm_prepare_events(vcpu, entry);
	if (at_once)
		map_nothing(vcpu, true);
	exit->raw_reason = SVM_EXIT_NMI;
	exit->raw_qualification = 0;
	if (!enter(vcpu, arch, &exit->raw_reason)) {
		/* What the exit before has left there was given back already. */
		vmcb_set(arch->vmcb, VMCB_EXITINTINFO, 0u);
		svm_take_back_events(vcpu, exit);
		if (entry->inject)
			exit->interrupted = *entry->inject;
		if (exit->interrupted.type == EVENT_NMI)
			svm_set_nmi_mask(arch, false);
		exit->kind = EXIT_KICK;
		exit->length = 0;
	} else {
		vcpu->cache_bits = svm_get(arch, CR0) & (CR0_CD | CR0_NW);
		svm_take_back_events(vcpu, exit);
		svm_decode_exit(vcpu, exit);
	}
	if (at_once) {
		map_nothing(vcpu, false);
		if (exit->kind != EXIT_MEMORY)
			return;
		exit->kind = EXIT_TIMER;
		/* Nothing was executed, whatever RF a nested page fault saves. */
		if (exit->interrupted.type == EVENT_NONE)
			svm_set(arch, RFLAGS,
				(svm_get(arch, RFLAGS) & ~(uint64_t)RFLAGS_RF) | resume);
	}
}
