#include "vlapic/registers.h"

#include "vlapic/timer.h"

enum access_right {
	R = 1 << 0,   /* readable in the xAPIC page */
	W = 1 << 1,   /* writable there */
	XR = 1 << 2,  /* RDMSR in x2APIC mode */
	XW = 1 << 3,  /* WRMSR */
	LVT = 1 << 4, /* a local vector table entry: masked while the APIC is software-disabled */
};

/* By offset / 10H. SDM vol. 3A, "Local APIC Register Address Map" and "x2APIC Register Address
 * Space". The bitmaps ISR, TMR and IRR have no rows. */
static const struct row {
	uint8_t rights;
	uint32_t writable; /* bits that a write changes; others keep or get their fixed value */
	uint32_t fixed;
} rows[0x400 / 0x10] = {
	[APIC_ID / 0x10] = { R | W | XR, 0, 0 },
	[APIC_VERSION / 0x10] = { R | XR, 0, 0 },
	[APIC_TPR / 0x10] = { R | W | XR | XW, 0xFF, 0 },
	[APIC_APR / 0x10] = { R, 0, 0 },
	[APIC_PPR / 0x10] = { R | XR, 0, 0 },
	[APIC_EOI / 0x10] = { W | XW, 0, 0 },
	[APIC_RRD / 0x10] = { R, 0, 0 },
	[APIC_LDR / 0x10] = { R | W | XR, 0xFF000000, 0 },
	[APIC_DFR / 0x10] = { R | W, 0xF0000000, 0x0FFFFFFF },
	[APIC_SVR / 0x10] = { R | W | XR | XW, 0x1FF, 0 },
	[APIC_ESR / 0x10] = { R | W | XR | XW, 0, 0 },
	[APIC_ICR / 0x10] = { R | W | XR | XW, 0xCCFFF, 0 },
	[APIC_ICR_HIGH / 0x10] = { R | W, 0xFF000000, 0 },
	[APIC_LVT_TIMER / 0x10] = { R | W | XR | XW | LVT, 0x700FF, 0 },
	[APIC_LVT_THERMAL / 0x10] = { R | W | XR | XW | LVT, 0x107FF, 0 },
	[APIC_LVT_PMC / 0x10] = { R | W | XR | XW | LVT, 0x107FF, 0 },
	[APIC_LVT_LINT0 / 0x10] = { R | W | XR | XW | LVT, 0x1A7FF, 0 },
	[APIC_LVT_LINT1 / 0x10] = { R | W | XR | XW | LVT, 0x1A7FF, 0 },
	[APIC_LVT_ERROR / 0x10] = { R | W | XR | XW | LVT, 0x100FF, 0 },
	[APIC_TIMER_INITIAL / 0x10] = { R | W | XR | XW, 0xFFFFFFFF, 0 },
	[APIC_TIMER_CURRENT / 0x10] = { R | XR, 0, 0 },
	[APIC_TIMER_DIVIDE / 0x10] = { R | W | XR | XW, 0xB, 0 },
	[APIC_SELF_IPI / 0x10] = { XW, 0, 0 },
};

enum { NO_ROW = ARRAY_SIZE(rows), VERSION = 0x00050014 /* integrated APIC, 6 LVT entries */ };

static unsigned row_of(uint32_t offset)
{
	unsigned row = offset / 0x10;

	return offset % 0x10 == 0 && row < NO_ROW && rows[row].rights ? row : NO_ROW;
}

static bool is_vector_bitmap(uint32_t offset)
{
	return offset >= APIC_ISR && offset < APIC_IRR + 0x80;
}

/* SELF IPI has a row, but no place in the xAPIC page. */
static bool in_xapic_page(unsigned row)
{
	return row != NO_ROW && rows[row].rights & (R | W);
}

/* The ID register has 8 bits in xAPIC mode and 32 in x2APIC mode, where the LDR follows from it:
 * "Logical Destination Mode in x2APIC Mode". */
static void set_identity(struct apic *apic)
{
	if (apic_mode(apic) == APIC_X2APIC) {
		apic_put(apic, APIC_ID, apic->id);
		apic_put(apic, APIC_LDR, (apic->id >> 4) << 16 | 1u << (apic->id & 0xF));
	} else {
		apic_put(apic, APIC_ID, apic->id << 24);
	}
}

static void reset_registers(struct apic *apic)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		apic_put(apic, i * 0x10, rows[i].rights & LVT ? APIC_LVT_MASKED : 0);
	apic_put(apic, APIC_VERSION, VERSION);
	apic_put(apic, APIC_DFR, 0xFFFFFFFF);
	apic_put(apic, APIC_SVR, 0xFF);
	set_identity(apic);
	__builtin_memset(apic->words_set, 0, sizeof(apic->words_set));
	apic->esr_latched = 0;
	apic->timer_lvt = APIC_LVT_MASKED;
	apic->timer_divide = 0;
	apic->due = 0;
	apic->period = 0;
	apic->tsc_deadline = 0;
}

void apic_power_up(struct apic *apic, uint32_t id, bool bsp)
{
	apic->id = id;
	apic->base = APIC_DEFAULT_BASE | IA32_APIC_BASE_EN | (bsp ? IA32_APIC_BASE_BSP : 0);
	reset_registers(apic);
}

void apic_init(struct apic *apic)
{
	reset_registers(apic);
}

bool apic_set_base(struct apic *apic, uint64_t value)
{
	const uint64_t writable = IA32_APIC_BASE_BSP | IA32_APIC_BASE_EXTD | IA32_APIC_BASE_EN;
	enum apic_mode from = apic_mode_of(apic->base), to = apic_mode_of(value);

	/* The page stays where it is: relocation is refused, which the SDM does not foresee. */
	if ((value & ~writable) != APIC_DEFAULT_BASE)
		return false;
	if (to == APIC_DISABLED && value & IA32_APIC_BASE_EXTD)
		return false;
	if (from == APIC_DISABLED && to == APIC_X2APIC)
		return false;
	if (from == APIC_X2APIC && to == APIC_XAPIC)
		return false;
	__atomic_store_n(&apic->base, value, __ATOMIC_RELAXED);
	if (from == to)
		return true;
	if (to == APIC_DISABLED)
		reset_registers(apic);
	if (to == APIC_X2APIC)
		apic_put(apic, APIC_ICR_HIGH, 0);
	set_identity(apic);
	return true;
}

static void set_svr(struct apic *apic, uint32_t value)
{
	apic_put(apic, APIC_SVR, value);
	if (value & APIC_SVR_ENABLED)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].rights & LVT)
			apic_put(apic, i * 0x10, apic_get(apic, i * 0x10) | APIC_LVT_MASKED);
	apic->timer_lvt |= APIC_LVT_MASKED;
}

/* Stores a register's new value in either mode; side effects that need no other vCPU. */
static enum apic_effect store(struct apic *apic, unsigned row, uint32_t value, uint64_t now)
{
	uint32_t offset = row * 0x10;
	uint32_t next = (value & rows[row].writable) | rows[row].fixed;

	/* What a timer has earned before this write is not lost by it. */
	apic_timer_poll(apic, now);
	if (rows[row].rights & LVT && !(apic_get(apic, APIC_SVR) & APIC_SVR_ENABLED))
		next |= APIC_LVT_MASKED;
	switch (offset) {
	case APIC_ID:
		set_identity(apic);
		return APIC_DONE;
	case APIC_EOI:
		apic_put(apic, APIC_EOI, 0);
		return apic_end_of_interrupt(apic) ? APIC_END_LEVEL : APIC_DONE;
	case APIC_ESR:
		apic_put(apic, APIC_ESR, apic->esr_latched);
		apic->esr_latched = 0;
		return APIC_DONE;
	case APIC_SVR:
		set_svr(apic, next);
		return APIC_DONE;
	case APIC_TPR:
		apic_put(apic, APIC_TPR, next);
		apic_update_ppr(apic);
		return APIC_DONE;
	case APIC_ICR:
		apic_put(apic, APIC_ICR, next);
		return APIC_SEND;
	case APIC_LVT_TIMER:
		apic_timer_set_lvt(apic, next);
		break;
	case APIC_TIMER_INITIAL:
		apic_timer_set_initial(apic, next, now);
		return APIC_DONE;
	case APIC_TIMER_DIVIDE:
		apic_timer_set_divide(apic, next, now);
		return APIC_DONE;
	default:
		break;
	}
	apic_put(apic, offset, next);
	return APIC_DONE;
}

static uint32_t load(struct apic *apic, uint32_t offset, uint64_t now)
{
	if (offset == APIC_TIMER_CURRENT)
		return apic_timer_current(apic, now);
	if (offset == APIC_PPR)
		apic_update_ppr(apic);
	return apic_get(apic, offset);
}

uint32_t apic_mmio_read(struct apic *apic, uint32_t offset, uint64_t now)
{
	unsigned row = row_of(offset);

	if (is_vector_bitmap(offset) && offset % 0x10 == 0)
		return apic_get(apic, offset);
	if (!in_xapic_page(row))
		apic_error(apic, APIC_ESR_ILLEGAL_REGISTER);
	if (row == NO_ROW || !(rows[row].rights & R))
		return 0;
	return load(apic, offset, now);
}

enum apic_effect apic_mmio_write(struct apic *apic, uint32_t offset, uint32_t value, uint64_t now)
{
	unsigned row = row_of(offset);

	if (!in_xapic_page(row) && !is_vector_bitmap(offset))
		apic_error(apic, APIC_ESR_ILLEGAL_REGISTER);
	if (row == NO_ROW || !(rows[row].rights & W))
		return APIC_DONE;
	return store(apic, row, value, now);
}

bool apic_msr_read(struct apic *apic, uint32_t msr, uint64_t now, uint64_t *value)
{
	uint32_t offset = (msr & 0xFF) << 4;
	unsigned row = row_of(offset);

	if (apic_mode(apic) != APIC_X2APIC)
		return false;
	if (is_vector_bitmap(offset)) {
		*value = apic_get(apic, offset);
		return true;
	}
	if (row == NO_ROW || !(rows[row].rights & XR))
		return false;
	*value = load(apic, offset, now);
	if (offset == APIC_ICR)
		*value |= (uint64_t)apic_get(apic, APIC_ICR_HIGH) << 32;
	return true;
}

enum apic_effect apic_msr_write(struct apic *apic, uint32_t msr, uint64_t value, uint64_t now)
{
	uint32_t offset = (msr & 0xFF) << 4;
	unsigned row = row_of(offset);

	if (apic_mode(apic) != APIC_X2APIC || row == NO_ROW || !(rows[row].rights & XW))
		return APIC_FAULT;
	if (offset == APIC_SELF_IPI) {
		if (value > 0xFF)
			return APIC_FAULT;
		apic_put(apic, APIC_SELF_IPI, (uint32_t)value);
		return APIC_SEND_SELF;
	}
	if (offset == APIC_ICR) {
		/* Bit 12, the delivery status of the xAPIC, is ignored as processors do. */
		if ((uint32_t)value & ~(rows[row].writable | 1u << 12))
			return APIC_FAULT;
		apic_put(apic, APIC_ICR_HIGH, (uint32_t)(value >> 32));
	} else if (value & ~(uint64_t)rows[row].writable) {
		return APIC_FAULT; /* reserved bits; for EOI and ESR anything but 0 */
	}
	return store(apic, row, (uint32_t)value, now);
}
