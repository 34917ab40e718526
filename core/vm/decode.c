#include "vm/decode.h"

/* Longer ones raise #GP: SDM vol. 3A, "Interrupt 13--General Protection Exception (#GP)". */
enum { INSTRUCTION_MAX = 15 };

/* How a form differs from: a register first, then memory of the same size; no LOCK. */
enum {
	MEM = 1 << 0,	 /* memory is the first operand */
	LOCK = 1 << 1,	 /* LOCK is allowed: SDM vol. 2A, "LOCK--Assert LOCK# Signal Prefix" */
	IMM8 = 1 << 2,	 /* immediate of one byte */
	IMM = 1 << 3,	 /* immediate of operand size, at most four bytes */
	MOFFS = 1 << 4,	 /* no ModRM: accumulator, and an address of address size */
	EXTEND = 1 << 5, /* memory of one or two bytes to a register of operand size */
	SIGN = 1 << 6,	 /* ... with its sign */
};

enum { ANY = 0xff };

/*
 * Bit 0 of every opcode here is the w bit: clear for bytes, set for operand size. Two-byte opcodes
 * begin with 0F. digit: the value of ModRM.reg that completes the opcode; ANY: it is a register.
 */
static const struct form {
	uint16_t opcode;
	uint8_t digit;
	uint8_t op; /* enum access_op */
	uint8_t flags;
} forms[] = {
	{ 0x08, ANY, ACCESS_OR, MEM | LOCK },
	{ 0x09, ANY, ACCESS_OR, MEM | LOCK },
	{ 0x0a, ANY, ACCESS_OR, 0 },
	{ 0x0b, ANY, ACCESS_OR, 0 },
	{ 0x20, ANY, ACCESS_AND, MEM | LOCK },
	{ 0x21, ANY, ACCESS_AND, MEM | LOCK },
	{ 0x22, ANY, ACCESS_AND, 0 },
	{ 0x23, ANY, ACCESS_AND, 0 },
	{ 0x38, ANY, ACCESS_CMP, MEM },
	{ 0x39, ANY, ACCESS_CMP, MEM },
	{ 0x3a, ANY, ACCESS_CMP, 0 },
	{ 0x3b, ANY, ACCESS_CMP, 0 },
	{ 0x80, 1, ACCESS_OR, MEM | LOCK | IMM8 },
	{ 0x80, 4, ACCESS_AND, MEM | LOCK | IMM8 },
	{ 0x80, 7, ACCESS_CMP, MEM | IMM8 },
	{ 0x81, 1, ACCESS_OR, MEM | LOCK | IMM },
	{ 0x81, 4, ACCESS_AND, MEM | LOCK | IMM },
	{ 0x81, 7, ACCESS_CMP, MEM | IMM },
	{ 0x83, 1, ACCESS_OR, MEM | LOCK | IMM8 },
	{ 0x83, 4, ACCESS_AND, MEM | LOCK | IMM8 },
	{ 0x83, 7, ACCESS_CMP, MEM | IMM8 },
	{ 0x84, ANY, ACCESS_TEST, MEM },
	{ 0x85, ANY, ACCESS_TEST, MEM },
	{ 0x86, ANY, ACCESS_XCHG, MEM | LOCK },
	{ 0x87, ANY, ACCESS_XCHG, MEM | LOCK },
	{ 0x88, ANY, ACCESS_STORE, MEM },
	{ 0x89, ANY, ACCESS_STORE, MEM },
	{ 0x8a, ANY, ACCESS_LOAD, 0 },
	{ 0x8b, ANY, ACCESS_LOAD, 0 },
	{ 0xa0, ANY, ACCESS_LOAD, MOFFS },
	{ 0xa1, ANY, ACCESS_LOAD, MOFFS },
	{ 0xa2, ANY, ACCESS_STORE, MEM | MOFFS },
	{ 0xa3, ANY, ACCESS_STORE, MEM | MOFFS },
	{ 0xc6, 0, ACCESS_STORE, MEM | IMM8 },
	{ 0xc7, 0, ACCESS_STORE, MEM | IMM },
	{ 0xf6, 0, ACCESS_TEST, MEM | IMM8 },
	{ 0xf7, 0, ACCESS_TEST, MEM | IMM },
	{ 0x0fb6, ANY, ACCESS_LOAD, EXTEND },
	{ 0x0fb7, ANY, ACCESS_LOAD, EXTEND },
	{ 0x0fbe, ANY, ACCESS_LOAD, EXTEND | SIGN },
	{ 0x0fbf, ANY, ACCESS_LOAD, EXTEND | SIGN },
};

struct cursor {
	const uint8_t *bytes;
	size_t count, position;
	enum decode_status status; /* the first failure stays */
};

/* The next n <= 8 bytes, little-endian; 0 once the instruction does not fit. */
static uint64_t take(struct cursor *c, size_t n)
{
	uint64_t value = 0;

	if (c->status != DECODE_OK)
		return 0;
	if (n > INSTRUCTION_MAX - c->position) {
		c->status = DECODE_REFUSED;
		return 0;
	}
	if (n > c->count - c->position) {
		c->status = DECODE_TRUNCATED;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		value |= (uint64_t)c->bytes[c->position++] << (8 * i);
	return value;
}

struct prefixes {
	bool operand_size, address_size, lock;
	uint8_t rex; /* 0 if none */
};

/*
 * Returns the first byte that is no prefix. F2 and F3 count as such, so that no form matches them.
 * SDM vol. 2A, "Instruction Prefixes" and "REX Prefixes".
 */
static uint8_t take_prefixes(struct cursor *c, unsigned mode_bits, struct prefixes *p)
{
	for (;;) {
		uint8_t byte = (uint8_t)take(c, 1);

		if (mode_bits == 64 && (byte & 0xf0) == 0x40) {
			p->rex = byte;
			continue;
		}
		switch (byte) {
		case 0x26: /* ES */
		case 0x2e: /* CS */
		case 0x36: /* SS */
		case 0x3e: /* DS */
		case 0x64: /* FS */
		case 0x65: /* GS */
			break;
		case 0x66:
			p->operand_size = true;
			break;
		case 0x67:
			p->address_size = true;
			break;
		case 0xf0:
			p->lock = true;
			break;
		default:
			return byte;
		}
		p->rex = 0; /* a REX that does not come right before the opcode is ignored */
	}
}

/* digit ANY: any form of the opcode. */
static const struct form *find_form(uint16_t opcode, uint8_t digit)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const struct form *f = &forms[i];

		if (f->opcode == opcode && (f->digit == digit || f->digit == ANY || digit == ANY))
			return f;
	}
	return NULL;
}

/* SIB and displacement. SDM vol. 2A, "Addressing-Mode Encoding of ModR/M and SIB Bytes". */
static void skip_address(struct cursor *c, uint8_t modrm, unsigned address_size)
{
	uint8_t mod = modrm >> 6;
	uint8_t base = modrm & 7;
	size_t wide = 4; /* bytes of a displacement that is not disp8 */
	bool no_base;	 /* mod 0: a displacement alone, or RIP-relative */

	if (address_size == 2) {
		wide = 2;
		no_base = base == 6;
	} else {
		if (base == 4)
			base = take(c, 1) & 7;
		no_base = base == 5;
	}
	if (mod == 1)
		take(c, 1);
	else if (mod == 2 || no_base)
		take(c, wide);
}

static uint64_t take_immediate(struct cursor *c, size_t n, uint8_t size)
{
	unsigned unused = (unsigned)(64 - 8 * n);

	return (uint64_t)((int64_t)(take(c, n) << unused) >> unused) & access_mask(size);
}

enum decode_status decode_access(const uint8_t *bytes, size_t count, unsigned mode_bits,
				 struct access *out)
{
	struct cursor c = { .bytes = bytes, .count = count };
	struct prefixes p = { 0 };
	struct access a = { 0 };
	const struct form *form;
	uint16_t opcode;
	uint8_t operand_size, address_size, reg = 0;

	if (mode_bits != 16 && mode_bits != 32 && mode_bits != 64)
		return DECODE_REFUSED;

	opcode = take_prefixes(&c, mode_bits, &p);
	if (opcode == 0x0f)
		opcode = (uint16_t)(0x0f00 | take(&c, 1));
	if (c.status != DECODE_OK)
		return c.status;
	form = find_form(opcode, ANY);
	if (!form)
		return DECODE_REFUSED;

	operand_size = p.operand_size != (mode_bits == 16) ? 2 : 4;
	if (p.rex & 8) /* W; it overrides 66 */
		operand_size = 8;
	if (mode_bits == 64)
		address_size = p.address_size ? 4 : 8;
	else
		address_size = p.address_size != (mode_bits == 16) ? 2 : 4;

	if (form->flags & MOFFS) {
		take(&c, address_size);
	} else {
		uint8_t modrm = (uint8_t)take(&c, 1);

		if (c.status != DECODE_OK)
			return c.status;
		reg = (modrm >> 3) & 7;
		form = find_form(opcode, reg);
		if (!form || modrm >> 6 == 3)
			return DECODE_REFUSED;
		if (p.rex & 4) /* R */
			reg |= 8;
		skip_address(&c, modrm, address_size);
	}
	if (p.lock && !(form->flags & LOCK))
		return DECODE_REFUSED;

	a.op = form->op;
	a.size = opcode & 1 ? operand_size : 1;
	a.reg_size = a.size;
	if (form->flags & EXTEND) {
		a.size = opcode & 1 ? 2 : 1;
		a.reg_size = operand_size;
	}
	a.sign_extend = form->flags & SIGN;
	a.memory_is_destination = form->flags & MEM;
	if (form->flags & (IMM8 | IMM)) {
		size_t n = form->flags & IMM8 ? 1 : min_u64(operand_size, 4);

		a.has_immediate = true;
		a.immediate = take_immediate(&c, n, a.size);
	} else if (a.reg_size == 1 && !p.rex && reg >= 4) {
		a.high_byte = true;
		a.reg = reg & 3;
	} else {
		a.reg = reg;
	}
	if (c.status != DECODE_OK)
		return c.status;
	a.length = (uint8_t)c.position;
	*out = a;
	return DECODE_OK;
}
