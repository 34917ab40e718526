/* INIT-SIPI-SIPI, and the state of an application processor after it. */
#include "lib/text.h"
#include "vm/control.h"
#include "vm/cpu.h"
#include "vm/ipi.h"

#include "tests/lib/fixture.h"
#include "tests/lib/list.h"
#include "tests/lib/state.h"

struct row {
	const char *what;
	uint16_t offset;
	uint8_t size;
	uint64_t wanted[2]; /* by the manuals of Intel and AMD */
	uint16_t spec;
	uint16_t amd_mask; /* bits that count on AMD's processors; 0: all */
};

/*
 * The rights that AMD's processors observe and so must give back; the others they may change: APM
 * vol. 2, "Segment State in the VMCB". The busy bit of TR is not among them.
 */
enum { AMD_SEGMENT = 0x6082, AMD_LDTR = 0xFF, AMD_TR = 0x9D };

#define ROW2(structure, field, intel, amd, spec)                                                   \
	{                                                                                          \
#field, offsetof(struct structure, field), sizeof(((struct structure *)0)->field), \
			{ intel, amd }, spec, 0                                                    \
	}
#define ROW(structure, field, value, spec) ROW2(structure, field, value, value, spec)
#define REG(field, value) ROW(regs, field, value, SPEC_AFTER_INIT)
#define RIGHTS(name, intel, amd, mask)                                                             \
	{                                                                                          \
		"segment[" #name "].rights", offsetof(struct regs, segment[name].rights),          \
			sizeof(uint32_t), { intel, amd }, SPEC_AFTER_INIT, mask                    \
	}
#define SEEN(field, value) ROW(guest_slot, field, value, SPEC_AFTER_INIT)
#define DATA_SEGMENT(name)                                                                         \
	REG(segment[name].selector, 0), REG(segment[name].base, 0),                                \
		REG(segment[name].limit, 0xFFFF), RIGHTS(name, 0x93, 0x92, AMD_SEGMENT)

/* As the processor saves it when a VM exit comes before the first instruction. */
static const struct row state_rows[] = {
	ROW(regs, rip, 0, SPEC_MP_INIT),
	REG(rflags, 2),
	REG(cr2, 0),
	REG(cr3, 0),
	REG(cr4, 0),
	REG(efer, 0),
	REG(gpr[RAX], 0),
	REG(gpr[RCX], 0),
	REG(gpr[RBX], 0),
	REG(gpr[RSP], 0),
	REG(gpr[RBP], 0),
	REG(gpr[RSI], 0),
	REG(gpr[RDI], 0),
	REG(gpr[R8], 0),
	REG(gpr[R9], 0),
	REG(gpr[R10], 0),
	REG(gpr[R11], 0),
	REG(gpr[R12], 0),
	REG(gpr[R13], 0),
	REG(gpr[R14], 0),
	REG(gpr[R15], 0),
	REG(dr[0], 0),
	REG(dr[1], 0),
	REG(dr[2], 0),
	REG(dr[3], 0),
	REG(dr6, 0xFFFF0FF0),
	REG(dr7, 0x400),
	REG(segment[CS].limit, 0xFFFF),
	RIGHTS(CS, 0x93, 0x9A, AMD_SEGMENT),
	DATA_SEGMENT(ES),
	DATA_SEGMENT(SS),
	DATA_SEGMENT(DS),
	DATA_SEGMENT(FS),
	DATA_SEGMENT(GS),
	REG(segment[LDTR].selector, 0),
	REG(segment[LDTR].base, 0),
	REG(segment[LDTR].limit, 0xFFFF),
	RIGHTS(LDTR, 0x82, 0x82, AMD_LDTR), /* SDM: "Present, R/W" of an LDT, and of a busy TSS */
	REG(segment[TR].selector, 0),
	REG(segment[TR].base, 0),
	REG(segment[TR].limit, 0xFFFF),
	RIGHTS(TR, 0x8B, 0x83, AMD_TR),
	REG(gdtr.base, 0),
	REG(gdtr.limit, 0xFFFF),
	REG(idtr.base, 0),
	REG(idtr.limit, 0xFFFF),
	REG(interruptibility, 0),
	REG(activity, ACTIVITY_ACTIVE),
};

/* As the guest itself sees it. */
static const struct row guest_rows[] = {
	SEEN(eax, 0),
	SEEN(ebx, 0),
	SEEN(ecx, 0),
	SEEN(esi, 0),
	SEEN(edi, 0),
	SEEN(ebp, 0),
	SEEN(esp, 0),
	SEEN(eflags, 2),
	SEEN(cr4, 0),
	SEEN(ds, 0),
	SEEN(es, 0),
	SEEN(fs, 0),
	SEEN(gs, 0),
	SEEN(ss, 0),
	SEEN(gdt_limit, 0xFFFF),
	SEEN(gdt_base_low, 0),
	SEEN(gdt_base_high, 0),
	SEEN(idt_limit, 0xFFFF),
	SEEN(idt_base_low, 0),
	SEEN(idt_base_high, 0),
	ROW(guest_slot, ip, 0, SPEC_MP_INIT),
};

static uint64_t load(const void *structure, const struct row *row)
{
	const uint8_t *at = (const uint8_t *)structure + row->offset;

	switch (row->size) {
	case 2:
		return *(const uint16_t *)at;
	case 4:
		return *(const uint32_t *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static void check_rows(struct test_run *run, const char *who, unsigned vcpu, const void *structure,
		       const struct row *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t mask = backend->cites_amd && rows[i].amd_mask ? rows[i].amd_mask : ~0ull;
		uint64_t wanted = rows[i].wanted[backend->cites_amd] & mask;
		uint64_t got = load(structure, &rows[i]) & mask;
		char what[TEST_TEXT] = "";

		if (got != wanted) /* text is only made when it is read */
			text_format(what, sizeof(what), "%s, vCPU %u: %s", who, vcpu, rows[i].what);
		expect_bits_cited(run, rows[i].spec, what, wanted, got);
	}
}

static uint32_t signature(void)
{
	uint32_t out[4];

	backend->cpuid(1, 0, out);
	return out[0];
}

/* INIT leaves CR0.CD and CR0.NW as they are: set at power-up, and clear once it has booted,
 * because the guest program clears them. */
static uint64_t cr0_after_init(const struct fixture *fixture, unsigned id)
{
	return fixture->slot[id].entered > 1 ? 0x10 : 0x60000010;
}

static void check_ap(struct fixture *fixture, unsigned id, uint8_t vector)
{
	struct test_run *run = fixture->run;
	const struct regs *regs = &fixture->start[id];
	const struct guest_slot *slot = (const struct guest_slot *)&fixture->slot[id];

	check_rows(run, "VMCS", id, regs, state_rows, ARRAY_SIZE(state_rows));
	check_rows(run, "guest", id, slot, guest_rows, ARRAY_SIZE(guest_rows));
	expect_bits_cited(run, SPEC_AFTER_INIT, "VMCS: CR0", cr0_after_init(fixture, id),
			  regs->cr0);
	expect_bits_cited(run, SPEC_AFTER_INIT, "guest: CR0", cr0_after_init(fixture, id),
			  slot->cr0);
	expect_bits_cited(run, SPEC_MP_INIT, "VMCS: CS selector", (uint64_t)vector << 8,
			  regs->segment[CS].selector);
	expect_bits_cited(run, SPEC_MP_INIT, "VMCS: CS base", (uint64_t)vector << 12,
			  regs->segment[CS].base);
	expect_bits_cited(run, SPEC_AFTER_INIT, "VMCS: RDX, the signature", signature(),
			  regs->gpr[RDX]);
	expect_bits_cited(run, SPEC_MP_INIT, "guest: CS", (uint64_t)vector << 8, slot->cs);
	expect_bits_cited(run, SPEC_AFTER_INIT, "guest: EDX, the signature", signature(),
			  slot->edx);
	expect_bits_cited(run, SPEC_CPUID_LEAF_1, "guest: APIC id", id, slot->apic_id);
}

/* The classic sequence starts every AP; the second SIPI changes nothing. */
static void start_all(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	uint8_t vector = fixture->setup->sipi_vector;

	if (fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1) &&
	    fixture_wait_all_aps(fixture, 1) && fixture_wait_arrived(fixture)) {
		for (unsigned id = 1; id < fixture->vcpus; id++) {
			const struct vcpu *vcpu = fixture->vm->vcpus[id];

			check_ap(fixture, id, vector);
			expect_cited(run, SPEC_MP_INIT, "starts", 1, fixture->slot[id].entered);
			expect_cited(run, SPEC_MP_INIT, "SIPIs ignored", fixture->shared->sipis - 1,
				     atomic_load(&vcpu->counts.sipis_ignored));
		}
		fixture_expect_counts(fixture);
	}
}

static bool waits_in_hardware(struct fixture *fixture, uint64_t slot)
{
	return atomic_load(&fixture->vm->vcpus[slot]->sipi_wait.in_hardware);
}

static void settle(uint64_t ticks)
{
	uint64_t start = platform->clock();

	while (platform->clock() - start < ticks)
		cpu_relax();
}

/* An AP that the processor itself holds in wait-for-SIPI, woken by a physical SIPI. */
static bool physical_sipi(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct ipi sipi = { .destination = 1,
			    .mode = DELIVERY_SIPI,
			    .vector = fixture->setup->sipi_vector,
			    .assert = true };

	if (!fixture_start(fixture) || !fixture_wait(fixture, "the AP waits", waits_in_hardware, 1))
		return false;
	settle(platform->clock_hz / 1000); /* until the entry is complete */
	return require(run, "SIPI", ipi_send(fixture->vm, &sipi)) &&
	       fixture_wait_all_aps(fixture, 1);
}

/* One SIPI to a processor that has been in that state for a while: one is enough. */
static void hardware_vector(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	uint8_t vector = fixture->setup->sipi_vector;

	if (physical_sipi(fixture)) {
		const struct vcpu *vcpu = fixture->vm->vcpus[1];

		expect(run, "physical SIPIs sent", 1, vcpu->sipi_wait.sent);
		expect(run, "exits by a physical SIPI", 1,
		       atomic_load(&vcpu->counts.hardware_sipis));
		expect_bits(run, "vector in the exit qualification", vector,
			    vcpu->sipi_wait.vector);
		check_ap(fixture, 1, vector);
	}
}

/* What was loaded for the wait, and what the exit has saved. */
struct saved {
	struct regs before, after;
	uint64_t qualification;
	unsigned exits;
};

static bool save_sipi(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	struct saved *saved = argument;

	if (vcpu->id == 1 && exit->kind == EXIT_SIPI && saved->exits++ == 0) {
		saved->before = saved->after = vcpu->regs;
		backend->state_get(vcpu, &saved->after);
		saved->qualification = exit->raw_qualification;
	}
	return false;
}

/* The SIPI ends the activity state and blocks nothing. */
static void exit_state(struct fixture *fixture)
{
	if (physical_sipi(fixture))
		expect_bits(fixture->run, "interruptibility saved by the exit", 0,
			    fixture->vm->vcpus[1]->sipi_wait.interruptibility);
}

/* All of it, but for the blocking, which is exit_state's. */
static void saved_state(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct saved saved = { .exits = 0 };

	fixture->vm->on_exit_argument = &saved;
	fixture->vm->on_exit = save_sipi;
	if (!physical_sipi(fixture))
		return;
	expect_bits_cited(run, SPEC_EXIT_SIPI, "the whole exit qualification", 1,
			  saved.qualification);
	expect_bits(run, "activity saved by the exit", ACTIVITY_WAIT_SIPI, saved.after.activity);
	saved.after.interruptibility = saved.before.interruptibility;
	regs_expect_equal(run, "saved by the exit", &saved.before, &saved.after, false);
}

/* The exits by start-up IPIs, with what the last one said. */
struct sipi_exits {
	_Atomic uint64_t count, qualification;
};

static bool count_sipi(struct vcpu *vcpu, const struct vm_exit *exit, void *argument)
{
	struct sipi_exits *exits = argument;

	if (vcpu->id == 1 && exit->kind == EXIT_SIPI) {
		atomic_store(&exits->qualification, exit->raw_qualification);
		atomic_fetch_add(&exits->count, 1);
	}
	return false;
}

static bool waits_after(struct fixture *fixture, uint64_t exits)
{
	const struct sipi_exits *seen = fixture->vm->on_exit_argument;

	return atomic_load(&seen->count) >= exits && waits_in_hardware(fixture, 1);
}

/*
 * Nobody has announced them to the vCPU: it waits again after each. Each ends the wait, once, as
 * long as it does not come between the exit and the next entry.
 */
static void every_sipi(struct fixture *fixture)
{
	static const uint8_t vectors[] = { 0x00, 0x01, 0x02, 0x04, 0x08, 0x10, 0x20,
					   0x40, 0x80, 0xA0, 0x55, 0xAA, 0xFF };
	/* Not on the stack: the vCPU may exit once more when the test has ended. */
	static struct sipi_exits exits;
	struct test_run *run = fixture->run;
	struct ipi sipi = { .destination = 1, .mode = DELIVERY_SIPI, .vector = 1, .assert = true };

	atomic_store(&exits.count, 0);
	fixture->vm->on_exit_argument = &exits;
	fixture->vm->on_exit = count_sipi;
	if (!fixture_start(fixture) || !fixture_wait(fixture, "the AP waits", waits_in_hardware, 1))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
		settle(platform->clock_hz / 1000); /* until the entry is complete */
		platform->ipi(atomic_load(&fixture->vm->vcpus[1]->cpu), IPI_SIPI | vectors[i]);
		if (!fixture_wait(fixture, "the exit by a start-up IPI", waits_after, i + 1))
			return;
		expect_bits(run, "the whole exit qualification", vectors[i],
			    atomic_load(&exits.qualification));
	}
	expect(run, "exits by the start-up IPIs", ARRAY_SIZE(vectors), atomic_load(&exits.count));
	settle(platform->clock_hz / 1000);
	require(run, "SIPI", ipi_send(fixture->vm, &sipi));
	fixture_wait_all_aps(fixture, 1);
}

/* The same AP again and again: no state of the boot before remains. */
static void restart(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	enum { TIMES = 100 };

	fixture->shared->rounds = TIMES;
	if (fixture_start(fixture) && fixture_wait_finished(fixture, 0, 1) &&
	    fixture_wait_all_aps(fixture, TIMES)) {
		check_ap(fixture, 1, fixture->setup->sipi_vector);
		expect(run, "starts", TIMES, fixture->slot[1].entered);
		expect(run, "INITs", TIMES, atomic_load(&fixture->vm->vcpus[1]->counts.inits));
		fixture_expect_counts(fixture);
	}
}

static bool is_counting(struct fixture *fixture, uint64_t more_than)
{
	return fixture->slot[1].counter > more_than;
}

/* INIT ends whatever runs and waits; a SIPI that is not awaited does nothing. */
static void init_while_running(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct ipi sipi = {
		.destination = 1, .mode = DELIVERY_SIPI, .vector = 0x10, .assert = true
	};
	struct ipi init = { .destination = 1, .mode = DELIVERY_INIT, .assert = true };

	if (fixture_start(fixture) && require(run, "start", vm_start_ap(fixture->vm, 1, 1)) &&
	    fixture_wait(fixture, "the AP counts", is_counting, 10)) {
		require(run, "SIPI", ipi_send(fixture->vm, &sipi));
		fixture_wait(fixture, "the AP counts on after a SIPI", is_counting,
			     fixture->slot[1].counter + 10);
		expect_cited(run, SPEC_MP_INIT, "starts", 1, fixture->slot[1].entered);
		require(run, "INIT", ipi_send(fixture->vm, &init));
		if (fixture_wait_state(fixture, 1, VCPU_WAIT_SIPI)) {
			uint32_t counter = fixture->slot[1].counter;

			require(run, "SIPI", ipi_send(fixture->vm, &sipi));
			fixture_wait(fixture, "the AP counts again", is_counting, counter + 10);
			expect_cited(run, SPEC_AFTER_INIT, "starts", 2, fixture->slot[1].entered);
			check_ap(fixture, 1, 0x10);
		}
	}
}

#define HARDWARE_NEEDS (NEEDS_GUEST | BIT(CAP_WAIT_SIPI))

/* The boot processor starts the APs; starts one again and again; the test starts it. */
#define STARTS(...)                                                                                \
	GUEST(.vcpus = 4, .capture = true, .bsp = GUEST_start, .ap = GUEST_answer, __VA_ARGS__)
#define RESTARTS(...)                                                                              \
	GUEST(.vcpus = 2, .capture = true, .bsp = GUEST_start, .ap = GUEST_answer, __VA_ARGS__)
#define AWAITS(...)                                                                                \
	GUEST(.vcpus = 2, .capture = true, .bsp = GUEST_idle, .ap = GUEST_answer, __VA_ARGS__)
#define COUNTS(...)                                                                                \
	GUEST(.vcpus = 2, .capture = true, .bsp = GUEST_idle, .ap = GUEST_spin, __VA_ARGS__)

#define MEANS_STATE                                                                                \
	"A register or segment of an AP is not as INIT leaves it: start-up code that relies on "   \
	"it fails on this machine."
#define MEANS_HARDWARE_WAIT                                                                        \
	"The wait-for-SIPI activity state, or the exit by SIPI, does not work as described: "      \
	"hypervisors that use it cannot start APs."
#define MEANS_VECTOR                                                                               \
	"CS of a started AP does not follow the SIPI's vector: its first instruction is fetched "  \
	"from elsewhere."
#define MEANS_RESTART                                                                              \
	"State of the boot before survives INIT: an operating system that takes a processor down " \
	"and up again finds it unclean."
#define MEANS_INIT                                                                                 \
	"INIT or SIPI to a running processor has another effect than described: CPU hot-plug and " \
	"crash kernels fail in guests."

static const struct test rows[] = {
	{ "start.xapic.registers", SPEC_AFTER_INIT, fixture_run, .body = start_all,
	  .guest = STARTS(.sipi_vector = 1), .needs = NEEDS_GUEST | BIT(CAP_APIC_REGISTERS),
	  .row = "IPI: SIPI",
	  EXPLAINS("INIT-SIPI-SIPI through the virtual APIC page: the AP's state, by VMCS and by "
		   "guest, is that after INIT.",
		   MEANS_STATE) },
	{ "start.xapic.decoded", SPEC_AFTER_INIT, fixture_run, .body = start_all,
	  .guest = STARTS(.sipi_vector = 1, .decode_apic = true), .needs = NEEDS_GUEST,
	  .row = "APIC: ICR",
	  EXPLAINS("INIT-SIPI-SIPI by memory accesses that we decode: the AP's state, by VMCS and "
		   "by guest, is that after INIT.",
		   MEANS_STATE) },
	{ "start.x2apic", SPEC_AFTER_INIT, fixture_run, .body = start_all,
	  .guest = STARTS(.sipi_vector = 1, .x2apic = true), .needs = NEEDS_GUEST,
	  .row = "APIC: ICR",
	  EXPLAINS("INIT-SIPI-SIPI by x2APIC MSRs: the AP's state, by VMCS and by guest, is that "
		   "after INIT.",
		   MEANS_STATE) },
	{ "start.xapic.hardware_wait", SPEC_AFTER_INIT, fixture_run, .body = start_all,
	  .guest = STARTS(.sipi_vector = 1, .wait_in_hardware = true), .needs = HARDWARE_NEEDS,
	  .cpus = 2, .row = "waiting: by the hardware",
	  EXPLAINS("APs wait in the processor's own wait-for-SIPI state and are started by "
		   "physical SIPIs, xAPIC mode.",
		   MEANS_HARDWARE_WAIT) },
	{ "start.x2apic.hardware_wait", SPEC_AFTER_INIT, fixture_run, .body = start_all,
	  .guest = STARTS(.sipi_vector = 1, .x2apic = true, .wait_in_hardware = true),
	  .needs = HARDWARE_NEEDS, .cpus = 2, .row = "waiting: by the hardware",
	  EXPLAINS("APs wait in the processor's own wait-for-SIPI state and are started by "
		   "physical SIPIs, x2APIC mode.",
		   MEANS_HARDWARE_WAIT) },
	{ "start.one_sipi", SPEC_MP_INIT, fixture_run, .body = start_all,
	  .guest = STARTS(.sipi_vector = 1, .sipis = 1), .needs = NEEDS_GUEST, .row = "IPI: SIPI",
	  EXPLAINS("INIT and a single SIPI start an AP: the second SIPI of the classic sequence is "
		   "not needed.",
		   MEANS_STATE) },
	{ "start.vector.10", SPEC_MP_INIT, fixture_run, .body = start_all,
	  .guest = STARTS(.sipi_vector = 0x10), .needs = NEEDS_GUEST, .row = "vCPU: SIPI vector",
	  EXPLAINS("A SIPI with vector 10H starts the AP at 10000H, with CS selector and base to "
		   "match.",
		   MEANS_VECTOR) },
	{ "start.vector.9f", SPEC_MP_INIT, fixture_run, .body = start_all,
	  .guest = STARTS(.sipi_vector = 0x9F), .needs = NEEDS_GUEST, .row = "vCPU: SIPI vector",
	  EXPLAINS("A SIPI with vector 9FH starts the AP at 9F000H, with CS selector and base to "
		   "match.",
		   MEANS_VECTOR) },
	{ "start.hardware_wait.vector.01", SPEC_EXIT_SIPI, fixture_run, .body = hardware_vector,
	  .guest = AWAITS(.sipi_vector = 0x01, .wait_in_hardware = true), .needs = HARDWARE_NEEDS,
	  .cpus = 2, .row = "waiting: by the hardware",
	  EXPLAINS("A physical SIPI with vector 01H ends wait-for-SIPI with one exit that carries "
		   "the vector.",
		   MEANS_HARDWARE_WAIT) },
	{ "start.hardware_wait.vector.10", SPEC_EXIT_SIPI, fixture_run, .body = hardware_vector,
	  .guest = AWAITS(.sipi_vector = 0x10, .wait_in_hardware = true), .needs = HARDWARE_NEEDS,
	  .cpus = 2, .row = "vCPU: SIPI vector",
	  EXPLAINS("A physical SIPI with vector 10H ends wait-for-SIPI with one exit that carries "
		   "the vector.",
		   MEANS_HARDWARE_WAIT) },
	{ "start.hardware_wait.vector.9f", SPEC_EXIT_SIPI, fixture_run, .body = hardware_vector,
	  .guest = AWAITS(.sipi_vector = 0x9F, .wait_in_hardware = true), .needs = HARDWARE_NEEDS,
	  .cpus = 2, .row = "vCPU: SIPI vector",
	  EXPLAINS("A physical SIPI with vector 9FH ends wait-for-SIPI with one exit that carries "
		   "the vector.",
		   MEANS_HARDWARE_WAIT) },
	{ "start.hardware_wait.exit_state", SPEC_EXIT_SAVES, fixture_run, .body = exit_state,
	  .guest = AWAITS(.sipi_vector = 1, .wait_in_hardware = true), .needs = HARDWARE_NEEDS,
	  .cpus = 2, .row = "waiting: by the hardware",
	  EXPLAINS("The exit by SIPI saves no blocking: interruptibility is 0.",
		   "The processor leaves the wait for SIPI with events blocked: the hypervisor "
		   "enters the guest with NMIs or SMIs masked.") },
	{ "start.hardware_wait.saved_state", SPEC_EXIT_SAVES, fixture_run, .body = saved_state,
	  .guest = AWAITS(.sipi_vector = 1, .wait_in_hardware = true), .needs = HARDWARE_NEEDS,
	  .cpus = 2, .row = "waiting: by the hardware",
	  EXPLAINS("The exit by SIPI saves every register as it was loaded, wait-for-SIPI, and the "
		   "vector alone in the exit qualification.",
		   MEANS_HARDWARE_WAIT) },
	{ "start.hardware_wait.every_sipi", SPEC_EXIT_SIPI, fixture_run, .body = every_sipi,
	  .guest = AWAITS(.sipi_vector = 1, .wait_in_hardware = true), .needs = HARDWARE_NEEDS,
	  .cpus = 2, .row = "vCPU: SIPI vector",
	  EXPLAINS(
		  "Physical start-up IPIs of many vectors, one after the other: one exit for each, "
		  "with its vector, none lost.",
		  MEANS_HARDWARE_WAIT) },
	{ "start.restart.xapic", SPEC_AFTER_INIT, fixture_run, .body = restart,
	  .guest = RESTARTS(.sipi_vector = 1), .needs = NEEDS_GUEST, .row = "IPI: INIT",
	  EXPLAINS("The same AP is started a hundred times, xAPIC mode: nothing of the boot before "
		   "remains.",
		   MEANS_RESTART) },
	{ "start.restart.x2apic", SPEC_AFTER_INIT, fixture_run, .body = restart,
	  .guest = RESTARTS(.sipi_vector = 1, .x2apic = true), .needs = NEEDS_GUEST,
	  .row = "IPI: INIT",
	  EXPLAINS("The same AP is started a hundred times, x2APIC mode: nothing of the boot "
		   "before remains.",
		   MEANS_RESTART) },
	{ "start.restart.hardware_wait", SPEC_AFTER_INIT, fixture_run, .body = restart,
	  .guest = RESTARTS(.sipi_vector = 1, .wait_in_hardware = true), .needs = HARDWARE_NEEDS,
	  .cpus = 2, .row = "waiting: by the hardware",
	  EXPLAINS("The same AP is started a hundred times from the processor's own wait-for-SIPI "
		   "state.",
		   MEANS_RESTART) },
	{ "start.init_while_running", SPEC_AFTER_INIT, fixture_run, .body = init_while_running,
	  .guest = COUNTS(.sipi_vector = 1), .needs = NEEDS_GUEST, .row = "IPI: INIT",
	  EXPLAINS("A SIPI to a running AP does nothing; INIT ends what it runs, and a SIPI starts "
		   "it again.",
		   MEANS_INIT) },
	{ "start.init_while_running.hardware_wait", SPEC_AFTER_INIT, fixture_run,
	  .body = init_while_running, .guest = COUNTS(.sipi_vector = 1, .wait_in_hardware = true),
	  .needs = HARDWARE_NEEDS, .cpus = 2, .row = "waiting: by the hardware",
	  EXPLAINS("INIT ends what an AP runs and puts it into the processor's own wait-for-SIPI "
		   "state; a SIPI starts it again.",
		   MEANS_INIT) },
};

TEST_GROUP(start, rows);
