/*
 * A processor vendor for the host tests: the second implementation of struct backend. A guest is
 * a C function, or a list of exits; the rest of an entry is as a processor does it: injected
 * events go in first, windows open when nothing blocks, an aborted entry executes nothing.
 */
#ifndef TESTS_HOST_FAKE_FAKE_BACKEND_H
#define TESTS_HOST_FAKE_FAKE_BACKEND_H

#include "backend.h"
#include "vm/cpu.h"
#include "vm/vcpu.h"

/* Executes the guest until it exits; on entry *exit is EXIT_TIMER. */
typedef void fake_program(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit);

enum { FAKE_EVENTS_MAX = 64, FAKE_SIGNATURE = 0x000906EA };

/* struct vcpu's vendor part. */
struct fake_vcpu {
	struct regs regs; /* as the processor holds them, but for the GPRs */
	struct cpu *loaded_on;
	uint32_t exit_length;

	fake_program *program; /* NULL: the script */
	void *argument;
	const struct vm_exit *script; /* then the guest spins */
	unsigned script_length, script_at;

	struct entry entry; /* of the last run, inject is NULL */
	struct event events[FAKE_EVENTS_MAX];
	unsigned event_count; /* events that went in; the first FAKE_EVENTS_MAX are kept */
	unsigned entries, executed, loads, unloads, states_set, mode_changes, xcr0_changes;
	uint64_t adds_to_idtr;	   /* each entry, to the base: a processor that does otherwise */
	_Atomic int physical_sipi; /* vector that arrived in wait-for-SIPI, -1: none */
};

struct fake_vendor {
	uint64_t capabilities;
	const char *why;
	uint32_t cpuid_1[4]; /* what leaf 1 answers */
	uint32_t cpuid_d[4];
	unsigned fail_after; /* calls of vm_create, map and vcpu_create until one fails, 0: never */
	unsigned fault_cpu_on; /* bit n: an exception on processor n */
	uint64_t lacking;      /* capabilities that some processor turns out not to have */
	unsigned fail_cpu_on;  /* bit n: not on processor n */
	bool fail_load;
	bool borrows_timer;	 /* see struct backend */
	bool posts;		 /* a guest that runs takes interrupts that others send */
	unsigned posted;	 /* vectors that it was given so */
	unsigned vms, vcpus;	 /* alive */
	_Atomic unsigned on;	 /* processors with virtualization on */
	_Atomic unsigned aborts; /* calls of abort_entry */
};

extern const struct backend fake_backend;
extern struct fake_vendor fake_vendor;

void fake_backend_reset(void);

static inline struct fake_vcpu *fake_of(const struct vcpu *vcpu)
{
	return vcpu->arch;
}

void fake_set_program(struct vcpu *vcpu, fake_program *program, void *argument);
void fake_set_script(struct vcpu *vcpu, const struct vm_exit *script, unsigned length);

/* In a program: true if the entry is to end at once, because of a kick. */
bool fake_aborted(const struct vcpu *vcpu);

/* A program that executes nothing until its time is over or a kick comes. */
fake_program fake_spin;

void fake_physical_sipi(struct cpu *cpu, uint8_t vector);

#endif
