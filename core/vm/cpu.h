/*
 * A physical processor as core/ sees it, and the kick protocol between processors.
 *
 * A kick is an NMI that makes a processor leave its guest. It may only arrive while that
 * processor is under our control, so the receiver opens a window around each VM entry:
 *
 *   receiver: window = OPEN; look for work; enter the guest; close the window
 *   sender:   publish the work; if window was OPEN, make it KICKED and send one NMI
 *   closing:  window = CLOSED; if it was KICKED, wait until that NMI has arrived
 *
 * So there is at most one NMI for each window, and none outside of one: never in the firmware.
 * The wait has an end: a processor on which an NMI has not arrived within a second (longer under a
 * hypervisor) is deaf. It gets no kicks any more, an application processor is out of use, and none
 * goes back to the firmware before that NMI has arrived.
 * An NMI between the look and the VM entry is not lost: its handler calls the backend's
 * abort_entry, which makes that entry end at once; or the backend holds NMIs and looks at the
 * window itself, as SVM's GIF lets it do.
 */
#ifndef CORE_VM_CPU_H
#define CORE_VM_CPU_H

#include "lib/base.h"
#include "lib/status.h"

#include <stdatomic.h>

struct vcpu;
struct fault;

#define CPU_NOT_LISTED (~0ull)

enum cpu_window { WINDOW_CLOSED, WINDOW_OPEN, WINDOW_KICKED };

enum cpu_phase {
	CPU_FIRMWARE, /* the firmware owns it */
	CPU_READY,    /* ours, VMX on if the machine has it */
	CPU_FAILED,   /* could not be taken or lost; see .error */
	CPU_LOST,     /* did not answer before a deadline */
};

struct cpu {
	unsigned index;	    /* 0 is the boot processor */
	uint32_t apic_id;   /* of the local APIC, 32 bits */
	uint64_t listed_id; /* what the firmware's MP Services say it is, or CPU_NOT_LISTED */
	_Atomic(enum cpu_phase) phase;
	enum status error; /* why phase is CPU_FAILED */

	_Atomic(enum cpu_window) window;
	_Atomic uint32_t nmis;	    /* NMIs that have arrived, by host NMI or by VM exit */
	_Atomic uint32_t nmis_sent; /* to it, since all had arrived; see cpu_settle */
	_Atomic uint32_t nmis_then; /* nmis when the last one was sent */
	_Atomic bool deaf;	    /* one did not arrive in time */
	uint32_t nmis_before;	    /* at the opening of the window */
	_Atomic uint32_t doorbell;  /* changes whenever there may be new work */
	_Atomic bool quit;	    /* leave the loop, give the processor back */
	_Atomic uint64_t vm_seen;   /* the machine's VM generation that the loop last looked at */
	uint64_t work_begun;	    /* the generation whose work it has begun: see sched.h */
	_Atomic bool gone_back;	    /* an AP: it has left our code, whatever phase says */
	_Atomic bool spoiled;	    /* given back otherwise than found */
	_Atomic uint64_t faults;    /* exceptions that the loop survived */
	/*
	 * A test has the local APIC, which platform.apic_put_back gives back: it is called for each
	 * interrupt, which it ends itself, and each NMI, after it was counted. NULL: none has.
	 */
	void (*on_interrupt)(struct cpu *cpu, uint8_t vector);
	bool timer_borrowed;  /* see borrowed_timer.h */
	bool named;	      /* the report says that it is out of use */
	_Atomic bool paces;   /* it is the pacemaker, and runs no guests: see pacemaker.h */
	_Atomic uint64_t due; /* when its guest's time is over; 0: no guest */
	_Atomic bool abandon; /* its NMI handler ends the outermost guarded call */

	uint64_t exit_ticks; /* what an entry and its exit take at least, 0: not measured yet */

	struct vcpu *loaded; /* whose VMCS, FPU and debug registers are on the processor */
	unsigned next;	     /* where the round robin goes on */
	void *arch;	     /* the backend's */
	void *below;	     /* the platform's */
};

/*
 * The platform's NMI handler calls this on the processor that took the NMI. It counts the kick
 * and, if a VM entry is near, makes the entry end at once. Runs with NMIs blocked.
 */
void cpu_nmi(struct cpu *cpu);

/*
 * Ends what the processor runs under platform.guarded, from outside: one NMI; it may have to be
 * sent again. Its NMI handler asks cpu_abandoned, which is true once, and never while memory is
 * being allocated.
 */
void cpu_abandon(struct cpu *cpu);
bool cpu_abandoned(struct cpu *cpu);

/* Sends one NMI. cpu_expect_nmi is for one that the caller sends itself right afterwards. */
void cpu_send_nmi(struct cpu *cpu);
void cpu_expect_nmi(struct cpu *cpu);

/* Waits, bounded, until the NMI that was sent last has arrived; false: the processor is deaf.
 * cpu_hears sends one before. */
bool cpu_heard(struct cpu *cpu);
bool cpu_hears(struct cpu *cpu);

/*
 * Waits, bounded, until every NMI that was sent to this processor has arrived: before it goes back
 * to the firmware. False: one is still on its way, and the processor is deaf. Nobody else may send
 * it one meanwhile. cpu_owes_nmi does not wait.
 */
bool cpu_settle(struct cpu *cpu);
bool cpu_owes_nmi(const struct cpu *cpu);

/*
 * False: others have its id. Firmware may give 8 bits of it only (PI vol. 2,
 * "EFI_MP_SERVICES_PROTOCOL.GetProcessorInfo()"), which several processors share.
 */
bool cpu_has_own_id(const struct cpu *cpu);

/* Neither failed nor lost nor the pacemaker. The boot processor always counts. */
bool cpu_usable(const struct cpu *cpu);
unsigned cpus_in_use(void);
struct cpu *cpu_in_use(unsigned number); /* the number-th of them, counted round */

/* Receiver side of the protocol above. */
void cpu_window_open(struct cpu *cpu);
void cpu_window_close(struct cpu *cpu);

/* Sender side: rings the doorbell, and if the processor is in its window, sends one NMI. */
void cpu_kick(struct cpu *cpu);

#endif
