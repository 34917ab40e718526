/* Bits of the control registers, IA32_EFER and RFLAGS: SDM vol. 3A, "Control Registers", "Extended
 * Feature Enable Register"; vol. 1, "EFLAGS Register". */
#ifndef CORE_X86_CONTROL_H
#define CORE_X86_CONTROL_H

#include "lib/base.h"

enum {
	RFLAGS_CF = 1 << 0,
	RFLAGS_FIXED = 1 << 1, /* always 1 */
	RFLAGS_TF = 1 << 8,
	RFLAGS_IF = 1 << 9,
	RFLAGS_RF = 1 << 16,
	RFLAGS_VM = 1 << 17,

	CR0_PE = 1 << 0,
	CR0_EM = 1 << 2,
	CR0_TS = 1 << 3,
	CR0_ET = 1 << 4,
	CR0_NE = 1 << 5,
	CR0_WP = 1 << 16,
	CR0_AM = 1 << 18,
	CR0_NW = 1 << 29,
	CR0_CD = 1 << 30,

	CR4_PSE = 1 << 4,
	CR4_PAE = 1 << 5,
	CR4_MCE = 1 << 6,
	CR4_PGE = 1 << 7,
	CR4_OSFXSR = 1 << 9,
	CR4_LA57 = 1 << 12,
	CR4_VMXE = 1 << 13,
	CR4_PCIDE = 1 << 17,
	CR4_OSXSAVE = 1 << 18,
	CR4_CET = 1 << 23,
	CR4_PKS = 1 << 24,
	CR4_SMEP = 1 << 20,

	EFER_SCE = 1 << 0,
	EFER_LME = 1 << 8,
	EFER_LMA = 1 << 10,
	EFER_NXE = 1 << 11,
	EFER_SVME = 1 << 12,
};

#define CR0_PG BIT(31)
#define CR4_FRED BIT(32)
#define CR0_DEFINED 0xE005003Full /* the others stay 0 */

#endif
