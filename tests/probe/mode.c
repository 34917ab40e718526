#include "tests/probe/mode.h"

#include "tests/probe/fragment.h"

const struct guest_mode_row guest_modes[GUEST_MODES] = {
	[MODE_64] = { "64-bit mode", CODE_64, false },
	[MODE_64_USER] = { "64-bit mode, CPL 3", CODE_64, true },
	[MODE_COMPAT] = { "compatibility mode", CODE_32, false },
	[MODE_COMPAT_USER] = { "compatibility mode, CPL 3", CODE_32, true },
	[MODE_PAE] = { "protected mode, PAE", CODE_32, false },
	[MODE_PAE_USER] = { "protected mode, PAE, CPL 3", CODE_32, true },
	[MODE_32] = { "protected mode", CODE_32, false },
	[MODE_32_USER] = { "protected mode, CPL 3", CODE_32, true },
	[MODE_16] = { "16-bit protected mode", CODE_16, false },
	[MODE_16_USER] = { "16-bit protected mode, CPL 3", CODE_16, true },
	[MODE_V86] = { "virtual-8086 mode", CODE_16, true },
	[MODE_FLAT] = { "protected mode without paging", CODE_32, false },
	[MODE_FLAT_USER] = { "protected mode without paging, CPL 3", CODE_32, true },
	[MODE_REAL] = { "real mode", CODE_16, false },
};

/* ---- memory ---- */

/* In the entries of page tables. */
enum { PRESENT = 1 << 0, WRITABLE = 1 << 1, USER = 1 << 2, ACCESSED_DIRTY = 3 << 5 };
enum { TABLE = PRESENT | WRITABLE | USER | ACCESSED_DIRTY };

enum { HANDLER_BYTES = 4, VECTORS = 256 };

static void *page_at(const struct guest_memory *memory, enum guest_page page)
{
	return memory->pages + page * (size_t)PAGE_SIZE;
}

static void put(void *at, uint64_t value, size_t bytes)
{
	__builtin_memcpy(at, &value, bytes);
}

/* Of the page in a page table. */
static uint32_t page_flags(enum guest_page page)
{
	switch ((unsigned)page) {
	case GUEST_ABSENT:
		return TABLE & ~PRESENT;
	case GUEST_READ_ONLY:
		return TABLE & ~WRITABLE;
	case GUEST_SYSTEM:
		return TABLE & ~USER;
	default:
		return TABLE;
	}
}

static void fill_page_tables(const struct guest_memory *memory)
{
	uint64_t *table = page_at(memory, GUEST_PAGE_TABLE);
	uint32_t *table_32 = page_at(memory, GUEST_PAGE_TABLE_32);

	put(page_at(memory, GUEST_PML4), guest_physical(memory, GUEST_PDPT) | TABLE, 8);
	put(page_at(memory, GUEST_PDPT), guest_physical(memory, GUEST_DIRECTORY) | TABLE, 8);
	put(page_at(memory, GUEST_PAE_PDPT), guest_physical(memory, GUEST_DIRECTORY) | PRESENT, 8);
	put(page_at(memory, GUEST_DIRECTORY), guest_physical(memory, GUEST_PAGE_TABLE) | TABLE, 8);
	put(page_at(memory, GUEST_DIRECTORY_32),
	    guest_physical(memory, GUEST_PAGE_TABLE_32) | TABLE, 4);
	for (unsigned i = 0; i < GUEST_LINEAR_PAGES; i++) {
		const uint64_t entry = guest_physical(memory, i) | page_flags(i);

		table[GUEST_LINEAR / PAGE_SIZE + i] = entry;
		table_32[GUEST_LINEAR / PAGE_SIZE + i] = (uint32_t)entry;
	}
}

/* As a descriptor has them: SDM vol. 3A, "Segment Descriptors"; APM vol. 2, the same. */
static uint64_t descriptor(uint64_t base, uint64_t limit, uint64_t rights)
{
	return (limit & 0xFFFF) | (base & 0xFFFFFF) << 16 | rights << 40 |
	       (limit >> 16 & 0xF) << 48 | base >> 24 << 56;
}

enum {
	RIGHTS_CODE_64 = 0xA09B, /* accessed, readable */
	RIGHTS_CODE_32 = 0xC09B,
	RIGHTS_CODE_16 = 0x009B,
	RIGHTS_DATA_32 = 0xC093, /* accessed, writable */
	RIGHTS_DATA_16 = 0x0093,
	RIGHTS_USER = 3 << 5,
	RIGHTS_PRESENT = 1 << 7,
	RIGHTS_LDT = 0x82,
	RIGHTS_TSS_FREE = 0x89,
	RIGHTS_TSS_BUSY = 0x8B,
	RIGHTS_TASK_GATE = 0x85,
};
#define FLAT_LIMIT 0xFFFFFu

static void fill_gdt(const struct guest_memory *memory)
{
	uint64_t *gdt = page_at(memory, GUEST_TABLES);
	const struct {
		uint16_t selector;
		uint64_t value;
	} rows[] = {
		{ SELECTOR_CODE_64, descriptor(0, FLAT_LIMIT, RIGHTS_CODE_64) },
		{ SELECTOR_DATA, descriptor(0, FLAT_LIMIT, RIGHTS_DATA_32) },
		{ SELECTOR_CODE_32, descriptor(0, FLAT_LIMIT, RIGHTS_CODE_32) },
		{ SELECTOR_CODE_64_USER, descriptor(0, FLAT_LIMIT, RIGHTS_CODE_64 | RIGHTS_USER) },
		{ SELECTOR_DATA_USER, descriptor(0, FLAT_LIMIT, RIGHTS_DATA_32 | RIGHTS_USER) },
		{ SELECTOR_CODE_32_USER, descriptor(0, FLAT_LIMIT, RIGHTS_CODE_32 | RIGHTS_USER) },
		{ SELECTOR_CODE_16, descriptor(GUEST_LINEAR, 0xFFFF, RIGHTS_CODE_16) },
		{ SELECTOR_DATA_16, descriptor(GUEST_LINEAR, 0xFFFF, RIGHTS_DATA_16) },
		{ SELECTOR_CODE_16_USER,
		  descriptor(GUEST_LINEAR, 0xFFFF, RIGHTS_CODE_16 | RIGHTS_USER) },
		{ SELECTOR_DATA_16_USER,
		  descriptor(GUEST_LINEAR, 0xFFFF, RIGHTS_DATA_16 | RIGHTS_USER) },
		{ SELECTOR_TSS,
		  descriptor(GUEST_AT(GUEST_TABLES, TSS_AT), TSS_LIMIT, RIGHTS_TSS_BUSY) },
		{ SELECTOR_LDT, descriptor(GUEST_AT(GUEST_TABLES, LDT_AT), LDT_LIMIT, RIGHTS_LDT) },
		{ SELECTOR_TSS_FREE,
		  descriptor(GUEST_AT(GUEST_TABLES, TSS_AT), TSS_LIMIT, RIGHTS_TSS_FREE) },
		{ SELECTOR_ABSENT, descriptor(0, FLAT_LIMIT, RIGHTS_DATA_32 & ~RIGHTS_PRESENT) },
		{ SELECTOR_GATE,
		  (uint64_t)(RIGHTS_TASK_GATE | RIGHTS_USER) << 40 | SELECTOR_TSS_FREE << 16 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		gdt[rows[i].selector / 8] = rows[i].value;
}

/* Stacks for CPL 0, and no bitmap of ports: its base is the limit. */
static void fill_tss(const struct guest_memory *memory)
{
	uint8_t *tss = (uint8_t *)page_at(memory, GUEST_TABLES) + TSS_AT;
	const uint64_t stack = GUEST_AT(GUEST_STACK, STACK_TSS);
	enum { IO_BASE = 0x66 };

	for (unsigned size = 0; size < CODE_SIZES; size++, tss += TSS_BYTES) {
		put(tss + 4, size == CODE_16 ? stack - GUEST_LINEAR : stack,
		    size == CODE_64 ? 8 : 4);
		if (size != CODE_64)
			put(tss + 8, size == CODE_16 ? SELECTOR_DATA_16 : SELECTOR_DATA, 4);
		put(tss + IO_BASE, TSS_LIMIT + 1, 2);
	}
}

/* ---- exceptions and interrupts ---- */

static uint64_t handler(unsigned vector)
{
	return GUEST_AT(GUEST_HANDLERS, vector * (uint64_t)HANDLER_BYTES);
}

static uint16_t gate_selector(unsigned vector, uint16_t code)
{
	return vector == VECTOR_NULL ? 0
	       : vector == VECTOR_NO_CODE
		       ? (code == SELECTOR_CODE_16 ? SELECTOR_DATA_16 : SELECTOR_DATA)
		       : code;
}

/* Type and rights; the size of the gate is bit 3 of the type. */
static uint32_t gate_rights(unsigned vector, bool wide)
{
	uint32_t rights = 6u | (vector & 1) | (wide ? 8u : 0);

	if (vector >= VECTOR_USER_ONLY || vector == 3 || vector == 4)
		rights |= RIGHTS_USER;
	return vector == VECTOR_NOT_PRESENT ? rights : rights | RIGHTS_PRESENT;
}

static uint64_t gate(unsigned vector, uint16_t code, uint64_t offset)
{
	const bool wide = code != SELECTOR_CODE_16;

	return (offset & 0xFFFF) | (uint64_t)gate_selector(vector, code) << 16 |
	       (uint64_t)gate_rights(vector, wide) << 40 | (offset & 0xFFFF0000) << 32;
}

static void fill_idts(const struct guest_memory *memory)
{
	static const uint8_t code[] = { 0x90, 0x0F, 0xA2 }; /* NOP, CPUID */
	uint64_t *idt_64 = page_at(memory, GUEST_IDT_64), *idt_32 = page_at(memory, GUEST_IDT_32);
	uint64_t *idt_16 = page_at(memory, GUEST_IDT_16);
	uint8_t *handlers = page_at(memory, GUEST_HANDLERS);
	uint32_t *ivt = page_at(memory, GUEST_IVT);

	for (unsigned i = 0; i < VECTORS; i++) {
		const uint64_t offset_16 = handler(i) - GUEST_LINEAR;

		__builtin_memcpy(handlers + i * (size_t)HANDLER_BYTES, code, sizeof(code));
		idt_64[2 * i] = gate(i, SELECTOR_CODE_64, handler(i));
		idt_32[i] = gate(i, SELECTOR_CODE_32, handler(i));
		idt_16[i] = gate(i, SELECTOR_CODE_16, offset_16);
		ivt[i] = (uint32_t)SELECTOR_REAL << 16 | (uint32_t)offset_16;
	}
}

static bool copy_code(const struct guest_memory *memory, enum guest_page page,
		      const struct guest_code *code)
{
	const size_t size = (size_t)(code->end - code->start);

	if (size > GUEST_CODE_BYTES)
		return false;
	__builtin_memcpy(page_at(memory, page), code->start, size);
	return true;
}

bool guest_memory_fill(const struct guest_memory *memory, const struct guest_code *vendor)
{
	fill_page_tables(memory);
	fill_gdt(memory);
	fill_tss(memory);
	fill_idts(memory);
	return copy_code(memory, GUEST_CODE, &neutral_fragments.code) &&
	       (!vendor->start || copy_code(memory, GUEST_VENDOR_CODE, vendor));
}

/* ---- registers ---- */

#define IN(mode, set) ((set) >> (mode)&1)

static bool has_16_bit_segments(enum guest_mode mode)
{
	return IN(mode, MODES_CODE_16);
}

uint64_t guest_offset(enum guest_mode mode, uint64_t linear)
{
	return has_16_bit_segments(mode) ? linear - GUEST_LINEAR : linear;
}

static struct segment_state data_segment(enum guest_mode mode)
{
	const bool user = guest_modes[mode].user;

	if (IN(mode, 1 << MODE_REAL | 1 << MODE_V86))
		return (struct segment_state){ SELECTOR_REAL, 0xFFFF,
					       RIGHTS_DATA_16 | (user ? RIGHTS_USER : 0),
					       GUEST_LINEAR };
	if (IN(mode, MODES_16))
		return (struct segment_state){ user ? SELECTOR_DATA_16_USER : SELECTOR_DATA_16,
					       0xFFFF, RIGHTS_DATA_16 | (user ? RIGHTS_USER : 0),
					       GUEST_LINEAR };
	return (struct segment_state){ user ? SELECTOR_DATA_USER : SELECTOR_DATA, 0xFFFFFFFF,
				       RIGHTS_DATA_32 | (user ? RIGHTS_USER : 0), 0 };
}

static struct segment_state code_segment(enum guest_mode mode)
{
	const bool user = guest_modes[mode].user;
	struct segment_state s = data_segment(mode);

	if (IN(mode, 1 << MODE_REAL | 1 << MODE_V86))
		return s;
	if (IN(mode, MODES_16)) {
		s.selector = user ? SELECTOR_CODE_16_USER : SELECTOR_CODE_16;
		s.rights = RIGHTS_CODE_16;
	} else if (IN(mode, MODES_64)) {
		s.selector = user ? SELECTOR_CODE_64_USER : SELECTOR_CODE_64;
		s.rights = RIGHTS_CODE_64;
	} else {
		s.selector = user ? SELECTOR_CODE_32_USER : SELECTOR_CODE_32;
		s.rights = RIGHTS_CODE_32;
	}
	s.rights |= user ? RIGHTS_USER : 0;
	return s;
}

/* FS and GS have bases of their own where a selector does not decide. */
static void set_segments(enum guest_mode mode, struct regs *regs)
{
	const unsigned size = IN(mode, MODES_LONG) ? CODE_64
			      : IN(mode, MODES_16) ? CODE_16
						   : CODE_32;

	for (unsigned i = ES; i <= GS; i++)
		regs->segment[i] = data_segment(mode);
	regs->segment[CS] = code_segment(mode);
	if (!IN(mode, 1 << MODE_REAL | 1 << MODE_V86)) {
		regs->segment[FS].base += PAGE_SIZE;
		regs->segment[GS].base += 2 * PAGE_SIZE;
	}
	regs->segment[LDTR] = (struct segment_state){ SELECTOR_LDT, LDT_LIMIT, RIGHTS_LDT,
						      GUEST_AT(GUEST_TABLES, LDT_AT) };
	regs->segment[TR] =
		(struct segment_state){ SELECTOR_TSS, TSS_LIMIT, RIGHTS_TSS_BUSY,
					GUEST_AT(GUEST_TABLES, TSS_AT + size * TSS_BYTES) };
}

static void set_tables(enum guest_mode mode, struct regs *regs)
{
	regs->gdtr = (struct table_state){ GUEST_AT(GUEST_TABLES, 0), GUEST_GDT_LIMIT };
	if (mode == MODE_REAL)
		regs->idtr = (struct table_state){ GUEST_AT(GUEST_IVT, 0), 4 * VECTORS - 1 };
	else if (IN(mode, MODES_LONG))
		regs->idtr = (struct table_state){ GUEST_AT(GUEST_IDT_64, 0), 16 * VECTORS - 1 };
	else if (IN(mode, MODES_16))
		regs->idtr = (struct table_state){ GUEST_AT(GUEST_IDT_16, 0), 8 * VECTORS - 1 };
	else
		regs->idtr = (struct table_state){ GUEST_AT(GUEST_IDT_32, 0), 8 * VECTORS - 1 };
}

static void set_control(enum guest_mode mode, const struct guest_memory *memory, struct regs *regs)
{
	regs->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	regs->cr4 = 0;
	regs->efer = 0;
	regs->cr3 = guest_physical(memory, GUEST_DIRECTORY_32);
	if (mode == MODE_REAL)
		regs->cr0 &= ~(uint64_t)CR0_PE;
	if (IN(mode, MODES_UNPAGED))
		regs->cr0 &= ~CR0_PG;
	if (IN(mode, MODES_LONG)) {
		regs->efer = EFER_LME | EFER_LMA;
		regs->cr4 = CR4_PAE;
		regs->cr3 = guest_physical(memory, GUEST_PML4);
	} else if (IN(mode, MODES_PAE)) {
		regs->cr4 = CR4_PAE;
		regs->cr3 = guest_physical(memory, GUEST_PAE_PDPT);
	}
}

void guest_mode_state(enum guest_mode mode, const struct guest_memory *memory, struct regs *regs)
{
	const enum guest_page stack = guest_modes[mode].user ? GUEST_STACK_USER : GUEST_STACK;
	const uint64_t data = guest_offset(mode, GUEST_AT(GUEST_DATA, 0));

	*regs = (struct regs){ .rflags = RFLAGS_FIXED, .pat = 0x0007040600070406, .dr7 = 0x400 };
	for (unsigned i = 0; i < GPRS; i++)
		regs->gpr[i] = 0x0101010101010101 * (0x10 + i);
	regs->gpr[RBX] = data;
	regs->gpr[RSI] = data + 0x40;
	regs->gpr[RDI] = data + 0x80;
	regs->gpr[RSP] = guest_offset(mode, GUEST_AT(stack, STACK_TOP));
	regs->rip = guest_offset(mode, GUEST_AT(GUEST_CODE, 0));
	if (mode == MODE_V86)
		regs->rflags |= RFLAGS_VM;
	set_control(mode, memory, regs);
	set_segments(mode, regs);
	set_tables(mode, regs);
}
