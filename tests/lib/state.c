#include "tests/lib/state.h"

#include "lib/text.h"
#include "vm/control.h"
#include "vm/cpu.h"

const struct vm_region state_region = { .gpa = GUEST_STATE_REGION, .pages = GUEST_STATE_PAGES };

volatile struct guest_state *state_of(struct fixture *fixture, unsigned slot)
{
	return vm_memory(fixture->vm, GUEST_STATES + slot * PAGE_SIZE, PAGE_SIZE);
}

/* --- values to fill registers with --------------------------------------------------------- */

/* The FXSAVE area: SDM vol. 1, "FXSAVE Area". */
struct fx {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16]; /* 10 bytes each */
	uint8_t xmm[16][16];
};

enum { ST_BYTES = 10, XMM_BYTES = 16 };

/* "Xorshift RNGs", G. Marsaglia, 2003. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void fill_bytes(uint8_t *to, size_t bytes, uint64_t *random)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)next(random);
}

/* Exceptions stay masked, and no summary bit claims that one waits. */
static void fill_extended(struct guest_registers *fill, uint64_t *random)
{
	struct fx *fx = (struct fx *)fill->fx;

	fx->fcw = (uint16_t)(0x007F | (next(random) & 0x0F00));
	fx->fsw = (uint16_t)(next(random) & 0x7F3F); /* no ES, no B */
	fx->ftw = (uint8_t)next(random);
	fx->fop = (uint16_t)(next(random) & 0x7FF);
	fx->fip = next(random) & 0x7FFFFFFFFFFF;
	fx->fdp = next(random) & 0x7FFFFFFFFFFF;
	fx->mxcsr = (uint32_t)(0x1F80 | (next(random) & 0xE03F));
	for (unsigned i = 0; i < 8; i++)
		fill_bytes(fx->st[i], ST_BYTES, random);
	for (unsigned i = 0; i < 16; i++) {
		fill_bytes(fx->xmm[i], XMM_BYTES, random);
		fill_bytes(fill->ymm[i], sizeof(fill->ymm[i]), random);
		__builtin_memcpy(fill->ymm[i], fx->xmm[i], XMM_BYTES);
	}
}

/* Memory types of which none is reserved, write-back for what the guest uses: SDM vol. 3A,
 * "IA32_PAT MSR". */
static void fill_pat(struct guest_registers *fill, uint64_t *random)
{
	static const uint8_t types[] = { 0, 1, 4, 5, 6, 7 };

	fill->pat = 6;
	for (unsigned i = 1; i < 8; i++)
		fill->pat |= (uint64_t)types[next(random) % ARRAY_SIZE(types)] << 8 * i;
}

/* Breakpoints on execution at addresses that nobody executes. */
static void fill_debug(struct guest_registers *fill, uint64_t *random)
{
	for (unsigned i = 0; i < 4; i++)
		fill->dr[i] = 0x500000000 + (next(random) & 0xFFFFFFFF);
	fill->dr6 = 0xFFFF0FF0 | (next(random) & 0x600F);
	fill->dr7 = 0x400 | (next(random) & 0xFF) | 1;
}

/*
 * Neighbours differ in XCR0. SSE needs none of its bits (SDM vol. 3A, "Enabling SSE Instructions"),
 * so with the x87 bit alone the XMM registers are to be kept all the same.
 */
static void fill_processor(struct guest_state *state, uint32_t seed)
{
	static const uint8_t xcr0[] = { 3, 7, 1 };
	uint32_t leaf[4];

	backend->cpuid(1, 0, leaf);
	state->xsave = leaf[2] >> 26 & 1;
	state->avx = state->xsave && leaf[2] >> 28 & 1;
	if (state->xsave) {
		backend->cpuid(0xD, 0, leaf);
		state->fill.xcr0 = leaf[0] & xcr0[seed % ARRAY_SIZE(xcr0)];
		state->avx = state->avx && state->fill.xcr0 & 4;
	}
}

/* Segment descriptors: SDM vol. 3A, "Segment Descriptors"; a base is in three places. */
static uint64_t data_descriptor(uint32_t base)
{
	return 0x00CF93000000FFFFull | (uint64_t)(base & 0xFFFFFF) << 16 |
	       (uint64_t)(base >> 24) << 56;
}

static void fill_tables(struct fixture *fixture, struct guest_state *state, uint32_t gpa,
			uint32_t gs_base)
{
	enum { PRESENT_WRITABLE = 3, LARGE = 1 << 7 };
	uint64_t *tables = vm_memory(fixture->vm, GUEST_STATE_TABLES, 3 * PAGE_SIZE);

	tables[0] = (GUEST_STATE_TABLES + PAGE_SIZE) | PRESENT_WRITABLE;
	tables[512] = (GUEST_STATE_TABLES + 2 * PAGE_SIZE) | PRESENT_WRITABLE;
	tables[1024] = PRESENT_WRITABLE | LARGE; /* 0 to 1FFFFFH as they are */
	state->gdt[1] = 0x00AF9B000000FFFF;
	state->gdt[2] = data_descriptor(0);
	state->gdt[3] = data_descriptor(gpa);
	state->gdt[4] = data_descriptor(gs_base);
	state->gdt[5] = 0x0000890000000067;
	gpa += offsetof(struct guest_state, gdt);
	state->gdt_pointer[0] = sizeof(state->gdt) - 1;
	state->gdt_pointer[1] = (uint16_t)gpa;
	state->gdt_pointer[2] = (uint16_t)(gpa >> 16);
}

void state_prepare(struct fixture *fixture, unsigned slot, uint32_t seed, uint32_t cr0)
{
	struct guest_state *state = (struct guest_state *)state_of(fixture, slot);
	uint64_t random = (seed + 1) * 0x9E3779B97F4A7C15ull;

	fixture->shared->program[slot] = GUEST_state;
	fill_processor(state, seed);
	fill_tables(fixture, state, GUEST_STATES + slot * PAGE_SIZE, (uint32_t)next(&random));
	for (unsigned i = 0; i < GPRS; i++)
		state->fill.gpr[i] = next(&random);
	state->fill.cr2 = next(&random);
	fill_pat(&state->fill, &random);
	fill_debug(&state->fill, &random);
	fill_extended(&state->fill, &random);
	state->cr0_set = cr0;
}

/* --- the guest's run --------------------------------------------------------------------------
 */

void state_prepare_aps(struct fixture *fixture)
{
	for (unsigned i = 1; i < fixture->vcpus; i++)
		state_prepare(fixture, i, i, 0);
}

static bool counts(struct fixture *fixture, uint64_t argument)
{
	return state_of(fixture, (unsigned)(argument >> 32))->counter != (uint32_t)argument;
}

bool state_wait_counting(struct fixture *fixture, unsigned slot)
{
	return fixture_wait(fixture, "the guest counts on", counts,
			    (uint64_t)slot << 32 | state_of(fixture, slot)->counter);
}

bool state_start(struct fixture *fixture, unsigned slot)
{
	const struct vcpu *vcpu = fixture->vm->vcpus[slot];

	return require(fixture->run, "start",
		       vm_start_ap(fixture->vm, vcpu->apic.id, GUEST_SIPI_PAGE >> 12)) &&
	       fixture_wait(fixture, "the guest counts", counts, (uint64_t)slot << 32);
}

static bool has_stored(struct fixture *fixture, uint64_t slot)
{
	return state_of(fixture, (unsigned)slot)->stores;
}

/* --- comparing ---------------------------------------------------------------------------------
 */

/* The text is only made for a difference: most comparisons find none. */
static void same(struct test_run *run, const char *when, const char *name, int index,
		 uint64_t wanted, uint64_t got)
{
	char what[TEST_TEXT];

	if (wanted == got)
		what[0] = '\0';
	else if (index < 0)
		text_format(what, sizeof(what), "%s: %s", when, name);
	else
		text_format(what, sizeof(what), "%s: %s%d", when, name, index);
	expect_bits(run, what, wanted, got);
}

static void same_bytes(struct test_run *run, const char *when, const char *name, int index,
		       const uint8_t *wanted, const uint8_t *got, size_t bytes)
{
	size_t i = 0;

	while (i + 1 < bytes && wanted[i] == got[i])
		i++;
	same(run, when, name, index, wanted[i], got[i]); /* the first byte that differs */
}

void state_expect_extended(struct fixture *fixture, unsigned slot, const char *when)
{
	const struct guest_state *state = (const struct guest_state *)state_of(fixture, slot);
	const struct fx *wanted = (const struct fx *)state->fill.fx;
	const struct fx *got = (const struct fx *)state->seen.fx;
	struct test_run *run = fixture->run;

	same(run, when, "FCW", -1, wanted->fcw, got->fcw);
	same(run, when, "FSW", -1, wanted->fsw, got->fsw);
	same(run, when, "FTW", -1, wanted->ftw, got->ftw);
	/*
	 * While no x87 exception is pending, AMD's processors do not save FOP, FIP and FDP, or save
	 * zeros where they always restore them (CPUID 80000008H EBX, RstrFpErrPtrs): APM vol. 2,
	 * "Mode-Specific XSAVE/XRSTOR State Management".
	 */
	if (!backend->cites_amd) {
		same(run, when, "FOP", -1, wanted->fop, got->fop);
		same(run, when, "FIP", -1, wanted->fip, got->fip);
		same(run, when, "FDP", -1, wanted->fdp, got->fdp);
	}
	same(run, when, "MXCSR", -1, wanted->mxcsr, got->mxcsr);
	for (int i = 0; i < 8; i++)
		same_bytes(run, when, "ST", i, wanted->st[i], got->st[i], ST_BYTES);
	for (int i = 0; i < 16; i++)
		same_bytes(run, when, "XMM", i, wanted->xmm[i], got->xmm[i], XMM_BYTES);
	for (int i = 0; state->avx && i < 16; i++)
		same_bytes(run, when, "YMM", i, state->fill.ymm[i], state->seen.ymm[i], 32);
	same(run, when, "XCR0", -1, state->fill.xcr0, state->seen.xcr0);
	same(run, when, "IA32_PAT", -1, state->fill.pat, state->seen.pat);
}

void state_release(struct fixture *fixture, unsigned slot, const char *when)
{
	volatile struct guest_state *state = state_of(fixture, slot);
	struct test_run *run = fixture->run;

	state->release = 1;
	if (!fixture_wait(fixture, when, has_stored, slot))
		return;
	for (int i = 0; i < GPRS; i++)
		same(run, when, "GPR ", i, state->fill.gpr[i], state->seen.gpr[i]);
	for (int i = 0; i < 4; i++)
		same(run, when, "DR", i, state->fill.dr[i], state->seen.dr[i]);
	same(run, when, "DR6", -1, state->fill.dr6, state->seen.dr6);
	same(run, when, "DR7", -1, state->fill.dr7, state->seen.dr7);
	same(run, when, "CR2", -1, state->fill.cr2, state->seen.cr2);
	state_expect_extended(fixture, slot, when);
}

void state_expect_regs(struct fixture *fixture, unsigned slot, const char *when,
		       const struct regs *regs)
{
	const volatile struct guest_registers *fill = &state_of(fixture, slot)->fill;
	struct test_run *run = fixture->run;

	for (int i = 0; i < GPRS; i++)
		same(run, when, "GPR ", i, fill->gpr[i], regs->gpr[i]);
	for (int i = 0; i < 4; i++)
		same(run, when, "DR", i, fill->dr[i], regs->dr[i]);
	same(run, when, "DR6", -1, fill->dr6, regs->dr6);
	same(run, when, "DR7", -1, fill->dr7, regs->dr7);
	same(run, when, "CR2", -1, fill->cr2, regs->cr2);
	same(run, when, "IA32_PAT", -1, fill->pat, regs->pat);
	if (state_of(fixture, slot)->xsave)
		same(run, when, "XCR0", -1, fill->xcr0, regs->xcr0);
}

#define WORD(field)                                                                                \
	{                                                                                          \
#field, offsetof(struct regs, field)                                               \
	}

static const struct {
	const char *name;
	uint16_t offset;
} words[] = {
	WORD(cr0),   WORD(cr2),	  WORD(cr3),   WORD(cr4),   WORD(efer), WORD(xcr0), WORD(pat),
	WORD(dr[0]), WORD(dr[1]), WORD(dr[2]), WORD(dr[3]), WORD(dr6),	WORD(dr7),
};

void regs_expect_equal(struct test_run *run, const char *when, const struct regs *wanted,
		       const struct regs *got, bool progress)
{
	for (int i = 0; i < GPRS; i++)
		same(run, when, "GPR ", i, wanted->gpr[i], got->gpr[i]);
	if (!progress) {
		same(run, when, "RIP", -1, wanted->rip, got->rip);
		same(run, when, "RFLAGS", -1, wanted->rflags, got->rflags);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		same(run, when, words[i].name, -1,
		     *(const uint64_t *)((const uint8_t *)wanted + words[i].offset),
		     *(const uint64_t *)((const uint8_t *)got + words[i].offset));
	for (int i = ES; i < SEGMENTS; i++) {
		const struct segment_state *a = &wanted->segment[i], *b = &got->segment[i];

		same(run, when, "selector of segment ", i, a->selector, b->selector);
		same(run, when, "base of segment ", i, a->base, b->base);
		same(run, when, "limit of segment ", i, a->limit, b->limit);
		same(run, when, "rights of segment ", i, a->rights, b->rights);
	}
	same(run, when, "GDTR base", -1, wanted->gdtr.base, got->gdtr.base);
	same(run, when, "GDTR limit", -1, wanted->gdtr.limit, got->gdtr.limit);
	same(run, when, "IDTR base", -1, wanted->idtr.base, got->idtr.base);
	same(run, when, "IDTR limit", -1, wanted->idtr.limit, got->idtr.limit);
	same(run, when, "activity", -1, wanted->activity, got->activity);
	same(run, when, "interruptibility", -1, wanted->interruptibility, got->interruptibility);
}
