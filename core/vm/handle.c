#include "vm/handle.h"

#include "backend.h"
#include "platform.h"
#include "vlapic/registers.h"
#include "vm/cpuid.h"
#include "vm/events.h"
#include "vm/fail.h"
#include "vm/ipi.h"
#include "vm/msr.h"
#include "vm/vm.h"

static void carry_out(struct vcpu *vcpu, enum apic_effect effect)
{
	switch (effect) {
	case APIC_SEND:
		if (apic_mode(&vcpu->apic) == APIC_X2APIC)
			ipi_from_icr(vcpu, apic_get(&vcpu->apic, APIC_ICR),
				     apic_get(&vcpu->apic, APIC_ICR_HIGH));
		else
			ipi_from_icr(vcpu, apic_get(&vcpu->apic, APIC_ICR),
				     apic_get(&vcpu->apic, APIC_ICR_HIGH) >> 24);
		break;
	case APIC_SEND_SELF:
		ipi_self(vcpu, (uint8_t)apic_get(&vcpu->apic, APIC_SELF_IPI));
		break;
	case APIC_END_LEVEL: /* there are none */
		count(&vcpu->counts.level_eois);
		break;
	case APIC_FAULT:
		vcpu_inject_gp(vcpu);
		break;
	case APIC_DONE:
		break;
	}
}

/* After any write to the APIC the next event may be another one. */
static void apic_written(struct vcpu *vcpu, uint32_t offset, uint32_t value)
{
	vcpu->event_pending = true;
	carry_out(vcpu, apic_mmio_write(&vcpu->apic, offset, value, platform->clock()));
}

/* The processor has put the register into the page, by a store or, in x2APIC mode, by WRMSR. */
static void apic_put_by_processor(struct vcpu *vcpu, uint32_t offset)
{
	uint32_t value = apic_get(&vcpu->apic, offset & ~0xFu);

	if (apic_mode(&vcpu->apic) == APIC_XAPIC) {
		apic_written(vcpu, offset, value);
		return;
	}
	vcpu->event_pending = true;
	carry_out(vcpu, apic_msr_write(&vcpu->apic, X2APIC_MSR + offset / 0x10, value,
				       platform->clock()));
}

static bool in_apic_page(const struct vcpu *vcpu, uint64_t gpa)
{
	return (gpa & ~(uint64_t)PAGE_MASK) == APIC_DEFAULT_BASE &&
	       apic_mode(&vcpu->apic) == APIC_XAPIC;
}

/* The part of a register that a narrow or unaligned access sees. */
static uint64_t apic_load(struct vcpu *vcpu, uint32_t offset)
{
	uint32_t value = apic_mmio_read(&vcpu->apic, offset & ~0xFu, platform->clock());
	unsigned byte = offset & 0xF;

	return byte < 4 ? value >> byte * 8 : 0;
}

static void access_apic(struct vcpu *vcpu, const struct vm_exit *exit)
{
	const struct access *access = &exit->memory.access;
	uint32_t offset = (uint32_t)exit->memory.gpa & PAGE_MASK;
	uint64_t before = 0, stored, rflags = backend->rflags_get(vcpu);
	/* The exit may have saved RF = 1; the instruction ends with 0. */
	uint64_t flags = rflags & ~(uint64_t)RFLAGS_RF;

	/* A plain store must not read: a read of a reserved register would set the ESR, and may
	 * raise the error interrupt. */
	vcpu->event_pending = true;
	if (access->op != ACCESS_STORE)
		before = apic_load(vcpu, offset);
	vcpu->advance = true;

	bool store = access_execute(access, vcpu->regs.gpr, &flags, before, &stored);

	if (flags != rflags)
		backend->rflags_set(vcpu, flags);
	if (store)
		apic_written(vcpu, offset, (uint32_t)stored);
}

static bool writes_memory(const struct access *access)
{
	return access->memory_is_destination && access->op != ACCESS_TEST &&
	       access->op != ACCESS_CMP;
}

static void memory(struct vcpu *vcpu, const struct vm_exit *exit)
{
	if (!in_apic_page(vcpu, exit->memory.gpa))
		vcpu_fail(vcpu, "access outside guest memory", exit);
	else if (exit->memory.kind & MEMORY_FETCH)
		vcpu_fail(vcpu, "instruction fetch from the APIC page", exit);
	else if (!exit->memory.decoded)
		vcpu_fail(vcpu, "APIC access by an instruction that is not decoded", exit);
	/* "All 32-bit registers should be accessed using 128-bit aligned 32-bit loads or stores".
	 */
	else if (writes_memory(&exit->memory.access) && exit->memory.access.size != 4)
		vcpu_fail(vcpu, "APIC store that is not 32 bits wide", exit);
	else
		access_apic(vcpu, exit);
}

static uint64_t msr_operand(const struct vcpu *vcpu)
{
	return vcpu->regs.gpr[RDX] << 32 | (uint32_t)vcpu->regs.gpr[RAX];
}

static void rdmsr(struct vcpu *vcpu)
{
	uint64_t value;

	if (!vcpu_msr_read(vcpu, (uint32_t)vcpu->regs.gpr[RCX], &value)) {
		vcpu_inject_gp(vcpu);
		return;
	}
	vcpu->regs.gpr[RAX] = (uint32_t)value;
	vcpu->regs.gpr[RDX] = value >> 32;
	vcpu->advance = true;
}

static void wrmsr(struct vcpu *vcpu)
{
	uint32_t msr = (uint32_t)vcpu->regs.gpr[RCX];
	uint64_t value = msr_operand(vcpu);

	/* Before the effect: an IPI to itself may reset this vCPU. */
	vcpu->advance = true;
	if (msr >= IA32_X2APIC_FIRST && msr <= IA32_X2APIC_LAST) {
		vcpu->event_pending = true;
		carry_out(vcpu, apic_msr_write(&vcpu->apic, msr, value, platform->clock()));
	} else if (!vcpu_msr_write(vcpu, msr, value)) {
		vcpu_inject_gp(vcpu);
	}
}

static void halt(struct vcpu *vcpu)
{
	vcpu->halt.interrupts_on = backend->rflags_get(vcpu) & RFLAGS_IF;
	vcpu->halt.nmi_blocked = backend->interruptibility_get(vcpu) & BLOCKED_BY_NMI;
	vcpu->advance = true;
	vcpu_apply(vcpu, ON_HLT, 0);
	vcpu_try_wake(vcpu);
}

/* MOV to CR0 or CR4 that changes a bit that the guest does not own. */
static bool control_register(struct vcpu *vcpu, const struct vm_exit *exit)
{
	uint64_t value = vcpu->regs.gpr[exit->cr.gpr];

	if (exit->cr.number == 8 || exit->cr.number == 3)
		return false;
	backend->state_get(vcpu, &vcpu->regs);
	if (exit->cr.lmsw)
		value = (vcpu->regs.cr0 & ~0xEull) | (exit->cr.lmsw_source & 0xFu);
	else if (exit->cr.clts)
		value = vcpu->regs.cr0 & ~8ull;
	if (exit->cr.read)
		return false;
	if (!regs_set_control(&vcpu->regs, exit->cr.number, value)) {
		vcpu_inject_gp(vcpu);
		return true;
	}
	vcpu->cpuid.known = false;
	vcpu->cache_bits = vcpu->regs.cr0 & (CR0_CD | CR0_NW);
	vcpu->regs_changed = true;
	vcpu->advance = true;
	return true;
}

/* XCR0 takes what CPUID leaf 0DH offers; x87 always, AVX only with SSE. */
static void xsetbv(struct vcpu *vcpu)
{
	uint64_t value = msr_operand(vcpu);
	uint32_t out[4];

	backend->cpuid(0xD, 0, out);
	if ((uint32_t)vcpu->regs.gpr[RCX] != 0 || !(value & 1) || value & ~(uint64_t)(out[0] & 7) ||
	    (value & 4 && !(value & 2))) {
		vcpu_inject_gp(vcpu);
		return;
	}
	vcpu->regs.xcr0 = value;
	backend->xcr0_changed(vcpu);
	vcpu->advance = true;
}

static enum step stop(struct vcpu *vcpu, const struct vm_exit *exit)
{
	vcpu_fail(vcpu, exit_text(exit->kind), exit);
	return STEP_YIELD;
}

enum { INTERRUPTS_ENOUGH = 1000 };

/*
 * Interrupts wait while the processor is ours, but for what goes past the local APIC's priority.
 * One that stays would end each entry before the first instruction: after so many it is taken, and
 * lost.
 */
static void foreign_interrupt(struct vcpu *vcpu)
{
	count(&vcpu->counts.foreign_interrupts);
	if (atomic_load(&vcpu->counts.foreign_interrupts) % INTERRUPTS_ENOUGH == 0)
		platform->take_interrupt();
}

enum step exit_handle(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct vm *vm = vcpu->vm;

	if (vm->on_exit && vm->on_exit(vcpu, exit, vm->on_exit_argument))
		return STEP_AGAIN;

	switch (exit->kind) {
	case EXIT_TIMER:
	case EXIT_KICK:
		return STEP_AGAIN;
	case EXIT_INTERRUPT:
		foreign_interrupt(vcpu);
		return STEP_AGAIN;
	case EXIT_CPUID:
		vcpu_cpuid(vcpu);
		vcpu->advance = true;
		return STEP_AGAIN;
	case EXIT_APIC_WRITE:
		apic_put_by_processor(vcpu, exit->apic.offset);
		return STEP_AGAIN;
	case EXIT_EOI:
		carry_out(vcpu, APIC_END_LEVEL);
		return STEP_AGAIN;
	case EXIT_IRQ_WINDOW:
	case EXIT_NMI_WINDOW:
	case EXIT_TPR:
		vcpu->event_pending = true;
		return STEP_AGAIN;
	case EXIT_MSR_READ:
		rdmsr(vcpu);
		return STEP_AGAIN;
	case EXIT_MSR_WRITE:
		wrmsr(vcpu);
		return STEP_AGAIN;
	case EXIT_MEMORY:
		memory(vcpu, exit);
		return STEP_AGAIN;
	case EXIT_HLT:
		halt(vcpu);
		return STEP_AGAIN;
	case EXIT_PAUSE:
		vcpu->advance = true;
		return STEP_YIELD;
	case EXIT_INVD: /* caches are coherent: nothing to do */
		vcpu->advance = true;
		return STEP_AGAIN;
	case EXIT_XSETBV:
		xsetbv(vcpu);
		return STEP_AGAIN;
	case EXIT_UNDEFINED:
	case EXIT_HYPERCALL:
		vcpu_inject_ud(vcpu);
		return STEP_AGAIN;
	case EXIT_CR:
		return control_register(vcpu, exit) ? STEP_AGAIN : stop(vcpu, exit);
	case EXIT_SIPI:
		/* The message that it announces is in the mailbox; wait again if it is none. */
		vcpu->sipi_wait.vector = exit->sipi.vector;
		vcpu->sipi_wait.interruptibility = exit->sipi.interruptibility;
		count(&vcpu->counts.hardware_sipis);
		vcpu->regs_changed = true;
		return STEP_AGAIN;
	case EXIT_INIT:
		count(&vcpu->counts.hardware_inits);
		vcpu_apply(vcpu, vcpu->apic.base & IA32_APIC_BASE_BSP ? ON_INIT_BSP : ON_INIT, 0);
		return STEP_AGAIN;
	case EXIT_IO:
	case EXIT_DR:
	case EXIT_TASK_SWITCH:
	case EXIT_EXCEPTION:
	case EXIT_SHUTDOWN:
	case EXIT_ENTRY_FAILED:
	case EXIT_UNKNOWN:
	case EXIT_KIND_COUNT:
		return stop(vcpu, exit);
	}
	return stop(vcpu, exit);
}
