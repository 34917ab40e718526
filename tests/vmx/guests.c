/* The VMX instructions in VMX non-root operation, and VMLAUNCH and VMRESUME that enter. */
#include "lib/pages.h"
#include "platform.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/vmx/instructions.h"
#include "tests/vmx/trial.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

#define AT(name) (trial->state.value[AT_##name])

/* ---- modes and privilege levels ---- */

enum form { PLAIN, MEMORY, REGISTER };

/* ModRM.reg: the operand in memory has its address behind ModRM, registers are ECX and EAX. */
static const struct guest_row {
	const char *name;
	uint8_t length, opcode[4];
	uint8_t form, reg;
	uint8_t reason; /* of the exit */
} guest_rows[] = {
	{ "VMCLEAR", 3, { 0x66, 0x0F, 0xC7 }, MEMORY, 6, REASON_VMCLEAR },
	{ "VMLAUNCH", 3, { 0x0F, 0x01, 0xC2 }, PLAIN, 0, REASON_VMLAUNCH },
	{ "VMPTRLD", 2, { 0x0F, 0xC7 }, MEMORY, 6, REASON_VMPTRLD },
	{ "VMPTRST", 2, { 0x0F, 0xC7 }, MEMORY, 7, REASON_VMPTRST },
	{ "VMREAD", 2, { 0x0F, 0x78 }, REGISTER, 0, REASON_VMREAD },
	{ "VMRESUME", 3, { 0x0F, 0x01, 0xC3 }, PLAIN, 0, REASON_VMRESUME },
	{ "VMWRITE", 2, { 0x0F, 0x79 }, REGISTER, 0, REASON_VMWRITE },
	{ "VMXOFF", 3, { 0x0F, 0x01, 0xC4 }, PLAIN, 0, REASON_VMXOFF },
	{ "VMXON", 3, { 0xF3, 0x0F, 0xC7 }, MEMORY, 6, REASON_VMXON },
	{ "INVEPT", 4, { 0x66, 0x0F, 0x38, 0x80 }, MEMORY, 0, REASON_INVEPT },
	{ "INVVPID", 4, { 0x66, 0x0F, 0x38, 0x81 }, MEMORY, 0, REASON_INVVPID },
	{ "VMCALL", 3, { 0x0F, 0x01, 0xC1 }, PLAIN, 0, REASON_VMCALL },
};

static void emit_row(struct trial *trial, const struct guest_row *row)
{
	const bool wide = trial->base != BASE_REAL && trial->base != BASE_V86;
	const uint8_t modrm =
		row->form == REGISTER ? 0xC1 : (uint8_t)(row->reg << 3 | (wide ? 5 : 6));
	const uint32_t address = trial_operand(trial);

	trial_emit(trial, row->opcode, row->length);
	if (row->form == PLAIN)
		return;
	trial_emit(trial, &modrm, 1);
	if (row->form == MEMORY)
		trial_emit(trial, &address, wide ? 4 : 2);
}

/* All but VMCALL, which exits in every mode. */
static void undefined_in(struct trial *trial, const char *rule, enum entry_base base,
			 const char *mode)
{
	for (unsigned i = 0; i < ARRAY_SIZE(guest_rows); i++) {
		const struct guest_row *row = &guest_rows[i];

		if (!trial_begin(trial, base))
			return;
		emit_row(trial, row);
		check(trial->stage, rule,
		      row->reason == REASON_VMCALL ? EXITS(REASON_VMCALL) : EXITS_BY(VECTOR_UD),
		      trial_run(trial), "%s in %s", row->name, mode);
	}
}

/* The processor has it; that one is undefined otherwise. */
static bool is_there(const struct stage *stage, const struct guest_row *row)
{
	return (row->reason != REASON_INVEPT || stage->invept) &&
	       (row->reason != REASON_INVVPID || stage->invvpid);
}

static void user_exits(struct trial *trial)
{
	for (unsigned i = 0; i < ARRAY_SIZE(guest_rows); i++) {
		if (!is_there(trial->stage, &guest_rows[i]))
			continue;
		if (!trial_begin_user(trial))
			return;
		emit_row(trial, &guest_rows[i]);
		check(trial->stage, "exit.cpl3", EXITS(guest_rows[i].reason), trial_run(trial),
		      "%s", guest_rows[i].name);
	}
}

void guest_checks(struct stage *stage)
{
	struct trial trial;

	if (!trial_open(&trial, stage))
		return;
	undefined_in(&trial, "mode.real", BASE_REAL, "real mode");
	undefined_in(&trial, "mode.real", BASE_V86, "virtual-8086 mode");
	undefined_in(&trial, "mode.compat", BASE_COMPAT, "compatibility mode");
	user_exits(&trial);
	trial_close(&trial);
}

/* ---- VMFUNC ---- */

/* MOV EAX, MOV ECX, VMFUNC: the same bytes in 32-bit and 64-bit code. */
static void emit_vmfunc(struct trial *trial, uint32_t eax, uint32_t ecx)
{
	static const uint8_t mov_eax = 0xB8, mov_ecx = 0xB9, vmfunc[] = { 0x0F, 0x01, 0xD4 };

	trial_emit(trial, &mov_eax, 1);
	trial_emit(trial, &eax, sizeof(eax));
	trial_emit(trial, &mov_ecx, 1);
	trial_emit(trial, &ecx, sizeof(ecx));
	trial_emit(trial, vmfunc, sizeof(vmfunc));
}

static void allow_functions(struct trial *trial, uint64_t functions)
{
	AT(PRIMARY_CONTROLS) |= CONTROL_MASK(PRIMARY_SECONDARY);
	AT(SECONDARY_CONTROLS) |=
		CONTROL_MASK(SECONDARY_EPT) | CONTROL_MASK(SECONDARY_VM_FUNCTIONS);
	AT(VM_FUNCTION_CONTROLS) = functions;
}

static void vmfunc_off(struct trial *trial)
{
	if (trial_begin(trial, BASE_64)) {
		emit_vmfunc(trial, 0, 0);
		check(trial->stage, "vmfunc.off", EXITS_BY(VECTOR_UD), trial_run(trial), "CPL 0");
	}
	if (trial_begin_user(trial)) {
		emit_vmfunc(trial, 0, 0);
		check(trial->stage, "vmfunc.off", EXITS_BY(VECTOR_UD), trial_run(trial), "CPL 3");
	}
}

static void function(struct trial *trial, const char *rule, uint64_t functions, uint32_t eax,
		     uint32_t ecx, struct ending wanted)
{
	if (!trial_begin(trial, BASE_64))
		return;
	allow_functions(trial, functions);
	emit_vmfunc(trial, eax, ecx);
	check(trial->stage, rule, wanted, trial_run(trial), "EAX %XH, ECX %XH, functions %llXH",
	      eax, ecx, (unsigned long long)functions);
}

/* MOV RAX with bit 32 set; EAX is 1. */
static void wide_rax(struct trial *trial)
{
	static const uint8_t code[] = { 0x48, 0xB8, 1, 0, 0, 0, 1, 0, 0, 0, 0x0F, 0x01, 0xD4 };

	if (!trial_begin(trial, BASE_64))
		return;
	allow_functions(trial, 0);
	trial_emit(trial, code, sizeof(code));
	check(trial->stage, "vmfunc.eax", EXITS(REASON_VMFUNC), trial_run(trial), "RAX 100000001H");
}

static void function_numbers(struct trial *trial)
{
	static const uint32_t too_high[] = { 64, 0x80000000, 0xFFFFFFFF }, off[] = { 0, 1, 63 };

	for (unsigned i = 0; i < ARRAY_SIZE(too_high); i++)
		function(trial, "vmfunc.eax", 0, too_high[i], 0, EXITS_BY(VECTOR_UD));
	wide_rax(trial);
	for (unsigned i = 0; i < ARRAY_SIZE(off); i++)
		function(trial, "vmfunc.disabled", 0, off[i], 0, EXITS(REASON_VMFUNC));
}

/* ---- EPTP switching ---- */

enum { LIST_ENTRIES = 512, EPTP_ENTRY_BAD_TYPE = 7 };

static uint64_t *eptp_list(struct trial *trial)
{
	return (uint64_t *)(trial->seat.pages + PAGE_SPARE * (size_t)PAGE_SIZE);
}

/* By the state's EPT pointer: what an entry would refuse. */
static void bad_eptps(struct trial *trial)
{
	const uint64_t good = trial->seat.ground.eptp, cap = trial->seat.ground.machine.ept_vpid;
	const uint64_t bad[] = {
		good ^ 7,
		good ^ 1 << 3,
		good | BIT(8),
		good | BIT(11),
		good | BIT(trial->seat.ground.machine.physical_bits),
		good | BIT(63),
		good | (cap & BIT(21) ? 7 : BIT(6)), /* accessed and dirty flags */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		eptp_list(trial)[3] = bad[i];
		function(trial, "vmfunc.eptp", 1, 0, 3, EXITS(REASON_VMFUNC));
	}
	eptp_list(trial)[3] = good;
}

/* Into a map of its own, and into one where nothing is mapped: the next fetch exits. */
static void switches(struct trial *trial, const uint64_t *other, uint64_t *empty)
{
	const uint64_t eptp = (physical(other) | (trial->seat.ground.eptp & PAGE_MASK));
	uint64_t value = 0;

	eptp_list(trial)[5] = eptp;
	function(trial, "vmfunc.switch", 1, 0, 5, EXITS(REASON_CPUID));
	(void)!vmread_try(EPT_POINTER, &value);
	check_number(trial->stage, "vmfunc.switch", eptp, value, "EPT_POINTER");
	if (vmread_try(EPTP_INDEX, &value) == STATUS_OK)
		check_number(trial->stage, "vmfunc.switch", 5, value, "EPTP_INDEX");
	probe_renew(&trial->seat.probe);
	eptp_list(trial)[6] = physical(empty) | (trial->seat.ground.eptp & PAGE_MASK);
	function(trial, "vmfunc.switch", 1, 0, 6, EXITS(REASON_EPT_VIOLATION));
	probe_renew(&trial->seat.probe);
	if (trial_begin_user(trial)) {
		allow_functions(trial, 1);
		AT(EPT_POINTER) = trial->seat.ground.eptp;
		emit_vmfunc(trial, 0, 5);
		check(trial->stage, "vmfunc.switch", EXITS(REASON_CPUID), trial_run(trial),
		      "CPL 3");
		probe_renew(&trial->seat.probe);
	}
}

static void eptp_switching(struct trial *trial)
{
	unsigned pages;
	uint64_t *other = ground_map(&pages), *empty = pages_alloc(1);

	if (!other || !empty) {
		trial->stage->ledger.status = STATUS_NO_MEMORY;
	} else {
		for (unsigned i = 0; i < LIST_ENTRIES; i++)
			eptp_list(trial)[i] = trial->seat.ground.eptp;
		function(trial, "vmfunc.index", 1, 0, 511, EXITS(REASON_CPUID));
		function(trial, "vmfunc.index", 1, 0, 512, EXITS(REASON_VMFUNC));
		function(trial, "vmfunc.index", 1, 0, 0xFFFFFFFF, EXITS(REASON_VMFUNC));
		bad_eptps(trial);
		switches(trial, other, empty);
	}
	ground_unmap(other, pages);
	pages_free(empty, 1);
}

void guest_vmfunc_checks(struct stage *stage)
{
	struct trial trial;

	if (!trial_open(&trial, stage))
		return;
	vmfunc_off(&trial);
	if (!trial.map || !vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_VM_FUNCTIONS)))
		stage_note(stage, "not here: VM functions");
	else
		function_numbers(&trial);
	if (trial.map && trial.seat.ground.machine.vm_functions & 1)
		eptp_switching(&trial);
	else
		stage_note(stage, "not here: EPTP switching");
	trial_close(&trial);
}

/* ---- launch states ---- */

/* The state enters and exits at once; the VMCS is launched then. */
static struct ending enter_well(struct trial *trial)
{
	if (!trial_begin(trial, BASE_64))
		return SUCCEEDS;
	return trial_run(trial);
}

/* What the VMCS is, whatever the probe knows: the next entry is a VMRESUME, or a VMLAUNCH. */
static struct ending enter_as(struct trial *trial, bool launched)
{
	trial->seat.probe.launched = launched;
	return trial_run(trial);
}

/* Loads the probe's VMCS again after one of the stage's. */
static void clear_by(struct trial *trial, bool current)
{
	const uint64_t pointer = physical(trial->seat.probe.vmcs);

	if (!current)
		stage_load(trial->stage, STAGE_OTHER);
	check(trial->stage, "vmclear.clears", SUCCEEDS, attempt_pointer(INSN_VMCLEAR, pointer),
	      "VMCLEAR, %s", current ? "current" : "not current");
	check(trial->stage, "vmclear.clears", SUCCEEDS, attempt_pointer(INSN_VMPTRLD, pointer),
	      "VMPTRLD");
}

static void clears(struct trial *trial, bool current)
{
	const char *how = current ? "current" : "not current";

	check(trial->stage, "vmclear.clears", EXITS(REASON_CPUID), enter_well(trial), "a guest");
	clear_by(trial, current);
	check(trial->stage, "vmclear.clears", FAILS(5), enter_as(trial, true), "VMRESUME, %s", how);
	check(trial->stage, "vmclear.clears", EXITS(REASON_CPUID), enter_as(trial, false),
	      "VMLAUNCH, %s", how);
	clear_by(trial, current);
	check(trial->stage, "vmclear.clears", EXITS(REASON_CPUID), enter_as(trial, false),
	      "VMLAUNCH, %s", how);
}

/* What makes an entry fail, by the kind of failure. */
static const struct failure {
	const char *what;
	uint8_t kind;
	uint16_t number;
	struct {
		uint16_t at;
		uint64_t value;
	} set[4];
} failures[] = {
	{ "a control", ENDED_VALID, 7, { { AT_PIN_BASED_CONTROLS, 0 } } },
	{ "host state", ENDED_VALID, 8, { { AT_HOST_TR_SELECTOR, 0 } } },
	{ "guest state", ENDED_REFUSED, REASON_ENTRY_GUEST_STATE, { { AT_GUEST_RFLAGS, 0 } } },
	{ "an MSR",
	  ENDED_REFUSED,
	  REASON_ENTRY_MSR_LOAD,
	  { { AT_ENTRY_MSR_LOAD_COUNT, 1 },
	    { AT_MSR_LOAD_POSITION, 1 },
	    { AT_MSR_LOAD_INDEX, IA32_FS_BASE } } },
};

static void spoil(struct trial *trial, const struct failure *failure)
{
	for (unsigned i = 0; i < ARRAY_SIZE(failure->set); i++)
		if (failure->set[i].at)
			trial->state.value[failure->set[i].at] = failure->set[i].value;
}

static void keeps_state(struct trial *trial, const struct failure *failure)
{
	const struct ending wanted = { failure->kind, 0, failure->number };

	if (!trial_begin(trial, BASE_64))
		return;
	spoil(trial, failure);
	check(trial->stage, "launch.state_kept", wanted, enter_as(trial, false), "VMLAUNCH, %s",
	      failure->what);
	check(trial->stage, "launch.state_kept", FAILS(5), enter_as(trial, true), "VMRESUME, %s",
	      failure->what);
	check(trial->stage, "launch.state_kept", EXITS(REASON_CPUID), enter_well(trial),
	      "VMLAUNCH after %s", failure->what);
	(void)trial_begin(trial, BASE_64);
	spoil(trial, failure);
	check(trial->stage, "launch.state_kept", wanted, enter_as(trial, true), "VMRESUME, %s",
	      failure->what);
	(void)trial_begin(trial, BASE_64);
	check(trial->stage, "launch.state_kept", EXITS(REASON_CPUID), enter_as(trial, true),
	      "VMRESUME after %s", failure->what);
	check(trial->stage, "launch.not_clear", FAILS(4), enter_as(trial, false), "VMLAUNCH");
}

/* Two violations at once: those of the controls and the host come first, in either order. */
static void orders(struct trial *trial)
{
	for (unsigned first = 0; first < 2; first++)
		for (unsigned second = first + 1; second < ARRAY_SIZE(failures); second++) {
			struct ending got, wanted = FAILS(failures[first].number);

			if (!trial_begin(trial, BASE_64))
				return;
			spoil(trial, &failures[first]);
			spoil(trial, &failures[second]);
			got = enter_as(trial, false);
			if (second == 1 && got.number == failures[second].number)
				wanted = FAILS(failures[second].number);
			check(trial->stage, "launch.order", wanted, got, "%s and %s",
			      failures[first].what, failures[second].what);
		}
}

/* RFLAGS.TF raises #DB after a VMfail, not after what loads the host state. */
static void single_step(struct trial *trial, const struct failure *failure)
{
	const uint64_t dr6 = read_dr6();
	uint64_t wanted = ENTER_LEFT;

	if (enter_well(trial).kind != ENDED_EXIT) /* writes the state to the VMCS */
		return;
	if (failure) {
		spoil(trial, failure);
		probe_set_all(&trial->seat.probe, &trial->state);
		if (failure->kind == ENDED_VALID)
			wanted = ENTER_RAISED | VECTOR_DB;
	}
	clear_by(trial, true);
	check_number(trial->stage, "launch.tf", wanted, attempt_enter(RFLAGS_TF), "VMLAUNCH, %s",
		     failure ? failure->what : "a good state");
	write_dr6(dr6);
	probe_renew(&trial->seat.probe);
}

static void single_steps(struct trial *trial)
{
	single_step(trial, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(failures); i++)
		single_step(trial, &failures[i]);
}

/* With a launched VMCS; the probe has made VM_INSTRUCTION_ERROR 12 before the entry. */
static void launched(struct trial *trial)
{
	check(trial->stage, "launch.not_clear", EXITS(REASON_CPUID), enter_well(trial), "a guest");
	check_number(trial->stage, "error.kept", 12, vmread(VM_INSTRUCTION_ERROR),
		     "over an entry and an exit");
	check(trial->stage, "launch.mov_ss", FAILS(26), attempt(INSN_VMLAUNCH_MOV_SS, 0, 0),
	      "VMLAUNCH of a launched VMCS");
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR)) /* which may take it as a call */
		check(trial->stage, "vmcall.root", FAILS(1), attempt(INSN_VMCALL, 0, 0),
		      "a launched VMCS");
	check(trial->stage, "launch.not_clear", FAILS(4), enter_as(trial, false), "VMLAUNCH");
}

void launched_checks(struct stage *stage)
{
	struct trial trial;

	if (!trial_open(&trial, stage))
		return;
	launched(&trial);
	clears(&trial, true);
	clears(&trial, false);
	(void)trial_begin(&trial, BASE_64);
	for (unsigned i = 0; i < ARRAY_SIZE(failures); i++) {
		clear_by(&trial, true);
		keeps_state(&trial, &failures[i]);
	}
	orders(&trial);
	single_steps(&trial);
	trial_close(&trial);
}
