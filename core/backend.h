/*
 * All that core/ needs from a processor vendor's virtualization: Intel VMX and AMD SVM in the
 * image, a scripted fake in the host tests. Calls about a vCPU are made on the processor that owns
 * it.
 */
#ifndef CORE_BACKEND_H
#define CORE_BACKEND_H

#include "lib/base.h"
#include "lib/status.h"

struct facts;
struct cpu;
struct event;
struct regs;
struct vm;
struct vm_exit;
struct vcpu;

/* What tests may need of the machine; names for SKIP come from the backend. */
enum capability {
	CAP_VIRTUALIZATION, /* can be switched on */
	CAP_VMX,	    /* ... and is Intel's */
	CAP_SVM,	    /* ... and is AMD's */
	CAP_NESTED_PAGING,
	CAP_UNRESTRICTED_GUEST, /* guests may run unpaged */
	CAP_PREEMPTION,		/* a guest is stopped after a number of ticks */
	CAP_APIC_REGISTERS,	/* the processor virtualizes the APIC page */
	CAP_VIRTUAL_INTERRUPTS, /* ... and delivers fixed interrupts to guests by itself */
	CAP_POSTED_INTERRUPTS,	/* ... also those that other processors send meanwhile */
	CAP_WAIT_SIPI,		/* the hardware's wait-for-SIPI state */
	CAP_XSAVE,
	CAP_AVX,
	CAP_LONG_MODE,
	CAP_TSC_DEADLINE,
	CAP_COUNT
};
_Static_assert(CAP_COUNT <= 64, "struct test has a bit for each");

/* What one entry is to do. */
struct entry {
	const struct event *inject; /* NULL: nothing */
	bool irq_window;	    /* leave as soon as the guest can take an interrupt */
	bool nmi_window;	    /* likewise an NMI */
	bool pause_exits;	    /* leave on PAUSE: others wait for this processor */
	uint8_t tpr_threshold;	    /* leave when the TPR's class falls below this, 0: never */
	uint32_t ticks; /* leave after about so many clock ticks; 0: before the first instruction */
};

enum field_kind { FIELD_CONTROL, FIELD_INFORMATION, FIELD_GUEST, FIELD_HOST };

enum field_role {
	FIELD_STAYS, /* an entry and its exit leave it, unless the guest changes it */
	FIELD_MOVES,
	FIELD_RIP,
	FIELD_RSP,
	FIELD_DR7,
};

/* A field of the vendor's control structure. */
struct field {
	const char *name;
	uint32_t encoding;
	uint8_t kind, role; /* enum field_kind, enum field_role */
	uint8_t bits;	    /* its width */
	uint64_t kept;	    /* those of its bits that it can hold */
};

/* What a machine does otherwise than its manual says, and a run goes on with all the same. */
struct quirk {
	const char *what;
	const char *seen_in; /* emulators and versions */
	const char *spec;    /* the manual's section that says otherwise */
	uint64_t count;	     /* how often it was met: 0 on a processor */
};

struct backend {
	const char *name;
	/* AMD's manual is the processor's: reports name it where it has the rule, and INIT does
	 * what it says. */
	bool cites_amd;

	/*
	 * What this machine offers, as CAP_ bits; adds its decoded capabilities to the facts. If
	 * the machine has no virtualization, *why says so in one line, and *advice in another one
	 * what can be done about it; NULL: nothing.
	 */
	uint64_t (*probe)(struct facts *facts, const char **why, const char **advice);
	/*
	 * When all processors have been switched on: what all of them offer. Adds differences to
	 * the facts. NULL: as probe has said.
	 */
	uint64_t (*settle)(struct facts *facts);
	const char *(*capability_text)(enum capability capability);

	/* Switches virtualization on or off on this processor, which is taken. */
	enum status (*cpu_on)(struct cpu *cpu);
	void (*cpu_off)(struct cpu *cpu);

	/*
	 * The guests' time is ended by platform.timer, which core/ sees to; run() returns then with
	 * EXIT_INTERRUPT. May be asked on any processor once guests are made. NULL: no.
	 */
	bool (*borrows_timer)(void);

	/* A guest with interrupts off is not ended by its time: see vm/pacemaker.h. NULL: it is. */
	bool (*needs_pacemaker)(void);

	/* The quirks that the backend knows, row by row; false beyond the last. */
	bool (*quirk)(unsigned row, struct quirk *quirk);

	/* Any processor. Pages come from core/lib/pages.h. */
	enum status (*vm_create)(struct vm *vm);
	void (*vm_destroy)(struct vm *vm);
	enum status (*map)(struct vm *vm, uint64_t gpa, uint64_t physical, size_t pages);
	enum status (*vcpu_create)(struct vcpu *vcpu);
	void (*vcpu_destroy)(struct vcpu *vcpu);

	/* Brings the vCPU onto this processor, or takes it off with its state in memory. */
	enum status (*load)(struct cpu *cpu, struct vcpu *vcpu);
	void (*unload)(struct cpu *cpu, struct vcpu *vcpu);

	/* Cached translations of the VM's memory on this processor, for vCPUs loaded later. */
	void (*flush)(struct vm *vm);

	/* The loaded vCPU: everything in struct regs but the GPRs, which vcpu->regs always holds.
	 */
	void (*state_get)(struct vcpu *vcpu, struct regs *regs);
	void (*state_set)(struct vcpu *vcpu, const struct regs *regs);

	/* Cheaper than state_get, for the loaded vCPU. */
	uint64_t (*rflags_get)(struct vcpu *vcpu);
	void (*rflags_set)(struct vcpu *vcpu, uint64_t rflags);
	uint32_t (*interruptibility_get)(struct vcpu *vcpu);

	/*
	 * Enters the guest and returns with its exit. Failures of the entry are exits of kind
	 * EXIT_ENTRY_FAILED. CPUID exits that vcpu_cpuid_quick answers need not return as long as
	 * the kick window is open: they change nothing but registers, and whoever has news for this
	 * vCPU makes the window KICKED.
	 */
	void (*run)(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit);

	/*
	 * Any processor: gives a fixed, edge-triggered interrupt to a vCPU while its guest runs,
	 * whose processor takes it from there. False, and nothing has happened: that cannot be now.
	 * NULL: it never can.
	 */
	bool (*post)(struct vcpu *vcpu, uint8_t vector);

	/* In the NMI handler on this processor: makes an entry that is being prepared end at once.
	 * NULL: run() sees by itself that the kick window is no longer open. */
	void (*abort_entry)(struct cpu *cpu);

	/*
	 * The guest's APIC mode may have changed: route accesses to the page or the MSRs
	 * accordingly. Sets vcpu->virtual_interrupts.
	 */
	void (*apic_mode_changed)(struct vcpu *vcpu);

	/* The guest executed XSETBV: regs.xcr0 is new. */
	void (*xcr0_changed)(struct vcpu *vcpu);

	/* The fields of the vendor's control structure, row by row; false beyond the last. */
	bool (*field)(unsigned row, struct field *field);

	/* By encoding; the loaded vCPU. Error: no such field, or it cannot hold the value. */
	enum status (*field_get)(struct vcpu *vcpu, uint32_t encoding, uint64_t *value);
	enum status (*field_set)(struct vcpu *vcpu, uint32_t encoding, uint64_t value);

	/* Accesses of the backend's own to a control structure that failed since the last call, on
	 * any processor; *last: the field that the last one was of. NULL: they cannot fail. */
	unsigned (*access_failures)(const char **last);

	void (*cpuid)(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);
};

extern const struct backend *backend;

#endif
