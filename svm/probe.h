/*
 * VMRUNs to be looked at, not to run a guest: a VMCB of its own on a processor, beside the vCPUs. A
 * caller changes a few values of a state that is known to enter, enters, and sees what the
 * processor makes of it. APM vol. 2, "VMRUN Instruction".
 *
 * Owner: one processor, with EFER.SVME set and a host save area, without a vCPU loaded. A guest
 * that does get in must come back by itself: its first instruction exits, every exception does, and
 * so does an NMI.
 */
#ifndef SVM_PROBE_H
#define SVM_PROBE_H

#include "lib/base.h"

#include "svm/model/state.h"
#include "svm/probe_result.h"

struct svm_probe {
	struct vmcb *vmcb;    /* a page */
	struct vmcb *image;   /* another one: what the VMCB holds before each entry */
	uint64_t *pdpes;      /* four, in memory that AT_PDPE_n is of */
	struct svm_state now; /* what those hold */
	uint64_t u_cet;	      /* the MSR as found */
	bool has_u_cet;
};

/* Both pages and the PDPEs are zeros. */
void svm_probe_open(struct svm_probe *probe, struct vmcb *vmcb, struct vmcb *image,
		    uint64_t *pdpes);
void svm_probe_close(struct svm_probe *probe); /* also after an exception in between */

/* What svm_probe_set does if the value is another one. */
void svm_probe_write(struct svm_probe *probe, unsigned at, uint64_t value);

static inline void svm_probe_set(struct svm_probe *probe, unsigned at, uint64_t value)
{
	if (probe->now.value[at] != value)
		svm_probe_write(probe, at, value);
}

/*
 * Enters once. DR6, DR7 and CR2, which VMRUN does not keep, are put back. NMIs and interrupts that
 * end the entry are taken, and it is begun again, a few times.
 */
void svm_probe_run(struct svm_probe *probe, struct svm_probe_result *result);

/*
 * One VMRUN of this physical address, with GIF as it is: 0, or VMRUN_RAISED and the vector of an
 * exception that VMRUN, or the instruction behind it, raised. All registers are the caller's
 * afterwards. probe_enter.S
 */
uint32_t svm_probe_enter(uint64_t vmcb);
enum { VMRUN_RAISED = 0x100 };

void svm_probe_unblock(void); /* probe_enter.S */

#endif
