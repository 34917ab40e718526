#include "svm/probe.h"

#include "x86/insn.h"
#include "x86/msr.h"

#include "svm/insn.h"
#include "svm/svm.h"

enum {
	INTERRUPTS_MAX = 8, /* that end one entry before it counts as one that entered */
	USED = 0x700,	    /* bytes of the VMCB with fields: APM vol. 2, "VMCB Layout" */
};
#define STALE 0xA5A5A5A5A5A5A5A5ull /* what no exit writes */
#define INVALID_LOW 0xFFFFFFFFull

struct host_registers {
	uint64_t cr0, cr3, cr4, efer;
};

void svm_probe_write(struct svm_probe *probe, unsigned at, uint64_t value)
{
	probe->now.value[at] = value;
	if (at < SVM_FIELDS)
		vmcb_set(probe->image, svm_encoding(at), value);
	else if (at != AT_U_CET)
		probe->pdpes[at - AT_PDPE_0] = value;
	else if (probe->has_u_cet)
		(void)!wrmsr_try(IA32_U_CET, value);
}

static void spoil(struct vmcb *vmcb)
{
	vmcb_set(vmcb, VMCB_EXITCODE, STALE);
	vmcb_set(vmcb, VMCB_EXITINFO1, STALE);
	vmcb_set(vmcb, VMCB_EXITINFO2, STALE);
	vmcb_set(vmcb, VMCB_EXITINTINFO, STALE);
	vmcb_set(vmcb, VMCB_NRIP, STALE);
}

/* An emulator that writes 32 bits of the code has refused the state all the same: the width is a
 * rule of its own. */
static void read_result(const struct vmcb *vmcb, uint32_t way, struct svm_probe_result *result)
{
	result->code = vmcb_get(vmcb, VMCB_EXITCODE);
	if (way) {
		result->kind = SVM_PROBE_FAULTED;
		result->code = way - VMRUN_RAISED;
	} else if (result->code == SVM_EXIT_INVALID || result->code == INVALID_LOW) {
		result->kind = SVM_PROBE_INVALID;
	} else {
		result->kind = result->code == STALE ? SVM_PROBE_STALE : SVM_PROBE_ENTERED;
	}
}

/* The interrupt is still pending: it is taken now, by its handler. An NMI was, at STGI. */
static bool was_interrupted(const struct svm_probe_result *result)
{
	if (result->kind != SVM_PROBE_ENTERED)
		return false;
	if (result->code == SVM_EXIT_INTR)
		interrupts_take();
	return result->code == SVM_EXIT_INTR || result->code == SVM_EXIT_NMI;
}

static struct host_registers read_host(void)
{
	return (struct host_registers){ read_cr0(), read_cr3(), read_cr4(), rdmsr(IA32_EFER) };
}

/* APM vol. 2, "#VMEXIT": these come back from the host save area. If not, we put them back. */
static void compare_host(const struct host_registers *before, struct svm_probe_result *result)
{
	const struct host_registers after = read_host();
	enum svm_host_register lost;

	if (after.cr0 != before->cr0)
		lost = HOST_CR0;
	else if (after.cr3 != before->cr3)
		lost = HOST_CR3;
	else if (after.cr4 != before->cr4)
		lost = HOST_CR4;
	else if (after.efer != before->efer)
		lost = HOST_EFER;
	else
		return;
	write_cr4(before->cr4);
	write_cr3(before->cr3);
	write_cr0(before->cr0);
	wrmsr(IA32_EFER, before->efer);
	*result = (struct svm_probe_result){ SVM_PROBE_LOST, lost };
}

static bool run_once(struct svm_probe *probe, struct svm_probe_result *result)
{
	const uint64_t dr6 = read_dr6(), dr7 = read_dr7(), cr2 = read_cr2();
	const struct host_registers host = read_host();
	uint32_t way;

	__builtin_memcpy(probe->vmcb->byte, probe->image->byte, USED);
	spoil(probe->vmcb);
	svm_clgi();
	way = svm_probe_enter(svm_physical(probe->vmcb));
	svm_stgi();
	write_cr2(cr2);
	if (read_dr7() != dr7)
		write_dr7(dr7);
	if (read_dr6() != dr6)
		write_dr6(dr6);
	read_result(probe->vmcb, way, result);
	compare_host(&host, result);
	return !was_interrupted(result);
}

void svm_probe_run(struct svm_probe *probe, struct svm_probe_result *result)
{
	const uint64_t event = probe->now.value[AT_EVENTINJ] & (SVM_EVENT_VALID | SVM_EVENT_TYPE);

	for (unsigned i = 0; i < INTERRUPTS_MAX && !run_once(probe, result); i++)
		;
	if (event == (SVM_EVENT_VALID | SVM_EVENT_NMI))
		svm_probe_unblock();
}

void svm_probe_open(struct svm_probe *probe, struct vmcb *vmcb, struct vmcb *image, uint64_t *pdpes)
{
	*probe = (struct svm_probe){ .vmcb = vmcb, .image = image, .pdpes = pdpes };
	probe->has_u_cet = rdmsr_try(IA32_U_CET, &probe->u_cet) == STATUS_OK;
	probe->now.value[AT_U_CET] = probe->u_cet;
}

void svm_probe_close(struct svm_probe *probe)
{
	svm_probe_set(probe, AT_U_CET, probe->u_cet);
}
