/* The VMX backend. Outside of this folder only vmx_backend is of interest. */
#ifndef VMX_VMX_H
#define VMX_VMX_H

#include "backend.h"
#include "lib/base.h"
#include "lib/nested.h"
#include "vm/cpu.h"
#include "vm/vcpu.h"
#include "vm/vm.h"
#include "x86/debug.h"
#include "x86/fpu.h"

#include "vmx/posted.h"
#include "vmx/vmcs.h"

extern const struct backend vmx_backend;

/* What this processor allows; read once, on the boot processor, which must be like the others. */
struct vmx_caps {
	uint64_t basic, misc, ept_vpid;
	uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	uint64_t
		controls[GROUP_COUNT]; /* as the capability MSRs: may be 1 above, must be 1 below */
	uint64_t xcr0;		       /* components that guests may have */
};

extern struct vmx_caps vmx_caps;

/* What the backend keeps for a processor: its VMXON region and what cpu_off puts back. */
struct vmx_cpu {
	void *vmxon_region;
	uint64_t cr0, cr4, xcr0;
	bool on;
	bool smi_sticks; /* QUIRK_SMI_BLOCKING was met here */
};

struct vmx_vm {
	struct nested ept;
	uint64_t eptp;
	void *empty; /* tables of nothing, if the local APIC's timer ends guests' time; else NULL */
	uint64_t empty_eptp;
	void *apic_access_page; /* NULL: not used */
	bool posts;		/* interrupts to vCPUs that run; they are delivered as below */
	uint8_t *msr_bitmap;	/* for virtual-interrupt delivery in x2APIC mode; NULL: not used */
};

struct vmx_vcpu {
	uint64_t host_rsp; /* first: entry.S keeps HOST_RSP here to write it only when it changes */
	void *vmcs;
	struct cpu *cpu;	/* where it is loaded */
	struct cpu *host_state; /* the processor that the host-state fields are for */
	bool launched;
	/* Of this processor and its NMI handler: an entry is on its way, and it will find nothing.
	 */
	volatile bool entering, enters_nothing;
	uint64_t rflags;      /* of the guest, before an entry that finds nothing */
	bool rsp_in_gpr;      /* regs.gpr[RSP] holds it and must be written back */
	uint32_t exit_length; /* of the instruction that exited last */
	uint32_t primary, secondary, entry, pin, exit; /* as written to the VMCS */
	uint32_t tpr_threshold;
	uint16_t interrupt_status; /* as in the VMCS */
	uint64_t eoi_exits[4];	   /* likewise, the EOI-exit bitmap */
	struct vmx_posted posted;
	uint16_t foreign; /* vectors F0H to FFH that came meanwhile and are not ours */
	uint64_t guest_dr[4], guest_dr6, guest_cr2; /* while not loaded */
	struct debug_host host_debug;		    /* while loaded */
	struct fpu fpu;				    /* while not loaded */
};

static inline struct vmx_vcpu *vmx_of(const struct vcpu *vcpu)
{
	return vcpu->arch;
}

/* True if the control may be 1 on this processor. */
static inline bool vmx_allows(enum control_group group, uint32_t mask)
{
	return (vmx_caps.controls[group] >> 32 & mask) == mask;
}

/* The value for a control field: wanted bits that are allowed, and those that must be 1. */
static inline uint32_t vmx_adjust(enum control_group group, uint32_t wanted)
{
	uint64_t allowed = vmx_caps.controls[group];

	return (wanted | (uint32_t)allowed) & (uint32_t)(allowed >> 32);
}

/* caps.c */
bool vmx_offered(void); /* by CPUID */
uint64_t vmx_probe(struct facts *facts, const char **why, const char **advice);
/*
 * Each processor, when it is switched on: vmx_caps are from then on what this one has, too. *here:
 * its own. False: no VMCS can be for both. vmx_caps_intersect is the same without processors.
 */
bool vmx_caps_join(struct vmx_caps *here, bool first);
bool vmx_caps_intersect(struct vmx_caps *all, const struct vmx_caps *here);
uint64_t vmx_settle(struct facts *facts);
/* There is no VMX-preemption timer, or guests are not to use it: their time is ended by the local
 * APIC's; vmx_probe and vmx_settle do not say CAP_PREEMPTION then. */
bool vmx_borrows_timer(void);
const char *vmx_capability_text(enum capability capability);
/* Virtual-interrupt delivery, in xAPIC and x2APIC mode, with all that it needs. */
bool vmx_delivers_interrupts(void);
bool vmx_posts_interrupts(void); /* ... and those that are posted */

/* cpu.c */
enum status vmx_cpu_on(struct cpu *cpu);
void vmx_cpu_off(struct cpu *cpu);

/* VMXONs before IA32_FEATURE_CONTROL was locked, which is once a processor, and what is wrong:
 * those that raised no exception. */
extern _Atomic unsigned vmx_early_vmxons, vmx_early_vmxons_accepted;

/* ept.c */
enum status vmx_vm_create(struct vm *vm);
void vmx_vm_destroy(struct vm *vm);
enum status vmx_map(struct vm *vm, uint64_t gpa, uint64_t physical_address, size_t pages);
void vmx_flush(struct vm *vm);

/* vcpu.c */
enum status vmx_vcpu_create(struct vcpu *vcpu);
void vmx_vcpu_destroy(struct vcpu *vcpu);
enum status vmx_load(struct cpu *cpu, struct vcpu *vcpu);
void vmx_unload(struct cpu *cpu, struct vcpu *vcpu);
void vmx_flush_linear(struct vcpu *vcpu); /* its linear addresses, on this processor */
void vmx_apic_mode_changed(struct vcpu *vcpu);
void vmx_xcr0_changed(struct vcpu *vcpu);

/* deliver.c: virtual-interrupt delivery, while vcpu->virtual_interrupts. */
enum status vmx_deliver_create(struct vmx_vm *arch);
void vmx_deliver_begin(struct vcpu *vcpu);
void vmx_deliver_before(struct vcpu *vcpu); /* an entry */
/* Its exit, or failure. False: a notification of posted interrupts has not arrived. */
bool vmx_deliver_after(struct vcpu *vcpu);

/* post.c: posted interrupts, in VMs that want them. */
bool vmx_post(struct vcpu *vcpu, uint8_t vector);
void vmx_post_mode_changed(struct vcpu *vcpu);
void vmx_post_load(const struct vcpu *vcpu);
void vmx_post_unload(const struct cpu *cpu, struct vcpu *vcpu);
void vmx_post_before(struct vcpu *vcpu);
bool vmx_post_after(struct vcpu *vcpu); /* false: a notification has not arrived */
void vmx_post_foreign(struct vcpu *vcpu);

/* state.c */
void vmx_state_get(struct vcpu *vcpu, struct regs *regs);
void vmx_state_set(struct vcpu *vcpu, const struct regs *regs);
void vmx_write_host_state(void);
void vmx_debug_load(struct vmx_vcpu *arch);
void vmx_debug_unload(struct vmx_vcpu *arch);

/* run.c, exit.c */
void vmx_run(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit);
void vmx_abort_entry(struct cpu *cpu);
void vmx_decode_exit(struct vcpu *vcpu, struct vm_exit *exit); /* raw_reason is set */

/* fields.c */
enum status vmx_field_get(struct vcpu *vcpu, uint32_t encoding, uint64_t *value);
enum status vmx_field_set(struct vcpu *vcpu, uint32_t encoding, uint64_t value);
bool vmx_field(unsigned row, struct field *field);

/* entry.S */
uint64_t vmx_enter(uint64_t *gpr, struct vmx_vcpu *arch, bool launched);
extern char vmx_exit_point[];

/* VMREADs and VMWRITEs of fields that must exist, but failed: struct backend. */
unsigned vmx_take_access_failures(const char **last);

#endif
