/*
 * The host state after exits, each field with a value of its own, looked at by the host itself;
 * what a failed entry changes, and which fields no exit changes.
 */
#include "lib/pages.h"
#include "platform.h"
#include "x86/control.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/vmx/exit/sections.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/theatre.h"
#include "vmx/insn.h"

enum { CR4_TSD = 1 << 2, CR4_PCE = 1 << 8, TABLE_LIMIT = 0xFFFF, INIT_DR7 = 0x400 };

/* Selectors of our own, behind those of the platform. */
enum {
	OWN_CS = 0x800,
	OWN_SS = 0x808,
	OWN_DS = 0x810,
	OWN_ES = 0x818,
	OWN_FS = 0x820,
	OWN_GS = 0x828,
	OWN_TR = 0x830
};
#define CODE_64 0x00AF9B000000FFFFull
#define DATA_32 0x00CF93000000FFFFull

enum own_page { OWN_GDT, OWN_IDT, OWN_TABLES, OWN_PAGES };

/* ---- what the host finds ---- */

struct found {
	uint64_t cr0, cr3, cr4, dr7, debugctl, fs_base, gs_base, sysenter_cs, sysenter_esp,
		sysenter_eip, pat, efer;
	struct descriptor_table gdtr, idtr;
	uint16_t cs, ss, ds, es, fs, gs, tr, ldtr;
	unsigned times;
};

#define SELECTOR(name, instruction)                                                                \
	static uint16_t read_##name(void)                                                          \
	{                                                                                          \
		uint16_t value;                                                                    \
                                                                                                   \
		__asm__ volatile(instruction : "=r"(value));                                       \
		return value;                                                                      \
	}
SELECTOR(cs, "mov %%cs, %0")
SELECTOR(ss, "mov %%ss, %0")
SELECTOR(ds, "mov %%ds, %0")
SELECTOR(es, "mov %%es, %0")
SELECTOR(fs, "mov %%fs, %0")
SELECTOR(gs, "mov %%gs, %0")
SELECTOR(tr, "str %0")
SELECTOR(ldtr, "sldt %0")
#undef SELECTOR

/* Right after the exit, with all that it has loaded. */
static void look(void *argument)
{
	struct found *found = argument;

	*found = (struct found){
		.cr0 = read_cr0(),
		.cr3 = read_cr3(),
		.cr4 = read_cr4(),
		.dr7 = read_dr7(),
		.debugctl = rdmsr(IA32_DEBUGCTL),
		.fs_base = rdmsr(IA32_FS_BASE),
		.gs_base = rdmsr(IA32_GS_BASE),
		.sysenter_cs = rdmsr(IA32_SYSENTER_CS),
		.sysenter_esp = rdmsr(IA32_SYSENTER_ESP),
		.sysenter_eip = rdmsr(IA32_SYSENTER_EIP),
		.pat = rdmsr(IA32_PAT),
		.efer = rdmsr(IA32_EFER),
		.gdtr = sgdt(),
		.idtr = sidt(),
		.cs = read_cs(),
		.ss = read_ss(),
		.ds = read_ds(),
		.es = read_es(),
		.fs = read_fs(),
		.gs = read_gs(),
		.tr = read_tr(),
		.ldtr = read_ldtr(),
		.times = found->times + 1,
	};
}

/* ---- values of our own ---- */

struct own {
	uint8_t *pages; /* OWN_PAGES */
	struct theatre theatre;
	struct found found;
};

enum { OWN_ALL = (sizeof(struct own) + PAGE_SIZE - 1) / PAGE_SIZE + OWN_PAGES };

static void *own_page(const struct own *own, enum own_page page)
{
	return own->pages + page * (size_t)PAGE_SIZE;
}

/* An exit sets the limits to FFFFH; what is beyond a page is not the table's any more. */
static void copy_table(void *to, const struct descriptor_table *from)
{
	const unsigned size = from->limit + 1u;

	__builtin_memcpy(to, (const void *)(uintptr_t)from->base,
			 size < PAGE_SIZE ? size : PAGE_SIZE);
}

static void fill_tables(struct own *own)
{
	const struct descriptor_table gdtr = sgdt(), idtr = sidt();
	uint64_t *gdt = own_page(own, OWN_GDT);
	const uint64_t *old = (const uint64_t *)(uintptr_t)gdtr.base;
	const unsigned tr = read_tr() / 8;

	copy_table(gdt, &gdtr);
	copy_table(own_page(own, OWN_IDT), &idtr);
	__builtin_memcpy(own_page(own, OWN_TABLES),
			 (const void *)(uintptr_t)(read_cr3() & ~(uint64_t)PAGE_MASK), PAGE_SIZE);
	gdt[OWN_CS / 8] = CODE_64;
	for (unsigned selector = OWN_SS; selector <= OWN_GS; selector += 8)
		gdt[selector / 8] = DATA_32;
	gdt[OWN_TR / 8] = old[tr];
	gdt[OWN_TR / 8 + 1] = old[tr + 1];
}

/* The host's fields, each otherwise than the host is. */
static void set_host(struct own *own)
{
	struct probe *probe = &own->theatre.seat.probe;
	const uint64_t *host = probe->host.value;
	const struct {
		uint16_t at;
		uint64_t value;
	} values[] = {
		{ AT_HOST_CR0, host[AT_HOST_CR0] ^ (CR0_TS | CR0_AM) },
		{ AT_HOST_CR3, physical(own_page(own, OWN_TABLES)) },
		{ AT_HOST_CR4, host[AT_HOST_CR4] ^ (CR4_TSD | CR4_PCE) },
		{ AT_HOST_CS_SELECTOR, OWN_CS },
		{ AT_HOST_SS_SELECTOR, OWN_SS },
		{ AT_HOST_DS_SELECTOR, OWN_DS },
		{ AT_HOST_ES_SELECTOR, OWN_ES },
		{ AT_HOST_FS_SELECTOR, OWN_FS },
		{ AT_HOST_GS_SELECTOR, OWN_GS },
		{ AT_HOST_TR_SELECTOR, OWN_TR },
		{ AT_HOST_GDTR_BASE, physical(own_page(own, OWN_GDT)) },
		{ AT_HOST_IDTR_BASE, physical(own_page(own, OWN_IDT)) },
		{ AT_HOST_FS_BASE, 0x123456789ABC },
		{ AT_HOST_GS_BASE, 0xFFFF8BA987654321 },
		{ AT_HOST_IA32_SYSENTER_CS, 0x2345 },
		{ AT_HOST_IA32_SYSENTER_ESP, 0xFFFFF87654321000 },
		{ AT_HOST_IA32_SYSENTER_EIP, 0x76543210FEDC },
		{ AT_HOST_IA32_PAT, 0x0504060100010406 },
		{ AT_HOST_IA32_EFER, host[AT_HOST_IA32_EFER] ^ EFER_SCE },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
		probe_set(probe, values[i].at, values[i].value);
}

static void put_host_back(struct own *own)
{
	struct probe *probe = &own->theatre.seat.probe;

	for (unsigned at = 0; at < MODEL_FIELDS; at++)
		if (vmcs_type(vmcs_rows[at].encoding) == VMCS_HOST)
			probe_set(probe, at, probe->host.value[at]);
}

/* ---- checks ---- */

static void check_found(struct stage *stage, const struct own *own, const char *mode)
{
	const struct found *f = &own->found;
	const uint64_t *host = own->theatre.seat.probe.host.value;

	check_number(stage, "host.load.cr", host[AT_HOST_CR0] ^ (CR0_TS | CR0_AM), f->cr0,
		     "CR0, %s", mode);
	check_number(stage, "host.load.cr", physical(own_page(own, OWN_TABLES)), f->cr3, "CR3, %s",
		     mode);
	check_number(stage, "host.load.cr", host[AT_HOST_CR4] ^ (CR4_TSD | CR4_PCE), f->cr4,
		     "CR4, %s", mode);
	check_number(stage, "host.load.dr7", INIT_DR7, f->dr7, "DR7, %s", mode);
	check_number(stage, "host.load.dr7", 0, f->debugctl, "IA32_DEBUGCTL, %s", mode);
	check_number(stage, "host.load.msrs", 0x123456789ABC, f->fs_base, "FS base, %s", mode);
	check_number(stage, "host.load.msrs", 0xFFFF8BA987654321, f->gs_base, "GS base, %s", mode);
	check_number(stage, "host.load.msrs", 0x2345, f->sysenter_cs, "SYSENTER_CS, %s", mode);
	check_number(stage, "host.load.msrs", 0xFFFFF87654321000, f->sysenter_esp,
		     "SYSENTER_ESP, %s", mode);
	check_number(stage, "host.load.msrs", 0x76543210FEDC, f->sysenter_eip, "SYSENTER_EIP, %s",
		     mode);
	check_number(stage, "host.load.segments", OWN_CS, f->cs, "CS, %s", mode);
	check_number(stage, "host.load.segments", OWN_SS, f->ss, "SS, %s", mode);
	check_number(stage, "host.load.segments", OWN_DS, f->ds, "DS, %s", mode);
	check_number(stage, "host.load.segments", OWN_ES, f->es, "ES, %s", mode);
	check_number(stage, "host.load.segments", OWN_FS, f->fs, "FS, %s", mode);
	check_number(stage, "host.load.segments", OWN_GS, f->gs, "GS, %s", mode);
	check_number(stage, "host.load.tr", OWN_TR, f->tr, "TR, %s", mode);
	check_number(stage, "host.load.tr", 0, f->ldtr, "LDTR, %s", mode);
	check_number(stage, "host.load.tr", physical(own_page(own, OWN_GDT)), f->gdtr.base,
		     "GDTR base, %s", mode);
	check_number(stage, "host.load.tr", TABLE_LIMIT, f->gdtr.limit, "GDTR limit, %s", mode);
	check_number(stage, "host.load.tr", physical(own_page(own, OWN_IDT)), f->idtr.base,
		     "IDTR base, %s", mode);
	check_number(stage, "host.load.tr", TABLE_LIMIT, f->idtr.limit, "IDTR limit, %s", mode);
	check_number(stage, "host.load.rflags", RFLAGS_FIXED, own->theatre.seat.probe.rflags,
		     "RFLAGS, %s", mode);
}

/* No exit and no failure changes a control, or a field of the host. */
static void check_unchanged(struct stage *stage, const struct probe *probe, const char *mode)
{
	unsigned changed = 0;

	for (unsigned at = 0; at < MODEL_FIELDS; at++) {
		const uint32_t encoding = vmcs_rows[at].encoding;
		const enum vmcs_type type = vmcs_type(encoding);

		if (probe->exists[at] && (type == VMCS_CONTROL || type == VMCS_HOST))
			changed += vmread(encoding) !=
				   (probe->now.value[at] & model_mask((enum model_index)at));
	}
	check_number(stage, "save.unchanged", 0, changed, "fields that have changed, %s", mode);
}

static void run_guest(struct own *own, unsigned number, enum guest_mode mode)
{
	own->theatre.exit.look = look;
	own->theatre.exit.argument = &own->found;
	(void)theatre_case(&own->theatre, &host_guests[number], 0, mode);
	own->theatre.exit.look = NULL;
}

static bool allows(struct own *own, unsigned number)
{
	char text[80];

	return !guest_row_missing(&own->theatre, &host_guests[number], text, sizeof(text));
}

static void exits_of(struct stage *stage, struct own *own, enum guest_mode mode)
{
	const char *name = guest_modes[mode].name;
	struct theatre *theatre = &own->theatre;
	const uint64_t pat = rdmsr(IA32_PAT), efer = rdmsr(IA32_EFER);

	run_guest(own, HOST_GUEST_PLAIN, mode); /* loads the mode */
	set_host(own);
	run_guest(own, HOST_GUEST_PLAIN, mode);
	check_found(stage, own, name);
	check_number(stage, "host.load.msrs", pat, own->found.pat, "PAT, not loaded, %s", name);
	run_guest(own, HOST_GUEST_FAULTS, mode);
	check_found(stage, own, name);
	check_unchanged(stage, &theatre->seat.probe, name);
	if (allows(own, HOST_GUEST_LOADS)) {
		run_guest(own, HOST_GUEST_LOADS, mode);
		check_found(stage, own, name);
		check_number(stage, "host.load.msrs", 0x0504060100010406, own->found.pat, "PAT, %s",
			     name);
		check_number(stage, "host.load.msrs", efer ^ EFER_SCE, own->found.efer, "EFER, %s",
			     name);
	}
	put_host_back(own);
}

/* An entry that fails loads the host state, too, and leaves the exit information alone. */
static void failures_of(struct stage *stage, struct own *own, enum guest_mode mode)
{
	const char *name = guest_modes[mode].name;
	struct probe_exit *exit = &own->theatre.exit;
	const struct probe *probe = &own->theatre.seat.probe;
	uint64_t before[PROBE_INFO];
	unsigned changed = 0;

	run_guest(own, HOST_GUEST_FAULTS, mode);
	for (unsigned i = 0; i < probe->info_count; i++)
		before[i] = exit->value[probe->info[i]];
	set_host(own);
	run_guest(own, HOST_GUEST_REFUSED, mode);
	check_found(stage, own, name);
	check_number(stage, "load.failure", REASON_ENTRY_FAILURE | REASON_ENTRY_GUEST_STATE,
		     exit->value[AT_EXIT_REASON], "exit reason, %s", name);
	check_number(stage, "load.failure", 0, exit->value[AT_EXIT_QUALIFICATION],
		     "qualification, %s", name);
	for (unsigned i = 0; i < probe->info_count; i++)
		if (probe->info[i] != AT_EXIT_REASON && probe->info[i] != AT_EXIT_QUALIFICATION &&
		    probe->info[i] != AT_VM_INSTRUCTION_ERROR)
			changed += exit->value[probe->info[i]] != before[i];
	check_number(stage, "load.failure.info", 0, changed, "fields of exit information, %s",
		     name);
	check_number(stage, "save.entry_failure", 0, exit->changed_count, "guest fields, %s", name);
	check_unchanged(stage, probe, name);
	put_host_back(own);
}

static void in_each_mode(struct stage *stage,
			 void (*checks)(struct stage *stage, struct own *own, enum guest_mode mode))
{
	struct own *own = pages_alloc(OWN_ALL);

	if (!own) {
		stage->ledger.status = STATUS_NO_MEMORY;
		return;
	}
	own->pages = (uint8_t *)own + (OWN_ALL - OWN_PAGES) * (size_t)PAGE_SIZE;
	fill_tables(own);
	if (theatre_open(&own->theatre, stage->cpu) != STATUS_OK)
		stage->ledger.status = own->theatre.seat.status;
	for (unsigned mode = 0; mode < GUEST_MODES && stage->ledger.status == STATUS_OK; mode++)
		if (!own->theatre.missing[mode])
			checks(stage, own, (enum guest_mode)mode);
	theatre_close(&own->theatre);
	theatre_free(&own->theatre);
	pages_free(own, OWN_ALL);
}

void host_state_checks(struct stage *stage)
{
	in_each_mode(stage, exits_of);
}

void failure_checks(struct stage *stage)
{
	in_each_mode(stage, failures_of);
}
