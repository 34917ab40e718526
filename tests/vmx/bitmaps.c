/*
 * MSR and I/O bitmaps: which bit decides about which MSR or port. One bit is set in a bitmap of
 * zeros, and its MSR or port exits; an access that must not exit is only made where it does no
 * harm: to MSRs that the host knows, and to port 80H.
 */
#include "x86/msr.h"

#include "tests/vmx/checks.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/solo.h"

#define QUARTER_BITS (1u << 13)
enum { SAFE_PORT = 0x80, NOWHERE = ~0u };

#define MSR_HIGH 0xC0000000u

/* Pages of zeros, for a bit in them. */
#define ZEROS_A PAGE_SPARE
#define ZEROS_B PAGE_POSTED

/* A change of a bit in a page, from all zeros or all ones. */
static struct guest_change bit_changed(unsigned page, unsigned bit, uint8_t others)
{
	return (struct guest_change)SOLO_BYTE(page, bit / 8, (uint8_t)(others ^ 1u << bit % 8));
}

/* ---- MSRs ---- */

struct msr_access {
	const char *rule;
	enum guest_mode mode;
	bool write, exits, on; /* on: "MSR bitmaps" */
	uint64_t msr;	       /* RCX */
	uint64_t value;	       /* to write */
	unsigned bit;	       /* the only one of its kind; NOWHERE: there is none */
	bool ones;	       /* all the others are 1 */
};

/* The bit in the bitmaps: SDM vol. 3C, "MSR-Bitmap Address". */
static unsigned msr_bit(uint32_t msr, bool write)
{
	return (write ? 2 * QUARTER_BITS : 0) + (msr >= MSR_HIGH ? QUARTER_BITS : 0) +
	       msr % QUARTER_BITS;
}

static bool msr_access(struct stage *stage, struct theatre *theatre, const struct msr_access *a)
{
	const struct entry_ground *ground = &theatre->seat.ground;
	const unsigned page = a->ones ? PAGE_MSR_BITMAP : ZEROS_A;
	const struct guest_change before[] = {
		{ AT_PRIMARY_CONTROLS, a->on ? GUEST_OR : GUEST_CLEAR, 0, 0,
		  CONTROL_MASK(PRIMARY_MSR_BITMAPS) },
		SOLO_SET(MSR_BITMAP, entry_page(ground, page)),
		SOLO_REG(RCX, a->msr),
		SOLO_REG(RAX, (uint32_t)a->value),
		SOLO_REG(RDX, a->value >> 32),
		bit_changed(page, a->bit == NOWHERE ? 0 : a->bit, a->ones ? 0xFF : 0),
		{ 0 },
	};
	struct guest_change without[ARRAY_SIZE(before)];
	const struct guest_change after[] = { SOLO_UNJUDGED(AT_GPR + RAX),
					      SOLO_UNJUDGED(AT_GPR + RDX),
					      { 0 } };
	const struct guest_row row = {
		.rule = a->rule,
		.fragment = a->write ? FRAGMENT_WRMSR : FRAGMENT_RDMSR,
		.end = a->exits ? GUEST_EXITS : GUEST_PASSES,
		.number = a->write ? REASON_WRMSR : REASON_RDMSR,
		.before = a->bit == NOWHERE ? without : before,
		.after = a->exits ? NULL : after,
	};

	__builtin_memcpy(without, before, sizeof(before));
	without[ARRAY_SIZE(before) - 2] = (struct guest_change){ 0 };
	return solo_check(stage, theatre, &row, a->mode, "%s %llXH, bitmap bit %XH",
			  a->write ? "WRMSR" : "RDMSR", (unsigned long long)a->msr, a->bit);
}

/* MSRs that a guest reads, and writes as they are. */
static const uint32_t safe_msrs[] = {
	IA32_SYSENTER_CS, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP,
	IA32_STAR,	  IA32_LSTAR,	     IA32_KERNEL_GS_BASE,
};

/* What the guest has in it. */
static uint64_t safe_value(const struct theatre *theatre, uint32_t msr)
{
	const uint64_t *base = theatre->base[MODE_64].value;

	switch (msr) {
	case IA32_SYSENTER_CS:
		return base[AT_GUEST_IA32_SYSENTER_CS];
	case IA32_SYSENTER_ESP:
		return base[AT_GUEST_IA32_SYSENTER_ESP];
	case IA32_SYSENTER_EIP:
		return base[AT_GUEST_IA32_SYSENTER_EIP];
	default:
		return rdmsr(msr);
	}
}

/* Every bit of the position counts: with one of them flipped it is another MSR's. */
static void safe_msr(struct stage *stage, struct theatre *theatre, uint32_t msr, bool write)
{
	struct msr_access a = { .rule = "msr_bitmap.position",
				.mode = MODE_64,
				.write = write,
				.on = true,
				.msr = msr,
				.value = safe_value(theatre, msr) };
	const unsigned bit = msr_bit(msr, write);

	for (unsigned n = 1; n < 4 * QUARTER_BITS; n <<= 1) {
		a.bit = bit ^ n;
		(void)msr_access(stage, theatre, &a);
	}
	a.bit = bit;
	a.ones = true;
	(void)msr_access(stage, theatre, &a);
	/* Bits 63:32 of RCX do not count. */
	a.msr |= 0xABCD123400000000;
	(void)msr_access(stage, theatre, &a);
	a.rule = "msr_bitmap.outside";
	a.ones = false;
	a.exits = true;
	(void)msr_access(stage, theatre, &a);
	a.rule = "msr_bitmap.off";
	a.on = false;
	a.bit = NOWHERE;
	a.msr = msr;
	(void)msr_access(stage, theatre, &a);
}

/* The MSR exits because of its bit alone, and another one of its kind does not. */
static void one_msr(struct stage *stage, struct theatre *theatre, const char *rule,
		    enum guest_mode mode, uint32_t msr, bool write)
{
	const uint32_t other = msr >= MSR_HIGH ? IA32_KERNEL_GS_BASE : IA32_SYSENTER_ESP;
	struct msr_access a = { .rule = rule,
				.mode = mode,
				.write = write,
				.exits = true,
				.on = true,
				.msr = msr,
				.bit = msr_bit(msr, write) };

	(void)msr_access(stage, theatre, &a);
	if (msr == other)
		return;
	a.exits = false;
	a.msr = other;
	a.value = safe_value(theatre, other);
	(void)msr_access(stage, theatre, &a);
}

/* In each mode, with and without bitmaps. */
static void outside_msr(struct stage *stage, struct theatre *theatre, uint32_t msr, bool write)
{
	struct msr_access a = { .rule = "msr_bitmap.outside",
				.write = write,
				.exits = true,
				.on = true,
				.msr = msr,
				.bit = NOWHERE };

	for (unsigned mode = 0; mode < GUEST_MODES; mode++) {
		if (theatre->missing[mode] || !(1 << mode & MODES_KERNEL))
			continue;
		a.mode = (enum guest_mode)mode;
		a.on = true;
		a.rule = "msr_bitmap.outside";
		(void)msr_access(stage, theatre, &a);
		a.on = false;
		a.rule = "msr_bitmap.off";
		(void)msr_access(stage, theatre, &a);
	}
}

static bool has_msr_bitmaps(struct stage *stage)
{
	if (vmx_allows(GROUP_PRIMARY, CONTROL_MASK(PRIMARY_MSR_BITMAPS)))
		return true;
	stage_skip(stage, "needs MSR bitmaps");
	return false;
}

static void msrs_in_mode(struct stage *stage, struct theatre *theatre, enum guest_mode mode,
			 bool write)
{
	static const uint32_t msrs[] = { 0, 0x1FFF, 0xC0000000, 0xC0001FFF };

	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		one_msr(stage, theatre, "msr_bitmap.position", mode, msrs[i], write);
}

/* i: the bit in the bitmaps, quarters in the order low and high to read, low and high to write. */
static void msr_position(struct stage *stage, struct theatre *theatre, unsigned i)
{
	one_msr(stage, theatre, "msr_bitmap.all", MODE_64,
		i % QUARTER_BITS + (i & QUARTER_BITS ? MSR_HIGH : 0), i >= 2 * QUARTER_BITS);
}

enum { SAMPLE = 251 }; /* a prime number: every bit of a position is 0 and 1 */

void msr_bitmap_checks(struct stage *stage)
{
	static const uint32_t outside[] = { 0x2000,	0x40000000, 0x80000000,
					    0xBFFFFFFF, 0xC0002000, 0xFFFFFFFF };
	struct theatre *theatre = has_msr_bitmaps(stage) ? solo_open(stage) : NULL;

	if (!theatre)
		return;
	for (unsigned write = 0; write < 2; write++) {
		for (unsigned i = 0; i < ARRAY_SIZE(safe_msrs); i++)
			if (solo_mine(stage, i + write))
				safe_msr(stage, theatre, safe_msrs[i], write);
		for (unsigned mode = 0; mode < GUEST_MODES; mode++)
			if (solo_mine(stage, mode + write) && !theatre->missing[mode] &&
			    1 << mode & MODES_KERNEL)
				msrs_in_mode(stage, theatre, (enum guest_mode)mode, write);
		for (unsigned i = 0; i < ARRAY_SIZE(outside); i++)
			if (solo_mine(stage, i + write))
				outside_msr(stage, theatre, outside[i], write);
		for (unsigned i = 0; i < 2 * QUARTER_BITS; i += SAMPLE)
			if (solo_mine(stage, i))
				msr_position(stage, theatre, i + 2 * QUARTER_BITS * write);
	}
	solo_close(stage, theatre);
}

/* ---- ports ---- */

enum { PORTS = 0x10000, PAGE_PORTS = PORTS / 2 };

struct port_access {
	const char *rule;
	enum guest_mode mode;
	unsigned size; /* 0: 8 bits, 1: 16, 2: 32 */
	bool out, exits, on, unconditional;
	uint32_t port;
	unsigned bit; /* the only one of its kind; NOWHERE: there is none */
	bool ones;    /* all the others are 1 */
};

static bool port_access(struct stage *stage, struct theatre *theatre, const struct port_access *a)
{
	static const uint8_t size_codes[] = { 0, 1, 3 };
	const struct entry_ground *ground = &theatre->seat.ground;
	const unsigned page_a = a->ones ? PAGE_IO_A : ZEROS_A;
	const unsigned page_b = a->ones ? PAGE_IO_B : ZEROS_B;
	const unsigned bit = a->bit == NOWHERE ? 0 : a->bit;
	const struct guest_change before[] = {
		{ AT_PRIMARY_CONTROLS, a->on ? GUEST_OR : GUEST_CLEAR, 0, 0,
		  CONTROL_MASK(PRIMARY_IO_BITMAPS) },
		{ AT_PRIMARY_CONTROLS, a->unconditional ? GUEST_OR : GUEST_CLEAR, 0, 0,
		  CONTROL_MASK(PRIMARY_IO) },
		SOLO_SET(IO_BITMAP_A, entry_page(ground, page_a)),
		SOLO_SET(IO_BITMAP_B, entry_page(ground, page_b)),
		SOLO_REG(RDX, 0xFFFF0000 | a->port),
		a->bit == NOWHERE ? (struct guest_change){ 0 }
				  : bit_changed(bit < PAGE_PORTS ? page_a : page_b,
						bit % PAGE_PORTS, a->ones ? 0xFF : 0),
		{ 0 },
	};
	const uint64_t qualification =
		(uint64_t)a->port << 16 | size_codes[a->size] | (a->out ? 0 : 8);
	const struct guest_change exited[] = { SOLO_SET(EXIT_QUALIFICATION, qualification), { 0 } };
	const struct guest_change passed[] = { SOLO_UNJUDGED(AT_GPR + RAX), { 0 } };
	const struct guest_row row = {
		.rule = a->rule,
		.fragment = (uint16_t)((a->out ? FRAGMENT_OUT_8 : FRAGMENT_IN_8) + a->size),
		.end = a->exits ? GUEST_EXITS : GUEST_PASSES,
		.number = REASON_IO,
		.before = before,
		.after = a->exits ? exited : passed,
	};

	return solo_check(stage, theatre, &row, a->mode, "%s %u bits at %XH, bitmap bit %XH",
			  a->out ? "OUT" : "IN", 8u << a->size, a->port, a->bit);
}

/* The only bit in the bitmaps is the port's. */
static void one_port(struct stage *stage, struct theatre *theatre, const char *rule,
		     enum guest_mode mode, uint32_t port, unsigned size, unsigned bit)
{
	const struct port_access a = { .rule = rule,
				       .mode = mode,
				       .size = size,
				       .exits = true,
				       .on = true,
				       .port = port,
				       .bit = bit };

	(void)port_access(stage, theatre, &a);
}

/* Every bit of the position counts: with one of them flipped it is another port's. */
static void safe_port(struct stage *stage, struct theatre *theatre)
{
	struct port_access a = {
		.rule = "io_bitmap.position", .mode = MODE_64, .on = true, .port = SAFE_PORT
	};

	for (unsigned n = 1; n < PORTS; n <<= 1) {
		a.bit = SAFE_PORT ^ n;
		(void)port_access(stage, theatre, &a);
	}
	a.bit = SAFE_PORT;
	a.ones = true;
	(void)port_access(stage, theatre, &a);
	a.rule = "io_bitmap.wide";
	a.ones = false;
	for (a.size = 1; a.size <= 2; a.size++) {
		a.bit = SAFE_PORT - 1;
		(void)port_access(stage, theatre, &a);
		a.bit = SAFE_PORT + (1u << a.size);
		(void)port_access(stage, theatre, &a);
	}
}

static void ports_in_mode(struct stage *stage, struct theatre *theatre, enum guest_mode mode)
{
	static const uint32_t ports[] = { 0, SAFE_PORT, 0x7FFF, 0x8000, 0xFFFF };
	static const struct {
		uint32_t port;
		uint8_t size;
	} wide[] = { { 0, 1 },	    { 0, 2 },	   { 0x1234, 1 }, { 0x1235, 2 }, { 0x7FFE, 2 },
		     { 0x7FFF, 1 }, { 0x7FFD, 2 }, { 0x7FFF, 2 }, { 0xFFFC, 2 }, { 0xFFFE, 1 } },
	  wraps[] = { { 0xFFFF, 1 }, { 0xFFFD, 2 }, { 0xFFFE, 2 }, { 0xFFFF, 2 } };

	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
		one_port(stage, theatre, "io_bitmap.position", mode, ports[i], 0, ports[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(wide); i++)
		for (unsigned n = 0; n < 1u << wide[i].size; n++)
			one_port(stage, theatre, "io_bitmap.wide", mode, wide[i].port, wide[i].size,
				 wide[i].port + n);
	for (unsigned i = 0; i < ARRAY_SIZE(wraps); i++)
		one_port(stage, theatre, "io_bitmap.wrap", mode, wraps[i].port, wraps[i].size,
			 NOWHERE);
}

/* With bitmaps, "unconditional I/O exiting" does not count. */
static void controls(struct stage *stage, struct theatre *theatre, enum guest_mode mode)
{
	struct port_access a = { .rule = "io_bitmap.control", .mode = mode, .port = SAFE_PORT };

	for (unsigned i = 0; i < 8; i++) {
		a.on = i & 1;
		a.unconditional = i & 2;
		a.bit = i & 4 ? SAFE_PORT : NOWHERE;
		a.exits = a.on ? i & 4 : i & 2;
		(void)port_access(stage, theatre, &a);
		a.out = true;
		if (a.exits)
			(void)port_access(stage, theatre, &a);
		a.out = false;
	}
}

static bool has_io_bitmaps(struct stage *stage)
{
	if (vmx_allows(GROUP_PRIMARY, CONTROL_MASK(PRIMARY_IO_BITMAPS)))
		return true;
	stage_skip(stage, "needs I/O bitmaps");
	return false;
}

void io_bitmap_checks(struct stage *stage)
{
	struct theatre *theatre = has_io_bitmaps(stage) ? solo_open(stage) : NULL;

	if (!theatre)
		return;
	if (solo_mine(stage, 0))
		safe_port(stage, theatre);
	for (unsigned mode = 0; mode < GUEST_MODES; mode++) {
		if (!solo_mine(stage, mode) || theatre->missing[mode] ||
		    !(1 << mode & MODES_KERNEL))
			continue;
		ports_in_mode(stage, theatre, (enum guest_mode)mode);
		controls(stage, theatre, (enum guest_mode)mode);
	}
	for (unsigned port = 0; port < PORTS; port += SAMPLE)
		if (solo_mine(stage, port))
			one_port(stage, theatre, "io_bitmap.all", MODE_64, port, 0, port);
	solo_close(stage, theatre);
}

/* ---- every position, by name ---- */

static _Atomic unsigned next_position; /* for all processors */

enum { SHARE = 64 };

void bitmap_positions_run(struct test_run *run)
{
	atomic_store(&next_position, 0);
	stage_run(run);
}

static void each_position(struct stage *stage, unsigned count,
			  void (*check_one)(struct stage *stage, struct theatre *theatre,
					    unsigned position))
{
	struct theatre *theatre = solo_open(stage);
	unsigned from;

	if (!theatre)
		return;
	while ((from = atomic_fetch_add(&next_position, SHARE)) < count)
		for (unsigned i = from; i < from + SHARE; i++)
			check_one(stage, theatre, i);
	solo_close(stage, theatre);
}

static void port_position(struct stage *stage, struct theatre *theatre, unsigned i)
{
	one_port(stage, theatre, "io_bitmap.all", MODE_64, i, 0, i);
}

void msr_bitmap_positions(struct stage *stage)
{
	if (has_msr_bitmaps(stage))
		each_position(stage, 4 * QUARTER_BITS, msr_position);
}

void io_bitmap_positions(struct stage *stage)
{
	if (has_io_bitmaps(stage))
		each_position(stage, PORTS, port_position);
}
