/* The machine's side of scripts: what guest/script.c is in guests. See machine_script.h. */
#include "tests/lib/machine_play.h"

#include "platform.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/local_apic.h"
#include "x86/msr.h"

#include "tests/lib/machine_timer.h"

enum {
	NMI = 2,
	GENERAL_PROTECTION = 13,
	SPURIOUS = 0xEF, /* bits 3:0 are ones in old models */
	VECTORS = 256,
	DRAINS = 64,

	/* Times as parts of a second. */
	READS = 500,	  /* what is read becomes what is wanted */
	SETTLES = 100000, /* what was sent before another arrives after it */
	PERIODS = 10000,
};

/* What an actor keeps between steps; handlers have their own. */
struct actor {
	unsigned slot;
	uint64_t rate; /* of the timer */
};

static struct machine_play *const play = &machine_play;

static struct actor actors[MACHINE_SLOTS];

static bool has_vector(unsigned vector)
{
	return play->vectors[vector / 32] >> vector % 32 & 1;
}

/* NULL: a bystander. */
static struct actor *actor_of(const struct cpu *cpu)
{
	for (unsigned i = 0; i < play->present; i++)
		if (play->cpus[i] == cpu)
			return &actors[i];
	return NULL;
}

static void break_off(unsigned at)
{
	bool none = false;

	if (atomic_compare_exchange_strong(&play->broken, &none, true))
		atomic_store(&play->broken_at, at);
}

/* In a wait of this step: whether it must end. */
static bool is_over(unsigned at)
{
	if (atomic_load(&play->broken) || atomic_load(&play->disturbed))
		return true;
	cpu_relax();
	/* Who waits for the others lets them say first what they wait for. */
	if (platform->clock() < play->deadline + (at == NOT_IN_STEP ? play->grace : 0))
		return false;
	break_off(at);
	return true;
}

static void settle(void)
{
	uint64_t start = platform->clock();

	while (platform->clock() - start < platform->clock_hz / SETTLES)
		cpu_relax();
}

/* Where the section with this head begins; 0: there is none. */
static unsigned find(enum step_op op, unsigned slot, unsigned number)
{
	for (unsigned at = 0; at < play->checks.count; at++) {
		const struct step *step = script_step(&play->checks, at);

		if (step->op == op && step->slot == slot &&
		    number == (op == STEP_AT ? step->boot : step->handles))
			return at + 1;
	}
	return 0;
}

static unsigned find_for(enum step_op op, unsigned slot, unsigned number)
{
	unsigned at = find(op, slot, number);

	return at || !slot ? at : find(op, EACH, number);
}

/* A check; the first wrong value stays. Several actors may carry the same step out. */
static void note_as(unsigned at, uint64_t got, uint64_t wanted)
{
	volatile struct script *script = &play->script;

	__atomic_fetch_add(&script->seen[at].times, 1, __ATOMIC_SEQ_CST);
	if (script->seen[at].wrong)
		return;
	script->seen[at].got = got;
	script->seen[at].wrong = got != wanted;
}

/* A write to the ESR brings what was found since the last one; some of it may come late. */
static uint32_t read_register(const struct step *step, uint32_t mask, bool again)
{
	if (again && step->reg == APIC_ESR && step->value)
		local_apic_write(APIC_ESR, 0);
	return local_apic_read(step->reg) & mask;
}

static uint64_t look(const struct actor *actor, const struct step *step, uint32_t mask, bool again)
{
	switch ((enum step_op)step->op) {
	case STEP_READ:
		return read_register(step, mask, again);
	case STEP_READ_BIT:
		return local_apic_bit(step->bitmap, step->vector);
	case STEP_TAKEN:
		return ((volatile struct script *)&play->script)->actor[actor->slot].taken;
	case STEP_ICR:
		return machine_play_icr(step);
	default:
		return 0;
	}
}

/* Looks until it is what is wanted, and once more after the time for that. */
static void look_for(const struct actor *actor, unsigned at, uint32_t mask)
{
	const struct step *step = script_step(&play->checks, at);
	const uint64_t wanted = script_wanted(step), start = platform->clock();
	uint64_t got = look(actor, step, mask, false);
	bool late = atomic_load(&play->wrong);

	while (got != wanted && !late) {
		late = platform->clock() - start > platform->clock_hz / READS * platform->patience;
		cpu_relax();
		got = look(actor, step, mask, true);
	}
	if (got != wanted)
		atomic_store(&play->wrong, true);
	note_as(at, got, wanted);
}

/* A write to the APIC's page is not ordered before WRMSR: SDM vol. 3A, "TSC-Deadline Mode". */
static void fence(void)
{
	__asm__ volatile("mfence; lfence" ::: "memory");
}

static uint64_t fault_of(enum status status)
{
	return status == STATUS_OK ? 0 : GENERAL_PROTECTION;
}

static uint32_t cpuid_of(const struct step *step)
{
	uint32_t out[4];

	cpuid_read(step->leaf, 0, out);
	return out[step->output];
}

/* Between steps of one section. */
struct place {
	uint64_t operand, start;
	uint32_t mask, period;
	bool by_tsc; /* the last time was set by DEADLINE */
};

/* Since MARK_TIME, in what the last time was set in, and with what measuring may be off. */
static uint64_t elapsed(const struct actor *actor, const struct place *place)
{
	uint64_t ticks = rdtsc() - place->start, counts;

	if (place->by_tsc)
		return ticks;
	counts = machine_timer_counts(actor->rate, ticks);
	return counts + counts / (MACHINE_TIMER_TOLERANCE - 1) + 1;
}

static void wait_taken(const struct actor *actor, unsigned at, uint32_t wanted)
{
	const volatile struct script *script = &play->script;

	while (script->actor[actor->slot].taken < wanted && !is_over(at))
		;
}

static void wait_flag(unsigned at)
{
	const volatile struct script *script = &play->script;
	const struct step *step = script_step(&play->checks, at);
	uint32_t wanted = step->value;

	/* Those that are not there are not ready, either. */
	if (!step->flag && wanted > play->present - 1)
		wanted = play->present - 1;
	while (script->flag[step->flag] < wanted && !is_over(at))
		;
}

static void wait_bit(unsigned at)
{
	const struct step *step = script_step(&play->checks, at);

	while (local_apic_bit(step->bitmap, step->vector) != step->value && !is_over(at))
		;
	settle();
}

static void write(const struct step *step, struct place *place)
{
	if (step->reg == APIC_TIMER_INITIAL)
		place->by_tsc = false;
	local_apic_write(step->reg, step->value);
}

/* Steps of the timer and of MSRs; false: it is none of these. */
static bool carry_out_rare(const struct actor *actor, unsigned at, struct place *place)
{
	const struct step *step = script_step(&play->checks, at);
	uint64_t value = 0;

	switch ((enum step_op)step->op) {
	case STEP_RDMSR:
		note_as(at, rdmsr(step->msr) & place->mask, step->value);
		return true;
	case STEP_RDMSR_FAULT:
		note_as(at, fault_of(rdmsr_try(step->msr, &value)), step->value);
		return true;
	case STEP_RDMSR_OPERAND:
		note_as(at, rdmsr(step->msr) == place->operand, step->value);
		return true;
	case STEP_WRMSR_FAULT:
		fence();
		note_as(at, fault_of(wrmsr_try(step->msr, place->operand)), step->value);
		return true;
	case STEP_CPUID:
		note_as(at, cpuid_of(step) & place->mask, step->value);
		return true;
	case STEP_MARK_TIME:
		place->start = rdtsc();
		return true;
	case STEP_SINCE:
		note_as(at, elapsed(actor, place) >= step->ticks, step->value);
		return true;
	case STEP_CHOOSE_PERIOD:
		place->period = (uint32_t)machine_timer_counts(
					actor->rate, with_patience(platform->clock_hz / PERIODS)) +
				1;
		return true;
	case STEP_START_PERIODS:
		local_apic_write(APIC_TIMER_INITIAL, place->period);
		return true;
	case STEP_PERIOD_IS_SET:
		note_as(at, local_apic_read(APIC_TIMER_INITIAL) == place->period, step->value);
		return true;
	case STEP_SINCE_PERIODS:
		note_as(at, elapsed(actor, place) >= (uint64_t)place->period * step->periods,
			step->value);
		return true;
	case STEP_COUNTDOWN:
		note_as(at, machine_timer_divides(actor->rate, step->divide), step->value);
		return true;
	case STEP_DEADLINE:
		fence();
		wrmsr(IA32_TSC_DEADLINE, rdtsc() + step->delay);
		place->by_tsc = true;
		return true;
	default:
		return false;
	}
}

static void carry_out(struct actor *actor, unsigned at, struct place *place)
{
	volatile struct script *script = &play->script;
	const struct step *step = script_step(&play->checks, at);

	switch ((enum step_op)step->op) {
	case STEP_ENABLE:
		local_apic_write(APIC_SVR, APIC_SVR_ENABLED | SPURIOUS);
		break;
	case STEP_WRITE:
		write(step, place);
		break;
	case STEP_READ:
	case STEP_READ_BIT:
	case STEP_TAKEN:
		look_for(actor, at, place->mask);
		break;
	case STEP_ICR:
		if (play->looks_at_icr && machine_play_reaches(step))
			look_for(actor, at, ~0u);
		break;
	case STEP_SEND:
		machine_play_send(step);
		break;
	case STEP_AWAIT:
		while ((local_apic_read(step->reg) & place->mask) != step->value && !is_over(at))
			;
		break;
	case STEP_AWAIT_BIT:
		wait_bit(at);
		break;
	case STEP_CLI:
		interrupts_off();
		break;
	case STEP_STI:
		interrupts_on();
		break;
	case STEP_STI_CLI:
		__asm__ volatile("sti; cli" ::: "memory");
		break;
	case STEP_WINDOW:
		interrupts_take();
		break;
	case STEP_STI_HLT: {
		uint32_t taken = script->actor[actor->slot].taken;

		interrupts_on();
		wait_taken(actor, at, taken + 1);
		break;
	}
	case STEP_AWAIT_TAKEN:
		wait_taken(actor, at, step->value);
		break;
	case STEP_DEPTH:
		note_as(at, script->actor[actor->slot].depth, step->value);
		break;
	case STEP_FLAG:
		__atomic_fetch_add(&script->flag[step->flag], step->value, __ATOMIC_SEQ_CST);
		break;
	case STEP_AWAIT_FLAG:
		wait_flag(at);
		break;
	default:
		if (!carry_out_rare(actor, at, place))
			break_off(at);
		break;
	}
}

/* Carries out a section from step at to the next section's head. */
static void run(struct actor *actor, unsigned at)
{
	struct place place = { .mask = ~0u };

	for (; at < play->checks.count; at++) {
		const struct step *step = script_step(&play->checks, at);

		if (script_is_head(step) || atomic_load(&play->broken) ||
		    atomic_load(&play->disturbed))
			return;
		if (step->op == STEP_MASK) {
			place.mask = step->mask;
			continue;
		}
		if (step->op == STEP_OPERAND) {
			place.operand = (uint64_t)step->operand_high << 48 |
					(uint64_t)step->operand_mid << 32 | step->operand_low;
			continue;
		}
		carry_out(actor, at, &place);
		place.mask = ~0u;
	}
}

static void hold_all(void)
{
	local_apic_write(APIC_TPR, 0xFF);
}

/*
 * From a device, by no wish of the script. It is kept for the firmware, but for a level: that comes
 * again by itself.
 */
static void take_foreign(const struct cpu *cpu, uint8_t vector)
{
	const bool level = local_apic_bit(APIC_TMR, vector);
	unsigned number = atomic_fetch_add(&play->foreigners, 1);

	local_apic_write(APIC_EOI, 0);
	if (number < MACHINE_FOREIGN) {
		play->foreign[number].cpu = cpu->index;
		play->foreign[number].vector = level ? 0 : vector;
	} else {
		hold_all(); /* no end of them */
	}
	if (number >= MACHINE_FOREIGN || atomic_load(&play->begun))
		atomic_store(&play->disturbed, true);
}

/* The interrupts of a processor that plays: see cpu.h. */
static void on_interrupt(struct cpu *cpu, uint8_t vector)
{
	volatile struct script *script = &play->script;
	struct actor *actor = actor_of(cpu);
	unsigned handler, taken;

	if (vector == NMI ? !play->nmis : !local_apic_bit(APIC_ISR, vector))
		return; /* the machine's own; spurious */
	if (vector != NMI && (!has_vector(vector) || !atomic_load(&play->begun))) {
		take_foreign(cpu, vector);
		return;
	}
	if (!actor || script->actor[actor->slot].done) {
		if (vector != NMI)
			local_apic_write(APIC_EOI, 0);
		return;
	}
	taken = script->actor[actor->slot].taken;
	script->actor[actor->slot].taken = taken + 1;
	if (taken < SCRIPT_TRACE)
		script->actor[actor->slot].trace[taken] = vector;
	script->actor[actor->slot].depth++;
	handler = find_for(STEP_ON, actor->slot, vector);
	if (handler)
		run(actor, handler);
	else if (vector != NMI)
		local_apic_write(APIC_EOI, 0);
	script->actor[actor->slot].depth--;
}

static bool is_pending(void)
{
	for (unsigned vector = 0; vector < VECTORS; vector += 32)
		if (local_apic_read(APIC_IRR + vector / 2))
			return true;
	return false;
}

/* Takes all that waits. */
static void drain(void)
{
	local_apic_write(APIC_TPR, 0);
	for (unsigned i = 0; i < DRAINS && is_pending(); i++)
		interrupts_take();
}

static void together(unsigned number)
{
	atomic_fetch_add(&play->arrived[number], 1);
	while (atomic_load(&play->arrived[number]) < play->processors && !is_over(NOT_IN_STEP))
		;
}

/* As after power-up, but enabled. */
static void prepare(struct cpu *cpu)
{
	if (local_apic_x2apic() != play->x2apic) {
		atomic_store(&play->mixed, true);
		break_off(NOT_IN_STEP);
		return;
	}
	cpu->on_interrupt = on_interrupt;
	unblock_nmi(); /* some processors still hold them back after a VM exit */
	local_apic_write(APIC_SVR, APIC_SVR_ENABLED | SPURIOUS);
	local_apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | MACHINE_UNUSED);
	local_apic_write(APIC_TIMER_INITIAL, 0);
	local_apic_write(APIC_LVT_ERROR, APIC_LVT_MASKED | MACHINE_UNUSED);
	if (!play->x2apic) {
		local_apic_write(APIC_DFR, play->dfr);
		local_apic_write(APIC_LDR, 0);
	}
	drain(); /* what came before is the firmware's */
	local_apic_write(APIC_ESR, 0);
	local_apic_write(APIC_ESR, 0);
}

static void act(struct actor *actor)
{
	unsigned at = find_for(STEP_AT, actor->slot, 1);

	if (play->timed)
		actor->rate = machine_timer_rate();
	if (at)
		run(actor, at);
}

/* What devices have sent meanwhile waits again, as it did. */
static void return_foreign(const struct cpu *cpu)
{
	unsigned count = atomic_load(&play->foreigners);

	for (unsigned i = 0; i < count && i < MACHINE_FOREIGN; i++)
		if (play->foreign[i].cpu == cpu->index && play->foreign[i].vector)
			(void)local_apic_send(ICR_FIXED | ICR_SELF | play->foreign[i].vector, 0);
}

void machine_play_work(struct cpu *cpu, void *unused)
{
	struct actor *actor = actor_of(cpu);

	(void)unused;
	prepare(cpu);
	if (!cpu->on_interrupt)
		return;
	together(0);
	atomic_store(&play->begun, true);
	if (actor) {
		actor->slot = (unsigned)(actor - actors);
		act(actor);
	}
	together(1);
	interrupts_off();
	if (actor)
		play->script.actor[actor->slot].done = 1;
	/* Nothing is sent any more; what is on its way arrives. */
	settle();
	local_apic_write(APIC_SVR, APIC_SVR_ENABLED | SPURIOUS);
	drain();
	platform->apic_put_back();
	return_foreign(cpu);
	cpu->on_interrupt = NULL;
}
