/* One VM entry and its exit. */
#include "platform.h"
#include "vm/cpuid.h"
#include "vm/fail.h"

#include "vmx/insn.h"
#include "vmx/quirks.h"
#include "vmx/vmx.h"

static _Atomic uint32_t access_failures, failed_field;

void vmx_access_failed(uint32_t field)
{
	atomic_store(&failed_field, field);
	atomic_fetch_add(&access_failures, 1);
}

unsigned vmx_take_access_failures(const char **last)
{
	const char *name = vmcs_field_name(atomic_load(&failed_field));

	*last = name ? name : "a high half";
	return atomic_exchange(&access_failures, 0);
}

/* The one place where RIP moves past an instruction that exited. */
static void advance(struct vcpu *vcpu, uint32_t length)
{
	uint64_t blocking = vmread(GUEST_INTERRUPTIBILITY);

	vmwrite(GUEST_RIP, vmread(GUEST_RIP) + length);
	if (blocking & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS))
		vmwrite(GUEST_INTERRUPTIBILITY,
			blocking & ~(uint64_t)(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS));
	vcpu->advance = false;
}

static void set_windows(struct vmx_vcpu *arch, const struct entry *entry)
{
	uint32_t primary =
		arch->primary & ~(CONTROL_MASK(PRIMARY_IRQ_WINDOW) |
				  CONTROL_MASK(PRIMARY_NMI_WINDOW) | CONTROL_MASK(PRIMARY_PAUSE));

	if (entry->irq_window)
		primary |= CONTROL_MASK(PRIMARY_IRQ_WINDOW);
	if (entry->nmi_window)
		primary |= CONTROL_MASK(PRIMARY_NMI_WINDOW);
	if (entry->pause_exits)
		primary |= CONTROL_MASK(PRIMARY_PAUSE);
	if (primary != arch->primary) {
		vmwrite(PRIMARY_CONTROLS, primary);
		arch->primary = primary;
	}
	if (entry->tpr_threshold != arch->tpr_threshold &&
	    primary & CONTROL_MASK(PRIMARY_TPR_SHADOW)) {
		vmwrite(TPR_THRESHOLD, entry->tpr_threshold);
		arch->tpr_threshold = entry->tpr_threshold;
	}
}

/* SDM vol. 3C, "VM-Entry Controls for Event Injection". */
static void inject(const struct event *event)
{
	uint64_t info = INFO_VALID | event->vector;

	switch (event->type) {
	case EVENT_NONE:
		return;
	case EVENT_INTERRUPT:
		info |= INFO_EXTERNAL;
		break;
	case EVENT_NMI:
		info |= INFO_NMI;
		/* A valid injection of NMI needs this clear; the delivery sets it again. */
		vmwrite(GUEST_INTERRUPTIBILITY,
			vmread(GUEST_INTERRUPTIBILITY) & ~(uint64_t)BLOCKED_BY_NMI);
		break;
	case EVENT_EXCEPTION:
		info |= INFO_HARDWARE_EXCEPTION;
		/* Real mode pushes no error code, and the entry checks that. */
		if (event->has_error && vmread(GUEST_CR0) & CR0_PE) {
			info |= INFO_ERROR;
			vmwrite(ENTRY_EXCEPTION_ERROR_CODE, event->error);
		}
		break;
	case EVENT_SOFTWARE:
		info = event->raw;
		vmwrite(ENTRY_INSTRUCTION_LENGTH, event->length);
		if (info & INFO_ERROR)
			vmwrite(ENTRY_EXCEPTION_ERROR_CODE, event->error);
		break;
	}
	vmwrite(ENTRY_INTERRUPTION_INFO, info);
}

/*
 * The timer counts down at a power of two of the TSC: IA32_VMX_MISC bits 4:0. 0 ends the entry
 * before the first instruction; a nonzero wish must not become 0, or nothing would ever run.
 */
static void set_timer(const struct vmx_vcpu *arch, uint32_t ticks)
{
	uint32_t value = ticks >> (vmx_caps.misc & 0x1F);

	if (arch->pin & CONTROL_MASK(PIN_PREEMPTION_TIMER))
		vmwrite(PREEMPTION_TIMER_VALUE, ticks && !value ? 1 : value);
}

/*
 * Without the timer: an entry with no memory ends with the guest's first fetch, or with the
 * delivery of what it injects. Translations are those of an EPTP: there are none to be invalidated.
 */
static void enter_nothing(struct vmx_vcpu *arch, const struct vmx_vm *vm)
{
	if (vmread_try(GUEST_RFLAGS, &arch->rflags) == STATUS_OK &&
	    vmwrite_try(EPT_POINTER, vm->empty_eptp) == STATUS_OK)
		arch->enters_nothing = true;
}

/* In the NMI handler: flags and registers are restored by its end, the VMCS is the current one. */
void vmx_abort_entry(struct cpu *cpu)
{
	struct vcpu *vcpu = cpu->loaded;
	const struct vmx_vm *vm = vcpu ? vcpu->vm->arch : NULL;

	if (!vm || !vm->empty)
		(void)!vmwrite_try(PREEMPTION_TIMER_VALUE, 0);
	else if (vmx_of(vcpu)->entering)
		enter_nothing(vmx_of(vcpu), vm);
}

static NOINLINE void entry_failed(struct vm_exit *exit)
{
	*exit = (struct vm_exit){ .kind = EXIT_ENTRY_FAILED, .raw_reason = REASON_ENTRY_FAILURE };
	if (vmread_try(VM_INSTRUCTION_ERROR, &exit->raw_qualification) != STATUS_OK)
		exit->raw_qualification = 0;
}

static bool timer_goes_on(const struct vmx_vcpu *arch)
{
	return !(arch->pin & CONTROL_MASK(PIN_PREEMPTION_TIMER)) ||
	       arch->exit & CONTROL_MASK(EXIT_SAVE_TIMER);
}

/* Enters until an exit comes that core/ must see. False: the entry failed. */
static bool enter(struct vcpu *vcpu, struct vmx_vcpu *arch, uint64_t *reason)
{
	const struct cpu *cpu = arch->cpu;
	const struct vmx_cpu *cpu_arch = cpu->arch;

	for (;;) {
		if (vmx_enter(vcpu->regs.gpr, arch, arch->launched))
			return false;
		*reason = vmread(EXIT_REASON);
		/* An entry that failed on the guest's state has not launched the VMCS. */
		arch->launched |= !(*reason & REASON_ENTRY_FAILURE);
		if (cpu_arch->smi_sticks &&
		    *reason != REASON_SIPI) /* that one is looked at first */
			vmx_drop_smi_blocking();
		/* Where exits do not save VMX's timer, it would begin anew. */
		if (*reason != REASON_CPUID || !timer_goes_on(arch) ||
		    atomic_load_explicit(&cpu->window, memory_order_relaxed) != WINDOW_OPEN ||
		    !vcpu_cpuid_quick(vcpu))
			return true;
		advance(vcpu, (uint32_t)vmread(EXIT_INSTRUCTION_LENGTH));
		count(&vcpu->counts.exits);
	}
}

static void after_nothing(struct vcpu *vcpu, struct vm_exit *exit)
{
	const struct vmx_vm *vm = vcpu->vm->arch;
	struct vmx_vcpu *arch = vmx_of(vcpu);

	arch->enters_nothing = false;
	vmwrite(EPT_POINTER, vm->eptp);
	if (exit->kind != EXIT_MEMORY)
		return;
	exit->kind = EXIT_KICK;
	/* RF = 1 is saved, though nothing was executed: SDM vol. 3C, "Saving RIP, RSP, RFLAGS, and
	 * SSP". After an event it is that of the event's own image. */
	if (exit->interrupted.type == EVENT_NONE)
		vmwrite(GUEST_RFLAGS, arch->rflags);
}

void vmx_run(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	const struct vmx_vm *vm = vcpu->vm->arch;
	struct vmx_vcpu *arch = vmx_of(vcpu);
	bool entered;

	if (vcpu->advance)
		advance(vcpu, arch->exit_length);
	set_windows(arch, entry);
	if (vcpu->virtual_interrupts)
		vmx_deliver_before(vcpu);
	if (entry->inject)
		inject(entry->inject);
	if (arch->rsp_in_gpr) {
		vmwrite(GUEST_RSP, vcpu->regs.gpr[RSP]);
		arch->rsp_in_gpr = false;
	}
	set_timer(arch, entry->ticks);
	arch->entering = true;
	/* An NMI that came before the lines above has had no effect; later ones have. */
	if (atomic_load(&arch->cpu->window) == WINDOW_KICKED)
		vmx_abort_entry(arch->cpu);
	if (!entry->ticks && vm->empty)
		enter_nothing(arch, vm);
	entered = enter(vcpu, arch, &exit->raw_reason);
	arch->entering = false;
	if (entered)
		vmx_decode_exit(vcpu, exit);
	else
		entry_failed(exit);
	if (arch->enters_nothing)
		after_nothing(vcpu, exit);
	if (vcpu->virtual_interrupts && !vmx_deliver_after(vcpu))
		vcpu_fail(vcpu, "a notification of posted interrupts did not arrive", exit);
}
