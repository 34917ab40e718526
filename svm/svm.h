/* The SVM backend. Outside of this folder only svm_backend is of interest. */
#ifndef SVM_SVM_H
#define SVM_SVM_H

#include "backend.h"
#include "lib/base.h"
#include "lib/nested.h"
#include "platform.h"
#include "vm/cpu.h"
#include "vm/vcpu.h"
#include "vm/vm.h"
#include "x86/debug.h"
#include "x86/fpu.h"

#include "svm/features.h"
#include "svm/vmcb.h"

extern const struct backend svm_backend;

/* What this processor allows; read once, on the boot processor, which must be like the others. */
struct svm_caps {
	uint32_t revision;
	uint32_t asids;		    /* ASIDs 0 to asids - 1, of which 0 is the host's */
	uint32_t features;	    /* CPUID 8000000AH EDX: BIT(SVM_...) */
	uint64_t xcr0;		    /* components that guests may have */
	uint64_t encrypted;	    /* the C-bit, if it is in use for our memory; else 0 */
	uint64_t vm_cr;		    /* as found */
	uint32_t extended_features; /* CPUID 80000008H EBX: which of the newer instructions exist */
	bool invpcid;
};

extern struct svm_caps svm_caps;

static inline bool svm_has(enum svm_feature feature)
{
	return svm_caps.features >> feature & 1;
}

/* The address that the processor wants for memory of ours: with the C-bit where it is in use. APM
 * vol. 2, "Secure Memory Encryption". */
static inline uint64_t svm_physical(const void *p)
{
	return physical(p) | svm_caps.encrypted;
}

/* What the backend keeps for a processor: one page each, and what cpu_off puts back. */
struct svm_cpu {
	void *host_save;   /* VM_HSAVE_PA */
	struct vmcb *host; /* for VMSAVE: what VMRUN leaves of the host's state */
	uint64_t efer, vm_cr, hsave_pa;
	uint64_t cr4, xcr0;
	bool on; /* SVME is set */
	bool has_vm_cr;
};

struct svm_vm {
	struct nested npt;
	uint64_t *empty; /* a nested page table that maps nothing */
	uint8_t *iopm;	 /* three pages, all ones */
	uint8_t *msrpm;	 /* two pages, all ones */
};

/* A single step behind an instruction that holds an event back. */
enum svm_step { STEP_NONE, STEP_IRET, STEP_SHADOW };

struct svm_vcpu {
	struct vmcb *vmcb;
	struct cpu *cpu;  /* where it is loaded */
	struct cpu *last; /* where it ran last: clean bits are for that processor */
	uint32_t clean;	  /* groups of fields that are as at the last exit */
	bool flush;	  /* this processor may hold old translations for its ASID */
	bool nmi_masked;  /* an NMI's handler runs, without V_NMI */
	bool at_iret;	  /* RIP is at the IRET that will end it */
	uint64_t iret_rip;
	enum svm_step step;
	bool guest_tf;			/* what RFLAGS.TF was before the step */
	uint64_t guest_dr6;		/* likewise DR6 */
	struct event virtual_interrupt; /* in V_IRQ */
	uint32_t exit_length;		/* of the instruction that exited last */
	uint64_t guest_dr[4];		/* while not loaded */
	struct debug_host host_debug;	/* while loaded */
	struct fpu fpu;			/* while not loaded */
};

static inline struct svm_vcpu *svm_of(const struct vcpu *vcpu)
{
	return vcpu->arch;
}

/* Writes a field of the VMCB; name without VMCB_. Its group is not clean any more. */
#define svm_set(arch, name, value)                                                                 \
	(vmcb_set((arch)->vmcb, VMCB_##name, (value)),                                             \
	 (void)((arch)->clean &= ~(uint32_t)BIT(VMCB_##name##_GROUP)))
#define svm_get(arch, name) vmcb_get((arch)->vmcb, VMCB_##name)

/* caps.c */
bool svm_offered(void); /* by CPUID */
uint64_t svm_probe(struct facts *facts, const char **why, const char **advice);
bool svm_caps_are_the_same(void); /* on this processor as on the first */
const char *svm_capability_text(enum capability capability);

/* cpu.c */
enum status svm_cpu_on(struct cpu *cpu);
void svm_cpu_off(struct cpu *cpu);

/* npt.c */
enum status svm_vm_create(struct vm *vm);
void svm_vm_destroy(struct vm *vm);
enum status svm_map(struct vm *vm, uint64_t gpa, uint64_t physical_address, size_t pages);

/* vcpu.c */
enum status svm_vcpu_create(struct vcpu *vcpu);
void svm_vcpu_destroy(struct vcpu *vcpu);
enum status svm_load(struct cpu *cpu, struct vcpu *vcpu);
void svm_unload(struct cpu *cpu, struct vcpu *vcpu);
void svm_intercept(struct svm_vcpu *arch, unsigned code, bool on);

/* state.c */
void svm_state_get(struct vcpu *vcpu, struct regs *regs);
void svm_state_set(struct vcpu *vcpu, const struct regs *regs);
uint32_t svm_interruptibility(struct vcpu *vcpu);
void svm_set_nmi_mask(struct svm_vcpu *arch, bool masked);

/* run.c, exit.c */
void svm_run(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit);
void svm_decode_exit(struct vcpu *vcpu, struct vm_exit *exit); /* raw_reason is set */

/* events.c */
void svm_prepare_events(struct vcpu *vcpu, const struct entry *entry);
void svm_take_back_events(struct vcpu *vcpu, struct vm_exit *exit);

/* fields.c */
enum status svm_field_get(struct vcpu *vcpu, uint32_t encoding, uint64_t *value);
enum status svm_field_set(struct vcpu *vcpu, uint32_t encoding, uint64_t value);
bool svm_field(unsigned row, struct field *field);

/* entry.S: GIF is 0 and stays so; gpr in ModRM order, RAX and RSP are in the VMCB. With interrupts
 * on, a physical one ends the guest, whatever its own IF is. */
void svm_enter(uint64_t *gpr, uint64_t vmcb, uint64_t host);

#endif
