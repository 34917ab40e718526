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
