/* The timer of the virtual local APIC: SDM vol. 3A, "APIC Timer". It counts clock ticks. */
#include "vlapic/timer.h"

static uint64_t divisor(const struct apic *apic)
{
	uint32_t bits = apic->timer_divide;
	uint32_t code = (bits & 3) | (bits >> 1 & 4);

	return code == 7 ? 1 : 2ull << code;
}

static uint32_t mode(const struct apic *apic)
{
	return apic->timer_lvt & APIC_LVT_TIMER_MODES;
}

static void arm(struct apic *apic, uint64_t count, uint64_t now)
{
	apic->period = count * divisor(apic);
	apic->due = count ? now + apic->period : 0;
}

void apic_timer_set_initial(struct apic *apic, uint32_t count, uint64_t now)
{
	/* In TSC-deadline mode writes to the initial-count register are ignored. */
	if (mode(apic) == APIC_LVT_TIMER_TSC_DEADLINE) {
		apic_put(apic, APIC_TIMER_INITIAL, 0);
		return;
	}
	apic_put(apic, APIC_TIMER_INITIAL, count);
	arm(apic, count, now);
}

uint32_t apic_timer_current(const struct apic *apic, uint64_t now)
{
	uint64_t left;

	if (mode(apic) == APIC_LVT_TIMER_TSC_DEADLINE || !apic->due)
		return 0;
	if (now < apic->due)
		left = apic->due - now;
	else if (mode(apic) == APIC_LVT_TIMER_PERIODIC) /* due, and nobody has polled yet */
		left = apic->period - (now - apic->due) % apic->period;
	else
		return 0;
	return (uint32_t)((left + divisor(apic) - 1) / divisor(apic));
}

void apic_timer_set_divide(struct apic *apic, uint32_t value, uint64_t now)
{
	uint32_t left = apic_timer_current(apic, now);
	uint32_t initial = apic_get(apic, APIC_TIMER_INITIAL);

	apic_put(apic, APIC_TIMER_DIVIDE, value);
	apic->timer_divide = value;
	if (!left)
		return;
	apic->period = initial * divisor(apic);
	apic->due = now + left * divisor(apic);
}

void apic_timer_set_lvt(struct apic *apic, uint32_t value)
{
	bool was = mode(apic) == APIC_LVT_TIMER_TSC_DEADLINE;
	bool will = (value & APIC_LVT_TIMER_MODES) == APIC_LVT_TIMER_TSC_DEADLINE;

	apic->timer_lvt = value;
	/* A change to or from TSC-deadline mode disarms the timer. */
	if (was == will)
		return;
	apic->due = 0;
	apic->tsc_deadline = 0;
	apic_put(apic, APIC_TIMER_INITIAL, 0);
}

void apic_set_tsc_deadline(struct apic *apic, uint64_t value, uint64_t now)
{
	(void)now; /* a deadline in the past is due at once */
	if (mode(apic) != APIC_LVT_TIMER_TSC_DEADLINE)
		return;
	apic->tsc_deadline = value;
	apic->due = value;
}

bool apic_timer_poll(struct apic *apic, uint64_t now)
{
	uint32_t lvt = apic->timer_lvt;

	if (!apic->due || now < apic->due)
		return false;
	if (mode(apic) == APIC_LVT_TIMER_PERIODIC && apic->period) {
		apic->due += ((now - apic->due) / apic->period + 1) * apic->period;
	} else {
		apic->due = 0;
		apic->tsc_deadline = 0;
	}
	if (lvt & APIC_LVT_MASKED)
		return false;
	(void)apic_accept(apic, (uint8_t)lvt, false);
	return true;
}
