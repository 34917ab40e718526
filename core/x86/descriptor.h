/* Descriptor tables: SDM vol. 3A, "Memory-Management Registers". */
#ifndef CORE_X86_DESCRIPTOR_H
#define CORE_X86_DESCRIPTOR_H

#include "lib/base.h"

/* What LGDT, LIDT, SGDT and SIDT take in 64-bit mode. */
struct __attribute__((packed)) descriptor_table {
	uint16_t limit; /* bytes - 1 */
	uint64_t base;
};

#endif
