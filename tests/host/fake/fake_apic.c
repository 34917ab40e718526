#include "tests/host/fake/fake_apic.h"

#include "vlapic/registers.h"

#include <string.h>

static uint32_t page[PAGE_SIZE / sizeof(uint32_t)];
static struct apic one;

struct apic *fake_apic(void)
{
	memset(page, 0xA5, sizeof(page));
	one = (struct apic){ .page = page };
	apic_power_up(&one, FAKE_APIC_ID, false);
	return &one;
}

struct apic *fake_x2apic(void)
{
	fake_apic();
	one.base |= IA32_APIC_BASE_EXTD;
	apic_init(&one);
	return &one;
}

struct apic *fake_enabled_apic(void)
{
	fake_apic();
	page[APIC_SVR / 4] = 0x1FF;
	return &one;
}

void fake_set_vector(struct apic *apic, uint32_t offset, uint8_t vector)
{
	apic->page[(offset + vector / 32u * 16) / 4] |= 1u << vector % 32;
	apic->words_set[(offset - APIC_ISR) / 0x80] |= (uint8_t)(1u << vector / 32);
}

bool fake_has_vector(const struct apic *apic, uint32_t offset, uint8_t vector)
{
	return apic->page[(offset + vector / 32u * 16) / 4] >> vector % 32 & 1;
}
