#include "tests/lib/machine_script.h"

#include "vm/work.h"
#include "x86/cpuid.h"
#include "x86/local_apic.h"

#include "tests/lib/machine_play.h"

enum {
	PLAYS = 3, /* a play that devices disturb is played again */
	GRACES_A_SECOND = 20,
	PLAYS_A_SECOND = 2, /* how long one may take at most */
};

struct machine_play machine_play;

static struct machine_play *const play = &machine_play;

/* What a slot would see that is no processor here, and what was not sent to it. */
static bool left_out(const struct script_checks *checks, unsigned at)
{
	const struct step *step = script_step(checks, at), *head = script_head(checks, at);

	if (head && (head->op == STEP_AT || head->op == STEP_ON) && head->slot != EACH &&
	    head->slot >= play->present)
		return true;
	return step->op == STEP_ICR && !(play->looks_at_icr && machine_play_reaches(step));
}

static uint64_t takers(unsigned vector)
{
	uint64_t times = 0;

	for (unsigned slot = 0; slot < play->present; slot++)
		for (unsigned i = 0; i < play->script.actor[slot].taken && i < SCRIPT_TRACE; i++)
			times += play->script.actor[slot].trace[i] == vector;
	return times;
}

/* Nobody took any of what one should, which not every model sends. */
static bool none_took(void)
{
	uint64_t wanted = 0, taken = 0;

	for (unsigned at = 0; at < play->checks.count; at++)
		if (script_step(&play->checks, at)->op == STEP_ONE_TOOK) {
			wanted++;
			taken += takers(script_step(&play->checks, at)->vector);
		}
	return wanted && !taken;
}

static void check_after(void)
{
	bool inside = false;

	for (unsigned at = 0; at < play->checks.count; at++) {
		const struct step *step = script_step(&play->checks, at);

		if (script_is_head(step))
			inside = step->op == STEP_AFTER;
		if (!inside)
			continue;
		if (step->op == STEP_TRACE && step->slot < play->present)
			script_check_trace(&play->checks, at);
		if (step->op == STEP_ONE_TOOK)
			script_check(&play->checks, at, "", step->value, takers(step->vector));
	}
}

static void judge(struct test_run *run)
{
	char what[TEST_TEXT];

	if (play->mixed) {
		if (!run->expectations)
			test_skip(run, "needs all local APICs in one mode");
		return;
	}
	if (play->unsent)
		expect_failed(run, "the delivery status of an IPI", "idle", "send pending");
	if (play->broken) {
		if (play->broken_at == NOT_IN_STEP) {
			test_error(run, "the processors did not come together, or a step is for "
					"guests only");
			return;
		}
		script_print(&play->checks, play->broken_at, "", what);
		expect_failed(run, what, "in time", "not in time");
		return;
	}
	if (none_took()) {
		if (!run->expectations)
			test_skip(run, "needs lowest-priority IPIs");
		return;
	}
	script_check_seen(&play->checks);
	check_after();
}

/* Slots that the script has sections or a trace for. */
static unsigned count_slots(const struct script_step *steps)
{
	unsigned slots = 1;

	for (unsigned at = 0; steps[at].step.op != STEP_END; at++) {
		const struct step *step = &steps[at].step;

		if ((step->op == STEP_AT || step->op == STEP_ON || step->op == STEP_TRACE) &&
		    step->slot != EACH && step->slot >= slots)
			slots = step->slot + 1u;
	}
	return slots;
}

static void note_vector(uint32_t vector)
{
	play->vectors[vector / 32 % 8] |= 1u << vector % 32;
}

/* What the script may make come, and what all APICs must agree on: the DFR. */
static void read_ahead(void)
{
	play->dfr = ~0u;
	note_vector(MACHINE_UNUSED);
	for (unsigned at = 0; at < play->checks.count; at++) {
		const struct step *step = script_step(&play->checks, at);

		if (step->op == STEP_SEND && (step->icr_bits >> 8 & 7) <= DELIVERY_LOWEST)
			note_vector(step->icr_bits & 0xFF);
		else if (step->op == STEP_SEND && (step->icr_bits >> 8 & 7) == DELIVERY_NMI)
			play->nmis = true;
		play->timed |= step->op == STEP_SINCE || step->op == STEP_CHOOSE_PERIOD ||
			       step->op == STEP_COUNTDOWN;
		if (step->op != STEP_WRITE)
			continue;
		if (step->reg == APIC_DFR)
			play->dfr = step->value;
		else if (step->reg == APIC_SELF_IPI ||
			 (step->reg >= APIC_LVT_TIMER && step->reg <= APIC_LVT_ERROR))
			note_vector(step->value & 0xFF);
	}
}

static bool perform(struct test_run *run, const struct script_step *steps, unsigned first,
		    const char *mode)
{
	enum status status;

	__builtin_memset(play, 0, sizeof(*play));
	play->checks = (struct script_checks){ .run = run,
					       .steps = steps,
					       .count = script_count(steps),
					       .mode = mode,
					       .actor = "processor",
					       .first = first,
					       .of = cpus_in_use(),
					       .seen = &play->script,
					       .left_out = left_out };
	play->processors = cpus_in_use();
	play->slots = count_slots(steps);
	play->present = play->slots < play->processors ? play->slots : play->processors;
	play->x2apic = local_apic_x2apic();
	play->looks_at_icr = run->test->argument & LOOKS_AT_ICR;
	if (play->checks.count >= SCRIPT_STEPS || play->slots > MACHINE_SLOTS) {
		test_error(run, "%u steps for %u processors are too many", play->checks.count,
			   play->slots);
		return false;
	}
	for (unsigned i = 0; i < play->present; i++)
		play->cpus[i] = cpu_in_use(first + i);
	read_ahead();
	play->grace = platform->clock_hz / GRACES_A_SECOND * platform->patience;
	play->deadline =
		platform->clock() + platform->clock_hz / PLAYS_A_SECOND * platform->patience;
	status = work_on_all(machine_play_work, NULL, test_time_left(run));
	return require(run, "all processors play", status);
}

static bool play_from(struct test_run *run, const struct script_step *steps, unsigned first,
		      const char *mode)
{
	for (unsigned i = 0; i < PLAYS; i++) {
		if (!perform(run, steps, first, mode))
			return false;
		if (!play->disturbed) {
			judge(run);
			return !run->failures && !run->erred && run->expectations;
		}
	}
	if (!run->expectations)
		test_skip(run, "needs devices that do not interrupt all the time");
	return false;
}

static void play_on_all(struct test_run *run, const struct script_step *steps, const char *mode)
{
	unsigned slots = count_slots(steps);
	uint64_t enough = test_time_left(run) / 2;

	for (unsigned first = 0; first < cpus_in_use(); first += slots)
		if (!play_from(run, steps, first, mode) || test_time_left(run) < enough)
			return;
}

void machine_script_run(struct test_run *run)
{
	const bool x2apic = local_apic_x2apic();
	const unsigned mode = x2apic ? MODE_X2APIC : MODE_XAPIC;
	bool played = false;

	if (run->test->argument & ALL_PROCESSORS && cpus_in_use() != platform->cpu_total) {
		test_skip(run, "needs all processors of the machine");
		return;
	}
	if (run->test->argument & NEEDS_DEADLINE && !(cpuid(1, 0).ecx & CPUID_1_ECX_TSC_DEADLINE)) {
		test_skip(run, "needs TSC-deadline timer");
		return;
	}
	for (const struct machine_script *script = run->test->data; script->steps; script++) {
		if (!(script->modes & mode) || run->failures || run->erred)
			continue;
		played = true;
		play_on_all(run, script->steps, x2apic ? "x2APIC" : "xAPIC");
	}
	if (!played)
		test_skip(run, "needs %s mode", x2apic ? "xAPIC" : "x2APIC");
}
