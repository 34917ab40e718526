/* A virtual CPU: its state machine and what the processor that owns it keeps. */
#ifndef CORE_VM_VCPU_H
#define CORE_VM_VCPU_H

#include "lib/base.h"
#include "lib/status.h"
#include "vlapic/apic.h"
#include "vm/exit.h"
#include "vm/mailbox.h"
#include "vm/regs.h"

#include <stdatomic.h>

#define VCPU_STATES(S)                                                                             \
	S(CREATED, "created")                                                                      \
	S(RUNNING, "running")                                                                      \
	S(HALTED, "halted")                                                                        \
	S(WAIT_SIPI, "waiting for SIPI")                                                           \
	S(PAUSED, "paused")                                                                        \
	S(STOPPED, "stopped")

enum vcpu_state {
#define STATE_ENUM(name, text) VCPU_##name,
	VCPU_STATES(STATE_ENUM)
#undef STATE_ENUM
		VCPU_STATE_COUNT
};

enum vcpu_event {
	ON_START,    /* the VM starts its boot processor */
	ON_INIT,     /* INIT, IA32_APIC_BASE.BSP clear */
	ON_INIT_BSP, /* INIT, IA32_APIC_BASE.BSP set */
	ON_SIPI,
	ON_HLT,
	ON_WAKE, /* an interrupt or NMI that may be taken */
	ON_PAUSE,
	ON_RESUME,
	ON_STOP,
	VCPU_EVENT_COUNT
};

enum vcpu_action {
	DO_NOTHING,
	DO_IGNORE,  /* the architecture ignores the event: count it */
	DO_REFUSE,  /* the caller made an error */
	DO_ENTER,   /* begin at the reset vector with the state as it is */
	DO_RESET,   /* INIT state, and wait */
	DO_RESTART, /* INIT state, and begin at the reset vector */
	DO_SIPI,    /* begin at the SIPI vector */
};

struct transition {
	enum vcpu_state next;
	enum vcpu_action action;
};

extern const struct transition vcpu_transitions[VCPU_STATE_COUNT][VCPU_EVENT_COUNT];

const char *vcpu_state_text(enum vcpu_state state);
const char *vcpu_event_text(enum vcpu_event event);

/* What became of the messages; written by the owner, read by anyone. */
struct vcpu_counts {
	_Atomic uint64_t sent;	   /* messages that this vCPU's IPIs put into mailboxes */
	_Atomic uint64_t received; /* IPI messages taken out of this mailbox */
	_Atomic uint64_t
		delivered; /* accepted: set an IRR bit, latched an NMI, INIT, SIPI obeyed */
	_Atomic uint64_t coalesced; /* the IRR bit was set, or an NMI was latched, already */
	_Atomic uint64_t dropped;   /* the APIC was disabled, the vCPU stopped, SIPI not awaited */
	_Atomic uint64_t sipis_ignored;
	_Atomic uint64_t inits;
	_Atomic uint64_t interrupts;	 /* vectors injected into the guest's IDT */
	_Atomic uint64_t nmis;		 /* NMIs taken */
	_Atomic uint64_t hardware_sipis; /* exits from the hardware's wait-for-SIPI state */
	_Atomic uint64_t hardware_inits;
	_Atomic uint64_t foreign_interrupts; /* exits by interrupts of the machine's own */
	_Atomic uint64_t exits;
	_Atomic uint64_t level_eois;	     /* EOIs that I/O APICs would be told of */
	_Atomic uint64_t nmi_blocking_leaks; /* found blocked by NMI before any NMI was taken */
	/* By kind of message: sent as above, and delivered, coalesced or dropped here. */
	_Atomic uint64_t sent_of[MESSAGE_IPIS], settled_of[MESSAGE_IPIS];
	/* Not received, but given to the processor that runs this vCPU; by the senders. */
	_Atomic uint64_t posted_of[MESSAGE_IPIS];
};

struct vm;
struct cpu;

struct vcpu {
	struct regs regs; /* first: the entry code finds the GPRs by offset */
	struct vm *vm;
	uint32_t id;
	int affinity;	     /* processor index, -1: any */
	uint64_t cache_bits; /* CR0.CD and CR0.NW, which VM entries and exits leave alone */

	bool event_pending; /* one may be deliverable: look before the next entry */
	bool regs_changed;  /* regs hold a new state that the backend must load */
	bool debug_kept;    /* all but the debug registers, which stay as the backend has them */
	bool advance;	    /* RIP moves past the instruction that exited, at the next entry */
	bool virtual_interrupts; /* the processor takes fixed interrupts from the APIC page */

	_Atomic(enum vcpu_state) state;
	_Atomic(struct cpu *) cpu; /* the owner */
	_Atomic uint32_t moves;	   /* migrations done */

	struct mailbox mailbox;
	struct apic apic;
	struct event event; /* goes in at the next entry */
	unsigned nmis;	    /* latched, at most 1 beside the one that is being served */
	int extint;	    /* ExtINT vector that waits for IF, -1: none */

	struct { /* as the HLT found it */
		bool interrupts_on;
		bool nmi_blocked;
	} halt;

	struct { /* requests from the controlling processor, one at a time */
		_Atomic uint32_t done;
		_Atomic(enum status) result;
		void (*_Atomic call)(struct vcpu *vcpu, void *argument); /* NULL: withdrawn */
		void *argument;
		bool call_waits;
		int move_to; /* processor index, -1: stay */
	} control;

	struct {			   /* the processor's own wait-for-SIPI activity state */
		_Atomic bool in_hardware;  /* the processor is, or is about to be, in it */
		uint32_t sent;		   /* physical SIPIs, to end it */
		uint8_t vector;		   /* of the last exit by a physical SIPI */
		uint32_t interruptibility; /* that this exit saved */
	} sipi_wait;

	struct { /* the first instruction after START, INIT at the BSP or SIPI */
		struct regs *capture; /* if set: gets the state as the processor has it then */
		bool pending;	      /* that is to be done at the next entry */
		uint8_t vector;	      /* of the last SIPI obeyed */
	} start;

	struct { /* the last answer of CPUID; valid until CR4 or the APIC's mode changes */
		bool known;
		uint32_t leaf, subleaf, out[4];
	} cpuid;

	struct { /* the last exit that core/ saw, for reports */
		enum exit_kind kind;
		uint32_t reason;
	} last_exit;

	struct {			      /* why core/ stopped it */
		const char *why;	      /* NULL: nothing went wrong */
		struct vm_exit exit;	      /* that stopped it; its registers are in regs */
		uint8_t code[15], code_bytes; /* at RIP */
	} failure;

	struct vcpu_counts counts;
	void *arch; /* the backend's */
};

/* Applies an event to the state; owner only. Returns what was done. */
enum vcpu_action vcpu_apply(struct vcpu *vcpu, enum vcpu_event event, uint8_t vector);

/* #GP(0) or #UD at the instruction that exited. */
void vcpu_inject_gp(struct vcpu *vcpu);
void vcpu_inject_ud(struct vcpu *vcpu);

static inline void count(_Atomic uint64_t *counter)
{
	/* One writer: no locked instruction is needed. */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

#endif
