#include "vm/access.h"

/* SDM vol. 1, "EFLAGS Register". */
enum {
	FLAG_CF = 1 << 0,
	FLAG_PF = 1 << 2,
	FLAG_AF = 1 << 4,
	FLAG_ZF = 1 << 6,
	FLAG_SF = 1 << 7,
	FLAG_OF = 1 << 11,
};

#define LOGIC_FLAGS ((uint64_t)(FLAG_CF | FLAG_PF | FLAG_ZF | FLAG_SF | FLAG_OF))

static uint64_t sign_bit(uint8_t size)
{
	return 1ull << (8 * size - 1);
}

uint64_t access_register_read(const uint64_t gpr[16], const struct access *a)
{
	uint64_t value = a->has_immediate ? a->immediate : gpr[a->reg];

	if (!a->has_immediate && a->high_byte)
		value >>= 8;
	return value & access_mask(a->size);
}

void access_register_write(uint64_t gpr[16], const struct access *a, uint64_t value)
{
	unsigned shift = a->high_byte ? 8 : 0;
	uint64_t mask = access_mask(a->reg_size);

	value &= access_mask(a->size);
	if (a->sign_extend && (value & sign_bit(a->size)))
		value |= mask & ~access_mask(a->size);
	if (a->reg_size >= 4)
		gpr[a->reg] = value;
	else
		gpr[a->reg] = (gpr[a->reg] & ~(mask << shift)) | (value << shift);
}

/* The flags that depend on the result alone. */
static uint64_t result_flags(uint64_t result, uint8_t size)
{
	uint64_t flags = 0;

	/* PF counts the low byte only; each bit of the constant is the even parity of its index. */
	if ((0x9669u >> ((result ^ (result >> 4)) & 0xf)) & 1)
		flags |= FLAG_PF;
	if (result == 0)
		flags |= FLAG_ZF;
	if (result & sign_bit(size))
		flags |= FLAG_SF;
	return flags;
}

static void set_logic_flags(uint64_t *rflags, uint64_t result, uint8_t size)
{
	*rflags = (*rflags & ~LOGIC_FLAGS) | result_flags(result, size);
}

static void set_compare_flags(uint64_t *rflags, uint64_t first, uint64_t second, uint8_t size)
{
	uint64_t result = (first - second) & access_mask(size);
	uint64_t flags = result_flags(result, size);

	if (first < second)
		flags |= FLAG_CF;
	if ((first ^ second ^ result) & 0x10) /* borrow out of bit 3 */
		flags |= FLAG_AF;
	if ((first ^ second) & (first ^ result) & sign_bit(size))
		flags |= FLAG_OF;
	*rflags = (*rflags & ~(LOGIC_FLAGS | FLAG_AF)) | flags;
}

bool access_execute(const struct access *a, uint64_t gpr[16], uint64_t *rflags, uint64_t memory,
		    uint64_t *store)
{
	uint64_t operand = access_register_read(gpr, a);
	uint64_t result = 0;

	memory &= access_mask(a->size);
	switch (a->op) {
	case ACCESS_LOAD:
		access_register_write(gpr, a, memory);
		return false;
	case ACCESS_STORE:
		*store = operand;
		return true;
	case ACCESS_XCHG:
		access_register_write(gpr, a, memory);
		*store = operand;
		return true;
	case ACCESS_TEST:
		set_logic_flags(rflags, memory & operand, a->size);
		return false;
	case ACCESS_CMP:
		if (a->memory_is_destination)
			set_compare_flags(rflags, memory, operand, a->size);
		else
			set_compare_flags(rflags, operand, memory, a->size);
		return false;
	case ACCESS_AND:
		result = memory & operand;
		break;
	case ACCESS_OR:
		result = memory | operand;
		break;
	}
	set_logic_flags(rflags, result, a->size);
	if (a->memory_is_destination) {
		*store = result;
		return true;
	}
	access_register_write(gpr, a, result);
	return false;
}
