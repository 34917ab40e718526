/*
 * The MSR-load and MSR-store areas of entries and exits: what the guest reads, what is stored, and
 * what the host finds right after the exit. SDM vol. 3C, "Loading MSRs", "Saving MSRs".
 */
#include "x86/control.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/vmx/checks.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/solo.h"

enum { ENTRY_BYTES = 16, VALUE_AT = 8, STALE = 0x5A5A5A5A };
#define ONE 0x00001234ABCD5678ull
#define OTHER 0xFFFF8765DCBA4321ull
#define OFFSET (1ull << 40)

/* Entry n of the area in a page: its index, its value. */
#define INDEX(page, n, msr)                                                                        \
	{                                                                                          \
		AT_SEAT, GUEST_SET, 8, (page)*PAGE_SIZE + (n)*ENTRY_BYTES, (msr)                   \
	}
#define VALUE(page, n, v)                                                                          \
	{                                                                                          \
		AT_SEAT, GUEST_SET, 8, (page)*PAGE_SIZE + (n)*ENTRY_BYTES + VALUE_AT, (v)          \
	}

/* MSRs that the host looks at after an exit, and that are put back then. */
static const uint32_t watched[] = {
	IA32_KERNEL_GS_BASE, IA32_STAR, IA32_LSTAR, IA32_FMASK,
	IA32_SYSENTER_ESP,   IA32_PAT,	IA32_EFER,
};
enum { KERNEL_GS_BASE, STAR, LSTAR, FMASK, SYSENTER_ESP, PAT, EFER, WATCHED };
_Static_assert(ARRAY_SIZE(watched) == WATCHED, "a number for each");

struct areas {
	struct stage *stage;
	struct theatre *theatre;
	uint64_t before[WATCHED], found[WATCHED];
};

static void look(void *argument)
{
	struct areas *areas = argument;

	for (unsigned i = 0; i < WATCHED; i++)
		areas->found[i] = rdmsr(watched[i]);
}

static bool run(struct areas *areas, const char *rule, uint16_t fragment, enum guest_end end,
		unsigned number, const struct guest_change *before,
		const struct guest_change *after, const char *what)
{
	const struct guest_row row = {
		.rule = rule,
		.fragment = fragment,
		.end = (uint8_t)end,
		.number = (uint8_t)number,
		.before = before,
		.after = after,
	};
	bool right;

	for (unsigned i = 0; i < WATCHED; i++)
		areas->before[i] = rdmsr(watched[i]);
	areas->theatre->exit.look = look;
	areas->theatre->exit.argument = areas;
	right = solo_check(areas->stage, areas->theatre, &row, MODE_64, "%s", what);
	areas->theatre->exit.look = NULL;
	for (unsigned i = 0; i < WATCHED; i++)
		if (rdmsr(watched[i]) != areas->before[i])
			wrmsr(watched[i], areas->before[i]);
	return right;
}

static uint64_t stored(const struct areas *areas, unsigned n, unsigned at)
{
	return *(const uint64_t *)(const void *)(areas->theatre->seat.pages +
						 PAGE_MSR_STORE * PAGE_SIZE + n * ENTRY_BYTES + at);
}

/* No MSR exits. */
#define OPEN_BITMAP(areas)                                                                         \
	SOLO_OR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_MSR_BITMAPS)),                              \
		SOLO_SET(MSR_BITMAP, entry_page(&(areas)->theatre->seat.ground, PAGE_SPARE))

/* Another value that WRMSR takes: the last entry, which nothing here uses. */
static uint64_t other_pat(uint64_t pat)
{
	return (pat & ~(7ull << 56)) | (pat >> 56 == 6 ? 4ull : 6ull) << 56;
}

/* ---- entries ---- */

static void guest_reads(struct areas *areas, uint32_t msr, uint64_t first, uint64_t second,
			uint32_t control)
{
	const struct guest_change before[] = {
		OPEN_BITMAP(areas),
		SOLO_OR(ENTRY_CONTROLS, control),
		SOLO_SET(ENTRY_MSR_LOAD_COUNT, 2),
		INDEX(PAGE_MSR_LOAD, 0, msr),
		VALUE(PAGE_MSR_LOAD, 0, first),
		INDEX(PAGE_MSR_LOAD, 1, msr),
		VALUE(PAGE_MSR_LOAD, 1, second),
		SOLO_REG(RCX, msr),
		{ 0 },
	};
	const struct guest_change after[] = { SOLO_REG(RAX, (uint32_t)second),
					      SOLO_REG(RDX, second >> 32),
					      { 0 } };

	(void)run(areas, "msr.load.same", FRAGMENT_RDMSR, GUEST_PASSES, 0, before, after,
		  "what the guest reads");
}

static void loads(struct areas *areas)
{
	const uint64_t *base = areas->theatre->base[MODE_64].value;
	const uint64_t pat = base[AT_GUEST_IA32_PAT], efer = base[AT_GUEST_IA32_EFER];

	guest_reads(areas, IA32_KERNEL_GS_BASE, ONE, OTHER, 0);
	guest_reads(areas, IA32_KERNEL_GS_BASE, OTHER, ONE, 0);
	guest_reads(areas, IA32_LSTAR, ONE, OTHER, 0);
	if (vmx_allows(GROUP_ENTRY, CONTROL_MASK(ENTRY_LOAD_PAT)))
		guest_reads(areas, IA32_PAT, pat, other_pat(pat), CONTROL_MASK(ENTRY_LOAD_PAT));
	if (vmx_allows(GROUP_ENTRY, CONTROL_MASK(ENTRY_LOAD_EFER)))
		guest_reads(areas, IA32_EFER, efer, efer ^ EFER_SCE, CONTROL_MASK(ENTRY_LOAD_EFER));
}

/* ---- exits ---- */

/* After the guest's last write, as RDMSR says in root operation. */
static void stores(struct areas *areas)
{
	const struct guest_change before[] = {
		OPEN_BITMAP(areas),
		SOLO_SET(EXIT_MSR_STORE_COUNT, 5),
		INDEX(PAGE_MSR_STORE, 1, IA32_STAR),
		INDEX(PAGE_MSR_STORE, 2, IA32_LSTAR),
		INDEX(PAGE_MSR_STORE, 3, IA32_FMASK),
		INDEX(PAGE_MSR_STORE, 4, IA32_KERNEL_GS_BASE),
		SOLO_REG(RCX, IA32_KERNEL_GS_BASE),
		SOLO_REG(RAX, (uint32_t)OTHER),
		SOLO_REG(RDX, OTHER >> 32),
		{ 0 },
	};
	uint64_t *area =
		(uint64_t *)(void *)(areas->theatre->seat.pages + PAGE_MSR_STORE * PAGE_SIZE);
	unsigned changed = 0;

	for (unsigned n = 0; n < 6; n++)
		area[2 * n + 1] = STALE;
	if (!run(areas, "msr.store.values", FRAGMENT_WRMSR, GUEST_PASSES, 0, before, NULL, "WRMSR"))
		return;
	check_number(areas->stage, "msr.store.values", OTHER, stored(areas, 0, VALUE_AT),
		     "IA32_KERNEL_GS_BASE");
	check_number(areas->stage, "msr.store.values", areas->found[STAR],
		     stored(areas, 1, VALUE_AT), "IA32_STAR");
	check_number(areas->stage, "msr.store.values", areas->found[LSTAR],
		     stored(areas, 2, VALUE_AT), "IA32_LSTAR");
	check_number(areas->stage, "msr.store.values", areas->found[FMASK],
		     stored(areas, 3, VALUE_AT), "IA32_FMASK");
	check_number(areas->stage, "msr.store.values", OTHER, stored(areas, 4, VALUE_AT),
		     "IA32_KERNEL_GS_BASE again");
	check_number(areas->stage, "msr.store.values", STALE, stored(areas, 5, VALUE_AT),
		     "the entry behind the last one");
	/* The row's own changes are undone: these two nobody has. */
	for (unsigned n = 0; n < 256; n++)
		changed += area[2 * n] != IA32_KERNEL_GS_BASE;
	check_number(areas->stage, "msr.store.index", 0, changed, "index words that have changed");
}

/* Those that the row changes are looked at by the row. */
static void keeps_indices(struct areas *areas)
{
	const struct guest_change before[] = {
		SOLO_SET(EXIT_MSR_STORE_COUNT, 3),
		INDEX(PAGE_MSR_STORE, 0, IA32_LSTAR),
		INDEX(PAGE_MSR_STORE, 1, IA32_SYSENTER_CS),
		INDEX(PAGE_MSR_STORE, 2, IA32_KERNEL_GS_BASE),
		VALUE(PAGE_MSR_STORE, 1, STALE),
		{ 0 },
	};
	const struct guest_change after[] = {
		INDEX(PAGE_MSR_STORE, 0, IA32_LSTAR),
		INDEX(PAGE_MSR_STORE, 1, IA32_SYSENTER_CS),
		INDEX(PAGE_MSR_STORE, 2, IA32_KERNEL_GS_BASE),
		/* of the guest: it is stored before the host's is loaded */
		VALUE(PAGE_MSR_STORE, 1,
		      areas->theatre->base[MODE_64].value[AT_GUEST_IA32_SYSENTER_CS]),
		{ 0 },
	};

	(void)run(areas, "msr.store.index", FRAGMENT_NOP, GUEST_PASSES, 0, before, after,
		  "an exit");
}

static void store_of_tsc(struct areas *areas)
{
	const struct guest_change before[] = {
		SOLO_OR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_TSC_OFFSETTING)),
		SOLO_SET(TSC_OFFSET, OFFSET),
		SOLO_SET(EXIT_MSR_STORE_COUNT, 1),
		INDEX(PAGE_MSR_STORE, 0, IA32_TIME_STAMP_COUNTER),
		{ 0 },
	};
	uint64_t from = rdtsc(), value;

	if (!run(areas, "msr.store.tsc", FRAGMENT_NOP, GUEST_PASSES, 0, before, NULL, "an exit"))
		return;
	value = stored(areas, 0, VALUE_AT);
	check_number(areas->stage, "msr.store.tsc", 1, value - from <= rdtsc() - from,
		     "%llXH is between the host's own before and after", (unsigned long long)value);
}

/* Changes that load three MSRs at an exit. */
#define EXIT_LOADS(areas, pat, efer)                                                               \
	SOLO_SET(EXIT_MSR_LOAD_COUNT, 3),                                                          \
		SOLO_SET(EXIT_MSR_LOAD_ADDRESS,                                                    \
			 entry_page(&(areas)->theatre->seat.ground, PAGE_MSR_LOAD_2)),             \
		INDEX(PAGE_MSR_LOAD_2, 0, IA32_LSTAR), VALUE(PAGE_MSR_LOAD_2, 0, ONE),             \
		INDEX(PAGE_MSR_LOAD_2, 1, IA32_PAT), VALUE(PAGE_MSR_LOAD_2, 1, pat),               \
		INDEX(PAGE_MSR_LOAD_2, 2, IA32_EFER), VALUE(PAGE_MSR_LOAD_2, 2, efer)

static void check_loaded(struct areas *areas, const char *rule, uint64_t pat, uint64_t efer,
			 const char *what)
{
	check_number(areas->stage, rule, ONE, areas->found[LSTAR], "IA32_LSTAR, %s", what);
	check_number(areas->stage, rule, pat, areas->found[PAT], "IA32_PAT, %s", what);
	check_number(areas->stage, rule, efer, areas->found[EFER], "IA32_EFER, %s", what);
}

/* Also where the exit loads the same from the host-state area, for that is first. */
static void exit_loads(struct areas *areas)
{
	const uint64_t pat = other_pat(rdmsr(IA32_PAT)), efer = rdmsr(IA32_EFER) ^ EFER_SCE;
	const struct guest_change before[] = {
		SOLO_OR(EXIT_CONTROLS, (vmx_allows(GROUP_EXIT, CONTROL_MASK(EXIT_LOAD_PAT))
						? CONTROL_MASK(EXIT_LOAD_PAT)
						: 0) |
					       (vmx_allows(GROUP_EXIT, CONTROL_MASK(EXIT_LOAD_EFER))
							? CONTROL_MASK(EXIT_LOAD_EFER)
							: 0)),
		EXIT_LOADS(areas, pat, efer),
		{ 0 },
	};
	const struct guest_change same[] = {
		SOLO_SET(EXIT_MSR_LOAD_COUNT, 3),
		SOLO_SET(EXIT_MSR_LOAD_ADDRESS,
			 entry_page(&areas->theatre->seat.ground, PAGE_MSR_LOAD_2)),
		VALUE(PAGE_MSR_LOAD_2, 0, ONE),
		VALUE(PAGE_MSR_LOAD_2, 1, STALE),
		VALUE(PAGE_MSR_LOAD_2, 2, OTHER),
		{ 0 },
	};

	if (run(areas, "msr.exit_load.values", FRAGMENT_NOP, GUEST_PASSES, 0, before, NULL,
		"an exit"))
		check_loaded(areas, "msr.exit_load.values", pat, efer, "an exit");
	if (run(areas, "msr.exit_load.values", FRAGMENT_NOP, GUEST_PASSES, 0, same, NULL,
		"an exit"))
		check_number(areas->stage, "msr.exit_load.values", OTHER,
			     areas->found[KERNEL_GS_BASE], "the last of one MSR");
}

/* ---- failed entries ---- */

static void after_failure(struct areas *areas, unsigned reason)
{
	const uint64_t pat = other_pat(rdmsr(IA32_PAT)), efer = rdmsr(IA32_EFER) ^ EFER_SCE;
	const bool by_msr = reason == REASON_ENTRY_MSR_LOAD;
	const struct guest_change before[] = {
		EXIT_LOADS(areas, pat, efer),
		SOLO_SET(EXIT_MSR_STORE_COUNT, 1),
		by_msr ? (struct guest_change)SOLO_SET(ENTRY_MSR_LOAD_COUNT, 2)
		       : (struct guest_change)SOLO_SET(GUEST_RFLAGS, 0),
		{ 0 },
	};
	const struct guest_change after[] = { SOLO_SET(EXIT_QUALIFICATION, by_msr ? 2 : 0), { 0 } };
	uint64_t *area =
		(uint64_t *)(void *)(areas->theatre->seat.pages + PAGE_MSR_STORE * PAGE_SIZE);
	uint64_t *load =
		(uint64_t *)(void *)(areas->theatre->seat.pages + PAGE_MSR_LOAD * PAGE_SIZE);

	area[1] = STALE;
	load[1] = OTHER;
	load[2] = IA32_FS_BASE; /* the second entry, which no entry loads */
	if (run(areas, "msr.exit.failed_entry", FRAGMENT_NOP, GUEST_FAILS, reason, before, after,
		"an entry failure")) {
		check_loaded(areas, "msr.exit.failed_entry", pat, efer, "an entry failure");
		check_number(areas->stage, "msr.exit.failed_entry", STALE, area[1],
			     "in the MSR-store area, reason %u", reason);
		if (by_msr)
			stage_note(areas->stage, "the MSR before the bad one is %s",
				   areas->found[KERNEL_GS_BASE] == OTHER ? "loaded" : "not loaded");
	}
	load[1] = 0;
	load[2] = IA32_KERNEL_GS_BASE;
}

void area_checks(struct stage *stage)
{
	struct areas areas = { .stage = stage, .theatre = solo_open(stage) };

	if (!areas.theatre)
		return;
	if (vmx_allows(GROUP_PRIMARY, CONTROL_MASK(PRIMARY_MSR_BITMAPS))) {
		loads(&areas);
		stores(&areas);
	} else {
		stage_note(stage, "not here: MSR bitmaps");
	}
	keeps_indices(&areas);
	exit_loads(&areas);
	after_failure(&areas, REASON_ENTRY_GUEST_STATE);
	after_failure(&areas, REASON_ENTRY_MSR_LOAD);
	solo_close(stage, areas.theatre);
}

/* A test of its own, for some emulators forget it. */
void area_tsc_checks(struct stage *stage)
{
	struct areas areas = { .stage = stage };

	if (!vmx_allows(GROUP_PRIMARY, CONTROL_MASK(PRIMARY_TSC_OFFSETTING))) {
		stage_skip(stage, "needs TSC offsetting");
		return;
	}
	areas.theatre = solo_open(stage);
	if (!areas.theatre)
		return;
	store_of_tsc(&areas);
	solo_close(stage, areas.theatre);
}
