/* A VM as a whole: made, looked at, paused and resumed as a whole, ended in whatever state it is.
 */
#include "lib/pages.h"
#include "vm/control.h"
#include "vm/cpu.h"
#include "vm/create.h"
#include "vm/run.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"

static enum vcpu_state state(const struct fixture *fixture, unsigned slot)
{
	return atomic_load(&fixture->vm->vcpus[slot]->state);
}

/* --- creation ----------------------------------------------------------------------------------
 */

static const struct vm_region one_page = { .gpa = 0, .pages = 1 };

/* So many vCPUs are no VM: an error, nothing allocated, the caller's pointer as it was. */
static void create_refused(struct test_run *run)
{
	const struct vm_config config = { .vcpus = (unsigned)run->test->argument,
					  .regions = &one_page,
					  .region_count = 1 };
	size_t before = pages_in_use();
	struct vm *vm = NULL;

	expect(run, "status", STATUS_INVALID, vm_create(&config, &vm));
	expect(run, "no VM", true, vm == NULL);
	expect(run, "pages in use", before, pages_in_use());
	run->vm = vm;
}

static void create_regions(struct test_run *run)
{
	struct vm_region regions[VM_REGIONS_MAX + 1];
	struct vm_config config = { .vcpus = 1, .regions = regions };
	size_t before = pages_in_use();
	struct vm *vm = NULL;

	for (unsigned i = 0; i < ARRAY_SIZE(regions); i++)
		regions[i] = (struct vm_region){ .gpa = i * PAGE_SIZE, .pages = 1 };
	config.region_count = ARRAY_SIZE(regions);
	expect(run, "a region too many", STATUS_INVALID, vm_create(&config, &vm));
	regions[1] = (struct vm_region){ .gpa = 0x100000, .pages = 1, .alias = true };
	regions[1].memory = (uint8_t *)(uintptr_t)(7 * PAGE_SIZE); /* shows what is not there */
	config.region_count = 2;
	expect(run, "an alias of nothing", STATUS_INVALID, vm_create(&config, &vm));
	expect(run, "no VM", true, vm == NULL);
	expect(run, "pages in use", before, pages_in_use());
	run->vm = vm;
}

static void create(struct test_run *run)
{
	unsigned count = (unsigned)run->test->argument;
	size_t before = pages_in_use();
	struct fixture fixture;

	if (!fixture_open(&fixture, run, &(struct guest_setup){ .vcpus = count }))
		return;
	expect(run, "vCPUs", count, fixture.vm->vcpu_count);
	expect(run, "none beyond the last", true, vm_vcpu(fixture.vm, count) == NULL);
	expect(run, "no such APIC id", true, vm_vcpu_by_apic_id(fixture.vm, count) == NULL);
	expect(run, "running", 0, vm_running(fixture.vm));
	for (unsigned i = 0; i < count; i++) {
		const struct vcpu *vcpu = vm_vcpu(fixture.vm, i);

		expect(run, "number", i, vcpu->id);
		expect_bits(run, "APIC id", i, vcpu->apic.id);
		expect(run, "found by its APIC id", i, vm_vcpu_by_apic_id(fixture.vm, i)->id);
		expect_cited(run, SPEC_MP_INIT, "state", i ? VCPU_WAIT_SIPI : VCPU_CREATED,
			     state(&fixture, i));
	}
	fixture_close(&fixture);
	expect(run, "pages in use", before, pages_in_use());
}

static const uint32_t lookup_ids[] = { 0, 9, 7, 1 };

/* By its number and by its APIC id, which are not the same here. */
static void lookup(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	for (unsigned i = 0; i < ARRAY_SIZE(lookup_ids); i++) {
		expect(run, "by its number", i, vm_vcpu(fixture->vm, i)->id);
		expect(run, "by its APIC id", i,
		       vm_vcpu_by_apic_id(fixture->vm, lookup_ids[i])->id);
	}
	expect(run, "no such number", true, vm_vcpu(fixture->vm, ARRAY_SIZE(lookup_ids)) == NULL);
	expect(run, "no such number", true, vm_vcpu(fixture->vm, ~0u) == NULL);
	expect(run, "no such APIC id", true, vm_vcpu_by_apic_id(fixture->vm, 2) == NULL);
}

/* With 0, 1, 2... pages creation fails and leaves nothing behind, until there are enough. */
static void create_without_memory(struct test_run *run)
{
	enum { ENOUGH = 40 };
	const struct vm_config config = { .vcpus = 2, .regions = &one_page, .region_count = 1 };
	enum status status = STATUS_NO_MEMORY;
	size_t before = pages_in_use();
	unsigned free = 0;

	for (; status == STATUS_NO_MEMORY && free < ENOUGH; free++) {
		pages_limit(before + free);
		status = vm_create(&config, &run->vm);
		if (status == STATUS_NO_MEMORY)
			expect(run, "pages in use after a failure", before, pages_in_use());
	}
	pages_limit(PAGES_NO_LIMIT);
	expect(run, "creation with enough memory", STATUS_OK, status);
	expect(run, "failures before", true, free > 10);
	if (status != STATUS_OK)
		return;
	require(run, "destroying the VM", vm_destroy(run->vm));
	run->vm = NULL;
	expect(run, "pages in use", before, pages_in_use());
}

/* --- as a whole --------------------------------------------------------------------------------
 */

enum { VCPUS = 4 };

struct counters {
	uint32_t of[VCPUS];
};

static struct counters counters(const struct fixture *fixture)
{
	struct counters now;

	for (unsigned i = 0; i < VCPUS; i++)
		now.of[i] = fixture->slot[i].counter;
	return now;
}

static bool all_count(struct fixture *fixture, uint64_t before)
{
	const struct counters *counters_before = (const struct counters *)(uintptr_t)before;

	for (unsigned i = 0; i < fixture->vcpus; i++)
		if (fixture->slot[i].counter == counters_before->of[i])
			return false;
	return true;
}

static bool wait_counting(struct fixture *fixture)
{
	struct counters now = counters(fixture);

	return fixture_wait(fixture, "all count on", all_count, (uintptr_t)&now);
}

static bool start_ap(struct fixture *fixture, unsigned slot)
{
	return require(fixture->run, "start",
		       vm_start_ap(fixture->vm, slot, GUEST_SIPI_PAGE >> 12));
}

static bool start_all(struct fixture *fixture)
{
	for (unsigned i = 1; i < fixture->vcpus; i++)
		if (!start_ap(fixture, i))
			return false;
	return fixture_start(fixture);
}

static const uint32_t start_ids[VCPUS] = { 0, 9, 7, 8 };

/* Both by their count: the boot processor, then one AP after the other. */
static void start_aps(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	expect(run, "starting an AP that is not there", STATUS_NOT_FOUND,
	       vm_start_ap(fixture->vm, 1, GUEST_SIPI_PAGE >> 12));
	expect(run, "running at first", 0, vm_running(fixture->vm));
	if (fixture_start(fixture))
		expect(run, "running with the boot processor", 1, vm_running(fixture->vm));
	for (unsigned i = 1; i < VCPUS; i++) {
		require(run, "start",
			vm_start_ap(fixture->vm, start_ids[i], GUEST_SIPI_PAGE >> 12));
		if (fixture_wait_state(fixture, i, VCPU_RUNNING))
			expect(run, "running", i + 1, vm_running(fixture->vm));
	}
	if (wait_counting(fixture))
		for (unsigned i = 0; i < VCPUS; i++)
			expect(run, "starts", 1, fixture->slot[i].entered);
}

/* While all are paused nothing counts, however long that takes. */
static void rest(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	uint64_t two_slices = 2 * vcpu_slice_ticks(cpu_in_use(cpus_in_use() - 1), fixture->vm);
	struct counters before = counters(fixture);
	uint64_t start = platform->clock();
	struct regs regs;

	while (platform->clock() - start < two_slices)
		require(run, "a look at a vCPU", vcpu_registers(fixture->vm->vcpus[1], &regs));
	for (unsigned i = 0; i < VCPUS; i++)
		expect(run, "a counter while all are paused", before.of[i],
		       counters(fixture).of[i]);
}

static void pause_and_resume_all(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	if (start_all(fixture) && wait_counting(fixture)) {
		expect(run, "running", VCPUS, vm_running(fixture->vm));
		expect(run, "pause of all", STATUS_OK, vm_pause_all(fixture->vm));
		expect(run, "running after the pause", 0, vm_running(fixture->vm));
		for (unsigned i = 0; i < VCPUS; i++)
			expect(run, "state", VCPU_PAUSED, state(fixture, i));
		rest(fixture);
		expect(run, "pause of none", STATUS_OK, vm_pause_all(fixture->vm));
		expect(run, "resume of all", STATUS_OK, vm_resume_all(fixture->vm));
		expect(run, "running after the resume", VCPUS, vm_running(fixture->vm));
		wait_counting(fixture);
	}
}

/* Only those that run are paused, and only those that are paused resumed. */
static void pause_some(struct fixture *fixture)
{
	struct test_run *run = fixture->run;

	fixture->shared->program[1] = GUEST_answer;
	if (start_ap(fixture, 1) && start_ap(fixture, 2) && fixture_wait_finished(fixture, 1, 1) &&
	    fixture_wait_state(fixture, 2, VCPU_RUNNING)) {
		expect(run, "pause of all", STATUS_OK, vm_pause_all(fixture->vm));
		expect(run, "one not started", VCPU_CREATED, state(fixture, 0));
		expect(run, "one that has halted", VCPU_HALTED, state(fixture, 1));
		expect(run, "one that ran", VCPU_PAUSED, state(fixture, 2));
		expect(run, "one that waits", VCPU_WAIT_SIPI, state(fixture, 3));
		expect(run, "resume of all", STATUS_OK, vm_resume_all(fixture->vm));
		expect(run, "one not started", VCPU_CREATED, state(fixture, 0));
		expect(run, "one that has halted", VCPU_HALTED, state(fixture, 1));
		expect(run, "one that ran", VCPU_RUNNING, state(fixture, 2));
		expect(run, "one that waits", VCPU_WAIT_SIPI, state(fixture, 3));
	}
}

/* --- the end -----------------------------------------------------------------------------------
 */

/* What the vCPUs do when their VM is destroyed. */
struct ending {
	enum guest_program program; /* of those that are started */
	enum vcpu_state aps;
	bool in_hardware;
};

static bool all_rest(struct fixture *fixture, uint64_t ignored)
{
	const struct ending *ending = fixture->run->test->data;

	(void)ignored;
	for (unsigned i = 1; i < fixture->vcpus; i++)
		if (state(fixture, i) != ending->aps ||
		    atomic_load(&fixture->vm->vcpus[i]->sipi_wait.in_hardware) !=
			    ending->in_hardware)
			return false;
	return true;
}

static bool bring_to_end(struct fixture *fixture)
{
	const struct ending *ending = fixture->run->test->data;

	if (ending->aps == VCPU_WAIT_SIPI) {
		if (!fixture_start(fixture))
			return false;
	} else if (!start_all(fixture)) {
		return false;
	}
	if ((ending->aps == VCPU_RUNNING || ending->aps == VCPU_PAUSED) && !wait_counting(fixture))
		return false;
	if (ending->aps == VCPU_PAUSED &&
	    !require(fixture->run, "pause", vm_pause_all(fixture->vm)))
		return false;
	return fixture_wait(fixture, "all are in their state", all_rest, 0);
}

static unsigned processors_with_a_vcpu(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < platform->cpu_count; i++)
		count += cpu_usable(&platform->cpus[i]) && platform->cpus[i].loaded;
	return count;
}

static void destroy(struct test_run *run)
{
	const struct ending *ending = run->test->data;
	unsigned count = cpus_in_use();
	size_t before = pages_in_use();
	struct fixture fixture;

	/* One that waits in hardware has its processor to itself. */
	if (!fixture_open(&fixture, run,
			  &(struct guest_setup){
				  .vcpus = ending->in_hardware && count < VCPUS ? count : VCPUS,
				  .wait_in_hardware = ending->in_hardware,
				  .bsp = ending->program,
				  .ap = ending->program }))
		return;
	if (!bring_to_end(&fixture))
		return;
	run->vm = NULL;
	if (expect(run, "destroying the VM", STATUS_OK, vm_destroy(fixture.vm))) {
		expect(run, "processors that still hold a vCPU", 0, processors_with_a_vcpu());
		expect(run, "pages in use", before, pages_in_use());
	}
}

static const struct ending running = { GUEST_spin, VCPU_RUNNING, false };
static const struct ending blind = { GUEST_blind, VCPU_RUNNING, false };
static const struct ending paused = { GUEST_spin, VCPU_PAUSED, false };
static const struct ending halted = { GUEST_answer, VCPU_HALTED, false };
static const struct ending waiting = { GUEST_spin, VCPU_WAIT_SIPI, false };
static const struct ending in_hardware = { GUEST_answer, VCPU_WAIT_SIPI, true };

#define MEANS_NO_END                                                                               \
	"A VM cannot be ended in this state: a processor still holds one of its VMCSs, or memory " \
	"stays in use."
#define DESTROY(name, end, doing)                                                                  \
	{                                                                                          \
		"vm.destroy." name, SPEC_VMCS_USE, destroy,                                        \
			.needs = NEEDS_GUEST, .data = &(end), .row = "VM: destroy",                \
			EXPLAINS("A VM is destroyed while its vCPUs " doing                        \
				 ": no processor and no page stays with it.",                      \
				 MEANS_NO_END)                                                     \
	}

#define MEANS_BOOKS                                                                                \
	"Assay's own bookkeeping of VMs is broken, or memory of this machine does not keep what "  \
	"is written."
#define MEANS_STATES                                                                               \
	"A vCPU is in another state than its history says: INIT, SIPI, HLT or a request was lost " \
	"or taken twice."

static const struct test rows[] = {
	{ "vm.create.0", SPEC_MP_INIT, create_refused, .needs = NEEDS_GUEST, .argument = 0,
	  .row = "VM: create",
	  EXPLAINS("A VM without vCPUs is refused, and nothing stays allocated.", MEANS_BOOKS) },
	{ "vm.create.1", SPEC_MP_INIT, create, .needs = NEEDS_GUEST, .argument = 1,
	  .row = "VM: create",
	  EXPLAINS("A VM of one vCPU: numbers, APIC ids and states at first, and all memory given "
		   "back.",
		   MEANS_BOOKS) },
	{ "vm.create.64", SPEC_MP_INIT, create, .needs = NEEDS_GUEST, .argument = VM_VCPUS_MAX,
	  .row = "VM: create",
	  EXPLAINS("A VM of 64 vCPUs: numbers, APIC ids and states at first, and all memory given "
		   "back.",
		   MEANS_BOOKS) },
	{ "vm.create.65", SPEC_MP_INIT, create_refused, .needs = NEEDS_GUEST,
	  .argument = VM_VCPUS_MAX + 1, .row = "VM: create",
	  EXPLAINS("A VM of 65 vCPUs is refused, and nothing stays allocated.", MEANS_BOOKS) },
	{ "vm.create.regions", SPEC_MP_INIT, create_regions, .needs = NEEDS_GUEST,
	  .row = "VM: create",
	  EXPLAINS("A VM with too many memory regions, or an alias of nothing, is refused.",
		   MEANS_BOOKS) },
	{ "vm.create.no_memory", SPEC_MP_INIT, create_without_memory, .needs = NEEDS_GUEST,
	  .row = "VM: create",
	  EXPLAINS("With too little memory a VM is refused at each step, and nothing stays "
		   "allocated.",
		   MEANS_BOOKS) },
	{ "vm.lookup", SPEC_APIC_ID, fixture_run, .body = lookup,
	  .guest = GUEST(.vcpus = ARRAY_SIZE(lookup_ids), .apic_ids = lookup_ids),
	  .needs = NEEDS_GUEST, .row = "VM: lookup",
	  EXPLAINS("vCPUs are found by their numbers and by their APIC ids.", MEANS_BOOKS) },
	{ "vm.start", SPEC_MP_INIT, fixture_run, .body = start_aps,
	  .guest =
		  GUEST(.vcpus = VCPUS, .bsp = GUEST_spin, .ap = GUEST_spin, .apic_ids = start_ids),
	  .needs = NEEDS_GUEST, .row = "VM: start an AP",
	  EXPLAINS(
		  "APs are started one by one by the host, and the count of running vCPUs follows.",
		  MEANS_STATES) },
	{ "vm.pause_all", SPEC_MP_INIT, fixture_run, .body = pause_and_resume_all,
	  .guest = GUEST(.vcpus = VCPUS, .bsp = GUEST_spin, .ap = GUEST_spin), .needs = NEEDS_GUEST,
	  .row = "VM: pause and resume all",
	  EXPLAINS("All vCPUs are paused and resumed as one: nothing counts meanwhile.",
		   MEANS_STATES) },
	{ "vm.pause_all.some", SPEC_MP_INIT, fixture_run, .body = pause_some,
	  .guest = GUEST(.vcpus = VCPUS, .ap = GUEST_spin), .needs = NEEDS_GUEST,
	  .row = "VM: pause and resume all",
	  EXPLAINS("Pausing all touches only those that run, resuming only those that are paused.",
		   MEANS_STATES) },
	DESTROY("running", running, "run"),
	DESTROY("blind", blind, "run with interrupts masked"),
	DESTROY("paused", paused, "are paused"),
	DESTROY("halted", halted, "have halted"),
	DESTROY("waiting", waiting, "wait for SIPI"),
	{ "vm.destroy.waiting_in_hardware", SPEC_VMCS_USE, destroy,
	  .needs = NEEDS_GUEST | BIT(CAP_WAIT_SIPI), .cpus = 2, .data = &in_hardware,
	  .row = "VM: destroy",
	  EXPLAINS("A VM is destroyed while the processor holds one of its APs in wait-for-SIPI.",
		   MEANS_NO_END) },
};

TEST_GROUP(vm, rows);
