/*
 * AMD's table of what INIT leaves, rule by rule, in a processor that INIT and SIPI have started: a
 * vCPU, as its first code and the VMCB have it.
 */
#include "lib/text.h"
#include "vm/control.h"
#include "vm/vcpu.h"

#include "tests/lib/list.h"
#include "tests/lib/state.h"

enum { AP = 1, SIPI_VECTOR = 0x10, ALL = 0 };

/* The attributes that a processor observes, and so must give back: APM vol. 2, "Segment State in
 * the VMCB". Of TR all but the busy bit. */
enum { RIGHTS_OBSERVED = 0x6082, RIGHTS_LDTR = 0xFF, RIGHTS_TR = 0x9D };

struct row {
	const char *rule, *what;
	uint16_t offset;
	uint8_t size;
	uint32_t mask; /* bits that are compared; ALL */
	uint64_t wanted;
};

#define ROW(rule, structure, field, mask, wanted)                                                  \
	{                                                                                          \
		rule, #field, offsetof(struct structure, field),                                   \
			sizeof(((struct structure *)0)->field), mask, wanted                       \
	}
#define REG(rule, field, wanted) ROW(rule, regs, field, ALL, wanted)
#define SEEN(rule, field, wanted) ROW(rule, guest_slot, field, ALL, wanted)
#define DATA_SEGMENT(name)                                                                         \
	REG("init.segments", segment[name].selector, 0),                                           \
		REG("init.segments", segment[name].base, 0),                                       \
		REG("init.segments", segment[name].limit, 0xFFFF),                                 \
		ROW("init.attributes", regs, segment[name].rights, RIGHTS_OBSERVED, 0x92)
#define TABLE(name) REG("init.tables", name.base, 0), REG("init.tables", name.limit, 0xFFFF)

/* As the VMCB has it. */
static const struct row state_rows[] = {
	REG("init.edx", gpr[RAX], 0),
	REG("init.edx", gpr[RCX], 0),
	REG("init.edx", gpr[RBX], 0),
	REG("init.edx", gpr[RSP], 0),
	REG("init.edx", gpr[RBP], 0),
	REG("init.edx", gpr[RSI], 0),
	REG("init.edx", gpr[RDI], 0),
	REG("init.edx", gpr[R8], 0),
	REG("init.edx", gpr[R15], 0),
	REG("init.cr", cr2, 0),
	REG("init.cr", cr3, 0),
	REG("init.cr", cr4, 0),
	REG("init.efer", efer, 0),
	REG("init.rflags", rflags, 2),
	REG("init.rflags", rip, 0),
	REG("init.rflags", segment[CS].selector, SIPI_VECTOR << 8),
	REG("init.rflags", segment[CS].base, SIPI_VECTOR << 12),
	REG("init.segments", segment[CS].limit, 0xFFFF),
	ROW("init.attributes", regs, segment[CS].rights, RIGHTS_OBSERVED, 0x9A),
	DATA_SEGMENT(ES),
	DATA_SEGMENT(SS),
	DATA_SEGMENT(DS),
	DATA_SEGMENT(FS),
	DATA_SEGMENT(GS),
	REG("init.ldtr_tr", segment[LDTR].selector, 0),
	REG("init.ldtr_tr", segment[LDTR].base, 0),
	REG("init.ldtr_tr", segment[LDTR].limit, 0xFFFF),
	ROW("init.ldtr_tr", regs, segment[LDTR].rights, RIGHTS_LDTR, 0x82),
	REG("init.ldtr_tr", segment[TR].selector, 0),
	REG("init.ldtr_tr", segment[TR].base, 0),
	REG("init.ldtr_tr", segment[TR].limit, 0xFFFF),
	ROW("init.ldtr_tr", regs, segment[TR].rights, RIGHTS_TR, 0x83),
	TABLE(gdtr),
	TABLE(idtr),
};

/* As the first code sees it. */
static const struct row guest_rows[] = {
	SEEN("init.edx", eax, 0),
	SEEN("init.edx", ebx, 0),
	SEEN("init.edx", ecx, 0),
	SEEN("init.edx", esi, 0),
	SEEN("init.edx", edi, 0),
	SEEN("init.edx", ebp, 0),
	SEEN("init.edx", esp, 0),
	SEEN("init.cr", cr4, 0),
	SEEN("init.rflags", eflags, 2),
	SEEN("init.rflags", ip, 0),
	SEEN("init.rflags", cs, SIPI_VECTOR << 8),
	SEEN("init.segments", ds, 0),
	SEEN("init.segments", es, 0),
	SEEN("init.segments", fs, 0),
	SEEN("init.segments", gs, 0),
	SEEN("init.segments", ss, 0),
	SEEN("init.tables", gdt_limit, 0xFFFF),
	SEEN("init.tables", gdt_base_low, 0),
	SEEN("init.tables", gdt_base_high, 0),
	SEEN("init.tables", idt_limit, 0xFFFF),
	SEEN("init.tables", idt_base_low, 0),
	SEEN("init.tables", idt_base_high, 0),
};

static void check(struct test_run *run, const char *rule, const char *what, uint64_t wanted,
		  uint64_t got)
{
	char text[TEST_TEXT];

	text_format(text, sizeof(text), "%s: %s", rule, what);
	test_rule(run, rule, 1, !expect_bits(run, text, wanted, got));
}

static uint64_t load(const void *structure, const struct row *row)
{
	uint64_t value = 0;

	__builtin_memcpy(&value, (const uint8_t *)structure + row->offset, row->size);
	return row->mask == ALL ? value : value & row->mask;
}

static void check_rows(struct test_run *run, const void *structure, const struct row *rows,
		       unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		check(run, rows[i].rule, rows[i].what,
		      rows[i].mask == ALL ? rows[i].wanted : rows[i].wanted & rows[i].mask,
		      load(structure, &rows[i]));
}

/* CR0.CD and CR0.NW are set at power-up, and nothing has cleared them before the first start. */
static void after_start(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	const struct regs *regs = &fixture->start[AP];
	const struct guest_slot *slot = (const struct guest_slot *)&fixture->slot[AP];
	uint32_t leaf[4];

	if (!fixture_start(fixture) || !fixture_wait_finished(fixture, 0, 1) ||
	    !fixture_wait_all_aps(fixture, 1))
		return;
	backend->cpuid(1, 0, leaf);
	check_rows(run, regs, state_rows, ARRAY_SIZE(state_rows));
	check_rows(run, slot, guest_rows, ARRAY_SIZE(guest_rows));
	check(run, "init.edx", "RDX", leaf[0], regs->gpr[RDX]);
	check(run, "init.edx", "edx", leaf[0], slot->edx);
	check(run, "init.cr0", "cr0", 0x60000010, regs->cr0);
	check(run, "init.cr0", "the guest's cr0", 0x60000010, slot->cr0);
}

static bool has_stored(struct fixture *fixture, uint64_t slot)
{
	return state_of(fixture, (unsigned)slot)->stores;
}

/* The program has filled every register; INIT and SIPI make it store what there is. */
static void keeps(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	const volatile struct guest_state *state = state_of(fixture, AP);
	unsigned checks, failures;

	state_prepare(fixture, AP, AP, 0);
	if (!state_start(fixture, AP) ||
	    !require(run, "INIT and SIPI", vm_start_ap(fixture->vm, AP, GUEST_STATE_SIPI)) ||
	    !fixture_wait(fixture, "the guest stores its registers", has_stored, AP))
		return;
	for (unsigned i = 0; i < 4; i++)
		check(run, "init.dr", "DR0 to DR3", state->fill.dr[i], state->seen.dr[i]);
	check(run, "init.dr", "DR6", state->fill.dr6, state->seen.dr6);
	check(run, "init.dr", "DR7", state->fill.dr7, state->seen.dr7);
	check(run, "init.cr", "CR2", 0, state->seen.cr2);
	check(run, "init.cr0", "CR0 without CD and NW", 0x10, state->cr0_seen);
	checks = run->expectations;
	failures = run->failures;
	state_expect_extended(fixture, AP, "after INIT");
	test_rule(run, "init.kept", run->expectations - checks, run->failures - failures);
}

#define NEEDS_SVM_GUEST (BIT(CAP_SVM) | NEEDS_GUEST)

#define MEANS_INIT                                                                                 \
	"Code that a processor begins with after INIT finds another state than the manual "        \
	"promises."

static const struct test rows[] = {
	{ "svm.init.state", SPEC_AFTER_INIT, fixture_run, .body = after_start,
	  .guest = GUEST(.vcpus = 2, .capture = true, .bsp = GUEST_start, .ap = GUEST_answer,
			 .sipi_vector = SIPI_VECTOR),
	  .needs = NEEDS_SVM_GUEST,
	  EXPLAINS("After INIT and SIPI a virtual CPU has the state of AMD's table, rule by rule.",
		   MEANS_INIT) },
	{ "svm.init.kept", SPEC_AFTER_INIT, fixture_run, .body = keeps, .guest = STATE_GUEST(2),
	  .needs = NEEDS_SVM_GUEST | BIT(CAP_LONG_MODE),
	  EXPLAINS("INIT leaves x87, SSE, AVX and debug registers, XCR0 and PAT as they were.",
		   MEANS_INIT) },
};

TEST_GROUP(svm_init, rows);
