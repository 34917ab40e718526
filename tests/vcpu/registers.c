/* The registers of a virtual CPU across pause, migration and INIT: none changes that should not. */
#include "vm/control.h"
#include "vm/cpu.h"
#include "x86/local_apic.h"

#include "tests/lib/list.h"
#include "tests/lib/state.h"

enum { SUBJECT = 1, OTHER = 2, THIRD = 3 };

static struct cpu *last_cpu(void)
{
	return cpu_in_use(cpus_in_use() - 1);
}

static bool pin(struct fixture *fixture, unsigned slot, const struct cpu *cpu)
{
	return require(fixture->run, "affinity",
		       vcpu_set_affinity(fixture->vm->vcpus[slot], (int)cpu->index));
}

static bool get_regs(struct fixture *fixture, unsigned slot, struct regs *regs)
{
	return require(fixture->run, "registers", vcpu_registers(fixture->vm->vcpus[slot], regs));
}

/* --- pause -------------------------------------------------------------------------------------
 */

/* While the subject is paused another vCPU fills the same processor's registers. */
static bool disturb(struct fixture *fixture)
{
	struct regs regs;

	if (!state_start(fixture, OTHER) || !state_wait_counting(fixture, OTHER) ||
	    !get_regs(fixture, OTHER, &regs))
		return false;
	state_expect_regs(fixture, OTHER, "the other vCPU, while it counts", &regs);
	return true;
}

static void paused(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct vcpu *vcpu = fixture->vm->vcpus[SUBJECT];
	volatile struct guest_state *state = state_of(fixture, SUBJECT);
	struct regs before, after;
	uint32_t counter;

	if (!require(run, "pause", vcpu_pause(vcpu)))
		return;
	counter = state->counter;
	if (!get_regs(fixture, SUBJECT, &before) || !disturb(fixture) ||
	    !get_regs(fixture, SUBJECT, &after))
		return;
	expect(run, "the counter while paused", counter, state->counter);
	expect(run, "state", VCPU_PAUSED, atomic_load(&vcpu->state));
	state_expect_regs(fixture, SUBJECT, "when paused", &before);
	regs_expect_equal(run, "before the resume", &before, &after, false);
	if (!require(run, "resume", vcpu_resume(vcpu)) || !state_wait_counting(fixture, SUBJECT) ||
	    !get_regs(fixture, SUBJECT, &after))
		return;
	regs_expect_equal(run, "after the resume", &before, &after, true);
	state_release(fixture, SUBJECT, "the guest, after pause and resume");
	state_release(fixture, OTHER, "the other guest");
}

/* Nothing retires while it is paused; afterwards it goes on with every register as it was. */
static void pause_keeps(struct fixture *fixture)
{

	if (pin(fixture, SUBJECT, last_cpu()) && pin(fixture, OTHER, last_cpu()) &&
	    state_start(fixture, SUBJECT))
		paused(fixture);
}

/* Guests that share a processor by time slices never see each other's registers. */
static void slices_keep(struct fixture *fixture)
{
	bool good = true;

	for (unsigned i = SUBJECT; i <= THIRD; i++)
		good = good && pin(fixture, i, last_cpu()) && state_start(fixture, i);
	for (unsigned i = SUBJECT; i <= THIRD; i++)
		good = good && state_wait_counting(fixture, i);
	for (unsigned i = SUBJECT; good && i <= THIRD; i++)
		state_release(fixture, i, "a guest among others");
}

/* --- INIT --------------------------------------------------------------------------------------
 */

static bool has_stored(struct fixture *fixture, uint64_t slot)
{
	return state_of(fixture, (unsigned)slot)->stores;
}

/* Reset to these values by Intel's manual, not modified by AMD's. */
static void debug_after_init(struct test_run *run, const volatile struct guest_state *state)
{
	const volatile struct guest_registers *kept = backend->cites_amd ? &state->fill : NULL;

	for (unsigned i = 0; i < 4; i++)
		expect_bits(run, "DR0 to DR3 after INIT", kept ? kept->dr[i] : 0,
			    state->seen.dr[i]);
	expect_bits(run, "DR6 after INIT", kept ? kept->dr6 : 0xFFFF0FF0, state->seen.dr6);
	expect_bits(run, "DR7 after INIT", kept ? kept->dr7 : 0x400, state->seen.dr7);
}

static void after_init(struct fixture *fixture, uint32_t cr0)
{
	struct test_run *run = fixture->run;
	const volatile struct guest_state *state = state_of(fixture, SUBJECT);

	if (!require(run, "INIT and SIPI", vm_start_ap(fixture->vm, SUBJECT, GUEST_STATE_SIPI)) ||
	    !fixture_wait(fixture, "the guest stores its registers", has_stored, SUBJECT))
		return;
	state_expect_extended(fixture, SUBJECT, "after INIT");
	expect_bits(run, "CR0 after INIT", 0x10 | cr0, state->cr0_seen);
	debug_after_init(run, state);
	expect_bits(run, "CR2 after INIT", 0, state->seen.cr2);
}

static bool put_away(struct fixture *fixture)
{
	return require(fixture->run, "pause", vcpu_pause(fixture->vm->vcpus[SUBJECT])) &&
	       disturb(fixture);
}

/* CR0.CD and NW are the row's; INIT comes while the guest runs, or while its registers are away. */
static void init_keeps(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	uint32_t cr0 = (uint32_t)run->test->argument;

	state_prepare(fixture, SUBJECT, SUBJECT, cr0);
	if (pin(fixture, SUBJECT, last_cpu()) && pin(fixture, OTHER, last_cpu()) &&
	    state_start(fixture, SUBJECT) && (!run->test->data || put_away(fixture)))
		after_init(fixture, cr0);
}

/* --- migration ---------------------------------------------------------------------------------
 */

/* Where the guest's exits happen; written by the processor that owns the vCPU, also by its calls.
 */
struct exits {
	uint32_t vcpu;
	uint32_t home, next; /* the APIC id of the processor where they should; after arrive */
	_Atomic uint32_t there, elsewhere;
};

static bool note_exit(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	struct exits *exits = argument;

	(void)exit;
	if (vcpu->id == exits->vcpu)
		atomic_fetch_add(local_apic_id() == exits->home ? &exits->there : &exits->elsewhere,
				 1);
	return false;
}

static void watch(struct fixture *fixture, struct exits *exits)
{
	*exits = (struct exits){ .vcpu = SUBJECT };
	fixture->vm->on_exit_argument = exits;
	fixture->vm->on_exit = note_exit;
}

static void arrive(struct vcpu *vcpu, void *argument)
{
	struct exits *exits = argument;

	(void)vcpu;
	exits->home = exits->next;
	atomic_store(&exits->there, 0);
	atomic_store(&exits->elsewhere, 0);
}

static void note_cpu(struct vcpu *vcpu, void *argument)
{
	(void)vcpu;
	*(uint32_t *)argument = local_apic_id();
}

/* The vCPU belongs to this processor, and what is done for it is done there. */
static void expect_home(struct fixture *fixture, const struct cpu *cpu, uint32_t moves)
{
	struct test_run *run = fixture->run;
	struct vcpu *vcpu = fixture->vm->vcpus[SUBJECT];
	uint32_t id = ~0u;

	expect(run, "owner", cpu->index, atomic_load(&vcpu->cpu)->index);
	expect(run, "affinity", cpu->index, (uint64_t)vcpu->affinity);
	expect(run, "moves", moves, atomic_load(&vcpu->moves));
	if (require(run, "a call", vcpu_call(vcpu, note_cpu, &id)))
		expect_bits(run, "APIC id of the processor that executes calls", cpu->apic_id, id);
}

static bool visit(struct fixture *fixture, const struct cpu *cpu, uint32_t moves,
		  struct exits *exits)
{
	struct test_run *run = fixture->run;

	exits->next = cpu->apic_id;
	if (!pin(fixture, SUBJECT, cpu) ||
	    !require(run, "a call", vcpu_call(fixture->vm->vcpus[SUBJECT], arrive, exits)) ||
	    !state_wait_counting(fixture, SUBJECT))
		return false;
	expect_home(fixture, cpu, moves); /* its call ends the guest's entry with an exit */
	if (!state_wait_counting(fixture, SUBJECT))
		return false;
	expect(run, "exits on its processor", true, atomic_load(&exits->there) > 0);
	expect(run, "exits elsewhere", 0, atomic_load(&exits->elsewhere));
	return true;
}

/* To every processor, and back the same way. Returns whether it got through. */
static bool travel(struct fixture *fixture, struct exits *exits)
{
	unsigned count = cpus_in_use();
	const struct cpu *at = atomic_load(&fixture->vm->vcpus[SUBJECT]->cpu);
	uint32_t moves = 0;

	for (unsigned i = 0; i < 2 * count - 1; i++) {
		const struct cpu *cpu = cpu_in_use(i < count ? i : 2 * count - 2 - i);

		moves += cpu != at;
		at = cpu;
		if (!visit(fixture, cpu, moves, exits))
			return false;
	}
	return true;
}

static void migrate_running(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct exits exits;
	struct regs before, after;

	watch(fixture, &exits);
	if (state_start(fixture, SUBJECT) && get_regs(fixture, SUBJECT, &before) &&
	    travel(fixture, &exits) && get_regs(fixture, SUBJECT, &after)) {
		state_expect_regs(fixture, SUBJECT, "before the journey", &before);
		regs_expect_equal(run, "after the journey", &before, &after, true);
		state_release(fixture, SUBJECT, "the guest, after its journey");
	}
}

/*
 * Moved while paused, to every processor; on each the registers are read. Where it was, another
 * guest leaves its values.
 */
static void migrate_paused(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct regs before, after;

	if (pin(fixture, OTHER, last_cpu()) && state_start(fixture, SUBJECT) &&
	    require(run, "pause", vcpu_pause(fixture->vm->vcpus[SUBJECT])) &&
	    get_regs(fixture, SUBJECT, &before) && disturb(fixture)) {
		uint32_t counter = state_of(fixture, SUBJECT)->counter;

		for (unsigned i = 0; i < cpus_in_use(); i++) {
			if (!pin(fixture, SUBJECT, cpu_in_use(i)) ||
			    !get_regs(fixture, SUBJECT, &after))
				break;
			regs_expect_equal(run, "moved while paused", &before, &after, false);
		}
		expect(run, "state", VCPU_PAUSED, atomic_load(&fixture->vm->vcpus[SUBJECT]->state));
		expect(run, "the counter while paused", counter,
		       state_of(fixture, SUBJECT)->counter);
		if (require(run, "resume", vcpu_resume(fixture->vm->vcpus[SUBJECT])) &&
		    state_wait_counting(fixture, SUBJECT))
			state_release(fixture, SUBJECT, "moved while paused");
	}
}

/* A vCPU that waits or has halted moves without a change, and wakes where it is then. */
struct rest {
	enum vcpu_state state;
	bool in_hardware;
};

static bool rests(struct fixture *fixture, uint64_t slot)
{
	const struct rest *rest = fixture->run->test->data;
	const struct vcpu *vcpu = fixture->vm->vcpus[slot];

	return atomic_load(&vcpu->state) == rest->state &&
	       atomic_load(&vcpu->sipi_wait.in_hardware) == rest->in_hardware &&
	       (rest->state != VCPU_HALTED || fixture->slot[slot].finished);
}

/* Another processor than its own; the last one, if that is possible. */
static struct cpu *elsewhere(const struct vcpu *vcpu)
{
	return atomic_load(&vcpu->cpu) == last_cpu() ? cpu_in_use(0) : last_cpu();
}

static bool bring_to_rest(struct fixture *fixture)
{
	const struct rest *rest = fixture->run->test->data;

	if (rest->state == VCPU_HALTED &&
	    !require(fixture->run, "start",
		     vm_start_ap(fixture->vm, SUBJECT, GUEST_SIPI_PAGE >> 12)))
		return false;
	return fixture_wait(fixture, "the AP rests", rests, SUBJECT);
}

static void migrate_resting(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	const struct rest *rest = run->test->data;
	uint32_t entered = rest->state == VCPU_HALTED;
	const struct cpu *there;

	if (bring_to_rest(fixture)) {
		there = elsewhere(fixture->vm->vcpus[SUBJECT]);
		if (pin(fixture, SUBJECT, there) &&
		    fixture_wait(fixture, "it rests", rests, SUBJECT)) {
			expect(run, "starts", entered, fixture->slot[SUBJECT].entered);
			expect_home(fixture, there, 1);
			require(run, "start",
				vm_start_ap(fixture->vm, SUBJECT, GUEST_SIPI_PAGE >> 12));
			if (fixture_wait_finished(fixture, SUBJECT, entered + 1))
				expect_home(fixture, there, 1);
		}
	}
}

static void migrate_created(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct vcpu *bsp;

	bsp = fixture->vm->vcpus[0];
	if (pin(fixture, 0, last_cpu())) {
		expect(run, "owner", last_cpu()->index, atomic_load(&bsp->cpu)->index);
		expect(run, "state", VCPU_CREATED, atomic_load(&bsp->state));
		if (fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1))
			expect(run, "owner at its end", last_cpu()->index,
			       atomic_load(&bsp->cpu)->index);
	}
}

/* -1 leaves it where it is; processors that do not exist are refused and change nothing. */
static void affinity_none(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct vcpu *vcpu;

	vcpu = fixture->vm->vcpus[SUBJECT];
	expect(run, "none at first", true, vcpu->affinity == -1);
	if (pin(fixture, SUBJECT, last_cpu())) {
		uint32_t moves = atomic_load(&vcpu->moves);

		expect(run, "a processor too many", STATUS_INVALID,
		       vcpu_set_affinity(vcpu, (int)platform->cpu_count));
		expect(run, "processor -2", STATUS_INVALID, vcpu_set_affinity(vcpu, -2));
		expect(run, "affinity", last_cpu()->index, (uint64_t)vcpu->affinity);
		expect(run, "processor -1", STATUS_OK, vcpu_set_affinity(vcpu, -1));
		expect(run, "none again", true, vcpu->affinity == -1);
		expect(run, "owner", last_cpu()->index, atomic_load(&vcpu->cpu)->index);
		expect(run, "moves", moves, atomic_load(&vcpu->moves));
	}
}

static const struct rest halted = { VCPU_HALTED, false };
static const struct rest waiting = { VCPU_WAIT_SIPI, false };
static const struct rest in_hardware = { VCPU_WAIT_SIPI, true };

enum { CD = 0x40000000, NW = 0x20000000 };

#define LONG_MODE (NEEDS_GUEST | BIT(CAP_LONG_MODE))
#define PAUSE "vCPU: operations"
#define REGISTERS "vCPU: registers"
#define AFFINITY "vCPU: affinity"

#define MEANS_LEAK                                                                                 \
	"A guest's registers change while it does not run: any hypervisor that switches vCPUs "    \
	"corrupts its guests on this machine."
#define MEANS_INIT "INIT changes a register that it should keep, or keeps one that it should reset."
#define MEANS_MOVES                                                                                \
	"A vCPU's state is lost or stale when it moves: VMCLEAR and VMPTRLD do not carry a VMCS "  \
	"between processors."

static const struct test rows[] = {
	{ "vcpu.pause.registers", SPEC_XSAVE, fixture_run, .body = pause_keeps,
	  .guest = STATE_GUEST(3), .needs = LONG_MODE, .row = PAUSE,
	  EXPLAINS("Every register, x87, SSE and AVX state of a paused vCPU is as it was, though "
		   "another one used the processor.",
		   MEANS_LEAK) },
	{ "vcpu.registers.slices", SPEC_XSAVE, fixture_run, .body = slices_keep,
	  .guest = STATE_GUEST(4), .needs = LONG_MODE, .row = REGISTERS,
	  EXPLAINS("Two guests that share a processor by time slices never see each other's "
		   "registers.",
		   MEANS_LEAK) },
	{ "vcpu.registers.init", SPEC_AFTER_INIT, fixture_run, .body = init_keeps,
	  .guest = STATE_GUEST(3), .needs = LONG_MODE, .row = REGISTERS,
	  EXPLAINS("INIT resets general, control and debug registers, and keeps x87, SSE and AVX "
		   "state.",
		   MEANS_INIT) },
	{ "vcpu.registers.init.cd", SPEC_AFTER_INIT, fixture_run, .body = init_keeps,
	  .guest = STATE_GUEST(3), .needs = LONG_MODE, .argument = CD, .row = REGISTERS,
	  EXPLAINS("INIT keeps CR0.CD as the guest had it.", MEANS_INIT) },
	{ "vcpu.registers.init.cd_nw", SPEC_AFTER_INIT, fixture_run, .body = init_keeps,
	  .guest = STATE_GUEST(3), .needs = LONG_MODE, .argument = CD | NW, .row = REGISTERS,
	  EXPLAINS("INIT keeps CR0.CD and CR0.NW as the guest had them.", MEANS_INIT) },
	{ "vcpu.registers.init.unloaded", SPEC_AFTER_INIT, fixture_run, .body = init_keeps,
	  .guest = STATE_GUEST(3), .needs = LONG_MODE, .data = "", .row = REGISTERS,
	  EXPLAINS("INIT comes while the vCPU's registers are in memory: the result is the same.",
		   MEANS_INIT) },
	{ "vcpu.affinity.running", SPEC_VMCS_USE, fixture_run, .body = migrate_running,
	  .guest = STATE_GUEST(2), .needs = LONG_MODE, .cpus = 2, .row = AFFINITY,
	  EXPLAINS("A running vCPU moves to every processor and back; its registers and exits "
		   "follow.",
		   MEANS_MOVES) },
	{ "vcpu.affinity.paused", SPEC_VMCS_USE, fixture_run, .body = migrate_paused,
	  .guest = STATE_GUEST(3), .needs = LONG_MODE, .cpus = 2, .row = AFFINITY,
	  EXPLAINS("A paused vCPU moves to every processor, where other guests leave their values; "
		   "its registers are as before.",
		   MEANS_MOVES) },
	{ "vcpu.affinity.halted", SPEC_VMCS_USE, fixture_run, .body = migrate_resting,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_answer), .needs = NEEDS_GUEST, .data = &halted,
	  .cpus = 2, .row = AFFINITY,
	  EXPLAINS("A halted vCPU moves without a change and wakes on its new processor.",
		   MEANS_MOVES) },
	{ "vcpu.affinity.waiting", SPEC_VMCS_USE, fixture_run, .body = migrate_resting,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_answer), .needs = NEEDS_GUEST, .cpus = 2,
	  .data = &waiting, .row = AFFINITY,
	  EXPLAINS("A waiting AP moves without a change and starts on its new processor.",
		   MEANS_MOVES) },
	{ "vcpu.affinity.waiting_in_hardware", SPEC_VMCS_USE, fixture_run, .body = migrate_resting,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_answer, .wait_in_hardware = true),
	  .needs = NEEDS_GUEST | BIT(CAP_WAIT_SIPI), .cpus = 3, .data = &in_hardware,
	  .row = AFFINITY,
	  EXPLAINS("An AP that the processor holds in wait-for-SIPI moves, and starts on its new "
		   "processor.",
		   MEANS_MOVES) },
	{ "vcpu.affinity.created", SPEC_VMCS_USE, fixture_run, .body = migrate_created,
	  .guest = GUEST(.vcpus = 1, .bsp = GUEST_answer), .needs = NEEDS_GUEST, .cpus = 2,
	  .row = AFFINITY,
	  EXPLAINS("A vCPU that was not started runs where it was put.", MEANS_MOVES) },
	{ "vcpu.affinity.none", SPEC_VMCS_USE, fixture_run, .body = affinity_none,
	  .guest = GUEST(.vcpus = 2), .needs = NEEDS_GUEST, .row = AFFINITY,
	  EXPLAINS("A vCPU without affinity stays where it is; processors that do not exist are "
		   "refused.",
		   MEANS_MOVES) },
};

TEST_GROUP(registers, rows);
