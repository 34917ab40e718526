/*
 * Writing a test as a script, which guest/steps.h explains. An example:
 *
 *	static const struct step hello[] = {
 *		AT(0), ENABLE, READY, AWAIT_READY(2), SEND(FIXED | 0x51, 1),
 *		AT(1), ENABLE, READY, AWAIT_BIT(IRR, 0x51, 1), TAKEN(0), WINDOW,
 *		AFTER, TRACE(1, 0x51),
 *		END,
 *	};
 *
 * Every step that checks something must have been carried out at least once, and each time with
 * the value that the row says. In xAPIC mode destinations are written unshifted, as in x2APIC mode.
 */
#ifndef TESTS_LIB_SCRIPT_H
#define TESTS_LIB_SCRIPT_H

#include "tests/guest/steps.h"
#include "tests/lib/fixture.h"
#include "tests/lib/list.h"
#include "vm/ipi.h"

/* A script's .argument: the modes in which it runs, and how its vCPUs begin. */
enum {
	MODE_REGISTERS = 1 << 0, /* xAPIC, the processor virtualizes the registers */
	MODE_DECODED = 1 << 1,	 /* xAPIC, every access is decoded */
	MODE_X2APIC = 1 << 2,
	MODE_XAPIC = MODE_REGISTERS | MODE_DECODED,
	MODE_ALL = MODE_XAPIC | MODE_X2APIC,
	APS_WAIT = 1 << 3, /* do not start the APs */
	TOGETHER = 1 << 4, /* all vCPUs on one processor */
};

/* Runs the script in .data, which END ends, once for each mode, each time with another guest. */
void script_run(struct test_run *run);

/* Vector bitmaps, for READ_BIT and AWAIT_BIT. */
#define ISR APIC_ISR
#define TMR APIC_TMR
#define IRR APIC_IRR

/* ICR, low dword. LEVEL without ASSERT: INIT level de-assert. */
#define FIXED ICR_ASSERT
#define LOWEST (ICR_ASSERT | DELIVERY_LOWEST << 8)
#define SMI (ICR_ASSERT | DELIVERY_SMI << 8)
#define RESERVED (ICR_ASSERT | DELIVERY_RESERVED << 8)
#define NMI (ICR_ASSERT | DELIVERY_NMI << 8)
#define INIT (ICR_ASSERT | DELIVERY_INIT << 8)
#define SIPI (ICR_ASSERT | DELIVERY_SIPI << 8)
#define EXTINT (ICR_ASSERT | DELIVERY_EXTINT << 8)
#define LOGICAL ICR_LOGICAL
#define LEVEL ICR_LEVEL
#define DEASSERT ((DELIVERY_INIT << 8) | ICR_LEVEL)
#define SELF (TO_SELF << ICR_SHORTHAND_SHIFT)
#define ALL (TO_ALL << ICR_SHORTHAND_SHIFT)
#define OTHERS (TO_OTHERS << ICR_SHORTHAND_SHIFT)
#define NMI_VECTOR 0x02

/* clang-format off */
#define STEP(name, slot_, number_, value_) \
	{ .op = STEP_##name, .slot = (uint8_t)(slot_), .number = (uint16_t)(number_), .value = (uint32_t)(value_) }

/* Heads of sections: a slot's first boot, its later ones, its handler of a vector, the host's. */
#define AT(slot)                       STEP(AT, slot, 1, 0)
#define AGAIN(slot, boot)              STEP(AT, slot, boot, 0)
#define ON(slot, vector)               STEP(ON, slot, vector, 0)
#define HOST                           STEP(HOST, 0, 0, 0)
#define AFTER                          STEP(AFTER, 0, 0, 0)
#define END                            STEP(END, 0, 0, 0)

#define ENABLE                         STEP(ENABLE, 0, 0, 0)
#define WRITE(reg, v)                  STEP(WRITE, 0, reg, v)
#define READ(reg, v)                   STEP(READ, 0, reg, v)
#define READ_MASKED(reg, m, v)         STEP(MASK, 0, 0, m), STEP(READ, 0, reg, v)
#define AWAIT(reg, m, v)               STEP(MASK, 0, 0, m), STEP(AWAIT, 0, reg, v)
#define READ_BIT(map, vec, v)          STEP(READ_BIT, vec, map, v)
#define AWAIT_BIT(map, vec, v)         STEP(AWAIT_BIT, vec, map, v)
#define RDMSR(msr, v)                  STEP(RDMSR, 0, msr, v)
#define RDMSR_MASKED(msr, m, v)        STEP(MASK, 0, 0, m), STEP(RDMSR, 0, msr, v)
#define RDMSR_FAULT(msr, vec)          STEP(RDMSR_FAULT, 0, msr, vec)
#define WRMSR_FAULT(msr, v, vec)       OPERAND(v), STEP(WRMSR_FAULT, 0, msr, vec)
/* The MSR holds the operand of the WRMSR before. */
#define RDMSR_OPERAND(msr)             STEP(RDMSR_OPERAND, 0, msr, 1)
/* 56 bits. */
#define OPERAND(v)                     STEP(OPERAND, (uint64_t)(v) >> 48, (uint64_t)(v) >> 32, v)
#define CPUID_MASKED(leaf, which, m, v) STEP(MASK, 0, 0, m), STEP(CPUID, which, leaf, v)
#define SEND(low, to)                  STEP(SEND, (low) >> 16, low, to)
#define ICR(low, to)                   STEP(ICR, (low) >> 16, low, to)
#define EOI                            STEP(WRITE, 0, APIC_EOI, 0)
#define CLI                            STEP(CLI, 0, 0, 0)
#define STI                            STEP(STI, 0, 0, 0)
#define HLT                            STEP(HLT, 0, 0, 0)
#define STI_HLT                        STEP(STI_HLT, 0, 0, 0)
#define STI_CLI                        STEP(STI_CLI, 0, 0, 0)
#define WINDOW                         STEP(WINDOW, 0, 0, 0)
#define STI_SHADOW(vector)             STEP(STI_SHADOW, 0, vector, 1)
#define SS_SHADOW(vector)              STEP(SS_SHADOW, 0, vector, 1)
#define HLT_SHADOW(vector)             STEP(HLT_SHADOW, 0, vector, 1)
#define SHADOW_NMI             0x100
#define TAKEN(n)                       STEP(TAKEN, 0, 0, n)
#define AWAIT_TAKEN(n)                 STEP(AWAIT_TAKEN, 0, 0, n)
#define DEPTH(n)                       STEP(DEPTH, 0, 0, n)
#define MARK_TIME                      STEP(MARK_TIME, 0, 0, 0)
#define SINCE(ticks)                   STEP(SINCE, 0, ticks, 1)
#define COUNTDOWN(divide)              STEP(COUNTDOWN, 0, divide, 1)
#define DEADLINE(ticks)                STEP(DEADLINE, 0, 0, ticks)
#define FLAG(flag)                     STEP(FLAG, flag, 0, 1)
#define AWAIT_FLAG(flag, v)            STEP(AWAIT_FLAG, flag, 0, v)
/* Flag 0 counts those that are ready. */
#define READY                  FLAG(0)
#define AWAIT_READY(n)         AWAIT_FLAG(0, n)

/* In HOST and AFTER; FLAG and AWAIT_FLAG too. counter: a member of struct vcpu_counts. */
#define POST(low, to, status)          STEP(POST, status, low, to)
#define STOP(slot)                     STEP(STOP, slot, 0, 0)
#define AWAIT_STATE(slot, s)           STEP(AWAIT_STATE, slot, 0, VCPU_##s)
#define STATE(slot, s)                 STEP(STATE, slot, 0, VCPU_##s)
#define AWAIT_COUNT(slot, counter, v)  STEP(AWAIT_COUNT, slot, offsetof(struct vcpu_counts, counter), v)
#define COUNT(slot, counter, v)        STEP(COUNT, slot, offsetof(struct vcpu_counts, counter), v)
#define FLAG_IS(flag, v)               STEP(FLAG_IS, flag, 0, v)
#define ENTERED(slot, n)               STEP(ENTERED, slot, 0, n)
#define REFUSED(n)                     STEP(REFUSED, 0, 0, n)
/* Up to six vectors, in the order in which they were taken; all that were. */
#define TRACE(slot, ...)               TRACE_OF(slot, __VA_ARGS__, 0, 0, 0, 0, 0)
#define TRACE_OF(slot, a, b, c, d, e, f, ...) \
	STEP(TRACE, slot, (a) | (b) << 8, (c) | (d) << 8 | (e) << 16 | (uint32_t)(f) << 24)
#define NO_TRACE(slot)                 STEP(TRACE, slot, 0, 0)

/* One row of a group: the rule that it checks, the row of the specification that it covers, its
 * steps, its .argument, and what struct guest_setup is to say beside the mode. */
#define SCRIPT_ROW(name_, spec_, row_, steps_, argument_, ...) \
	{ .name = name_, .spec = spec_, .run = script_run, .needs = NEEDS_GUEST, \
	  .row = row_, .argument = argument_, .data = steps_, .guest = GUEST(__VA_ARGS__) }
/* clang-format on */

#endif
