/*
 * What goes into a guest and what comes back: APM vol. 2, "Event Injection", "Virtual Interrupts",
 * "Interrupt Shadows".
 *
 * Interrupts go in as virtual ones (V_IRQ): the processor takes them as it takes its own, and one
 * that an exit came before is still in the VMCB. A window needs V_IRQ itself, and waits for the
 * exit after that: QEMU delivers an injected interrupt twice if its thread is asked to stop right
 * then. NMIs and exceptions are injected, and interrupts where V_IRQ waits too long.
 *
 * Without V_NMI the end of an NMI's handler is found by an intercept of IRET and a single step over
 * it.
 */
#include "svm/quirks.h"
#include "svm/svm.h"

enum { VECTOR_DB = 1, VECTOR_NMI = 2, VECTOR_BP = 3, VECTOR_OF = 4 };
#define DR6_BS BIT(14)

static void inject(struct svm_vcpu *arch, const struct event *event)
{
	uint64_t info = SVM_EVENT_VALID | event->vector;

	switch (event->type) {
	case EVENT_NONE:
	case EVENT_SOFTWARE: /* the guest executes the instruction again */
		return;
	case EVENT_INTERRUPT:
		info |= SVM_EVENT_INTR;
		break;
	case EVENT_NMI:
		/* Both go through the IDT; who masks NMIs is below. See quirks.h. */
		info |= svm_quirk_is_here(QUIRK_NMI_MASKED) ? SVM_EVENT_INTR : SVM_EVENT_NMI;
		svm_set_nmi_mask(arch, true);
		break;
	case EVENT_EXCEPTION:
		info |= SVM_EVENT_EXCEPTION;
		if (event->has_error && svm_get(arch, CR0) & CR0_PE)
			info |= SVM_EVENT_ERROR | (uint64_t)event->error << 32;
		break;
	}
	svm_set(arch, EVENTINJ, info);
}

/* V_IRQ as an interrupt, or as a window: then its intercept comes when it could be taken. */
static uint64_t virtual_interrupt(struct svm_vcpu *arch, const struct entry *entry)
{
	const struct event *event = entry->inject;

	/* What goes in as V_IRQ leaves no room for a window: that waits for the next exit. */
	const bool virq =
		event && event->type == EVENT_INTERRUPT && !svm_quirk_is_here(QUIRK_VIRQ_WAITS);
	const bool window = entry->irq_window && !virq;

	arch->virtual_interrupt.type = EVENT_NONE;
	svm_intercept(arch, SVM_EXIT_VINTR, window);
	if (window) {
		if (event)
			inject(arch, event);
		return VINTR_IRQ | VINTR_IGNORE_TPR | VINTR_PRIORITY(0xF);
	}
	if (!event)
		return 0;
	if (!virq) {
		inject(arch, event);
		return 0;
	}
	arch->virtual_interrupt = *event;
	return VINTR_IRQ | VINTR_IGNORE_TPR | VINTR_PRIORITY(event->vector >> 4) |
	       VINTR_VECTOR(event->vector);
}

/* One instruction, then #DB, which exits. */
static void begin_step(struct svm_vcpu *arch, enum svm_step step)
{
	const uint64_t rflags = svm_get(arch, RFLAGS);

	arch->step = step;
	arch->guest_tf = rflags & RFLAGS_TF;
	arch->guest_dr6 = svm_get(arch, DR6);
	svm_set(arch, RFLAGS, rflags | RFLAGS_TF);
	svm_intercept(arch, SVM_EXIT_DB, true);
}

static void nmi_window(struct vcpu *vcpu, bool wanted)
{
	struct svm_vcpu *arch = svm_of(vcpu);
	const uint32_t blocking = svm_interruptibility(vcpu);

	/* Without V_NMI nothing else tells that the handler has ended, and the next NMI may come
	 * long after that. */
	svm_intercept(arch, SVM_EXIT_IRET,
		      blocking & BLOCKED_BY_NMI && !arch->at_iret &&
			      (wanted || !svm_has(SVM_VNMI)));
	if (arch->at_iret)
		begin_step(arch, STEP_IRET);
	else if (wanted && !(blocking & BLOCKED_BY_NMI) && blocking & BLOCKED_BY_STI)
		begin_step(arch, STEP_SHADOW);
}

void svm_prepare_events(struct vcpu *vcpu, const struct entry *entry)
{
	struct svm_vcpu *arch = svm_of(vcpu);
	const uint64_t kept = VINTR_MASKING | VINTR_NMI_ENABLE | VINTR_NMI_MASK;
	uint64_t vintr = virtual_interrupt(arch, entry); /* an injected NMI changes kept bits */

	vintr |= svm_get(arch, VINTR) & kept;
	vintr |= apic_get(&vcpu->apic, APIC_TPR) >> 4 & VINTR_TPR;
	if (vintr != svm_get(arch, VINTR))
		svm_set(arch, VINTR, vintr);
	svm_intercept(arch, SVM_EXIT_WRITE_CR8, entry->tpr_threshold);
	svm_intercept(arch, SVM_EXIT_PAUSE, entry->pause_exits);
	nmi_window(vcpu, entry->nmi_window);
}

/*
 * The end of a step. IRET has taken RFLAGS from the stack; where another exit came first it may not
 * have been executed, and is stepped over again.
 */
static void end_step(struct svm_vcpu *arch, struct vm_exit *exit)
{
	const bool stepped = exit->raw_reason == SVM_EXIT_DB;
	const uint64_t rflags = svm_get(arch, RFLAGS);
	const bool done = stepped || svm_get(arch, RIP) != arch->iret_rip;

	if (!(arch->step == STEP_IRET && done))
		svm_set(arch, RFLAGS,
			arch->guest_tf ? rflags | RFLAGS_TF : rflags & ~(uint64_t)RFLAGS_TF);
	if (arch->step == STEP_IRET && done)
		svm_set_nmi_mask(arch, false);
	if (stepped && arch->guest_tf)
		exit->interrupted = (struct event){ .type = EVENT_EXCEPTION, .vector = VECTOR_DB };
	else if (stepped && !(arch->guest_dr6 & DR6_BS))
		svm_set(arch, DR6, svm_get(arch, DR6) & ~DR6_BS);
	svm_intercept(arch, SVM_EXIT_DB, false);
	arch->step = STEP_NONE;
}

/* APM vol. 2, "EXITINTINFO Pseudo-Code". INT n, INT3 and INTO are executed again. */
static struct event interrupted_event(struct svm_vcpu *arch)
{
	const uint64_t info = svm_get(arch, EXITINTINFO);
	struct event event = { .vector = (uint8_t)info };

	if (!(info & SVM_EVENT_VALID))
		return (struct event){ 0 };
	switch (info & SVM_EVENT_TYPE) {
	case SVM_EVENT_INTR:
		event.type = EVENT_INTERRUPT;
		break;
	case SVM_EVENT_NMI:
		event.type = EVENT_NMI;
		event.vector = VECTOR_NMI;
		svm_set_nmi_mask(arch, false);
		break;
	case SVM_EVENT_EXCEPTION:
		if (event.vector == VECTOR_BP || event.vector == VECTOR_OF)
			break;
		event.type = EVENT_EXCEPTION;
		event.has_error = info & SVM_EVENT_ERROR;
		event.error = (uint32_t)(info >> 32);
		break;
	default:
		break;
	}
	return event;
}

void svm_take_back_events(struct vcpu *vcpu, struct vm_exit *exit)
{
	struct svm_vcpu *arch = svm_of(vcpu);
	const uint64_t vintr = svm_get(arch, VINTR);
	const uint32_t tpr = apic_get(&vcpu->apic, APIC_TPR);

	exit->interrupted = interrupted_event(arch);
	if (arch->virtual_interrupt.type != EVENT_NONE && vintr & VINTR_IRQ)
		exit->interrupted = arch->virtual_interrupt;
	arch->virtual_interrupt.type = EVENT_NONE;
	if (svm_get(arch, EVENTINJ))
		svm_set(arch, EVENTINJ, 0);
	if ((vintr & VINTR_TPR) != tpr >> 4)
		apic_put(&vcpu->apic, APIC_TPR, (uint32_t)(vintr & VINTR_TPR) << 4);
	if (arch->step != STEP_NONE)
		end_step(arch, exit);
}
