/* The physical local APIC, in the mode that the firmware left it in. */
#include "x86/apic.h"
#include "efi/cpu/cpu.h"
#include "x86/insn.h"
#include "x86/msr.h"

enum {
	TPR_NONE = 15, /* CR8: no fixed interrupt has a higher class */
	PENDING_LOOPS = 1000000,

	MASTER_MASK = 0x21, /* ports of the two 8259s */
	SLAVE_MASK = 0xa1,
};

bool efi_cpu_x2apic(void)
{
	return rdmsr(IA32_APIC_BASE) & IA32_APIC_BASE_EXTD;
}

static volatile uint32_t *xapic(unsigned offset)
{
	uint64_t page = rdmsr(IA32_APIC_BASE) & 0x000ffffffffff000;

	return (volatile uint32_t *)(uintptr_t)(page + offset);
}

uint32_t efi_cpu_apic_read(unsigned offset)
{
	return efi_cpu_x2apic() ? (uint32_t)rdmsr(X2APIC_MSR + offset / 16) : *xapic(offset);
}

void efi_cpu_apic_write(unsigned offset, uint32_t value)
{
	if (efi_cpu_x2apic())
		wrmsr(X2APIC_MSR + offset / 16, value);
	else
		*xapic(offset) = value;
}

uint32_t efi_cpu_lint0(void)
{
	return efi_cpu_apic_read(APIC_LVT_LINT0) & ~(uint32_t)APIC_LVT_STATUS;
}

uint32_t efi_cpu_apic_id(void)
{
	uint32_t id = efi_cpu_apic_read(APIC_ID);

	return efi_cpu_x2apic() ? id : id >> 24;
}

static uint8_t in(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void out(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

uint16_t efi_cpu_8259s(void)
{
	return (uint16_t)(in(MASTER_MASK) | in(SLAVE_MASK) << 8);
}

void efi_cpu_hold_all(void)
{
	write_cr8(TPR_NONE);
}

/* The 8259s' requests may come by way of the I/O APIC, too, past LINT0 and the TPR. */
void efi_cpu_hold_interrupts(bool boot_processor)
{
	uint32_t lint0 = efi_cpu_lint0();

	if (!(lint0 & APIC_LVT_MASKED))
		efi_cpu_apic_write(APIC_LVT_LINT0, lint0 | APIC_LVT_MASKED);
	efi_cpu_hold_all();
	if (!boot_processor)
		return;
	out(MASTER_MASK, 0xff);
	out(SLAVE_MASK, 0xff);
}

void efi_cpu_release_interrupts(bool boot_processor, const struct efi_saved *saved)
{
	if (boot_processor) {
		out(MASTER_MASK, (uint8_t)saved->masks_8259);
		out(SLAVE_MASK, (uint8_t)(saved->masks_8259 >> 8));
	}
	if (!(saved->lint0 & APIC_LVT_MASKED))
		efi_cpu_apic_write(APIC_LVT_LINT0, saved->lint0);
}

/* A spurious interrupt sets no ISR bit, and an EOI then would end another interrupt. */
void efi_cpu_end_of_interrupt(unsigned vector)
{
	if (!(efi_cpu_apic_read(APIC_ISR + vector / 32 * 16) >> vector % 32 & 1))
		return;
	efi_cpu_apic_write(APIC_EOI, 0);
}

/* exceptions.c counts it as a stray. */
void efi_cpu_take_interrupt(void)
{
	interrupts_take();
}

static void wait_sent(void)
{
	for (unsigned i = 0; i < PENDING_LOOPS && *xapic(APIC_ICR) & ICR_PENDING; i++)
		cpu_relax();
}

void efi_cpu_ipi(const struct cpu *to, uint32_t icr_low)
{
	if (efi_cpu_x2apic()) {
		/* SDM vol. 3A, "MSR Access in x2APIC Mode": this WRMSR does not wait for earlier
		 * stores, and the target is to see them. */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(X2APIC_MSR + APIC_ICR / 16, (uint64_t)to->apic_id << 32 | icr_low);
		return;
	}
	wait_sent();
	*xapic(APIC_ICR_HIGH) = to->apic_id << 24;
	*xapic(APIC_ICR) = icr_low;
	wait_sent();
}
