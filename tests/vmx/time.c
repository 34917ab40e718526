/*
 * A guest's time: its time-stamp counter with offset and multiplier, and the VMX-preemption timer.
 * Bounds are what the host's own counter said before the entry and after the exit, and what the
 * guest has counted itself, so they hold however long an entry takes. SDM vol. 3C, "Changes to
 * Instruction Behavior in VMX Non-Root Operation", "VMX-Preemption Timer".
 */
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/vmx/checks.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/solo.h"

/* Of the host's counter. */
struct span {
	uint64_t before, after;
};

/* Carries the row out; what it does not say otherwise is as it should be. */
static bool run_in(struct stage *stage, struct theatre *theatre, const struct guest_row *row,
		   enum guest_mode mode, struct span *span)
{
	bool right;

	span->before = rdtsc();
	right = solo_check(stage, theatre, row, mode, "the guest's end");
	span->after = rdtsc();
	return right;
}

/* A check that low <= got - low <= high, with numbers that wrap at 2^64. */
static void check_between(struct stage *stage, const char *rule, uint64_t low, uint64_t got,
			  uint64_t high, const char *what, enum guest_mode mode)
{
	const bool inside = got - low <= high - low;

	/* The border that it has crossed is wanted. */
	check_number(stage, rule,
		     inside		      ? got
		     : got - high < low - got ? high
					      : low,
		     got, "%s, %s", what, guest_modes[mode].name);
}

/* ---- time-stamp counter ---- */

struct reading {
	const char *rule;
	uint16_t fragment;
	bool offsetting, scaling;
	uint64_t offset, multiplier;
};

static uint64_t guest_time(const struct reading *r, uint64_t time)
{
	if (!r->offsetting)
		return time;
	if (r->scaling)
		time = (uint64_t)((unsigned __int128)time * r->multiplier >> 48);
	return time + r->offset;
}

static void read_time(struct stage *stage, struct theatre *theatre, const struct reading *r,
		      enum guest_mode mode)
{
	const struct guest_change before[] = {
		{ AT_PRIMARY_CONTROLS, r->offsetting ? GUEST_OR : GUEST_CLEAR, 0, 0,
		  CONTROL_MASK(PRIMARY_TSC_OFFSETTING) },
		SOLO_CLEAR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_RDTSC)),
		SOLO_OR(PRIMARY_CONTROLS,
			CONTROL_MASK(PRIMARY_SECONDARY) | CONTROL_MASK(PRIMARY_MSR_BITMAPS)),
		SOLO_SET(MSR_BITMAP, entry_page(&theatre->seat.ground, PAGE_SPARE)),
		SOLO_SET(TSC_OFFSET, r->offset),
		SOLO_OR(SECONDARY_CONTROLS,
			(r->scaling ? CONTROL_MASK(SECONDARY_TSC_SCALING) : 0) |
				(r->fragment == FRAGMENT_RDTSCP ? CONTROL_MASK(SECONDARY_RDTSCP)
								: 0)),
		SOLO_SET(TSC_MULTIPLIER, r->multiplier),
		SOLO_REG(RCX, IA32_TIME_STAMP_COUNTER),
		{ 0 },
	};
	static const struct guest_change after[] = { SOLO_UNJUDGED(AT_GPR + RAX),
						     SOLO_UNJUDGED(AT_GPR + RDX),
						     SOLO_UNJUDGED(AT_GPR + RCX),
						     { 0 } };
	const struct guest_row row = {
		.rule = r->rule,
		.fragment = r->fragment,
		.end = GUEST_PASSES,
		.before = before,
		.after = after,
	};
	const uint64_t *gpr = theatre->seat.probe.gpr;
	struct span span;

	if (run_in(stage, theatre, &row, mode, &span))
		check_between(stage, r->rule, guest_time(r, span.before),
			      gpr[RDX] << 32 | (gpr[RAX] & 0xFFFFFFFF), guest_time(r, span.after),
			      "TSC", mode);
}

static const uint16_t readers[] = { FRAGMENT_RDTSC, FRAGMENT_RDTSCP, FRAGMENT_RDMSR };

static bool can_read(const struct theatre *theatre, uint16_t reader, enum guest_mode mode)
{
	if (theatre->missing[mode] || (reader == FRAGMENT_RDMSR && !(1 << mode & MODES_KERNEL)))
		return false;
	if (reader == FRAGMENT_RDMSR)
		return vmx_allows(GROUP_PRIMARY, CONTROL_MASK(PRIMARY_MSR_BITMAPS));
	return reader != FRAGMENT_RDTSCP ||
	       vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_RDTSCP));
}

static void read_by_all(struct stage *stage, struct theatre *theatre, struct reading *r)
{
	for (unsigned mode = 0; mode < GUEST_MODES; mode++)
		for (unsigned i = 0; solo_mine(stage, mode) && i < ARRAY_SIZE(readers); i++) {
			r->fragment = readers[i];
			if (can_read(theatre, readers[i], (enum guest_mode)mode))
				read_time(stage, theatre, r, (enum guest_mode)mode);
		}
}

static void offsets(struct stage *stage, struct theatre *theatre)
{
	static const uint64_t values[] = { 1ull << 40,	       -1ull,	      1ull << 32,
					   0x8000000000000000, -(1ull << 33), 0x123456789ABCDEF0 };
	struct reading r = { .rule = "tsc.offset", .multiplier = BIT(48) };

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		r.offset = values[i];
		r.offsetting = true;
		read_by_all(stage, theatre, &r);
	}
	r.offsetting = false;
	read_by_all(stage, theatre, &r);
}

static void multipliers(struct stage *stage, struct theatre *theatre)
{
	static const uint64_t values[] = { 1,	       1ull << 48,	   3ull << 47,
					   1ull << 47, 0x0000ABCDEF123456, 0x8000000000000000,
					   ~0ull };
	struct reading r = { .rule = "tsc.scaling", .scaling = true };

	if (!vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_TSC_SCALING))) {
		stage_note(stage, "not here: TSC scaling");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		r.multiplier = values[i];
		r.offsetting = true;
		r.offset = i & 1 ? 0x123456789ABCDEF0 : 0;
		read_by_all(stage, theatre, &r);
	}
	r.offsetting = false; /* then the multiplier does not count, either */
	read_by_all(stage, theatre, &r);
}

enum { OUTSIDE = 20000 }; /* ticks */

static void wait_outside(uint64_t ticks)
{
	const uint64_t from = rdtsc();

	while (rdtsc() - from < ticks)
		__builtin_ia32_pause();
}

/* What passes between two entries has passed for the guest. */
static void outside(struct stage *stage, struct theatre *theatre)
{
	const struct guest_change after[] = { SOLO_UNJUDGED(AT_GPR + RAX),
					      SOLO_UNJUDGED(AT_GPR + RDX),
					      { 0 } };
	const struct guest_change before[] = {
		SOLO_CLEAR(PRIMARY_CONTROLS,
			   CONTROL_MASK(PRIMARY_RDTSC) | CONTROL_MASK(PRIMARY_TSC_OFFSETTING)),
		{ 0 }
	};
	const struct guest_row row = { .rule = "tsc.monotonic",
				       .fragment = FRAGMENT_RDTSC,
				       .end = GUEST_PASSES,
				       .before = before,
				       .after = after };
	const uint64_t *gpr = theatre->seat.probe.gpr;
	struct span first, second;
	uint64_t times[2];

	if (!run_in(stage, theatre, &row, MODE_64, &first))
		return;
	times[0] = gpr[RDX] << 32 | (gpr[RAX] & 0xFFFFFFFF);
	wait_outside(OUTSIDE);
	if (!run_in(stage, theatre, &row, MODE_64, &second))
		return;
	times[1] = gpr[RDX] << 32 | (gpr[RAX] & 0xFFFFFFFF);
	check_between(stage, "tsc.monotonic", second.before - first.after, times[1] - times[0],
		      second.after - first.before, "the guest's time between two entries", MODE_64);
}

void tsc_checks(struct stage *stage)
{
	struct theatre *theatre;

	if (!vmx_allows(GROUP_PRIMARY, CONTROL_MASK(PRIMARY_TSC_OFFSETTING))) {
		stage_skip(stage, "needs TSC offsetting");
		return;
	}
	theatre = solo_open(stage);
	if (!theatre)
		return;
	offsets(stage, theatre);
	multipliers(stage, theatre);
	outside(stage, theatre);
	solo_close(stage, theatre);
}

/* ---- preemption timer ---- */

struct timing {
	struct stage *stage;
	struct theatre *theatre;
	unsigned shift; /* it counts changes of this bit of the TSC */
	bool nested;	/* a hypervisor is below, which may be late, and may round */
};

enum {
	SPIN_TICKS = 20000, /* of the TSC, that the guest counts */
	TRIES = 5,
	LATE_PART = 4,	/* so much of its time an exit may be late, if the best try is taken */
	ROUND_PART = 8, /* so much a hypervisor may round */
};

/* The guest loops, or is halted, until the timer exits. */
static bool expire(struct timing *t, uint64_t value, bool halted, struct span *span)
{
	const struct guest_change before[] = {
		SOLO_OR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_PREEMPTION_TIMER)),
		SOLO_SET(PREEMPTION_TIMER_VALUE, value),
		SOLO_SET(GUEST_ACTIVITY_STATE, halted),
		{ 0 },
	};
	const struct guest_row row = {
		.rule = "timer.rate",
		.fragment = FRAGMENT_LOOP,
		.end = GUEST_EXITS_AT,
		.number = REASON_PREEMPTION_TIMER,
		.before = before,
	};

	return run_in(t->stage, t->theatre, &row, MODE_64, span);
}

/* The shortest time from before an entry until after the exit; it is never too early. */
static uint64_t best_of(struct timing *t, uint64_t value, bool halted)
{
	uint64_t best = ~0ull;
	struct span span;

	for (unsigned i = 0; i < TRIES; i++) {
		if (!expire(t, value, halted, &span))
			return ~0ull;
		check_between(t->stage, "timer.rate", (value - 1) << t->shift,
			      span.after - span.before, ~0ull >> 1, "too early", MODE_64);
		if (span.after - span.before < best)
			best = span.after - span.before;
	}
	return best;
}

static void rates(struct timing *t, bool halted, uint64_t ticks)
{
	const uint64_t value = (ticks >> t->shift) + 1, wanted = value << t->shift;
	const uint64_t overhead = best_of(t, 1, halted);
	const uint64_t best = best_of(t, value, halted);

	if (overhead == ~0ull || best == ~0ull)
		return;
	/* A processor that is halted may take its time to wake up. */
	if (t->nested || halted)
		stage_note(t->stage, "a timer of %llu ticks took %llu, the shortest one %llu",
			   (unsigned long long)wanted, (unsigned long long)best,
			   (unsigned long long)overhead);
	else
		check_between(t->stage, "timer.rate", 0, best,
			      wanted + wanted / LATE_PART + 2 * overhead, "too late", MODE_64);
}

/* The guest counts SPIN_TICKS; *value is what the timer had, and has. False: it has ended wrongly.
 */
static bool spin(struct timing *t, const char *rule, enum guest_mode mode, uint64_t *value)
{
	const struct guest_change before[] = {
		SOLO_OR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_PREEMPTION_TIMER)),
		SOLO_OR(EXIT_CONTROLS, CONTROL_MASK(EXIT_SAVE_TIMER)),
		SOLO_CLEAR(PRIMARY_CONTROLS,
			   CONTROL_MASK(PRIMARY_RDTSC) | CONTROL_MASK(PRIMARY_TSC_OFFSETTING)),
		SOLO_SET(PREEMPTION_TIMER_VALUE, *value),
		SOLO_REG(RDI, SPIN_TICKS),
		{ 0 },
	};
	const struct guest_change after[] = { SOLO_UNJUDGED(AT_GPR + RAX),
					      SOLO_UNJUDGED(AT_GPR + RDX),
					      SOLO_UNJUDGED(AT_GPR + RSI),
					      SOLO_UNJUDGED(AT_GUEST_RFLAGS),
					      { 0 } };
	const struct guest_row row = { .rule = rule,
				       .fragment = FRAGMENT_SPIN,
				       .end = GUEST_PASSES,
				       .before = before,
				       .after = after };
	const uint64_t least = SPIN_TICKS >> t->shift;
	struct span span;
	uint64_t most, slack, counted;

	if (!run_in(t->stage, t->theatre, &row, mode, &span))
		return false;
	most = (span.after >> t->shift) - (span.before >> t->shift);
	slack = 1 + (t->nested ? most / ROUND_PART : 0);
	counted = *value - t->theatre->exit.value[AT_PREEMPTION_TIMER_VALUE];
	check_between(t->stage, rule, least - (least < slack ? least : slack), counted,
		      most + slack, "counted down", mode);
	*value -= counted;
	return true;
}

/* Several entries, each with what the one before has left. */
static void parts(struct timing *t, enum guest_mode mode)
{
	uint64_t value = 0x40000000;

	for (unsigned i = 0; i < 3; i++)
		if (!spin(t, "timer.save", mode, &value))
			return;
	wait_outside(8 * SPIN_TICKS);
	(void)spin(t, "timer.root", mode, &value);
}

void timer_checks(struct stage *stage)
{
	struct timing t = { .stage = stage,
			    .shift = vmx_caps.misc & 0x1F,
			    .nested = cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR };

	if (!vmx_allows(GROUP_PIN, CONTROL_MASK(PIN_PREEMPTION_TIMER))) {
		stage_skip(stage, "needs the VMX-preemption timer");
		return;
	}
	t.theatre = solo_open(stage);
	if (!t.theatre)
		return;
	rates(&t, false, 100000);
	if (vmx_caps.misc & BIT(6)) /* the activity state HLT */
		rates(&t, true, 50000);
	for (unsigned mode = 0; mode < GUEST_MODES; mode++)
		if (!t.theatre->missing[mode] && 1 << mode & MODES_KERNEL &&
		    solo_mine(stage, mode) && vmx_allows(GROUP_EXIT, CONTROL_MASK(EXIT_SAVE_TIMER)))
			parts(&t, (enum guest_mode)mode);
	solo_close(stage, t.theatre);
}
