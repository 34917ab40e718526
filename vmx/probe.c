#include "vmx/probe.h"

#include "platform.h"
#include "vm/cpu.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "vmx/insn.h"

enum {
	INTERRUPTS_MAX = 8, /* that end one entry before it counts as one that entered */
	ERROR_NOT_CLEAR = 4,
	ERROR_NOT_LAUNCHED = 5,
};
#define STALE_QUALIFICATION 0x5A5A5A5A5A5A5A5Aull
#define AT(name) (probe->now.value[AT_##name])

/* Of the entry controls: those that load what an exit need not load again. */
#define LOADS_KEPT                                                                                 \
	(CONTROL_MASK(ENTRY_LOAD_PERF) | CONTROL_MASK(ENTRY_LOAD_PAT) |                            \
	 CONTROL_MASK(ENTRY_LOAD_EFER) | CONTROL_MASK(ENTRY_LOAD_BNDCFGS) |                        \
	 CONTROL_MASK(ENTRY_LOAD_RTIT) | CONTROL_MASK(ENTRY_LOAD_UINV) |                           \
	 CONTROL_MASK(ENTRY_LOAD_CET) | CONTROL_MASK(ENTRY_LOAD_LBR) |                             \
	 CONTROL_MASK(ENTRY_LOAD_PKRS) | CONTROL_MASK(ENTRY_LOAD_FRED) |                           \
	 CONTROL_MASK(ENTRY_LOAD_SPEC_CTRL))

/* ---- values ---- */

static bool is_host(enum model_index at)
{
	return vmcs_type(vmcs_rows[at].encoding) == VMCS_HOST;
}

/* The words of the entry of the MSR-load area that the state speaks of; NULL: of none. */
static uint64_t *msr_load_entry(const struct probe *probe)
{
	uint64_t position = AT(MSR_LOAD_POSITION);

	if (!position || position > probe->memory.msr_load_entries)
		return NULL;
	return probe->memory.msr_load + 2 * (position - 1);
}

static void write_msr_load_entry(struct probe *probe, uint64_t index, uint64_t value)
{
	uint64_t *entry = msr_load_entry(probe);

	if (!entry)
		return;
	entry[0] = index;
	entry[1] = value;
}

static void write_memory(struct probe *probe, enum model_index at, uint64_t value)
{
	switch ((unsigned)at) {
	case AT_VTPR:
		*probe->memory.vtpr = (uint32_t)value;
		break;
	case AT_LINK_REVISION:
		*probe->memory.link = (uint32_t)value;
		break;
	case AT_PDPTE_0:
	case AT_PDPTE_1:
	case AT_PDPTE_2:
	case AT_PDPTE_3:
		probe->memory.pdptes[at - AT_PDPTE_0] = value;
		break;
	default:
		write_msr_load_entry(probe, IA32_KERNEL_GS_BASE, 0); /* as all the others */
		probe->now.value[at] = value;
		write_msr_load_entry(probe, AT(MSR_LOAD_INDEX), AT(MSR_LOAD_VALUE));
	}
	probe->now.value[at] = value;
}

void probe_write(struct probe *probe, enum model_index at, uint64_t value)
{
	uint64_t before = probe->now.value[at];

	if (at >= MODEL_FIELDS) {
		write_memory(probe, at, value);
		return;
	}
	probe->now.value[at] = value;
	if (!probe->exists[at])
		return;
	if (is_host(at)) {
		probe->host_changes += before == probe->host.value[at];
		probe->host_changes -= value == probe->host.value[at];
	}
	vmwrite(vmcs_rows[at].encoding, value);
}

void probe_set_all(struct probe *probe, const struct model_state *state)
{
	for (unsigned i = 0; i < MODEL_VALUES; i++)
		probe_set(probe, (enum model_index)i, state->value[i]);
}

static inline void write_one(const struct probe *probe, const struct probe_saved *saved)
{
	__asm__ volatile("vmwrite %0, %1"
			 :
			 : "m"(probe->now.value[saved->at]), "r"((uint64_t)saved->encoding)
			 : "cc");
}

/*
 * What a guest has cost the guest-state area. These fields have been written before: they do not
 * fail. Four at a time, for most of an entry's time is spent here.
 */
static void write_saved(struct probe *probe)
{
	const struct probe_saved *saved = probe->saved, *end = saved + probe->saved_count;

	for (; saved + 4 <= end; saved += 4) {
		write_one(probe, saved);
		write_one(probe, saved + 1);
		write_one(probe, saved + 2);
		write_one(probe, saved + 3);
	}
	for (; saved < end; saved++)
		write_one(probe, saved);
}

/* The same where most is as it was: what differs is noted, and only that is written. */
static void keep_saved(struct probe *probe)
{
	struct probe_exit *exit = probe->exit;
	unsigned changed = 0;

	for (unsigned i = 0; i < probe->info_count; i++)
		exit->value[probe->info[i]] = vmread(vmcs_rows[probe->info[i]].encoding);
	for (unsigned i = 0; i < probe->saved_count; i++) {
		const struct probe_saved *saved = &probe->saved[i];
		uint64_t value;

		__asm__ volatile("vmread %1, %0"
				 : "=r"(value)
				 : "r"((uint64_t)saved->encoding)
				 : "cc");
		exit->value[saved->at] = value;
		if (value == probe->now.value[saved->at])
			continue;
		exit->changed[changed++] = saved->at;
		write_one(probe, saved);
	}
	exit->changed_count = changed;
}

static enum status load(struct probe *probe)
{
	enum status status = vmclear(physical(probe->vmcs));

	probe->launched = false;
	return status == STATUS_OK ? vmptrld(physical(probe->vmcs)) : status;
}

void probe_renew(struct probe *probe)
{
	if (load(probe) != STATUS_OK)
		return;
	for (unsigned at = 0; at < MODEL_FIELDS; at++)
		if (probe->exists[at] && vmcs_type(vmcs_rows[at].encoding) != VMCS_READ_ONLY)
			vmwrite(vmcs_rows[at].encoding, probe->now.value[at]);
}

/* ---- the host ---- */

static void load_selectors(const uint64_t *host)
{
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:"
			 :
			 : "r"(host[AT_HOST_CS_SELECTOR])
			 : "rax", "memory");
	__asm__ volatile("mov %0, %%ss; mov %1, %%ds; mov %2, %%es; mov %3, %%fs; mov %4, %%gs"
			 :
			 : "r"((uint32_t)host[AT_HOST_SS_SELECTOR]),
			   "r"((uint32_t)host[AT_HOST_DS_SELECTOR]),
			   "r"((uint32_t)host[AT_HOST_ES_SELECTOR]),
			   "r"((uint32_t)host[AT_HOST_FS_SELECTOR]),
			   "r"((uint32_t)host[AT_HOST_GS_SELECTOR])
			 : "memory");
}

/* LTR wants a TSS that is not busy. */
static void load_task_register(uint64_t gdt, uint64_t selector)
{
	uint64_t *descriptor = (uint64_t *)(uintptr_t)(gdt + (selector & ~7ull));

	*descriptor &= ~BIT(41);
	__asm__ volatile("ltr %w0" : : "r"((uint32_t)selector) : "memory");
}

static void load_tables(const struct probe *probe)
{
	__asm__ volatile("lidt %0; lgdt %1" : : "m"(probe->idtr), "m"(probe->gdtr) : "memory");
}

/* What guests were entered with and no exit has put back. */
static void put_back_msrs(const struct probe *probe)
{
	for (unsigned i = 0; i < probe->kept_count; i++)
		if (rdmsr(probe->kept[i].msr) != probe->kept[i].value)
			wrmsr(probe->kept[i].msr, probe->kept[i].value);
}

/*
 * After an exit that loaded another host state than this processor's. The tables come first: until
 * then an exception finds no handler.
 */
static NOINLINE void put_back_host(const struct probe *probe)
{
	const uint64_t *host = probe->host.value;

	load_tables(probe);
	write_cr4(host[AT_HOST_CR4]);
	write_cr0(host[AT_HOST_CR0]);
	write_cr3(host[AT_HOST_CR3]);
	load_selectors(host);
	load_task_register(probe->gdtr.base, host[AT_HOST_TR_SELECTOR]);
	wrmsr(IA32_FS_BASE, host[AT_HOST_FS_BASE]);
	wrmsr(IA32_GS_BASE, host[AT_HOST_GS_BASE]);
	wrmsr(IA32_SYSENTER_CS, host[AT_HOST_IA32_SYSENTER_CS]);
	wrmsr(IA32_SYSENTER_ESP, host[AT_HOST_IA32_SYSENTER_ESP]);
	wrmsr(IA32_SYSENTER_EIP, host[AT_HOST_IA32_SYSENTER_EIP]);
	put_back_msrs(probe);
}

/* ---- entries ---- */

/* The MSR that the entry of the MSR-load area names, as it is before; put back afterwards. */
struct loaded_msr {
	bool there;
	uint32_t msr;
	uint64_t value;
};

static void note_msr(const struct probe *probe, struct loaded_msr *loaded)
{
	loaded->there = false;
	if (!AT(ENTRY_MSR_LOAD_COUNT) || !msr_load_entry(probe) || AT(MSR_LOAD_INDEX) >> 32)
		return;
	loaded->msr = (uint32_t)AT(MSR_LOAD_INDEX);
	loaded->there = loaded->msr != IA32_TIME_STAMP_COUNTER &&
			rdmsr_try(loaded->msr, &loaded->value) == STATUS_OK;
}

static void put_back_msr(const struct loaded_msr *loaded)
{
	uint64_t value;

	if (loaded->there && rdmsr_try(loaded->msr, &value) == STATUS_OK && value != loaded->value)
		(void)!wrmsr_try(loaded->msr, loaded->value);
}

/* An NMI or an interrupt for the host: it is taken now, by its handler. */
static bool was_interrupted(struct probe *probe, uint64_t reason)
{
	if (reason == REASON_EXCEPTION_NMI &&
	    (vmread(EXIT_INTERRUPTION_INFO) & INFO_TYPE) == INFO_NMI) {
		/* The exit has consumed it. The handler's IRET also ends the blocking of NMIs. */
		__asm__ volatile("int $2" : : : "memory");
		return true;
	}
	if (reason != REASON_EXTERNAL_INTERRUPT || (probe->exit && probe->exit->interrupted))
		return false;
	interrupts_take();
	probe->interrupts++;
	return true;
}

static void note_failure(struct probe *probe, uint32_t way, struct probe_result *result)
{
	result->qualification = 0;
	if (way >= PROBE_EXCEPTION) {
		result->kind = PROBE_FAULTED;
		result->number = way - PROBE_EXCEPTION;
		return;
	}
	result->kind = way == PROBE_CARRY ? PROBE_FAIL_INVALID : PROBE_FAIL_VALID;
	result->number = way == PROBE_CARRY ? 0 : (uint32_t)vmread(VM_INSTRUCTION_ERROR);
	/* The processor has another launch state in mind: back to one that both know. */
	if (result->number == ERROR_NOT_CLEAR || result->number == ERROR_NOT_LAUNCHED)
		(void)!load(probe);
}

/* The entry got as far as loading MSRs, or into the guest. */
static void after_loading(struct probe *probe)
{
	/* A guest that was entered with NMIs blocked leaves them so. */
	unblock_nmi();
	if (AT(ENTRY_CONTROLS) & LOADS_KEPT || AT(ENTRY_MSR_LOAD_COUNT) || AT(EXIT_MSR_LOAD_COUNT))
		put_back_msrs(probe);
}

/* One entry; false: an interrupt ended it. */
static bool enter_once(struct probe *probe, struct probe_result *result)
{
	uint64_t reason;
	uint32_t way;

	if (probe->overwrites) {
		vmwrite(EXIT_REASON, PROBE_STALE);
		vmwrite(EXIT_QUALIFICATION, STALE_QUALIFICATION);
	}
	result->resumed = probe->launched;
	way = probe->exit ? vmx_probe_run(probe, probe->launched)
			  : vmx_probe_enter(probe, probe->launched);
	if (way != PROBE_EXITED) {
		note_failure(probe, way, result);
		return true;
	}
	if (probe->exit && probe->exit->look)
		probe->exit->look(probe->exit->argument);
	if (probe->host_changes)
		put_back_host(probe);
	reason = vmread(EXIT_REASON);
	result->number = reason & 0xFFFF;
	result->qualification = vmread(EXIT_QUALIFICATION);
	if (reason & REASON_ENTRY_FAILURE) {
		result->kind = PROBE_ENTRY_FAILED;
		if (probe->exit)
			keep_saved(probe);
		if (result->number != REASON_ENTRY_GUEST_STATE)
			after_loading(probe);
		return true;
	}
	result->kind = PROBE_ENTERED;
	probe->launched = true;
	after_loading(probe);
	if (probe->exit)
		keep_saved(probe);
	else
		write_saved(probe);
	return !was_interrupted(probe, reason);
}

void probe_enter(struct probe *probe, struct probe_result *result)
{
	struct loaded_msr loaded;

	note_msr(probe, &loaded);
	for (unsigned i = 0; i < INTERRUPTS_MAX && !enter_once(probe, result); i++)
		;
	put_back_msr(&loaded);
}

void probe_begin_runs(struct probe *probe)
{
	probe->host.value[AT_HOST_RIP] = physical(vmx_probe_run_exit_point);
	probe_set(probe, AT_HOST_RIP, probe->host.value[AT_HOST_RIP]);
	probe->host_changes = 0;
}

void probe_run(struct probe *probe, struct probe_exit *exit)
{
	uint64_t gpr[GPRS];
	bool done = false;

	__builtin_memcpy(gpr, probe->gpr, sizeof(gpr));
	probe->exit = exit;
	exit->changed_count = 0;
	for (unsigned i = 0; i < INTERRUPTS_MAX && !done; i++) {
		__builtin_memcpy(probe->gpr, gpr, sizeof(gpr));
		done = enter_once(probe, &exit->result);
	}
	probe->exit = NULL;
}

/* ---- opening and closing ---- */

/* Fields that an exit saves to, or changes: SDM vol. 3C, "VM Exits", "Saving Guest State". */
static bool is_saved(enum model_index at)
{
	switch (at) {
	case AT_ENTRY_CONTROLS: /* "IA-32e mode guest" */
	case AT_ENTRY_INTERRUPTION_INFO:
		return true;
	case AT_VMCS_LINK_POINTER:
	case AT_GUEST_SMBASE:
		return false;
	default:
		return vmcs_type(vmcs_rows[at].encoding) == VMCS_GUEST;
	}
}

static void look_for_fields(struct probe *probe, const struct model_machine *machine)
{
	for (unsigned at = 0; at < MODEL_FIELDS; at++) {
		const struct vmcs_row *row = &vmcs_rows[at];

		if (!vmcs_should_exist(row, machine->controls, machine->vm_functions))
			continue;
		if (vmcs_type(row->encoding) == VMCS_READ_ONLY) {
			uint64_t unused;

			if (probe->info_count < PROBE_INFO &&
			    vmread_try(row->encoding, &unused) == STATUS_OK)
				probe->info[probe->info_count++] = (uint16_t)at;
			continue;
		}
		probe->exists[at] = vmwrite_try(row->encoding, 0) == STATUS_OK;
		if (probe->exists[at] && is_saved((enum model_index)at))
			probe->saved[probe->saved_count++] =
				(struct probe_saved){ (uint16_t)at, row->encoding };
	}
}

/* Host fields that the run loop has no use for. */
static const struct {
	uint16_t at;
	uint32_t msr;
} host_msrs[] = {
	{ AT_HOST_IA32_PERF_GLOBAL_CTRL, IA32_PERF_GLOBAL_CTRL },
	{ AT_HOST_IA32_PKRS, IA32_PKRS },
	{ AT_HOST_IA32_FRED_CONFIG, IA32_FRED_CONFIG },
	{ AT_HOST_IA32_FRED_RSP1, IA32_FRED_RSP1 },
	{ AT_HOST_IA32_FRED_RSP2, IA32_FRED_RSP1 + 1 },
	{ AT_HOST_IA32_FRED_RSP3, IA32_FRED_RSP1 + 2 },
	{ AT_HOST_IA32_FRED_STKLVLS, IA32_FRED_STKLVLS },
	{ AT_HOST_IA32_FRED_SSP1, IA32_FRED_SSP1 },
	{ AT_HOST_IA32_FRED_SSP2, IA32_FRED_SSP1 + 1 },
	{ AT_HOST_IA32_FRED_SSP3, IA32_FRED_SSP1 + 2 },
	{ AT_HOST_IA32_SPEC_CTRL, IA32_SPEC_CTRL },
	{ AT_HOST_IA32_S_CET, IA32_S_CET },
	{ AT_HOST_INTERRUPT_SSP_TABLE, IA32_INTERRUPT_SSP_TABLE },
};

/* SSP is 0: we run without shadow stacks. */
static void write_host(struct probe *probe)
{
	uint64_t value;

	vmx_write_host_state();
	vmwrite(HOST_RSP, physical(&probe->stack));
	vmwrite(HOST_RIP, physical(vmx_probe_exit_point));
	for (unsigned i = 0; i < ARRAY_SIZE(host_msrs); i++)
		if (probe->exists[host_msrs[i].at] &&
		    rdmsr_try(host_msrs[i].msr, &value) == STATUS_OK)
			vmwrite(vmcs_rows[host_msrs[i].at].encoding, value);
	for (unsigned at = 0; at < MODEL_FIELDS; at++)
		if (probe->exists[at] && is_host((enum model_index)at))
			probe->host.value[at] = vmread(vmcs_rows[at].encoding);
	probe->now = probe->host;
}

/* MSRs that the entry controls can load. */
static const struct {
	uint32_t msr, control;
} loadable[] = {
	{ IA32_PERF_GLOBAL_CTRL, CONTROL_MASK(ENTRY_LOAD_PERF) },
	{ IA32_PAT, CONTROL_MASK(ENTRY_LOAD_PAT) },
	{ IA32_EFER, CONTROL_MASK(ENTRY_LOAD_EFER) },
	{ IA32_BNDCFGS, CONTROL_MASK(ENTRY_LOAD_BNDCFGS) },
	{ IA32_RTIT_CTL, CONTROL_MASK(ENTRY_LOAD_RTIT) },
	{ IA32_UINTR_MISC, CONTROL_MASK(ENTRY_LOAD_UINV) },
	{ IA32_S_CET, CONTROL_MASK(ENTRY_LOAD_CET) },
	{ IA32_INTERRUPT_SSP_TABLE, CONTROL_MASK(ENTRY_LOAD_CET) },
	{ IA32_LBR_CTL, CONTROL_MASK(ENTRY_LOAD_LBR) },
	{ IA32_PKRS, CONTROL_MASK(ENTRY_LOAD_PKRS) },
	{ IA32_FRED_CONFIG, CONTROL_MASK(ENTRY_LOAD_FRED) },
	{ IA32_FRED_RSP1, CONTROL_MASK(ENTRY_LOAD_FRED) },
	{ IA32_FRED_RSP1 + 1, CONTROL_MASK(ENTRY_LOAD_FRED) },
	{ IA32_FRED_RSP1 + 2, CONTROL_MASK(ENTRY_LOAD_FRED) },
	{ IA32_FRED_STKLVLS, CONTROL_MASK(ENTRY_LOAD_FRED) },
	{ IA32_FRED_SSP1, CONTROL_MASK(ENTRY_LOAD_FRED) },
	{ IA32_FRED_SSP1 + 1, CONTROL_MASK(ENTRY_LOAD_FRED) },
	{ IA32_FRED_SSP1 + 2, CONTROL_MASK(ENTRY_LOAD_FRED) },
	{ IA32_SPEC_CTRL, CONTROL_MASK(ENTRY_LOAD_SPEC_CTRL) },
	{ IA32_KERNEL_GS_BASE, 0 }, /* the good entries of MSR-load areas */
};
_Static_assert(ARRAY_SIZE(loadable) <= PROBE_KEPT, "a place for each");

static void note_kept_msrs(struct probe *probe)
{
	for (unsigned i = 0; i < ARRAY_SIZE(loadable); i++) {
		uint64_t value;

		if (!vmx_allows(GROUP_ENTRY, loadable[i].control) ||
		    rdmsr_try(loadable[i].msr, &value) != STATUS_OK)
			continue;
		probe->kept[probe->kept_count].msr = loadable[i].msr;
		probe->kept[probe->kept_count++].value = value;
	}
}

/* SDM vol. 3D, "Miscellaneous Data": whether VMWRITE may write read-only fields. */
static bool can_overwrite(void)
{
	uint64_t value;

	return vmx_caps.misc & BIT(29) && vmwrite_try(EXIT_REASON, PROBE_STALE) == STATUS_OK &&
	       vmread_try(EXIT_REASON, &value) == STATUS_OK && value == PROBE_STALE;
}

enum status probe_open(struct probe *probe, struct cpu *cpu, void *vmcs,
		       const struct probe_memory *memory, const struct model_machine *machine)
{
	enum status status;

	*probe = (struct probe){ .cpu = cpu, .vmcs = vmcs, .memory = *memory };
	probe->gdtr = sgdt();
	probe->idtr = sidt();
	*(uint32_t *)vmcs = machine->revision;
	status = load(probe);
	if (status != STATUS_OK)
		return status;
	look_for_fields(probe, machine);
	write_host(probe);
	note_kept_msrs(probe);
	probe->overwrites = can_overwrite();
	return STATUS_OK;
}

void probe_close(struct probe *probe)
{
	put_back_msrs(probe);
	load_tables(probe);
	if (vmclear(physical(probe->vmcs)) != STATUS_OK)
		probe->cpu->error = STATUS_VM_FAIL_VALID;
	/* Translations of the guests' page tables must not outlive them. */
	if (vmx_caps.ept_vpid & EPT_CAP_INVEPT_ALL)
		(void)!invept(INVALIDATE_ALL, (struct invept_descriptor){ 0 });
	if (vmx_caps.ept_vpid & VPID_CAP_INVVPID_ALL)
		(void)!invvpid(INVALIDATE_ALL, (struct invvpid_descriptor){ 0 });
}
