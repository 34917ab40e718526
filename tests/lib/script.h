/*
 * Writing a test as a script, which guest/steps.h explains. An example:
 *
 *	static const struct script_step hello[] = {
 *		AT(0, ENABLE, READY, AWAIT_READY(2), SEND(ICR_FIXED | 0x51, 1)),
 *		AT(1, ENABLE, READY, AWAIT_BIT(IRR, 0x51, 1), TAKEN(0), WINDOW),
 *		AFTER(TRACE(1, 0x51)),
 *		END,
 *	};
 *
 * Every step that checks something must have been carried out at least once, and each time with
 * the value that the row says. In xAPIC mode destinations are written unshifted, as in x2APIC mode.
 */
#ifndef TESTS_LIB_SCRIPT_H
#define TESTS_LIB_SCRIPT_H

#include "vm/ipi.h"

#include "tests/guest/steps.h"
#include "tests/lib/fixture.h"
#include "tests/lib/list.h"

/* A script's .argument: the modes in which it runs, and how its vCPUs begin. */
enum {
	MODE_REGISTERS = 1 << 0, /* xAPIC, the processor virtualizes the registers */
	MODE_DECODED = 1 << 1,	 /* xAPIC, every access is decoded */
	MODE_X2APIC = 1 << 2,
	MODE_XAPIC = MODE_REGISTERS | MODE_DECODED,
	MODE_ALL = MODE_XAPIC | MODE_X2APIC,
	APS_WAIT = 1 << 3, /* do not start the APs */
	TOGETHER = 1 << 4, /* all vCPUs on one processor */
	/* The processor delivers fixed interrupts. */
	MODE_VIRTUAL_XAPIC = 1 << 5,
	MODE_VIRTUAL_X2APIC = 1 << 6,
	MODE_VIRTUAL = MODE_VIRTUAL_XAPIC | MODE_VIRTUAL_X2APIC,
	/* ... and takes those that others send by itself. */
	MODE_POSTED_XAPIC = 1 << 7,
	MODE_POSTED_X2APIC = 1 << 8,
	MODE_POSTED = MODE_POSTED_XAPIC | MODE_POSTED_X2APIC,
};

/* Runs the script in .data, which END ends, once for each mode, each time with another guest. */
void script_run(struct test_run *run);

/* The ICR's low dword: delivery modes, and shorthands. */
enum {
	ICR_FIXED = ICR_ASSERT | DELIVERY_FIXED << 8,
	ICR_LOWEST = ICR_ASSERT | DELIVERY_LOWEST << 8,
	ICR_SMI = ICR_ASSERT | DELIVERY_SMI << 8,
	ICR_RESERVED = ICR_ASSERT | DELIVERY_RESERVED << 8,
	ICR_NMI = ICR_ASSERT | DELIVERY_NMI << 8,
	ICR_INIT = ICR_ASSERT | DELIVERY_INIT << 8,
	ICR_SIPI = ICR_ASSERT | DELIVERY_SIPI << 8,
	ICR_EXTINT = ICR_ASSERT | DELIVERY_EXTINT << 8,
	ICR_DEASSERT = ICR_LEVEL | DELIVERY_INIT << 8, /* INIT level de-assert */
	ICR_SELF = TO_SELF << ICR_SHORTHAND_SHIFT,
	ICR_ALL = TO_ALL << ICR_SHORTHAND_SHIFT,
	ICR_OTHERS = TO_OTHERS << ICR_SHORTHAND_SHIFT,
};

enum { NMI_VECTOR = 2, SHADOW_NMI = 0x100 };

/* A step, and its text in the script, for the report: the guest gets only the step. */
struct script_step {
	struct step step;
	const char *text;
};

/* clang-format off */
#define STEP(name, text_, ...) { .step = { .op = STEP_##name, __VA_ARGS__ }, .text = text_ }
#define PLAIN(name)            STEP(name, #name, .value = 0)
/* Any number, as wide as a dword. */
#define DWORD(v)               ((uint32_t)((v) & 0xFFFFFFFF))

/* Sections: a slot's first boot, its later ones, its handler of a vector, the host's while the
 * guest runs and afterwards. */
#define AT(slot_, ...)           STEP(AT, #slot_, .slot = slot_, .boot = 1), ##__VA_ARGS__
#define AGAIN(slot_, boot_, ...) STEP(AT, #slot_, .slot = slot_, .boot = boot_), ##__VA_ARGS__
#define ON(slot_, vector_, ...)  STEP(ON, #slot_, .slot = slot_, .handles = vector_), ##__VA_ARGS__
#define HOST(...)                PLAIN(HOST), ##__VA_ARGS__
#define AFTER(...)               PLAIN(AFTER), ##__VA_ARGS__
#define END                      PLAIN(END)

/* Instructions, and the APIC's registers. map: ISR, TMR or IRR. */
#define ENABLE         PLAIN(ENABLE)
#define CLI            PLAIN(CLI)
#define STI            PLAIN(STI)
#define HLT            PLAIN(HLT)
#define STI_HLT        PLAIN(STI_HLT)
#define STI_CLI        PLAIN(STI_CLI)
#define WINDOW         PLAIN(WINDOW)
#define MARK_TIME      PLAIN(MARK_TIME)
#define EOI            STEP(WRITE, "EOI", .reg = APIC_EOI)
#define WRITE(r, v)    STEP(WRITE, "WRITE(" #r ", " #v ")", .reg = r, .value = DWORD(v))
#define READ(r, v)     STEP(READ, "READ(" #r ", " #v ")", .reg = r, .value = DWORD(v))
#define READ_MASKED(r, m, v) \
	MASK(m), STEP(READ, "READ_MASKED(" #r ", " #m ", " #v ")", .reg = r, .value = DWORD(v))
#define AWAIT(r, m, v) \
	MASK(m), STEP(AWAIT, "AWAIT(" #r ", " #m ", " #v ")", .reg = r, .value = DWORD(v))
#define MASK(m)        STEP(MASK, "MASK(" #m ")", .mask = DWORD(m))
#define READ_BIT(map, v, is) \
	STEP(READ_BIT, "READ_BIT(" #map ", " #v ", " #is ")", .vector = v, .bitmap = APIC_##map, .value = is)
#define AWAIT_BIT(map, v, is) \
	STEP(AWAIT_BIT, "AWAIT_BIT(" #map ", " #v ", " #is ")", .vector = v, .bitmap = APIC_##map, .value = is)
#define RDMSR(n, v)    STEP(RDMSR, "RDMSR(" #n ", " #v ")", .msr = n, .value = DWORD(v))
#define RDMSR_MASKED(n, m, v) \
	MASK(m), STEP(RDMSR, "RDMSR_MASKED(" #n ", " #m ", " #v ")", .msr = n, .value = DWORD(v))
#define RDMSR_FAULT(n, exception) \
	STEP(RDMSR_FAULT, "RDMSR_FAULT(" #n ", " #exception ")", .msr = n, .value = exception)
#define WRMSR_FAULT(n, v, exception) \
	OPERAND(v), STEP(WRMSR_FAULT, "WRMSR_FAULT(" #n ", " #v ", " #exception ")", .msr = n, .value = exception)
/* The MSR holds the operand of the WRMSR before. */
#define RDMSR_OPERAND(n) STEP(RDMSR_OPERAND, "RDMSR_OPERAND(" #n ")", .msr = n, .value = 1)
/* 56 bits. */
#define OPERAND(v) \
	STEP(OPERAND, "OPERAND(" #v ")", .operand_high = (uint64_t)(v) >> 48 & 0xFF, \
	     .operand_mid = (uint64_t)(v) >> 32 & 0xFFFF, .operand_low = DWORD(v))
#define CPUID_MASKED(l, which, m, v) \
	MASK(m), STEP(CPUID, "CPUID_MASKED(" #l ", " #which ", " #m ", " #v ")", \
		      .output = which, .leaf = l, .value = DWORD(v))
#define TO(low, to) \
	.icr_high_bits = (low) >> 16 & 0xFF, .icr_bits = (low) & 0xFFFF, .destination = to
#define SEND(low, to)  STEP(SEND, "SEND(" #low ", " #to ")", TO(low, to))
#define ICR(low, to)   STEP(ICR, "ICR(" #low ", " #to ")", TO(low, to))

/* Events that the host sends in the shadow of an instruction; events that were taken. */
#define STI_SHADOW(e)  STEP(STI_SHADOW, "STI_SHADOW(" #e ")", .event = e, .value = 1)
#define SS_SHADOW(e)   STEP(SS_SHADOW, "SS_SHADOW(" #e ")", .event = e, .value = 1)
#define HLT_SHADOW(e)  STEP(HLT_SHADOW, "HLT_SHADOW(" #e ")", .event = e, .value = 1)
#define TAKEN(n)       STEP(TAKEN, "TAKEN(" #n ")", .value = n)
#define AWAIT_TAKEN(n) STEP(AWAIT_TAKEN, "AWAIT_TAKEN(" #n ")", .value = n)
#define DEPTH(n)       STEP(DEPTH, "DEPTH(" #n ")", .value = n)

/* Time. */
#define SINCE(t)       STEP(SINCE, "SINCE(" #t ")", .ticks = t, .value = 1)
/* Of the timer, long enough for the exits that each interrupt takes here. */
#define CHOOSE_PERIOD  PLAIN(CHOOSE_PERIOD)
#define START_PERIODS  PLAIN(START_PERIODS)
#define PERIOD_IS_SET  STEP(PERIOD_IS_SET, "PERIOD_IS_SET", .value = 1)
#define SINCE_PERIODS(n) STEP(SINCE_PERIODS, "SINCE_PERIODS(" #n ")", .periods = n, .value = 1)
#define COUNTDOWN(d)   STEP(COUNTDOWN, "COUNTDOWN(" #d ")", .divide = d, .value = 1)
#define DEADLINE(t)    STEP(DEADLINE, "DEADLINE(" #t ")", .delay = t)

/* Flags, also of the host; flag 0 counts those that are ready. */
#define FLAG(f)          STEP(FLAG, "FLAG(" #f ")", .flag = f, .value = 1)
#define AWAIT_FLAG(f, n) STEP(AWAIT_FLAG, "AWAIT_FLAG(" #f ", " #n ")", .flag = f, .value = n)
#define READY            STEP(FLAG, "READY", .flag = 0, .value = 1)
#define AWAIT_READY(n)   STEP(AWAIT_FLAG, "AWAIT_READY(" #n ")", .flag = 0, .value = n)

/* In HOST and AFTER. c: a member of struct vcpu_counts. */
#define POST(low, to, wanted) \
	STEP(POST, "POST(" #low ", " #to ", " #wanted ")", \
	     .status = wanted, .icr_bits = (low) & 0xFFFF, .destination = to)
#define STOP(s)            STEP(STOP, "STOP(" #s ")", .slot = s)
#define AWAIT_STATE(s, is) STEP(AWAIT_STATE, "AWAIT_STATE(" #s ", " #is ")", .slot = s, .value = VCPU_##is)
#define STATE(s, is)       STEP(STATE, "STATE(" #s ", " #is ")", .slot = s, .value = VCPU_##is)
#define COUNTER(c)         offsetof(struct vcpu_counts, c)
#define AWAIT_COUNT(s, c, n) \
	STEP(AWAIT_COUNT, "AWAIT_COUNT(" #s ", " #c ", " #n ")", .slot = s, .counter = COUNTER(c), .value = n)
#define COUNT(s, c, n) \
	STEP(COUNT, "COUNT(" #s ", " #c ", " #n ")", .slot = s, .counter = COUNTER(c), .value = n)
#define FLAG_IS(f, n)      STEP(FLAG_IS, "FLAG_IS(" #f ", " #n ")", .flag = f, .value = n)
#define ENTERED(s, n)      STEP(ENTERED, "ENTERED(" #s ", " #n ")", .slot = s, .value = n)
#define REFUSED(n)         STEP(REFUSED, "REFUSED(" #n ")", .value = n)
/* Machine only: one actor has taken this vector, once. Nobody has: the test is skipped. */
#define ONE_TOOK(v)        STEP(ONE_TOOK, "ONE_TOOK(" #v ")", .vector = v, .value = 1)
/* Up to six vectors, in the order in which they were taken; all that were. */
#define TRACE(s, ...)      TRACE_OF("TRACE(" #s ", " #__VA_ARGS__ ")", s, __VA_ARGS__, 0, 0, 0, 0, 0)
#define NO_TRACE(s)        TRACE_OF("NO_TRACE(" #s ")", s, 0, 0, 0, 0, 0, 0)
#define TRACE_OF(text_, s, a, b, c, d, e, f, ...) \
	STEP(TRACE, text_, .slot = s, .trace_0 = (a) | (b) << 8, \
	     .trace_2 = (c) | (d) << 8 | (e) << 16 | (uint32_t)(f) << 24)

/* One row of a group: the rule that it checks, the row of the specification that it covers, its
 * steps, its .argument, and what struct guest_setup is to say beside the mode. */
#define SCRIPT_FIELDS(name_, spec_, needs_, row_, steps_, modes_) \
	.name = name_, .spec = spec_, .run = script_run, .needs = NEEDS_GUEST | (needs_), \
	.row = row_, .argument = modes_, .data = steps_
#define SCRIPT_ROW(name_, spec_, row_, steps_, modes_, explains_, ...) \
	{ SCRIPT_FIELDS(name_, spec_, 0, row_, steps_, modes_), explains_, .guest = GUEST(__VA_ARGS__) }
/* The same steps where the processor delivers fixed interrupts: none is injected, and what it sends
 * to itself is not counted. */
#define VIRTUAL_ROW(name_, spec_, row_, steps_, modes_, explains_, ...) \
	{ SCRIPT_FIELDS(name_, spec_, BIT(CAP_VIRTUAL_INTERRUPTS), row_, steps_, modes_), \
	  explains_, .guest = GUEST(__VA_ARGS__) }
/* ... and takes what is posted to it. What it makes one of those is not counted either. */
#define POSTED_ROW(name_, row_, steps_, explains_, ...) \
	{ SCRIPT_FIELDS(name_, SPEC_VAPIC_POSTED, BIT(CAP_POSTED_INTERRUPTS), row_, steps_, MODE_POSTED), \
	  explains_, .guest = GUEST(__VA_ARGS__) }
#define MEANS_VIRTUAL                                                                              \
	"The processor's virtual-interrupt delivery differs from a local APIC: guests of "         \
	"hypervisors that use it lose interrupts, take wrong ones, or hang."
#define MEANS_POSTED                                                                               \
	"Interrupts that are posted to a guest that runs are lost, come twice or late: guests of " \
	"hypervisors that use it hang now and then."
/* clang-format on */

#endif
