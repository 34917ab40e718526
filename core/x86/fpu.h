/*
 * x87, SSE and AVX state of guests while our code, which uses none of it, runs between: SDM vol. 1,
 * "Managing State Using the XSAVE Feature Set" and "FXSAVE and FXRSTOR Instructions".
 */
#ifndef CORE_X86_FPU_H
#define CORE_X86_FPU_H

#include "lib/base.h"

enum { FPU_STATE = 832 }; /* bytes: SDM vol. 1, "XSAVE Area", up to the AVX component */

struct fpu {
	uint8_t area[FPU_STATE] __attribute__((aligned(64)));
};

/* The state after power-up; *fpu is all zero. */
void fpu_power_up(struct fpu *fpu);

/* components: the bits of XCR0 that guests may have; 0: the processor has no XSAVE. */
void fpu_save(struct fpu *fpu, uint64_t components);

/* Ends with xcr0 in XCR0, if components is not 0. */
void fpu_restore(const struct fpu *fpu, uint64_t components, uint64_t xcr0);

#endif
