/*
 * Posted interrupts: SDM vol. 3C, "Posted-Interrupt Processing". The notification is a fixed
 * interrupt that the processor has sent to itself before the entry; it is recognized right after.
 */
#include "tests/vmx/apic/make.h"
#include "tests/vmx/exit/needs.h"
#include "tests/vmx/exit/sections.h"

enum { VECTORS = 256, HLT_STATE = 1 };

/* The bits behind "outstanding notification" are software's. */
#define CONTROL_DONE MEMORY(8, POSTED_CONTROL, POSTED_OTHERS)
#define CONTROL MEMORY(8, POSTED_CONTROL, POSTED_OTHERS | 1)

static void make_posted(struct guest_made *made, const uint64_t requests[4])
{
	struct vapic vapic;

	for (unsigned i = 0; i < 4; i++) {
		made_before(made, (struct guest_change)MEMORY(8, POSTED_REQUESTS(i), requests[i]));
		made_after(made, (struct guest_change)MEMORY(8, POSTED_REQUESTS(i), 0));
	}
	made_load(made, &vapic);
	vapic_entry(&vapic);
	vapic_post(&vapic, requests);
	made_finish(made, &vapic, PUSHES_START);
}

/* Each vector, with a lower one. */
static void post(unsigned number, struct guest_made *made)
{
	const unsigned vector = good_vector(number), lower = vector / 2;
	uint64_t requests[4] = { 0 };

	requests[vector / 64] |= BIT(vector % 64);
	requests[lower / 64] |= BIT(lower % 64);
	make_posted(made, requests);
}

/* None, and all. */
static void post_sets(unsigned number, struct guest_made *made)
{
	static const uint64_t sets[][4] = {
		{ 0, 0, 0, 0 },
		{ ~0ull, ~0ull, ~0ull, ~0ull },
		{ 0x8000000080000000, 0x8000000180000001, 0x100000001, 0x8000000080000001 },
		{ BIT(33), 0, 0, 0 },
	};

	make_posted(made, sets[number]);
}

/* clang-format off */
#define PAGES SHADOW, DELIVERY, EXIT_ON(ACKNOWLEDGE), PAGE_AT(POSTED_INTERRUPT_DESCRIPTOR, GUEST_APIC), ADD(POSTED_INTERRUPT_DESCRIPTOR, POSTED_AT)
#define ON PAGES, PIN_ON(POSTED_INTERRUPTS), SET(POSTED_INTERRUPT_VECTOR, POSTED_VECTOR), CONTROL
#define NOTIFIED INTERRUPT(POSTED_VECTOR, INTERRUPT_REQUESTED)
#define DONE CONTROL_DONE, INTERRUPT(POSTED_VECTOR, 0)
#define MADE(function, n) WATCHED, .make = function, .count = n
#define REQUEST MEMORY(8, POSTED_REQUESTS(1), BIT(1)) /* 41H */
#define EXIT_1 AT_ONCE(EXTERNAL_INTERRUPT)
#define ACKNOWLEDGED(vector) SET(EXIT_INTERRUPTION_INFO, INFO_VALID | (vector)), INTERRUPT(vector, INTERRUPT_IN_SERVICE)
#define IN_HLT SET(GUEST_ACTIVITY_STATE, HLT_STATE)
#define HAS_HLT IF(has_hlt_state, "the activity state HLT")
#define TIMER PIN_ON(PREEMPTION_TIMER)
/* At this boundary or the next one. */
#define PUSHED_RIP { AT_MEMORY, GUEST_UNJUDGED, 8, (uint32_t)GUEST_AT(GUEST_STACK, STACK_TOP - 0x28), 0 }

static const struct guest_row rows[] = {
	{ "posted.process", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ON, NOTIFIED, VTPR(0xF5), IF_ON), AFTER(DONE), MADE(post, VECTORS) },
	{ "posted.process", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ON, NOTIFIED, VTPR(0x45), IF_ON, STATUS(0x35, 0x25), VISR(0x35, BIT_OF(0x35)), VIRR(0x25, BIT_OF(0x25))),
	  AFTER(DONE, PUSHED_RIP), MADE(post, VECTORS) },
	{ "posted.process", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ON, NOTIFIED, VTPR(0xF5), IF_ON, STATUS(0, 0x95), VIRR(0x95, BIT_OF(0x95))), AFTER(DONE), MADE(post_sets, 4) },
	{ "posted.process", KERNEL_64, FRAGMENT_NOP, DELIVERED(0x41, START), BEFORE(ON, NOTIFIED, VTPR(0), REQUEST, IF_ON), WATCHED,
	  AFTER(DONE, PUSHED_RIP, MEMORY(8, POSTED_REQUESTS(1), 0), VPPR(0x40), VISR(0x41, BIT_OF(0x41)), STATUS(0x41, 0)) },
	/* No notification: nothing is looked at. */
	{ "posted.process", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ON, VTPR(0), REQUEST, IF_ON), WATCHED, AFTER(VPPR(0), REQUEST, CONTROL) },
	{ "posted.empty", KERNEL_64, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ON, NOTIFIED, VTPR(0xF5), IF_ON), AFTER(DONE), MADE(post_sets, 1) },

	{ "posted.other", MODES_ALL, FRAGMENT_NOP, EXIT_1, BEFORE(ON, INTERRUPT(0xF3, INTERRUPT_REQUESTED), VTPR(0), REQUEST, IF_ON), WATCHED,
	  AFTER(ACKNOWLEDGED(0xF3), VPPR(0), REQUEST, CONTROL) },
	{ "posted.other", KERNEL_64, FRAGMENT_NOP, EXIT_1, BEFORE(PAGES, SET(POSTED_INTERRUPT_VECTOR, POSTED_VECTOR), CONTROL, NOTIFIED, VTPR(0), REQUEST, IF_ON), WATCHED,
	  AFTER(ACKNOWLEDGED(POSTED_VECTOR), VPPR(0), REQUEST, CONTROL) },
	{ "posted.other", KERNEL_64, FRAGMENT_NOP, EXIT_1, BEFORE(ON, NOTIFIED, VTPR(0), REQUEST, IF_ON), WATCHED,
	  VALUES_OF(POSTED_INTERRUPT_VECTOR, 0xF0, 0xF3, 0x72, 2), AFTER(ACKNOWLEDGED(POSTED_VECTOR), VPPR(0), REQUEST, CONTROL) },

	{ "posted.hlt", KERNEL_64, FRAGMENT_NOP, DELIVERED(0x41, START), BEFORE(ON, NOTIFIED, VTPR(0), REQUEST, IF_ON, IN_HLT), WATCHED, HAS_HLT,
	  AFTER(DONE, PUSHED_RIP, MEMORY(8, POSTED_REQUESTS(1), 0), VPPR(0x40), VISR(0x41, BIT_OF(0x41)), STATUS(0x41, 0), SET(GUEST_ACTIVITY_STATE, 0)) },
	{ "posted.hlt", KERNEL_64, FRAGMENT_NOP, AT_ONCE(PREEMPTION_TIMER), BEFORE(ON, NOTIFIED, VTPR(0x45), REQUEST, IF_ON, IN_HLT, TIMER), WATCHED, HAS_HLT,
	  AFTER(DONE, MEMORY(8, POSTED_REQUESTS(1), 0), VPPR(0x45), VIRR(0x41, BIT_OF(0x41)), STATUS(0, 0x41)) },
	/* Whatever RFLAGS.IF is. */
	{ "posted.if", MODES_ALL, FRAGMENT_NOP, ENDS(PASSES), BEFORE(ON, NOTIFIED, VTPR(0), REQUEST), WATCHED,
	  AFTER(DONE, MEMORY(8, POSTED_REQUESTS(1), 0), VPPR(0), VIRR(0x41, BIT_OF(0x41)), STATUS(0, 0x41)) },
	{ "posted.if", KERNEL_64, FRAGMENT_NOP, AT_ONCE(PREEMPTION_TIMER), BEFORE(ON, NOTIFIED, VTPR(0), REQUEST, IN_HLT, TIMER), WATCHED, HAS_HLT,
	  AFTER(DONE, MEMORY(8, POSTED_REQUESTS(1), 0), VPPR(0), VIRR(0x41, BIT_OF(0x41)), STATUS(0, 0x41)) },

	{ "exit.1.external", MODES_ALL, FRAGMENT_NOP, EXIT_1, BEFORE(INTERRUPT(0xF3, INTERRUPT_REQUESTED), PIN_ON(EXTERNAL_INTERRUPT), EXIT_OFF(ACKNOWLEDGE), IF_ON),
	  AFTER(INTERRUPT(0xF3, INTERRUPT_REQUESTED)) },
	{ "exit.1.external", MODES_ALL, FRAGMENT_NOP, EXIT_1, BEFORE(INTERRUPT(0xF3, INTERRUPT_REQUESTED), PIN_ON(EXTERNAL_INTERRUPT), EXIT_ON(ACKNOWLEDGE), IF_ON),
	  AFTER(ACKNOWLEDGED(0xF3)) },
	{ "exit.1.external", KERNEL_64, FRAGMENT_NOP, EXIT_1,
	  BEFORE(INTERRUPT(0xF3, INTERRUPT_REQUESTED), PIN_ON(EXTERNAL_INTERRUPT), EXIT_ON(ACKNOWLEDGE), IF_ON, IN_HLT), AFTER(ACKNOWLEDGED(0xF3), UNJUDGED(GUEST_ACTIVITY_STATE, 0)), HAS_HLT },
	{ "exit.1.external.if", MODES_ALL, FRAGMENT_NOP, EXIT_1, BEFORE(INTERRUPT(0xF3, INTERRUPT_REQUESTED), PIN_ON(EXTERNAL_INTERRUPT), EXIT_OFF(ACKNOWLEDGE)),
	  AFTER(INTERRUPT(0xF3, INTERRUPT_REQUESTED)) },
};

/* Another processor requests vector 41H and sends the notification; if none comes, the timer ends the
 * guest. */
#define WAITING PAGES, PIN_ON(POSTED_INTERRUPTS), SET(POSTED_INTERRUPT_VECTOR, POSTED_VECTOR), VTPR(0), IF_ON, PIN_ON(PREEMPTION_TIMER), \
	SET(PREEMPTION_TIMER_VALUE, 0x2000000)
#define COMES CONTROL_DONE, INTERRUPT(POSTED_VECTOR, 0), MEMORY(8, POSTED_REQUESTS(1), 0), VPPR(0x40), VISR(0x41, BIT_OF(0x41)), STATUS(0x41, 0)

const struct guest_row posted_guests[POSTED_GUESTS] = {
	[POSTED_SPINS] = { "posted.process", KERNEL_64, FRAGMENT_LOOP, DELIVERED(0x41, START), BEFORE(WAITING), WATCHED, AFTER(COMES) },
	[POSTED_HALTED] = { "posted.hlt", KERNEL_64, FRAGMENT_LOOP, DELIVERED(0x41, START), BEFORE(WAITING, IN_HLT), WATCHED, HAS_HLT,
		AFTER(COMES, SET(GUEST_ACTIVITY_STATE, 0)) },
};
/* clang-format on */

const struct guest_section apic_posted = { rows, ARRAY_SIZE(rows) };
