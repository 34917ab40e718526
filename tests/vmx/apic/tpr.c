/* CR8, the task priority and its threshold. */
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/vmx/apic/macros.h"
#include "tests/vmx/exit/needs.h"
#include "tests/vmx/exit/sections.h"

enum {
	CLASSES = 16,
	GP = 13,
	BELOW = 3 /* one below, equal, one above */,
	HLT_STATE = 1,
	SHUTDOWN = 2,
	PENDING_STEP = 1 << 14
};

/* MOV to CR8 of each class. */
static void write_cr8_class(unsigned number, struct guest_made *made)
{
	made_before(made, (struct guest_change)REG(made->row.argument, number));
	made_after(made, (struct guest_change)VTPR(number << 4));
}

/* MOV from CR8: the low bits and the other bytes are not seen. */
static void read_cr8_class(unsigned number, struct guest_made *made)
{
	made_before(made, (struct guest_change)VTPR(0x87654300 | number << 4 | (number ^ 15)));
	made_after(made, (struct guest_change)REG(made->row.argument, number));
}

/* Without a TPR shadow the processor's own: it is the host's, too. */
static void read_own_cr8(unsigned number, struct guest_made *made)
{
	(void)number;
	made_after(made, (struct guest_change)REG(RAX, read_cr8()));
}

/* A write of a class, with a threshold: an exit behind the instruction if it is lower. */
static void make_threshold(struct guest_made *made, unsigned threshold, unsigned class)
{
	made_before(made, (struct guest_change)SET(TPR_THRESHOLD, threshold));
	made_before(made, (struct guest_change)VTPR(0xFF));
	if (class < threshold) {
		made->row.end = GUEST_EXITS_NEXT;
		made->row.number = REASON_TPR;
	}
}

static void cr8_threshold(unsigned number, struct guest_made *made)
{
	const unsigned class = number % CLASSES;

	make_threshold(made, number / CLASSES, class);
	made_before(made, (struct guest_change)REG(RAX, class));
	made_after(made, (struct guest_change)VTPR(class << 4));
}

/* By a byte or a word of the APIC-access page, or by the MSR; low bits are as written. */
static void tpr_threshold(unsigned number, struct guest_made *made)
{
	const unsigned threshold = number / BELOW;
	const unsigned class = (threshold + number % BELOW + CLASSES - 1) % CLASSES;
	const unsigned value = class << 4 | (number & 15);

	make_threshold(made, threshold, class);
	made_before(made, (struct guest_change)REG(RAX, value));
	made_after(made, (struct guest_change)VTPR(value));
}

/* clang-format off */
#define SOME_MODES (1 << MODE_64 | 1 << MODE_COMPAT_USER | 1 << MODE_V86 | 1 << MODE_REAL)
#define LOW_AT_ENTRY SHADOW, ACCESSES, SET(TPR_THRESHOLD, 9), VTPR(0x8F)
#define NOT_LOW_AT_ENTRY SHADOW, ACCESSES, SET(TPR_THRESHOLD, 9), VTPR(0x90)
#define WRITES_CR8(name, reg) \
	{ "apic.cr8", KERNEL_64, FRAGMENT_MOV_TO_CR8_##name, ENDS(PASSES), BEFORE(SHADOW, VTPR(0xFFFFFFFF)), WATCHED, .make = write_cr8_class, \
	  .count = CLASSES, .argument = reg }
#define READS_CR8(name, reg) \
	{ "apic.cr8", KERNEL_64, FRAGMENT_MOV_FROM_CR8_##name, ENDS(PASSES), BEFORE(SHADOW), WATCHED, .make = read_cr8_class, .count = CLASSES, .argument = reg }

static const struct guest_row rows[] = {
	WRITES_CR8(AX, RAX),
	WRITES_CR8(DI, RDI),
	WRITES_CR8(R9, R9),
	READS_CR8(AX, RAX),
	READS_CR8(DI, RDI),
	READS_CR8(R9, R9),
	{ "apic.cr8", KERNEL_64, FRAGMENT_MOV_TO_CR8_AX, FAULT_CODE(GP, 0), BEFORE(SHADOW), WATCHED, VALUES_OF_REG(RAX, 0x10, 0x100, BIT(31), BIT(32), BIT(63)) },
	{ "apic.cr8", 1 << MODE_64_USER, FRAGMENT_MOV_TO_CR8_AX, FAULT_CODE(GP, 0), BEFORE(SHADOW), WATCHED, VALUES_OF_REG(RAX, 0) },
	{ "apic.cr8", 1 << MODE_64_USER, FRAGMENT_MOV_FROM_CR8_AX, FAULT_CODE(GP, 0), BEFORE(SHADOW), WATCHED },

	{ "apic.cr8", KERNEL_64, FRAGMENT_MOV_FROM_CR8_AX, ENDS(PASSES), BEFORE(PRIMARY_OFF(TPR_SHADOW), PRIMARY_OFF(CR8_STORE), PAGE_AT(VIRTUAL_APIC_ADDRESS, GUEST_APIC), VTPR(0x40)),
	  WATCHED, .make = read_own_cr8, .count = 1 },

	{ "apic.threshold", KERNEL_64, FRAGMENT_MOV_TO_CR8_AX, ENDS(PASSES), BEFORE(SHADOW), WATCHED, .make = cr8_threshold, .count = CLASSES * CLASSES },
	{ "apic.threshold", SOME_MODES, FRAGMENT_STORE_32, ENDS(PASSES), BEFORE(SHADOW, ACCESSES, REG_ADD(RBX, APIC_TPR)), WATCHED, .make = tpr_threshold,
	  .count = CLASSES * BELOW },
	{ "apic.threshold", KERNEL_64, FRAGMENT_STORE, ENDS(PASSES), BEFORE(SHADOW, ACCESSES, REG_ADD(RBX, APIC_TPR)), WATCHED, .make = tpr_threshold,
	  .count = CLASSES * BELOW },
	{ "apic.threshold", SOME_MODES & MODES_KERNEL, FRAGMENT_WRMSR, ENDS(PASSES), BEFORE(SHADOW, X2APIC, REG(RCX, X2APIC_MSR + APIC_TPR / 16), REG(RDX, 0)), AFTER(WORD(APIC_TPR + 4, 0)),
	  WATCHED, .make = tpr_threshold, .count = CLASSES * BELOW },
	/* With a single-step trap pending, which is saved. */
	{ "save.pending", KERNEL_64, FRAGMENT_MOV_TO_CR8_AX, BEHIND(TPR), BEFORE(SHADOW, SET(TPR_THRESHOLD, 9), VTPR(0xF0), REG(RAX, 3), OR(GUEST_RFLAGS, RFLAGS_TF)), WATCHED,
	  AFTER(VTPR(0x30), SET(GUEST_PENDING_DEBUG, PENDING_STEP)) },
	/* Without effect under virtual-interrupt delivery. */
	{ "apic.threshold", KERNEL_64, FRAGMENT_MOV_TO_CR8_AX, ENDS(PASSES), BEFORE(SHADOW, DELIVERY, SET(TPR_THRESHOLD, 9), REG(RAX, 3), VTPR(0xFF)),
	  AFTER(VTPR(0x30), VPPR(0x30)), WATCHED },

	{ "apic.threshold.entry", MODES_ALL, FRAGMENT_NOP, AT_ONCE(TPR), BEFORE(LOW_AT_ENTRY), WATCHED },
	{ "apic.threshold.entry", MODES_ALL, FRAGMENT_NOP, ENDS(PASSES), BEFORE(NOT_LOW_AT_ENTRY), WATCHED },
	{ "apic.threshold.entry", KERNEL_64, FRAGMENT_NOP, AT_ONCE(TPR), BEFORE(LOW_AT_ENTRY, IF_ON), WATCHED, VALUES_OF(GUEST_INTERRUPTIBILITY, 0, 1, 2, 8) },
	{ "apic.threshold.entry", KERNEL_64, FRAGMENT_NOP, AT_ONCE(TPR), BEFORE(SHADOW, ACCESSES, VTPR(0)), WATCHED, VALUES_OF(TPR_THRESHOLD, 1, 2, 8, 15) },
	{ "apic.threshold.entry", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(SHADOW, ACCESSES, VTPR(0xF0)), WATCHED, VALUES_OF(TPR_THRESHOLD, 0, 1, 8, 15) },
	/* Before all else. */
	{ "apic.threshold.entry", KERNEL_64, FRAGMENT_NOP, AT_ONCE(TPR), BEFORE(LOW_AT_ENTRY, PIN_ON(PREEMPTION_TIMER), SET(PREEMPTION_TIMER_VALUE, 0)), WATCHED, AFTER(UNJUDGED(PREEMPTION_TIMER_VALUE, 0)) },
	{ "apic.threshold.entry", KERNEL_64, FRAGMENT_NOP, AT_ONCE(TPR), BEFORE(LOW_AT_ENTRY, IF_ON, PRIMARY_ON(IRQ_WINDOW)), WATCHED },
	{ "apic.threshold.entry", KERNEL_64, FRAGMENT_NOP, AT_ONCE(TPR), BEFORE(LOW_AT_ENTRY, PIN_ON(NMI), PIN_ON(VIRTUAL_NMIS), PRIMARY_ON(NMI_WINDOW)), WATCHED },
	{ "apic.threshold.entry", KERNEL_64, FRAGMENT_NOP, AT_ONCE(TPR), BEFORE(LOW_AT_ENTRY, SET(GUEST_ACTIVITY_STATE, HLT_STATE)), WATCHED,
	  AFTER(UNJUDGED(GUEST_ACTIVITY_STATE, 0)), IF(has_hlt_state, "HLT state") },
	/* The injected event comes first. */
	{ "apic.threshold.entry", MODES_ALL, FRAGMENT_NOP, DELIVERED(0x41, START),
	  BEFORE(LOW_AT_ENTRY, IF_ON, SET(ENTRY_INTERRUPTION_INFO, INFO_VALID | 0x41)), WATCHED,
	  AFTER(SET(EXIT_REASON, REASON_TPR), ADD(GUEST_RIP, -1), UNJUDGED(EXIT_INSTRUCTION_LENGTH, 0)) },
	{ "apic.threshold.shutdown", KERNEL_64, FRAGMENT_NOP, AT_ONCE(PREEMPTION_TIMER), BEFORE(LOW_AT_ENTRY, PIN_ON(PREEMPTION_TIMER), SET(GUEST_ACTIVITY_STATE, SHUTDOWN)), WATCHED,
	  IF(has_shutdown_state, "shutdown state") },
};
/* clang-format on */

const struct guest_section apic_tpr = { rows, ARRAY_SIZE(rows) };
