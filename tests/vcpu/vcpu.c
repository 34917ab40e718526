/* A virtual CPU's identity, its states, and the operations on it in each of them. */
#include "lib/text.h"
#include "vm/control.h"
#include "vm/cpu.h"
#include "vm/ipi.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"

/* Everything that has been sent to the vCPU so far has been taken: messages keep their order. */
static void nothing(struct vcpu *vcpu, void *argument)
{
	(void)vcpu;
	(void)argument;
}

static bool settle(struct test_run *run, struct vcpu *vcpu)
{
	return require(run, "a call behind the messages", vcpu_call(vcpu, nothing, NULL));
}

static enum vcpu_state state(const struct vcpu *vcpu)
{
	return atomic_load(&vcpu->state);
}

static enum status send(struct vcpu *vcpu, enum delivery_mode mode)
{
	const struct ipi ipi = { .destination = vcpu->apic.id,
				 .mode = mode,
				 .vector = GUEST_SIPI_PAGE >> 12,
				 .assert = true };

	return ipi_send(vcpu->vm, &ipi);
}

static enum status init(struct vcpu *vcpu)
{
	return send(vcpu, DELIVERY_INIT);
}

static enum status sipi(struct vcpu *vcpu)
{
	return send(vcpu, DELIVERY_SIPI);
}

/* --- identity ----------------------------------------------------------------------------------
 */

static const uint32_t custom_ids[] = { 5, 0x80, 0xFE, 3 };
static const uint32_t wide_ids[] = { 0x101, 0x12345678, 0xFFFFFFFE, 2 };

static void expect_identity(struct fixture *fixture, unsigned slot)
{
	struct test_run *run = fixture->run;
	const struct vcpu *vcpu = fixture->vm->vcpus[slot];
	const uint32_t *ids = fixture->setup->apic_ids;
	bool x2apic = fixture->setup->x2apic;
	uint32_t id = ids ? ids[slot] : slot;
	const volatile uint32_t *value = fixture->slot[slot].value;
	uint32_t base = APIC_DEFAULT_BASE | IA32_APIC_BASE_EN | (slot ? 0 : IA32_APIC_BASE_BSP) |
			(x2apic ? IA32_APIC_BASE_EXTD : 0);

	expect(run, "number of the vCPU", slot, vcpu->id);
	expect(run, "vCPU found by its APIC id", slot, vm_vcpu_by_apic_id(fixture->vm, id)->id);
	expect_bits_cited(run, SPEC_CPUID_APIC_ID, "CPUID leaf 01H, EBX 31:24", id & 0xFF,
			  value[0]);
	expect_bits_cited(run, SPEC_CPUID_X2APIC_ID, "CPUID leaf 0BH, EDX", id, value[1]);
	expect_bits_cited(run, SPEC_APIC_ID, "APIC ID register", x2apic ? id : id << 24, value[2]);
	expect_bits_cited(run, SPEC_APIC_BASE, "APIC: modes", base, value[3]);
}

static void identity(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	if (fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1)) {
		for (unsigned i = 1; i < fixture->vcpus; i++)
			require(run, "start",
				vm_start_ap(fixture->vm, fixture->vm->vcpus[i]->apic.id,
					    GUEST_SIPI_PAGE >> 12));
		if (fixture_wait_all_aps(fixture, 1))
			for (unsigned i = 0; i < fixture->vcpus; i++)
				expect_identity(fixture, i);
	}
}

/* Ids decide who gets an IPI, all of their 32 bits. */
static void identity_ipi(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	for (unsigned i = 1; i < fixture->vcpus; i++)
		expect(run, "an id that differs beyond its 8th bit", STATUS_NOT_FOUND,
		       vm_start_ap(fixture->vm, fixture->vm->vcpus[i]->apic.id ^ 0x10000, 1));
	if (fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1) &&
	    fixture_wait_all_aps(fixture, 1))
		for (unsigned i = 1; i < fixture->vcpus && settle(run, fixture->vm->vcpus[i]);
		     i++) {
			expect(run, "starts", 1, fixture->slot[i].entered);
			expect(run, "messages received", 3,
			       atomic_load(&fixture->vm->vcpus[i]->counts.received));
		}
}

/* --- states ------------------------------------------------------------------------------------
 */

static bool is_counting(struct fixture *fixture, uint64_t slot)
{
	return fixture->slot[slot].counter > 10;
}

/* One AP through its states, as they look from the processor that runs the tests. */
static void states(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct vcpu *ap;

	ap = fixture->vm->vcpus[1];
	fixture->shared->program[2] = GUEST_answer;
	expect_cited(run, SPEC_MP_INIT, "the boot processor at first", VCPU_CREATED,
		     state(fixture->vm->vcpus[0]));
	expect_cited(run, SPEC_MP_INIT, "an AP at first", VCPU_WAIT_SIPI, state(ap));
	expect_cited(run, SPEC_MP_INIT, "another AP at first", VCPU_WAIT_SIPI,
		     state(fixture->vm->vcpus[2]));
	require(run, "start", vm_start_ap(fixture->vm, 1, GUEST_SIPI_PAGE >> 12));
	require(run, "start", vm_start_ap(fixture->vm, 2, GUEST_SIPI_PAGE >> 12));
	if (fixture_wait(fixture, "the AP counts", is_counting, 1) &&
	    fixture_wait_finished(fixture, 2, 1)) {
		expect(run, "an AP that counts", VCPU_RUNNING, state(ap));
		expect(run, "an AP after HLT", VCPU_HALTED, state(fixture->vm->vcpus[2]));
		expect(run, "the boot processor, not started", VCPU_CREATED,
		       state(fixture->vm->vcpus[0]));
		require(run, "pause", vcpu_pause(ap));
		expect(run, "a paused AP", VCPU_PAUSED, state(ap));
		require(run, "resume", vcpu_resume(ap));
		expect(run, "a resumed AP", VCPU_RUNNING, state(ap));
		require(run, "stop", vcpu_stop(ap));
		expect(run, "a stopped AP", VCPU_STOPPED, state(ap));
	}
}

/* It waits without executing anything; INIT lets it wait on, a SIPI starts it. */
static void waits(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct vcpu *ap;

	ap = fixture->vm->vcpus[1];
	if (fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1) && settle(run, ap)) {
		expect_cited(run, SPEC_MP_INIT, "state", VCPU_WAIT_SIPI, state(ap));
		require(run, "INIT", init(ap));
		if (settle(run, ap)) {
			expect_cited(run, SPEC_MP_INIT, "state after INIT", VCPU_WAIT_SIPI,
				     state(ap));
			expect_cited(run, SPEC_MP_INIT, "INITs", 1, atomic_load(&ap->counts.inits));
		}
		expect_cited(run, SPEC_MP_INIT, "starts", 0, fixture->slot[1].entered);
		expect(run, "VM exits", 0, atomic_load(&ap->counts.exits));
		require(run, "SIPI", sipi(ap));
		if (fixture_wait_finished(fixture, 1, 1)) {
			expect_cited(run, SPEC_MP_INIT, "starts", 1, fixture->slot[1].entered);
			expect(run, "exits by a physical SIPI", 0,
			       atomic_load(&ap->counts.hardware_sipis));
		}
	}
}

/* --- operations in every state -----------------------------------------------------------------
 */

static enum status start(struct vcpu *vcpu)
{
	return vm_start(vcpu->vm);
}

/* What the specification says, written down again: not core's table. */
struct step_row {
	const char *before, *result, *after; /* what is expected, for the report */
	enum status (*apply)(struct vcpu *vcpu);
	enum status status;
	enum vcpu_state from, to;
};

#define STEP(from, operation, status, to)                                                          \
	{                                                                                          \
#operation ": the state before", #operation " when " #from ": its status",         \
			#operation " when " #from ": the state after", operation, STATUS_##status, \
			VCPU_##from, VCPU_##to                                                     \
	}

static const struct step_row ap_rows[] = {
	STEP(WAIT_SIPI, vcpu_pause, BAD_STATE, WAIT_SIPI),
	STEP(WAIT_SIPI, vcpu_resume, BAD_STATE, WAIT_SIPI),
	STEP(WAIT_SIPI, init, OK, WAIT_SIPI),
	STEP(WAIT_SIPI, sipi, OK, RUNNING),
	STEP(WAIT_SIPI, vcpu_stop, OK, STOPPED),
	STEP(RUNNING, vcpu_pause, OK, PAUSED),
	STEP(RUNNING, vcpu_resume, BAD_STATE, RUNNING),
	STEP(RUNNING, init, OK, WAIT_SIPI),
	STEP(RUNNING, sipi, OK, RUNNING),
	STEP(RUNNING, vcpu_stop, OK, STOPPED),
	STEP(HALTED, vcpu_pause, BAD_STATE, HALTED),
	STEP(HALTED, vcpu_resume, BAD_STATE, HALTED),
	STEP(HALTED, init, OK, WAIT_SIPI),
	STEP(HALTED, sipi, OK, HALTED),
	STEP(HALTED, vcpu_stop, OK, STOPPED),
	STEP(PAUSED, vcpu_pause, BAD_STATE, PAUSED),
	STEP(PAUSED, vcpu_resume, OK, RUNNING),
	STEP(PAUSED, init, OK, WAIT_SIPI),
	STEP(PAUSED, sipi, OK, PAUSED),
	STEP(PAUSED, vcpu_stop, OK, STOPPED),
	STEP(STOPPED, vcpu_pause, BAD_STATE, STOPPED),
	STEP(STOPPED, vcpu_resume, BAD_STATE, STOPPED),
	STEP(STOPPED, init, OK, STOPPED),
	STEP(STOPPED, sipi, OK, STOPPED),
	STEP(STOPPED, vcpu_stop, OK, STOPPED),
};

/* A vCPU that has just been made, brought into the state. */
static bool bring(struct fixture *fixture, unsigned slot, enum vcpu_state wanted)
{
	struct vcpu *vcpu = fixture->vm->vcpus[slot];
	struct test_run *run = fixture->run;

	if (wanted == VCPU_WAIT_SIPI)
		return true;
	if (wanted == VCPU_HALTED)
		fixture->shared->program[slot] = GUEST_answer;
	if (!require(run, "SIPI", sipi(vcpu)))
		return false;
	if (wanted == VCPU_HALTED)
		return fixture_wait_finished(fixture, slot, 1);
	if (!fixture_wait(fixture, "the AP counts", is_counting, slot))
		return false;
	if (wanted == VCPU_PAUSED)
		return require(run, "pause", vcpu_pause(vcpu));
	return wanted != VCPU_STOPPED || require(run, "stop", vcpu_stop(vcpu));
}

static bool take_step(struct test_run *run, struct vcpu *vcpu, const struct step_row *row)
{
	expect(run, row->before, row->from, state(vcpu));
	expect(run, row->result, row->status, row->apply(vcpu));
	return settle(run, vcpu) && expect(run, row->after, row->to, state(vcpu));
}

/* A vCPU of its own for each row. */
static void ap_operations(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	for (unsigned i = 0; i < ARRAY_SIZE(ap_rows); i++) {
		struct vcpu *vcpu = fixture->vm->vcpus[1 + i];

		if (!bring(fixture, 1 + i, ap_rows[i].from))
			break;
		take_step(run, vcpu, &ap_rows[i]);
		require(run, "stop", vcpu_stop(vcpu));
	}
}

struct script {
	unsigned count;
	uint32_t entered; /* starts of the boot processor, all in all */
	struct step_row rows[16];
};

static const struct script by_start = { .count = 15,
					.entered = 1,
					.rows = {
						STEP(CREATED, vcpu_pause, BAD_STATE, CREATED),
						STEP(CREATED, vcpu_resume, BAD_STATE, CREATED),
						STEP(CREATED, sipi, OK, CREATED),
						STEP(CREATED, start, OK, RUNNING),
						STEP(RUNNING, start, BAD_STATE, RUNNING),
						STEP(RUNNING, vcpu_pause, OK, PAUSED),
						STEP(PAUSED, start, BAD_STATE, PAUSED),
						STEP(PAUSED, sipi, OK, PAUSED),
						STEP(PAUSED, vcpu_resume, OK, RUNNING),
						STEP(RUNNING, vcpu_stop, OK, STOPPED),
						STEP(STOPPED, start, BAD_STATE, STOPPED),
						STEP(STOPPED, vcpu_resume, BAD_STATE, STOPPED),
						STEP(STOPPED, vcpu_pause, BAD_STATE, STOPPED),
						STEP(STOPPED, sipi, OK, STOPPED),
						STEP(STOPPED, init, OK, STOPPED),
					} };

/* INIT sends the boot processor to its reset vector, from Created too. */
static const struct script by_init = { .count = 4,
				       .entered = 3,
				       .rows = {
					       STEP(CREATED, init, OK, RUNNING),
					       STEP(RUNNING, init, OK, RUNNING),
					       STEP(RUNNING, vcpu_pause, OK, PAUSED),
					       STEP(PAUSED, init, OK, RUNNING),
				       } };

static const struct script never_started = { .count = 3,
					     .entered = 0,
					     .rows = {
						     STEP(CREATED, vcpu_stop, OK, STOPPED),
						     STEP(STOPPED, start, BAD_STATE, STOPPED),
						     STEP(STOPPED, init, OK, STOPPED),
					     } };

static bool counts_anew(struct fixture *fixture, uint64_t before)
{
	return fixture->slot[0].counter > before;
}

static void bsp_operations(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	const struct script *script = run->test->data;

	for (unsigned i = 0; i < script->count; i++) {
		const struct step_row *row = &script->rows[i];

		if (!take_step(run, fixture->vm->vcpus[0], row))
			break;
		if (row->to == VCPU_RUNNING &&
		    !fixture_wait(fixture, row->after, counts_anew, fixture->slot[0].counter))
			break;
	}
	expect(run, "starts at the reset vector", script->entered, fixture->slot[0].entered);
}

/* Nothing that might revive a stopped vCPU makes it execute one more instruction. */
static void stop_is_final(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct vcpu *ap;

	ap = fixture->vm->vcpus[1];
	if (bring(fixture, 1, VCPU_STOPPED)) {
		uint32_t counter = fixture->slot[1].counter;

		require(run, "INIT", init(ap));
		require(run, "SIPI", sipi(ap));
		require(run, "NMI", send(ap, DELIVERY_NMI));
		expect(run, "resume", STATUS_BAD_STATE, vcpu_resume(ap));
		bring(fixture, 2, VCPU_RUNNING); /* others go on meanwhile */
		if (settle(run, ap)) {
			expect(run, "state", VCPU_STOPPED, state(ap));
			expect(run, "its counter", counter, fixture->slot[1].counter);
			expect(run, "its starts", 1, fixture->slot[1].entered);
			expect(run, "INIT, SIPI and NMI dropped", 3,
			       atomic_load(&ap->counts.dropped));
		}
	}
}

#define MEANS_IDENTITY                                                                             \
	"A guest sees another APIC id than its vCPU has: it addresses the wrong processor, or "    \
	"does not find itself in its tables."
#define MEANS_STATES                                                                               \
	"A vCPU is in another state than its history says: INIT, SIPI, HLT or a request was lost " \
	"or taken twice."

static const struct test rows[] = {
	{ "vcpu.identity.xapic", SPEC_APIC_ID, fixture_run, .body = identity,
	  .guest = GUEST(.vcpus = 4, .bsp = GUEST_identity, .ap = GUEST_identity),
	  .needs = NEEDS_GUEST, .row = "vCPU: identity",
	  EXPLAINS("CPUID, the APIC ID register and the vCPU's number agree, xAPIC mode.",
		   MEANS_IDENTITY) },
	{ "vcpu.identity.x2apic", SPEC_APIC_ID, fixture_run, .body = identity,
	  .guest = GUEST(.vcpus = 4, .bsp = GUEST_identity, .ap = GUEST_identity, .x2apic = true),
	  .needs = NEEDS_GUEST, .row = "vCPU: identity",
	  EXPLAINS("CPUID, the APIC ID register and the vCPU's number agree, x2APIC mode.",
		   MEANS_IDENTITY) },
	{ "vcpu.identity.custom.xapic", SPEC_APIC_ID, fixture_run, .body = identity,
	  .guest = GUEST(.vcpus = 4, .bsp = GUEST_identity, .ap = GUEST_identity,
			 .apic_ids = custom_ids),
	  .needs = NEEDS_GUEST, .row = "vCPU: identity",
	  EXPLAINS("CPUID and the APIC ID register have the APIC id that the vCPU was given, not "
		   "its number.",
		   MEANS_IDENTITY) },
	{ "vcpu.identity.wide.x2apic", SPEC_APIC_ID, fixture_run, .body = identity,
	  .guest = GUEST(.vcpus = 4, .bsp = GUEST_identity, .ap = GUEST_identity, .x2apic = true,
			 .apic_ids = wide_ids),
	  .needs = NEEDS_GUEST, .row = "vCPU: identity",
	  EXPLAINS("CPUID and the APIC ID register have all bits of an APIC id beyond 8 bits, "
		   "x2APIC mode.",
		   MEANS_IDENTITY) },
	{ "vcpu.identity.custom.ipi", SPEC_APIC_ID, fixture_run, .body = identity_ipi,
	  .guest =
		  GUEST(.vcpus = 4, .bsp = GUEST_start, .ap = GUEST_answer, .apic_ids = custom_ids),
	  .needs = NEEDS_GUEST, .row = "vCPU: identity",
	  EXPLAINS("IPIs find vCPUs by APIC ids that are not their numbers.", MEANS_IDENTITY) },
	{ "vcpu.identity.wide.ipi", SPEC_X2APIC_MODE, fixture_run, .body = identity_ipi,
	  .guest = GUEST(.vcpus = 4, .bsp = GUEST_start, .ap = GUEST_answer, .x2apic = true,
			 .apic_ids = wide_ids),
	  .needs = NEEDS_GUEST, .row = "vCPU: identity",
	  EXPLAINS("IPIs find vCPUs by all 32 bits of their APIC ids.", MEANS_IDENTITY) },
	{ "vcpu.state", SPEC_MP_INIT, fixture_run, .body = states,
	  .guest = GUEST(.vcpus = 3, .ap = GUEST_spin), .needs = NEEDS_GUEST, .row = "vCPU: state",
	  EXPLAINS("A vCPU's state through start, HLT, pause, resume and stop, as another "
		   "processor sees it.",
		   MEANS_STATES) },
	{ "vcpu.waiting", SPEC_MP_INIT, fixture_run, .body = waits,
	  .guest = GUEST(.vcpus = 2, .ap = GUEST_answer), .needs = NEEDS_GUEST,
	  .row = "waiting: emulated",
	  EXPLAINS("A waiting AP executes nothing and causes no exits; INIT lets it wait on, a "
		   "SIPI starts it.",
		   MEANS_STATES) },
	{ "vcpu.operations.ap", SPEC_MP_INIT, fixture_run, .body = ap_operations,
	  .guest = GUEST(.vcpus = 1 + ARRAY_SIZE(ap_rows), .ap = GUEST_spin), .needs = NEEDS_GUEST,
	  .row = "vCPU: operations",
	  EXPLAINS("Every operation on an AP in every state: what it answers and what comes of it.",
		   MEANS_STATES) },
	{ "vcpu.operations.bsp", SPEC_MP_INIT, fixture_run, .body = bsp_operations,
	  .guest = GUEST(.vcpus = 1, .bsp = GUEST_spin), .needs = NEEDS_GUEST, .data = &by_start,
	  .row = "vCPU: operations",
	  EXPLAINS("Every operation on the boot processor before it was started.", MEANS_STATES) },
	{ "vcpu.operations.bsp.init", SPEC_MP_INIT, fixture_run, .body = bsp_operations,
	  .guest = GUEST(.vcpus = 1, .bsp = GUEST_spin), .needs = NEEDS_GUEST, .data = &by_init,
	  .row = "vCPU: operations",
	  EXPLAINS("INIT takes a boot processor that was not started to its reset vector.",
		   MEANS_STATES) },
	{ "vcpu.operations.bsp.stop", SPEC_MP_INIT, fixture_run, .body = bsp_operations,
	  .guest = GUEST(.vcpus = 1, .bsp = GUEST_spin), .needs = NEEDS_GUEST,
	  .data = &never_started, .row = "vCPU: operations",
	  EXPLAINS("A boot processor that was stopped before its start never runs.",
		   MEANS_STATES) },
	{ "vcpu.operations.stop_is_final", SPEC_MP_INIT, fixture_run, .body = stop_is_final,
	  .guest = GUEST(.vcpus = 3, .ap = GUEST_spin), .needs = NEEDS_GUEST,
	  .row = "vCPU: operations",
	  EXPLAINS(
		  "Nothing that might revive a stopped vCPU makes it execute one more instruction.",
		  MEANS_STATES) },
};

TEST_GROUP(vcpu, rows);
