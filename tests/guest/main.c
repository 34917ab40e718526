#include "lib.h"
#include "script_event.h"

struct gate {
	uint32_t low, high; /* SDM vol. 3A, "IDT Descriptors" */
};

struct gate guest_idt[256];

extern char interrupt_common[];

/* 6A 00: PUSH 0; 68 and four bytes: PUSH vector; E9 and four bytes: JMP interrupt_common. */
struct stub {
	uint32_t push_zero_push_vector, jump;
	int32_t distance;
};

static struct stub stubs[256];
void guest_main(uint32_t slot);
void guest_interrupt(struct frame *frame);

enum { PUSHES = 0x0068006A, NOPS = 0x00689090, GATE = 0x8E00, CODE = 8 << 16 };
#define JUMP 0xE9000000

/* Where the processor pushes an error code, the stub does not push 0. */
static const uint8_t with_error_code[] = { 8, 10, 11, 12, 13, 14, 17, 21 };

void idt_set_up(void)
{
	int32_t distance = (int32_t)((uint32_t)interrupt_common - (uint32_t)(stubs + 1));

	if (guest_idt[255].low) /* another vCPU has done it */
		return;
	for (unsigned i = 0; i < sizeof(with_error_code); i++)
		stubs[with_error_code[i]].push_zero_push_vector = NOPS;
	for (uint32_t i = 0; i < 256; i++) {
		struct stub *stub = &stubs[i];

		if (!stub->push_zero_push_vector)
			stub->push_zero_push_vector = PUSHES;
		stub->push_zero_push_vector |= i << 24;
		stub->jump = JUMP;
		stub->distance = distance;
		distance -= (int32_t)sizeof(*stub);
		guest_idt[i].high = GATE; /* the guest lies below 64 KiB */
		guest_idt[i].low = CODE | (uint32_t)stub;
	}
}

void apic_enable(void)
{
	if (SHARED->x2apic)
		wrmsr(IA32_APIC_BASE, rdmsr(IA32_APIC_BASE) | 1 << 10);
	apic_write(APIC_SVR, 0x1FF);
}

uint32_t icr_differs(uint32_t low, uint32_t destination)
{
	uint64_t now;

	if (SHARED->x2apic)
		now = rdmsr(0x830);
	else
		now = (uint64_t)(apic_read(APIC_ICR_HIGH) >> 24) << 32 | apic_read(APIC_ICR);
	return now != ((uint64_t)destination << 32 | low);
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
			icr(SEND_INIT, id);
			for (uint32_t n = 0; n < SHARED->sipis; n++)
				icr(SEND_SIPI | SHARED->vector, id);
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
