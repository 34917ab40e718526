/*
 * Pairs of events of which one is a physical interrupt: the processor sends one to itself, which
 * waits until a guest is entered, and exits there, or until the host takes it.
 */
#include "platform.h"
#include "x86/control.h"
#include "x86/insn.h"

#include "tests/vmx/checks.h"
#include "tests/vmx/exit/needs.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/solo.h"

/* The platform holds all interrupts by TPR 15; ours is of the only class that 14 lets through. */
enum { IPI_FIXED = 0x4000, OUR_VECTOR = 0xF4, TPR_HOLDS = 15, TPR_OURS = 14, DB = 1 };

#define IF_ON SOLO_OR(GUEST_RFLAGS, RFLAGS_IF)
#define NMI_WINDOW_ON                                                                              \
	SOLO_OR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_NMI) | CONTROL_MASK(PIN_VIRTUAL_NMIS)),       \
		SOLO_OR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_NMI_WINDOW))
#define IRQ_WINDOW_ON                                                                              \
	SOLO_OR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_IRQ_WINDOW)),                               \
		SOLO_OR(GUEST_RFLAGS, RFLAGS_IF)
#define TIMER_0                                                                                    \
	SOLO_OR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_PREEMPTION_TIMER)),                           \
		SOLO_SET(PREEMPTION_TIMER_VALUE, 0)
#define CHANGES(...)                                                                               \
	(const struct guest_change[])                                                              \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define AT_ONCE(reason)                                                                            \
	.rule = "event.priority", .fragment = FRAGMENT_NOP, .end = GUEST_EXITS_AT,                 \
	.number = REASON_##reason

/* What comes before the interrupt. */
static const struct guest_row first[] = {
	{ AT_ONCE(PREEMPTION_TIMER), .before = CHANGES(TIMER_0, IF_ON) },
	{ AT_ONCE(NMI_WINDOW), .before = CHANGES(NMI_WINDOW_ON, IF_ON) },
	{ AT_ONCE(IRQ_WINDOW), .before = CHANGES(IRQ_WINDOW_ON) },
	{ AT_ONCE(EXCEPTION_NMI),
	  .before = CHANGES(SOLO_OR(GUEST_RFLAGS, RFLAGS_TF), IF_ON,
			    SOLO_SET(GUEST_PENDING_DEBUG, 0x4000)),
	  .after = CHANGES(
		  SOLO_SET(EXIT_INTERRUPTION_INFO, INFO_VALID | INFO_HARDWARE_EXCEPTION | DB),
		  SOLO_SET(EXIT_QUALIFICATION, 0x4000), SOLO_SET(GUEST_PENDING_DEBUG, 0)) },
	{ AT_ONCE(MONITOR_TRAP),
	  .before = CHANGES(IF_ON, SOLO_SET(ENTRY_INTERRUPTION_INFO, INFO_VALID | INFO_OTHER)),
	  .needs = has_trap_flag, .needs_text = "monitor trap flag" },
};

static const struct guest_row alone = { .rule = "event.priority",
					.fragment = FRAGMENT_NOP,
					.end = GUEST_PASSES,
					.before = CHANGES(IF_ON) };

/* Through the guest's IDT, after the instruction that is still blocked. */
#define NOT_EXITING                                                                                \
	SOLO_CLEAR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_EXTERNAL_INTERRUPT)),                      \
		SOLO_OR(GUEST_RFLAGS, RFLAGS_IF)
#define AFTER_ONE                                                                                  \
	.fragment = FRAGMENT_NOP, .end = GUEST_DELIVERS, .number = OUR_VECTOR,                     \
	.pushes = PUSHES_NEXT, .after = CHANGES(SOLO_SET(GUEST_INTERRUPTIBILITY, 0))

static const struct guest_row delivered[] = {
	{ .rule = "load.sti",
	  AFTER_ONE,
	  .before = CHANGES(NOT_EXITING, SOLO_SET(GUEST_INTERRUPTIBILITY, 1)) },
	{ .rule = "load.mov_ss",
	  AFTER_ONE,
	  .before = CHANGES(NOT_EXITING, SOLO_SET(GUEST_INTERRUPTIBILITY, 2)) },
};

/* Served by the host, also if the guest has acknowledged it: the handler sends the EOI. */
static void serve(void)
{
	interrupts_take();
	__asm__ volatile("int %0" : : "i"(OUR_VECTOR) : "memory");
	write_cr8(TPR_HOLDS);
}

/* How often interrupts have ended entries of the row, which comes to its end then. */
static unsigned interrupted(struct stage *stage, struct theatre *theatre,
			    const struct guest_row *row, enum guest_mode mode)
{
	const unsigned before = theatre->seat.probe.interrupts;

	write_cr8(TPR_OURS);
	platform->ipi(stage->cpu, IPI_FIXED | OUR_VECTOR);
	(void)solo_check(stage, theatre, row, mode, "with an interrupt that waits");
	serve();
	return theatre->seat.probe.interrupts - before;
}

/* Rows that the machine can do, with that many exits by the interrupt. */
static void each(struct stage *stage, struct theatre *theatre, const struct guest_row *rows,
		 unsigned count, enum guest_mode mode)
{
	char text[80];

	for (unsigned i = 0; i < count; i++)
		if (!guest_row_missing(theatre, &rows[i], text, sizeof(text)))
			check_number(
				stage, rows[i].rule, 0, interrupted(stage, theatre, &rows[i], mode),
				"exits by the interrupt, row %u, %s", i, guest_modes[mode].name);
}

void interrupt_checks(struct stage *stage)
{
	struct theatre *theatre = solo_open(stage);

	if (!theatre)
		return;
	for (unsigned mode = 0; mode < GUEST_MODES; mode++) {
		if (theatre->missing[mode])
			continue;
		if (!interrupted(stage, theatre, &alone, (enum guest_mode)mode)) {
			stage_note(stage, "not here: an interrupt of our own");
			break;
		}
		each(stage, theatre, first, ARRAY_SIZE(first), (enum guest_mode)mode);
		each(stage, theatre, delivered, ARRAY_SIZE(delivered), (enum guest_mode)mode);
	}
	solo_close(stage, theatre);
}
