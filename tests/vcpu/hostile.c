/*
 * Guests that reach for what is not theirs. Each attempt ends in the exit or exception that the
 * architecture has for it; nothing of the host is read or changed. Rows "full." visit every port
 * and every MSR, and are only run when a filter names them.
 */
#include "suite/describe.h"
#include "vm/control.h"
#include "vm/cpu.h"
#include "x86/control.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"

/* What a guest could spoil on the processor that it runs on. Of the descriptor tables the bases: VM
 * exits set both limits to FFFFH. */
/* clang-format off */
#define HOST_STATE(S)                                                                              \
	S(CR0) S(CR3) S(CR4) S(CR8) S(DR0) S(DR1) S(DR2) S(DR3) S(DR6) S(DR7)                      \
	S(GDTR) S(IDTR) S(TR) S(LDTR) S(CS) S(SS)
/* clang-format on */

enum {
#define HOST_ENUM(name) HOST_##name,
	HOST_STATE(HOST_ENUM)
#undef HOST_ENUM
		HOST_REGISTERS
};

static const char *const host_names[] = {
#define HOST_NAME(name) #name " of the host",
	HOST_STATE(HOST_NAME)
#undef HOST_NAME
};

enum { RDTSCP = 1 << 27 }; /* CPUID 80000001H EDX */

static const struct {
	uint32_t msr;
	const char *name;
} host_msrs[] = {
	{ IA32_APIC_BASE, "IA32_APIC_BASE of the host" },
	{ IA32_SYSENTER_CS, "IA32_SYSENTER_CS of the host" },
	{ IA32_SYSENTER_ESP, "IA32_SYSENTER_ESP of the host" },
	{ IA32_SYSENTER_EIP, "IA32_SYSENTER_EIP of the host" },
	{ IA32_PAT, "IA32_PAT of the host" },
	{ IA32_EFER, "IA32_EFER of the host" },
	{ IA32_STAR, "IA32_STAR of the host" },
	{ IA32_LSTAR, "IA32_LSTAR of the host" },
	{ IA32_CSTAR, "IA32_CSTAR of the host" },
	{ IA32_FMASK, "IA32_FMASK of the host" },
	{ IA32_KERNEL_GS_BASE, "IA32_KERNEL_GS_BASE of the host" },
	{ IA32_TSC_AUX, "IA32_TSC_AUX of the host" },
};

struct host_state {
	uint64_t reg[HOST_REGISTERS], msr[ARRAY_SIZE(host_msrs)];
};

#define READ_REGISTER(host, name, asm_name)                                                        \
	__asm__ volatile("mov %%" asm_name ", %0" : "=r"((host)->reg[HOST_##name]))
#define READ_SELECTOR(host, name, instruction)                                                     \
	__asm__ volatile(instruction " %q0" : "=r"((host)->reg[HOST_##name]))

static void read_host(struct host_state *host)
{
	uint32_t leaf[4];

	READ_REGISTER(host, CR0, "cr0");
	READ_REGISTER(host, CR3, "cr3");
	READ_REGISTER(host, CR4, "cr4");
	READ_REGISTER(host, CR8, "cr8");
	READ_REGISTER(host, DR0, "db0");
	READ_REGISTER(host, DR1, "db1");
	READ_REGISTER(host, DR2, "db2");
	READ_REGISTER(host, DR3, "db3");
	READ_REGISTER(host, DR6, "db6");
	READ_REGISTER(host, DR7, "db7");
	READ_REGISTER(host, CS, "cs");
	READ_REGISTER(host, SS, "ss");
	READ_SELECTOR(host, TR, "str");
	READ_SELECTOR(host, LDTR, "sldt");
	host->reg[HOST_GDTR] = sgdt().base;
	host->reg[HOST_IDTR] = sidt().base;
	backend->cpuid(0x80000001, 0, leaf);
	for (unsigned i = 0; i < ARRAY_SIZE(host_msrs); i++)
		host->msr[i] = host_msrs[i].msr != IA32_TSC_AUX || leaf[3] & RDTSCP
				       ? rdmsr(host_msrs[i].msr)
				       : 0;
}

/* What the exits must be, one after the other. */
struct sweep {
	uint64_t at, step;
	uint32_t number; /* exits so far */
	uint32_t strange;
};

typedef bool exit_fn(struct vcpu *vcpu, const struct vm_exit *exit, void *sweep);

/* Runs the guest to its end; each of its exits comes to the function first. */
static bool sweep_through(struct fixture *fixture, struct sweep *sweep, exit_fn *on_exit)
{
	fixture->vm->on_exit = on_exit;
	fixture->vm->on_exit_argument = sweep;
	return fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1);
}

static bool finish(struct fixture *fixture)
{
	return fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1);
}

static void expect_host(struct test_run *run, const struct host_state *before)
{
	struct host_state after;

	read_host(&after);
	for (unsigned i = 0; i < HOST_REGISTERS; i++)
		expect_bits(run, host_names[i], before->reg[i], after.reg[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(host_msrs); i++)
		expect_bits(run, host_msrs[i].name, before->msr[i], after.msr[i]);
}

/* A row's .run: what the guest of the row does leaves the host as it was. */
static void unharmed(struct test_run *run)
{
	struct host_state before;

	read_host(&before);
	fixture_run(run);
	expect_host(run, &before);
}

/* --- ports -------------------------------------------------------------------------------------
 */

static bool port_exit(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	struct sweep *sweep = argument;
	uint32_t access = sweep->number / 2;

	if (exit->kind != EXIT_IO)
		return false;
	sweep->strange += exit->io.port != (uint16_t)(access * sweep->step) ||
			  exit->io.in != !(sweep->number & 1) || exit->io.string ||
			  exit->io.size != 1 << access % 3;
	sweep->number++;
	vcpu->advance = true;
	return true;
}

static void ports(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct sweep sweep = { .step = run->test->argument };
	uint32_t count = (uint32_t)((0x10000 + run->test->argument - 1) / run->test->argument);

	fixture->shared->argument[0] = (uint32_t)run->test->argument;
	if (sweep_through(fixture, &sweep, port_exit)) {
		expect(run, "exits", 2 * count, sweep.number);
		expect(run, "exits for another access", 0, sweep.strange);
		expect(run, "reads that brought something", 0, fixture->slot[0].value[0]);
	}
}

/* --- memory ------------------------------------------------------------------------------------
 */

static bool page_exit(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	struct sweep *sweep = argument;
	uint32_t wanted = sweep->number & 1 ? MEMORY_WRITE : MEMORY_READ;

	if (exit->kind != EXIT_MEMORY)
		return false;
	sweep->strange += exit->memory.gpa != sweep->at + sweep->number / 2 * sweep->step ||
			  !exit->memory.decoded || !(exit->memory.kind & wanted);
	sweep->number++;
	vcpu->advance = true;
	return true;
}

static const struct vm_region tables = { .gpa = GUEST_TABLES, .pages = 3 };

/* Those whose program uses page tables have them in this region. */
#define HOSTILE(program) GUEST(.vcpus = 1, .bsp = (program), .region = &tables)

static void page_range(struct test_run *run, uint64_t at, uint64_t step, uint32_t count)
{
	struct sweep sweep = { .at = at, .step = step };
	volatile uint32_t *argument;
	struct host_state before;
	struct fixture fixture;

	read_host(&before);
	if (!fixture_open(&fixture, run, HOSTILE(GUEST_pages)))
		return;
	argument = fixture.shared->argument;
	argument[0] = (uint32_t)at;
	argument[1] = (uint32_t)(at >> 32);
	argument[2] = (uint32_t)step;
	argument[3] = (uint32_t)(step >> 32);
	argument[4] = count;
	if (sweep_through(&fixture, &sweep, page_exit)) {
		expect(run, "exits", 2 * (uint64_t)count, sweep.number);
		expect(run, "exits for another access", 0, sweep.strange);
		expect(run, "reads that brought something", 0, fixture.slot[0].value[0]);
	}
	fixture_close(&fixture);
	expect_host(run, &before);
}

/* argument: how many times finer the large steps are. */
static void pages(struct test_run *run)
{
	const uint64_t mib = 1 << 20, gib = 1 << 30, finer = run->test->argument;
	uint32_t out[4];
	unsigned width, large;

	backend->cpuid(0x80000008, 0, out);
	width = out[0] & 0xFF;
	/* Tables of four levels translate 48 bits: what is above is no address of this guest's. */
	if (width > 48)
		width = 48;
	large = width - 12 > 34 ? width - 12 : 34; /* at most 4095 steps */
	page_range(run, 0xD000, PAGE_SIZE, 3);
	page_range(run, 0x11000, PAGE_SIZE, 15);
	page_range(run, 0xA0000, PAGE_SIZE, 96);
	page_range(run, 0xFEE01000, PAGE_SIZE, 64);
	page_range(run, 2 * mib, 32 * mib / finer, (uint32_t)(127 * finer));
	page_range(run, 4 * gib, BIT(large) / finer, (uint32_t)((BIT(width - large) - 1) * finer));
	page_range(run, (1ull << width) - 32 * PAGE_SIZE, PAGE_SIZE, 32);
}

/* --- MSRs --------------------------------------------------------------------------------------
 */

/* What a virtual CPU in xAPIC mode has; all others raise #GP(0). */
static const struct {
	uint32_t number;
	bool writable;
} present[] = {
	{ 0x10, false },  { 0x1B, true },  { 0x8B, false }, { 0xFE, false },
	{ 0x1A0, false }, { 0x277, true }, { 0x6E0, true }, { 0xC0000080, true },
};

static const uint32_t samples[] = { 0x2000,	0x40000000, 0x40000021, 0x7FFFFFFF, 0x80000000,
				    0xBFFFFFFF, 0xC0002000, 0xC0010015, 0xC0011029, 0xFFFFFFFF };

struct seen {
	uint32_t reads, sum, writes;
};

static void visit(struct seen *seen, uint32_t number)
{
	for (unsigned i = 0; i < ARRAY_SIZE(present); i++)
		if (present[i].number == number) {
			seen->reads++;
			seen->sum += number;
			seen->writes += present[i].writable;
		}
}

static void msrs(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	const uint32_t step = (uint32_t)run->test->argument;
	struct seen wanted = { 0 };
	uint32_t count = 0;

	fixture->shared->argument[0] = step;
	for (unsigned i = 0; i < ARRAY_SIZE(present); i++)
		fixture->shared->destination[count++] = present[i].number;
	for (unsigned i = 0; i < ARRAY_SIZE(samples); i++)
		fixture->shared->destination[count++] = samples[i];
	fixture->shared->count = count;
	for (uint32_t i = 0; i < 0x2000; i += step) {
		visit(&wanted, i);
		visit(&wanted, 0xC0000000 + i);
	}
	for (uint32_t i = 0; i < count; i++)
		visit(&wanted, fixture->shared->destination[i]);
	if (finish(fixture)) {
		volatile struct guest_slot *slot = &fixture->slot[0];

		expect(run, "MSRs that can be read", wanted.reads, slot->value[0]);
		expect_bits(run, "the sum of their numbers", wanted.sum, slot->value[1]);
		expect(run, "MSRs that can be written", wanted.writes, slot->value[2]);
		expect(run, "other exceptions than #GP", 0, slot->value[3]);
	}
}

/* --- registers and instructions ----------------------------------------------------------------
 */

static void controls(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	const uint32_t cr0 = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 16 | 1 << 18 | 1 << 30;
	/* Virtual-8086 extensions to performance counters are on every processor with VMX. */
	const uint32_t always = 0x7FF, never = 0xFF000000 | 1 << 13 | 1 << 14 | 1 << 17;

	if (finish(fixture)) {
		volatile struct guest_slot *slot = &fixture->slot[0];

		/* The SDM says that reserved bits remain clear, the APM nothing. */
		expect_bits_cited(run, SPEC_MOV_CR, "bits of CR0 that change", cr0,
				  slot->value[0] & (backend->cites_amd ? CR0_DEFINED : ~0u));
		expect_bits_cited(run, SPEC_MOV_CR, "bits of CR0 that raise #GP", 1 << 29,
				  slot->value[1]);
		expect_bits_cited(run, SPEC_MOV_CR, "bits of CR4 that change", always,
				  slot->value[2] & (always | never));
		expect_bits_cited(run, SPEC_MOV_CR, "bits of CR4 that raise #GP", never,
				  slot->value[3] & (always | never));
		expect_bits_cited(run, SPEC_MOV_CR, "bits of CR4 that do neither", ~0u,
				  slot->value[2] ^ slot->value[3]);
		expect_bits_cited(run, SPEC_MOV_CR, "exceptions but #GP", 13, slot->last_exception);
	}
}

static void instructions(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	if (finish(fixture)) {
		volatile struct guest_slot *slot = &fixture->slot[0];

		expect(run, "instructions of the guest's table with a wrong outcome", 0,
		       slot->value[0]);
		expect(run, "the first of these", 0, slot->value[1]);
		expect_bits(run, "its vector", 0, slot->value[2]);
		expect(run, "all were executed", 39, slot->counter);
	}
}

static void xcr0(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	if (finish(fixture)) {
		expect(run, "values with a wrong outcome", 0, fixture->slot[0].value[0]);
		expect(run, "values that were tried", 8, fixture->slot[0].counter);
		expect_bits(run, "vector", 13, fixture->slot[0].last_exception);
	}
}

static bool has_ended(void *vcpu)
{
	return atomic_load(&((struct vcpu *)vcpu)->state) == VCPU_STOPPED;
}

/* The guest must come to this end, not to another, and the host must not notice. */
static void ends(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct vcpu *vcpu;

	vcpu = fixture->vm->vcpus[0];
	if (fixture_start(fixture)) {
		expect_in_time(run, "the vCPU was ended",
			       vm_wait(fixture->vm, has_ended, vcpu, test_time_left(run)));
		expect(run, "by this exit", run->test->argument, vcpu->failure.exit.kind);
	}
}

#define UNHARMED(function, program) .run = unharmed, .body = function, .guest = HOSTILE(program)
#define ROW(row_name, section, ...)                                                                \
	{                                                                                          \
		.name = row_name, .spec = section, .needs = NEEDS_GUEST, .milliseconds = 20000,    \
		__VA_ARGS__                                                                        \
	}

#define MEANS_ESCAPE                                                                               \
	"A guest reaches what is not its own, or ends otherwise than by the exit that is due: "    \
	"isolation is broken on this machine."

static const struct test rows[] = {
	ROW("hostile.ports", SPEC_EXIT_INSTRUCTIONS, UNHARMED(ports, GUEST_ports),
	    .argument = 0x101,
	    EXPLAINS("A guest reads and writes I/O ports: each access exits, none brings or "
		     "changes anything.",
		     MEANS_ESCAPE)),
	ROW("hostile.memory", SPEC_EPT_VIOLATIONS, .run = pages, .argument = 1,
	    EXPLAINS("A guest reads and writes memory that is not its own: each access is an EPT "
		     "violation.",
		     MEANS_ESCAPE)),
	ROW("hostile.msrs", SPEC_EXIT_INSTRUCTIONS, UNHARMED(msrs, GUEST_msrs), .argument = 61,
	    EXPLAINS("A guest reads and writes MSRs: those that a virtual CPU has work, all others "
		     "raise #GP.",
		     MEANS_ESCAPE)),
	ROW("hostile.control_registers", SPEC_EXIT_INSTRUCTIONS, UNHARMED(controls, GUEST_controls),
	    EXPLAINS("A guest flips every bit of CR0 and CR4: each changes, or raises #GP, as the "
		     "manual says.",
		     MEANS_ESCAPE)),
	ROW("hostile.instructions", SPEC_EXIT_INSTRUCTIONS,
	    UNHARMED(instructions, GUEST_instructions),
	    EXPLAINS("A guest executes 39 instructions that need privilege or features: each ends "
		     "as the manual says.",
		     MEANS_ESCAPE)),
	{ .name = "hostile.xsetbv",
	  .spec = SPEC_XSETBV,
	  UNHARMED(xcr0, GUEST_xsetbv),
	  .needs = NEEDS_GUEST | BIT(CAP_XSAVE),
	  EXPLAINS("A guest writes valid and invalid values to XCR0: the latter raise #GP, and the "
		   "host's XCR0 stays.",
		   MEANS_ESCAPE) },
	ROW("hostile.triple_fault", SPEC_EXIT_OTHERS, UNHARMED(ends, GUEST_triple_fault),
	    .argument = EXIT_SHUTDOWN,
	    EXPLAINS("A triple fault in a guest is one exit, and does not reset the machine.",
		     MEANS_ESCAPE)),
	ROW("hostile.page_table_loop", SPEC_EXIT_OTHERS, UNHARMED(ends, GUEST_page_loop),
	    .argument = EXIT_SHUTDOWN,
	    EXPLAINS("Page tables that refer to themselves end a guest by a triple fault, not the "
		     "host.",
		     MEANS_ESCAPE)),
	ROW("hostile.task_switch", SPEC_EXIT_INSTRUCTIONS, UNHARMED(ends, GUEST_task),
	    .argument = EXIT_TASK_SWITCH,
	    EXPLAINS("A task switch in a guest is one exit.", MEANS_ESCAPE)),
	ROW("hostile.shutdown_port", SPEC_EXIT_INSTRUCTIONS, UNHARMED(ends, GUEST_shutdown),
	    .argument = EXIT_IO,
	    EXPLAINS("A guest that writes to the port that switches a machine off gets an exit.",
		     MEANS_ESCAPE)),
	ROW("full.hostile.ports", SPEC_EXIT_INSTRUCTIONS, UNHARMED(ports, GUEST_ports),
	    .argument = 1,
	    EXPLAINS("A guest reads and writes I/O ports: each access exits, none brings or "
		     "changes anything. Every one of them.",
		     MEANS_ESCAPE)),
	ROW("full.hostile.memory", SPEC_EPT_VIOLATIONS, .run = pages, .argument = 16,
	    EXPLAINS("A guest reads and writes memory that is not its own: each access is an EPT "
		     "violation. Every one of them.",
		     MEANS_ESCAPE)),
	ROW("full.hostile.msrs", SPEC_EXIT_INSTRUCTIONS, UNHARMED(msrs, GUEST_msrs), .argument = 1,
	    EXPLAINS("A guest reads and writes MSRs: those that a virtual CPU has work, all others "
		     "raise #GP. Every one of them.",
		     MEANS_ESCAPE)),
};

TEST_GROUP(hostile, rows);
