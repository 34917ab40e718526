/*
 * Accesses to the APIC-access page: SDM vol. 3C, "Virtualizing Memory-Mapped APIC Accesses". All
 * offsets by combinations of controls, and sizes of data at the borders of registers.
 */
#include "tests/vmx/apic/make.h"
#include "tests/vmx/exit/needs.h"
#include "tests/vmx/exit/sections.h"

enum { OFFSETS = 256, REGISTER_BYTES = 16, WORD_BYTES = 4 };

#define VALUE 0x9876543210ABCDE0ull /* that is read or written; in the ICR no self-IPI */
#define OTHER 0xFEDCBA98u	    /* that it replaces */
#define UNTOUCHED 0x13579BDFull	    /* in the APIC-access page */

/* ---- what the SDM says ---- */

#define R(offset) (1ull << (offset) / REGISTER_BYTES)
#define RANGE(from, to) ((R(to) << 1) - R(from))

/* With "APIC-register virtualization". */
static const uint64_t readable = R(APIC_ID) | R(APIC_VERSION) | R(APIC_TPR) | R(APIC_EOI) |
				 RANGE(APIC_LDR, APIC_ESR) | R(APIC_ICR) | R(APIC_ICR_HIGH) |
				 RANGE(APIC_LVT_TIMER, APIC_TIMER_INITIAL) | R(APIC_TIMER_DIVIDE);
static const uint64_t writable = R(APIC_ID) | R(APIC_TPR) | R(APIC_EOI) |
				 RANGE(APIC_LDR, APIC_SVR) | R(APIC_ESR) | R(APIC_ICR) |
				 R(APIC_ICR_HIGH) | RANGE(APIC_LVT_TIMER, APIC_TIMER_INITIAL) |
				 R(APIC_TIMER_DIVIDE);

static bool in_list(uint64_t list, unsigned offset)
{
	return offset < WATCHED_BYTES && list >> offset / REGISTER_BYTES & 1;
}

/* The controls that the row turns on. */
struct controls {
	bool shadow, registers, delivery;
};

static struct controls controls_of(const struct guest_made *made)
{
	const uint64_t secondary = made_turned_on(made, AT_SECONDARY_CONTROLS);

	return (struct controls){
		.shadow = made_turned_on(made, AT_PRIMARY_CONTROLS) &
			  CONTROL_MASK(PRIMARY_TPR_SHADOW),
		.registers = secondary & CONTROL_MASK(SECONDARY_APIC_REGISTERS),
		.delivery = secondary & CONTROL_MASK(SECONDARY_INTERRUPT_DELIVERY),
	};
}

static bool may_be_virtualized(struct controls on, unsigned offset, unsigned bytes)
{
	return on.shadow && offset % REGISTER_BYTES + bytes <= WORD_BYTES;
}

static bool reads_page(struct controls on, unsigned offset, unsigned bytes)
{
	if (!may_be_virtualized(on, offset, bytes))
		return false;
	return on.registers ? in_list(readable, offset) : offset == APIC_TPR;
}

static bool writes_page(struct controls on, unsigned offset, unsigned bytes)
{
	if (!may_be_virtualized(on, offset, bytes))
		return false;
	if (on.registers)
		return in_list(writable, offset);
	return offset == APIC_TPR || (on.delivery && (offset == APIC_EOI || offset == APIC_ICR));
}

/* ---- cases; .argument of a row is the size of the data ---- */

static uint64_t low_bytes(uint64_t all, uint64_t low, unsigned bytes)
{
	return (all >> 8 * bytes) << 8 * bytes | (low & ((1ull << 8 * bytes) - 1));
}

static void make_access_exit(struct guest_made *made, unsigned offset, enum access_type type)
{
	made->row.end = GUEST_EXITS_AT;
	made->row.number = REASON_APIC_ACCESS;
	made_after(made, (struct guest_change)QUALIFICATION(type | offset));
	made_after(made, (struct guest_change)RF_UNJUDGED);
}

static void make_write_exit(struct guest_made *made, unsigned offset)
{
	made->row.end = GUEST_EXITS_NEXT;
	made->row.number = REASON_APIC_WRITE;
	made_after(made, (struct guest_change)QUALIFICATION(offset));
}

/* RBX is there; the APIC-access page has another value and keeps it. */
static void make_place(struct guest_made *made, unsigned offset)
{
	const struct guest_change untouched = MEMORY(4, ACCESS(offset & ~3u), UNTOUCHED);

	made_before(made, untouched);
	made_after(made, untouched);
	made_before(made, (struct guest_change)REG_ADD(RBX, offset));
}

/* Entries and writes of the TPR make VPPR what VTPR is; no interrupt is in service. */
static void make_vppr(struct guest_made *made, struct controls on, unsigned offset, uint64_t word)
{
	const uint32_t vtpr = made_word(made, APIC_TPR);

	if (on.delivery)
		made_after(made,
			   (struct guest_change)VPPR((offset == APIC_TPR ? word : vtpr) & 0xFF));
}

static void make_read(struct guest_made *made, unsigned offset)
{
	const unsigned bytes = made->row.argument, word = offset & ~3u;
	const uint64_t value = (uint32_t)VALUE;
	const struct controls on = controls_of(made);

	make_place(made, offset);
	made_before(made, (struct guest_change)REG(RAX, ~VALUE));
	made_before(made, (struct guest_change)WORD(word, value));
	make_vppr(made, on, word, value);
	if (!reads_page(on, offset, bytes)) {
		make_access_exit(made, offset, TYPE_READ);
		return;
	}
	made_after(made,
		   (struct guest_change)REG(RAX, low_bytes(bytes == WORD_BYTES ? 0 : ~VALUE,
							   value >> 8 * (offset - word), bytes)));
}

/* APIC-write emulation; the value of VICR_LO is no self-IPI. */
static void make_emulation(struct guest_made *made, struct controls on, unsigned offset,
			   uint64_t value)
{
	if (offset == APIC_TPR)
		value &= 0xFF;
	else if (offset == APIC_ICR_HIGH)
		value &= 0xFF000000;
	else if (offset == APIC_EOI && on.delivery)
		value = 0;
	else
		make_write_exit(made, offset);
	make_vppr(made, on, offset, value);
	made_after(made, (struct guest_change)WORD(offset, value));
}

static void make_write(struct guest_made *made, unsigned offset)
{
	const unsigned bytes = made->row.argument;
	const struct controls on = controls_of(made);
	const bool virtualized = writes_page(on, offset, bytes);

	/* What follows a write of a register's upper bytes alone is not said. */
	if (virtualized)
		offset &= ~3u;
	make_place(made, offset);
	made_before(made, (struct guest_change)REG(RAX, VALUE));
	made_before(made, (struct guest_change)WORD(offset & ~3u, OTHER));
	if (virtualized) {
		make_emulation(made, on, offset, low_bytes(OTHER, VALUE, bytes));
	} else {
		make_vppr(made, on, offset & ~3u, OTHER);
		make_access_exit(made, offset, TYPE_WRITE);
	}
}

static void read_register(unsigned number, struct guest_made *made)
{
	make_read(made, number * REGISTER_BYTES);
}

static void write_register(unsigned number, struct guest_made *made)
{
	make_write(made, number * REGISTER_BYTES);
}

/* Offsets in and around registers. */
static const uint16_t borders[] = {
	0x01F, 0x020, 0x023, 0x024, 0x07C, 0x07D, 0x07E, 0x07F, 0x080, 0x081, 0x082, 0x083,
	0x084, 0x088, 0x08C, 0x08F, 0x0A0, 0x0AE, 0x0B0, 0x0B1, 0x0B4, 0x103, 0x104, 0x200,
	0x202, 0x2FF, 0x300, 0x302, 0x303, 0x304, 0x30C, 0x310, 0x312, 0x318, 0x370, 0x3E0,
	0x3E3, 0x3E4, 0x3F0, 0x3FF, 0x400, 0x480, 0x481, 0x700, 0x800, 0xC80, 0xF80, 0xFF0,
};

static void read_border(unsigned number, struct guest_made *made)
{
	make_read(made, borders[number]);
}

static void write_border(unsigned number, struct guest_made *made)
{
	make_write(made, borders[number]);
}

/* clang-format off */
#define READS(rule, ...) \
	{ rule, KERNEL_64, FRAGMENT_LOAD_32, ENDS(PASSES), BEFORE(__VA_ARGS__), WATCHED, .make = read_register, .count = OFFSETS, .argument = 4 }
#define WRITES(rule, ...) \
	{ rule, KERNEL_64, FRAGMENT_STORE_32, ENDS(PASSES), BEFORE(__VA_ARGS__), WATCHED, .make = write_register, .count = OFFSETS, .argument = 4 }
#define SOME_MODES (1 << MODE_64 | 1 << MODE_COMPAT_USER | 1 << MODE_V86 | 1 << MODE_REAL)
#define READ_SIZES(modes, ...) \
	SIZE("apic.size", modes, LOAD, read, 1, __VA_ARGS__), SIZE("apic.size", modes, LOAD_16, read, 2, __VA_ARGS__), \
	SIZE("apic.size", modes, LOAD_32, read, 4, __VA_ARGS__), SIZE("apic.size", KERNEL_64 & (modes), LOAD_64, read, 8, __VA_ARGS__)
#define WRITE_SIZES(small, modes, ...) \
	SIZE(small, modes, STORE, write, 1, __VA_ARGS__), SIZE(small, modes, STORE_16, write, 2, __VA_ARGS__), \
	SIZE("apic.size", modes, STORE_32, write, 4, __VA_ARGS__), SIZE("apic.size", KERNEL_64 & (modes), STORE_64, write, 8, __VA_ARGS__)
#define SIZE(rule, modes, name, how, size, ...) \
	{ rule, modes, FRAGMENT_##name, ENDS(PASSES), BEFORE(__VA_ARGS__), WATCHED, .make = how##_border, .count = ARRAY_SIZE(borders), .argument = size }

static const struct guest_row rows[] = {
	READS("apic.read", ACCESSES, SHADOW),
	READS("apic.read", ACCESSES, SHADOW, REGISTERS),
	READS("apic.read", ACCESSES, SHADOW, DELIVERY),
	READS("apic.read", ACCESSES, SHADOW, REGISTERS, DELIVERY),
	WRITES("apic.write", ACCESSES, SHADOW),
	WRITES("apic.write", ACCESSES, SHADOW, REGISTERS),
	WRITES("apic.write", ACCESSES, SHADOW, DELIVERY),
	WRITES("apic.write", ACCESSES, SHADOW, REGISTERS, DELIVERY),
	READS("apic.no_shadow", ACCESSES),
	WRITES("apic.no_shadow", ACCESSES),
	READ_SIZES(KERNEL_64, ACCESSES, SHADOW),
	READ_SIZES(KERNEL_64, ACCESSES, SHADOW, DELIVERY),
	READ_SIZES(SOME_MODES, ACCESSES, SHADOW, REGISTERS, DELIVERY),
	WRITE_SIZES("apic.size", KERNEL_64, ACCESSES, SHADOW),
	WRITE_SIZES("apic.size.inside", KERNEL_64, ACCESSES, SHADOW, DELIVERY),
	WRITE_SIZES("apic.size", SOME_MODES, ACCESSES, SHADOW, REGISTERS, DELIVERY),
};
/* clang-format on */

const struct guest_section apic_accesses = { rows, ARRAY_SIZE(rows) };
