/* The local APIC that a guest sees: its registers, its modes, its timer. */
#include "tests/lib/machine_script.h"

#define BASE_MSR 0x1B
#define DEADLINE_MSR 0x6E0
#define BASE_OFF 0xFEE00100 /* the BSP's, disabled */
#define BASE_XAPIC 0xFEE00900
#define BASE_EXTD_ALONE 0xFEE00500
#define BASE_X2APIC 0xFEE00D00
#define MSR(offset) (0x800 + (offset) / 16)
#define GP 13
#define FAR_AWAY 0x7FFFFFFFFFFFFF /* a TSC value */
#define MASKED APIC_LVT_MASKED

/* Scripts read line by line. */
/* clang-format off */

#define AT_RESET \
	READ_MASKED(APIC_VERSION, 0xF0, 0x10), READ(APIC_TPR, 0), READ(APIC_PPR, 0), \
		READ(APIC_SVR, 0xFF), READ(APIC_ISR, 0), READ(APIC_ISR + 0x70, 0), \
		READ(APIC_TMR, 0), \
		READ(APIC_TMR + 0x70, 0), READ(APIC_IRR, 0), READ(APIC_IRR + 0x70, 0), \
		READ(APIC_ESR, 0), \
		READ(APIC_ICR, 0), READ(APIC_LVT_TIMER, MASKED), READ(APIC_LVT_THERMAL, MASKED), \
		READ(APIC_LVT_PMC, MASKED), READ(APIC_LVT_LINT0, MASKED), \
		READ(APIC_LVT_LINT1, MASKED), READ(APIC_LVT_ERROR, MASKED), \
		READ(APIC_TIMER_INITIAL, 0), READ(APIC_TIMER_CURRENT, 0), \
		READ(APIC_TIMER_DIVIDE, 0)

static const struct script_step reset_xapic[] = {
	AT(0, RDMSR(BASE_MSR, BASE_XAPIC), READ(APIC_ID, 0), READ(APIC_LDR, 0),
		READ(APIC_DFR, 0xFFFFFFFF), READ(APIC_ICR_HIGH, 0), AT_RESET),
	AT(1, RDMSR(BASE_MSR, 0xFEE00800), READ(APIC_ID, 1 << 24)),
	END,
};

static const struct script_step reset_x2apic[] = {
	AT(0, WRMSR_FAULT(BASE_MSR, BASE_X2APIC, 0), READ(APIC_ID, 0), READ(APIC_LDR, 1), AT_RESET,
		RDMSR(MSR(APIC_ICR), 0)),
	END,
};

/* Reserved bits do not stick, read-only registers stay. */
static const struct script_step writes[] = {
	AT(0, ENABLE, WRITE(APIC_ID, ~0u), READ(APIC_ID, 0), WRITE(APIC_VERSION, 0),
		READ_MASKED(APIC_VERSION, 0xF0, 0x10), WRITE(APIC_TPR, ~0u), READ(APIC_TPR, 0xFF),
		WRITE(APIC_TPR, 0), WRITE(APIC_PPR, ~0u), READ(APIC_PPR, 0), WRITE(APIC_LDR, ~0u),
		READ(APIC_LDR, 0xFF000000), WRITE(APIC_DFR, 0), READ(APIC_DFR, 0x0FFFFFFF),
		WRITE(APIC_SVR, ~0u), READ_MASKED(APIC_SVR, ~0x1200u, 0x1FF),
		WRITE(APIC_ISR + 0x10, ~0u), READ(APIC_ISR + 0x10, 0), WRITE(APIC_TMR + 0x10, ~0u),
		READ(APIC_TMR + 0x10, 0), WRITE(APIC_IRR + 0x10, ~0u), READ(APIC_IRR + 0x10, 0),
		WRITE(APIC_ICR_HIGH, ~0u), READ(APIC_ICR_HIGH, 0xFF000000),
		WRITE(APIC_LVT_TIMER, 0xFFF9FFFF), READ(APIC_LVT_TIMER, 0x100FF),
		WRITE(APIC_LVT_LINT0, ~0x5000u), READ(APIC_LVT_LINT0, 0x1A7FF),
		WRITE(APIC_LVT_LINT1, ~0x5000u), READ(APIC_LVT_LINT1, 0x1A7FF),
		WRITE(APIC_LVT_THERMAL, ~0x1000u), READ(APIC_LVT_THERMAL, 0x107FF),
		WRITE(APIC_LVT_PMC, ~0x1000u), READ(APIC_LVT_PMC, 0x107FF),
		WRITE(APIC_LVT_ERROR, ~0x1000u), READ(APIC_LVT_ERROR, 0x100FF),
		WRITE(APIC_TIMER_CURRENT, ~0u), READ(APIC_TIMER_CURRENT, 0),
		WRITE(APIC_TIMER_DIVIDE, ~0u), READ(APIC_TIMER_DIVIDE, 0xB), WRITE(APIC_ESR, 0),
		READ(APIC_ESR, 0), TAKEN(0)),
	END,
};

/* Bit 7 of the ESR, in xAPIC mode only. */
static const struct script_step reserved_registers[] = {
	AT(0, ENABLE, READ(0x10, 0), READ(APIC_ESR, 0), WRITE(APIC_ESR, 0), READ(APIC_ESR, 0x80),
		WRITE(APIC_ESR, 0), READ(APIC_ESR, 0), WRITE(0x50, 1), WRITE(APIC_ESR, 0),
		READ(APIC_ESR, 0x80), READ(0x3F0, 0), WRITE(APIC_ESR, 0xFFFFFFFF),
		READ(APIC_ESR, 0x80), WRITE(APIC_LVT_ERROR, 0xE1), WRITE(APIC_ESR, 0), STI,
		READ(0x40, 0), AWAIT_TAKEN(1), TAKEN(1)),
	AFTER(TRACE(0, 0xE1)),
	END,
};

#define READ_FAULTS(offset) RDMSR_FAULT(MSR(offset), GP)
#define WRITE_FAULTS(offset, value) WRMSR_FAULT(MSR(offset), value, GP)
#define WRITE_WORKS(offset, value) WRMSR_FAULT(MSR(offset), value, 0)

/* Registers that are not there, write-only, read-only. */
static const struct script_step x2apic_access[] = {
	AT(0, RDMSR_FAULT(MSR(APIC_ID), GP), RDMSR_FAULT(MSR(APIC_TPR), GP),
		WRMSR_FAULT(MSR(APIC_ICR), ICR_SELF | ICR_FIXED | 0x51, GP),
		WRMSR_FAULT(MSR(APIC_EOI), 0, GP), ENABLE, READ_FAULTS(0), READ_FAULTS(0x10),
		READ_FAULTS(APIC_APR), READ_FAULTS(APIC_EOI), READ_FAULTS(APIC_RRD),
		READ_FAULTS(APIC_DFR), READ_FAULTS(APIC_ICR_HIGH), READ_FAULTS(APIC_SELF_IPI),
		READ_FAULTS(0x400), READ_FAULTS(0xFF0), WRITE_FAULTS(APIC_ID, 0),
		WRITE_FAULTS(APIC_VERSION, 0), WRITE_FAULTS(APIC_PPR, 0), WRITE_FAULTS(APIC_LDR, 0),
		WRITE_FAULTS(APIC_DFR, 0), WRITE_FAULTS(APIC_ISR, 0), WRITE_FAULTS(APIC_TMR, 0),
		WRITE_FAULTS(APIC_IRR + 0x70, 0), WRITE_FAULTS(APIC_ICR_HIGH, 0),
		WRITE_FAULTS(APIC_TIMER_CURRENT, 0), WRITE_FAULTS(0x400, 0),
		RDMSR_FAULT(MSR(APIC_ID), 0), RDMSR_FAULT(MSR(APIC_PPR), 0),
		RDMSR_FAULT(MSR(APIC_IRR + 0x70), 0), WRITE_WORKS(APIC_EOI, 0),
		READ(APIC_IRR + 0x20, 0)),
	END,
};

/* A #GP changes nothing and sends nothing. Bit 12 of the ICR is ignored. */
static const struct script_step x2apic_reserved[] = {
	AT(0, ENABLE, WRITE_WORKS(APIC_TPR, 0x31), WRITE_FAULTS(APIC_TPR, 0x100),
		WRITE_FAULTS(APIC_TPR, 1ull << 32), READ(APIC_TPR, 0x31), WRITE_FAULTS(APIC_EOI, 1),
		WRITE_FAULTS(APIC_ESR, 1), WRITE_FAULTS(APIC_SVR, 1 << 16 | 0x1FF),
		WRITE_FAULTS(APIC_SVR, 1ull << 32 | 0x1FF), READ(APIC_SVR, 0x1FF),
		WRITE_FAULTS(APIC_ICR, ICR_SELF | ICR_FIXED | 0x51 | 1 << 13),
		WRITE_FAULTS(APIC_ICR, ICR_SELF | ICR_FIXED | 0x51 | 1 << 16),
		WRITE_FAULTS(APIC_ICR, ICR_SELF | ICR_FIXED | 0x51 | 1 << 17),
		WRITE_FAULTS(APIC_ICR, ICR_SELF | ICR_FIXED | 0x51 | 1 << 20),
		WRITE_FAULTS(APIC_ICR, ICR_SELF | ICR_FIXED | 0x51 | 1u << 31),
		RDMSR(MSR(APIC_ICR), 0), WRITE_FAULTS(APIC_LVT_TIMER, 1 << 8),
		WRITE_FAULTS(APIC_LVT_TIMER, 1 << 19), WRITE_FAULTS(APIC_LVT_ERROR, 1 << 8),
		WRITE_FAULTS(APIC_LVT_LINT0, 1 << 11), WRITE_FAULTS(APIC_LVT_PMC, 1 << 17),
		WRITE_FAULTS(APIC_LVT_THERMAL, 1ull << 32), READ(APIC_LVT_TIMER, MASKED),
		READ(APIC_LVT_ERROR, MASKED), WRITE_FAULTS(APIC_TIMER_INITIAL, 1ull << 32),
		READ(APIC_TIMER_INITIAL, 0), WRITE_FAULTS(APIC_TIMER_DIVIDE, 4),
		WRITE_FAULTS(APIC_TIMER_DIVIDE, 0x10), WRITE_FAULTS(APIC_SELF_IPI, 0x100),
		READ(APIC_IRR + 0x20, 0),
		WRITE_WORKS(APIC_ICR, ICR_SELF | ICR_FIXED | 0x51 | 1 << 12),
		READ_BIT(IRR, 0x51, 1), WINDOW, TAKEN(1)),
	AFTER(COUNT(0, sent, 1), TRACE(0, 0x51)),
	END,
};

/* Every arrow of the state diagram, and the ones that it does not have. The guest starts in xAPIC.
 */
static const struct script_step transitions[] = {
	AT(0, RDMSR(BASE_MSR, BASE_XAPIC), WRMSR_FAULT(BASE_MSR, BASE_EXTD_ALONE, GP),
		RDMSR(BASE_MSR, BASE_XAPIC), WRMSR_FAULT(BASE_MSR, BASE_XAPIC | 1 << 9, GP),
		WRMSR_FAULT(BASE_MSR, BASE_XAPIC | 1, GP),
		WRMSR_FAULT(BASE_MSR, 1ull << 52 | BASE_XAPIC, GP),
		WRMSR_FAULT(BASE_MSR, BASE_XAPIC, 0), WRITE(APIC_TPR, 0x20), ENABLE,
		/* disabled, and back to xAPIC as after reset */
		WRMSR_FAULT(BASE_MSR, BASE_OFF, 0), RDMSR(BASE_MSR, BASE_OFF),
		RDMSR_FAULT(MSR(APIC_ID), GP), WRMSR_FAULT(BASE_MSR, BASE_X2APIC, GP),
		WRMSR_FAULT(BASE_MSR, BASE_EXTD_ALONE, GP), WRMSR_FAULT(BASE_MSR, BASE_OFF, 0),
		WRMSR_FAULT(BASE_MSR, BASE_XAPIC, 0), READ(APIC_TPR, 0), READ(APIC_SVR, 0xFF),
		READ(APIC_ID, 0),
		/* x2APIC keeps the registers, and has no way to xAPIC but through disabled */
		WRITE(APIC_TPR, 0x20), WRITE(APIC_ICR_HIGH, 0x77000000),
		WRMSR_FAULT(BASE_MSR, BASE_X2APIC, 0), RDMSR(BASE_MSR, BASE_X2APIC),
		RDMSR(MSR(APIC_TPR), 0x20), RDMSR(MSR(APIC_LDR), 1), RDMSR(MSR(APIC_ICR), 0),
		WRMSR_FAULT(BASE_MSR, BASE_X2APIC, 0), RDMSR(MSR(APIC_TPR), 0x20),
		WRMSR_FAULT(BASE_MSR, BASE_XAPIC, GP), WRMSR_FAULT(BASE_MSR, BASE_EXTD_ALONE, GP),
		RDMSR(BASE_MSR, BASE_X2APIC), WRMSR_FAULT(BASE_MSR, BASE_OFF, 0),
		RDMSR_FAULT(MSR(APIC_ID), GP), WRMSR_FAULT(BASE_MSR, BASE_X2APIC, GP),
		WRMSR_FAULT(BASE_MSR, BASE_XAPIC, 0), READ(APIC_TPR, 0), READ(APIC_LDR, 0)),
	END,
};

/* CPUID: the flag follows IA32_APIC_BASE.EN; the initial id stays. Disabled: nothing but NMI comes.
 */
static const struct script_step presence[] = {
	AT(0, AWAIT_READY(1), SEND(ICR_FIXED | 0x51, 1), SEND(ICR_NMI, 1), AWAIT_READY(2),
		SEND(ICR_FIXED | 0x52, 1)),
	AT(1, CPUID_MASKED(1, 3, 1 << 9, 1 << 9), CPUID_MASKED(1, 1, 0xFF000000, 0x01000000),
		CPUID_MASKED(0xB, 3, ~0u, 1), ENABLE, WRMSR_FAULT(BASE_MSR, 0xFEE00000, 0),
		CPUID_MASKED(1, 3, 1 << 9, 0), READY, AWAIT_TAKEN(1),
		WRMSR_FAULT(BASE_MSR, 0xFEE00800, 0), CPUID_MASKED(1, 3, 1 << 9, 1 << 9),
		READ(APIC_IRR + 0x20, 0), ENABLE, READY, AWAIT_BIT(IRR, 0x52, 1), WINDOW, TAKEN(2)),
	AFTER(TRACE(1, NMI_VECTOR, 0x52), COUNT(1, dropped, 1)),
	END,
};

#define EVERY_LVT(value_timer, value) \
	READ(APIC_LVT_TIMER, value_timer), READ(APIC_LVT_THERMAL, value), \
		READ(APIC_LVT_PMC, value), READ(APIC_LVT_LINT0, value), \
		READ(APIC_LVT_LINT1, value), READ(APIC_LVT_ERROR, value)
#define UNMASK_EVERY_LVT \
	WRITE(APIC_LVT_TIMER, 0x200E1), WRITE(APIC_LVT_THERMAL, 0xE2), WRITE(APIC_LVT_PMC, 0xE2), \
		WRITE(APIC_LVT_LINT0, 0xE2), WRITE(APIC_LVT_LINT1, 0xE2), \
		WRITE(APIC_LVT_ERROR, 0xE2)

/* Clearing the enable bit masks them all; they cannot be unmasked then, and stay masked after. */
static const struct script_step lvt_masks[] = {
	AT(0, ENABLE, UNMASK_EVERY_LVT, EVERY_LVT(0x200E1, 0xE2), WRITE(APIC_SVR, 0xFF),
		EVERY_LVT(0x300E1, 0x100E2), UNMASK_EVERY_LVT, EVERY_LVT(0x300E1, 0x100E2), ENABLE,
		EVERY_LVT(0x300E1, 0x100E2), UNMASK_EVERY_LVT, EVERY_LVT(0x200E1, 0xE2)),
	END,
};

/* Once; not before its time; the same again by another write. */
static const struct script_step one_shot[] = {
	AT(0, ENABLE, WRITE(APIC_TIMER_DIVIDE, 0xB), WRITE(APIC_LVT_TIMER, 0xE1), STI, MARK_TIME,
		WRITE(APIC_TIMER_INITIAL, 3000), AWAIT_TAKEN(1), SINCE(3000),
		READ(APIC_TIMER_CURRENT, 0), READ(APIC_TIMER_INITIAL, 3000),
		WRITE(APIC_TIMER_DIVIDE, 0), MARK_TIME, WRITE(APIC_TIMER_INITIAL, 3000),
		AWAIT_TAKEN(2), SINCE(6000), TAKEN(2),
		/* 0 stops it; masked it counts all the same */
		WRITE(APIC_TIMER_INITIAL, 0x10000000), WRITE(APIC_TIMER_INITIAL, 0),
		READ(APIC_TIMER_CURRENT, 0), WRITE(APIC_LVT_TIMER, 0x100E1),
		WRITE(APIC_TIMER_INITIAL, 500), AWAIT(APIC_TIMER_CURRENT, ~0u, 0),
		READ_BIT(IRR, 0xE1, 0), TAKEN(2)),
	AFTER(TRACE(0, 0xE1, 0xE1), COUNT(0, interrupts, 2)),
	END,
};

static const struct script_step periodic[] = {
	AT(0, ENABLE, WRITE(APIC_TIMER_DIVIDE, 0xB), WRITE(APIC_LVT_TIMER, 0x200E1), CHOOSE_PERIOD,
		STI, MARK_TIME, START_PERIODS, AWAIT_TAKEN(1), AWAIT_TAKEN(2), SINCE_PERIODS(2),
		PERIOD_IS_SET, STI_HLT, CLI, SINCE_PERIODS(3),
		WRITE(APIC_TIMER_INITIAL, 0), READ(APIC_TIMER_CURRENT, 0),
		WRITE(APIC_LVT_TIMER, 0x100E1)),
	END,
};

static const struct script_step divides[] = {
	AT(0, ENABLE, COUNTDOWN(0), COUNTDOWN(1), COUNTDOWN(2), COUNTDOWN(3), COUNTDOWN(8),
		COUNTDOWN(9), COUNTDOWN(10), COUNTDOWN(11),
		/* a change while it counts changes the rate, not the count */
		WRITE(APIC_TIMER_DIVIDE, 0xB), WRITE(APIC_TIMER_INITIAL, 0x10000000),
		WRITE(APIC_TIMER_DIVIDE, 0xA),
		READ_MASKED(APIC_TIMER_CURRENT, 0xF8000000, 0x08000000),
		WRITE(APIC_TIMER_INITIAL, 0)),
	END,
};

static const struct script_step deadline[] = {
	AT(0, ENABLE, DEADLINE(1000000000), RDMSR(DEADLINE_MSR, 0),
		/* not in this mode */
		WRITE(APIC_LVT_TIMER, 0x400E1), STI, MARK_TIME, DEADLINE(3000), AWAIT_TAKEN(1),
		SINCE(3000), RDMSR(DEADLINE_MSR, 0), WRITE(APIC_TIMER_INITIAL, 500),
		READ(APIC_TIMER_CURRENT, 0), READ(APIC_TIMER_INITIAL, 0),
		WRMSR_FAULT(DEADLINE_MSR, FAR_AWAY, 0),
		RDMSR_OPERAND(DEADLINE_MSR), READ(APIC_TIMER_CURRENT, 0),
		WRMSR_FAULT(DEADLINE_MSR, 0, 0), RDMSR(DEADLINE_MSR, 0), TAKEN(1),
		/* one that has passed is due at once, in HLT too */
		WRMSR_FAULT(DEADLINE_MSR, 1, 0), AWAIT_TAKEN(2), CLI, DEADLINE(2000), STI_HLT,
		TAKEN(3), WRITE(APIC_LVT_TIMER, 0x500E1), DEADLINE(0), MARK_TIME,
		AWAIT(APIC_TIMER_CURRENT, ~0u, 0), READ_BIT(IRR, 0xE1, 0), TAKEN(3)),
	AFTER(TRACE(0, 0xE1, 0xE1, 0xE1)),
	END,
};

/* To and from TSC-deadline mode the timer is disarmed; between the others it counts on. */
static const struct script_step timer_modes[] = {
	AT(0, ENABLE, WRITE(APIC_TIMER_DIVIDE, 0xB), WRITE(APIC_LVT_TIMER, 0xE1), STI,
		WRITE(APIC_TIMER_INITIAL, 0x10000000), WRITE(APIC_LVT_TIMER, 0x400E1),
		READ(APIC_TIMER_CURRENT, 0), WRITE(APIC_LVT_TIMER, 0xE1),
		READ(APIC_TIMER_CURRENT, 0), WRITE(APIC_LVT_TIMER, 0x400E1),
		WRMSR_FAULT(DEADLINE_MSR, FAR_AWAY, 0), WRITE(APIC_LVT_TIMER, 0x200E1),
		RDMSR(DEADLINE_MSR, 0), WRITE(APIC_LVT_TIMER, 0x400E1), RDMSR(DEADLINE_MSR, 0),
		WRITE(APIC_LVT_TIMER, 0x200E1), WRITE(APIC_TIMER_INITIAL, 0x10000000),
		WRITE(APIC_LVT_TIMER, 0xE1), AWAIT(APIC_TIMER_CURRENT, 0x08000000, 0x08000000),
		WRITE(APIC_TIMER_INITIAL, 0), READ(APIC_TIMER_CURRENT, 0), TAKEN(0)),
	END,
};

/* The vector of an LVT entry is checked when it would be delivered. */
static const struct script_step timer_illegal[] = {
	AT(0, ENABLE, WRITE(APIC_LVT_ERROR, 0xE1), STI, WRITE(APIC_TIMER_DIVIDE, 0xB),
		WRITE(APIC_LVT_TIMER, 0x00005), WRITE(APIC_TIMER_INITIAL, 100), AWAIT_TAKEN(1),
		WRITE(APIC_ESR, 0), READ(APIC_ESR, 0x40), READ(APIC_IRR, 0)),
	AFTER(TRACE(0, 0xE1)),
	END,
};

/* What all machines keep of what is written to them. */
#define MACHINE_KEEPS \
	ENABLE, READ_MASKED(APIC_VERSION, 0xF0, 0x10), WRITE(APIC_TPR, 0xFF), \
		READ(APIC_TPR, 0xFF), READ(APIC_PPR, 0xFF), WRITE(APIC_TPR, 0x5A), \
		READ(APIC_TPR, 0x5A), READ(APIC_PPR, 0x5A), WRITE(APIC_TPR, 0), \
		READ(APIC_PPR, 0), WRITE(APIC_LVT_TIMER, 0x300E1), READ(APIC_LVT_TIMER, 0x300E1), \
		WRITE(APIC_LVT_TIMER, 0x100E2), READ(APIC_LVT_TIMER, 0x100E2), \
		WRITE(APIC_LVT_ERROR, 0x100E3), READ(APIC_LVT_ERROR, 0x100E3), \
		WRITE(APIC_TIMER_DIVIDE, 0xB), READ(APIC_TIMER_DIVIDE, 0xB), \
		WRITE(APIC_TIMER_DIVIDE, 0), READ(APIC_TIMER_DIVIDE, 0), \
		WRITE(APIC_TIMER_INITIAL, 0x7FFFFFFF), READ(APIC_TIMER_INITIAL, 0x7FFFFFFF), \
		WRITE(APIC_TIMER_INITIAL, 0), READ(APIC_TIMER_CURRENT, 0), WRITE(APIC_ESR, 0), \
		READ(APIC_ESR, 0)
static const struct script_step machine_registers[] = {
	AT(0, MACHINE_KEEPS, READ(APIC_DFR, 0xFFFFFFFF), WRITE(APIC_LDR, 0xA5000000),
		READ(APIC_LDR, 0xA5000000), WRITE(APIC_LDR, 0x5A000000),
		READ(APIC_LDR, 0x5A000000), TAKEN(0)),
	END,
};

static const struct script_step machine_x2apic_registers[] = {
	AT(0, MACHINE_KEEPS, READ_FAULTS(APIC_EOI), READ_FAULTS(APIC_DFR),
		READ_FAULTS(APIC_ICR_HIGH), READ_FAULTS(APIC_SELF_IPI), WRITE_FAULTS(APIC_ID, 0),
		WRITE_FAULTS(APIC_VERSION, 0), WRITE_FAULTS(APIC_PPR, 0), WRITE_FAULTS(APIC_LDR, 0),
		WRITE_FAULTS(APIC_ISR, 0), WRITE_FAULTS(APIC_TMR, 0),
		WRITE_FAULTS(APIC_IRR + 0x70, 0), WRITE_FAULTS(APIC_TIMER_CURRENT, 0),
		WRITE_FAULTS(APIC_TPR, 0x100), WRITE_FAULTS(APIC_EOI, 1), WRITE_FAULTS(APIC_ESR, 1),
		WRITE_WORKS(APIC_EOI, 0), TAKEN(0)),
	END,
};

/* What was sent last, with its destination; the delivery status is past. */
static const struct script_step machine_icr[] = {
	AT(0, ENABLE, SEND(ICR_FIXED | 0x51, 0), ICR(ICR_FIXED | 0x51, 0),
		SEND(ICR_FIXED | ICR_SELF | 0x52, 0xA5), ICR(ICR_FIXED | ICR_SELF | 0x52, 0xA5),
		SEND(ICR_FIXED | ICR_LEVEL | ICR_SELF | 0x53, 0x5A),
		ICR(ICR_FIXED | ICR_LEVEL | ICR_SELF | 0x53, 0x5A), WINDOW),
	AFTER(TRACE(0, 0x53, 0x52, 0x51)),
	END,
};

/* Clearing the enable bit masks them all. The NMI's and the firmware's own are only looked at. */
static const struct script_step machine_lvt_masks[] = {
	AT(0, ENABLE, WRITE(APIC_LVT_TIMER, 0x200E1), WRITE(APIC_LVT_ERROR, 0xE2),
		READ(APIC_LVT_TIMER, 0x200E1), READ(APIC_LVT_ERROR, 0xE2), WRITE(APIC_SVR, 0xEF),
		READ(APIC_LVT_TIMER, 0x300E1), READ(APIC_LVT_ERROR, 0x100E2),
		READ_MASKED(APIC_LVT_LINT0, MASKED, MASKED),
		READ_MASKED(APIC_LVT_LINT1, MASKED, MASKED), WRITE(APIC_LVT_TIMER, 0x200E1),
		READ(APIC_LVT_TIMER, 0x300E1), ENABLE, READ(APIC_LVT_TIMER, 0x300E1),
		READ(APIC_LVT_ERROR, 0x100E2), WRITE(APIC_LVT_TIMER, 0x200E1),
		READ(APIC_LVT_TIMER, 0x200E1)),
	END,
};

static const struct script_step machine_divides[] = {
	AT(0, ENABLE, COUNTDOWN(0), COUNTDOWN(1), COUNTDOWN(2), COUNTDOWN(3), COUNTDOWN(8),
		COUNTDOWN(9), COUNTDOWN(10), COUNTDOWN(11)),
	END,
};

static const struct script_step machine_deadline[] = {
	AT(0, ENABLE, DEADLINE(1000000000), RDMSR(DEADLINE_MSR, 0),
		/* not in this mode */
		WRITE(APIC_LVT_TIMER, 0x400E1), STI, MARK_TIME, DEADLINE(3000), AWAIT_TAKEN(1),
		SINCE(3000), RDMSR(DEADLINE_MSR, 0), WRITE(APIC_TIMER_INITIAL, 500),
		READ(APIC_TIMER_CURRENT, 0), WRMSR_FAULT(DEADLINE_MSR, FAR_AWAY, 0),
		RDMSR_OPERAND(DEADLINE_MSR), READ(APIC_TIMER_CURRENT, 0),
		WRMSR_FAULT(DEADLINE_MSR, 0, 0), RDMSR(DEADLINE_MSR, 0), TAKEN(1),
		/* one that has passed is due at once */
		WRMSR_FAULT(DEADLINE_MSR, 1, 0), AWAIT_TAKEN(2), CLI, DEADLINE(2000), STI_HLT,
		TAKEN(3),
		/* another mode disarms it */
		WRMSR_FAULT(DEADLINE_MSR, FAR_AWAY, 0), WRITE(APIC_LVT_TIMER, 0x100E1),
		RDMSR(DEADLINE_MSR, 0), WRITE(APIC_LVT_TIMER, 0x400E1), RDMSR(DEADLINE_MSR, 0)),
	AFTER(TRACE(0, 0xE1, 0xE1, 0xE1)),
	END,
};
/* clang-format on */

#define MEANS_REGISTERS                                                                            \
	"The local APIC that a guest sees differs from the manual: its driver may misbehave or "   \
	"hang."
#define MEANS_TIMER                                                                                \
	"The APIC timer of a guest ticks at the wrong time or rate: timeouts and scheduling in "   \
	"guests are wrong."

static const struct test rows[] = {
	SCRIPT_ROW("apic.reset.xapic", SPEC_APIC_POWER_UP, "APIC: registers", reset_xapic,
		   MODE_XAPIC,
		   EXPLAINS("All registers of a local APIC in xAPIC mode after power-up.",
			    MEANS_REGISTERS),
		   .vcpus = 2),
	SCRIPT_ROW("apic.reset.x2apic", SPEC_APIC_POWER_UP, "APIC: registers", reset_x2apic,
		   MODE_X2APIC,
		   EXPLAINS("All registers of a local APIC that is switched to x2APIC mode after "
			    "power-up.",
			    MEANS_REGISTERS),
		   .vcpus = 1),
	SCRIPT_ROW("apic.writes", SPEC_APIC_REGISTERS, "APIC: registers", writes, MODE_XAPIC,
		   EXPLAINS("Reserved bits of APIC registers do not stick, and read-only registers "
			    "stay as they are.",
			    MEANS_REGISTERS),
		   .vcpus = 1),
	SCRIPT_ROW("apic.reserved", SPEC_APIC_ERRORS, "APIC: registers", reserved_registers,
		   MODE_XAPIC,
		   EXPLAINS("Accesses to reserved registers set the ESR's illegal-register bit in "
			    "xAPIC mode.",
			    MEANS_REGISTERS),
		   .vcpus = 1),
	SCRIPT_ROW("apic.x2apic.access", SPEC_X2APIC_REGISTERS, "APIC: registers", x2apic_access,
		   MODE_X2APIC,
		   EXPLAINS("x2APIC MSRs that are missing, write-only or read-only raise #GP; the "
			    "others work.",
			    MEANS_REGISTERS),
		   .vcpus = 1),
	SCRIPT_ROW(
		"apic.x2apic.reserved", SPEC_X2APIC_RESERVED, "APIC: registers", x2apic_reserved,
		MODE_X2APIC,
		EXPLAINS("Reserved bits in x2APIC MSRs raise #GP, and nothing is changed or sent.",
			 MEANS_REGISTERS),
		.vcpus = 1),
	SCRIPT_ROW("apic.base", SPEC_X2APIC_TRANSITIONS, "APIC: modes", transitions, MODE_XAPIC,
		   EXPLAINS("Every transition between disabled, xAPIC and x2APIC, and #GP for "
			    "those that do not exist.",
			    MEANS_REGISTERS),
		   .vcpus = 1),
	SCRIPT_ROW("apic.presence", SPEC_APIC_PRESENCE, "vCPU: identity", presence, MODE_XAPIC,
		   EXPLAINS("CPUID's APIC flag follows the enable bit; a disabled APIC lets "
			    "nothing but NMIs come.",
			    MEANS_REGISTERS),
		   .vcpus = 2),
	SCRIPT_ROW("apic.lvt.masks", SPEC_APIC_DISABLED, "APIC: registers", lvt_masks, MODE_ALL,
		   EXPLAINS("Disabling the APIC masks every LVT entry, and they stay masked until "
			    "written.",
			    MEANS_REGISTERS),
		   .vcpus = 1),
	SCRIPT_ROW("apic.timer.one_shot", SPEC_APIC_TIMER, "APIC: registers", one_shot, MODE_ALL,
		   EXPLAINS("The one-shot timer fires once, not before its time, and again after "
			    "another write.",
			    MEANS_TIMER),
		   .vcpus = 1),
	SCRIPT_ROW("apic.timer.periodic", SPEC_APIC_TIMER, "APIC: registers", periodic, MODE_ALL,
		   EXPLAINS("The periodic timer goes on firing in its period, in HLT too, until it "
			    "is stopped.",
			    MEANS_TIMER),
		   .vcpus = 1),
	SCRIPT_ROW("apic.timer.divide", SPEC_APIC_TIMER, "APIC: registers", divides, MODE_ALL,
		   EXPLAINS("Each divide value slows the timer as much as it says, and a change "
			    "does not touch the count.",
			    MEANS_TIMER),
		   .vcpus = 1),
	SCRIPT_ROW("apic.timer.deadline", SPEC_TSC_DEADLINE, "APIC: registers", deadline, MODE_ALL,
		   EXPLAINS("The TSC-deadline timer fires at its time, at once if that has passed, "
			    "and is then disarmed.",
			    MEANS_TIMER),
		   .vcpus = 1),
	SCRIPT_ROW("apic.timer.modes", SPEC_TSC_DEADLINE, "APIC: registers", timer_modes, MODE_ALL,
		   EXPLAINS("A change to or from TSC-deadline mode disarms the timer; between the "
			    "other modes it counts on.",
			    MEANS_TIMER),
		   .vcpus = 1),
	SCRIPT_ROW("apic.timer.illegal", SPEC_LVT, "APIC: illegal vectors", timer_illegal, MODE_ALL,
		   EXPLAINS("A timer with an illegal vector sets the ESR when it would fire, and "
			    "delivers nothing.",
			    "Illegal vectors are delivered, or their error is not reported: a "
			    "driver's bug becomes a stray exception."),
		   .vcpus = 1),
	VIRTUAL_ROW("apic.virtual.writes", SPEC_VAPIC_ACCESSES, "APIC: registers", writes,
		    MODE_VIRTUAL_XAPIC,
		    EXPLAINS("With virtual-interrupt delivery reserved bits of registers do not "
			     "stick, and read-only ones stay.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("apic.virtual.reserved", SPEC_VAPIC_ACCESSES, "APIC: registers",
		    reserved_registers, MODE_VIRTUAL_XAPIC,
		    EXPLAINS("Accesses to reserved registers exit, and the error interrupt that "
			     "they raise is delivered by the processor.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("apic.virtual.x2apic.access", SPEC_VAPIC_MSRS, "APIC: registers", x2apic_access,
		    MODE_VIRTUAL_X2APIC,
		    EXPLAINS("With virtualized x2APIC MSRs, those that are missing, write-only or "
			     "read-only raise #GP; the others work.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("apic.virtual.x2apic.reserved", SPEC_VAPIC_MSRS, "APIC: registers",
		    x2apic_reserved, MODE_VIRTUAL_X2APIC,
		    EXPLAINS("Reserved bits in virtualized WRMSRs raise #GP, and nothing is "
			     "changed or sent.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("apic.virtual.base", SPEC_VAPIC_MSRS, "APIC: modes", transitions,
		    MODE_VIRTUAL_XAPIC,
		    EXPLAINS("Each transition between disabled, xAPIC and x2APIC changes what the "
			     "processor virtualizes.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("apic.virtual.presence", SPEC_VAPIC_INTERRUPTS, "vCPU: identity", presence,
		    MODE_VIRTUAL_XAPIC,
		    EXPLAINS("Virtual-interrupt delivery is switched off and on with a guest's "
			     "local APIC.",
			     MEANS_VIRTUAL),
		    .vcpus = 2),
	VIRTUAL_ROW("apic.virtual.timer.one_shot", SPEC_VAPIC_INTERRUPTS, "APIC: registers",
		    one_shot, MODE_VIRTUAL,
		    EXPLAINS("Interrupts of the one-shot timer come by virtual-interrupt delivery, "
			     "not before their time.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	VIRTUAL_ROW("apic.virtual.timer.periodic", SPEC_VAPIC_INTERRUPTS, "APIC: registers",
		    periodic, MODE_VIRTUAL,
		    EXPLAINS("Interrupts of the periodic timer come by virtual-interrupt delivery, "
			     "in HLT too.",
			     MEANS_VIRTUAL),
		    .vcpus = 1),
	MACHINE_ROW("apic.machine.registers", SPEC_APIC_REGISTERS, 1, 0,
		    EXPLAINS("The registers of the machine's own local APIC keep what is written "
			     "to them; in x2APIC mode, #GP where there is none.",
			     MEANS_MACHINE),
		    { MODE_XAPIC, machine_registers }, { MODE_X2APIC, machine_x2apic_registers }),
	MACHINE_ROW("apic.machine.icr", SPEC_ICR, 1, LOOKS_AT_ICR,
		    EXPLAINS("The ICR of the machine's own local APIC shows what was sent last, "
			     "and no message that is still pending.",
			     MEANS_MACHINE),
		    { MODE_ALL, machine_icr }),
	MACHINE_ROW("apic.machine.lvt.masks", SPEC_APIC_DISABLED, 1, 0,
		    EXPLAINS("Disabling the machine's local APIC masks its LVT entries, and they "
			     "stay masked until written.",
			     MEANS_MACHINE),
		    { MODE_ALL, machine_lvt_masks }),
	MACHINE_ROW("apic.machine.timer.one_shot", SPEC_APIC_TIMER, 1, 0,
		    EXPLAINS("The machine's APIC timer, one-shot, fires once, not before its "
			     "time, and again after another write.",
			     MEANS_MACHINE),
		    { MODE_ALL, one_shot }),
	MACHINE_ROW("apic.machine.timer.periodic", SPEC_APIC_TIMER, 1, 0,
		    EXPLAINS("The machine's APIC timer, periodic, goes on firing in its period "
			     "until it is stopped.",
			     MEANS_MACHINE),
		    { MODE_ALL, periodic }),
	MACHINE_ROW("apic.machine.timer.divide", SPEC_APIC_TIMER, 1, 0,
		    EXPLAINS("Each divide value slows the machine's APIC timer as much as it says.",
			     MEANS_MACHINE),
		    { MODE_ALL, machine_divides }),
	MACHINE_ROW("apic.machine.timer.deadline", SPEC_TSC_DEADLINE, 1, NEEDS_DEADLINE,
		    EXPLAINS("The machine's TSC-deadline timer fires at its time, at once if that "
			     "has passed, and is then disarmed.",
			     MEANS_MACHINE),
		    { MODE_ALL, machine_deadline }),
};

TEST_GROUP(apic, rows);
