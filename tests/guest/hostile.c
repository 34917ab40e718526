/* Programs that do what a guest should not. */
#include "lib.h"

struct __attribute__((packed)) pointer {
	uint16_t limit;
	uint32_t base;
};

static void no_idt(void)
{
	const struct pointer nothing = { 0, 0 };

	__asm__ volatile("lidt %0" : : "m"(nothing));
}

PROGRAM(triple_fault)
{
	(void)slot;
	no_idt();
	__asm__ volatile("int3");
}

/* Bochs and VirtualBox switch themselves off when a guest says this word to port 8900H. */
PROGRAM(shutdown)
{
	static const char word[] = "Shutdown";

	(void)slot;
	for (uint32_t i = 0; word[i]; i++)
		__asm__ volatile("outb %0, %1" : : "a"(word[i]), "d"((uint16_t)0x8900));
}

/* One IN and one OUT of each size in turn. argument[0]: step. value[0]: wrong results. */
PROGRAM(ports)
{
	enum { MAGIC = 0x5A5A5A5A };
	uint32_t size = 0;

	for (uint32_t port = 0; port < 0x10000; port += SHARED->argument[0]) {
		uint32_t eax = MAGIC;

		if (size == 0)
			__asm__ volatile("inb %1, %b0; outb %b0, %1"
					 : "+a"(eax)
					 : "d"((uint16_t)port));
		else if (size == 1)
			__asm__ volatile("inw %1, %w0; outw %w0, %1"
					 : "+a"(eax)
					 : "d"((uint16_t)port));
		else
			__asm__ volatile("inl %1, %0; outl %0, %1"
					 : "+a"(eax)
					 : "d"((uint16_t)port));
		size = (size + 1) % 3;
		SLOT(slot)->value[0] += eax != MAGIC;
		SLOT(slot)->counter++;
	}
}

/* Reads an MSR and writes back what was read, or 0: value[0] reads and value[2] writes that went
 * through, value[1] the sum of the numbers of those, value[3] other exceptions than #GP. */
static void msr(volatile struct guest_slot *slot, uint32_t number)
{
	uint32_t before = slot->exceptions;
	uint64_t value = 0;

	__asm__ volatile("rdmsr" : "+A"(value) : "c"(number));
	if (slot->exceptions == before) {
		slot->value[0]++;
		slot->value[1] += number;
	} else {
		slot->value[3] += slot->last_exception != 13;
	}
	before = slot->exceptions;
	__asm__ volatile("wrmsr" : : "A"(value), "c"(number));
	if (slot->exceptions == before)
		slot->value[2]++;
	else
		slot->value[3] += slot->last_exception != 13;
}

/* argument[0]: step through both ranges; then the destination[] words, ended by count. */
PROGRAM(msrs)
{
	SHARED->argument[7] = 2;
	for (uint32_t i = 0; i < 0x2000; i += SHARED->argument[0]) {
		msr(SLOT(slot), i);
		msr(SLOT(slot), 0xC0000000 + i);
	}
	for (uint32_t i = 0; i < SHARED->count; i++)
		msr(SLOT(slot), SHARED->destination[i]);
	SHARED->argument[7] = 0;
}

/* Where the slots of vCPUs lie that these guests do not have. */
static uint64_t *const directory = (uint64_t *)GUEST_TABLES;
static uint64_t *const table = (uint64_t *)(GUEST_TABLES + 0x1000);
static uint64_t *const pointers = (uint64_t *)(GUEST_TABLES + 0x2000);

static void set_cr4(uint32_t value)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(value));
}

static void set_paging(uint32_t cr3)
{
	uint32_t cr0;

	__asm__ volatile("mov %0, %%cr3" : : "r"(cr3));
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | 1u << 31) : "memory");
}

/*
 * A read and a write of guest-physical addresses: argument[1]:[0] the first, [3]:[2] the step,
 * [4] how many, through a window at 2 MiB. value[0]: reads that brought something.
 */
PROGRAM(pages)
{
	enum { WINDOW = 0x200000, MAGIC = 0x5A5A5A5A };
	uint64_t at = SHARED->argument[0] | (uint64_t)SHARED->argument[1] << 32;
	uint64_t step = SHARED->argument[2] | (uint64_t)SHARED->argument[3] << 32;

	directory[0] = 0x83; /* present, writable, 2 MiB */
	directory[1] = (uint32_t)table | 3;
	pointers[0] = (uint32_t)directory | 1;
	set_cr4(1 << 5);
	set_paging((uint32_t)pointers);
	for (uint32_t i = 0; i < SHARED->argument[4]; i++, at += step) {
		uint32_t eax = MAGIC;

		*(volatile uint64_t *)table = at | 3;
		__asm__ volatile("invlpg (%0)" : : "r"(WINDOW) : "memory");
		__asm__ volatile("movl (%1), %0" : "+a"(eax) : "r"(WINDOW));
		__asm__ volatile("movl %0, (%1)" : : "a"(eax), "r"(WINDOW) : "memory");
		SLOT(slot)->value[0] += eax != MAGIC;
		SLOT(slot)->counter++;
	}
}

/* The page directory is its own page table and page, for every address. */
PROGRAM(page_loop)
{
	uint32_t *self = (uint32_t *)directory;

	(void)slot;
	for (uint32_t i = 0; i < 1024; i++)
		self[i] = (uint32_t)self | 7;
	set_paging((uint32_t)self);
}

#define FLIP_BITS(number, first, last, changed, refused)                                           \
	for (uint32_t bit = first; bit <= last; bit++) {                                           \
		uint32_t old, now, before = SLOT(slot)->exceptions;                                \
                                                                                                   \
		__asm__ volatile("mov %%cr" #number ", %0" : "=a"(old));                           \
		__asm__ volatile("mov %0, %%cr" #number : : "a"(old ^ 1u << bit));                 \
		__asm__ volatile("mov %%cr" #number ", %0" : "=a"(now));                           \
		__asm__ volatile("mov %0, %%cr" #number : : "a"(old));                             \
		changed |= old ^ now;                                                              \
		refused |= (uint32_t)(SLOT(slot)->exceptions != before) << bit;                    \
	}

/* Each bit but PE and PG. value[0], [1]: bits of CR0 that changed, and that raised #GP; [2], [3]:
 * the same of CR4. */
PROGRAM(controls)
{
	uint32_t changed = 0, refused = 0;

	SHARED->argument[7] = 3;
	FLIP_BITS(0, 1, 30, changed, refused)
	SLOT(slot)->value[0] = changed;
	SLOT(slot)->value[1] = refused;
	changed = refused = 0;
	FLIP_BITS(4, 0, 31, changed, refused)
	SLOT(slot)->value[2] = changed;
	SLOT(slot)->value[3] = refused;
	SHARED->argument[7] = 0;
}

enum { NONE = 0xFF, UD = 6, GP = 13 };

/* EAX points to 64 free bytes, ECX is 0, EDX a selector beyond the GDT. */
static const struct {
	uint8_t vector, length, bytes[5];
} instructions[] = {
	{ UD, 3, { 0x0F, 0x01, 0xC1 } },	     /* VMCALL */
	{ UD, 3, { 0x0F, 0x01, 0xC2 } },	     /* VMLAUNCH */
	{ UD, 3, { 0x0F, 0x01, 0xC3 } },	     /* VMRESUME */
	{ UD, 3, { 0x0F, 0x01, 0xC4 } },	     /* VMXOFF */
	{ UD, 4, { 0xF3, 0x0F, 0xC7, 0x30 } },	     /* VMXON */
	{ UD, 4, { 0x66, 0x0F, 0xC7, 0x30 } },	     /* VMCLEAR */
	{ UD, 3, { 0x0F, 0xC7, 0x30 } },	     /* VMPTRLD */
	{ UD, 3, { 0x0F, 0xC7, 0x38 } },	     /* VMPTRST */
	{ UD, 3, { 0x0F, 0x78, 0xC1 } },	     /* VMREAD */
	{ UD, 3, { 0x0F, 0x79, 0xC1 } },	     /* VMWRITE */
	{ UD, 5, { 0x66, 0x0F, 0x38, 0x80, 0x08 } }, /* INVEPT */
	{ UD, 5, { 0x66, 0x0F, 0x38, 0x81, 0x08 } }, /* INVVPID */
	{ UD, 3, { 0x0F, 0x01, 0xD4 } },	     /* VMFUNC */
	{ UD, 2, { 0x0F, 0x37 } },		     /* GETSEC */
	{ UD, 2, { 0x0F, 0xAA } },		     /* RSM */
	{ UD, 3, { 0x0F, 0x01, 0xD1 } },	     /* XSETBV with CR4.OSXSAVE clear */
	{ UD, 3, { 0x0F, 0x01, 0xC8 } },	     /* MONITOR */
	{ UD, 3, { 0x0F, 0x01, 0xC9 } },	     /* MWAIT */
	{ UD, 2, { 0x0F, 0x05 } },		     /* SYSCALL */
	{ UD, 2, { 0x0F, 0x0B } },		     /* UD2 */
	{ NONE, 2, { 0x0F, 0x08 } },		     /* INVD */
	{ NONE, 2, { 0x0F, 0x09 } },		     /* WBINVD */
	{ NONE, 3, { 0x0F, 0x23, 0xC0 } },	     /* MOV DR0, EAX */
	{ NONE, 3, { 0x0F, 0x23, 0xF1 } },	     /* MOV DR6, ECX */
	{ NONE, 3, { 0x0F, 0x23, 0xE1 } },	     /* MOV DR4, ECX with CR4.DE clear */
	{ NONE, 3, { 0x0F, 0x23, 0xF9 } },	     /* MOV DR7, ECX */
	{ NONE, 3, { 0x0F, 0x01, 0x00 } },	     /* SGDT */
	{ NONE, 3, { 0x0F, 0x01, 0x08 } },	     /* SIDT */
	{ NONE, 3, { 0x0F, 0x00, 0x00 } },	     /* SLDT */
	{ NONE, 3, { 0x0F, 0x00, 0x08 } },	     /* STR */
	{ NONE, 3, { 0x0F, 0x01, 0x20 } },	     /* SMSW */
	{ NONE, 3, { 0x0F, 0x00, 0xD1 } },	     /* LLDT of null */
	{ GP, 3, { 0x0F, 0x00, 0xD2 } },	     /* LLDT beyond the GDT */
	{ GP, 3, { 0x0F, 0x00, 0xD9 } },	     /* LTR of null */
	{ GP, 3, { 0x0F, 0x00, 0xDA } },	     /* LTR beyond the GDT */
	{ GP, 2, { 0x0F, 0x34 } },		     /* SYSENTER, IA32_SYSENTER_CS is 0 */
	{ GP, 2, { 0x0F, 0x35 } },		     /* SYSEXIT, the same */
	{ NONE, 2, { 0x0F, 0x06 } },		     /* CLTS */
	{ NONE, 3, { 0x0F, 0x01, 0x38 } },	     /* INVLPG */
};

/* counter: how many; value[0]: how many went wrong; [1]: the first of them; [2]: what it raised. */
PROGRAM(instructions)
{
	static uint8_t code[8], scratch[64];

	for (uint32_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		uint32_t length = instructions[i].length, before = SLOT(slot)->exceptions, got;

		for (uint32_t n = 0; n < length; n++)
			code[n] = instructions[i].bytes[n];
		code[length] = 0xC3; /* RET */
		SHARED->argument[7] = length;
		__asm__ volatile("call *%%ebx"
				 :
				 : "a"(scratch), "b"(code), "c"(0), "d"(0xFFF8)
				 : "memory", "cc");
		got = SLOT(slot)->exceptions == before ? NONE : SLOT(slot)->last_exception;
		if (got != instructions[i].vector && SLOT(slot)->value[0]++ == 0) {
			SLOT(slot)->value[1] = i;
			SLOT(slot)->value[2] = got;
		}
		SLOT(slot)->counter++;
	}
	SHARED->argument[7] = 0;
}

/* XCR0 takes x87, and SSE with it; nothing else of this can be had. value[0]: wrong outcomes. */
PROGRAM(xsetbv)
{
	static const struct {
		uint32_t ecx, edx, eax, faults;
	} writes[] = {
		{ 0, 0, 1, 0 }, { 0, 0, 3, 0 }, { 0, 0, 0, 1 },		 { 0, 0, 2, 1 },
		{ 0, 0, 5, 1 }, { 1, 0, 1, 1 }, { 0, 0x80000000, 1, 1 }, { 0, 0, 0x80000001, 1 },
	};

	set_cr4(1 << 18); /* OSXSAVE */
	SHARED->argument[7] = 3;
	for (uint32_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		uint32_t before = SLOT(slot)->exceptions;

		__asm__ volatile("xsetbv"
				 :
				 : "c"(writes[i].ecx), "d"(writes[i].edx), "a"(writes[i].eax));
		SLOT(slot)->value[0] += SLOT(slot)->exceptions - before != writes[i].faults;
		SLOT(slot)->counter++;
	}
	SHARED->argument[7] = 0;
}

/* A jump through a TSS descriptor. */
PROGRAM(task)
{
	static uint8_t tss[104];
	static uint64_t gdt[4];
	struct pointer pointer = { sizeof(gdt) - 1, (uint32_t)gdt };
	uint64_t base = (uint32_t)tss;

	(void)slot;
	gdt[1] = 0x00CF9B000000FFFF;
	gdt[2] = 0x00CF93000000FFFF;
	gdt[3] = (sizeof(tss) - 1) | (base & 0xFFFFFF) << 16 | 0x89ull << 40;
	__asm__ volatile("lgdt %0; ljmp $24, $0" : : "m"(pointer) : "memory");
}
