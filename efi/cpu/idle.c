/*
 * Waiting without burning time: HLT, ended by the NMI that cpu_kick sends while the window is
 * open. MONITOR and MWAIT would need no NMI, but emulators lose wake-ups (Bochs 2.7 does not see
 * a store that hits the TLB), and a lost one is a hang.
 */
#include "efi/cpu/host.h"

enum { LOOPS = 200 };

void host_idle(_Atomic uint32_t *doorbell, uint32_t seen)
{
	struct host_cpu *host = host_self();

	/* Alone, nobody could end the wait. */
	if (host_count == 1) {
		for (unsigned i = 0; i < LOOPS && atomic_load(doorbell) == seen; i++)
			cpu_relax();
		return;
	}
	host->idle = true;
	cpu_window_open(host->cpu);
	/* An NMI between the two, for a ring that was seen, has used the window up: no other comes.
	 */
	idle_wait(doorbell, seen, &host->cpu->nmis, host->cpu->nmis_before);
	cpu_window_close(host->cpu);
	host->idle = false;
}

static uint64_t address(void (*label)(void))
{
	return physical((void *)(uintptr_t)label);
}

bool idle_nmi(struct host_cpu *host, uint64_t *rip)
{
	if (!host->idle)
		return false;
	atomic_fetch_add(&host->cpu->nmis, 1);
	if (*rip >= address(idle_wait_look) && *rip < address(idle_wait_end))
		*rip = address(idle_wait_end);
	return true;
}
