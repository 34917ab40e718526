/*
 * The memory type that the MTRRs give to a range: SDM vol. 3A, "Memory Type Range Registers
 * (MTRRs)"; APM vol. 2, "Memory-Type Range Registers".
 */
#ifndef CORE_X86_MTRR_H
#define CORE_X86_MTRR_H

#include "lib/base.h"
#include "lib/status.h"

enum {
	MTRR_UC = 0,
	MTRR_WC = 1,
	MTRR_WT = 4,
	MTRR_WP = 5,
	MTRR_WB = 6,
	MTRR_MIXED = 8, /* not the same for all of it, or not defined */
	MTRR_UNKNOWN = 9,
};

/*
 * base and size are multiples of a page, base is 1 MiB or above: there the fixed ranges have no
 * say. read as rdmsr_try; MTRR_UNKNOWN if it cannot read a register.
 */
unsigned mtrr_type(enum status (*read)(uint32_t msr, uint64_t *value), uint64_t base,
		   uint64_t size);
const char *mtrr_text(unsigned type);

#endif
