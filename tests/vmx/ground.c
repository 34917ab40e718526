#include "tests/vmx/ground.h"

#include "lib/pages.h"
#include "platform.h"
#include "vm/cpu.h"
#include "x86/control.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "vmx/measure.h"

enum { SEAT_PAGES = ENTRY_PAGES + 1 }; /* and the VMCS */

enum {
	EPT_RWX = 7,
	EPT_TYPE_WB = 6 << 3,
	EPT_LARGE = 1 << 7,
	EPTP_WB = 6,
	EPTP_WALK_4 = 3 << 3,
	ENTRIES = 512,
	GIB_SHIFT = 30,
	LARGE_SHIFT = 21,
	LOW_GIB = 4, /* mapped if pages of 1 GiB do not exist */
};
#define MSR_LOAD_ENTRIES (2 * PAGE_SIZE / 16)

const struct model_machine *ground_machine(void)
{
	static struct model_machine machine;

	if (!machine.basic)
		vmx_measure(&machine, &platform->cpus[0]);
	return &machine;
}

/* The first 512 GiB, or 4 GiB: SDM vol. 3C, "EPT Translation Mechanism". */
static void fill_map(uint64_t *map, bool gib_pages)
{
	uint64_t *pdpt = map + ENTRIES, *directory = pdpt + ENTRIES;

	map[0] = physical(pdpt) | EPT_RWX;
	for (uint64_t i = 0; gib_pages && i < ENTRIES; i++)
		pdpt[i] = i << GIB_SHIFT | EPT_RWX | EPT_TYPE_WB | EPT_LARGE;
	for (uint64_t i = 0; !gib_pages && i < LOW_GIB; i++)
		pdpt[i] = physical(directory + i * ENTRIES) | EPT_RWX;
	for (uint64_t i = 0; !gib_pages && i < (uint64_t)LOW_GIB * ENTRIES; i++)
		directory[i] = i << LARGE_SHIFT | EPT_RWX | EPT_TYPE_WB | EPT_LARGE;
}

uint64_t *ground_map(unsigned *pages)
{
	bool gib_pages = vmx_caps.ept_vpid & EPT_CAP_1_GIB;
	uint64_t *map;

	*pages = gib_pages ? 2 : 2 + LOW_GIB;
	if (!vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_EPT)) ||
	    !(vmx_caps.ept_vpid & EPT_CAP_WALK_4) || !(vmx_caps.ept_vpid & EPT_CAP_WB) ||
	    !(gib_pages || vmx_caps.ept_vpid & EPT_CAP_2_MIB))
		return NULL;
	map = pages_alloc(*pages);
	if (map)
		fill_map(map, gib_pages);
	return map;
}

void ground_unmap(uint64_t *map, unsigned pages)
{
	pages_free(map, pages);
}

static void *page_at(uint8_t *pages, enum entry_page page)
{
	return pages + page * (size_t)PAGE_SIZE;
}

static enum status open_probe(struct seat *seat, const uint64_t *map)
{
	const struct vmx_cpu *arch = seat->cpu->arch;
	struct entry_ground *ground = &seat->ground;
	struct probe *probe = &seat->probe;
	const struct probe_memory memory = {
		.vtpr = (uint32_t *)((uint8_t *)page_at(seat->pages, PAGE_VIRTUAL_APIC) + 0x80),
		.link = page_at(seat->pages, PAGE_LINK),
		.pdptes = page_at(seat->pages, PAGE_PDPT),
		.msr_load = page_at(seat->pages, PAGE_MSR_LOAD),
		.msr_load_entries = MSR_LOAD_ENTRIES,
	};
	void *vmcs = page_at(seat->pages, ENTRY_PAGES);
	enum status status;

	ground->machine = *ground_machine();
	ground->machine.vmxon = physical(arch->vmxon_region);
	ground->machine.current = physical(vmcs);
	ground->pages = physical(seat->pages);
	ground->eptp = map ? physical(map) | EPTP_WALK_4 | EPTP_WB : 0;
	ground->cr3_64 = read_cr3();
	status = probe_open(probe, seat->cpu, vmcs, &memory, &ground->machine);
	if (status != STATUS_OK)
		return status;
	ground->host = probe->host;
	entry_memory_fill(ground, seat->pages);
	/* What the memory holds now, so that the probe knows. */
	probe->now.value[AT_LINK_REVISION] = *memory.link;
	for (unsigned i = 0; i < 4; i++)
		probe->now.value[AT_PDPTE_0 + i] = memory.pdptes[i];
	return STATUS_OK;
}

enum status seat_open(struct seat *seat, struct cpu *cpu, const uint64_t *map)
{
	seat->cpu = cpu;
	seat->status = STATUS_NO_MEMORY;
	seat->pages = pages_alloc(SEAT_PAGES);
	if (!seat->pages)
		return seat->status;
	seat->open = true;
	seat->status = open_probe(seat, map);
	return seat->status;
}

/* In the page of the guest's code: an IRET, and what it pops. */
enum { IRET_AT = 0x800, FRAME_AT = 0x900, OPCODE_IRET = 0xCF };

/*
 * Ends the blocking of virtual NMIs that entries have begun, by an IRET in a guest. A processor
 * does not need it, for each entry sets the blocking anew: QUIRK_NMI_BLOCKING_LEAKS.
 */
static void unblock(struct seat *seat)
{
	uint8_t *code = page_at(seat->pages, PAGE_CODE);
	uint16_t *frame = (uint16_t *)(code + FRAME_AT);
	struct model_state state;
	struct probe_result unused;
	const char *missing;

	if (!vmx_allows(GROUP_PIN, CONTROL_MASK(PIN_VIRTUAL_NMIS)) ||
	    !entry_base_make(BASE_REAL, &seat->ground, &state, &missing))
		return;
	code[IRET_AT] = OPCODE_IRET;
	frame[0] = 0; /* IP; nothing is fetched from there */
	frame[1] = 0; /* CS */
	frame[2] = RFLAGS_FIXED | RFLAGS_IF;
	state.value[AT_PIN_BASED_CONTROLS] |=
		CONTROL_MASK(PIN_NMI) | CONTROL_MASK(PIN_VIRTUAL_NMIS);
	state.value[AT_PRIMARY_CONTROLS] |= CONTROL_MASK(PRIMARY_IRQ_WINDOW); /* exits after it */
	state.value[AT_GUEST_INTERRUPTIBILITY] = BLOCKED_BY_NMI;
	state.value[AT_GUEST_RIP] = IRET_AT;
	state.value[AT_GUEST_RSP] = FRAME_AT;
	state.value[AT_GUEST_SS_BASE] = physical(code);
	probe_set_all(&seat->probe, &state);
	probe_enter(&seat->probe, &unused);
}

void seat_close(struct seat *seat)
{
	if (!seat->open)
		return;
	if (seat->status == STATUS_OK && seat->entered)
		unblock(seat);
	probe_close(&seat->probe);
	seat->open = false;
}

void seat_free(struct seat *seat)
{
	if (cpu_usable(seat->cpu))
		pages_free(seat->pages, SEAT_PAGES);
}
