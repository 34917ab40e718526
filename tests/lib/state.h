/*
 * Registers of virtual CPUs: filled by the guest program "state", and compared, as the guest and as
 * the processor's control structure have them.
 */
#ifndef TESTS_LIB_STATE_H
#define TESTS_LIB_STATE_H

#include "tests/guest/guest_state.h"
#include "tests/lib/fixture.h"

/*
 * Gives the slot values to fill its registers with; other seeds, other values in every register.
 * cr0: CR0.CD and CR0.NW that the program sets. Before the vCPU starts.
 */
void state_prepare(struct fixture *fixture, unsigned slot, uint32_t seed, uint32_t cr0);

/* So many vCPUs, of which the APs run this program, each prepared with its slot as the seed. */
#define STATE_GUEST(count)                                                                         \
	GUEST(.vcpus = (count), .ap = GUEST_state, .region = &state_region,                        \
	      .prepare = state_prepare_aps)

extern const struct vm_region state_region;
void state_prepare_aps(struct fixture *fixture);

volatile struct guest_state *state_of(struct fixture *fixture, unsigned slot);

/* Starts the slot (an AP) and waits until it has filled its registers and counts. */
bool state_start(struct fixture *fixture, unsigned slot);

/* Waits until it has counted on, by instructions executed after this call. */
bool state_wait_counting(struct fixture *fixture, unsigned slot);

/* Lets it store its registers and halt, and expects what it has been given. */
void state_release(struct fixture *fixture, unsigned slot, const char *when);

/* Expects what INIT leaves alone, x87, SSE, AVX, XCR0 and IA32_PAT, to be those of the fill. */
void state_expect_extended(struct fixture *fixture, unsigned slot, const char *when);

/* The processor's view: the GPRs, debug registers, CR2 and XCR0 of the fill. */
void state_expect_regs(struct fixture *fixture, unsigned slot, const char *when,
		       const struct regs *regs);

/* All of two states are equal; with progress RIP and RFLAGS may differ. */
void regs_expect_equal(struct test_run *run, const char *when, const struct regs *wanted,
		       const struct regs *got, bool progress);

#endif
