/* What a processor made of VMRUN: see probe.h. */
#ifndef SVM_PROBE_RESULT_H
#define SVM_PROBE_RESULT_H

#include "lib/base.h"

enum svm_probe_kind {
	SVM_PROBE_ENTERED, /* #VMEXIT with .code */
	SVM_PROBE_INVALID, /* VMEXIT_INVALID; .code: how it was written */
	SVM_PROBE_FAULTED, /* VMRUN, or what follows it in the host, raised the exception .code */
	SVM_PROBE_STALE,   /* it came back and had written no code */
	SVM_PROBE_LOST,	   /* it came back to a host whose register .code is another one */
};

enum svm_host_register { HOST_CR0, HOST_CR3, HOST_CR4, HOST_EFER };

struct svm_probe_result {
	uint32_t kind; /* enum svm_probe_kind */
	uint64_t code;
};

#endif
