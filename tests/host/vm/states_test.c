/* The state machine of a virtual CPU: every state with every event. */
#include "tests/host/fake/fake_vm.h"
#include "tests/host/fake/host_test.h"
#include "vm/fail.h"

/*
 * Written from the specification of guest SMP and the SDM (vol. 3A, "MP Initialization Protocol
 * Algorithm for MP Systems"), not from core/vm/vcpu.c. The first letter is the next state: Created,
 * Running, Halted, Waiting for SIPI, Paused, Stopped. The second is what happens: - nothing,
 * i ignored by the architecture, x refused, e begins, r INIT state, b INIT state and begins,
 * s begins at the SIPI's vector.
 */
static const char *const table[VCPU_STATE_COUNT][VCPU_EVENT_COUNT] = {
	/*		   start INIT  BSP   SIPI  HLT   wake  pause resume stop */
	[VCPU_CREATED] = { "Re", "Wr", "Rb", "Ci", "Cx", "C-", "Cx", "Cx", "S-" },
	[VCPU_RUNNING] = { "Rx", "Wr", "Rb", "Ri", "H-", "R-", "P-", "Rx", "S-" },
	[VCPU_HALTED] = { "Hx", "Wr", "Rb", "Hi", "Hx", "R-", "Hx", "Hx", "S-" },
	[VCPU_WAIT_SIPI] = { "Wx", "Wr", "Rb", "Rs", "Wx", "W-", "Wx", "Wx", "S-" },
	[VCPU_PAUSED] = { "Px", "Wr", "Rb", "Pi", "Px", "P-", "Px", "R-", "S-" },
	[VCPU_STOPPED] = { "Sx", "Si", "Si", "Si", "Sx", "S-", "Sx", "Sx", "S-" },
};

static enum vcpu_state state_of(char letter)
{
	return (enum vcpu_state)(strchr("CRHWPS", letter) - "CRHWPS");
}

static enum vcpu_action action_of(char letter)
{
	switch (letter) {
	case '-':
		return DO_NOTHING;
	case 'i':
		return DO_IGNORE;
	case 'x':
		return DO_REFUSE;
	case 'e':
		return DO_ENTER;
	case 'r':
		return DO_RESET;
	case 'b':
		return DO_RESTART;
	default:
		assert_int_equal(letter, 's');
		return DO_SIPI;
	}
}

static void test_order(void **state)
{
	(void)state;
	assert_int_equal(state_of('C'), VCPU_CREATED);
	assert_int_equal(state_of('R'), VCPU_RUNNING);
	assert_int_equal(state_of('H'), VCPU_HALTED);
	assert_int_equal(state_of('W'), VCPU_WAIT_SIPI);
	assert_int_equal(state_of('P'), VCPU_PAUSED);
	assert_int_equal(state_of('S'), VCPU_STOPPED);
	assert_int_equal(ON_START, 0);
	assert_int_equal(ON_STOP, VCPU_EVENT_COUNT - 1);
}

static void test_table(void **state)
{
	(void)state;
	for (unsigned s = 0; s < VCPU_STATE_COUNT; s++)
		for (unsigned e = 0; e < VCPU_EVENT_COUNT; e++) {
			struct transition got = vcpu_transitions[s][e];

			if (got.next != state_of(table[s][e][0]) ||
			    got.action != action_of(table[s][e][1]))
				fail_msg("%s, %s: wanted %s", vcpu_state_text(s),
					 vcpu_event_text(e), table[s][e]);
		}
}

static void test_texts(void **state)
{
	static const char *const states[] = { "created",	  "running", "halted",
					      "waiting for SIPI", "paused",  "stopped" };
	static const char *const texts[] = { "start", "INIT",  "INIT at the BSP", "SIPI", "HLT",
					     "wake",  "pause", "resume",	  "stop" };

	(void)state;
	for (unsigned s = 0; s < VCPU_STATE_COUNT; s++)
		assert_string_equal(vcpu_state_text(s), states[s]);
	for (unsigned e = 0; e < VCPU_EVENT_COUNT; e++)
		assert_string_equal(vcpu_event_text(e), texts[e]);
}

/* A vCPU that has run for a while: nothing of it is as after INIT. */
static void use(struct vcpu *vcpu)
{
	vcpu->regs.rip = 0x4321;
	vcpu->regs.gpr[RBX] = 7;
	vcpu->regs.cr0 = 0x11;
	vcpu->regs.cr3 = 0x1000;
	vcpu->regs.cr4 = 0x20;
	vcpu->regs.xcr0 = 7;
	vcpu->regs.pat = 6;
	vcpu->cache_bits = CR0_CD;
	vcpu->event = (struct event){ .type = EVENT_EXCEPTION, .vector = 13 };
	vcpu->nmis = 1;
	vcpu->extint = 0x33;
	vcpu->event_pending = true;
	vcpu->advance = true;
	vcpu->regs_changed = false;
	vcpu->start.pending = false;
	fake_poke(&vcpu->apic, APIC_SVR, 0x1FF);
	fake_poke(&vcpu->apic, APIC_IRR + 0x20, 0xFF);
	fake_poke(&vcpu->apic, APIC_TPR, 0x20);
	vcpu->apic.due = 99;
}

static void assert_was_reset(const struct vcpu *vcpu)
{
	assert_int_equal(vcpu->regs.rip, 0xFFF0);
	assert_int_equal(vcpu->regs.gpr[RBX], 0);
	assert_int_equal(vcpu->regs.gpr[RDX], FAKE_SIGNATURE);
	assert_int_equal(vcpu->regs.cr0, CR0_CD | CR0_ET); /* the real cache bits, not CR0's */
	assert_int_equal(vcpu->regs.cr3, 0);
	assert_int_equal(vcpu->regs.segment[CS].base, 0xFFFF0000);
	assert_int_equal(vcpu->regs.xcr0, 7);
	assert_int_equal(vcpu->regs.pat, 6);
	assert_true(vcpu->regs_changed);
	assert_int_equal(vcpu->event.type, EVENT_NONE);
	assert_int_equal(vcpu->nmis, 0);
	assert_int_equal(vcpu->extint, -1);
	assert_false(vcpu->event_pending);
	assert_false(vcpu->advance);
	assert_int_equal(apic_get(&vcpu->apic, APIC_SVR), 0xFF);
	assert_int_equal(apic_get(&vcpu->apic, APIC_IRR + 0x20), 0);
	assert_int_equal(apic_get(&vcpu->apic, APIC_TPR), 0);
	assert_int_equal(vcpu->apic.due, 0);
	assert_int_equal(vcpu->apic.id, 3);
}

static void assert_untouched(const struct vcpu *vcpu, const struct regs *before)
{
	assert_memory_equal(&vcpu->regs, before, sizeof(*before));
	assert_false(vcpu->regs_changed);
	assert_int_equal(vcpu->event.vector, 13);
	assert_int_equal(vcpu->nmis, 1);
	assert_int_equal(vcpu->extint, 0x33);
	assert_true(vcpu->event_pending);
	assert_true(vcpu->advance);
	assert_int_equal(apic_get(&vcpu->apic, APIC_IRR + 0x20), 0xFF);
	assert_int_equal(vcpu->apic.due, 99);
}

/* One event in one state, and all that it may change. */
static void apply(struct vcpu *vcpu, enum vcpu_state from, enum vcpu_event event)
{
	const char *wanted = table[from][event];
	enum vcpu_action action = action_of(wanted[1]);
	bool resets = action == DO_RESET || action == DO_RESTART;
	uint64_t inits = atomic_load(&vcpu->counts.inits);
	uint64_t ignored = atomic_load(&vcpu->counts.sipis_ignored);
	struct regs before;

	use(vcpu);
	before = vcpu->regs;
	vcpu->start.vector = 1;
	fake_set_state(vcpu, from);
	assert_int_equal(vcpu_apply(vcpu, event, 0x9F), action);
	assert_int_equal(atomic_load(&vcpu->state), state_of(wanted[0]));
	if (resets)
		assert_was_reset(vcpu);
	if (action == DO_SIPI) {
		before.rip = 0;
		before.segment[CS].selector = 0x9F00;
		before.segment[CS].base = 0x9F000;
		assert_true(vcpu->regs_changed);
		vcpu->regs_changed = false;
	}
	if (!resets)
		assert_untouched(vcpu, &before);
	assert_int_equal(vcpu->start.vector, action == DO_SIPI ? 0x9F : 1);
	assert_int_equal(vcpu->start.pending, strchr("ebs", wanted[1]) != NULL);
	assert_int_equal(atomic_load(&vcpu->counts.inits), inits + resets);
	assert_int_equal(atomic_load(&vcpu->counts.sipis_ignored),
			 ignored + (event == ON_SIPI && action == DO_IGNORE));
}

static void test_apply(void **state)
{
	static const uint32_t ids[] = { 3 };
	struct vm *vm;

	(void)state;
	fake_machine(1, false);
	vm = fake_vm_with_ids(1, ids);
	for (unsigned s = 0; s < VCPU_STATE_COUNT; s++)
		for (unsigned e = 0; e < VCPU_EVENT_COUNT; e++)
			apply(vm_vcpu(vm, 0), s, e);
	fake_vm_end(vm);
}

static void test_failure(void **state)
{
	const struct vm_exit exit = { .kind = EXIT_IO, .raw_reason = 30 };
	struct vm *vm;

	(void)state;
	fake_machine(1, false);
	vm = fake_vm(2);
	fake_run_from_start(vm, 0, fake_spin, NULL);
	assert_true(fake_step(0));
	fake_of(vm_vcpu(vm, 0))->regs.segment[CS].base = 0;
	fake_of(vm_vcpu(vm, 0))->regs.rip = FAKE_VM_PAGES * PAGE_SIZE - 3; /* 3 bytes can be read */
	memcpy(vm_memory(vm, FAKE_VM_PAGES * PAGE_SIZE - 3, 3), "\x0F\x01\xC1", 3);
	vcpu_fail(vm_vcpu(vm, 0), "why", &exit);
	assert_int_equal(vm_vcpu(vm, 0)->failure.code_bytes, 3);
	assert_memory_equal(vm_vcpu(vm, 0)->failure.code, "\x0F\x01\xC1", 3);
	assert_ptr_equal(atomic_load(&vm->failed), vm_vcpu(vm, 0));
	assert_int_equal(atomic_load(&vm_vcpu(vm, 0)->state), VCPU_STOPPED);
	assert_string_equal(vm_vcpu(vm, 0)->failure.why, "why");
	assert_int_equal(vm_vcpu(vm, 0)->failure.exit.kind, EXIT_IO);
	assert_int_equal(vm_vcpu(vm, 0)->failure.exit.raw_reason, 30);
	vcpu_fail(vm_vcpu(vm, 1), "without an exit", NULL);
	assert_int_equal(atomic_load(&vm_vcpu(vm, 1)->state), VCPU_STOPPED);
	assert_string_equal(vm_vcpu(vm, 1)->failure.why, "without an exit");
	fake_vm_end(vm);
}

static void test_exceptions(void **state)
{
	struct vm *vm;
	struct vcpu *vcpu;

	(void)state;
	fake_machine(1, false);
	vm = fake_vm(1);
	vcpu = vm_vcpu(vm, 0);
	vcpu->advance = true;
	vcpu_inject_gp(vcpu);
	assert_int_equal(vcpu->event.type, EVENT_EXCEPTION);
	assert_int_equal(vcpu->event.vector, 13);
	assert_true(vcpu->event.has_error);
	assert_int_equal(vcpu->event.error, 0);
	assert_false(vcpu->advance); /* a fault leaves RIP at the instruction */
	vcpu->advance = true;
	vcpu_inject_ud(vcpu);
	assert_int_equal(vcpu->event.type, EVENT_EXCEPTION);
	assert_int_equal(vcpu->event.vector, 6);
	assert_false(vcpu->event.has_error);
	assert_false(vcpu->advance);
	fake_vm_end(vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	cmocka_unit_test(test_table),
		cmocka_unit_test(test_texts),	cmocka_unit_test(test_apply),
		cmocka_unit_test(test_failure), cmocka_unit_test(test_exceptions),
	};

	return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
