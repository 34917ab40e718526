#include "lib/text.h"
#include "platform.h"
#include "suite/facts.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "vmx/insn.h"
#include "vmx/vmx.h"

#include <stdatomic.h>

struct vmx_caps vmx_caps;
static struct vmx_caps first_caps; /* the boot processor's */

static const char *const capability_texts[CAP_COUNT] = {
	[CAP_VIRTUALIZATION] = "VMX",
	[CAP_VMX] = "Intel VMX",
	[CAP_SVM] = "AMD SVM",
	[CAP_NESTED_PAGING] = "EPT",
	[CAP_UNRESTRICTED_GUEST] = "unrestricted guest",
	[CAP_PREEMPTION] = "a timer that ends guests",
	[CAP_APIC_REGISTERS] = "APIC-register virtualization",
	[CAP_VIRTUAL_INTERRUPTS] = "virtual-interrupt delivery",
	[CAP_POSTED_INTERRUPTS] = "posted interrupts",
	[CAP_WAIT_SIPI] = "wait-for-SIPI activity state",
	[CAP_XSAVE] = "XSAVE",
	[CAP_AVX] = "AVX",
	[CAP_LONG_MODE] = "64-bit guests",
	[CAP_TSC_DEADLINE] = "TSC-deadline timer",
};

const char *vmx_capability_text(enum capability capability)
{
	return capability_texts[capability];
}

static const char *const group_names[GROUP_COUNT] = {
	[GROUP_PIN] = "vmx pin-based controls",	      [GROUP_PRIMARY] = "vmx primary controls",
	[GROUP_SECONDARY] = "vmx secondary controls", [GROUP_TERTIARY] = "vmx tertiary controls",
	[GROUP_EXIT] = "vmx exit controls",	      [GROUP_EXIT2] = "vmx secondary exit controls",
	[GROUP_ENTRY] = "vmx entry controls",
};

static void add_control_facts(struct facts *facts)
{
	for (unsigned group = 0; group < GROUP_COUNT; group++) {
		char text[FACT_TEXT];
		size_t used = text_format(text, sizeof(text),
					  "%016llx:", (unsigned long long)vmx_caps.controls[group]);
		const char *separator = " ";

		if (!vmx_caps.controls[group] && (group == GROUP_TERTIARY || group == GROUP_EXIT2))
			continue; /* this processor has none of them */
		for (unsigned i = 0; i < control_row_count; i++) {
			const struct control_row *row = &control_rows[i];

			if (row->group != group || !vmx_allows(group, 1u << row->bit))
				continue;
			if (used < sizeof(text))
				used += text_format(text + used, sizeof(text) - used, "%s%s",
						    separator, row->text);
			separator = ", ";
		}
		facts_add(facts, group_names[group], "%s", text);
	}
}

static void add_facts(struct facts *facts)
{
	facts_add(facts, "vmx basic", "%016llx: revision %x, VMCS of %u bytes, %s controls",
		  (unsigned long long)vmx_caps.basic, (unsigned)(vmx_caps.basic & 0x7FFFFFFF),
		  (unsigned)(vmx_caps.basic >> 32 & 0x1FFF),
		  vmx_caps.basic & VMX_BASIC_TRUE_CONTROLS ? "true" : "default");
	add_control_facts(facts);
	facts_add(facts, "vmx misc",
		  "%016llx: timer rate 2^%u, activity states%s%s%s, %u CR3 targets",
		  (unsigned long long)vmx_caps.misc, (unsigned)(vmx_caps.misc & 0x1F),
		  vmx_caps.misc & BIT(6) ? " HLT" : "", vmx_caps.misc & BIT(7) ? " shutdown" : "",
		  vmx_caps.misc & VMX_MISC_WAIT_SIPI ? " wait-for-SIPI" : "",
		  (unsigned)(vmx_caps.misc >> 16 & 0x1FF));
	facts_add(facts, "vmx ept vpid", "%016llx:%s%s%s%s%s",
		  (unsigned long long)vmx_caps.ept_vpid,
		  vmx_caps.ept_vpid & EPT_CAP_WALK_4 ? " 4-level walk," : "",
		  vmx_caps.ept_vpid & EPT_CAP_WB ? " write-back," : "",
		  vmx_caps.ept_vpid & EPT_CAP_2_MIB ? " 2 MiB pages," : "",
		  vmx_caps.ept_vpid & EPT_CAP_INVEPT ? " INVEPT," : "",
		  vmx_caps.ept_vpid & VPID_CAP_INVVPID ? " INVVPID" : "");
	facts_add(facts, "vmx cr0 fixed", "%llx to %llx", (unsigned long long)vmx_caps.cr0_fixed0,
		  (unsigned long long)vmx_caps.cr0_fixed1);
	facts_add(facts, "vmx cr4 fixed", "%llx to %llx", (unsigned long long)vmx_caps.cr4_fixed0,
		  (unsigned long long)vmx_caps.cr4_fixed1);
}

static void read_controls(struct vmx_caps *caps)
{
	bool real = caps->basic & VMX_BASIC_TRUE_CONTROLS;
	uint64_t *controls = caps->controls;

	controls[GROUP_PIN] = rdmsr(real ? IA32_VMX_TRUE_PINBASED_CTLS : IA32_VMX_PINBASED_CTLS);
	controls[GROUP_PRIMARY] =
		rdmsr(real ? IA32_VMX_TRUE_PROCBASED_CTLS : IA32_VMX_PROCBASED_CTLS);
	controls[GROUP_EXIT] = rdmsr(real ? IA32_VMX_TRUE_EXIT_CTLS : IA32_VMX_EXIT_CTLS);
	controls[GROUP_ENTRY] = rdmsr(real ? IA32_VMX_TRUE_ENTRY_CTLS : IA32_VMX_ENTRY_CTLS);
	if (controls[GROUP_PRIMARY] >> 32 & CONTROL_MASK(PRIMARY_SECONDARY))
		controls[GROUP_SECONDARY] = rdmsr(IA32_VMX_PROCBASED_CTLS2);
	if (controls[GROUP_SECONDARY] >> 32 &
	    (CONTROL_MASK(SECONDARY_EPT) | CONTROL_MASK(SECONDARY_VPID)))
		caps->ept_vpid = rdmsr(IA32_VMX_EPT_VPID_CAP);
}

static void read_caps(struct vmx_caps *caps)
{
	caps->basic = rdmsr(IA32_VMX_BASIC);
	caps->misc = rdmsr(IA32_VMX_MISC);
	caps->cr0_fixed0 = rdmsr(IA32_VMX_CR0_FIXED0);
	caps->cr0_fixed1 = rdmsr(IA32_VMX_CR0_FIXED1);
	caps->cr4_fixed0 = rdmsr(IA32_VMX_CR4_FIXED0);
	caps->cr4_fixed1 = rdmsr(IA32_VMX_CR4_FIXED1);
	read_controls(caps);
}

/* ---- several processors ---- */

#define BASIC_REGION ((BIT(45) - 1) | 0xFull << 50) /* revision, size, memory type of a VMCS */
#define MISC_RATE 0x1F
#define MISC_TARGETS 0x01FF0000
#define MISC_STATES 0x1E0 /* activity states, and bit 5 */

static uint64_t least_targets(uint64_t a, uint64_t b)
{
	return (a & MISC_TARGETS) < (b & MISC_TARGETS) ? a & MISC_TARGETS : b & MISC_TARGETS;
}

/* Bits that must be 1 anywhere, and may be 1 everywhere. False: there are none such. */
static bool both_controls(uint64_t *all, uint64_t here)
{
	*all = ((*all | here) & 0xFFFFFFFF) | (*all & here & 0xFFFFFFFF00000000);
	return !((uint32_t)*all & ~(uint32_t)(*all >> 32));
}

bool vmx_caps_intersect(struct vmx_caps *all, const struct vmx_caps *here)
{
	bool possible = !((all->basic ^ here->basic) & BASIC_REGION);

	/* Addresses of 32 bits are the one thing there of which less is more. */
	all->basic = (all->basic & here->basic) |
		     ((all->basic | here->basic) & VMX_BASIC_32_BIT_ADDRESSES);
	for (unsigned group = 0; group < GROUP_COUNT; group++)
		if (group == GROUP_TERTIARY || group == GROUP_EXIT2) /* all 64 may be 1 */
			all->controls[group] &= here->controls[group];
		else
			possible = both_controls(&all->controls[group], here->controls[group]) &&
				   possible;
	if ((all->misc ^ here->misc) & MISC_RATE) /* a value means another time there */
		all->controls[GROUP_PIN] &= ~((uint64_t)CONTROL_MASK(PIN_PREEMPTION_TIMER) << 32);
	all->misc = (all->misc & MISC_RATE) | least_targets(all->misc, here->misc) |
		    (all->misc & here->misc & ~(uint64_t)(MISC_RATE | MISC_TARGETS));
	all->ept_vpid &= here->ept_vpid;
	all->cr0_fixed0 |= here->cr0_fixed0;
	all->cr0_fixed1 &= here->cr0_fixed1;
	all->cr4_fixed0 |= here->cr4_fixed0;
	all->cr4_fixed1 &= here->cr4_fixed1;
	all->xcr0 &= here->xcr0;
	return possible;
}

static uint64_t own_xcr0(void)
{
	return cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE ? cpuid(0xD, 0).eax & 7 : 0;
}

static atomic_flag merging = ATOMIC_FLAG_INIT;
static unsigned different; /* processors */

bool vmx_caps_join(struct vmx_caps *here, bool first)
{
	struct vmx_caps all;
	bool possible;

	*here = (struct vmx_caps){ .xcr0 = own_xcr0() };
	read_caps(here);
	while (atomic_flag_test_and_set(&merging))
		cpu_relax();
	different += !first && __builtin_memcmp(here, &first_caps, sizeof(*here));
	all = vmx_caps;
	possible = vmx_caps_intersect(&all, here);
	if (possible)
		vmx_caps = all;
	atomic_flag_clear(&merging);
	return possible;
}

static uint64_t processor_capabilities(void)
{
	uint64_t found = 0;
	uint32_t features = cpuid(1, 0).ecx;

	if (features & CPUID_1_ECX_TSC_DEADLINE)
		found |= BIT(CAP_TSC_DEADLINE);
	if (features & CPUID_1_ECX_XSAVE) {
		found |= BIT(CAP_XSAVE);
		if (features & CPUID_1_ECX_AVX)
			found |= BIT(CAP_AVX);
		vmx_caps.xcr0 = own_xcr0();
	}
	return found;
}

bool vmx_borrows_timer(void)
{
	return platform->apic_timer || !vmx_allows(GROUP_PIN, CONTROL_MASK(PIN_PREEMPTION_TIMER));
}

/* Not beside the local APIC's timer: the entry with no memory that ends a guest's time early would
 * begin to deliver one, and the exit that posting wants acknowledges the timer's interrupt. */
bool vmx_delivers_interrupts(void)
{
	return !vmx_borrows_timer() &&
	       vmx_allows(GROUP_PIN, CONTROL_MASK(PIN_EXTERNAL_INTERRUPT)) &&
	       vmx_allows(GROUP_PRIMARY,
			  CONTROL_MASK(PRIMARY_TPR_SHADOW) | CONTROL_MASK(PRIMARY_MSR_BITMAPS)) &&
	       vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_APIC_ACCESSES) |
						   CONTROL_MASK(SECONDARY_X2APIC) |
						   CONTROL_MASK(SECONDARY_APIC_REGISTERS) |
						   CONTROL_MASK(SECONDARY_INTERRUPT_DELIVERY));
}

bool vmx_posts_interrupts(void)
{
	return vmx_delivers_interrupts() &&
	       vmx_allows(GROUP_PIN, CONTROL_MASK(PIN_POSTED_INTERRUPTS)) &&
	       vmx_allows(GROUP_EXIT, CONTROL_MASK(EXIT_ACKNOWLEDGE));
}

static uint64_t vmx_capabilities(void)
{
	uint64_t found = BIT(CAP_VIRTUALIZATION) | BIT(CAP_VMX);
	const uint32_t apic =
		CONTROL_MASK(SECONDARY_APIC_ACCESSES) | CONTROL_MASK(SECONDARY_APIC_REGISTERS);

	if (vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_EPT)) &&
	    vmx_caps.ept_vpid & EPT_CAP_WALK_4 && vmx_caps.ept_vpid & EPT_CAP_WB)
		found |= BIT(CAP_NESTED_PAGING);
	if (vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_UNRESTRICTED_GUEST)))
		found |= BIT(CAP_UNRESTRICTED_GUEST);
	if (!vmx_borrows_timer())
		found |= BIT(CAP_PREEMPTION);
	if (vmx_allows(GROUP_SECONDARY, apic) &&
	    vmx_allows(GROUP_PRIMARY, CONTROL_MASK(PRIMARY_TPR_SHADOW)))
		found |= BIT(CAP_APIC_REGISTERS);
	if (vmx_delivers_interrupts())
		found |= BIT(CAP_VIRTUAL_INTERRUPTS);
	if (vmx_posts_interrupts())
		found |= BIT(CAP_POSTED_INTERRUPTS);
	if (vmx_caps.misc & VMX_MISC_WAIT_SIPI)
		found |= BIT(CAP_WAIT_SIPI);
	if (vmx_allows(GROUP_ENTRY, CONTROL_MASK(ENTRY_GUEST_64)) &&
	    vmx_allows(GROUP_ENTRY, CONTROL_MASK(ENTRY_LOAD_EFER)))
		found |= BIT(CAP_LONG_MODE);
	return found;
}

static bool is_intel(void)
{
	return cpuid(0, 0).ebx == 0x756E6547; /* "Genu" */
}

static bool hypervisor(void)
{
	return cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR;
}

/* Without these bits there is no VMX operation in 64-bit mode. NULL: they may be set. */
static const char *what_is_fixed(void)
{
	const uint64_t cr0 = CR0_PE | CR0_NE | CR0_PG, cr4 = CR4_PAE | CR4_VMXE;

	if ((vmx_caps.cr0_fixed1 & cr0) != cr0)
		return "IA32_VMX_CR0_FIXED1 does not allow CR0.PE, NE and PG";
	if ((vmx_caps.cr4_fixed1 & cr4) != cr4)
		return "IA32_VMX_CR4_FIXED1 does not allow CR4.PAE and VMXE";
	return NULL;
}

static uint64_t processor; /* capabilities that are not VMX's */

bool vmx_offered(void)
{
	return cpuid(1, 0).ecx & CPUID_1_ECX_VMX;
}

uint64_t vmx_probe(struct facts *facts, const char **why, const char **advice)
{
	uint64_t feature_control;

	if (!vmx_offered()) {
		*why = "this processor offers neither VMX (CPUID.1:ECX.VMX) nor SVM "
		       "(CPUID.80000001H:ECX.SVM)";
		if (hypervisor())
			*advice = "The hypervisor below must offer it: look for nested "
				  "virtualization.";
		else if (is_intel())
			*advice = "On real hardware, look for Virtualization, VT-x or VMX in the "
				  "firmware's setup.";
		else
			*advice = "On real hardware, look for SVM Mode or AMD-V in the firmware's "
				  "setup.";
		return 0;
	}
	if (rdmsr_try(IA32_FEATURE_CONTROL, &feature_control) != STATUS_OK) {
		*why = "IA32_FEATURE_CONTROL cannot be read";
		return 0;
	}
	facts_add(facts, "vmx feature control", "%llx: %s, VMX outside SMX %s",
		  (unsigned long long)feature_control,
		  feature_control & FEATURE_CONTROL_LOCK
			  ? "locked"
			  : "not locked (we lock it, until the next reset)",
		  feature_control & FEATURE_CONTROL_VMX_OUTSIDE_SMX ? "on" : "off");
	if (feature_control & FEATURE_CONTROL_LOCK &&
	    !(feature_control & FEATURE_CONTROL_VMX_OUTSIDE_SMX)) {
		*why = "the firmware locked IA32_FEATURE_CONTROL without VMX";
		*advice =
			hypervisor()
				? "The hypervisor below must offer it: look for nested "
				  "virtualization."
				: "Enable Virtualization, VT-x or VMX in its setup, and switch the "
				  "machine off once.";
		return 0;
	}
	read_caps(&vmx_caps);
	add_facts(facts);
	*why = what_is_fixed();
	if (*why)
		return 0;
	if (vmx_borrows_timer() && platform->timer)
		facts_add(facts, "vmx time slices", "ended by the local APIC's timer");
	facts_add_memory_type(facts, rdmsr_try);
	processor = processor_capabilities();
	first_caps = vmx_caps;
	return vmx_capabilities() | processor;
}

uint64_t vmx_settle(struct facts *facts)
{
	if (different)
		facts_add(facts, "vmx processors",
			  "%u differ from the boot processor: what all have is used", different);
	if (!(vmx_caps.xcr0 & 4))
		processor &= ~BIT(CAP_AVX);
	if (!vmx_caps.xcr0)
		processor &= ~BIT(CAP_XSAVE);
	return vmx_capabilities() | processor;
}
