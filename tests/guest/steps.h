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
 * S(name, text, checks): checks is 1 if the step notes a value that must equal .value. Fields that
 * a step uses are in script.h, where the macros are that make it.
 */
#define STEP_OPS(S)                                                                                \
	S(END, "end", 0)                                                                           \
	S(AT, "section", 0)                                                                        \
	S(ON, "handler", 0)                                                                        \
	S(HOST, "host", 0)                                                                         \
	S(AFTER, "afterwards", 0)                                                                  \
	/* guest */                                                                                \
	S(ENABLE, "enable", 0)                                                                     \
	S(WRITE, "APIC write", 0)                                                                  \
	S(MASK, "mask", 0)                                                                         \
	S(READ, "APIC register", 1)                                                                \
	S(READ_BIT, "bit of the vector", 1)                                                        \
	S(AWAIT, "wait for an APIC register", 0)                                                   \
	S(AWAIT_BIT, "wait for the bit of the vector", 0)                                          \
	S(RDMSR, "RDMSR", 1)                                                                       \
	S(RDMSR_FAULT, "exception of RDMSR", 1)                                                    \
	S(WRMSR_FAULT, "exception of WRMSR", 1)                                                    \
	S(RDMSR_OPERAND, "RDMSR reads what was written", 1)                                        \
	S(OPERAND, "operand", 0)                                                                   \
	S(CPUID, "CPUID", 1)                                                                       \
	S(SEND, "ICR write", 0)                                                                    \
	S(ICR, "ICR read-back", 1)                                                                 \
	S(CLI, "CLI", 0)                                                                           \
	S(STI, "STI", 0)                                                                           \
	S(HLT, "HLT", 0)                                                                           \
	S(STI_HLT, "STI, HLT", 0)                                                                  \
	S(STI_CLI, "STI, CLI", 0)                                                                  \
	S(WINDOW, "STI, NOP, CLI", 0)                                                              \
	S(STI_SHADOW, "event right after the instruction in the shadow of STI", 1)                 \
	S(SS_SHADOW, "event right after the instruction in the shadow of MOV SS", 1)               \
	S(HLT_SHADOW, "event right after the HLT in the shadow of STI", 1)                         \
	S(TAKEN, "events taken so far", 1)                                                         \
	S(AWAIT_TAKEN, "wait for events", 0)                                                       \
	S(DEPTH, "events that are being handled", 1)                                               \
	S(MARK_TIME, "start of the time", 0)                                                       \
	S(SINCE, "ticks since then are enough", 1)                                                 \
	S(COUNTDOWN, "timer's count is right", 1)                                                  \
	S(DEADLINE, "TSC deadline", 0)                                                             \
	S(FLAG, "raise a flag", 0)                                                                 \
	S(AWAIT_FLAG, "wait for a flag", 0)                                                        \
	/* host */                                                                                 \
	S(POST, "status of sending from outside", 1)                                               \
	S(STOP, "stop", 0)                                                                         \
	S(AWAIT_STATE, "wait for a state", 0)                                                      \
	S(STATE, "state", 1)                                                                       \
	S(AWAIT_COUNT, "wait for a count", 0)                                                      \
	S(COUNT, "count", 1)                                                                       \
	S(FLAG_IS, "flag", 1)                                                                      \
	S(ENTERED, "starts", 1)                                                                    \
	S(REFUSED, "IPIs refused", 1)                                                              \
	S(TRACE, "events in the order they were taken", 1)

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
