/* The architectural state of a virtual CPU outside its local APIC, arch neutral. */
#ifndef CORE_VM_REGS_H
#define CORE_VM_REGS_H

#include "lib/base.h"
#include "x86/control.h"

/* In ModRM order, as the SDM numbers them (vol. 2A, "ModR/M and SIB Bytes"). */
enum gpr { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, GPRS };

/* In segment-register encoding order, then the system segments. */
enum segment { ES, CS, SS, DS, FS, GS, LDTR, TR, SEGMENTS };

struct segment_state {
	uint16_t selector;
	uint32_t limit;	 /* bytes - 1 */
	uint32_t rights; /* type S DPL P AVL L D/B G as in a descriptor's bits 55:40; BIT(16):
			    unusable */
	uint64_t base;
};

struct table_state {
	uint64_t base;
	uint16_t limit;
};

/* SDM vol. 3C, "Guest Non-Register State": the values of the activity state. */
enum activity { ACTIVITY_ACTIVE, ACTIVITY_HLT, ACTIVITY_SHUTDOWN, ACTIVITY_WAIT_SIPI };

enum interruptibility {
	BLOCKED_BY_STI = 1 << 0,
	BLOCKED_BY_MOV_SS = 1 << 1,
	BLOCKED_BY_SMI = 1 << 2,
	BLOCKED_BY_NMI = 1 << 3,
};

struct regs {
	uint64_t gpr[GPRS];
	uint64_t rip, rflags;
	uint64_t cr0, cr2, cr3, cr4, efer, xcr0, pat;
	uint64_t dr[4], dr6, dr7;
	struct segment_state segment[SEGMENTS];
	struct table_state gdtr, idtr;
	enum activity activity;
	uint32_t interruptibility; /* enum interruptibility bits */
};

/*
 * Fills *regs with the state after INIT: SDM vol. 3A, "Processor State After Reset", the table of
 * processor states following power-up, reset, or INIT; on AMD's processors APM vol. 2, "Processor
 * Initialization State". signature: EAX of CPUID leaf 1, which EDX holds then. What INIT leaves
 * unchanged (x87, SSE, AVX, XCR0, CR0.CD and CR0.NW, PAT and most other MSRs; AMD: the debug
 * registers) is kept from *regs as it was.
 */
void regs_init(struct regs *regs, uint32_t signature);

/* Whether INIT leaves the debug registers unchanged on this processor. */
bool regs_init_keeps_debug(void);

/* As INIT, and also sets what only power-up and reset change. */
void regs_power_up(struct regs *regs, uint32_t signature);

/*
 * Sets CS and RIP as a start-up IPI does: SDM vol. 3A, "MP Initialization Protocol Algorithm for
 * MP Systems": execution starts at physical address vector << 12.
 */
void regs_sipi(struct regs *regs, uint8_t vector);

/*
 * MOV to CR0 or CR4 by the guest, with the checks of SDM vol. 2B, "MOV - Move to/from Control
 * Registers"; false: #GP(0) and nothing has changed. number: 0 or 4. Enters and leaves IA-32e mode
 * (EFER.LMA) as CR0.PG changes.
 */
bool regs_set_control(struct regs *regs, unsigned number, uint64_t value);

#endif
