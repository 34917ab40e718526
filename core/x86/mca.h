/* What a machine check says of itself: SDM vol. 3B, "Machine-Check Architecture". */
#ifndef CORE_X86_MCA_H
#define CORE_X86_MCA_H

#include "lib/base.h"

struct machine_check {
	bool seen;  /* IA32_MCG_STATUS.MCIP: it is none that software has raised */
	bool fatal; /* this processor cannot go on: RIPV is 0, or a bank says PCC */
	int bank;   /* with the worst error; -1: no bank has one */
	uint64_t mcg_status, status;
};

/*
 * Looks at the global status and all banks; changes none of them, so that whoever comes after us
 * finds them. read: a model-specific register.
 */
struct machine_check machine_check_read(uint64_t (*read)(uint32_t msr));

#endif
