/* Virtual interrupts: SDM vol. 3C, "APIC Virtualization and Virtual Interrupts". */
#include "tests/vmx/apic/make.h"
#include "tests/vmx/exit/needs.h"
#include "tests/vmx/exit/sections.h"

enum {
	VECTORS = 256,
	CLASSES = 16,
	NEAR = 3, /* one below, equal, one above */
	SOME = 32,
	HIGHEST = 0xFE,
	HLT_STATE = 1,
	SELF = TO_SELF << ICR_SHORTHAND_SHIFT
};

/* How the guest, or the entry, brings the processor to look: .argument of a row. */
enum look { BY_ENTRY, BY_CR8, BY_EOI, BY_ICR };

static void before_word(struct guest_made *made, unsigned offset, uint32_t value)
{
	made_before(made, (struct guest_change)WORD(offset, value));
}

/* A bit of the in-service or the request register; others of the same word are given, too. */
static void before_bit(struct guest_made *made, unsigned registers, unsigned vector, unsigned other)
{
	uint32_t word = BIT_OF(vector);

	if (other / 32 == vector / 32)
		word |= BIT_OF(other);
	else
		before_word(made, registers + other / 32 * 16, BIT_OF(other));
	before_word(made, registers + vector / 32 * 16, word);
}

static void before_status(struct guest_made *made, unsigned svi, unsigned rvi)
{
	made_before(made, (struct guest_change)STATUS(svi, rvi));
}

/* The model's side of what the row's instruction does. */
static void carry_out(struct guest_made *made, enum look by, uint32_t rax)
{
	struct vapic vapic;

	made_load(made, &vapic);
	vapic_entry(&vapic);
	if (by == BY_CR8) {
		VAPIC_WORD(&vapic, APIC_TPR) = rax << 4;
		vapic_written(&vapic, APIC_TPR);
	} else if (by == BY_EOI) {
		vapic_written(&vapic, APIC_EOI);
	} else if (by == BY_ICR) {
		VAPIC_WORD(&vapic, APIC_ICR) = rax;
		vapic_written(&vapic, APIC_ICR);
	}
	made_before(made, (struct guest_change)REG(RAX, rax));
	made_finish(made, &vapic, by == BY_ENTRY ? PUSHES_START : PUSHES_NEXT);
}

/* Each vector, with a lower one behind it. */
static void deliver(unsigned number, struct guest_made *made)
{
	const unsigned vector = good_vector(number);

	before_bit(made, APIC_IRR, vector, vector / 2);
	before_status(made, 0, vector);
	carry_out(made, BY_ENTRY, 0);
}

/*
 * A class that is pending and the class of the priority: all pairs at the entry, neighbours
 * otherwise.
 */
static void evaluate(unsigned number, struct guest_made *made)
{
	const enum look by = made->row.argument;
	const unsigned class = by == BY_ENTRY ? number % CLASSES : number / NEAR;
	const unsigned pending =
		by == BY_ENTRY ? number / CLASSES : (class + number % NEAR + CLASSES - 1) % CLASSES;
	const unsigned vector = pending << 4 | (number & 1 ? 0xB : 0xF);
	uint32_t rax = class;

	before_word(made, APIC_TPR, by == BY_CR8 ? 0xF0 : class << 4);
	if (by == BY_ICR) {
		rax = SELF | vector;
		before_status(made, 0, 0);
	} else {
		before_bit(made, APIC_IRR, vector, vector);
		before_status(made, by == BY_EOI ? HIGHEST : 0, vector);
	}
	if (by == BY_EOI)
		before_bit(made, APIC_ISR, HIGHEST, HIGHEST);
	carry_out(made, by, rax);
}

/* The class of the task priority and that in service: all pairs, or neighbours. */
static void update_ppr(unsigned number, struct guest_made *made)
{
	const enum look by = made->row.argument;
	const unsigned class = by == BY_ENTRY ? number % CLASSES : number / NEAR;
	const unsigned other =
		by == BY_ENTRY ? number / CLASSES : (class + number % NEAR + CLASSES - 1) % CLASSES;
	const unsigned in_service = other << 4 | 9;

	before_word(made, APIC_TPR, by == BY_ENTRY ? class << 4 | 5 : 0xF5);
	before_bit(made, APIC_ISR, in_service, in_service);
	before_status(made, in_service, 0);
	carry_out(made, by, class);
}

/* The end of each vector, with a lower one in service behind it. */
static void end(unsigned number, struct guest_made *made)
{
	before_bit(made, APIC_ISR, number, number / 2 + 1 < number ? number / 2 + 1 : 0);
	before_status(made, number, 0);
	carry_out(made, BY_EOI, 0x12345678);
}

/* The same with the vector's bit in the EOI-exit bitmap; or, for some, with all the others. */
static void end_exits(unsigned number, struct guest_made *made)
{
	const bool others = number >= VECTORS;
	const unsigned vector = others ? (number - VECTORS) * 8 + number % 8 : number;

	for (unsigned i = 0; i < 4; i++) {
		const uint64_t bit = vector / 64 == i ? BIT(vector % 64) : 0;

		made_before(made, (struct guest_change){ (uint16_t)(AT_EOI_EXIT_BITMAP_0 + i),
							 GUEST_SET, 0, 0, others ? ~bit : bit });
	}
	end(vector, made);
}

static void self_ipi(unsigned number, struct guest_made *made)
{
	before_status(made, 0, 0x55);
	before_bit(made, APIC_IRR, 0x55, 0x55);
	carry_out(made, BY_ICR, SELF | good_vector(number));
}

static void self_ipi_some(unsigned number, struct guest_made *made)
{
	self_ipi(number * 8 + number % 8, made);
}

/* Each bit of VICR_LO but the vector's. */
static void self_ipi_bits(unsigned number, struct guest_made *made)
{
	before_status(made, 0, 0);
	carry_out(made, BY_ICR, (SELF | 0x41) ^ 1u << (number + 8));
}

/* clang-format off */
#define ON SHADOW, ACCESSES, DELIVERY
#define WRITE_TO(name) REG_ADD(RBX, APIC_##name)
#define PENDING ON, VTPR(0x35), STATUS(0, 0x41), VIRR(0x41, BIT_OF(0x41))
#define NOT_PENDING ON, VTPR(0x45), STATUS(0, 0x41), VIRR(0x41, BIT_OF(0x41))
#define STAYS VPPR(0x35)
#define TAKEN VPPR(0x40), VIRR(0x41, 0), VISR(0x41, BIT_OF(0x41)), STATUS(0x41, 0)
#define MADE(function, n, by) WATCHED, .make = function, .count = n, .argument = by
#define TIMER(v) SET(PREEMPTION_TIMER_VALUE, v)
#define NO_HLT_EXITING PRIMARY_OFF(HLT)
#define IN_HLT SET(GUEST_ACTIVITY_STATE, HLT_STATE)
#define HAS_HLT IF(has_hlt_state, "the activity state HLT")

static const struct guest_row rows[] = {
	{ "vid.evaluate", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ON, IF_ON), MADE(evaluate, VECTORS, BY_ENTRY) },
	{ "vid.evaluate", KERNEL_64, FRAGMENT_MOV_TO_CR8_AX, ENDS(PASSES), BEFORE(ON, IF_ON), MADE(evaluate, CLASSES * NEAR, BY_CR8) },
	{ "vid.evaluate", KERNEL_64, FRAGMENT_STORE_32, ENDS(PASSES), BEFORE(ON, IF_ON, WRITE_TO(EOI)), MADE(evaluate, CLASSES * NEAR, BY_EOI) },
	{ "vid.evaluate", KERNEL_64, FRAGMENT_STORE_32, ENDS(PASSES), BEFORE(ON, IF_ON, WRITE_TO(ICR)), MADE(evaluate, CLASSES * NEAR, BY_ICR) },
	{ "vid.evaluate", MODES_ALL, FRAGMENT_NOP, ENDS(PASSES), BEFORE(NOT_PENDING, IF_ON), AFTER(VPPR(0x45)), WATCHED },

	{ "vid.deliver", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ON, IF_ON, VTPR(0)), MADE(deliver, VECTORS, BY_ENTRY) },
	{ "vid.deliver", MODES_ALL, FRAGMENT_NOP, DELIVERED(0x41, START), BEFORE(PENDING, IF_ON), AFTER(TAKEN), WATCHED },
	{ "vid.deliver", KERNEL_64, FRAGMENT_NOP, DELIVERED(0x92, START),
	  BEFORE(ON, IF_ON, VTPR(0x25), STATUS(0x41, 0x92), VISR(0x41, BIT_OF(0x41)), VIRR(0x92, BIT_OF(0x92) | BIT_OF(0x84)), VIRR(0x35, BIT_OF(0x35))), WATCHED,
	  AFTER(VPPR(0x90), VIRR(0x92, BIT_OF(0x84)), VISR(0x92, BIT_OF(0x92)), STATUS(0x92, 0x84)) },

	{ "vid.blocked", MODES_ALL, FRAGMENT_NOP, ENDS(PASSES), BEFORE(PENDING), AFTER(STAYS), WATCHED },
	{ "vid.blocked", MODES_ALL, FRAGMENT_NOP, DELIVERED(0x41, NEXT), BEFORE(PENDING, IF_ON, SET(GUEST_INTERRUPTIBILITY, 1)),
	  AFTER(TAKEN, SET(GUEST_INTERRUPTIBILITY, 0)), WATCHED },
	{ "vid.blocked", MODES_ALL, FRAGMENT_NOP, DELIVERED(0x41, NEXT), BEFORE(PENDING, IF_ON, SET(GUEST_INTERRUPTIBILITY, 2)),
	  AFTER(TAKEN, SET(GUEST_INTERRUPTIBILITY, 0)), WATCHED },
	{ "vid.blocked", MODES_ALL, FRAGMENT_NOP, AT_ONCE(IRQ_WINDOW), BEFORE(PENDING, IF_ON, PRIMARY_ON(IRQ_WINDOW)), AFTER(STAYS), WATCHED },
	{ "vid.blocked", MODES_ALL, FRAGMENT_NOP, ENDS(PASSES), BEFORE(PENDING, PRIMARY_ON(IRQ_WINDOW)), AFTER(STAYS), WATCHED },

	/* The guest itself clears IF before, or sets it: in the frame, too. */
	{ "vid.blocked", KERNEL_64, FRAGMENT_CLI_MOV_TO_CR8, ENDS(PASSES), BEFORE(ON, IF_ON, VTPR(0xF0), STATUS(0, 0x41), VIRR(0x41, BIT_OF(0x41)), REG(RAX, 0)), WATCHED,
	  AFTER(VTPR(0), VPPR(0), CLR(GUEST_RFLAGS, RFLAGS_IF)) },
	{ "vid.blocked", KERNEL_64, FRAGMENT_STI_NOP, DELIVERED(0x41, NEXT), BEFORE(PENDING), WATCHED,
	  AFTER(TAKEN, OR(GUEST_RFLAGS, RFLAGS_IF), MEMORY(8, GUEST_AT(GUEST_STACK, STACK_TOP - 0x18), RFLAGS_FIXED | RFLAGS_IF)) },
	/* Blocked NMIs do not hold it; the last mode, for an emulator may take the blocking along. */
	{ "vid.blocked", 1 << MODE_REAL, FRAGMENT_NOP, DELIVERED(0x41, START), BEFORE(PENDING, IF_ON, PIN_ON(NMI), PIN_ON(VIRTUAL_NMIS), SET(GUEST_INTERRUPTIBILITY, 8)),
	  AFTER(TAKEN), WATCHED },

	{ "vid.hlt", KERNEL_64, FRAGMENT_NOP, DELIVERED(0x41, START), BEFORE(PENDING, IF_ON, IN_HLT), AFTER(TAKEN, SET(GUEST_ACTIVITY_STATE, 0)), WATCHED, HAS_HLT },
	{ "vid.hlt", MODES_KERNEL, FRAGMENT_HLT, DELIVERED(0x41, NEXT), BEFORE(PENDING, IF_ON, NO_HLT_EXITING, SET(GUEST_INTERRUPTIBILITY, 1)),
	  AFTER(TAKEN, SET(GUEST_INTERRUPTIBILITY, 0)), WATCHED },
	{ "vid.hlt", KERNEL_64, FRAGMENT_NOP, AT_ONCE(PREEMPTION_TIMER), BEFORE(NOT_PENDING, IF_ON, IN_HLT, PIN_ON(PREEMPTION_TIMER)), AFTER(VPPR(0x45)), WATCHED, HAS_HLT },
	{ "vid.hlt", KERNEL_64, FRAGMENT_NOP, AT_ONCE(PREEMPTION_TIMER), BEFORE(PENDING, IN_HLT, PIN_ON(PREEMPTION_TIMER)), AFTER(STAYS), WATCHED, HAS_HLT },

	{ "vid.priority", KERNEL_64, FRAGMENT_NOP, AT_ONCE(PREEMPTION_TIMER), BEFORE(PENDING, IF_ON, PIN_ON(PREEMPTION_TIMER), TIMER(0)), AFTER(STAYS), WATCHED },
	{ "vid.priority", KERNEL_64, FRAGMENT_NOP, AT_ONCE(NMI_WINDOW), BEFORE(PENDING, IF_ON, PIN_ON(NMI), PIN_ON(VIRTUAL_NMIS), PRIMARY_ON(NMI_WINDOW)), AFTER(STAYS), WATCHED },
	/* The handler is interrupted at once: an interrupt of the processor's own has waited. */
	{ "vid.priority", KERNEL_64, FRAGMENT_NOP, DELIVERED(0x41, START), BEFORE(PENDING, IF_ON, INTERRUPT(0xF2, INTERRUPT_REQUESTED)), WATCHED,
	  AFTER(TAKEN, SET(EXIT_REASON, REASON_EXTERNAL_INTERRUPT), ADD(GUEST_RIP, -1), UNJUDGED(EXIT_INSTRUCTION_LENGTH, 0), INTERRUPT(0xF2, INTERRUPT_REQUESTED)) },

	{ "vid.eoi", KERNEL_64, FRAGMENT_STORE_32, ENDS(PASSES), BEFORE(ON, VTPR(0x15), WRITE_TO(EOI)), MADE(end, VECTORS, BY_EOI) },
	{ "vid.eoi", MODES_ALL, FRAGMENT_STORE, ENDS(PASSES),
	  BEFORE(ON, VTPR(0x25), WRITE_TO(EOI), STATUS(0x92, 0x35), VISR(0x92, BIT_OF(0x92) | BIT_OF(0x84)), VISR(0x41, BIT_OF(0x41)), VIRR(0x35, BIT_OF(0x35))), WATCHED,
	  AFTER(WORD(APIC_EOI, 0), VISR(0x92, BIT_OF(0x84)), STATUS(0x84, 0x35), VPPR(0x80)) },
	/* Ended, and the next one comes. */
	{ "vid.eoi", MODES_ALL, FRAGMENT_STORE_32, DELIVERED(0x65, NEXT),
	  BEFORE(ON, IF_ON, VTPR(0x25), WRITE_TO(EOI), STATUS(0x92, 0x65), VISR(0x92, BIT_OF(0x92)), VISR(0x51, BIT_OF(0x51)), VIRR(0x65, BIT_OF(0x65) | BIT_OF(0x63))), WATCHED,
	  AFTER(WORD(APIC_EOI, 0), VISR(0x92, 0), VISR(0x65, BIT_OF(0x65)), VIRR(0x65, BIT_OF(0x63)), STATUS(0x65, 0x63), VPPR(0x60)) },
	{ "vid.eoi_exit", KERNEL_64, FRAGMENT_STORE_32, ENDS(PASSES), BEFORE(ON, VTPR(0x15), WRITE_TO(EOI)), MADE(end_exits, VECTORS + SOME, BY_EOI) },
	{ "vid.eoi_exit", MODES_ALL, FRAGMENT_STORE_32, BEHIND(EOI),
	  BEFORE(ON, IF_ON, VTPR(0x25), WRITE_TO(EOI), STATUS(0x92, 0x65), VISR(0x92, BIT_OF(0x92)), VIRR(0x65, BIT_OF(0x65)), SET(EOI_EXIT_BITMAP_2, BIT(0x12))), WATCHED,
	  AFTER(QUALIFICATION(0x92), WORD(APIC_EOI, 0), VISR(0x92, 0), STATUS(0, 0x65), VPPR(0x25)) },

	{ "save.pending", KERNEL_64, FRAGMENT_STORE_32, BEHIND(EOI),
	  BEFORE(ON, VTPR(0x25), WRITE_TO(EOI), STATUS(0x92, 0), VISR(0x92, BIT_OF(0x92)), SET(EOI_EXIT_BITMAP_2, BIT(0x12)), OR(GUEST_RFLAGS, RFLAGS_TF)), WATCHED,
	  AFTER(QUALIFICATION(0x92), WORD(APIC_EOI, 0), VISR(0x92, 0), STATUS(0, 0), VPPR(0x25), SET(GUEST_PENDING_DEBUG, 1 << 14)) },

	{ "vid.ppr", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ON), MADE(update_ppr, VECTORS, BY_ENTRY) },
	{ "vid.ppr", KERNEL_64, FRAGMENT_MOV_TO_CR8_AX, ENDS(PASSES), BEFORE(ON), MADE(update_ppr, CLASSES * NEAR, BY_CR8) },

	{ "vid.self_ipi", KERNEL_64, FRAGMENT_STORE_32, ENDS(PASSES), BEFORE(ON, VTPR(0), WRITE_TO(ICR)), MADE(self_ipi, VECTORS, BY_ICR) },
	{ "vid.self_ipi", KERNEL_64, FRAGMENT_STORE_32, ENDS(PASSES), BEFORE(ON, IF_ON, VTPR(0x55), WRITE_TO(ICR)), MADE(self_ipi_some, SOME, BY_ICR) },
	{ "vid.self_ipi", KERNEL_64, FRAGMENT_STORE_32, ENDS(PASSES), BEFORE(ON, IF_ON, VTPR(0), WRITE_TO(ICR)), MADE(self_ipi_bits, 24, BY_ICR) },

	/* RVI and SVI come out as they went in; without the control the field is not touched. */
	{ "vid.status", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ON, VTPR(0)), AFTER({ AT_MEMORY, GUEST_UNJUDGED, 4, (uint32_t)VAPIC(APIC_PPR), 0 }), WATCHED, VALUES_OF(GUEST_INTERRUPT_STATUS, 0, 0x1234, 0xFF00, 0x00FF, 0xFFFF, 0x8001) },
	{ "vid.status", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(SHADOW), WATCHED, VALUES_OF(GUEST_INTERRUPT_STATUS, 0, 0x1234, 0xFFFF) },
};
/* clang-format on */

const struct guest_section apic_delivery = { rows, ARRAY_SIZE(rows) };
