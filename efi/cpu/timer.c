/*
 * Shots of the local APIC's timer, which end a guest's time where virtualization has no timer of
 * its own: SDM vol. 3A, "APIC Timer"; APM vol. 2, "APIC Timer Interrupt". The firmware's settings
 * are put back.
 */
#include "efi/cpu/cpu.h"
#include "x86/control.h"
#include "x86/insn.h"
#include "x86/local_apic.h"

enum {
	VECTOR = 0xF3,	   /* of the highest class: the firmware's interrupts keep waiting */
	TPR_TIMER = 14,	   /* CR8 that lets this class through */
	DIVIDE_BY_1 = 0xB, /* divide configuration register */
	MEASURES_A_SECOND = 500,
};

/* What both clocks counted in the same time. */
static uint64_t measured_timer, measured_clock;

static void read_settings(struct apic_timer *timer)
{
	timer->lvt = local_apic_lvt(APIC_LVT_TIMER);
	timer->divide = local_apic_read(APIC_TIMER_DIVIDE);
	timer->initial = local_apic_read(APIC_TIMER_INITIAL);
}

/* Writing the initial count starts the timer anew. */
static void write_settings(const struct apic_timer *timer)
{
	local_apic_write(APIC_TIMER_DIVIDE, timer->divide);
	local_apic_write(APIC_LVT_TIMER, timer->lvt);
	local_apic_write(APIC_TIMER_INITIAL, timer->initial);
}

void timer_init(void)
{
	const struct apic_timer ours = { APIC_LVT_MASKED | VECTOR, DIVIDE_BY_1, 0xFFFFFFFF };
	const bool on = read_rflags() & RFLAGS_IF;
	struct apic_timer found;
	uint64_t start;

	interrupts_off();
	read_settings(&found);
	write_settings(&ours);
	start = clock_read();
	while (clock_read() - start < clock_hz() / MEASURES_A_SECOND)
		cpu_relax();
	measured_timer = 0xFFFFFFFF - local_apic_read(APIC_TIMER_CURRENT);
	measured_clock = clock_read() - start;
	write_settings(&found);
	if (on)
		interrupts_on();
}

bool timer_works(void)
{
	return measured_timer && measured_clock;
}

static void take(struct efi_cpu *own)
{
	const struct apic_timer ours = { VECTOR, DIVIDE_BY_1, 0 };

	write_settings(&ours);
	own->timer_due = 0;
	write_cr8(TPR_TIMER);
}

static void begin(struct efi_cpu *own)
{
	read_settings(&own->timer);
	own->timer_in_use = true;
	take(own);
}

static void end(struct efi_cpu *own)
{
	local_apic_write(APIC_TIMER_INITIAL, 0);
	/* One that has come already must not be left for the firmware. */
	interrupts_take();
	write_settings(&own->timer);
	own->timer_in_use = false;
	efi_cpu_hold_all();
}

void timer_take_again(void)
{
	struct efi_cpu *own = efi_cpu_self();

	if (own->timer_in_use)
		take(own);
}

void timer_use(bool on)
{
	struct efi_cpu *own = efi_cpu_self();

	if (on)
		begin(own);
	else
		end(own);
}

void timer_shoot(uint64_t ticks)
{
	struct efi_cpu *own = efi_cpu_self();
	const uint64_t now = clock_read();
	uint64_t count;

	ticks = min_u64(ticks, clock_hz());
	/* A shot that comes sooner than asked costs an exit, arming costs one each time. */
	if (own->timer_due > now && own->timer_due <= now + ticks)
		return;
	own->timer_due = now + ticks;
	count = ticks * measured_timer / measured_clock;
	if (!count)
		count = 1;
	local_apic_write(APIC_TIMER_INITIAL, (uint32_t)min_u64(count, 0xFFFFFFFF));
}
