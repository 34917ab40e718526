/* Fields of a virtual CPU's control structure, the VMCS or VMCB: read and written by encoding,
 * dumped by name, compared. Which there are the backend says. */
#include "lib/text.h"
#include "vm/control.h"
#include "vm/cpu.h"
#include "vm/dump.h"

#include "tests/lib/list.h"
#include "tests/lib/state.h"

enum { SUBJECT = 1, OTHER = 2, FIELDS_MAX = 256, UNKNOWN_FIELD = 0x7FFE };

/* All fields of a vCPU at one moment, in the order of the rows. */
struct snapshot {
	bool there[FIELDS_MAX]; /* the processor has the field */
	uint64_t value[FIELDS_MAX];
};

/* On the stack of the test that runs. */
static struct snapshot *first, *second;

static void take(struct vcpu *vcpu, void *argument)
{
	struct snapshot *snapshot = argument;
	struct field field;

	for (unsigned i = 0; i < FIELDS_MAX && backend->field(i, &field); i++)
		snapshot->there[i] =
			backend->field_get(vcpu, field.encoding, &snapshot->value[i]) == STATUS_OK;
}

static bool take_snapshot(struct fixture *fixture, unsigned slot, struct snapshot *snapshot)
{
	struct field field;

	return expect(fixture->run, "the table of fields fits", false,
		      backend->field(FIELDS_MAX, &field)) &&
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
static void exchange(struct vcpu *vcpu, struct test_run *run, const struct field *field)
{
	uint64_t before, after = 0, other;

	if (backend->field_get(vcpu, field->encoding, &before) != STATUS_OK)
		return;
	other = (before ^ 0x5A5A5A5A5A5A5A5Aull) & field->kept;
	expect(run, field->name, STATUS_OK, backend->field_set(vcpu, field->encoding, other));
	expect(run, field->name, STATUS_OK, backend->field_get(vcpu, field->encoding, &after));
	expect_bits(run, field->name, other, after & field->kept);
	expect(run, field->name, STATUS_OK, backend->field_set(vcpu, field->encoding, before));
	if (field->bits < 64)
		expect(run, "a value that is too wide", STATUS_INVALID,
		       backend->field_set(vcpu, field->encoding, BIT(field->bits)));
}

static void exchange_all(struct vcpu *vcpu, void *argument)
{
	struct field field;

	for (unsigned i = 0; backend->field(i, &field); i++)
		if (field.kind == FIELD_GUEST)
			exchange(vcpu, argument, &field);
}

/* The row of a role; every backend has one of each. */
static unsigned row_of(enum field_role role, struct field *field)
{
	unsigned row = 0;

	while (backend->field(row, field) && field->role != role)
		row++;
	return row;
}

static void field_access(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct request unknown = { .encoding = UNKNOWN_FIELD };

	if (start_and_pause(fixture)) {
		require(run, "fields", vcpu_call(fixture->vm->vcpus[SUBJECT], exchange_all, run));
		expect(run, "reading an unknown field", STATUS_NOT_FOUND,
		       call(fixture, get, &unknown));
		expect(run, "writing an unknown field", STATUS_NOT_FOUND,
		       call(fixture, set, &unknown));
		require(run, "resume", vcpu_resume(fixture->vm->vcpus[SUBJECT]));
		if (state_wait_counting(fixture, SUBJECT))
			state_release(fixture, SUBJECT, "the guest, after all its fields changed");
	}
}

/* A field's value is the guest's: it sees what is written, and what it wrote is read. */
static void field_effect(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct field dr7_field, rsp_field;
	struct request dr7, rsp;

	row_of(FIELD_DR7, &dr7_field);
	row_of(FIELD_RSP, &rsp_field);
	dr7 = (struct request){ .encoding = dr7_field.encoding };
	rsp = (struct request){ .encoding = rsp_field.encoding };
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
	struct field field;

	if (dump.lines++ == 0)
		return; /* the last exit */
	for (unsigned i = 0; backend->field(i, &field); i++) {
		if (field.encoding != encoding)
			continue;
		dump.fields++;
		for (size_t n = 0; field.name[n]; n++)
			if (!expect_bits(dump.run, field.name, (uint8_t)field.name[n],
					 (uint8_t)text[5 + n]))
				return;
		expect_bits(dump.run, field.name, first->value[i], hex(text + length - 16, 16));
	}
}

static void take_and_dump(struct vcpu *vcpu, void *argument)
{
	take(vcpu, argument);
	vcpu_dump(vcpu, dump_line);
}

static void field_dump(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct snapshot space[2];
	struct field field;
	unsigned there = 0;

	first = &space[0];
	second = &space[1];
	dump.run = run;
	dump.lines = dump.fields = 0;
	if (start_and_pause(fixture) &&
	    expect(run, "the table of fields fits", false, backend->field(FIELDS_MAX, &field))) {
		require(run, "dump", vcpu_call(fixture->vm->vcpus[SUBJECT], take_and_dump, first));
		for (unsigned i = 0; backend->field(i, &field); i++)
			there += first->there[i];
		expect(run, "at least the basic fields", true, there >= 60);
		expect(run, "fields in the dump", there, dump.fields);
		expect(run, "lines of the dump", 1 + there, dump.lines);
	}
}

/* --- two moments -------------------------------------------------------------------------------
 */

static bool of_host(const struct field *field)
{
	return field->kind == FIELD_HOST;
}

static bool of_progress(const struct field *field)
{
	return field->role == FIELD_MOVES || field->role == FIELD_RIP;
}

static bool of_none(const struct field *field)
{
	(void)field;
	return false;
}

/*
 * All fields but those that may change are equal. Those that tell about an error of ours: reading
 * fields that are missing sets it.
 */
static void compare(struct test_run *run, bool (*may_change)(const struct field *field))
{
	struct field field;

	for (unsigned i = 0; backend->field(i, &field); i++) {
		if (field.kind == FIELD_INFORMATION || may_change(&field))
			continue;
		if (first->there[i] && second->there[i])
			expect_bits(run, field.name, first->value[i], second->value[i]);
	}
}

static void moments(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct vcpu *vcpu = fixture->vm->vcpus[SUBJECT];
	struct field field;

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
	    take_snapshot(fixture, SUBJECT, second)) {
		const unsigned rip = row_of(FIELD_RIP, &field);

		expect_cited(run, SPEC_VMCS_GUEST_STATE, "RIP has changed", true,
			     first->value[rip] != second->value[rip]);
	}
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

/* The guest's fields travel; the host's, where there are any, are the new processor's. */
static void field_migration(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct snapshot space[2];
	struct field field;
	struct vcpu *vcpu;
	unsigned of_hosts = 0, changed = 0;

	first = &space[0];
	second = &space[1];
	vcpu = fixture->vm->vcpus[SUBJECT];
	if (require(run, "affinity", vcpu_set_affinity(vcpu, 0)) && start_and_pause(fixture) &&
	    take_snapshot(fixture, SUBJECT, first) &&
	    require(run, "affinity", vcpu_set_affinity(vcpu, (int)cpu_in_use(1)->index)) &&
	    take_snapshot(fixture, SUBJECT, second)) {
		compare(run, of_host);
		for (unsigned i = 0; backend->field(i, &field); i++)
			if (of_host(&field)) {
				of_hosts++;
				changed += first->value[i] != second->value[i];
			}
		/* GS and TR bases at least: each processor has its own. */
		expect(run, "fields of the host have changed", true, !of_hosts || changed >= 2);
	}
}

/* "This field exists only on processors that support ...": all of this machine are alike. */
static void same_fields(struct fixture *fixture)
{
	struct test_run *run = fixture->run;
	struct snapshot space[2];
	struct field field;

	first = &space[0];
	second = &space[1];
	if (take_snapshot(fixture, 0, first))
		for (unsigned id = 1; id < fixture->vcpus; id++) {
			if (!take_snapshot(fixture, id, second))
				break;
			for (unsigned i = 0; backend->field(i, &field); i++)
				expect(run, field.name, first->there[i], second->there[i]);
		}
}

#define LONG_MODE (NEEDS_GUEST | BIT(CAP_LONG_MODE))
#define ROW "vCPU: fields of the VMCS or VMCB"

#define MEANS_FIELDS                                                                               \
	"A VMCS field does not keep its value, or is not what the guest has: a hypervisor cannot " \
	"save, restore or inspect guests."

static const struct test rows[] = {
	{ "vcpu.fields.access", SPEC_VMCS_ACCESS, fixture_run, .body = field_access,
	  .guest = STATE_GUEST(2), .needs = LONG_MODE, .row = ROW,
	  EXPLAINS("Every guest field of a vCPU takes another value and gives it back; unknown and "
		   "read-only ones are refused.",
		   MEANS_FIELDS) },
	{ "vcpu.fields.effect", SPEC_VMCS_GUEST_STATE, fixture_run, .body = field_effect,
	  .guest = STATE_GUEST(2), .needs = LONG_MODE, .row = ROW,
	  EXPLAINS("What is written to DR7 and RSP fields the guest sees, and what the guest wrote "
		   "is read there.",
		   MEANS_FIELDS) },
	{ "vcpu.fields.dump", SPEC_VMCS_ACCESS, fixture_run, .body = field_dump,
	  .guest = STATE_GUEST(2), .needs = LONG_MODE, .row = ROW,
	  EXPLAINS("The dump of a vCPU has every field that the processor has, with its value.",
		   MEANS_FIELDS) },
	{ "vcpu.fields.moments", SPEC_VMCS_GUEST_STATE, fixture_run, .body = field_moments,
	  .guest = STATE_GUEST(3), .needs = LONG_MODE, .row = ROW,
	  EXPLAINS("While a vCPU is paused no field changes; when it went on, only those of its "
		   "progress.",
		   MEANS_FIELDS) },
	{ "vcpu.fields.migration", SPEC_VMCS_HOST_STATE, fixture_run, .body = field_migration,
	  .guest = STATE_GUEST(2), .needs = LONG_MODE, .cpus = 2, .row = ROW,
	  EXPLAINS("A vCPU that moves keeps its guest fields and gets the host fields of its new "
		   "processor.",
		   MEANS_FIELDS) },
	{ "vcpu.fields.same_everywhere", SPEC_VMCS_ENCODING, fixture_run, .body = same_fields,
	  .guest = GUEST(.vcpus = 0), .needs = NEEDS_GUEST, .cpus = 2, .row = ROW,
	  EXPLAINS("All processors of the machine have the same VMCS fields.",
		   "Processors differ in the VMCS fields that they have: a vCPU that moves may "
		   "fail to enter.") },
};

TEST_GROUP(fields, rows);
