/* A local APIC by itself, without a vCPU. */
#ifndef TESTS_HOST_FAKE_FAKE_APIC_H
#define TESTS_HOST_FAKE_FAKE_APIC_H

#include "vlapic/apic.h"

enum { FAKE_APIC_ID = 0x25 };

/* After power-up, id FAKE_APIC_ID, no BSP. One at a time. */
struct apic *fake_apic(void);
struct apic *fake_x2apic(void);

/* The same, software-enabled. */
struct apic *fake_enabled_apic(void);

/* Sets bits in one of the 256-bit registers, by vector. */
void fake_set_vector(struct apic *apic, uint32_t offset, uint8_t vector);
bool fake_has_vector(const struct apic *apic, uint32_t offset, uint8_t vector);

#endif
