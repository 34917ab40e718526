/*
 * What a processor does to deliver an interrupt or exception in a guest of mode.h, by its gates:
 * SDM vol. 3A, "Exception- or Interrupt-Handler Procedures", "64-Bit Mode Stack Frame",
 * "Interrupt and Exception Handling in Virtual-8086 Mode", vol. 2A, "INT n/INTO/INT3/INT1"; APM
 * vol. 2, "Exceptions and Interrupts". Only for gates that are good.
 */
#ifndef TESTS_PROBE_DELIVERY_H
#define TESTS_PROBE_DELIVERY_H

#include "tests/probe/mode.h"

struct delivery {
	uint8_t vector;
	bool has_code; /* an error code; real mode pushes none */
	uint32_t code;
};

enum { FRAME_VALUES = 11 };

/* What it comes to. */
struct delivered {
	uint64_t rip, rsp, rflags;
	struct segment_state cs, ss;
	bool nulls;	/* DS, ES, FS, GS are null */
	uint64_t stack; /* linear address of the frame, which is at RSP */
	unsigned step;	/* bytes of a value */
	unsigned count;
	struct {
		uint64_t value;
		uint8_t bytes; /* that are defined */
	} frame[FRAME_VALUES]; /* from RSP on */
};

/* regs: at the time of the delivery. */
void guest_deliver(enum guest_mode mode, const struct regs *regs, const struct delivery *delivery,
		   struct delivered *out);

#endif
