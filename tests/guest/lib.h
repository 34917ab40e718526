/* For guest programs: the local APIC in either mode, waiting, and the shared words. */
#ifndef TESTS_GUEST_LIB_H
#define TESTS_GUEST_LIB_H

#include "guest.h"
#include "x86/apic.h"
#include "x86/msr.h"

#define SHARED ((volatile struct guest_shared *)GUEST_SHARED)
#define SLOT(n) (&((volatile struct guest_slot *)GUEST_SLOTS)[n])

/* The low dword of the ICR, whole. */
enum {
	SEND_FIXED = ICR_ASSERT | DELIVERY_FIXED << 8,
	SEND_LOWEST = ICR_ASSERT | DELIVERY_LOWEST << 8,
	SEND_NMI = ICR_ASSERT | DELIVERY_NMI << 8,
	SEND_INIT = ICR_ASSERT | DELIVERY_INIT << 8, /* edge */
	SEND_SIPI = ICR_ASSERT | DELIVERY_SIPI << 8,
	ICR_SELF = TO_SELF << ICR_SHORTHAND_SHIFT,
	ICR_ALL = TO_ALL << ICR_SHORTHAND_SHIFT,
	ICR_OTHERS = TO_OTHERS << ICR_SHORTHAND_SHIFT,
};

static inline void pause(void)
{
	__asm__ volatile("pause" ::: "memory");
}

static inline void sti(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline void cli(void)
{
	__asm__ volatile("cli" ::: "memory");
}

/* Interrupts on and halt: no interrupt fits between, the STI shadow keeps it out. */
static inline void sti_hlt(void)
{
	__asm__ volatile("sti; hlt" ::: "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint64_t value;

	__asm__ volatile("rdmsr" : "=A"(value) : "c"(msr) : "memory");
	return value;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "A"(value) : "memory");
}

static inline uint32_t rdtsc(void)
{
	uint32_t low;

	__asm__ volatile("rdtsc" : "=a"(low) : : "edx");
	return low;
}

static inline uint32_t apic_read(uint32_t reg)
{
	if (SHARED->x2apic)
		return (uint32_t)rdmsr(0x800 + reg / 16);
	return *(volatile uint32_t *)(0xFEE00000 + reg);
}

static inline void apic_write(uint32_t reg, uint32_t value)
{
	if (SHARED->x2apic)
		wrmsr(0x800 + reg / 16, value);
	else
		*(volatile uint32_t *)(0xFEE00000 + reg) = value;
}

/* Sends an IPI. destination: an APIC id or a logical destination, unshifted. */
static inline void icr(uint32_t low, uint32_t destination)
{
	if (SHARED->x2apic) {
		wrmsr(0x830, (uint64_t)destination << 32 | low);
		return;
	}
	apic_write(APIC_ICR_HIGH, destination << 24);
	apic_write(APIC_ICR, low);
}

/* 0 if the ICR shows what was written to it. */
uint32_t icr_differs(uint32_t low, uint32_t destination);

/* Switches to the mode that the test wants and enables the APIC by its SVR. */
void apic_enable(void);

/* Interrupt gates for all vectors. */
void idt_set_up(void);

struct frame {
	uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
	uint32_t vector, error, eip, cs, eflags;
};

#define PROGRAM(name) void guest_##name(uint32_t slot)

#endif
