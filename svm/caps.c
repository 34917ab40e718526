#include "lib/text.h"
#include "suite/facts.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "svm/insn.h"
#include "svm/quirks.h"
#include "svm/svm.h"

enum {
	LEAF_EXTENDED = 0x80000001,
	LEAF_WIDTHS = 0x80000008,
	LEAF_SVM = 0x8000000A,
	LEAF_ENCRYPTION = 0x8000001F,
	FEATURES_EBX_INVPCID = 1 << 10, /* leaf 7 */
	C_BIT_POSITION = 0x3F,		/* leaf 8000001FH EBX */
	ENTRY_LARGE = 1 << 7,
};

struct svm_caps svm_caps;

static const char *const capability_texts[CAP_COUNT] = {
	[CAP_VIRTUALIZATION] = "SVM",
	[CAP_VMX] = "Intel VMX",
	[CAP_SVM] = "AMD SVM",
	[CAP_NESTED_PAGING] = "nested paging",
	[CAP_UNRESTRICTED_GUEST] = "unpaged guests",
	[CAP_PREEMPTION] = "local APIC timer",
	[CAP_APIC_REGISTERS] = "APIC-register virtualization",
	[CAP_VIRTUAL_INTERRUPTS] = "virtual-interrupt delivery",
	[CAP_POSTED_INTERRUPTS] = "posted interrupts",
	[CAP_WAIT_SIPI] = "wait-for-SIPI activity state",
	[CAP_XSAVE] = "XSAVE",
	[CAP_AVX] = "AVX",
	[CAP_LONG_MODE] = "64-bit guests",
	[CAP_TSC_DEADLINE] = "TSC-deadline timer",
};

const char *svm_capability_text(enum capability capability)
{
	return capability_texts[capability];
}

static const struct {
	uint8_t bit;
	const char *text;
} features[] = {
#define FEATURE(name, bit, text) { bit, text },
#include "svm/features.def"
#undef FEATURE
};

static void add_facts(struct facts *facts)
{
	char text[FACT_TEXT] = "";
	size_t used = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(features); i++)
		if (svm_has(features[i].bit) && used < sizeof(text))
			used += text_format(text + used, sizeof(text) - used, "%s%s",
					    used ? ", " : "", features[i].text);
	facts_add(facts, "svm revision", "%u, %u ASIDs", (unsigned)svm_caps.revision,
		  (unsigned)svm_caps.asids);
	facts_add(facts, "svm features", "%08x: %s", (unsigned)svm_caps.features,
		  used ? text : "none");
	if (svm_caps.encrypted)
		facts_add(facts, "svm memory encryption", "C-bit %llx",
			  (unsigned long long)svm_caps.encrypted);
}

/* The entry of the processor's own page tables that maps an address. */
static uint64_t host_entry(uint64_t address)
{
	unsigned shift = read_cr4() & CR4_LA57 ? 48 : 39;
	uint64_t entry = read_cr3();

	for (;; shift -= 9) {
		const uint64_t *table = (const uint64_t *)(uintptr_t)(entry & 0x000FFFFFFFFFF000 &
								      ~svm_caps.encrypted);

		entry = table[address >> shift & 511];
		if (shift == 12 || (shift <= 30 && entry & ENTRY_LARGE))
			return entry;
	}
}

/* The C-bit is for page tables; it is in use for our memory if the firmware maps it so. */
static uint64_t c_bit_in_use(void)
{
	const struct cpuid leaf = cpuid_or_zero(LEAF_ENCRYPTION, 0);
	uint64_t value, bit = BIT(leaf.ebx & C_BIT_POSITION);

	if (!(leaf.eax & 1) || rdmsr_try(AMD_SYSCFG, &value) != STATUS_OK ||
	    !(value & SYSCFG_MEMORY_ENCRYPTION))
		return 0;
	svm_caps.encrypted = bit; /* host_entry masks it out of addresses */
	return host_entry(physical(platform->arena)) & bit;
}

static void read_caps(struct svm_caps *caps)
{
	const struct cpuid leaf = cpuid_or_zero(LEAF_SVM, 0);

	caps->revision = leaf.eax & 0xFF;
	caps->asids = leaf.ebx;
	caps->features = leaf.edx;
	caps->extended_features = cpuid_or_zero(LEAF_WIDTHS, 0).ebx;
	caps->invpcid = cpuid_or_zero(7, 0).ebx & FEATURES_EBX_INVPCID;
}

bool svm_caps_are_the_same(void)
{
	struct svm_caps here = svm_caps;

	read_caps(&here);
	return here.revision == svm_caps.revision && here.asids == svm_caps.asids &&
	       here.features == svm_caps.features;
}

static uint64_t capabilities(void)
{
	const uint32_t processor = cpuid(1, 0).ecx;
	uint64_t found = BIT(CAP_VIRTUALIZATION) | BIT(CAP_SVM) | BIT(CAP_LONG_MODE);

	if (svm_has(SVM_NESTED_PAGING))
		found |= BIT(CAP_NESTED_PAGING) | BIT(CAP_UNRESTRICTED_GUEST);
	if (platform->timer && (!svm_quirk_is_here(QUIRK_INTR_WAITS) || platform->cpu_count > 1))
		found |= BIT(CAP_PREEMPTION);
	if (processor & CPUID_1_ECX_TSC_DEADLINE)
		found |= BIT(CAP_TSC_DEADLINE);
	if (processor & CPUID_1_ECX_XSAVE) {
		found |= BIT(CAP_XSAVE);
		if (processor & CPUID_1_ECX_AVX)
			found |= BIT(CAP_AVX);
		svm_caps.xcr0 = cpuid(0xD, 0).eax & 7;
	}
	return found;
}

/* Needs SVM on for a moment. If that fails, machine_enter says so soon. */
static void measure_quirks(void)
{
	struct cpu *cpu = &platform->cpus[0];

	if (!platform->timer || !svm_has(SVM_NESTED_PAGING) || svm_cpu_on(cpu) != STATUS_OK)
		return;
	svm_measure_quirks(cpu);
	svm_cpu_off(cpu);
}

bool svm_offered(void)
{
	return cpuid_or_zero(LEAF_EXTENDED, 0).ecx & CPUID_80000001_ECX_SVM;
}

uint64_t svm_probe(struct facts *facts, const char **why, const char **advice)
{
	if (!svm_offered()) {
		*why = "this processor does not offer SVM (CPUID.80000001H:ECX.SVM is 0)";
		*advice = "On real hardware, look for SVM Mode or AMD-V in the firmware's setup.";
		return 0;
	}
	/* A hypervisor may leave VM_CR out. */
	if (rdmsr_try(AMD_VM_CR, &svm_caps.vm_cr) == STATUS_OK)
		facts_add(facts, "svm vm_cr", "%llx: SVM %s, %s",
			  (unsigned long long)svm_caps.vm_cr,
			  svm_caps.vm_cr & VM_CR_SVMDIS ? "disabled" : "enabled",
			  svm_caps.vm_cr & VM_CR_LOCK ? "locked" : "not locked");
	if (svm_caps.vm_cr & VM_CR_SVMDIS && svm_caps.vm_cr & VM_CR_LOCK) {
		*why = "the firmware disabled SVM and locked VM_CR (VM_CR.SVMDIS, VM_CR.LOCK)";
		*advice = "Enable SVM Mode or AMD-V in its setup, and switch the machine off once.";
		return 0;
	}
	read_caps(&svm_caps);
	svm_caps.encrypted = c_bit_in_use();
	facts_add_memory_type(facts, rdmsr_try);
	add_facts(facts);
	measure_quirks();
	return capabilities();
}
