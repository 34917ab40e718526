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
 * S(name, checks): whether the step notes a value that must equal what its row says, and how a
 * report prints it.
 */
#define STEP_OPS(S)                                                                                \
	S(END, NOTHING)                                                                            \
	S(AT, NOTHING)                                                                             \
	S(ON, NOTHING)                                                                             \
	S(HOST, NOTHING)                                                                           \
	S(AFTER, NOTHING)                                                                          \
	/* guest */                                                                                \
	S(ENABLE, NOTHING)                                                                         \
	S(WRITE, NOTHING)                                                                          \
	S(MASK, NOTHING)                                                                           \
	S(READ, BITS)                                                                              \
	S(READ_BIT, NUMBER)                                                                        \
	S(AWAIT, NOTHING)                                                                          \
	S(AWAIT_BIT, NOTHING)                                                                      \
	S(RDMSR, BITS)                                                                             \
	S(RDMSR_FAULT, BITS)                                                                       \
	S(WRMSR_FAULT, BITS)                                                                       \
	S(RDMSR_OPERAND, NUMBER)                                                                   \
	S(OPERAND, NOTHING)                                                                        \
	S(CPUID, BITS)                                                                             \
	S(SEND, NOTHING)                                                                           \
	S(ICR, BITS)                                                                               \
	S(CLI, NOTHING)                                                                            \
	S(STI, NOTHING)                                                                            \
	S(HLT, NOTHING)                                                                            \
	S(STI_HLT, NOTHING)                                                                        \
	S(STI_CLI, NOTHING)                                                                        \
	S(WINDOW, NOTHING)                                                                         \
	S(STI_SHADOW, NUMBER)                                                                      \
	S(SS_SHADOW, NUMBER)                                                                       \
	S(HLT_SHADOW, NUMBER)                                                                      \
	S(TAKEN, NUMBER)                                                                           \
	S(AWAIT_TAKEN, NOTHING)                                                                    \
	S(DEPTH, NUMBER)                                                                           \
	S(MARK_TIME, NOTHING)                                                                      \
	S(SINCE, NUMBER)                                                                           \
	S(CHOOSE_PERIOD, NOTHING)                                                                  \
	S(START_PERIODS, NOTHING)                                                                  \
	S(PERIOD_IS_SET, NUMBER)                                                                   \
	S(SINCE_PERIODS, NUMBER)                                                                   \
	S(COUNTDOWN, NUMBER)                                                                       \
	S(DEADLINE, NOTHING)                                                                       \
	S(FLAG, NOTHING)                                                                           \
	S(AWAIT_FLAG, NOTHING)                                                                     \
	/* host */                                                                                 \
	S(POST, NUMBER)                                                                            \
	S(STOP, NOTHING)                                                                           \
	S(AWAIT_STATE, NOTHING)                                                                    \
	S(STATE, NUMBER)                                                                           \
	S(AWAIT_COUNT, NOTHING)                                                                    \
	S(COUNT, NUMBER)                                                                           \
	S(FLAG_IS, NUMBER)                                                                         \
	S(ENTERED, NUMBER)                                                                         \
	S(REFUSED, NUMBER)                                                                         \
	S(ONE_TOOK, NUMBER)                                                                        \
	S(TRACE, BITS)

enum step_op {
#define STEP_ENUM(name, checks) STEP_##name,
	STEP_OPS(STEP_ENUM)
#undef STEP_ENUM
};

/* Eight bytes, because there are thousands of them in the image: a byte, a word and a dword beside
 * the operation, each under the name that it has in that operation. */
struct step {
	uint8_t op;
	union {
		uint8_t slot;	       /* AT, ON: whose section; what the host's steps are about */
		uint8_t flag;	       /* FLAG, AWAIT_FLAG, FLAG_IS */
		uint8_t vector;	       /* READ_BIT, AWAIT_BIT, ONE_TOOK */
		uint8_t output;	       /* CPUID: 0 to 3 are EAX, EBX, ECX, EDX */
		uint8_t icr_high_bits; /* SEND, ICR: bits 23:16 of the ICR */
		uint8_t status;	       /* POST: what ipi_send is to return */
		uint8_t operand_high;  /* OPERAND: bits 55:48 */
	};
	union {
		uint16_t boot;	      /* AT: which start of the slot */
		uint16_t handles;     /* ON: vector */
		uint16_t reg;	      /* READ, WRITE, AWAIT: offset in the APIC page */
		uint16_t bitmap;      /* READ_BIT, AWAIT_BIT: offset of its first register */
		uint16_t leaf;	      /* CPUID */
		uint16_t icr_bits;    /* SEND, ICR, POST: bits 15:0 of the ICR */
		uint16_t event;	      /* shadows: vector, or SHADOW_NMI */
		uint16_t ticks;	      /* SINCE */
		uint16_t periods;     /* SINCE_PERIODS */
		uint16_t divide;      /* COUNTDOWN: the divide configuration register */
		uint16_t counter;     /* COUNT, AWAIT_COUNT: offset in struct vcpu_counts */
		uint16_t operand_mid; /* OPERAND: bits 47:32 */
		uint16_t trace_0;     /* TRACE: the first two vectors */
		uint16_t msr;	      /* RDMSR, RDMSR_FAULT, WRMSR_FAULT: low bits of its number */
	};
	union {
		uint32_t value;	      /* what is wanted, written or waited for */
		uint32_t mask;	      /* MASK: of the next step */
		uint32_t destination; /* SEND, ICR, POST */
		uint32_t delay;	      /* DEADLINE: in ticks */
		uint32_t operand_low; /* OPERAND: bits 31:0 */
		uint32_t trace_2;     /* TRACE: four vectors more */
	};
};

_Static_assert(sizeof(struct step) == 8, "the same for 32-bit and 64-bit code");

struct script {
	struct step step[SCRIPT_STEPS];
	struct {
		uint64_t got; /* the first that was not as wanted, else the last */
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
