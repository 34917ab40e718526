#include "tests/vmx/theatre.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "platform.h"
#include "x86/insn.h"

#include "tests/vmx/exit/sections.h"
#include "vmx/insn.h"

#define AT(state, name) ((state)->value[AT_##name])

/* ---- memory ---- */

static bool fill_memory(struct theatre *theatre)
{
	theatre->memory.pages = theatre->pages;
	theatre->memory.address = physical(theatre->pages);
	theatre->log = (uint64_t *)(theatre->seat.pages + PAGE_PML * (size_t)PAGE_SIZE);
	if (vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_EPT)) &&
	    vmx_caps.ept_vpid & EPT_CAP_WALK_4 && vmx_caps.ept_vpid & EPT_CAP_WB) {
		theatre_fill_ept(theatre);
		theatre->memory.address = GUEST_LINEAR;
	}
	apic_page_fill(theatre->pages + GUEST_APIC * (size_t)PAGE_SIZE);
	return guest_memory_fill(&theatre->memory, &vmx_fragments.code);
}

/* ---- the state of each mode ---- */

static void set_segments(struct model_state *s, const struct regs *regs)
{
	for (unsigned i = ES; i < SEGMENTS; i++) {
		s->value[AT_GUEST_ES_SELECTOR + i] = regs->segment[i].selector;
		s->value[AT_GUEST_ES_BASE + i] = regs->segment[i].base;
		s->value[AT_GUEST_ES_LIMIT + i] = regs->segment[i].limit;
		s->value[AT_GUEST_ES_RIGHTS + i] = regs->segment[i].rights;
	}
	AT(s, GUEST_GDTR_BASE) = regs->gdtr.base;
	AT(s, GUEST_GDTR_LIMIT) = regs->gdtr.limit;
	AT(s, GUEST_IDTR_BASE) = regs->idtr.base;
	AT(s, GUEST_IDTR_LIMIT) = regs->idtr.limit;
}

/* A machine check while a guest runs with CR4.MCE clear would shut the processor down. */
static void set_control(struct model_state *s, const struct regs *regs,
			const struct model_machine *m, bool unrestricted)
{
	const uint64_t fixed = m->cr0_fixed0 & ~(unrestricted ? CR0_PE | CR0_PG : 0);

	AT(s, GUEST_CR0) = (regs->cr0 | fixed) & m->cr0_fixed1;
	AT(s, GUEST_CR4) =
		((regs->cr4 | m->cr4_fixed0) & m->cr4_fixed1) | (AT(s, HOST_CR4) & CR4_MCE);
	AT(s, GUEST_CR3) = regs->cr3;
	AT(s, GUEST_IA32_EFER) = regs->efer | (AT(s, HOST_IA32_EFER) & EFER_NXE);
	AT(s, GUEST_IA32_PAT) = regs->pat;
	AT(s, GUEST_DR7) = regs->dr7;
	AT(s, GUEST_RSP) = regs->gpr[RSP];
	AT(s, GUEST_RIP) = regs->rip;
	AT(s, GUEST_RFLAGS) = regs->rflags;
}

/* Values of their own, to be seen again at the exit. */
static void set_msrs(struct model_state *s)
{
	AT(s, GUEST_IA32_SYSENTER_CS) = 0x1234;
	AT(s, GUEST_IA32_SYSENTER_ESP) = 0x12345678;
	AT(s, GUEST_IA32_SYSENTER_EIP) = 0x23456789;
}

static const char *make_mode(struct theatre *theatre, enum guest_mode mode)
{
	const struct entry_ground *ground = &theatre->seat.ground;
	const uint64_t *allowed = ground->machine.controls;
	const bool unrestricted = 1 << mode & MODES_UNPAGED;
	struct model_state *s = &theatre->base[mode];
	const char *missing = NULL;

	if (!entry_base_make(BASE_64, ground, s, &missing))
		return missing;
	guest_mode_state(mode, &theatre->memory, &theatre->regs[mode]);
	set_segments(s, &theatre->regs[mode]);
	set_control(s, &theatre->regs[mode], &ground->machine, unrestricted);
	set_msrs(s);
	if (!(1 << mode & MODES_LONG)) {
		if (allowed[GROUP_ENTRY] & CONTROL_MASK(ENTRY_GUEST_64))
			return "IA-32e mode guest that may be 0";
		AT(s, ENTRY_CONTROLS) &= ~(uint64_t)CONTROL_MASK(ENTRY_GUEST_64);
	}
	if (theatre->ept) {
		AT(s, PRIMARY_CONTROLS) |= CONTROL_MASK(PRIMARY_SECONDARY);
		AT(s, SECONDARY_CONTROLS) |= CONTROL_MASK(SECONDARY_EPT);
		AT(s, EPT_POINTER) = theatre->ept;
		AT(s, PML_ADDRESS) = physical(theatre->log);
		AT(s, VE_INFORMATION_ADDRESS) = physical(theatre_table(theatre, THEATRE_VE));
	} else if (physical(theatre->pages) > BIT(32)) {
		return "memory below 4 GiB";
	}
	if (unrestricted) {
		if (!theatre->ept ||
		    !vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_UNRESTRICTED_GUEST)))
			return "unrestricted guest";
		AT(s, SECONDARY_CONTROLS) |= CONTROL_MASK(SECONDARY_UNRESTRICTED_GUEST);
	}
	AT(s, GUEST_PDPTE0) = guest_physical(&theatre->memory, GUEST_DIRECTORY) | 1;
	AT(s, GUEST_PDPTE1) = AT(s, GUEST_PDPTE2) = AT(s, GUEST_PDPTE3) = 0;
	return NULL;
}

enum status theatre_open(struct theatre *theatre, struct cpu *cpu)
{
	theatre->loaded = -1;
	if (seat_open(&theatre->seat, cpu, NULL) != STATUS_OK)
		return theatre->seat.status;
	theatre->pages = pages_alloc(THEATRE_PAGES);
	if (!theatre->pages || !fill_memory(theatre))
		return theatre->seat.status = STATUS_NO_MEMORY;
	probe_begin_runs(&theatre->seat.probe);
	theatre->seat.ground.host = theatre->seat.probe.host;
	for (unsigned mode = 0; mode < GUEST_MODES; mode++)
		theatre->missing[mode] = make_mode(theatre, mode);
	return STATUS_OK;
}

/* A processor does not need it, for each entry sets the blocking anew: QUIRK_NMI_BLOCKING_LEAKS. */
static void unblock(struct theatre *theatre)
{
	if (!theatre->missing[MODE_64] &&
	    vmx_allows(GROUP_PIN, CONTROL_MASK(PIN_NMI) | CONTROL_MASK(PIN_VIRTUAL_NMIS)))
		(void)theatre_case(theatre, &unblock_nmis, 0, MODE_64);
}

void theatre_close(struct theatre *theatre)
{
	if (theatre->seat.open && theatre->seat.status == STATUS_OK)
		unblock(theatre);
	seat_close(&theatre->seat);
}

void theatre_free(struct theatre *theatre)
{
	if (!cpu_usable(theatre->seat.cpu))
		return;
	seat_free(&theatre->seat);
	pages_free(theatre->pages, THEATRE_PAGES);
}

/* ---- what a row needs ---- */

static const struct {
	uint16_t at;
	uint8_t group;
} control_fields[] = {
	{ AT_PIN_BASED_CONTROLS, GROUP_PIN },	    { AT_PRIMARY_CONTROLS, GROUP_PRIMARY },
	{ AT_SECONDARY_CONTROLS, GROUP_SECONDARY }, { AT_EXIT_CONTROLS, GROUP_EXIT },
	{ AT_ENTRY_CONTROLS, GROUP_ENTRY },
};

/* A control that the row turns on and the machine does not have, or the reverse. */
static const char *missing_control(const struct guest_change *change,
				   const struct model_machine *machine, char *text, size_t size)
{
	for (unsigned i = 0; i < ARRAY_SIZE(control_fields); i++) {
		const uint64_t allowed = machine->controls[control_fields[i].group];
		const uint64_t lacks = change->how == GUEST_OR ? change->value & ~(allowed >> 32)
				       : change->how == GUEST_CLEAR
					       ? change->value & (uint32_t)allowed
					       : 0;

		if (change->at != control_fields[i].at || !lacks)
			continue;
		text_format(text, size, "%s%s",
			    control_text(control_fields[i].group, (unsigned)__builtin_ctzll(lacks)),
			    change->how == GUEST_CLEAR ? " that may be 0" : "");
		return text;
	}
	return NULL;
}

const char *guest_row_missing(const struct theatre *theatre, const struct guest_row *row,
			      char *text, size_t size)
{
	const struct model_machine *machine = &theatre->seat.ground.machine;
	const char *missing = NULL;

	for (unsigned i = 0; i < guest_changes(row->before) && !missing; i++) {
		const struct guest_change *change = &row->before[i];

		missing = missing_control(change, machine, text, size);
		if (!missing && change->at < MODEL_FIELDS &&
		    !theatre->seat.probe.exists[change->at]) {
			text_format(text, size, "the field %s", model_name(change->at));
			missing = text;
		}
	}
	if (!missing && row->needs && !row->needs(machine))
		missing = row->needs_text;
	return missing;
}

const struct fragment *guest_row_fragment(const struct guest_row *row, unsigned number,
					  enum code_size size, enum guest_page *page)
{
	const unsigned which = row->fragment + (row->each_fragment ? number : 0);
	const struct fragments *all =
		which < NEUTRAL_FRAGMENTS ? &neutral_fragments : &vmx_fragments;
	const struct fragment *fragment =
		&all->in[size][which < NEUTRAL_FRAGMENTS ? which : which - NEUTRAL_FRAGMENTS];

	*page = all->page;
	return which < ALL_FRAGMENTS && fragment->next ? fragment : NULL;
}

void mismatch_name(const struct mismatch *mismatch, char *text, size_t size)
{
	static const char *const names[] = { "CR2", "DR0", "DR1", "DR2", "DR3", "DR6" };
	static const char *const gprs[GPRS] = { "RAX", "RCX", "RDX", "RBX", "RSP", "RBP",
						"RSI", "RDI", "R8",  "R9",  "R10", "R11",
						"R12", "R13", "R14", "R15" };

	if (mismatch->at == AT_RESULT)
		text_format(text, size, "how it ends");
	else if (mismatch->at < MODEL_FIELDS)
		text_format(text, size, "%s", model_name(mismatch->at));
	else if (mismatch->at < AT_CR2)
		text_format(text, size, "%s", gprs[mismatch->at - AT_GPR]);
	else if (mismatch->at < AT_MSR)
		text_format(text, size, "%s", names[mismatch->at - AT_CR2]);
	else if (mismatch->at == AT_INTERRUPT)
		text_format(text, size, "IRR (1) and ISR (2) of vector %XH", mismatch->linear);
	else if (mismatch->at >= AT_WORDS)
		text_format(text, size, "%s %u",
			    mismatch->at >= AT_PML  ? "log entry"
			    : mismatch->at >= AT_VE ? "#VE information word"
						    : "EPT entry",
			    mismatch->at - (mismatch->at >= AT_PML  ? AT_PML
					    : mismatch->at >= AT_VE ? AT_VE
								    : AT_EPT));
	else
		text_format(text, size, "%s %XH", mismatch->at == AT_MSR ? "MSR" : "memory at",
			    mismatch->linear);
}
