/* x87, SSE and AVX state of the firmware: our code uses none of it, guests do. */
#ifndef EFI_CPU_FPU_H
#define EFI_CPU_FPU_H

#include "lib/base.h"

struct efi_cpu;

/* Bytes of an XSAVE area for all that this processor has; 0: it has no XSAVE. */
size_t fpu_xsave_size(void);

/* Into own->fxsave and own->xsave, and from there. CR4 and CR0 are left so that it may be used. */
void efi_cpu_fpu_save(struct efi_cpu *own);
void efi_cpu_fpu_restore(struct efi_cpu *own);

/* Whether the processor holds what was restored; after efi_cpu_fpu_restore. own->xsave is used
 * up. */
bool efi_cpu_fpu_is_as_found(struct efi_cpu *own);

#endif
