/* What this processor is like, as the model of VM entries wants to know it. */
#ifndef VMX_MEASURE_H
#define VMX_MEASURE_H

#include "vmx/model/state.h"
#include "vmx/vmx.h"

/*
 * Fills all but .current. Writes MSRs bit by bit and puts them back: on a processor that is taken,
 * and not more often than needed.
 */
void vmx_measure(struct model_machine *machine, const struct cpu *cpu);

#endif
