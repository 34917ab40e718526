/* What core/vlapic/apic.c needs of the timer beside apic.h; times are clock ticks. */
#ifndef CORE_VLAPIC_TIMER_H
#define CORE_VLAPIC_TIMER_H

#include "vlapic/apic.h"

void apic_timer_set_initial(struct apic *apic, uint32_t count, uint64_t now);
void apic_timer_set_divide(struct apic *apic, uint32_t value, uint64_t now);

/* The LVT entry as it is to be, its mask included. */
void apic_timer_set_lvt(struct apic *apic, uint32_t value);

/* The current-count register. */
uint32_t apic_timer_current(const struct apic *apic, uint64_t now);

#endif
