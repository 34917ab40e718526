/* More vCPUs than processors: all of them are brought up, and share the processors. */
#include "vm/control.h"
#include "vm/cpu.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"

/* The row's number of processors; the vCPUs are dealt out to them. */
static bool pin_all(struct fixture *fixture)
{
	unsigned count = fixture->run->test->argument;

	for (unsigned i = 0; i < fixture->vcpus && count != cpus_in_use(); i++)
		if (!require(fixture->run, "affinity",
			     vcpu_set_affinity(fixture->vm->vcpus[i],
					       (int)cpu_in_use(i % count)->index)))
			return false;
	return true;
}

static void expect_started(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	unsigned count = run->test->argument;

	for (unsigned i = 1; i < fixture->vcpus; i++) {
		const struct vcpu *vcpu = fixture->vm->vcpus[i];

		expect(run, "starts", 1, fixture->slot[i].entered);
		expect(run, "programs finished", 1, fixture->slot[i].finished);
		expect_bits(run, "APIC id that it saw", i, fixture->slot[i].apic_id);
		expect(run, "INITs", 1, atomic_load(&vcpu->counts.inits));
		expect(run, "second SIPI ignored", 1, atomic_load(&vcpu->counts.sipis_ignored));
		expect(run, "its processor", cpu_in_use(i % count)->index,
		       atomic_load(&vcpu->cpu)->index);
	}
	expect(run, "messages that the boot processor sent", 3 * (fixture->vcpus - 1),
	       atomic_load(&fixture->vm->vcpus[0]->counts.sent));
	fixture_expect_counts(fixture);
}

static void bring_up(struct fixture *fixture)
{
	if (pin_all(fixture) && fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1) &&
	    fixture_wait_all_aps(fixture, 1) && fixture_wait_arrived(fixture))
		expect_started(fixture);
}

static bool all_count(struct fixture *fixture, uint64_t more_than)
{
	for (unsigned i = 0; i < fixture->vcpus; i++)
		if (fixture->slot[i].counter <= more_than)
			return false;
	return true;
}

enum { SHARERS = 12 };

/* None starves: all run, and none gets so far ahead that the others must have waited for it. */
static void share(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	for (unsigned i = 1; i < SHARERS; i++)
		require(run, "start", vm_start_ap(fixture->vm, i, GUEST_SIPI_PAGE >> 12));
	if (fixture_start(fixture) && fixture_wait(fixture, "all count", all_count, 0)) {
		expect(run, "running", SHARERS, vm_running(fixture->vm));
		fixture_wait(fixture, "all count on", all_count, fixture->slot[0].counter);
	}
}

#define ROW "VM: more vCPUs than processors"

#define MANY(...) GUEST(.vcpus = VM_VCPUS_MAX, .ap = GUEST_answer, __VA_ARGS__)

#define MEANS_MANY                                                                                 \
	"Some vCPUs of many do not start, start twice, or on another processor than theirs: "      \
	"large guests do not boot here."

static const struct test rows[] = {
	{ "many.broadcast.1", SPEC_ICR_SHORTHAND, fixture_run, .body = bring_up,
	  .guest = MANY(.bsp = GUEST_start_others), .needs = NEEDS_GUEST, .argument = 1, .row = ROW,
	  EXPLAINS("A guest starts 63 application processors by INIT-SIPI-SIPI to all others, on "
		   "one processor.",
		   MEANS_MANY) },
	{ "many.broadcast.2", SPEC_ICR_SHORTHAND, fixture_run, .body = bring_up,
	  .guest = MANY(.bsp = GUEST_start_others), .needs = NEEDS_GUEST, .cpus = 2, .argument = 2,
	  .row = ROW,
	  EXPLAINS("A guest starts 63 application processors by INIT-SIPI-SIPI to all others, on "
		   "two processors.",
		   MEANS_MANY) },
	{ "many.broadcast.4", SPEC_ICR_SHORTHAND, fixture_run, .body = bring_up,
	  .guest = MANY(.bsp = GUEST_start_others), .needs = NEEDS_GUEST, .cpus = 4, .argument = 4,
	  .row = ROW,
	  EXPLAINS("A guest starts 63 application processors by INIT-SIPI-SIPI to all others, on "
		   "four processors.",
		   MEANS_MANY) },
	{ "many.broadcast.x2apic", SPEC_ICR_SHORTHAND, fixture_run, .body = bring_up,
	  .guest = MANY(.bsp = GUEST_start_others, .x2apic = true), .needs = NEEDS_GUEST,
	  .argument = 1, .row = ROW,
	  EXPLAINS("A guest in x2APIC mode starts 63 application processors by INIT-SIPI-SIPI to "
		   "all others.",
		   "Writes to the x2APIC's ICR in a guest reach the wrong vCPUs: large guests do "
		   "not boot here.") },
	{ "many.single.1", SPEC_MP_INIT, fixture_run, .body = bring_up,
	  .guest = MANY(.bsp = GUEST_start), .needs = NEEDS_GUEST, .argument = 1, .row = ROW,
	  EXPLAINS(
		  "A guest starts 63 application processors one after the other, on one processor.",
		  MEANS_MANY) },
	{ "many.single.2", SPEC_MP_INIT, fixture_run, .body = bring_up,
	  .guest = MANY(.bsp = GUEST_start), .needs = NEEDS_GUEST, .cpus = 2, .argument = 2,
	  .row = ROW,
	  EXPLAINS("A guest starts 63 application processors one after the other, on two "
		   "processors.",
		   MEANS_MANY) },
	{ "many.single.4", SPEC_MP_INIT, fixture_run, .body = bring_up,
	  .guest = MANY(.bsp = GUEST_start), .needs = NEEDS_GUEST, .cpus = 4, .argument = 4,
	  .row = ROW,
	  EXPLAINS("A guest starts 63 application processors one after the other, on four "
		   "processors.",
		   MEANS_MANY) },
	{ "many.share", SPEC_PREEMPTION_TIMER, fixture_run, .body = share,
	  .guest = GUEST(.vcpus = SHARERS, .bsp = GUEST_spin, .ap = GUEST_spin),
	  .needs = NEEDS_GUEST, .row = ROW,
	  EXPLAINS("Twelve vCPUs that never stop by themselves share the processors: each gets its "
		   "time.",
		   "The VMX-preemption timer does not end time slices: one guest can starve the "
		   "others.") },
};

TEST_GROUP(many, rows);
