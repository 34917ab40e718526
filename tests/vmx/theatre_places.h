/* Reading and writing what a row's changes are to, beside fields and general registers. */
#ifndef TESTS_VMX_THEATRE_PLACES_H
#define TESTS_VMX_THEATRE_PLACES_H

#include "x86/insn.h"

#include "tests/vmx/theatre.h"

static inline uint64_t read_memory(const struct theatre *theatre, uint32_t linear, unsigned bytes)
{
	uint64_t value = 0;

	__builtin_memcpy(&value, guest_byte(&theatre->memory, linear), bytes);
	return value;
}

static inline void write_memory(const struct theatre *theatre, uint32_t linear, unsigned bytes,
				uint64_t value)
{
	__builtin_memcpy(guest_byte(&theatre->memory, linear), &value, bytes);
}

/* AT_SEAT. */
static inline uint64_t read_seat(const struct theatre *theatre, uint32_t offset, unsigned bytes)
{
	uint64_t value = 0;

	__builtin_memcpy(&value, theatre->seat.pages + offset, bytes);
	return value;
}

static inline void write_seat(const struct theatre *theatre, uint32_t offset, unsigned bytes,
			      uint64_t value)
{
	__builtin_memcpy(theatre->seat.pages + offset, &value, bytes);
}

/* The value before. */
static inline uint64_t write_word(struct theatre *theatre, unsigned at, uint64_t value)
{
	uint64_t *word = theatre_word(theatre, at), before = *word;

	theatre->stale |= at < AT_VE;
	*word = value;
	return before;
}

static inline uint64_t read_register(unsigned at)
{
	switch (at) {
	case AT_CR2:
		return read_cr2();
	case AT_DR0:
		return read_dr0();
	case AT_DR1:
		return read_dr1();
	case AT_DR2:
		return read_dr2();
	case AT_DR3:
		return read_dr3();
	default:
		return read_dr6();
	}
}

static inline void write_register(unsigned at, uint64_t value)
{
	switch (at) {
	case AT_CR2:
		write_cr2(value);
		break;
	case AT_DR0:
		write_dr0(value);
		break;
	case AT_DR1:
		write_dr1(value);
		break;
	case AT_DR2:
		write_dr2(value);
		break;
	case AT_DR3:
		write_dr3(value);
		break;
	default:
		write_dr6(value);
	}
}

#endif
