/* The timer of a virtual local APIC: SDM vol. 3A, "APIC Timer". Times are clock ticks. */
#ifndef CORE_VLAPIC_TIMER_H
#define CORE_VLAPIC_TIMER_H

#include "vlapic/apic.h"

void apic_timer_set_initial(struct apic *apic, uint32_t count, uint64_t now);
void apic_timer_set_divide(struct apic *apic, uint32_t value, uint64_t now);

/* The LVT entry as it is to be, its mask included. */
void apic_timer_set_lvt(struct apic *apic, uint32_t value);

/* The current-count register. */
uint32_t apic_timer_current(const struct apic *apic, uint64_t now);

/* IA32_TSC_DEADLINE, MSR 6E0H. */
void apic_set_tsc_deadline(struct apic *apic, uint64_t value, uint64_t now);

/* Fires the timer if it is due. True if it may have made a vector pending: its own, or that of the
 * error interrupt if its own is illegal. */
bool apic_timer_poll(struct apic *apic, uint64_t now);

#endif
