/*
 * The debug registers that no control structure of VMX or SVM holds: they change hands with the
 * processor. SDM vol. 3B, "Debug Registers".
 */
#ifndef CORE_X86_DEBUG_H
#define CORE_X86_DEBUG_H

#include "x86/insn.h"

enum { DR6_POWER_UP = 0xFFFF0FF0, DR7_POWER_UP = 0x400 }; /* no breakpoint is on */

static inline void debug_addresses_read(uint64_t dr[4])
{
	dr[0] = read_dr0();
	dr[1] = read_dr1();
	dr[2] = read_dr2();
	dr[3] = read_dr3();
}

static inline void debug_addresses_write(const uint64_t dr[4])
{
	write_dr0(dr[0]);
	write_dr1(dr[1]);
	write_dr2(dr[2]);
	write_dr3(dr[3]);
}

/* What our own code had, while a guest's are in the processor. */
struct debug_host {
	uint64_t dr[4], dr6, dr7;
};

/* Saves *host and switches breakpoints off; the guest's may be loaded then. */
static inline void debug_host_save(struct debug_host *host)
{
	debug_addresses_read(host->dr);
	host->dr6 = read_dr6();
	host->dr7 = read_dr7();
	write_dr7(DR7_POWER_UP);
}

static inline void debug_host_restore(const struct debug_host *host)
{
	debug_addresses_write(host->dr);
	write_dr6(host->dr6);
	write_dr7(host->dr7);
}

#endif
