#include "svm/measure.h"

#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "svm/svm.h"

enum { EAX, EBX, ECX, EDX };

/* Which bit of CPUID grants which bit of a register. */
struct grant {
	uint32_t leaf;
	uint8_t subleaf, word, bit, grants;
};

/* APM vol. 2, "CR4 Register"; those of other vendors, too, that an emulator may mix in. */
static const struct grant cr4_grants[] = {
	{ 7, 0, ECX, 2, 11 },  /* UMIP */
	{ 7, 0, ECX, 16, 12 }, /* LA57 */
	{ 1, 0, ECX, 5, 13 },  /* VMXE */
	{ 1, 0, ECX, 6, 14 },  /* SMXE */
	{ 7, 0, EBX, 0, 16 },  /* FSGSBASE */
	{ 1, 0, ECX, 17, 17 }, /* PCIDE */
	{ 1, 0, ECX, 26, 18 }, /* OSXSAVE */
	{ 7, 0, ECX, 23, 19 }, /* KL */
	{ 7, 0, EBX, 7, 20 },  /* SMEP */
	{ 7, 0, EBX, 20, 21 }, /* SMAP */
	{ 7, 0, ECX, 3, 22 },  /* PKE */
	{ 7, 0, ECX, 7, 23 },  /* CET: shadow stacks */
	{ 7, 0, ECX, 31, 24 }, /* PKS */
	{ 7, 0, EDX, 5, 25 },  /* UINTR */
	{ 7, 1, EAX, 6, 27 },  /* LASS */
	{ 7, 1, EAX, 26, 28 }, /* LAM */
	{ 7, 1, EAX, 17, 32 }, /* FRED */
};

/* APM vol. 2, "Extended Feature Enable Register (EFER)". LMSLE is not among them: processors may
 * lack it and have the flag that says so, too, in no edition's words. */
static const struct grant efer_grants[] = {
	{ 0x80000001, 0, EDX, 25, 14 }, /* FFXSR */
	{ 0x80000001, 0, ECX, 17, 15 }, /* TCE */
	{ 0x80000008, 0, EBX, 8, 17 },	/* MCOMMIT */
	{ 0x80000008, 0, EBX, 13, 18 }, /* INTWB */
	{ 0x80000021, 0, EAX, 7, 20 },	/* UAIE */
	{ 0x80000021, 0, EAX, 8, 21 },	/* AIBRSE */
};

static bool is_granted(const struct grant *grant)
{
	const struct cpuid leaf = cpuid_or_zero(grant->leaf, grant->subleaf);
	const uint32_t words[] = { leaf.eax, leaf.ebx, leaf.ecx, leaf.edx };

	/* Leaf 7 says how many subleaves there are. */
	if (grant->subleaf > cpuid_or_zero(grant->leaf, 0).eax)
		return false;
	return words[grant->word] >> grant->bit & 1;
}

static uint64_t granted(const struct grant *grants, unsigned count)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < count; i++)
		if (is_granted(&grants[i]))
			bits |= BIT(grants[i].grants);
	return bits;
}

void svm_measure(struct svm_machine *machine)
{
	const struct cpuid widths = cpuid_or_zero(0x80000008, 0);
	const struct cpuid encryption = cpuid_or_zero(0x8000001F, 0);

	*machine = (struct svm_machine){
		.features = svm_caps.features,
		.asids = svm_caps.asids,
		.physical_bits = widths.eax & 0xFF,
		.linear_bits = widths.eax >> 8 & 0xFF,
		.cr4 = granted(cr4_grants, ARRAY_SIZE(cr4_grants)),
		.efer = granted(efer_grants, ARRAY_SIZE(efer_grants)),
		.deep = read_cr4() & CR4_LA57,
		.sev = encryption.eax >> 1 & 1,
		.sev_es = encryption.eax >> 3 & 1,
		.sev_snp = encryption.eax >> 4 & 1,
	};
	machine->cet = machine->cr4 & CR4_CET;
	if (!(encryption.eax & 3) || rdmsr_try(AMD_SYSCFG, &machine->syscfg) != STATUS_OK)
		machine->syscfg = 0;
	if (machine->syscfg & SYSCFG_MEMORY_ENCRYPTION)
		machine->physical_bits -= encryption.ebx >> 6 & 0x3F;
}
