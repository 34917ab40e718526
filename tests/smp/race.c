/* Situations in which well-known hypervisors have failed: what comes when is left to chance. */
#include "lib/pages.h"
#include "vm/control.h"
#include "vm/cpu.h"

#include "tests/lib/script.h"

/* Rounds of INITs and SIPIs from one or two senders to a processor that halts as soon as it has
 * booted.
 */
struct sequence {
	uint32_t steps; /* for guest/race.c, from the low nibble up: 1 INIT, 2 SIPI */
	bool one_boot;	/* each round starts it exactly once, and the sender waits for that */
	unsigned senders;
	unsigned inits, ignored; /* a round; ignored: SIPIs that find it running */
	enum vcpu_state end;
};

enum { ROUNDS = 20 };

static bool has_booted(struct fixture *fixture, uint64_t argument)
{
	return fixture->slot[argument >> 32].counter >= (uint32_t)argument;
}

/* Every vCPU but the target has come to its end. */
static bool others_have_halted(struct fixture *fixture, uint64_t target)
{
	for (unsigned i = 0; i < fixture->vcpus; i++)
		if (i != target && !(fixture->slot[i].finished == 1 &&
				     atomic_load(&fixture->vm->vcpus[i]->state) == VCPU_HALTED))
			return false;
	return true;
}

static void expect_boots(struct fixture *fixture, const struct sequence *sequence, unsigned target)
{
	struct test_run *run = fixture->run;
	const struct vcpu_counts *counts = &fixture->vm->vcpus[target]->counts;
	unsigned rounds = ROUNDS * sequence->senders;

	expect(run, "INITs", 1 + rounds * sequence->inits, atomic_load(&counts->inits));
	if (sequence->one_boot) {
		expect(run, "boots", 1 + rounds, fixture->slot[target].counter);
		expect(run, "starts", 1 + rounds, fixture->slot[target].entered);
	}
	if (sequence->senders == 1)
		expect(run, "SIPIs ignored", rounds * sequence->ignored,
		       atomic_load(&counts->sipis_ignored));
	expect(run, "only SIPIs are dropped", atomic_load(&counts->sipis_ignored),
	       atomic_load(&counts->dropped));
	for (unsigned i = 0; i < sequence->senders; i++)
		expect_cited(run, SPEC_ICR, "ICR reads that differ", 0, fixture->slot[i].value[0]);
	fixture_expect_counts(fixture);
}

/* A SIPI that it awaits still starts it. */
static void expect_startable(struct fixture *fixture, unsigned target)
{
	const struct ipi sipi = {
		.destination = target, .mode = DELIVERY_SIPI, .vector = 1, .assert = true
	};
	uint32_t boots = fixture->slot[target].counter;

	require(fixture->run, "SIPI", ipi_send(fixture->vm, &sipi));
	fixture_wait(fixture, "another boot", has_booted, (uint64_t)target << 32 | (boots + 1));
}

static bool begin(struct fixture *fixture, const struct sequence *sequence, unsigned target)
{
	fixture->shared->rounds = ROUNDS;
	fixture->shared->argument[0] = sequence->steps;
	fixture->shared->argument[1] = target;
	fixture->shared->argument[2] = sequence->one_boot;
	if (sequence->senders == 2)
		fixture->shared->program[1] = GUEST_sequence;
	for (unsigned i = 1; i <= target; i++)
		if (!require(fixture->run, "starting an AP", vm_start_ap(fixture->vm, i, 1)))
			return false;
	if (!fixture_start(fixture) ||
	    !fixture_wait(fixture, "the first boot", has_booted, (uint64_t)target << 32 | 1))
		return false;
	fixture->shared->go = 1;
	return fixture_wait(fixture, "the senders", others_have_halted, target) &&
	       fixture_wait_arrived(fixture);
}

static void run_sequence(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	const struct sequence *sequence = run->test->data;
	const unsigned target = sequence->senders;

	if (begin(fixture, sequence, target) &&
	    fixture_wait_state(fixture, target, sequence->end)) {
		expect_boots(fixture, sequence, target);
		if (sequence->end == VCPU_WAIT_SIPI)
			expect_startable(fixture, target);
	}
}

static const struct sequence init_hlt = { 0x21, true, 1, 1, 0, VCPU_HALTED };
static const struct sequence early_sipi = { 0x212, true, 1, 1, 1, VCPU_HALTED };
static const struct sequence late_init = { 0x121, false, 1, 2, 0, VCPU_WAIT_SIPI };
static const struct sequence two_senders = { 0x2121, false, 2, 2, 0, VCPU_HALTED };

/* The target goes round the processors while it is interrupted: until the waker halts or was ended.
 */
static bool wander(struct fixture *fixture)
{
	const struct vcpu *waker = fixture->vm->vcpus[0];

	for (unsigned i = 0; test_time_left(fixture->run) > 1; i++) {
		const enum vcpu_state state = atomic_load(&waker->state);

		if (state == VCPU_HALTED || state == VCPU_STOPPED)
			break;
		if (!require(fixture->run, "affinity",
			     vcpu_set_affinity(fixture->vm->vcpus[1], (int)cpu_in_use(i)->index)))
			return false;
	}
	return true;
}

/* An interrupt that comes at any time, as just before HLT, at an exit, or during a move: each has
 * to have come before the next one is sent. */
enum { MOVES = 1 };

static void interrupt_once(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	const struct vm *vm = fixture->vm;
	enum { TIMES = 50 };

	fixture->shared->rounds = TIMES;
	fixture->shared->argument[1] = 1;
	if (require(run, "starting the AP", vm_start_ap(fixture->vm, 1, 1)) &&
	    fixture_start(fixture) && (run->test->argument != MOVES || wander(fixture)) &&
	    fixture_wait_finished(fixture, 0, 1) && fixture_wait_finished(fixture, 1, 1)) {
		expect(run, "interrupts handled", TIMES, fixture->slot[1].interrupts);
		expect_cited(run, SPEC_ICR, "ICR reads that differ", 0, fixture->slot[0].value[1]);
		expect(run, "interrupts given by us", vm->virtual_interrupts ? 0 : TIMES,
		       atomic_load(&vm->vcpus[1]->counts.interrupts));
		fixture_expect_counts(fixture);
	}
}

/* Real mode, whose vector table is at 0: INCW CS:[handled]; IRET. */
enum { NMI_ENTRY = 2 * 4, HANDLER = 0x500, HANDLED = 0x510, STACK_PAGE = 0xF000 };

static const uint8_t handler[] = { 0x2E, 0xFF, 0x06, HANDLED & 0xFF, HANDLED >> 8, 0xCF };

static bool has_taken(struct fixture *fixture, uint64_t nmis)
{
	return atomic_load(&fixture->vm->vcpus[1]->counts.received) >= nmis;
}

static bool waits(struct fixture *fixture, uint64_t in_hardware)
{
	const struct vcpu *vcpu = fixture->vm->vcpus[1];

	return in_hardware ? atomic_load(&vcpu->sipi_wait.in_hardware)
			   : atomic_load(&vcpu->state) == VCPU_WAIT_SIPI;
}

static void expect_waits_on(struct fixture *fixture)
{
	expect(fixture->run, "state", VCPU_WAIT_SIPI, atomic_load(&fixture->vm->vcpus[1]->state));
	expect(fixture->run, "starts", 0, fixture->slot[1].entered);
	expect(fixture->run, "NMIs taken", 0, atomic_load(&fixture->vm->vcpus[1]->counts.nmis));
}

/* NMIs do not end the wait; one of them waits for the first instruction after SIPI. */
static void nmi_before_sipi(struct fixture *fixture, uint16_t *handled, bool in_hardware)
{
	struct test_run *run = fixture->run;
	struct ipi ipi = { .destination = 1, .mode = DELIVERY_NMI, .assert = true };

	if (!fixture_start(fixture) || !fixture_wait(fixture, "the AP waits", waits, in_hardware))
		return;
	require(run, "NMI", ipi_send(fixture->vm, &ipi));
	require(run, "NMI", ipi_send(fixture->vm, &ipi));
	if (!fixture_wait(fixture, "the NMIs arrive", has_taken, 2) ||
	    !fixture_wait(fixture, "the AP waits on", waits, in_hardware))
		return;
	expect_waits_on(fixture);
	ipi.mode = DELIVERY_SIPI;
	ipi.vector = 1;
	require(run, "SIPI", ipi_send(fixture->vm, &ipi));
	if (!fixture_wait_finished(fixture, 1, 1))
		return;
	expect(run, "starts", 1, fixture->slot[1].entered);
	expect(run, "NMIs that the guest handled", 1, *(volatile uint16_t *)handled);
	expect(run, "NMIs coalesced", 1, atomic_load(&fixture->vm->vcpus[1]->counts.coalesced));
	fixture_expect_counts(fixture);
}

/* The NMI is pushed below address 0 of the stack, which wraps at 64 KiB. */
static const struct vm_region stack = { .gpa = STACK_PAGE, .pages = 1 };

static void nmi_wait_sipi(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	uint8_t *page;

	page = vm_memory(fixture->vm, 0, PAGE_SIZE);
	__builtin_memcpy(page + HANDLER, handler, sizeof(handler));
	*(uint16_t *)(page + NMI_ENTRY) = HANDLER;
	nmi_before_sipi(fixture, (uint16_t *)(page + HANDLED), fixture->setup->wait_in_hardware);
	/* fixture_close wants page 0 as it was. */
	require(run, "stopping the vCPUs", vm_stop_all(fixture->vm));
	__builtin_memset(page + HANDLER, 0, HANDLED + 2 - HANDLER);
	*(uint16_t *)(page + NMI_ENTRY) = 0;
}

/* Scripts read line by line. */
/* clang-format off */

#define FOR_EVER AWAIT_FLAG(15, 1)

/* Two run, two wait: each kind takes of a broadcast what is for it. */
static const struct script_step half_waits[] = {
	AT(0, ENABLE, SEND(ICR_INIT, 1), SEND(ICR_INIT, 2), SEND(ICR_SIPI | 1, 1),
		SEND(ICR_SIPI | 1, 2), AWAIT_READY(2), SEND(ICR_FIXED | ICR_OTHERS | 0x51, 0),
		ICR(ICR_FIXED | ICR_OTHERS | 0x51, 0), AWAIT_FLAG(1, 2),
		SEND(ICR_SIPI | ICR_OTHERS | 1, 0), ICR(ICR_SIPI | ICR_OTHERS | 1, 0),
		AWAIT_READY(4), SEND(ICR_FIXED | ICR_OTHERS | 0x52, 0), AWAIT_FLAG(1, 6),
		SEND(ICR_INIT, 3), SEND(ICR_INIT, 4), SEND(ICR_INIT | ICR_OTHERS, 0),
		ICR(ICR_INIT | ICR_OTHERS, 0), SEND(ICR_SIPI | ICR_OTHERS | 1, 0),
		SEND(ICR_SIPI | ICR_OTHERS | 1, 0), AWAIT_READY(8),
		SEND(ICR_FIXED | ICR_OTHERS | 0x53, 0)),
	AT(EACH, ENABLE, STI, READY, FOR_EVER),
	AGAIN(1, 2, ENABLE, STI, READY, AWAIT_TAKEN(3)),
	AGAIN(2, 2, ENABLE, STI, READY, AWAIT_TAKEN(3)),
	AGAIN(3, 2, ENABLE, STI, READY, AWAIT_TAKEN(2)),
	AGAIN(4, 2, ENABLE, STI, READY, AWAIT_TAKEN(2)),
	ON(EACH, 0x51, EOI, FLAG(1)),
	ON(EACH, 0x52, EOI, FLAG(1)),
	AFTER(TRACE(1, 0x51, 0x52, 0x53), TRACE(2, 0x51, 0x52, 0x53), TRACE(3, 0x52, 0x53),
		TRACE(4, 0x52, 0x53), NO_TRACE(0), COUNT(1, sipis_ignored, 2),
		COUNT(2, sipis_ignored, 2), COUNT(3, sipis_ignored, 1), COUNT(4, sipis_ignored, 1),
		COUNT(3, dropped, 2), COUNT(1, inits, 2), COUNT(3, inits, 2), ENTERED(0, 1),
		ENTERED(1, 2), ENTERED(4, 2)),
	END,
};

/* To itself by every way that there is, both processors at once, each read back. */
#define TO_ITSELF(id) \
	SEND(ICR_FIXED | ICR_SELF | 0x51, 7), ICR(ICR_FIXED | ICR_SELF | 0x51, 7), \
		AWAIT_BIT(IRR, 0x51, 1), \
	SEND(ICR_FIXED | 0x52, id), ICR(ICR_FIXED | 0x52, id), AWAIT_BIT(IRR, 0x52, 1), \
	SEND(ICR_FIXED | ICR_LOGICAL | 0x53, 1 << (id)), \
		ICR(ICR_FIXED | ICR_LOGICAL | 0x53, 1 << (id)), \
	AWAIT_BIT(IRR, 0x53, 1), SEND(ICR_FIXED | ICR_ALL | (0x54 + (id)), 7), \
	ICR(ICR_FIXED | ICR_ALL | (0x54 + (id)), 7), AWAIT_BIT(IRR, 0x54, 1), \
		AWAIT_BIT(IRR, 0x55, 1), \
	TAKEN(0), STI, AWAIT_TAKEN(5), TAKEN(5)

static const struct script_step itself[] = {
	AT(0, ENABLE, WRITE(APIC_LDR, 0x01000000), READY, AWAIT_READY(2), TO_ITSELF(0)),
	AT(1, ENABLE, WRITE(APIC_LDR, 0x02000000), READY, AWAIT_READY(2), TO_ITSELF(1)),
	AFTER(TRACE(0, 0x55, 0x54, 0x53, 0x52, 0x51), TRACE(1, 0x55, 0x54, 0x53, 0x52, 0x51),
		COUNT(0, sent, 5), COUNT(1, sent, 5)),
	END,
};

static const struct script_step itself_x2apic[] = {
	AT(0, ENABLE, READY, AWAIT_READY(2), TO_ITSELF(0), WRITE(APIC_SELF_IPI, 0x61),
		AWAIT_TAKEN(6)),
	AT(1, ENABLE, READY, AWAIT_READY(2), TO_ITSELF(1), WRITE(APIC_SELF_IPI, 0x61),
		AWAIT_TAKEN(6)),
	AFTER(TRACE(0, 0x55, 0x54, 0x53, 0x52, 0x51, 0x61),
		TRACE(1, 0x55, 0x54, 0x53, 0x52, 0x51, 0x61)),
	END,
};
/* clang-format on */

#define SEQUENCE(name_, row_, data_, ...)                                                          \
	.name = name_, .spec = SPEC_MP_INIT, .run = fixture_run, .body = run_sequence,             \
	.row = row_, .data = data_,                                                                \
	.guest = GUEST(.bsp = GUEST_sequence, .ap = GUEST_boots, __VA_ARGS__)
#define ONCE(name_, spec_, target, kind, ...)                                                      \
	{                                                                                          \
		.name = name_, .spec = spec_, .run = fixture_run, .body = interrupt_once,          \
		.needs = NEEDS_##kind,                                                             \
		.guest = GUEST(.vcpus = 2, .bsp = GUEST_waker, .ap = GUEST_##target, IS_##kind),   \
		__VA_ARGS__                                                                        \
	}
#define NEEDS_XAPIC NEEDS_GUEST
#define NEEDS_X2APIC NEEDS_GUEST
#define NEEDS_VIRTUAL (NEEDS_GUEST | BIT(CAP_VIRTUAL_INTERRUPTS))
#define NEEDS_POSTED (NEEDS_GUEST | BIT(CAP_POSTED_INTERRUPTS))
#define IS_XAPIC .x2apic = false
#define IS_X2APIC .x2apic = true
#define IS_VIRTUAL .virtual_interrupts = true
#define IS_POSTED .virtual_interrupts = true, .posted_interrupts = true
#define INIT_ROW "IPI: INIT"
#define SIPI_ROW "IPI: SIPI"
#define NMI_ROW "IPI: NMI"
#define FIXED_ROW "IPI: Fixed"

#define MEANS_LOST_INIT                                                                            \
	"An INIT at the moment of HLT is lost or leaves the vCPU in the wrong state: guests hang " \
	"now and then while APs start."
#define MEANS_WAKE_UP                                                                              \
	"A wake-up between STI and HLT is lost: idle guests hang until the next interrupt."
#define MEANS_NMI_WAIT                                                                             \
	"NMIs to a waiting AP start it, are lost, or come more than once: an NMI broadcast in a "  \
	"crash handler confuses APs that wait."
#define MEANS_DESTINATION                                                                          \
	"An IPI reaches a processor that was not meant, or misses one that was: TLB shoot-downs "  \
	"and start-up in guests fail."

static const struct test rows[] = {
	{ SEQUENCE("race.init_hlt.xapic", INIT_ROW, &init_hlt, .vcpus = 2), .needs = NEEDS_GUEST,
	  EXPLAINS("INIT comes while the AP is about to halt, over and over: xAPIC mode.",
		   MEANS_LOST_INIT) },
	{ SEQUENCE("race.init_hlt.decoded", INIT_ROW, &init_hlt, .vcpus = 2, .decode_apic = true),
	  .needs = NEEDS_GUEST,
	  EXPLAINS("INIT comes while the AP is about to halt, over and over: decoded memory "
		   "accesses.",
		   MEANS_LOST_INIT) },
	{ SEQUENCE("race.init_hlt.x2apic", INIT_ROW, &init_hlt, .vcpus = 2, .x2apic = true),
	  .needs = NEEDS_GUEST,
	  EXPLAINS("INIT comes while the AP is about to halt, over and over: x2APIC mode.",
		   MEANS_LOST_INIT) },
	{ SEQUENCE("race.init_hlt.hardware_wait", INIT_ROW, &init_hlt, .vcpus = 2,
		   .wait_in_hardware = true),
	  .needs = NEEDS_GUEST | BIT(CAP_WAIT_SIPI), .cpus = 2,
	  EXPLAINS("INIT comes while the AP is about to halt, over and over: the processor's own "
		   "wait-for-SIPI.",
		   MEANS_LOST_INIT) },
	{ SEQUENCE("race.early_sipi.xapic", SIPI_ROW, &early_sipi, .vcpus = 2),
	  .needs = NEEDS_GUEST,
	  EXPLAINS("A SIPI that comes before INIT has been taken does not start the AP twice, "
		   "xAPIC mode.",
		   MEANS_LOST_INIT) },
	{ SEQUENCE("race.early_sipi.x2apic", SIPI_ROW, &early_sipi, .vcpus = 2, .x2apic = true),
	  .needs = NEEDS_GUEST,
	  EXPLAINS("A SIPI that comes before INIT has been taken does not start the AP twice, "
		   "x2APIC mode.",
		   MEANS_LOST_INIT) },
	{ SEQUENCE("race.late_init.xapic", INIT_ROW, &late_init, .vcpus = 2), .needs = NEEDS_GUEST,
	  EXPLAINS("An INIT right after SIPI leaves the AP waiting, and another SIPI starts it, "
		   "xAPIC mode.",
		   MEANS_LOST_INIT) },
	{ SEQUENCE("race.late_init.x2apic", INIT_ROW, &late_init, .vcpus = 2, .x2apic = true),
	  .needs = NEEDS_GUEST,
	  EXPLAINS("An INIT right after SIPI leaves the AP waiting, and another SIPI starts it, "
		   "x2APIC mode.",
		   MEANS_LOST_INIT) },
	{ SEQUENCE("race.two_senders.xapic", INIT_ROW, &two_senders, .vcpus = 3),
	  .needs = NEEDS_GUEST,
	  EXPLAINS("Two processors send INIT and SIPI to a third at the same time, xAPIC mode.",
		   MEANS_LOST_INIT) },
	{ SEQUENCE("race.two_senders.x2apic", INIT_ROW, &two_senders, .vcpus = 3, .x2apic = true),
	  .needs = NEEDS_GUEST,
	  EXPLAINS("Two processors send INIT and SIPI to a third at the same time, x2APIC mode.",
		   MEANS_LOST_INIT) },
	ONCE("race.sti_hlt.xapic", SPEC_STI, sleeper, XAPIC, .row = FIXED_ROW,
	     EXPLAINS("An interrupt just before HLT in STI;HLT wakes it every time, xAPIC mode.",
		      MEANS_WAKE_UP)),
	ONCE("race.sti_hlt.x2apic", SPEC_STI, sleeper, X2APIC, .row = FIXED_ROW,
	     EXPLAINS("An interrupt just before HLT in STI;HLT wakes it every time, x2APIC mode.",
		      MEANS_WAKE_UP)),
	ONCE("race.sti_hlt.virtual", SPEC_STI, sleeper, VIRTUAL, .row = FIXED_ROW,
	     EXPLAINS("An interrupt just before HLT in STI;HLT wakes it every time, with "
		      "virtual-interrupt delivery.",
		      MEANS_WAKE_UP)),
	ONCE("race.sti_hlt.posted", SPEC_STI, sleeper, POSTED, .row = FIXED_ROW,
	     EXPLAINS("An interrupt just before HLT in STI;HLT wakes it every time, posted or not.",
		      MEANS_WAKE_UP)),
	ONCE("race.exits.virtual", SPEC_VAPIC_INTERRUPTS, leaver, VIRTUAL, .row = FIXED_ROW,
	     EXPLAINS("A virtual interrupt for a guest that exits all the time comes, and once.",
		      MEANS_VIRTUAL)),
	ONCE("race.exits.posted", SPEC_VAPIC_POSTED, leaver, POSTED, .row = FIXED_ROW,
	     EXPLAINS("An interrupt that is posted as the guest is entered or exits comes, and "
		      "once.",
		      MEANS_POSTED)),
	ONCE("race.moves.virtual", SPEC_VAPIC_INTERRUPTS, leaver, VIRTUAL, .row = FIXED_ROW,
	     .cpus = 2, .argument = MOVES,
	     EXPLAINS("A virtual interrupt for a vCPU that moves from processor to processor "
		      "comes, and once.",
		      MEANS_VIRTUAL)),
	ONCE("race.moves.posted", SPEC_VAPIC_POSTED, leaver, POSTED, .row = FIXED_ROW, .cpus = 2,
	     .argument = MOVES,
	     EXPLAINS("An interrupt that is posted to a vCPU that moves from processor to "
		      "processor comes, and once.",
		      MEANS_POSTED)),
	{ .name = "race.nmi_wait_sipi",
	  .spec = SPEC_WAIT_FOR_SIPI,
	  .run = fixture_run,
	  .body = nmi_wait_sipi,
	  .guest = GUEST(.vcpus = 2, .bsp = GUEST_idle, .ap = GUEST_answer, .region = &stack),
	  .needs = NEEDS_GUEST,
	  .row = NMI_ROW,
	  EXPLAINS("NMIs do not end the wait for SIPI; one of them comes with the first "
		   "instruction after it.",
		   MEANS_NMI_WAIT) },
	{ .name = "race.nmi_wait_sipi.hardware",
	  .spec = SPEC_WAIT_FOR_SIPI,
	  .run = fixture_run,
	  .body = nmi_wait_sipi,
	  .guest = GUEST(.vcpus = 2, .bsp = GUEST_idle, .ap = GUEST_answer, .region = &stack,
			 .wait_in_hardware = true),
	  .needs = NEEDS_GUEST | BIT(CAP_WAIT_SIPI),
	  .cpus = 2,
	  .row = NMI_ROW,
	  EXPLAINS("NMIs to an AP in the processor's own wait-for-SIPI state do not end the wait; "
		   "one comes after it.",
		   MEANS_NMI_WAIT) },
	SCRIPT_ROW("race.half_waits", SPEC_IPI_DESTINATION, SIPI_ROW, half_waits,
		   MODE_ALL | APS_WAIT,
		   EXPLAINS("Broadcasts while some processors run and some wait: each takes what "
			    "is for its state.",
			    MEANS_DESTINATION),
		   .vcpus = 5),
	SCRIPT_ROW("race.itself", SPEC_IPI_DESTINATION, FIXED_ROW, itself, MODE_XAPIC,
		   EXPLAINS("Both processors send to themselves by every way that there is, xAPIC "
			    "mode, at the same time.",
			    MEANS_DESTINATION),
		   .vcpus = 2),
	SCRIPT_ROW("race.itself.x2apic", SPEC_IPI_DESTINATION, FIXED_ROW, itself_x2apic,
		   MODE_X2APIC,
		   EXPLAINS("Both processors send to themselves by every way that there is, x2APIC "
			    "mode, at the same time.",
			    MEANS_DESTINATION),
		   .vcpus = 2),
	VIRTUAL_ROW("race.itself.virtual", SPEC_IPI_DESTINATION, FIXED_ROW, itself,
		    MODE_VIRTUAL_XAPIC,
		    EXPLAINS("Both processors send to themselves by every way that there is, with "
			     "virtual-interrupt delivery.",
			     MEANS_DESTINATION),
		    .vcpus = 2),
};

TEST_GROUP(race, rows);
