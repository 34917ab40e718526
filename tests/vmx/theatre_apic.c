/* What rows of APIC virtualization need: a page that is watched, and interrupts of our own. */
#include "platform.h"
#include "x86/apic.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/vmx/theatre.h"
#include "vmx/insn.h"

/* ---- the watched page ---- */

enum { ISR_TO_IRR_END = 0x280 };

/*
 * The registers. Every word has a value of its own, but no interrupt is pending or in service. Only
 * the first 32 bits of each 16 bytes are a register.
 */
void apic_page_fill(uint8_t *page)
{
	for (unsigned offset = 0; offset < WATCHED_BYTES; offset += 4) {
		uint32_t value = 0xA50000C3 | offset << 12;

		if (offset % 16 == 0 && offset >= APIC_ISR && offset < ISR_TO_IRR_END &&
		    (offset < APIC_TMR || offset >= APIC_IRR))
			value = 0;
		__builtin_memcpy(page + offset, &value, sizeof(value));
	}
}

static uint64_t *watched_page(const struct theatre *theatre, const struct guest_row *row)
{
	return (uint64_t *)(theatre->pages + row->watched * (size_t)PAGE_SIZE);
}

void watch_begin(struct theatre *theatre, const struct guest_row *row)
{
	if (row->watched)
		__builtin_memcpy(theatre->watched, watched_page(theatre, row), WATCHED_BYTES);
}

static void compare_words(struct theatre *theatre, const struct guest_row *row, unsigned number,
			  uint64_t now)
{
	const uint64_t before = theatre->watched[number];

	for (unsigned half = 0; half < 2; half++) {
		const uint32_t linear = (uint32_t)GUEST_AT(row->watched, number * 8 + half * 4ull);
		const uint32_t was = (uint32_t)(before >> 32 * half);
		const uint32_t is = (uint32_t)(now >> 32 * half);

		if (was != is && !theatre_want(theatre, AT_MEMORY, linear))
			theatre_differs(theatre, AT_MEMORY, linear, was, is);
	}
}

/* The first index from there on at which they differ; count: none. */
static unsigned next_difference(const uint64_t *a, const uint64_t *b, unsigned from, unsigned count)
{
	uint64_t left = count - from;
	bool differ;

	if (!left)
		return count;
	a += from;
	b += from;
	__asm__ volatile("repe cmpsq" : "+S"(a), "+D"(b), "+c"(left), "=@ccnz"(differ)::"memory");
	return differ ? count - (unsigned)left - 1 : count;
}

void watch_end(struct theatre *theatre, const struct guest_row *row)
{
	enum { COUNT = WATCHED_BYTES / 8 };
	uint64_t *page = watched_page(theatre, row);
	unsigned i = row->watched ? next_difference(page, theatre->watched, 0, COUNT) : COUNT;

	for (; i < COUNT; i = next_difference(page, theatre->watched, i + 1, COUNT)) {
		compare_words(theatre, row, i, page[i]);
		page[i] = theatre->watched[i];
	}
}

/* ---- caches ---- */

void invalidate_apic_access(struct theatre *theatre)
{
	const uint64_t *now = theatre->seat.probe.now.value;
	const bool on = now[AT_PRIMARY_CONTROLS] & CONTROL_MASK(PRIMARY_SECONDARY) &&
			now[AT_SECONDARY_CONTROLS] & CONTROL_MASK(SECONDARY_APIC_ACCESSES);
	const uint64_t access = on ? now[AT_APIC_ACCESS_ADDRESS] | 1 : 0;
	const struct invept_descriptor all = { 0 };

	if (access == theatre->apic_access)
		return;
	theatre->apic_access = access;
	if (theatre->ept && vmx_caps.ept_vpid & EPT_CAP_INVEPT_ALL)
		(void)!invept(INVALIDATE_ALL, all);
}

/* ---- interrupts ---- */

enum { CR8_ALL_BUT_F = 14, CR8_NONE = 15, ARRIVAL_LOOPS = 100000 };

static volatile uint32_t *xapic(unsigned offset)
{
	const uint64_t page = rdmsr(IA32_APIC_BASE) & 0x000FFFFFFFFFF000;

	return (volatile uint32_t *)(uintptr_t)(page + offset);
}

static uint32_t local_apic_read(unsigned offset)
{
	return rdmsr(IA32_APIC_BASE) & IA32_APIC_BASE_EXTD
		       ? (uint32_t)rdmsr(X2APIC_MSR + offset / 16)
		       : *xapic(offset);
}

static void end_of_interrupt(void)
{
	if (rdmsr(IA32_APIC_BASE) & IA32_APIC_BASE_EXTD)
		wrmsr(X2APIC_MSR + APIC_EOI / 16, 0);
	else
		*xapic(APIC_EOI) = 0;
}

static bool has_vector(unsigned registers, unsigned vector)
{
	return local_apic_read(registers + vector / 32 * 16) >> vector % 32 & 1;
}

unsigned interrupt_state(unsigned vector)
{
	return (has_vector(APIC_IRR, vector) ? INTERRUPT_REQUESTED : 0) |
	       (has_vector(APIC_ISR, vector) ? INTERRUPT_IN_SERVICE : 0);
}

void interrupts_await(void)
{
	write_cr8(CR8_ALL_BUT_F);
}

void interrupt_send(const struct cpu *cpu, unsigned vector)
{
	interrupts_await();
	platform->ipi(cpu, ICR_ASSERT | vector);
	for (unsigned i = 0; i < ARRIVAL_LOOPS && !has_vector(APIC_IRR, vector); i++)
		cpu_relax();
}

void interrupt_end(unsigned vector)
{
	if (has_vector(APIC_ISR, vector))
		end_of_interrupt();
	if (has_vector(APIC_IRR, vector))
		platform->take_interrupt();
	write_cr8(CR8_NONE);
}
