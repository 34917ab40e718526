/*
 * Tests as scripts: rows of steps that the guest's processors and the host carry out, each in its
 * own sections. The host copies the rows into guest memory, the guest program "script" interprets
 * them there and notes what each one saw; the host compares. Both compile this file.
 */
#ifndef TESTS_GUEST_STEPS_H
#define TESTS_GUEST_STEPS_H

#include <stdint.h>

enum {
	SCRIPT_PAGE = 0x30000, /* struct script, guest-physical */
	SCRIPT_PAGES = 2,
	SCRIPT_STEPS = 128,
	SCRIPT_FLAGS = 16,
	SCRIPT_ACTORS = 16,
	SCRIPT_TRACE = 24,
	SCRIPT_LEAF = 0x40000001, /* CPUID leaf at which an armed event is sent */
	EACH = 0xFF,		  /* every AP that has no section of its own */
};

/*
 * S(name, text, checks): whether the step notes a value that must equal .value, and how a report
 * prints it. Fields that a step uses are in script.h, where the macros are that make it.
 */
#define STEP_OPS(S)                                                                                \
	S(END, "end", NOTHING)                                                                     \
	S(AT, "section", NOTHING)                                                                  \
	S(ON, "handler", NOTHING)                                                                  \
	S(HOST, "host", NOTHING)                                                                   \
	S(AFTER, "afterwards", NOTHING)                                                            \
	/* guest */                                                                                \
	S(ENABLE, "enable", NOTHING)                                                               \
	S(WRITE, "APIC write", NOTHING)                                                            \
	S(MASK, "mask", NOTHING)                                                                   \
	S(READ, "APIC register", BITS)                                                             \
	S(READ_BIT, "bit of the vector", NUMBER)                                                   \
	S(AWAIT, "wait for an APIC register", NOTHING)                                             \
	S(AWAIT_BIT, "wait for the bit of the vector", NOTHING)                                    \
	S(RDMSR, "RDMSR", BITS)                                                                    \
	S(RDMSR_FAULT, "exception of RDMSR", BITS)                                                 \
	S(WRMSR_FAULT, "exception of WRMSR", BITS)                                                 \
	S(RDMSR_OPERAND, "RDMSR reads what was written", NUMBER)                                   \
	S(OPERAND, "operand", NOTHING)                                                             \
	S(CPUID, "CPUID", BITS)                                                                    \
	S(SEND, "ICR write", NOTHING)                                                              \
	S(ICR, "ICR read-back", BITS)                                                              \
	S(CLI, "CLI", NOTHING)                                                                     \
	S(STI, "STI", NOTHING)                                                                     \
	S(HLT, "HLT", NOTHING)                                                                     \
	S(STI_HLT, "STI, HLT", NOTHING)                                                            \
	S(STI_CLI, "STI, CLI", NOTHING)                                                            \
	S(WINDOW, "STI, NOP, CLI", NOTHING)                                                        \
	S(STI_SHADOW, "event right after the instruction in the shadow of STI", NUMBER)            \
	S(SS_SHADOW, "event right after the instruction in the shadow of MOV SS", NUMBER)          \
	S(HLT_SHADOW, "event right after the HLT in the shadow of STI", NUMBER)                    \
	S(TAKEN, "events taken so far", NUMBER)                                                    \
	S(AWAIT_TAKEN, "wait for events", NOTHING)                                                 \
	S(DEPTH, "events that are being handled", NUMBER)                                          \
	S(MARK_TIME, "start of the time", NOTHING)                                                 \
	S(SINCE, "ticks since then are enough", NUMBER)                                            \
	S(COUNTDOWN, "timer's count is right", NUMBER)                                             \
	S(DEADLINE, "TSC deadline", NOTHING)                                                       \
	S(FLAG, "raise a flag", NOTHING)                                                           \
	S(AWAIT_FLAG, "wait for a flag", NOTHING)                                                  \
	/* host */                                                                                 \
	S(POST, "status of sending from outside", NUMBER)                                          \
	S(STOP, "stop", NOTHING)                                                                   \
	S(AWAIT_STATE, "wait for a state", NOTHING)                                                \
	S(STATE, "state", NUMBER)                                                                  \
	S(AWAIT_COUNT, "wait for a count", NOTHING)                                                \
	S(COUNT, "count", NUMBER)                                                                  \
	S(FLAG_IS, "flag", NUMBER)                                                                 \
	S(ENTERED, "starts", NUMBER)                                                               \
	S(REFUSED, "IPIs refused", NUMBER)                                                         \
	S(TRACE, "events in the order they were taken", BITS)

enum step_op {
#define STEP_ENUM(name, text, checks) STEP_##name,
	STEP_OPS(STEP_ENUM)
#undef STEP_ENUM
};

/* Eight bytes, because there are thousands of them in the image. What the fields mean depends on
 * the step. */
struct step {
	uint8_t op;
	uint8_t slot;	 /* whose section, state or count; of FLAG and AWAIT_FLAG the flag */
	uint16_t number; /* boot, vector, register, MSR, bits 15:0 of the ICR, ... */
	uint32_t value;
};

_Static_assert(sizeof(struct step) == 8, "the same for 32-bit and 64-bit code");

struct script {
	struct step step[SCRIPT_STEPS];
	struct {
		uint64_t got; /* the first that was not .value, else .value */
		uint32_t times;
		uint32_t wrong;
	} seen[SCRIPT_STEPS];
	struct {
		uint32_t done;	/* the last boot whose section came to its end */
		uint32_t taken; /* interrupts and NMIs */
		uint32_t event_eip;
		uint32_t resume; /* where an expected exception goes on, 0: none expected */
		uint32_t fault;	 /* its vector */
		uint32_t depth;	 /* events that are being handled */
		uint32_t armed;	 /* vector, or 100H for NMI, that the host sends at the next exit */
		uint8_t trace[SCRIPT_TRACE];
	} actor[SCRIPT_ACTORS];
	uint32_t flag[SCRIPT_FLAGS];
};

_Static_assert(sizeof(struct script) <= SCRIPT_PAGES * 4096, "fits its pages");

#endif
