/* A VM's life: made, looked at, paused and resumed as a whole, ended in whatever state it is. */
#include "lib/pages.h"
#include "vm/control.h"
#include "vm/cpu.h"
#include "vm/create.h"

#include "tests/lib/lab.h"
#include "tests/lib/list.h"

#define MP_INIT "SDM vol. 3A, \"MP Initialization Protocol Algorithm for MP Systems\""
#define VMCLEAR_SDM "SDM vol. 3C, \"Software Use of Virtual-Machine Control Structures\""

static enum vcpu_state state(const struct lab *lab, unsigned slot)
{
	return atomic_load(&lab->vm->vcpus[slot]->state);
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

	expect(run, "status", STATUS_INVALID, vm_create(&config, &vm), NULL);
	expect(run, "no VM", true, vm == NULL, NULL);
	expect(run, "pages in use", before, pages_in_use(), NULL);
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
	expect(run, "a region too many", STATUS_INVALID, vm_create(&config, &vm), NULL);
	regions[1] = (struct vm_region){ .gpa = 0x100000, .pages = 1, .alias = true };
	regions[1].memory = (uint8_t *)(uintptr_t)(7 * PAGE_SIZE); /* shows what is not there */
	config.region_count = 2;
	expect(run, "an alias of nothing", STATUS_INVALID, vm_create(&config, &vm), NULL);
	expect(run, "no VM", true, vm == NULL, NULL);
	expect(run, "pages in use", before, pages_in_use(), NULL);
	run->vm = vm;
}

static void create(struct test_run *run)
{
	unsigned count = (unsigned)run->test->argument;
	size_t before = pages_in_use();
	struct lab lab;

	if (!lab_open(&lab, run, &(struct lab_config){ .vcpus = count }))
		return;
	expect(run, "vCPUs", count, lab.vm->vcpu_count, NULL);
	expect(run, "none beyond the last", true, vm_vcpu(lab.vm, count) == NULL, NULL);
	expect(run, "no such APIC id", true, vm_vcpu_by_apic_id(lab.vm, count) == NULL, NULL);
	expect(run, "running", 0, vm_running(lab.vm), NULL);
	for (unsigned i = 0; i < count; i++) {
		const struct vcpu *vcpu = vm_vcpu(lab.vm, i);

		expect(run, "number", i, vcpu->id, NULL);
		expect(run, "APIC id", i, vcpu->apic.id, NULL);
		expect(run, "found by its APIC id", i, vm_vcpu_by_apic_id(lab.vm, i)->id, NULL);
		expect(run, "state", i ? VCPU_WAIT_SIPI : VCPU_CREATED, state(&lab, i), MP_INIT);
	}
	lab_close(&lab);
	expect(run, "pages in use", before, pages_in_use(), NULL);
}

/* By its number and by its APIC id, which are not the same here. */
static void lookup(struct test_run *run)
{
	static const uint32_t ids[] = { 0, 9, 7, 1 };
	struct lab lab;

	if (!lab_open(&lab, run, &(struct lab_config){ .vcpus = ARRAY_SIZE(ids), .apic_ids = ids }))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		expect(run, "by its number", i, vm_vcpu(lab.vm, i)->id, NULL);
		expect(run, "by its APIC id", i, vm_vcpu_by_apic_id(lab.vm, ids[i])->id, NULL);
	}
	expect(run, "no such number", true, vm_vcpu(lab.vm, ARRAY_SIZE(ids)) == NULL, NULL);
	expect(run, "no such number", true, vm_vcpu(lab.vm, ~0u) == NULL, NULL);
	expect(run, "no such APIC id", true, vm_vcpu_by_apic_id(lab.vm, 2) == NULL, NULL);
	lab_close(&lab);
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
			expect(run, "pages in use after a failure", before, pages_in_use(), NULL);
	}
	pages_limit(PAGES_NO_LIMIT);
	expect(run, "creation with enough memory", STATUS_OK, status, NULL);
	expect(run, "failures before", true, free > 10, NULL);
	if (status != STATUS_OK)
		return;
	require(run, "destroying the VM", vm_destroy(run->vm));
	run->vm = NULL;
	expect(run, "pages in use", before, pages_in_use(), NULL);
}

/* --- as a whole --------------------------------------------------------------------------------
 */

enum { VCPUS = 4 };

struct counters {
	uint32_t of[VCPUS];
};

static struct counters counters(const struct lab *lab)
{
	struct counters now;

	for (unsigned i = 0; i < VCPUS; i++)
		now.of[i] = lab->slot[i].counter;
	return now;
}

static bool all_count(struct lab *lab, uint64_t before)
{
	const struct counters *counters_before = (const struct counters *)(uintptr_t)before;

	for (unsigned i = 0; i < lab->vcpus; i++)
		if (lab->slot[i].counter == counters_before->of[i])
			return false;
	return true;
}

static bool wait_counting(struct lab *lab)
{
	struct counters now = counters(lab);

	return lab_wait(lab, "all count on", all_count, (uintptr_t)&now);
}

static bool start_ap(struct lab *lab, unsigned slot)
{
	return require(lab->run, "start", vm_start_ap(lab->vm, slot, GUEST_SIPI_PAGE >> 12));
}

static bool start_all(struct lab *lab)
{
	for (unsigned i = 1; i < lab->vcpus; i++)
		if (!start_ap(lab, i))
			return false;
	return lab_start(lab);
}

/* Both by their count: the boot processor, then one AP after the other. */
static void start_aps(struct test_run *run)
{
	static const uint32_t ids[VCPUS] = { 0, 9, 7, 8 };
	struct lab lab;

	if (!lab_open(
		    &lab, run,
		    &(struct lab_config){
			    .vcpus = VCPUS, .bsp = GUEST_spin, .ap = GUEST_spin, .apic_ids = ids }))
		return;
	expect(run, "starting an AP that is not there", STATUS_NOT_FOUND,
	       vm_start_ap(lab.vm, 1, GUEST_SIPI_PAGE >> 12), NULL);
	expect(run, "running at first", 0, vm_running(lab.vm), NULL);
	if (lab_start(&lab))
		expect(run, "running with the boot processor", 1, vm_running(lab.vm), NULL);
	for (unsigned i = 1; i < VCPUS; i++) {
		require(run, "start", vm_start_ap(lab.vm, ids[i], GUEST_SIPI_PAGE >> 12));
		if (lab_wait_state(&lab, i, VCPU_RUNNING))
			expect(run, "running", i + 1, vm_running(lab.vm), NULL);
	}
	if (wait_counting(&lab))
		for (unsigned i = 0; i < VCPUS; i++)
			expect(run, "starts", 1, lab.slot[i].entered, NULL);
	lab_close(&lab);
}

/* While all are paused nothing counts, however long that takes. */
static void rest(struct lab *lab)
{
	enum { TICKS = 120000 }; /* more than two time slices */
	struct test_run *run = lab->run;
	struct counters before = counters(lab);
	uint64_t start = platform->clock();
	struct regs regs;

	while (platform->clock() - start < TICKS)
		require(run, "a look at a vCPU", vcpu_registers(lab->vm->vcpus[1], &regs));
	for (unsigned i = 0; i < VCPUS; i++)
		expect(run, "a counter while all are paused", before.of[i], counters(lab).of[i],
		       NULL);
}

static void pause_and_resume_all(struct test_run *run)
{
	struct lab lab;

	if (!lab_open(&lab, run,
		      &(struct lab_config){ .vcpus = VCPUS, .bsp = GUEST_spin, .ap = GUEST_spin }))
		return;
	if (start_all(&lab) && wait_counting(&lab)) {
		expect(run, "running", VCPUS, vm_running(lab.vm), NULL);
		expect(run, "pause of all", STATUS_OK, vm_pause_all(lab.vm), NULL);
		expect(run, "running after the pause", 0, vm_running(lab.vm), NULL);
		for (unsigned i = 0; i < VCPUS; i++)
			expect(run, "state", VCPU_PAUSED, state(&lab, i), NULL);
		rest(&lab);
		expect(run, "pause of none", STATUS_OK, vm_pause_all(lab.vm), NULL);
		expect(run, "resume of all", STATUS_OK, vm_resume_all(lab.vm), NULL);
		expect(run, "running after the resume", VCPUS, vm_running(lab.vm), NULL);
		wait_counting(&lab);
	}
	lab_close(&lab);
}

/* Only those that run are paused, and only those that are paused resumed. */
static void pause_some(struct test_run *run)
{
	struct lab lab;

	if (!lab_open(&lab, run, &(struct lab_config){ .vcpus = VCPUS, .ap = GUEST_spin }))
		return;
	lab.shared->program[1] = GUEST_answer;
	if (start_ap(&lab, 1) && start_ap(&lab, 2) && lab_wait_finished(&lab, 1, 1) &&
	    lab_wait_state(&lab, 2, VCPU_RUNNING)) {
		expect(run, "pause of all", STATUS_OK, vm_pause_all(lab.vm), NULL);
		expect(run, "one not started", VCPU_CREATED, state(&lab, 0), NULL);
		expect(run, "one that has halted", VCPU_HALTED, state(&lab, 1), NULL);
		expect(run, "one that ran", VCPU_PAUSED, state(&lab, 2), NULL);
		expect(run, "one that waits", VCPU_WAIT_SIPI, state(&lab, 3), NULL);
		expect(run, "resume of all", STATUS_OK, vm_resume_all(lab.vm), NULL);
		expect(run, "one not started", VCPU_CREATED, state(&lab, 0), NULL);
		expect(run, "one that has halted", VCPU_HALTED, state(&lab, 1), NULL);
		expect(run, "one that ran", VCPU_RUNNING, state(&lab, 2), NULL);
		expect(run, "one that waits", VCPU_WAIT_SIPI, state(&lab, 3), NULL);
	}
	lab_close(&lab);
}

/* --- the end -----------------------------------------------------------------------------------
 */

/* What the vCPUs do when their VM is destroyed. */
struct ending {
	enum guest_program program; /* of those that are started */
	enum vcpu_state aps;
	bool in_hardware;
};

static bool all_rest(struct lab *lab, uint64_t ignored)
{
	const struct ending *ending = lab->run->test->data;

	(void)ignored;
	for (unsigned i = 1; i < lab->vcpus; i++)
		if (state(lab, i) != ending->aps ||
		    atomic_load(&lab->vm->vcpus[i]->sipi_wait.in_hardware) != ending->in_hardware)
			return false;
	return true;
}

static bool bring_to_end(struct lab *lab)
{
	const struct ending *ending = lab->run->test->data;

	if (ending->aps == VCPU_WAIT_SIPI) {
		if (!lab_start(lab))
			return false;
	} else if (!start_all(lab)) {
		return false;
	}
	if ((ending->aps == VCPU_RUNNING || ending->aps == VCPU_PAUSED) && !wait_counting(lab))
		return false;
	if (ending->aps == VCPU_PAUSED && !require(lab->run, "pause", vm_pause_all(lab->vm)))
		return false;
	return lab_wait(lab, "all are in their state", all_rest, 0);
}

static unsigned processors_with_a_vcpu(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < platform->cpu_count; i++)
		count += platform->cpus[i].loaded != NULL;
	return count;
}

static void destroy(struct test_run *run)
{
	const struct ending *ending = run->test->data;
	unsigned count = cpus_in_use();
	size_t before = pages_in_use();
	struct lab lab;

	/* One that waits in hardware has its processor to itself. */
	if (!lab_open(&lab, run,
		      &(struct lab_config){ .vcpus = ending->in_hardware && count < VCPUS ? count
											  : VCPUS,
					    .wait_in_hardware = ending->in_hardware,
					    .bsp = ending->program,
					    .ap = ending->program }))
		return;
	if (!bring_to_end(&lab))
		return;
	run->vm = NULL;
	if (expect(run, "destroying the VM", STATUS_OK, vm_destroy(lab.vm), NULL)) {
		expect(run, "processors that still hold a vCPU", 0, processors_with_a_vcpu(), NULL);
		expect(run, "pages in use", before, pages_in_use(), NULL);
	}
}

static const struct ending running = { GUEST_spin, VCPU_RUNNING, false };
static const struct ending blind = { GUEST_blind, VCPU_RUNNING, false };
static const struct ending paused = { GUEST_spin, VCPU_PAUSED, false };
static const struct ending halted = { GUEST_answer, VCPU_HALTED, false };
static const struct ending waiting = { GUEST_spin, VCPU_WAIT_SIPI, false };
static const struct ending in_hardware = { GUEST_answer, VCPU_WAIT_SIPI, true };

#define DESTROY(name, end)                                                                         \
	{                                                                                          \
		"vm.destroy." name, VMCLEAR_SDM, destroy, .needs = NEEDS_GUEST, .data = &(end),    \
							  .row = "VM: destroy"                     \
	}

static const struct test rows[] = {
	{ "vm.create.0", MP_INIT, create_refused, .needs = NEEDS_GUEST, .argument = 0,
	  .row = "VM: create" },
	{ "vm.create.1", MP_INIT, create, .needs = NEEDS_GUEST, .argument = 1,
	  .row = "VM: create" },
	{ "vm.create.64", MP_INIT, create, .needs = NEEDS_GUEST, .argument = VM_VCPUS_MAX,
	  .row = "VM: create" },
	{ "vm.create.65", MP_INIT, create_refused, .needs = NEEDS_GUEST,
	  .argument = VM_VCPUS_MAX + 1, .row = "VM: create" },
	{ "vm.create.regions", MP_INIT, create_regions, .needs = NEEDS_GUEST, .row = "VM: create" },
	{ "vm.create.no_memory", MP_INIT, create_without_memory, .needs = NEEDS_GUEST,
	  .row = "VM: create" },
	{ "vm.lookup", "SDM vol. 3A, \"Local APIC ID\"", lookup, .needs = NEEDS_GUEST,
	  .row = "VM: lookup" },
	{ "vm.start", MP_INIT, start_aps, .needs = NEEDS_GUEST, .row = "VM: start an AP" },
	{ "vm.pause_all", MP_INIT, pause_and_resume_all, .needs = NEEDS_GUEST,
	  .row = "VM: pause and resume all" },
	{ "vm.pause_all.some", MP_INIT, pause_some, .needs = NEEDS_GUEST,
	  .row = "VM: pause and resume all" },
	DESTROY("running", running),
	DESTROY("blind", blind),
	DESTROY("paused", paused),
	DESTROY("halted", halted),
	DESTROY("waiting", waiting),
	{ "vm.destroy.waiting_in_hardware", VMCLEAR_SDM, destroy,
	  .needs = NEEDS_GUEST | BIT(CAP_WAIT_SIPI), .cpus = 2, .data = &in_hardware,
	  .row = "VM: destroy" },
};

TEST_GROUP(life, rows);
