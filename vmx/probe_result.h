/* What a processor made of a VM entry: see probe.h. */
#ifndef VMX_PROBE_RESULT_H
#define VMX_PROBE_RESULT_H

#include "lib/base.h"

enum probe_kind {
	PROBE_FAIL_INVALID,
	PROBE_FAIL_VALID,   /* .number: the VM-instruction error; 12: none was written */
	PROBE_ENTRY_FAILED, /* exit reason with bit 31 set; .number: the basic reason */
	PROBE_ENTERED,	    /* .number: the exit reason */
	PROBE_FAULTED,	    /* VMLAUNCH or VMRESUME raised an exception; .number: its vector */
};

struct probe_result {
	uint8_t kind;	 /* enum probe_kind */
	bool resumed;	 /* by VMRESUME */
	uint32_t number; /* PROBE_STALE: the exit reason was not written */
	uint64_t qualification;
};

/* What the exit information holds before an entry where software may write it; no reason is that.
 */
enum { PROBE_STALE = 0xFFFF };

#endif
