#include "tests/host/fake/fake_backend.h"

#include "lib/pages.h"
#include "suite/facts.h"
#include "vm/cpu.h"
#include "vm/vm.h"

#include "tests/host/fake/fake_platform.h"

#include <sched.h>
#include <string.h>

struct fake_vendor fake_vendor;

static _Atomic bool abort_flags[FAKE_CPUS_MAX];

void fake_backend_reset(void)
{
	memset(&fake_vendor, 0, sizeof(fake_vendor));
	fake_vendor.capabilities = BIT(CAP_COUNT) - 1;
	fake_vendor.cpuid_1[0] = FAKE_SIGNATURE;
	fake_vendor.cpuid_1[2] = fake_vendor.cpuid_1[3] = 0xFFFFFFFF;
	fake_vendor.cpuid_d[0] = 7;
	backend = &fake_backend;
}

static uint64_t fake_probe(struct facts *facts, const char **why, const char **advice)
{
	facts_add(facts, "virtualization", "fake");
	*why = fake_vendor.why;
	*advice = NULL;
	return fake_vendor.capabilities;
}

static uint64_t fake_settle_on(struct facts *facts)
{
	if (fake_vendor.lacking)
		facts_add(facts, "fake processors", "differ");
	return fake_vendor.capabilities & ~fake_vendor.lacking;
}

static const char *fake_capability_text(enum capability capability)
{
	return capability == CAP_AVX ? "AVX" : capability == CAP_XSAVE ? "XSAVE" : "a capability";
}

static enum status fake_cpu_on(struct cpu *cpu)
{
	if (fake_is_in(fake_vendor.fault_cpu_on, cpu))
		fake_fault(13);
	if (fake_is_in(fake_vendor.fail_cpu_on, cpu))
		return STATUS_UNSUPPORTED;
	atomic_fetch_add(&fake_vendor.on, 1);
	return STATUS_OK;
}

static void fake_cpu_off(struct cpu *cpu)
{
	FAKE_CHECK(!cpu->loaded);
	atomic_fetch_sub(&fake_vendor.on, 1);
}

static bool fails_now(void)
{
	return fake_vendor.fail_after && --fake_vendor.fail_after == 0;
}

static enum status fake_vm_create(struct vm *vm)
{
	vm->arch = pages_alloc(1);
	if (!vm->arch)
		return STATUS_NO_MEMORY;
	fake_vendor.vms++;
	return fails_now() ? STATUS_DEVICE : STATUS_OK;
}

static void fake_vm_destroy(struct vm *vm)
{
	fake_vendor.vms--;
	pages_free(vm->arch, 1);
}

static enum status fake_map(struct vm *vm, uint64_t gpa, uint64_t physical_address, size_t pages)
{
	(void)vm;
	FAKE_CHECK(gpa % PAGE_SIZE == 0 && physical_address % PAGE_SIZE == 0 && pages);
	return fails_now() ? STATUS_DEVICE : STATUS_OK;
}

static enum status fake_vcpu_create(struct vcpu *vcpu)
{
	struct fake_vcpu *arch = pages_alloc(1);

	_Static_assert(sizeof(*arch) <= PAGE_SIZE, "one page");
	if (!arch)
		return STATUS_NO_MEMORY;
	arch->physical_sipi = -1;
	vcpu->arch = arch;
	fake_vendor.vcpus++;
	return fails_now() ? STATUS_DEVICE : STATUS_OK;
}

static void fake_vcpu_destroy(struct vcpu *vcpu)
{
	FAKE_CHECK(!fake_of(vcpu)->loaded_on);
	fake_vendor.vcpus--;
	pages_free(vcpu->arch, 1);
}

static enum status fake_load(struct cpu *cpu, struct vcpu *vcpu)
{
	if (fake_vendor.fail_load)
		return STATUS_VM_FAIL_VALID;
	FAKE_CHECK(!fake_of(vcpu)->loaded_on);
	FAKE_CHECK(cpu == fake_self());
	fake_of(vcpu)->loaded_on = cpu;
	fake_of(vcpu)->loads++;
	return STATUS_OK;
}

static void fake_unload(struct cpu *cpu, struct vcpu *vcpu)
{
	FAKE_CHECK(fake_of(vcpu)->loaded_on == cpu);
	FAKE_CHECK(cpu == fake_self());
	fake_of(vcpu)->loaded_on = NULL;
	fake_of(vcpu)->unloads++;
}

static void fake_flush(struct vm *vm)
{
	(void)vm;
}

/* The rule of backend.h: calls about a vCPU are made where it is loaded. */
static struct fake_vcpu *loaded(struct vcpu *vcpu)
{
	struct fake_vcpu *arch = fake_of(vcpu);

	FAKE_CHECK(arch->loaded_on && arch->loaded_on == fake_self());
	return arch;
}

static void fake_state_get(struct vcpu *vcpu, struct regs *regs)
{
	uint64_t gpr[GPRS];

	memcpy(gpr, regs->gpr, sizeof(gpr));
	*regs = loaded(vcpu)->regs;
	memcpy(regs->gpr, gpr, sizeof(gpr));
}

static void fake_state_set(struct vcpu *vcpu, const struct regs *regs)
{
	loaded(vcpu)->regs = *regs;
	fake_of(vcpu)->states_set++;
}

static uint64_t fake_rflags_get(struct vcpu *vcpu)
{
	return loaded(vcpu)->regs.rflags;
}

static void fake_rflags_set(struct vcpu *vcpu, uint64_t rflags)
{
	loaded(vcpu)->regs.rflags = rflags;
}

static uint32_t fake_interruptibility_get(struct vcpu *vcpu)
{
	return loaded(vcpu)->regs.interruptibility;
}

void fake_set_program(struct vcpu *vcpu, fake_program *program, void *argument)
{
	fake_of(vcpu)->program = program;
	fake_of(vcpu)->argument = argument;
}

void fake_set_script(struct vcpu *vcpu, const struct vm_exit *script, unsigned length)
{
	fake_of(vcpu)->program = NULL;
	fake_of(vcpu)->script = script;
	fake_of(vcpu)->script_length = length;
	fake_of(vcpu)->script_at = 0;
}

static void fake_abort_entry(struct cpu *cpu)
{
	atomic_store(&abort_flags[cpu->index], true);
	atomic_fetch_add(&fake_vendor.aborts, 1);
}

bool fake_aborted(const struct vcpu *vcpu)
{
	return atomic_load(&abort_flags[fake_of(vcpu)->loaded_on->index]);
}

void fake_spin(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	uint64_t end;

	(void)exit;
	if (!fake.threads) {
		fake.now += entry->ticks;
		return;
	}
	end = platform->clock() + entry->ticks;
	while (!fake_aborted(vcpu) && platform->clock() < end)
		sched_yield();
}

static void execute(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	struct fake_vcpu *arch = fake_of(vcpu);

	arch->executed++;
	if (arch->program)
		arch->program(vcpu, entry, exit);
	else if (arch->script_at < arch->script_length)
		*exit = arch->script[arch->script_at++];
	else
		fake_spin(vcpu, entry, exit);
}

static void advance(struct vcpu *vcpu, struct fake_vcpu *arch)
{
	arch->regs.rip += arch->exit_length;
	arch->regs.interruptibility &= ~(uint32_t)(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);
	vcpu->advance = false;
}

/* SDM vol. 3C, "Checks on Guest Non-Register State", for what is injected. */
static void deliver(struct fake_vcpu *arch, const struct event *event)
{
	struct regs *regs = &arch->regs;

	FAKE_CHECK(event->type != EVENT_NONE);
	if (event->type == EVENT_INTERRUPT || event->type == EVENT_NMI)
		FAKE_CHECK(!(regs->interruptibility & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS)));
	if (event->type == EVENT_INTERRUPT) {
		FAKE_CHECK(regs->rflags & RFLAGS_IF);
		regs->rflags &= ~(uint64_t)RFLAGS_IF;
	}
	if (event->type == EVENT_NMI)
		regs->interruptibility |= BLOCKED_BY_NMI;
	if (arch->event_count < FAKE_EVENTS_MAX)
		arch->events[arch->event_count] = *event;
	arch->event_count++;
}

static bool window(const struct regs *regs, const struct entry *entry, struct vm_exit *exit)
{
	uint32_t shadow = regs->interruptibility & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);

	if (entry->nmi_window && !(shadow & BLOCKED_BY_MOV_SS) &&
	    !(regs->interruptibility & BLOCKED_BY_NMI)) {
		exit->kind = EXIT_NMI_WINDOW;
		return true;
	}
	if (entry->irq_window && !shadow && regs->rflags & RFLAGS_IF) {
		exit->kind = EXIT_IRQ_WINDOW;
		return true;
	}
	return false;
}

void fake_physical_sipi(struct cpu *cpu, uint8_t vector)
{
	if (cpu->loaded)
		atomic_store(&fake_of(cpu->loaded)->physical_sipi, vector);
}

/* SDM vol. 3C, "Activity State": nothing but INIT and SIPI ends wait-for-SIPI. */
static void wait_for_sipi(struct fake_vcpu *arch, struct vm_exit *exit)
{
	int vector = -1;

	while (vector < 0) {
		vector = atomic_exchange(&arch->physical_sipi, -1);
		if (vector < 0 && !fake.threads)
			return; /* the only thread: come back later */
		sched_yield();
	}
	*exit = (struct vm_exit){ .kind = EXIT_SIPI, .sipi = { .vector = (uint8_t)vector } };
}

static void fake_run(struct vcpu *vcpu, const struct entry *entry, struct vm_exit *exit)
{
	struct fake_vcpu *arch = loaded(vcpu);
	struct cpu *cpu = arch->loaded_on;

	*exit = (struct vm_exit){ .kind = EXIT_TIMER };
	FAKE_CHECK(!vcpu->regs_changed);
	FAKE_CHECK(atomic_load(&cpu->window) != WINDOW_CLOSED || !entry->ticks);
	arch->entries++;
	arch->regs.idtr.base += arch->adds_to_idtr;
	if (vcpu->advance)
		advance(vcpu, arch);
	arch->entry = *entry;
	arch->entry.inject = NULL;
	if (entry->inject)
		deliver(arch, entry->inject);
	atomic_store(&abort_flags[cpu->index], false);
	/* A kick that came before the line above. */
	if (atomic_load(&cpu->window) == WINDOW_KICKED)
		fake_abort_entry(cpu);
	if (arch->regs.activity == ACTIVITY_WAIT_SIPI) {
		wait_for_sipi(arch, exit);
	} else if (entry->ticks && !fake_aborted(vcpu)) {
		if (!window(&arch->regs, entry, exit))
			execute(vcpu, entry, exit);
	}
	arch->exit_length = exit->length;
}

static bool fake_post(struct vcpu *vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
	if (!fake_vendor.posts)
		return false;
	fake_vendor.posted++;
	return true;
}

static void fake_apic_mode_changed(struct vcpu *vcpu)
{
	loaded(vcpu)->mode_changes++;
}

static void fake_xcr0_changed(struct vcpu *vcpu)
{
	loaded(vcpu)->xcr0_changes++;
}

static enum status fake_field_get(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
	(void)vcpu;
	*value = encoding;
	return STATUS_OK;
}

static enum status fake_field_set(struct vcpu *vcpu, uint32_t encoding, uint64_t value)
{
	(void)vcpu;
	(void)encoding;
	(void)value;
	return STATUS_NOT_FOUND;
}

static bool fake_quirk(unsigned row, struct quirk *quirk)
{
	(void)row;
	(void)quirk;
	return false;
}

static bool fake_field(unsigned row, struct field *field)
{
	(void)row;
	(void)field;
	return false;
}

static void fake_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	if (leaf == 1)
		memcpy(out, fake_vendor.cpuid_1, sizeof(fake_vendor.cpuid_1));
	else if (leaf == 0xD && subleaf == 0)
		memcpy(out, fake_vendor.cpuid_d, sizeof(fake_vendor.cpuid_d));
	else
		for (unsigned i = 0; i < 4; i++)
			out[i] = leaf + subleaf * 16 + i;
}

static bool fake_borrows_timer(void)
{
	return fake_vendor.borrows_timer;
}

const struct backend fake_backend = {
	.name = "fake",
	.probe = fake_probe,
	.settle = fake_settle_on,
	.capability_text = fake_capability_text,
	.cpu_on = fake_cpu_on,
	.cpu_off = fake_cpu_off,
	.borrows_timer = fake_borrows_timer,
	.vm_create = fake_vm_create,
	.vm_destroy = fake_vm_destroy,
	.map = fake_map,
	.vcpu_create = fake_vcpu_create,
	.vcpu_destroy = fake_vcpu_destroy,
	.load = fake_load,
	.unload = fake_unload,
	.flush = fake_flush,
	.state_get = fake_state_get,
	.state_set = fake_state_set,
	.rflags_get = fake_rflags_get,
	.rflags_set = fake_rflags_set,
	.interruptibility_get = fake_interruptibility_get,
	.run = fake_run,
	.post = fake_post,
	.abort_entry = fake_abort_entry,
	.apic_mode_changed = fake_apic_mode_changed,
	.xcr0_changed = fake_xcr0_changed,
	.quirk = fake_quirk,
	.field = fake_field,
	.field_get = fake_field_get,
	.field_set = fake_field_set,
	.cpuid = fake_cpuid,
};
