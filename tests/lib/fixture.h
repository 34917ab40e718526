/*
 * What a test stands on: a VM with the guest program loaded, its shared words at hand, and waits
 * that end with the test's deadline and say what went wrong.
 */
#ifndef TESTS_LIB_FIXTURE_H
#define TESTS_LIB_FIXTURE_H

#include "suite/test.h"
#include "vm/vm.h"

#include "tests/guest/guest.h"

/* The guest that a test wants. Fields that are left out are 0. */
struct guest_setup {
	unsigned vcpus;		 /* 0: one for each processor in use */
	bool x2apic;		 /* the guest uses x2APIC mode */
	bool wait_in_hardware;	 /* APs wait in the processor's wait-for-SIPI state; there are no
				  * more vCPUs than processors then */
	bool decode_apic;	 /* never let the processor virtualize the APIC page */
	bool virtual_interrupts; /* the processor delivers fixed interrupts */
	bool posted_interrupts;	 /* ... also those that others send to a guest that runs */
	bool capture;		 /* keep each vCPU's state at its start, as the processor has it */
	enum guest_program bsp, ap;
	uint8_t sipi_vector, sipis;		  /* of the program "start"; 0: 01H, and two */
	const uint32_t *apic_ids;		  /* NULL: the vCPUs' ids */
	const struct vm_region *region;		  /* one more than the fixture's own, NULL: none */
	void (*prepare)(struct fixture *fixture); /* before the test begins, NULL: nothing */
};

/* A row's .guest. */
#define GUEST(...) (&(const struct guest_setup){ __VA_ARGS__ })

struct fixture {
	struct test_run *run;
	const struct guest_setup *setup;
	struct vm *vm;
	unsigned vcpus;
	volatile struct guest_slot *slot;
	volatile struct guest_shared *shared;
	struct regs *start; /* one for each vCPU if captured */
};

/*
 * A row's .run: opens a fixture with the row's guest, calls its body and closes the fixture. Tests
 * that need several VMs, one after the other, open them themselves.
 */
void fixture_run(struct test_run *run);

/* Makes the VM and loads the guest; false: the test is an ERROR. The suite destroys the VM. */
bool fixture_open(struct fixture *fixture, struct test_run *run, const struct guest_setup *setup);

/* Returns what fixture_open took beside the VM, and checks that no memory of the guest has changed
 * but what it may change. After a fixture_open that came through, and once; it may be the body's.
 */
void fixture_close(struct fixture *fixture);

/* Starts the boot processor. */
bool fixture_start(struct fixture *fixture);

/*
 * Waits until condition(fixture, argument) holds. False, and the test FAILs, if it does not before
 * the deadline or if core/ had to end a vCPU; the reason says which and why.
 */
bool fixture_wait(struct fixture *fixture, const char *what,
		  bool (*condition)(struct fixture *fixture, uint64_t), uint64_t argument);

/* Waits until slot's program has come to its end this many times and the vCPU has halted. */
bool fixture_wait_finished(struct fixture *fixture, unsigned slot, uint32_t times);

/* Waits until every AP's has. */
bool fixture_wait_all_aps(struct fixture *fixture, uint32_t times);

/* Waits until a vCPU is in a state. */
bool fixture_wait_state(struct fixture *fixture, unsigned slot, enum vcpu_state state);

/* IPIs that a vCPU has taken out of its mailbox, or its processor was given past it. */
uint64_t fixture_received(const struct vcpu *vcpu);

/* Waits until every IPI that was sent is out of its receiver's mailbox. */
bool fixture_wait_arrived(struct fixture *fixture);

/* Waits for that, and expects core's counts to add up, for each kind of IPI: all that was sent is
 * delivered, coalesced or dropped. */
void fixture_expect_counts(struct fixture *fixture);

#endif
