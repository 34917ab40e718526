/*
 * The four functions that compilers call on their own, even with -ffreestanding (GCC manual,
 * "Language Standards Supported by GCC"). Weak: a gnu-efi that brings them may do so.
 */
#include "lib/base.h"

__attribute__((weak)) void *memcpy(void *restrict to, const void *restrict from, size_t size);
__attribute__((weak)) void *memmove(void *to, const void *from, size_t size);
__attribute__((weak)) void *memset(void *to, int value, size_t size);
__attribute__((weak)) int memcmp(const void *a, const void *b, size_t size);

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	void *end = to;
	size_t words = size / 8, rest = size % 8;

	__asm__ volatile("rep movsq" : "+D"(end), "+S"(from), "+c"(words)::"memory");
	__asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(rest)::"memory");
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if ((uintptr_t)to - (uintptr_t)from >= size)
		return memcpy(to, from, size);
	/* The end of the source would be overwritten: backwards. The volatile keeps the compiler
	 * from making this loop a call of memmove. */
	while (size--)
		((volatile unsigned char *)t)[size] = f[size];
	return to;
}

void *memset(void *to, int value, size_t size)
{
	void *end = to;
	uint64_t pattern = (unsigned char)value * 0x0101010101010101u;
	size_t words = size / 8, rest = size % 8;

	__asm__ volatile("rep stosq" : "+D"(end), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(end), "+c"(rest) : "a"(pattern) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a, *y = b;

	for (size_t i = 0; i < size; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}
