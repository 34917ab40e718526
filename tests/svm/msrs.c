/* What CPUID and the MSRs of SVM must be like: APM vol. 2, "SVM Related MSRs", "Enabling SVM". */
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "svm/svm.h"
#include "tests/svm/instructions.h"

#define TSC_RATIO 0xC0000104u
#define IGNNE 0xC0010115u
#define SVM_KEY 0xC0010118u
#define DOORBELL 0xC001011Bu
#define TSC_RATIO_RESET BIT(32)
#define TSC_RATIO_RESERVED (~0ull << 40)
#define VM_CR_RESERVED (~0ull << 5)

/* A write that must raise #GP; one that is accepted is put back. */
static void refused(struct svm_stage *stage, const char *rule, uint32_t msr, uint64_t value,
		    uint64_t before)
{
	const enum status status = wrmsr_try(msr, value);
	uint64_t after = 0;

	ledger_check(&stage->ledger, rule, status == STATUS_FAULT, "#GP", "no exception",
		     "WRMSR %XH of %llXH", (unsigned)msr, (unsigned long long)value);
	if (status == STATUS_OK)
		(void)!wrmsr_try(msr, before);
	else if (rdmsr_try(msr, &after) == STATUS_OK)
		svm_check_number(stage, rule, before, after, "MSR %XH afterwards", (unsigned)msr);
}

static void refused_bits(struct svm_stage *stage, const char *rule, uint32_t msr, uint64_t bits,
			 uint64_t before)
{
	for (; bits; bits &= bits - 1)
		refused(stage, rule, msr, before | (bits & -bits), before);
}

static void implies(struct svm_stage *stage, bool when, bool then, const char *text)
{
	svm_check_number(stage, "cpuid.svm", true, !when || then, "%s", text);
}

static void cpuid_checks(struct svm_stage *stage)
{
	const struct cpuid leaf = cpuid_or_zero(0x8000000A, 0);

	implies(stage, true, cpuid_or_zero(0x80000001, 0).ecx & CPUID_80000001_ECX_SVM,
		"8000_0001H ECX[2]");
	implies(stage, true, leaf.eax & 0xFF, "8000_000AH EAX[7:0] is 1 or more");
	implies(stage, true, leaf.ebx >= 2, "8000_000AH EBX is 2 or more");
	implies(stage, svm_has(SVM_PAUSE_FILTER_THRESHOLD), svm_has(SVM_PAUSE_FILTER),
		"the PAUSE filter's threshold asks for the filter");
	implies(stage, svm_has(SVM_X2AVIC), svm_has(SVM_AVIC), "x2AVIC asks for AVIC");
}

static void svme(struct svm_stage *stage)
{
	const uint64_t efer = rdmsr(IA32_EFER), off = efer & ~(uint64_t)EFER_SVME;

	wrmsr(IA32_EFER, off);
	svm_check_number(stage, "efer.svme", off, rdmsr(IA32_EFER), "EFER, SVME cleared");
	wrmsr(IA32_EFER, efer);
	svm_check_number(stage, "efer.svme", efer, rdmsr(IA32_EFER), "EFER, SVME set again");
}

/* SVMDIS while SVME is 0, and back. */
static void svmdis(struct svm_stage *stage, uint64_t vm_cr)
{
	static const char rule[] = "vm_cr.svmdis.efer";
	const uint64_t efer = rdmsr(IA32_EFER), off = efer & ~(uint64_t)EFER_SVME;
	uint64_t now = 0;

	wrmsr(IA32_EFER, off);
	if (wrmsr_try(AMD_VM_CR, vm_cr | VM_CR_SVMDIS) == STATUS_OK &&
	    rdmsr_try(AMD_VM_CR, &now) == STATUS_OK) {
		svm_check_number(stage, rule, VM_CR_SVMDIS, now & VM_CR_SVMDIS, "VM_CR.SVMDIS set");
		refused(stage, rule, IA32_EFER, efer, off);
		svm_check_number(stage, rule, CPUID_80000001_ECX_SVM,
				 cpuid_or_zero(0x80000001, 0).ecx & CPUID_80000001_ECX_SVM,
				 "CPUID with SVMDIS");
	} else {
		ledger_check(&stage->ledger, rule, false, "no exception", "#GP",
			     "VM_CR.SVMDIS, set while SVME is 0");
	}
	(void)!wrmsr_try(AMD_VM_CR, vm_cr);
	svm_check_number(stage, rule, STATUS_OK, wrmsr_try(IA32_EFER, efer),
			 "SVME after SVMDIS has been cleared");
}

static void vm_cr_checks(struct svm_stage *stage)
{
	uint64_t vm_cr, after = 0;

	if (rdmsr_try(AMD_VM_CR, &vm_cr) != STATUS_OK) {
		svm_note(stage, "no VM_CR");
		return;
	}
	refused_bits(stage, "vm_cr.reserved", AMD_VM_CR, VM_CR_RESERVED, vm_cr);
	refused(stage, "vm_cr.svmdis", AMD_VM_CR, vm_cr | VM_CR_SVMDIS, vm_cr);
	if (!(vm_cr & VM_CR_LOCK))
		svmdis(stage, vm_cr);
	(void)!wrmsr_try(AMD_VM_CR, vm_cr ^ VM_CR_R_INIT);
	(void)!rdmsr_try(AMD_VM_CR, &after);
	svm_check_number(stage, "vm_cr.bits", (vm_cr ^ VM_CR_R_INIT) & VM_CR_R_INIT,
			 after & VM_CR_R_INIT, "VM_CR.R_INIT, flipped");
	(void)!wrmsr_try(AMD_VM_CR, vm_cr);
}

static void hsave_reads_back(struct svm_stage *stage, enum svm_page page)
{
	const uint64_t address = svm_page(&stage->seat->ground, page);
	const uint64_t efer = rdmsr(IA32_EFER);

	for (unsigned svme_on = 0; svme_on < 2; svme_on++) {
		uint64_t got = 0;

		wrmsr(IA32_EFER, svme_on ? efer : efer & ~(uint64_t)EFER_SVME);
		svm_check_number(stage, "hsave.readback", STATUS_OK,
				 wrmsr_try(AMD_VM_HSAVE_PA, address), "WRMSR, SVME %u", svme_on);
		(void)!rdmsr_try(AMD_VM_HSAVE_PA, &got);
		svm_check_number(stage, "hsave.readback", address, got, "RDMSR, SVME %u", svme_on);
	}
}

static void hsave_checks(struct svm_stage *stage)
{
	const uint64_t own = rdmsr(AMD_VM_HSAVE_PA);
	const uint64_t beyond = ~(BIT(stage->seat->ground.machine.physical_bits) - 1);

	refused_bits(stage, "hsave.align", AMD_VM_HSAVE_PA, PAGE_MASK, own);
	refused_bits(stage, "hsave.width", AMD_VM_HSAVE_PA, beyond, own);
	hsave_reads_back(stage, PAGE_STACK);
	hsave_reads_back(stage, PAGE_EMPTY);
	wrmsr(AMD_VM_HSAVE_PA, own);
}

static void other_msrs(struct svm_stage *stage)
{
	uint64_t value;

	if (svm_has(SVM_TSC_RATIO) && rdmsr_try(TSC_RATIO, &value) == STATUS_OK) {
		svm_check_number(stage, "tsc_ratio.reserved", TSC_RATIO_RESET, value,
				 "TSC_RATIO as found");
		refused_bits(stage, "tsc_ratio.reserved", TSC_RATIO, TSC_RATIO_RESERVED, value);
	}
	if (svm_has(SVM_LOCK) && rdmsr_try(SVM_KEY, &value) == STATUS_OK)
		svm_check_number(stage, "svm_key", 0, value, "SVM_KEY");
	if (rdmsr_try(IGNNE, &value) == STATUS_OK)
		refused_bits(stage, "ignne.reserved", IGNNE, ~1ull, value);
	if (svm_has(SVM_AVIC))
		svm_check_number(stage, "doorbell.read", STATUS_FAULT, rdmsr_try(DOORBELL, &value),
				 "RDMSR of the doorbell");
}

void svm_capability_checks(struct svm_stage *stage)
{
	cpuid_checks(stage);
	svme(stage);
	vm_cr_checks(stage);
	hsave_checks(stage);
	other_msrs(stage);
}
