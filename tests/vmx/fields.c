/* VMCS fields of a virtual CPU: read and written by encoding, dumped by name, compared. */
#include "lib/text.h"
#include "vm/control.h"

#include "tests/lib/list.h"
#include "tests/lib/state.h"
#include "vmx/vmx.h"

enum { SUBJECT = 1, OTHER = 2, FIELDS_MAX = 256 };

/* All fields of a vCPU at one moment, in the order of the table. */
struct snapshot {
	bool there[FIELDS_MAX]; /* the processor has the field */
	uint64_t value[FIELDS_MAX];
};

/* On the stack of the test that runs. */
static struct snapshot *first, *second;

static void take(struct vcpu *vcpu, void *argument)
{
	struct snapshot *snapshot = argument;

	for (unsigned i = 0; i < vmcs_row_count; i++)
		snapshot->there[i] = backend->field_get(vcpu, vmcs_rows[i].encoding,
							&snapshot->value[i]) == STATUS_OK;
}

static bool take_snapshot(struct fixture *fixture, unsigned slot, struct snapshot *snapshot)
{
	return expect(fixture->run, "the table of fields fits", true,
		      vmcs_row_count <= FIELDS_MAX) &&
	       require(fixture->run, "fields", vcpu_call(fixture->vm->vcpus[slot], take, snapshot));
}

static bool start_and_pause(struct fixture *fixture)
{
	return state_start(fixture, SUBJECT) &&
	       require(fixture->run, "pause", vcpu_pause(fixture->vm->vcpus[SUBJECT]));
}

/* --- one by one --------------------------------------------------------------------------------
 */

struct request {
	struct test_run *run;
	uint32_t encoding;
	uint64_t value;
	enum status status;
};

static void get(struct vcpu *vcpu, void *argument)
{
	struct request *request = argument;

	request->status = backend->field_get(vcpu, request->encoding, &request->value);
}

static void set(struct vcpu *vcpu, void *argument)
{
	struct request *request = argument;

	request->status = backend->field_set(vcpu, request->encoding, request->value);
}

static enum status call(struct fixture *fixture, void (*what)(struct vcpu *vcpu, void *argument),
			struct request *request)
{
	require(fixture->run, "a call", vcpu_call(fixture->vm->vcpus[SUBJECT], what, request));
	return request->status;
}

/* Another value goes in, comes out, and the old one is put back. */
static void exchange(struct vcpu *vcpu, struct test_run *run, const struct vmcs_row *row)
{
	uint64_t mask = vmcs_kept_mask(row->encoding), before, after = 0;
	uint64_t other;

	if (backend->field_get(vcpu, row->encoding, &before) != STATUS_OK)
		return;
	other = (before ^ 0x5A5A5A5A5A5A5A5Aull) & mask;
	expect(run, row->name, STATUS_OK, backend->field_set(vcpu, row->encoding, other));
	expect(run, row->name, STATUS_OK, backend->field_get(vcpu, row->encoding, &after));
	expect_bits(run, row->name, other, after & mask);
	expect(run, row->name, STATUS_OK, backend->field_set(vcpu, row->encoding, before));
	if (mask >> 63 == 0)
		expect(run, "a value that is too wide", STATUS_INVALID,
		       backend->field_set(vcpu, row->encoding, vmcs_width_mask(row->encoding) + 1));
}

static void exchange_all(struct vcpu *vcpu, void *argument)
{
	for (unsigned i = 0; i < vmcs_row_count; i++)
		if (vmcs_type(vmcs_rows[i].encoding) == VMCS_GUEST)
			exchange(vcpu, argument, &vmcs_rows[i]);
}

static void field_access(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct request unknown = { .encoding = 0x7FFE };
	struct request read_only = { .encoding = EXIT_REASON };

	if (start_and_pause(fixture)) {
		require(run, "fields", vcpu_call(fixture->vm->vcpus[SUBJECT], exchange_all, run));
		expect(run, "reading an unknown field", STATUS_NOT_FOUND,
		       call(fixture, get, &unknown));
		expect(run, "writing an unknown field", STATUS_NOT_FOUND,
		       call(fixture, set, &unknown));
		expect(run, "reading the exit reason", STATUS_OK, call(fixture, get, &read_only));
		if (!(vmx_caps.misc & BIT(29)))
			expect(run, "writing a read-only field", STATUS_VM_FAIL_VALID,
			       call(fixture, set, &read_only));
		require(run, "resume", vcpu_resume(fixture->vm->vcpus[SUBJECT]));
		if (state_wait_counting(fixture, SUBJECT))
			state_release(fixture, SUBJECT, "the guest, after all its fields changed");
	}
}

/* A field's value is the guest's: it sees what is written, and what it wrote is read. */
static void field_effect(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct request dr7 = { .encoding = GUEST_DR7 }, rsp = { .encoding = GUEST_RSP };

	if (start_and_pause(fixture)) {
		struct guest_registers *fill =
			(struct guest_registers *)&state_of(fixture, SUBJECT)->fill;

		expect(run, "reading DR7", STATUS_OK, call(fixture, get, &dr7));
		expect_bits(run, "DR7 that the guest wrote", fill->dr7, dr7.value);
		expect(run, "reading RSP", STATUS_OK, call(fixture, get, &rsp));
		expect_bits(run, "RSP that the guest wrote", fill->gpr[RSP], rsp.value);
		/* From here on these are the values that the guest should find. */
		fill->dr7 = dr7.value ^= 0xA4;
		fill->gpr[RSP] = rsp.value ^= 0x1234567890;
		expect(run, "writing DR7", STATUS_OK, call(fixture, set, &dr7));
		expect(run, "writing RSP", STATUS_OK, call(fixture, set, &rsp));
		require(run, "resume", vcpu_resume(fixture->vm->vcpus[SUBJECT]));
		state_release(fixture, SUBJECT, "after DR7 and RSP were written");
	}
}

/* --- all at once -------------------------------------------------------------------------------
 */

static struct {
	struct test_run *run;
	unsigned lines, fields;
} dump;

static uint64_t hex(const char *text, unsigned digits)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < digits; i++) {
		char c = text[i];

		value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

/* "0802 GUEST_CS_SELECTOR ... 0123456789abcdef" */
static void dump_line(const char *text)
{
	size_t length = text_length(text);
	uint32_t encoding = (uint32_t)hex(text, 4);
	const char *name;

	if (dump.lines++ == 0)
		return; /* the exit reason */
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		if (vmcs_rows[i].encoding != encoding)
			continue;
		dump.fields++;
		name = vmcs_rows[i].name;
		for (size_t n = 0; name[n] || text[5 + n] != ' '; n++)
			if (!expect_bits(dump.run, name, (uint8_t)name[n], (uint8_t)text[5 + n]))
				return;
		expect_bits(dump.run, name, first->value[i], hex(text + length - 16, 16));
	}
}

static void take_and_dump(struct vcpu *vcpu, void *argument)
{
	take(vcpu, argument);
	backend->dump(vcpu, dump_line);
}

static void field_dump(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct snapshot space[2];
	unsigned there = 0;

	first = &space[0];
	second = &space[1];
	dump.run = run;
	dump.lines = dump.fields = 0;
	if (start_and_pause(fixture) &&
	    expect(run, "the table of fields fits", true, vmcs_row_count <= FIELDS_MAX)) {
		require(run, "dump", vcpu_call(fixture->vm->vcpus[SUBJECT], take_and_dump, first));
		for (unsigned i = 0; i < vmcs_row_count; i++)
			there += first->there[i];
		expect(run, "at least the basic fields", true, there >= 60);
		expect(run, "fields in the dump", there, dump.fields);
		expect(run, "lines of the dump", 1 + there, dump.lines);
	}
}

/* --- two moments -------------------------------------------------------------------------------
 */

static bool of_host(uint32_t encoding)
{
	return vmcs_type(encoding) == VMCS_HOST;
}

/* What the guest's progress may change, and an entry from another depth of the host's stack. */
static bool of_progress(uint32_t encoding)
{
	return vmcs_type(encoding) == VMCS_READ_ONLY || encoding == GUEST_RIP ||
	       encoding == GUEST_RFLAGS || encoding == PREEMPTION_TIMER_VALUE ||
	       encoding == HOST_RSP;
}

static bool of_none(uint32_t encoding)
{
	(void)encoding;
	return false;
}

/* All fields but those that may change are equal. Reading fields that are missing sets the error.
 */
static void compare(struct test_run *run, bool (*may_change)(uint32_t encoding))
{
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		const struct vmcs_row *row = &vmcs_rows[i];

		if (row->encoding == VM_INSTRUCTION_ERROR || may_change(row->encoding))
			continue;
		if (first->there[i] && second->there[i])
			expect_bits(run, row->name, first->value[i], second->value[i]);
	}
}

static uint64_t value_of(const struct snapshot *snapshot, uint32_t encoding)
{
	for (unsigned i = 0; i < vmcs_row_count; i++)
		if (vmcs_rows[i].encoding == encoding)
			return snapshot->value[i];
	return 0;
}

static void moments(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct vcpu *vcpu = fixture->vm->vcpus[SUBJECT];

	/* Another vCPU has the processor meanwhile. */
	if (!take_snapshot(fixture, SUBJECT, first) || !state_start(fixture, OTHER) ||
	    !take_snapshot(fixture, SUBJECT, second))
		return;
	compare(run, of_none);
	if (!require(run, "resume", vcpu_resume(vcpu)) || !state_wait_counting(fixture, SUBJECT) ||
	    !require(run, "pause", vcpu_pause(vcpu)) || !take_snapshot(fixture, SUBJECT, second))
		return;
	compare(run, of_progress);
	if (!require(run, "resume", vcpu_resume(vcpu)))
		return;
	state_release(fixture, SUBJECT, "the guest");
	if (fixture_wait_state(fixture, SUBJECT, VCPU_HALTED) &&
	    take_snapshot(fixture, SUBJECT, second))
		expect_cited(run, SPEC_VMCS_GUEST_STATE, "RIP has changed", true,
			     value_of(first, GUEST_RIP) != value_of(second, GUEST_RIP));
}

static void field_moments(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct snapshot space[2];
	int cpu = (int)cpu_in_use(cpus_in_use() - 1)->index;

	first = &space[0];
	second = &space[1];
	if (require(run, "affinity", vcpu_set_affinity(fixture->vm->vcpus[SUBJECT], cpu)) &&
	    require(run, "affinity", vcpu_set_affinity(fixture->vm->vcpus[OTHER], cpu)) &&
	    start_and_pause(fixture))
		moments(fixture);
}

/* The guest's fields travel; the host's are the new processor's. */
static void field_migration(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct snapshot space[2];
	struct vcpu *vcpu;

	first = &space[0];
	second = &space[1];
	vcpu = fixture->vm->vcpus[SUBJECT];
	if (require(run, "affinity", vcpu_set_affinity(vcpu, 0)) && start_and_pause(fixture) &&
	    take_snapshot(fixture, SUBJECT, first) &&
	    require(run, "affinity", vcpu_set_affinity(vcpu, (int)cpu_in_use(1)->index)) &&
	    take_snapshot(fixture, SUBJECT, second)) {
		compare(run, of_host);
		expect(run, "GS base of the host has changed", true,
		       value_of(first, HOST_GS_BASE) != value_of(second, HOST_GS_BASE));
		expect(run, "TR base of the host has changed", true,
		       value_of(first, HOST_TR_BASE) != value_of(second, HOST_TR_BASE));
	}
}

/* "This field exists only on processors that support ...": all of this machine are alike. */
static void same_fields(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct snapshot space[2];

	first = &space[0];
	second = &space[1];
	if (take_snapshot(fixture, 0, first))
		for (unsigned id = 1; id < fixture->vcpus; id++) {
			if (!take_snapshot(fixture, id, second))
				break;
			for (unsigned i = 0; i < vmcs_row_count; i++)
				expect(run, vmcs_rows[i].name, first->there[i], second->there[i]);
		}
}

#define LONG_MODE (NEEDS_GUEST | BIT(CAP_LONG_MODE))
#define ROW "vCPU: VMCS fields"

static const struct test rows[] = {
	{ "vcpu.fields.access", SPEC_VMCS_ACCESS, fixture_run, .body = field_access,
	  .guest = STATE_GUEST(2), .needs = LONG_MODE, .row = ROW },
	{ "vcpu.fields.effect", SPEC_VMCS_GUEST_STATE, fixture_run, .body = field_effect,
	  .guest = STATE_GUEST(2), .needs = LONG_MODE, .row = ROW },
	{ "vcpu.fields.dump", SPEC_VMCS_ACCESS, fixture_run, .body = field_dump,
	  .guest = STATE_GUEST(2), .needs = LONG_MODE, .row = ROW },
	{ "vcpu.fields.moments", SPEC_VMCS_GUEST_STATE, fixture_run, .body = field_moments,
	  .guest = STATE_GUEST(3), .needs = LONG_MODE, .row = ROW },
	{ "vcpu.fields.migration", SPEC_VMCS_HOST_STATE, fixture_run, .body = field_migration,
	  .guest = STATE_GUEST(2), .needs = LONG_MODE, .cpus = 2, .row = ROW },
	{ "vcpu.fields.same_everywhere", SPEC_VMCS_ENCODING, fixture_run, .body = same_fields,
	  .guest = GUEST(.vcpus = 0), .needs = NEEDS_GUEST, .cpus = 2, .row = ROW },
};

TEST_GROUP(fields, rows);
