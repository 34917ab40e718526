/* SEND and ICR on the machine: from slots to the APIC ids that they have. */
#include "tests/lib/machine_play.h"

#include "x86/insn.h"
#include "x86/local_apic.h"

static struct machine_play *const play = &machine_play;

static uint32_t icr_low(const struct step *step)
{
	return (uint32_t)step->icr_high_bits << 16 | step->icr_bits;
}

/* The destination is one processor's, by slot. */
static bool to_slot(const struct step *step)
{
	const uint32_t all = play->x2apic ? ~0u : 0xFF;

	return !(icr_low(step) >> ICR_SHORTHAND_SHIFT & 3) && step->destination != all &&
	       (play->x2apic || !(step->icr_bits & ICR_LOGICAL));
}

bool machine_play_reaches(const struct step *step)
{
	return !to_slot(step) || step->destination < play->present;
}

static uint32_t destination(const struct step *step)
{
	uint32_t id;

	if (!to_slot(step))
		return step->destination;
	id = play->cpus[step->destination]->apic_id;
	return step->icr_bits & ICR_LOGICAL ? local_apic_logical_id(id) : id;
}

void machine_play_send(const struct step *step)
{
	unsigned mode = step->icr_bits >> 8 & 7;

	if (!machine_play_reaches(step) || (mode > DELIVERY_LOWEST && !to_slot(step)))
		return;
	if (mode == DELIVERY_NMI)
		cpu_expect_nmi(play->cpus[step->destination]);
	if (!local_apic_send(icr_low(step), destination(step)))
		atomic_store(&play->unsent, true);
}

static uint64_t icr_now(void)
{
	if (play->x2apic)
		return rdmsr(X2APIC_MSR + APIC_ICR / 16);
	return (uint64_t)(local_apic_read(APIC_ICR_HIGH) >> 24) << 32 |
	       (local_apic_read(APIC_ICR) & ~(uint32_t)ICR_PENDING);
}

uint64_t machine_play_icr(const struct step *step)
{
	uint64_t got = icr_now();

	return got == ((uint64_t)destination(step) << 32 | icr_low(step)) ? script_wanted(step)
									  : got;
}
