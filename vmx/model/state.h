/* All on which the outcome of a VM entry depends: a VMCS and memory, and what the processor is
 * like. */
#ifndef VMX_MODEL_STATE_H
#define VMX_MODEL_STATE_H

#include "lib/base.h"

#include "vmx/vmcs.h"

/*
 * The values that decide, by a dense number: every field of vmcs.def in its order, then memory that
 * an entry reads. The probe writes the former by VMWRITE and the latter to its own pages.
 */
enum model_index {
#define FIELD(name, ...) AT_##name,
#include "vmx/vmcs.def"
#undef FIELD
	MODEL_FIELDS,
	AT_VTPR = MODEL_FIELDS, /* 32 bits at offset 80H of the virtual-APIC page */
	AT_LINK_REVISION,	/* the first 32 bits at VMCS_LINK_POINTER */
	AT_PDPTE_0,		/* the table at GUEST_CR3 */
	AT_PDPTE_1,
	AT_PDPTE_2,
	AT_PDPTE_3,
	AT_MSR_LOAD_POSITION, /* number, from 1, of the entry that the next two are; 0: none */
	AT_MSR_LOAD_INDEX,    /* bits 63:0 of that entry; all others load IA32_KERNEL_GS_BASE */
	AT_MSR_LOAD_VALUE,
	MODEL_VALUES
};

struct model_state {
	uint64_t value[MODEL_VALUES];
};

/* What a processor is like, beside its capability MSRs. */
struct model_machine {
	uint64_t basic, misc, ept_vpid, vm_functions;
	uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	uint64_t controls[GROUP_COUNT];	     /* bits that must be 1 below, that may be 1 above */
	uint64_t tertiary, exit2;	     /* all 64 bits that may be 1 */
	unsigned physical_bits, linear_bits; /* CPUID.80000008H */
	uint64_t vmxon, current;	     /* physical addresses */
	uint32_t revision;		     /* of a VMCS region */
	/* Bits of MSRs that WRMSR takes. */
	uint64_t efer, perf_global, debugctl, rtit_ctl, lbr_ctl, spec_ctrl;
	/* By CPUID, which may hide them. */
	bool lam, rtm, bus_lock, sgx, shadow_stacks, branch_tracking;
	bool tracing; /* IA32_RTIT_CTL.TraceEn */
	/* True if WRMSR in VMX root operation refuses the value. */
	bool (*msr_refuses)(uint32_t msr, uint64_t value);
};

/* The width of a value: all bits that it can hold. */
extern const uint64_t model_masks[MODEL_VALUES];

static inline uint64_t model_mask(enum model_index index)
{
	return model_masks[index];
}

/* The name of a value, for people: a field's or that of the memory. */
const char *model_name(enum model_index index);

#endif
