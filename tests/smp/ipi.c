/* Interprocessor interrupts by delivery mode. */
#include "tests/lib/machine_script.h"

/* Scripts read line by line. */
/* clang-format off */

/* From the ICR to the handler and its EOI, as both sides see it. */
static const struct script_step delivery[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_FIXED | 0x51, 1), ICR(ICR_FIXED | 0x51, 1)),
	AT(1, ENABLE, STI, READY, AWAIT_TAKEN(1), READ_BIT(ISR, 0x51, 0), READ(APIC_PPR, 0)),
	ON(1, 0x51, READ_BIT(IRR, 0x51, 0), READ_BIT(ISR, 0x51, 1), READ_BIT(TMR, 0x51, 0),
		READ(APIC_PPR, 0x50), EOI, READ_BIT(ISR, 0x51, 0), READ(APIC_PPR, 0)),
	AFTER(NO_TRACE(0), TRACE(1, 0x51), COUNT(1, interrupts, 1), COUNT(0, sent, 1)),
	END,
};

static const struct script_step order[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_FIXED | 0x41, 1), SEND(ICR_FIXED | 0x91, 1),
		SEND(ICR_FIXED | 0x62, 1), SEND(ICR_FIXED | 0x61, 1), SEND(ICR_FIXED | 0xFF, 1),
		SEND(ICR_FIXED | 0x31, 1)),
	AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x31, 1), READ_BIT(IRR, 0x41, 1),
		READ_BIT(IRR, 0x91, 1), READ_BIT(IRR, 0x62, 1), READ_BIT(IRR, 0x61, 1),
		READ_BIT(IRR, 0xFF, 1), READ_BIT(IRR, 0x60, 0), TAKEN(0), STI, AWAIT_TAKEN(6)),
	AFTER(TRACE(1, 0xFF, 0x91, 0x62, 0x61, 0x41, 0x31)),
	END,
};

/* A handler that allows interrupts is interrupted by a higher class only; EOI ends the highest. */
static const struct script_step nesting[] = {
	AT(0, ENABLE, STI, SEND(ICR_FIXED | ICR_SELF | 0x41, 0), AWAIT_TAKEN(3), DEPTH(0)),
	ON(0, 0x41, SEND(ICR_FIXED | ICR_SELF | 0x91, 0), SEND(ICR_FIXED | ICR_SELF | 0x48, 0),
		TAKEN(1), STI, TAKEN(2), READ_BIT(ISR, 0x41, 1), READ_BIT(IRR, 0x48, 1),
		READ(APIC_PPR, 0x40), CLI, EOI, READ_BIT(ISR, 0x41, 0)),
	ON(0, 0x91, DEPTH(2), READ_BIT(ISR, 0x41, 1), READ_BIT(ISR, 0x91, 1), READ(APIC_PPR, 0x90),
		EOI, READ_BIT(ISR, 0x41, 1), READ_BIT(ISR, 0x91, 0), READ(APIC_PPR, 0x40)),
	ON(0, 0x48, DEPTH(1), EOI),
	AFTER(TRACE(0, 0x41, 0x91, 0x48)),
	END,
};

static const struct script_step task_priority[] = {
	AT(0, ENABLE, STI, WRITE(APIC_TPR, 0x50), READ(APIC_PPR, 0x50),
		SEND(ICR_FIXED | ICR_SELF | 0x51, 0), SEND(ICR_FIXED | ICR_SELF | 0x5F, 0),
		READ_BIT(IRR, 0x51, 1), TAKEN(0), SEND(ICR_FIXED | ICR_SELF | 0x60, 0),
		AWAIT_TAKEN(1), TAKEN(1), WRITE(APIC_TPR, 0x4F), AWAIT_TAKEN(3),
		READ(APIC_PPR, 0x4F), WRITE(APIC_TPR, 0xFF), SEND(ICR_FIXED | ICR_SELF | 0xFE, 0),
		READ(APIC_PPR, 0xFF), TAKEN(3), WRITE(APIC_TPR, 0xE0), AWAIT_TAKEN(4),
		WRITE(APIC_TPR, 0), READ(APIC_PPR, 0)),
	ON(0, 0x60,
		/* the higher of TPR and ISR; the TPR's sub-class only if it is the TPR */
		WRITE(APIC_TPR, 0x73), READ(APIC_PPR, 0x73), WRITE(APIC_TPR, 0x2A),
		READ(APIC_PPR, 0x60), WRITE(APIC_TPR, 0x50), EOI),
	AFTER(TRACE(0, 0x60, 0x5F, 0x51, 0xFE)),
	END,
};

/* One in service and one pending at most: the others of the same vector are one with the latter. */
static const struct script_step coalesce[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_FIXED | 0x51, 1), SEND(ICR_FIXED | 0x51, 1),
		SEND(ICR_FIXED | 0x51, 1), SEND(ICR_FIXED | 0x42, 1), AWAIT_FLAG(1, 1),
		SEND(ICR_FIXED | 0x51, 1), SEND(ICR_FIXED | 0x51, 1), SEND(ICR_FIXED | 0x43, 1)),
	AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x42, 1), STI, AWAIT_TAKEN(4)),
	ON(1, 0x51, FLAG(1), AWAIT_BIT(IRR, 0x43, 1), READ_BIT(ISR, 0x51, 1), EOI),
	AFTER(TRACE(1, 0x51, 0x51, 0x43, 0x42), COUNT(1, coalesced, 3), COUNT(1, interrupts, 4)),
	END,
};

static const struct script_step window[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_FIXED | 0x51, 1)),
	AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x51, 1), TAKEN(0), STI_CLI, TAKEN(0), WINDOW,
		TAKEN(1)),
	AFTER(TRACE(1, 0x51)),
	END,
};

/* The host sends in the shadow of STI or MOV SS: nothing may come between the two instructions. */
static const struct script_step shadows[] = {
	AT(0, ENABLE, STI_SHADOW(0x51), TAKEN(1), SS_SHADOW(0x52), TAKEN(2), HLT_SHADOW(0x53),
		TAKEN(3)),
	AFTER(TRACE(0, 0x51, 0x52, 0x53)),
	END,
};

static const struct script_step halted[] = {
	AT(0, ENABLE),
	AT(1, ENABLE, READY, STI_HLT, TAKEN(1), CLI, FLAG(2), HLT, TAKEN(2),
		READ_BIT(IRR, 0x52, 1), WINDOW, TAKEN(3)),
	HOST(AWAIT_READY(1), AWAIT_STATE(1, HALTED), POST(ICR_FIXED | 0x51, 1, STATUS_OK),
		AWAIT_FLAG(2, 1), AWAIT_STATE(1, HALTED), POST(ICR_FIXED | 0x52, 1, STATUS_OK),
		AWAIT_COUNT(1, delivered, 4), STATE(1, HALTED), POST(ICR_NMI, 1, STATUS_OK)),
	AFTER(TRACE(1, 0x51, NMI_VECTOR, 0x52)),
	END,
};

/* One that waits already, also for the TPR, leaves no HLT behind. */
static const struct script_step halted_pending[] = {
	AT(0, ENABLE, SEND(ICR_FIXED | ICR_SELF | 0x51, 0), STI_HLT, TAKEN(1), CLI,
		WRITE(APIC_TPR, 0x50), SEND(ICR_FIXED | ICR_SELF | 0x52, 0), STI, TAKEN(1), CLI,
		WRITE(APIC_TPR, 0), STI_HLT, TAKEN(2)),
	AFTER(TRACE(0, 0x51, 0x52)),
	END,
};

/* The ICR's trigger mode and level mean something to INIT only; a message from outside has one. */
static const struct script_step trigger[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_FIXED | ICR_LEVEL | 0x51, 1),
		ICR(ICR_FIXED | ICR_LEVEL | 0x51, 1), SEND(0x54, 1), ICR(0x54, 1)),
	AT(1, ENABLE, STI, READY, AWAIT_TAKEN(2), FLAG(1), AWAIT_TAKEN(3), FLAG(2), AWAIT_TAKEN(4),
		READ_BIT(TMR, 0x52, 0)),
	ON(1, 0x51, READ_BIT(TMR, 0x51, 0), EOI),
	ON(1, 0x54, READ_BIT(TMR, 0x54, 0), EOI),
	ON(1, 0x52, READ_BIT(ISR, 0x52, 1), FLAG(3), AWAIT_FLAG(4, 1), EOI),
	HOST(AWAIT_FLAG(1, 1), POST(ICR_FIXED | ICR_LEVEL | 0x52, 1, STATUS_OK), AWAIT_FLAG(3, 1),
		FLAG(4), AWAIT_FLAG(2, 1), POST(ICR_FIXED | 0x52, 1, STATUS_OK)),
	AFTER(COUNT(1, interrupts, 4)),
	END,
};

static const struct script_step level_outside[] = {
	AT(0, ENABLE, STI, READY, AWAIT_TAKEN(2)),
	ON(0, 0x52, READ_BIT(TMR, 0x52, 1), EOI, FLAG(1)),
	ON(0, 0x53, READ_BIT(TMR, 0x53, 0), READ_BIT(TMR, 0x52, 1), EOI),
	HOST(AWAIT_READY(1), POST(ICR_FIXED | ICR_LEVEL | 0x52, 0, STATUS_OK), AWAIT_FLAG(1, 1),
		POST(ICR_FIXED | 0x53, 0, STATUS_OK)),
	AFTER(TRACE(0, 0x52, 0x53), COUNT(0, level_eois, 1)),
	END,
};

/* Software-disabled: no new interrupts, pending ones are held, NMIs come, IPIs go out. */
static const struct script_step disabled[] = {
	AT(0, ENABLE, AWAIT_READY(1), WRITE(APIC_SVR, 0xFF), SEND(ICR_FIXED | 0x51, 1),
		SEND(ICR_NMI, 1), AWAIT_FLAG(2, 1), SEND(ICR_FIXED | 0x52, 1)),
	AT(1, ENABLE, WRITE(APIC_SVR, 0xFF), READY, AWAIT_TAKEN(1), READ_BIT(IRR, 0x51, 0), ENABLE,
		FLAG(2), AWAIT_BIT(IRR, 0x52, 1), WRITE(APIC_SVR, 0xFF), READ_BIT(IRR, 0x52, 1),
		ENABLE, WINDOW, TAKEN(2)),
	AFTER(TRACE(1, NMI_VECTOR, 0x52), COUNT(1, dropped, 1)),
	END,
};

/* Neither IF nor the TPR nor the software disable stop it; its vector is ignored. */
static const struct script_step nmi[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_NMI | 0x77, 1), ICR(ICR_NMI | 0x77, 1)),
	AT(1, ENABLE, WRITE(APIC_TPR, 0xFF), WRITE(APIC_SVR, 0xFF), READY, AWAIT_TAKEN(1)),
	ON(1, NMI_VECTOR, READ(APIC_PPR, 0xFF), READ_BIT(ISR, 0x77, 0)),
	AFTER(TRACE(1, NMI_VECTOR), COUNT(1, nmis, 1)),
	END,
};

/* Blocked until IRET: one is latched, more are one with it; at IRET it precedes an interrupt. */
static const struct script_step nmi_latch[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_NMI, 1), ICR(ICR_NMI, 1), AWAIT_FLAG(1, 1),
		SEND(ICR_NMI, 1), SEND(ICR_NMI, 1), SEND(ICR_NMI, 1), ICR(ICR_NMI, 1),
		SEND(ICR_FIXED | 0x51, 1)),
	AT(1, ENABLE, STI, READY, AWAIT_TAKEN(3)),
	ON(1, NMI_VECTOR, FLAG(1), AWAIT_BIT(IRR, 0x51, 1), DEPTH(1)),
	ON(1, 0x51, DEPTH(1), EOI),
	AFTER(TRACE(1, NMI_VECTOR, NMI_VECTOR, 0x51), COUNT(1, nmis, 2), COUNT(1, coalesced, 2)),
	END,
};

/* While one vCPU is in its NMI handler, another one runs on the same processor, not blocked. */
static const struct script_step nmi_blocking[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_NMI, 1), AWAIT_FLAG(1, 1), FLAG(2)),
	AT(1, ENABLE, READY, AWAIT_TAKEN(1)),
	ON(1, NMI_VECTOR, FLAG(1), AWAIT_FLAG(2, 1)),
	AFTER(COUNT(1, nmis, 1), COUNT(0, nmi_blocking_leaks, 0)),
	END,
};

static const struct script_step nmi_shadows[] = {
	AT(0, ENABLE, SS_SHADOW(SHADOW_NMI), TAKEN(1), HLT_SHADOW(SHADOW_NMI), TAKEN(2)),
	AFTER(TRACE(0, NMI_VECTOR, NMI_VECTOR)),
	END,
};

/* Past IRR, ISR and TPR; it waits for IF, and wakes HLT only with IF=1. */
static const struct script_step extint[] = {
	AT(0, ENABLE),
	AT(1, ENABLE, WRITE(APIC_TPR, 0xFF), READY, AWAIT_FLAG(1, 1), TAKEN(0),
		READ_BIT(IRR, 0x60, 0), WINDOW, TAKEN(1), FLAG(2), STI_HLT, TAKEN(2), CLI, FLAG(3),
		HLT, TAKEN(3), WINDOW, TAKEN(4)),
	ON(1, 0x60, READ_BIT(ISR, 0x60, 0), READ_BIT(IRR, 0x60, 0), READ(APIC_PPR, 0xFF)),
	ON(1, 0x62, READ_BIT(ISR, 0x62, 0)),
	HOST(AWAIT_READY(1), POST(ICR_EXTINT | 0x60, 1, STATUS_OK),
		POST(ICR_EXTINT | 0x61, 1, STATUS_OK), AWAIT_COUNT(1, coalesced, 1), FLAG(1),
		AWAIT_FLAG(2, 1), AWAIT_STATE(1, HALTED), POST(ICR_EXTINT | 0x60, 1, STATUS_OK),
		AWAIT_FLAG(3, 1), AWAIT_STATE(1, HALTED), POST(ICR_EXTINT | 0x62, 1, STATUS_OK),
		AWAIT_COUNT(1, delivered, 5), STATE(1, HALTED), POST(ICR_NMI, 1, STATUS_OK)),
	AFTER(TRACE(1, 0x60, 0x60, NMI_VECTOR, 0x62)),
	END,
};

/* SMI and what the table of valid combinations calls invalid: nobody gets it, it is counted. */
static const struct script_step refused[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_SMI, 1), ICR(ICR_SMI, 1),
		SEND(ICR_RESERVED | 0x61, 1), ICR(ICR_RESERVED | 0x61, 1),
		SEND(ICR_EXTINT | 0x62, 1), ICR(ICR_EXTINT | 0x62, 1), SEND(ICR_NMI | ICR_SELF, 0),
		SEND(ICR_INIT | ICR_SELF, 0), SEND(ICR_SIPI | ICR_SELF | 1, 0),
		SEND(ICR_LOWEST | ICR_SELF | 0x63, 0), SEND(ICR_NMI | ICR_ALL, 0),
		SEND(ICR_INIT | ICR_ALL, 0), SEND(ICR_SIPI | ICR_ALL | 1, 0),
		SEND(ICR_LOWEST | ICR_ALL | 0x64, 0), TAKEN(0), SEND(ICR_FIXED | 0x31, 1),
		READ(APIC_IRR + 0x30, 0)),
	AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x31, 1), TAKEN(0), READ(APIC_IRR + 0x30, 0)),
	HOST(AWAIT_READY(1), POST(ICR_SMI, 1, STATUS_UNSUPPORTED),
		POST(ICR_RESERVED | 0x61, 1, STATUS_UNSUPPORTED)),
	AFTER(REFUSED(13), COUNT(0, sent, 1), COUNT(0, received, 0), COUNT(1, received, 3),
		ENTERED(0, 1), ENTERED(1, 1)),
	END,
};

/* The lowest processor priority, by TPR or by what is in service, has it. */
static const struct script_step lowest[] = {
	AT(0, ENABLE, WRITE(APIC_LDR, 0x01000000), WRITE(APIC_TPR, 0x10), AWAIT_READY(3),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x51, 0x0E),
		ICR(ICR_LOWEST | ICR_LOGICAL | 0x51, 0x0E), AWAIT_FLAG(1, 1),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x95, 0x0E), AWAIT_FLAG(2, 1),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x53, 0x0E),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x54, 0x0F), WINDOW, TAKEN(1), FLAG(3)),
	AT(1, ENABLE, WRITE(APIC_LDR, 0x02000000), WRITE(APIC_TPR, 0x40), STI, READY,
		AWAIT_TAKEN(1)),
	AT(2, ENABLE, WRITE(APIC_LDR, 0x04000000), WRITE(APIC_TPR, 0x20), STI, READY,
		AWAIT_TAKEN(1)),
	ON(2, 0x51, WRITE(APIC_TPR, 0x70), EOI, FLAG(1)),
	AT(3, ENABLE, WRITE(APIC_LDR, 0x08000000), WRITE(APIC_TPR, 0x30), STI, READY,
		AWAIT_TAKEN(1)),
	ON(3, 0x95, FLAG(2), AWAIT_FLAG(3, 1), EOI),
	AFTER(TRACE(0, 0x54), TRACE(1, 0x53), TRACE(2, 0x51), TRACE(3, 0x95), COUNT(0, sent, 4)),
	END,
};

static const struct script_step lowest_turn[] = {
	AT(0, ENABLE, WRITE(APIC_LDR, 0x01000000), AWAIT_READY(3),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x51, 0x0E),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x52, 0x0E),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x53, 0x0E),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x54, 0x0E),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x55, 0x0E),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x56, 0x0E),
		SEND(ICR_FIXED | ICR_LOGICAL | 0x31, 0x0E)),
	AT(1, ENABLE, WRITE(APIC_LDR, 0x02000000), READY, AWAIT_BIT(IRR, 0x31, 1), STI,
		AWAIT_TAKEN(3)),
	AT(2, ENABLE, WRITE(APIC_LDR, 0x04000000), READY, AWAIT_BIT(IRR, 0x31, 1), STI,
		AWAIT_TAKEN(3)),
	AT(3, ENABLE, WRITE(APIC_LDR, 0x08000000), READY, AWAIT_BIT(IRR, 0x31, 1), STI,
		AWAIT_TAKEN(3)),
	AFTER(TRACE(1, 0x54, 0x51, 0x31), TRACE(2, 0x55, 0x52, 0x31), TRACE(3, 0x56, 0x53, 0x31)),
	END,
};

/* Software-disabled APICs take no part; if there is no other, nobody has it. */
static const struct script_step lowest_disabled[] = {
	AT(0, ENABLE, WRITE(APIC_LDR, 0x01000000), AWAIT_READY(2),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x61, 0x06),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x62, 0x06),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x63, 0x02), SEND(ICR_FIXED | 0x51, 2)),
	AT(1, ENABLE, WRITE(APIC_LDR, 0x02000000), WRITE(APIC_SVR, 0xFF), READY),
	AT(2, ENABLE, WRITE(APIC_LDR, 0x04000000), WRITE(APIC_TPR, 0x40), READY,
		AWAIT_BIT(IRR, 0x51, 1), STI, AWAIT_TAKEN(3)),
	AFTER(NO_TRACE(1), TRACE(2, 0x62, 0x61, 0x51), COUNT(0, sent, 3), COUNT(1, received, 2)),
	END,
};

/* x2APIC mode cannot send it: the "redirectable IPI" bit of the ESR, and nothing is sent. */
static const struct script_step lowest_x2apic[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_LOWEST | 0x51, 1), ICR(ICR_LOWEST | 0x51, 1),
		WRITE(APIC_ESR, 0), READ(APIC_ESR, 0x10), SEND(ICR_LOWEST | 0x05, 1),
		WRITE(APIC_ESR, 0), READ(APIC_ESR, 0x10), SEND(ICR_FIXED | 0x31, 1)),
	AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x31, 1), READ_BIT(IRR, 0x51, 0), TAKEN(0)),
	AFTER(COUNT(0, sent, 1)),
	END,
};

/* On the machine the manual leaves open which of them has it, and whether there is such a mode. */
static const struct script_step machine_lowest[] = {
	AT(0, ENABLE, WRITE(APIC_LDR, 0x01000000), AWAIT_READY(3),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x51, 0x0E),
		SEND(ICR_LOWEST | ICR_LOGICAL | 0x52, 0x0E),
		SEND(ICR_FIXED | ICR_OTHERS | 0x31, 0), WINDOW, TAKEN(0)),
	AT(1, ENABLE, WRITE(APIC_LDR, 0x02000000), READY, AWAIT_BIT(IRR, 0x31, 1), WINDOW, WINDOW,
		WINDOW),
	AT(2, ENABLE, WRITE(APIC_LDR, 0x04000000), READY, AWAIT_BIT(IRR, 0x31, 1), WINDOW, WINDOW,
		WINDOW),
	AT(3, ENABLE, WRITE(APIC_LDR, 0x08000000), READY, AWAIT_BIT(IRR, 0x31, 1), WINDOW, WINDOW,
		WINDOW),
	AFTER(ONE_TOOK(0x51), ONE_TOOK(0x52)),
	END,
};

/* Nobody waits for it. */
static const struct script_step machine_sipi[] = {
	AT(0, ENABLE, AWAIT_READY(1), SEND(ICR_SIPI | 0x10, 1), ICR(ICR_SIPI | 0x10, 1),
		SEND(ICR_FIXED | 0x51, 1)),
	AT(1, ENABLE, STI, READY, AWAIT_TAKEN(1)),
	AFTER(TRACE(1, 0x51)),
	END,
};
/* clang-format on */

#define FIXED_ROW "IPI: Fixed"
#define NMI_ROW "IPI: NMI"
#define LOWEST_ROW "IPI: LowestPriority"

#define MEANS_EVENTS                                                                               \
	"Events are injected, held back or blocked wrongly here: a guest gets an interrupt "       \
	"twice, late, or not at all."
#define MEANS_NMIS                                                                                 \
	"NMIs are lost, doubled or blocked wrongly: a guest's watchdog and its machine-check "     \
	"handling fail."
#define MEANS_LOWEST "Lowest-priority interrupts go to the wrong processor, to several, or to none."

static const struct test rows[] = {
	SCRIPT_ROW("ipi.fixed.delivery", SPEC_FIXED_ACCEPTANCE, FIXED_ROW, delivery, MODE_ALL,
		   EXPLAINS("A fixed interrupt from the ICR to the handler: IRR, ISR, TMR, PPR and "
			    "EOI as both sides see them.",
			    MEANS_EVENTS),
		   .vcpus = 2),
	SCRIPT_ROW("ipi.fixed.order", SPEC_PRIORITIES, FIXED_ROW, order, MODE_ALL,
		   EXPLAINS("Pending interrupts are delivered by falling priority once they are "
			    "allowed.",
			    MEANS_EVENTS),
		   .vcpus = 2),
	SCRIPT_ROW("ipi.fixed.nesting", SPEC_EOI, FIXED_ROW, nesting, MODE_ALL,
		   EXPLAINS("A handler is interrupted by a higher priority class only; EOI ends "
			    "the highest in service.",
			    MEANS_EVENTS),
		   .vcpus = 1),
	SCRIPT_ROW("ipi.fixed.tpr", SPEC_PRIORITIES, FIXED_ROW, task_priority, MODE_ALL,
		   EXPLAINS("The task priority holds back its class and lower ones; PPR is the "
			    "higher of TPR and ISR.",
			    "The TPR does not hold back what it should: kernels that mask "
			    "interrupts by it (Windows) break."),
		   .vcpus = 1),
	SCRIPT_ROW("ipi.fixed.coalesce", SPEC_FIXED_ACCEPTANCE, FIXED_ROW, coalesce, MODE_ALL,
		   EXPLAINS("Interrupts of one vector that arrive together become one in service "
			    "and one pending.",
			    MEANS_EVENTS),
		   .vcpus = 2),
	SCRIPT_ROW("ipi.fixed.window", SPEC_MASKING, FIXED_ROW, window, MODE_ALL,
		   EXPLAINS("An interrupt that waits for IF is delivered in the first window, also "
			    "one of a single instruction.",
			    "The interrupt-window exit comes late or never: guests with short "
			    "windows lose their interrupts."),
		   .vcpus = 2),
	SCRIPT_ROW("ipi.fixed.shadows", SPEC_SHADOWS, FIXED_ROW, shadows, MODE_ALL,
		   EXPLAINS("No interrupt comes in the shadow of STI or MOV SS, and one right "
			    "after it.",
			    "An interrupt strikes between MOV SS and the next instruction: a "
			    "guest's stack may be torn."),
		   .vcpus = 1),
	SCRIPT_ROW("ipi.fixed.hlt", SPEC_HLT, FIXED_ROW, halted, MODE_ALL,
		   EXPLAINS("An interrupt wakes HLT only if IF allows it; an NMI wakes it always.",
			    "A halted guest sleeps on or wakes too early."),
		   .vcpus = 2),
	SCRIPT_ROW("ipi.fixed.hlt.pending", SPEC_HLT, FIXED_ROW, halted_pending, MODE_ALL,
		   EXPLAINS("An interrupt that is pending already ends STI;HLT at once.",
			    "A halted guest sleeps on with an interrupt pending."),
		   .vcpus = 1),
	SCRIPT_ROW("ipi.fixed.trigger", SPEC_ICR, FIXED_ROW, trigger, MODE_ALL,
		   EXPLAINS("Trigger mode and level in the ICR mean nothing to fixed interrupts "
			    "between processors.",
			    MEANS_EVENTS),
		   .vcpus = 2),
	SCRIPT_ROW("ipi.fixed.level", SPEC_FIXED_ACCEPTANCE, FIXED_ROW, level_outside, MODE_ALL,
		   EXPLAINS("A level-triggered interrupt from outside sets its bit in the TMR, and "
			    "an edge-triggered one clears it.",
			    "The TMR does not say how an interrupt was triggered: EOI is sent to "
			    "the wrong place."),
		   .vcpus = 1),
	SCRIPT_ROW("ipi.fixed.disabled", SPEC_APIC_DISABLED, FIXED_ROW, disabled, MODE_ALL,
		   EXPLAINS("A software-disabled APIC takes no new interrupts, holds pending ones, "
			    "lets NMIs come and IPIs go out.",
			    MEANS_EVENTS),
		   .vcpus = 2),
	SCRIPT_ROW(
		"ipi.nmi", SPEC_ICR, NMI_ROW, nmi, MODE_ALL,
		EXPLAINS("An NMI passes IF, TPR and a disabled APIC; its vector field is ignored.",
			 MEANS_NMIS),
		.vcpus = 2),
	SCRIPT_ROW("ipi.nmi.latch", SPEC_MULTIPLE_NMIS, NMI_ROW, nmi_latch, MODE_ALL,
		   EXPLAINS("While NMIs are blocked one more is latched; it comes at IRET, before "
			    "a pending interrupt.",
			    MEANS_NMIS),
		   .vcpus = 2),
	SCRIPT_ROW("ipi.nmi.blocking", SPEC_INTERRUPTIBILITY, NMI_ROW, nmi_blocking,
		   TOGETHER | MODE_X2APIC,
		   EXPLAINS("While one vCPU is in its NMI handler, another one on the same "
			    "processor is not blocked.",
			    "Blocking by NMI leaks from one guest into another on the same "
			    "processor: the second never gets its NMIs."),
		   .vcpus = 2),
	SCRIPT_ROW("ipi.nmi.shadows", SPEC_SHADOWS, NMI_ROW, nmi_shadows, MODE_ALL,
		   EXPLAINS("No NMI comes in the shadow of MOV SS, nor between STI and HLT.",
			    "An NMI strikes between MOV SS and the next instruction: a guest's "
			    "stack may be torn."),
		   .vcpus = 1),
	SCRIPT_ROW("ipi.extint", SPEC_EXTERNAL_INTERRUPTS, "IPI: ExtINT", extint, MODE_ALL,
		   EXPLAINS("An ExtINT passes IRR, ISR and TPR, waits for IF, and wakes HLT only "
			    "with IF set.",
			    "Interrupts of the old controller reach the guest wrongly: early boot "
			    "code hangs."),
		   .vcpus = 2),
	SCRIPT_ROW("ipi.refused", SPEC_ICR, "IPI: SMI, reserved", refused, MODE_ALL,
		   EXPLAINS("SMI and combinations that the ICR's table calls invalid reach nobody.",
			    "A malformed ICR write reaches processors: a guest can send what must "
			    "not exist."),
		   .vcpus = 2),
	SCRIPT_ROW("ipi.lowest", SPEC_LOWEST_PRIORITY, LOWEST_ROW, lowest, MODE_XAPIC,
		   EXPLAINS("A lowest-priority interrupt goes to the processor with the lowest "
			    "priority, by TPR or by what is in service.",
			    MEANS_LOWEST),
		   .vcpus = 4),
	SCRIPT_ROW("ipi.lowest.turn", SPEC_LOWEST_PRIORITY, LOWEST_ROW, lowest_turn, MODE_XAPIC,
		   EXPLAINS("Among equals, lowest-priority interrupts take turns.", MEANS_LOWEST),
		   .vcpus = 4),
	SCRIPT_ROW("ipi.lowest.disabled", SPEC_LOWEST_PRIORITY, LOWEST_ROW, lowest_disabled,
		   MODE_XAPIC,
		   EXPLAINS("Software-disabled APICs take no part in lowest-priority delivery.",
			    MEANS_LOWEST),
		   .vcpus = 3),
	SCRIPT_ROW("ipi.lowest.x2apic", SPEC_APIC_ERRORS, LOWEST_ROW, lowest_x2apic, MODE_X2APIC,
		   EXPLAINS("x2APIC mode refuses to send lowest priority: the ESR's "
			    "redirectable-IPI bit, and nothing is sent.",
			    MEANS_LOWEST),
		   .vcpus = 2),
	VIRTUAL_ROW("ipi.virtual.delivery", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, delivery,
		    MODE_VIRTUAL,
		    EXPLAINS("A fixed interrupt that the processor itself delivers to a guest: "
			     "IRR, ISR, PPR and EOI as the guest sees them.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("ipi.virtual.order", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, order, MODE_VIRTUAL,
		    EXPLAINS("The processor delivers what is pending in the virtual IRR by falling "
			     "priority.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("ipi.virtual.nesting", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, nesting, MODE_VIRTUAL,
		    EXPLAINS("Self-IPIs, nesting and EOI without an exit: a higher class "
			     "interrupts a handler, EOI ends the highest in service.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("ipi.virtual.tpr", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, task_priority,
		    MODE_VIRTUAL,
		    EXPLAINS("A write to the virtual TPR holds back its class and lower ones, and "
			     "lets them come, without an exit.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("ipi.virtual.coalesce", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, coalesce,
		    MODE_VIRTUAL,
		    EXPLAINS("Of one vector one is in service and one pending in the virtual APIC "
			     "page, however many arrive.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("ipi.virtual.window", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, window, MODE_VIRTUAL,
		    EXPLAINS("A virtual interrupt comes in a window of one instruction, and not in "
			     "the shadow of STI.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("ipi.virtual.shadows", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, shadows, MODE_VIRTUAL,
		    EXPLAINS("A virtual interrupt waits for the end of the shadow of STI or MOV SS "
			     "that an entry loads.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("ipi.virtual.hlt", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, halted, MODE_VIRTUAL,
		    EXPLAINS("After HLT a virtual interrupt comes if IF and TPR let it, and an NMI "
			     "always.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("ipi.virtual.hlt.pending", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, halted_pending,
		    MODE_VIRTUAL,
		    EXPLAINS("A self-IPI that the processor has made pending ends STI;HLT at once.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("ipi.virtual.trigger", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, trigger, MODE_VIRTUAL,
		    EXPLAINS("ICR writes with level trigger, no self-IPI, exit; the virtual TMR "
			     "shows how each came.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("ipi.virtual.level", SPEC_VAPIC_EOI, FIXED_ROW, level_outside, MODE_VIRTUAL,
		    EXPLAINS("The EOI of a level-triggered virtual interrupt exits by the EOI-exit "
			     "bitmap, once, and that of another one does not.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("ipi.virtual.disabled", SPEC_VAPIC_INTERRUPTS, FIXED_ROW, disabled,
		    MODE_VIRTUAL,
		    EXPLAINS("While the guest has its local APIC software-disabled, virtual "
			     "interrupts that are pending are kept.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("ipi.virtual.nmi.latch", SPEC_VAPIC_INTERRUPTS, NMI_ROW, nmi_latch,
		    MODE_VIRTUAL,
		    EXPLAINS("Injected NMIs come before a virtual interrupt that is pending.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("ipi.virtual.extint", SPEC_VAPIC_INTERRUPTS, "IPI: ExtINT", extint,
		    MODE_VIRTUAL,
		    EXPLAINS("An injected ExtINT and its interrupt window touch no virtual "
			     "interrupt and no virtual priority.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("ipi.virtual.lowest", SPEC_VAPIC_INTERRUPTS, LOWEST_ROW, lowest,
		    MODE_VIRTUAL_XAPIC,
		    EXPLAINS("The virtual APIC pages show which guest processor has the lowest "
			     "priority, by TPR or ISR, while they run.",
			     MEANS_VIRTUAL),
		    .vcpus = 4),
	POSTED_ROW("ipi.posted.delivery", FIXED_ROW, delivery,
		   EXPLAINS("An interrupt that is posted to a guest that runs is delivered to its "
			    "handler.",
			    MEANS_POSTED),
		   .vcpus = 2),
	POSTED_ROW("ipi.posted.order", FIXED_ROW, order,
		   EXPLAINS("Posted interrupts come to the virtual IRR, and are delivered by "
			    "falling priority.",
			    MEANS_POSTED),
		   .vcpus = 2),
	POSTED_ROW("ipi.posted.coalesce", FIXED_ROW, coalesce,
		   EXPLAINS("Of one vector that is posted over and over, one is in service and one "
			    "pending.",
			    MEANS_POSTED),
		   .vcpus = 2),
	POSTED_ROW("ipi.posted.window", FIXED_ROW, window,
		   EXPLAINS("A posted interrupt waits in the virtual IRR for IF, and comes in a "
			    "window of one instruction.",
			    MEANS_POSTED),
		   .vcpus = 2),
	POSTED_ROW("ipi.posted.hlt", FIXED_ROW, halted,
		   EXPLAINS("What is sent to a vCPU that has left its guest by HLT wakes it, "
			    "posted interrupts or not.",
			    MEANS_POSTED),
		   .vcpus = 2),
	POSTED_ROW("ipi.posted.trigger", FIXED_ROW, trigger,
		   EXPLAINS("Level-triggered interrupts are not posted, and edge-triggered ones "
			    "clear the virtual TMR.",
			    MEANS_POSTED),
		   .vcpus = 2),
	POSTED_ROW("ipi.posted.disabled", FIXED_ROW, disabled,
		   EXPLAINS("Nothing is posted to a guest whose local APIC is software-disabled.",
			    MEANS_POSTED),
		   .vcpus = 2),
	POSTED_ROW("ipi.posted.nmi.latch", NMI_ROW, nmi_latch,
		   EXPLAINS("NMIs are injected into a guest to which interrupts are posted.",
			    MEANS_POSTED),
		   .vcpus = 2),
	MACHINE_ROW("ipi.machine.delivery", SPEC_FIXED_ACCEPTANCE, 2, 0,
		    EXPLAINS("A fixed interrupt from a processor's own ICR to another's handler: "
			     "IRR, ISR, TMR, PPR and EOI.",
			     MEANS_MACHINE),
		    { MODE_ALL, delivery }),
	MACHINE_ROW("ipi.machine.order", SPEC_PRIORITIES, 2, 0,
		    EXPLAINS("Interrupts that are pending in the machine's local APIC are "
			     "delivered by falling priority.",
			     MEANS_MACHINE),
		    { MODE_ALL, order }),
	MACHINE_ROW("ipi.machine.nesting", SPEC_EOI, 1, 0,
		    EXPLAINS("On the machine itself a handler is interrupted by a higher class "
			     "only; EOI ends the highest in service.",
			     MEANS_MACHINE),
		    { MODE_ALL, nesting }),
	MACHINE_ROW("ipi.machine.tpr", SPEC_PRIORITIES, 1, 0,
		    EXPLAINS("The machine's TPR holds back its class and lower ones; PPR is the "
			     "higher of TPR and ISR.",
			     MEANS_MACHINE),
		    { MODE_ALL, task_priority }),
	MACHINE_ROW("ipi.machine.coalesce", SPEC_FIXED_ACCEPTANCE, 2, 0,
		    EXPLAINS("In the machine's local APIC, interrupts of one vector become one in "
			     "service and one pending.",
			     MEANS_MACHINE),
		    { MODE_ALL, coalesce }),
	MACHINE_ROW("ipi.machine.window", SPEC_MASKING, 2, 0,
		    EXPLAINS("On the machine itself no interrupt comes in the shadow of STI, and "
			     "one in a window of one instruction.",
			     MEANS_MACHINE),
		    { MODE_ALL, window }),
	MACHINE_ROW("ipi.machine.disabled", SPEC_APIC_DISABLED, 2, 0,
		    EXPLAINS("The machine's local APIC, software-disabled: no new interrupts, "
			     "pending ones are held, NMIs come, IPIs go out.",
			     MEANS_MACHINE),
		    { MODE_ALL, disabled }),
	MACHINE_ROW("ipi.machine.nmi", SPEC_ICR, 2, 0,
		    EXPLAINS("On the machine itself an NMI passes IF, TPR and a disabled APIC; "
			     "its vector field is ignored.",
			     MEANS_MACHINE),
		    { MODE_ALL, nmi }),
	MACHINE_ROW("ipi.machine.nmi.latch", SPEC_MULTIPLE_NMIS, 2, 0,
		    EXPLAINS("On the machine itself one NMI is latched while NMIs are blocked, "
			     "and comes at IRET, before an interrupt.",
			     MEANS_MACHINE),
		    { MODE_ALL, nmi_latch }),
	MACHINE_ROW("ipi.machine.sipi", SPEC_MP_INIT, 2, 0,
		    EXPLAINS("A physical start-up IPI to a processor that runs is ignored.",
			     MEANS_MACHINE),
		    { MODE_ALL, machine_sipi }),
	MACHINE_ROW("ipi.machine.lowest", SPEC_LOWEST_PRIORITY, 2, ALL_PROCESSORS,
		    EXPLAINS("Where the machine sends lowest-priority IPIs, one of the addressed "
			     "processors has each of them.",
			     MEANS_MACHINE),
		    { MODE_XAPIC, machine_lowest }),
};

TEST_GROUP(ipi, rows);
