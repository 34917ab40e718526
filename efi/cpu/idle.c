/*
 * Waiting without burning time: HLT, ended by the NMI that cpu_kick sends while the window is
 * open. MONITOR and MWAIT would need no NMI, but emulators lose wake-ups (Bochs 2.7 does not see
 * a store that hits the TLB), and a lost one is a hang.
 */
#include "efi/cpu/cpu.h"

enum { LOOPS = 200 };

void efi_cpu_idle(_Atomic uint32_t *doorbell, uint32_t seen)
{
	struct efi_cpu *own = efi_cpu_self();

	/* Alone, nobody could end the wait. */
	if (efi_cpu_count == 1) {
		for (unsigned i = 0; i < LOOPS && atomic_load(doorbell) == seen; i++)
			cpu_relax();
		return;
	}
	own->idle = true;
	cpu_window_open(own->cpu);
	if (!atomic_load(&own->cpu->nmis) || atomic_load(&own->cpu->deaf))
		/* Until one NMI has come through, HLT could be for ever. */
		for (unsigned i = 0; i < LOOPS && atomic_load(doorbell) == seen; i++)
			cpu_relax();
	else
		/* An NMI between the two, for a ring that was seen, has used the window up: no
		 * other comes. */
		idle_wait(doorbell, seen, &own->cpu->nmis, own->cpu->nmis_before);
	cpu_window_close(own->cpu);
	own->idle = false;
}

static uint64_t address(void (*label)(void))
{
	return physical((void *)(uintptr_t)label);
}

bool idle_nmi(struct efi_cpu *own, uint64_t *rip)
{
	if (!own->idle)
		return false;
	atomic_fetch_add(&own->cpu->nmis, 1);
	if (*rip >= address(idle_wait_look) && *rip < address(idle_wait_end))
		*rip = address(idle_wait_end);
	return true;
}
