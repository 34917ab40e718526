/* VMX's part of the fuzzer. */
#ifndef TESTS_VMX_ENTRY_HUNT_H
#define TESTS_VMX_ENTRY_HUNT_H

#include "tests/entry/fuzz.h"
#include "tests/vmx/entry/rows.h"

extern const struct fuzz_hunt vmx_fuzz_hunt;

/* Makes a base ready: with the entry of the MSR-load area that ends every case. */
void vmx_fuzz_prepare(uint64_t *base);

_Static_assert(sizeof(struct model_verdict) <= sizeof(struct fuzz_verdict), "room");

static inline struct model_verdict *vmx_fuzz_verdict(struct fuzz_verdict *verdict)
{
	return (struct model_verdict *)(void *)verdict->word;
}

#endif
