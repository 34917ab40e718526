/* The physical local APIC, in the mode that the firmware left it in. */
#include "efi/cpu/cpu.h"
#include "x86/insn.h"
#include "x86/local_apic.h"

enum {
	TPR_NONE = 15, /* CR8: no fixed interrupt has a higher class */

	MASTER_MASK = 0x21, /* ports of the two 8259s */
	SLAVE_MASK = 0xa1,
};

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
	uint32_t lint0 = local_apic_lvt(APIC_LVT_LINT0);

	if (!(lint0 & APIC_LVT_MASKED))
		local_apic_write(APIC_LVT_LINT0, lint0 | APIC_LVT_MASKED);
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
		local_apic_write(APIC_LVT_LINT0, saved->lint0);
}

/* A spurious interrupt sets no ISR bit, and an EOI then would end another interrupt. */
void efi_cpu_end_of_interrupt(unsigned vector)
{
	if (local_apic_bit(APIC_ISR, vector))
		local_apic_write(APIC_EOI, 0);
}

/* exceptions.c counts it as a stray. It may be the timer's, a little before its time: there is no
 * shot any more. */
void efi_cpu_take_interrupt(void)
{
	interrupts_take();
	efi_cpu_self()->timer_due = 0;
}

/* What this mode cannot name would reach another processor, or all. */
void efi_cpu_ipi(const struct cpu *to, uint32_t icr_low)
{
	if (local_apic_names(to->apic_id, local_apic_x2apic()))
		(void)local_apic_send(icr_low, to->apic_id);
}

/* Interrupts nest by priority class. */
enum { CLASSES = 16, VECTORS = 256 };

static bool in_service(void)
{
	for (unsigned vector = 0; vector < VECTORS; vector += 32)
		if (local_apic_read(APIC_ISR + vector / 32 * 16))
			return true;
	return false;
}

void efi_cpu_apic_put_back(void)
{
	struct efi_cpu *own = efi_cpu_self();

	efi_cpu_hold_all();
	for (unsigned i = 0; i < CLASSES && in_service(); i++)
		local_apic_write(APIC_EOI, 0);
	local_apic_put_back(&own->apic);
	/* Errors of the tests: the first write latches them, the second one what came since. */
	local_apic_write(APIC_ESR, 0);
	local_apic_write(APIC_ESR, 0);
	efi_cpu_hold_interrupts(own == efi_cpus);
	timer_take_again();
}
