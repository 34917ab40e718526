#include "lib.h"
#include "script_event.h"

struct gate {
	uint16_t offset_low, selector;
	uint8_t zero, type;
	uint16_t offset_high;
};

struct gate guest_idt[256];

extern char interrupt_common[];

/* PUSH 0, where the processor pushes no error code; PUSH vector; JMP interrupt_common. */
struct __attribute__((packed)) stub {
	uint8_t push_zero[2], push;
	uint32_t vector;
	uint8_t jump;
	int32_t distance;
};

static struct stub stubs[256];
void guest_main(uint32_t slot);
void guest_interrupt(struct frame *frame);

enum { INTERRUPT_GATE = 0x8E, NOP = 0x90 };

static int has_error_code(uint32_t vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

static void set_up(uint32_t vector)
{
	struct stub *stub = &stubs[vector];

	*stub = (struct stub){ { 0x6A, 0 }, 0x68, vector, 0xE9, 0 };
	stub->distance = (int32_t)((uint32_t)interrupt_common - (uint32_t)(stub + 1));
	if (has_error_code(vector))
		stub->push_zero[0] = stub->push_zero[1] = NOP;
	guest_idt[vector] = (struct gate){ .offset_low = (uint16_t)(uint32_t)stub,
					   .selector = 8,
					   .type = INTERRUPT_GATE,
					   .offset_high = (uint16_t)((uint32_t)stub >> 16) };
}

void idt_set_up(void)
{
	if (guest_idt[255].selector) /* another vCPU has done it */
		return;
	for (uint32_t i = 0; i < 256; i++)
		set_up(i);
}

void apic_enable(void)
{
	if (SHARED->x2apic)
		wrmsr(IA32_APIC_BASE, rdmsr(IA32_APIC_BASE) | 1 << 10);
	apic_write(APIC_SVR, 0x1FF);
}

/* Stacks are of one size and aligned, so the stack says which vCPU this is. */
static uint32_t slot_of_stack(const void *on_stack)
{
	return ((uint32_t)on_stack - GUEST_STACKS) / GUEST_STACK_SIZE;
}

void guest_interrupt(struct frame *frame)
{
	uint32_t index = slot_of_stack(frame), vector = frame->vector;
	volatile struct guest_slot *slot = SLOT(index);

	if (script_event(index, frame))
		return;
	if (vector == 2) {
		slot->nmis++;
		slot->last_eip = frame->eip;
		return;
	}
	if (vector < 32) {
		slot->exceptions++;
		slot->last_exception = vector;
		slot->last_eip = frame->eip;
		if (SHARED->argument[7]) { /* the program has said how long its instruction is */
			frame->eip += SHARED->argument[7];
			return;
		}
		for (;;)
			__asm__ volatile("cli; hlt");
	}
	if (slot->interrupts < sizeof(slot->order))
		slot->order[slot->interrupts] = (uint8_t)vector;
	slot->vectors[vector / 16]++;
	slot->interrupts++;
	apic_write(APIC_EOI, 0);
}

#define DECLARE(name) PROGRAM(name);
GUEST_PROGRAMS(DECLARE)
#undef DECLARE

static void (*const programs[])(uint32_t slot) = {
#define ENTRY(name) guest_##name,
	GUEST_PROGRAMS(ENTRY)
#undef ENTRY
};

void guest_main(uint32_t slot)
{
	idt_set_up();
	programs[SHARED->program[slot]](slot);
	SLOT(slot)->finished++;
}

PROGRAM(idle)
{
	(void)slot;
}

PROGRAM(answer)
{
	(void)slot;
}

PROGRAM(spin)
{
	while (!SHARED->end) {
		SLOT(slot)->counter++;
		pause();
	}
}

static uint32_t slot_of(uint32_t apic_id)
{
	return SHARED->slot_of[apic_id & 0xFF];
}

/* SDM vol. 3A, "Typical BSP Initialization Sequence", without its delays: ours needs none. */
PROGRAM(start)
{
	apic_enable();
	for (uint32_t round = 0; round < SHARED->rounds; round++) {
		for (uint32_t i = 0; i < SHARED->count; i++) {
			uint32_t id = SHARED->destination[i];
			uint32_t before = SLOT(slot_of(id))->finished;

			SHARED->tsc = rdtsc();
			icr(ICR_INIT, id);
			for (uint32_t n = 0; n < SHARED->sipis; n++)
				icr(ICR_SIPI | SHARED->vector, id);
			while (SHARED->sipis && SLOT(slot_of(id))->finished == before)
				pause();
		}
		SLOT(slot)->counter++;
	}
}

PROGRAM(cpuid)
{
	uint32_t start = rdtsc();

	for (uint32_t i = 0; i < SHARED->rounds; i++) {
		uint32_t a = 1, b, c = 0, d;

		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	}
	SLOT(slot)->value[0] = rdtsc() - start;
}
