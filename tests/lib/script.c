/* The host's side of scripts: see script.h and guest/steps.h. */
#include "tests/lib/script_check.h"

#include "lib/text.h"
#include "vm/control.h"
#include "vm/cpu.h"

struct play {
	struct fixture fixture; /* first: conditions get it */
	struct script_checks checks;
	volatile struct script *guest; /* in guest memory */
	bool broken;		       /* a wait failed */
};

static const struct {
	unsigned bit;
	const char *name;
} modes[] = {
	{ MODE_REGISTERS, "xAPIC registers" },
	{ MODE_DECODED, "xAPIC decoded" },
	{ MODE_X2APIC, "x2APIC" },
	{ MODE_VIRTUAL_XAPIC, "xAPIC virtual" },
	{ MODE_VIRTUAL_X2APIC, "x2APIC virtual" },
	{ MODE_POSTED_XAPIC, "xAPIC posted" },
	{ MODE_POSTED_X2APIC, "x2APIC posted" },
};

static bool guest_fault(const struct fixture *fixture)
{
	for (unsigned i = 0; i < fixture->vcpus; i++)
		if (fixture->slot[i].exceptions)
			return true;
	return false;
}

struct pending {
	struct play *play;
	const struct step *step;
};

static uint64_t counted(struct play *play, const struct step *step)
{
	const struct vcpu *vcpu = play->fixture.vm->vcpus[step->slot];
	const uint8_t *counts = (const uint8_t *)&vcpu->counts;

	if (step->counter == COUNTER(received))
		return fixture_received(vcpu);
	return atomic_load((const _Atomic uint64_t *)(counts + step->counter));
}

static bool has_come(struct fixture *fixture, uint64_t argument)
{
	const struct pending *pending = (const struct pending *)(uintptr_t)argument;
	struct play *play = pending->play;
	const struct step *step = pending->step;

	if (guest_fault(fixture))
		return true;
	if (step->op == STEP_AWAIT_FLAG)
		return play->guest->flag[step->flag] >= step->value;
	if (step->op == STEP_AWAIT_STATE)
		return atomic_load(&fixture->vm->vcpus[step->slot]->state) == step->value;
	return counted(play, step) >= step->value;
}

static void await(struct play *play, unsigned at)
{
	struct pending pending = { play, script_step(&play->checks, at) };
	char what[TEST_TEXT];

	script_print(&play->checks, at, "", what);
	play->broken |= !fixture_wait(&play->fixture, what, has_come, (uintptr_t)&pending);
}

static enum status post(struct play *play, const struct step *step)
{
	const struct ipi ipi = {
		.destination = step->destination,
		.mode = step->icr_bits >> 8 & 7,
		.vector = (uint8_t)step->icr_bits,
		.logical = step->icr_bits & ICR_LOGICAL,
		.level = step->icr_bits & ICR_LEVEL,
		.assert = step->icr_bits & ICR_ASSERT,
	};

	return ipi_send(play->fixture.vm, &ipi);
}

/* Where the processor delivers, we inject nothing, and do not see what it sends to itself, nor
 * which of those that were posted it made one. */
static void count_step(struct play *play, unsigned at)
{
	const struct step *step = script_step(&play->checks, at);
	const struct vm *vm = play->fixture.vm;
	uint64_t wanted = step->value;

	if (vm->virtual_interrupts && step->counter == COUNTER(sent))
		return;
	if (vm->posted_interrupts && step->counter == COUNTER(coalesced))
		return;
	if (vm->virtual_interrupts && step->counter == COUNTER(interrupts))
		wanted = 0;
	script_check(&play->checks, at, "", wanted, counted(play, step));
}

static void host_step(struct play *play, unsigned at)
{
	const struct step *step = script_step(&play->checks, at);
	struct fixture *fixture = &play->fixture;

	switch ((enum step_op)step->op) {
	case STEP_FLAG:
		__atomic_fetch_add(&play->guest->flag[step->flag], step->value, __ATOMIC_SEQ_CST);
		break;
	case STEP_AWAIT_FLAG:
	case STEP_AWAIT_STATE:
	case STEP_AWAIT_COUNT:
		await(play, at);
		break;
	case STEP_POST:
		script_check(&play->checks, at, "", step->status, post(play, step));
		break;
	case STEP_STOP:
		require(fixture->run, "stopping a vCPU", vcpu_stop(fixture->vm->vcpus[step->slot]));
		break;
	case STEP_STATE:
		script_check(&play->checks, at, "", step->value,
			     atomic_load(&fixture->vm->vcpus[step->slot]->state));
		break;
	case STEP_COUNT:
		count_step(play, at);
		break;
	case STEP_FLAG_IS:
		script_check(&play->checks, at, "", step->value, play->guest->flag[step->flag]);
		break;
	case STEP_ENTERED:
		script_check(&play->checks, at, "", step->value, fixture->slot[step->slot].entered);
		break;
	case STEP_REFUSED:
		script_check(&play->checks, at, "", step->value,
			     atomic_load(&fixture->vm->refused));
		break;
	case STEP_TRACE:
		script_check_trace(&play->checks, at);
		break;
	default:
		test_error(fixture->run, "%s is not for the host", play->checks.steps[at].text);
		play->broken = true;
		break;
	}
}

/* Carries out the host's section that begins with this head. */
static void host_section(struct play *play, enum step_op head)
{
	bool inside = false;

	for (unsigned at = 0; at < play->checks.count && !play->broken; at++) {
		if (script_is_head(script_step(&play->checks, at)))
			inside = script_step(&play->checks, at)->op == head;
		else if (inside)
			host_step(play, at);
	}
}

/* The last boot of a slot that has a section; 0: none. */
static uint32_t last_boot(const struct play *play, unsigned slot)
{
	uint32_t boot = 0;

	for (unsigned at = 0; at < play->checks.count; at++) {
		const struct step *step = script_step(&play->checks, at);

		if (step->op == STEP_AT && step->boot > boot &&
		    (step->slot == slot || (slot && step->slot == EACH)))
			boot = step->boot;
	}
	return boot;
}

static bool all_done(struct fixture *fixture, uint64_t argument)
{
	const struct play *play = (const struct play *)fixture;

	(void)argument;
	if (guest_fault(fixture))
		return true;
	for (unsigned i = 0; i < fixture->vcpus; i++)
		if (play->guest->actor[i].done < last_boot(play, i))
			return false;
	return true;
}

static void check_exceptions(struct play *play)
{
	struct fixture *fixture = &play->fixture;

	for (unsigned i = 0; i < fixture->vcpus; i++) {
		char what[TEST_TEXT];

		if (!fixture->slot[i].exceptions)
			continue;
		text_format(what, sizeof(what), "%s: exception in the guest's vCPU %u at %x",
			    play->checks.mode, i, fixture->slot[i].last_eip);
		expect_bits(fixture->run, what, ~0ull, fixture->slot[i].last_exception);
	}
}

/* Sends the event that the guest has armed, in place of what the exit asks for: the instruction
 * is executed again. On the processor that owns the vCPU. */
static bool armed_exit(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	struct play *play = argument;
	uint32_t event = play->guest->actor[vcpu->id].armed;
	const struct ipi ipi = {
		.destination = vcpu->apic.id,
		.mode = event & SHADOW_NMI ? DELIVERY_NMI : DELIVERY_FIXED,
		.vector = (uint8_t)event,
		.assert = true,
	};

	if (!event || (exit->kind != EXIT_HLT && exit->kind != EXIT_CPUID))
		return false;
	play->guest->actor[vcpu->id].armed = 0;
	return ipi_send(vcpu->vm, &ipi) == STATUS_OK;
}

static bool start_aps(struct play *play)
{
	struct fixture *fixture = &play->fixture;

	for (unsigned i = 1; i < fixture->vcpus; i++)
		if (!require(fixture->run, "starting an AP",
			     vm_start_ap(fixture->vm, fixture->vm->vcpus[i]->apic.id, 1)))
			return false;
	return true;
}

static bool gather(struct fixture *fixture)
{
	int cpu = (int)cpu_in_use(cpus_in_use() - 1)->index;

	for (unsigned i = 0; i < fixture->vcpus; i++)
		if (!require(fixture->run, "affinity",
			     vcpu_set_affinity(fixture->vm->vcpus[i], cpu)))
			return false;
	return true;
}

static void perform(struct play *play)
{
	struct fixture *fixture = &play->fixture;

	if (fixture->run->test->argument & TOGETHER && !gather(fixture))
		return;
	if (!(fixture->run->test->argument & APS_WAIT) && !start_aps(play))
		return;
	if (!fixture_start(fixture))
		return;
	host_section(play, STEP_HOST);
	if (!play->broken)
		play->broken = !fixture_wait(fixture, play->checks.mode, all_done, 0);
	check_exceptions(play);
	script_check_seen(&play->checks);
	if (play->broken || !fixture_wait_arrived(fixture))
		return;
	host_section(play, STEP_AFTER);
	fixture_expect_counts(fixture);
}

static const struct vm_region script_region = { .gpa = SCRIPT_PAGE, .pages = SCRIPT_PAGES };

static void run_mode(struct test_run *run, unsigned mode, const char *name)
{
	struct play play = { .checks = { .run = run,
					 .steps = run->test->data,
					 .mode = name,
					 .actor = "vCPU",
					 .of = SCRIPT_ACTORS } };
	struct guest_setup setup = *run->test->guest;

	setup.x2apic = mode & (MODE_X2APIC | MODE_VIRTUAL_X2APIC | MODE_POSTED_X2APIC);
	setup.virtual_interrupts = mode & (MODE_VIRTUAL | MODE_POSTED);
	setup.posted_interrupts = mode & MODE_POSTED;
	setup.decode_apic = mode == MODE_DECODED;
	setup.bsp = setup.ap = GUEST_script;
	setup.region = &script_region;
	play.checks.count = script_count(play.checks.steps);
	if (play.checks.count >= SCRIPT_STEPS || setup.vcpus > SCRIPT_ACTORS) {
		test_error(run, "%u steps for %u vCPUs are too many", play.checks.count,
			   setup.vcpus);
		return;
	}
	if (!fixture_open(&play.fixture, run, &setup))
		return;
	play.guest = vm_memory(play.fixture.vm, SCRIPT_PAGE, sizeof(*play.guest));
	play.checks.seen = play.guest;
	for (unsigned i = 0; i < play.checks.count; i++)
		__builtin_memcpy((void *)(uintptr_t)&play.guest->step[i],
				 script_step(&play.checks, i), sizeof(struct step));
	play.fixture.vm->on_exit_argument = &play;
	play.fixture.vm->on_exit = armed_exit;
	perform(&play);
	fixture_close(&play.fixture);
}

void script_run(struct test_run *run)
{
	for (unsigned i = 0; i < ARRAY_SIZE(modes) && !run->failures && !run->erred; i++)
		if (run->test->argument & modes[i].bit)
			run_mode(run, modes[i].bit, modes[i].name);
}
