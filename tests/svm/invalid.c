/* What VMEXIT_INVALID leaves: its code, nothing of a guest, the host as after any exit. */
#include "platform.h"
#include "vm/cpu.h"
#include "x86/control.h"
#include "x86/insn.h"

#include "svm/insn.h"
#include "svm/svm.h"
#include "tests/svm/instructions.h"

enum { WAIT_LOOPS = 1000, ACCESSED = 1 << 5, DR7_ON = 0x401, USED = 0x700 };

#define AT(name) (stage->state.value[AT_##name])

/* One violation of each kind. */
static const struct {
	uint16_t at;
	uint64_t flipped;
	const char *text;
} violations[] = {
	{ AT_EFER, EFER_SVME, "EFER.SVME" },
	{ AT_CR0, BIT(32), "CR0 bit 32" },
	{ AT_CR3, BIT(63), "CR3 bit 63" },
	{ AT_CR4, BIT(63), "CR4 bit 63" },
	{ AT_DR7, BIT(32), "DR7 bit 32" },
	{ AT_INTERCEPT_4, 1, "the VMRUN intercept" },
	{ AT_GUEST_ASID, 1, "the ASID" },
	{ AT_IOPM_BASE_PA, BIT(63), "the IOPM" },
	{ AT_EVENTINJ, EVENT(TYPE_5, 6), "EVENTINJ" },
};

void svm_invalid_code_checks(struct svm_stage *stage)
{
	for (unsigned i = 0; i < ARRAY_SIZE(violations); i++) {
		if (!svm_guest_begin(stage, BASE_64))
			return;
		stage->state.value[violations[i].at] ^= violations[i].flipped;
		svm_check_number(stage, "inv.code", SVM_EXIT_INVALID, svm_guest_run(stage).code,
				 "EXITCODE, %s", violations[i].text);
	}
}

/* ---- no guest ---- */

/* The entry of our own tables that maps a page. */
static uint64_t *entry_of(const struct svm_stage *stage, enum svm_page page)
{
	uint64_t *table = (uint64_t *)(void *)svm_seat_page(stage->seat, PAGE_TABLE);

	return &table[svm_page(&stage->seat->ground, page) >> 12 & 511];
}

/* What a guest leaves that counts in memory and pushes an event's frame. */
struct traces {
	uint32_t counter;
	uint64_t accessed; /* bit of the code's page */
};

/* A guest that counts: INC of the first word of PAGE_STACK. */
static struct traces run_counter(struct svm_stage *stage, bool valid)
{
	static const uint8_t increment[] = { 0xFF, 0x00 }; /* of the word at RAX */
	volatile uint32_t *counter = (void *)svm_seat_page(stage->seat, PAGE_STACK);
	volatile uint64_t *entry = entry_of(stage, PAGE_CODE);
	struct traces traces;

	*counter = 0;
	*entry &= ~(uint64_t)ACCESSED;
	svm_guest_emit(stage, increment, sizeof(increment));
	AT(RAX) = svm_page(&stage->seat->ground, PAGE_STACK);
	AT(GUEST_ASID) = valid;
	(void)svm_guest_run(stage);
	traces = (struct traces){ *counter, *entry & ACCESSED };
	*counter = 0;
	*entry |= ACCESSED;
	return traces;
}

static void no_guest(struct svm_stage *stage)
{
	struct traces traces;

	if (!svm_guest_begin(stage, BASE_64))
		return;
	traces = run_counter(stage, true);
	svm_check_number(stage, "inv.no_guest", 1, traces.counter, "a good guest counts");
	svm_check_number(stage, "inv.no_guest", ACCESSED, traces.accessed, "its code is accessed");
	(void)svm_guest_begin(stage, BASE_64);
	traces = run_counter(stage, false);
	svm_check_number(stage, "inv.no_guest", 0, traces.counter, "the counter");
	svm_check_number(stage, "inv.no_guest", 0, traces.accessed, "the code's page");
}

/* ---- the host ---- */

static unsigned nmis_since(const struct cpu *cpu, unsigned before)
{
	for (unsigned i = 0; i < WAIT_LOOPS; i++)
		cpu_relax();
	return atomic_load(&cpu->nmis) - before;
}

struct host {
	uint64_t cr0, cr3, cr4, dr7, rflags;
	uint32_t way;
	unsigned nmis_held, nmis;
};

/* VMRUN of what is in the VMCB; an NMI tells what GIF is afterwards. */
static void run_raw(struct svm_stage *stage, struct host *after)
{
	const unsigned before = atomic_load(&stage->cpu->nmis);
	const uint64_t dr7 = read_dr7(), cr2 = read_cr2();

	write_dr7(DR7_ON); /* DR0 is 0: nothing is executed there */
	svm_clgi();
	after->way = svm_probe_enter(svm_physical(stage->seat->probe.vmcb));
	after->rflags = read_rflags();
	after->dr7 = read_dr7();
	platform->ipi(stage->cpu, IPI_NMI);
	after->nmis_held = nmis_since(stage->cpu, before);
	svm_stgi();
	after->nmis = nmis_since(stage->cpu, before);
	after->cr0 = read_cr0();
	after->cr3 = read_cr3();
	after->cr4 = read_cr4();
	write_dr7(dr7);
	write_cr2(cr2);
}

static void host(struct svm_stage *stage)
{
	const uint64_t cr0 = read_cr0(), cr3 = read_cr3(), cr4 = read_cr4(), dr0 = read_dr0();
	struct vmcb *vmcb = stage->seat->probe.vmcb;
	struct host after;
	unsigned changed = 0;

	if (!svm_guest_begin(stage, BASE_64))
		return;
	AT(GUEST_ASID) = 0;
	svm_seat_load(stage->seat, stage->state.value);
	__builtin_memcpy(vmcb->byte, stage->seat->probe.image->byte, USED);
	write_dr0(0);
	run_raw(stage, &after);
	write_dr0(dr0);
	svm_check_number(stage, "inv.host", 0, after.way, "VMRUN");
	svm_check_number(stage, "inv.host", cr0, after.cr0, "CR0");
	svm_check_number(stage, "inv.host", cr3, after.cr3, "CR3");
	svm_check_number(stage, "inv.host", cr4, after.cr4, "CR4");
	svm_check_number(stage, "inv.host", 0, after.rflags & RFLAGS_IF, "RFLAGS.IF");
	svm_check_number(stage, "inv.host", 0, after.nmis_held, "NMIs while GIF is 0");
	svm_check_number(stage, "inv.host", 1, after.nmis, "NMIs after STGI");
	svm_check_number(stage, "inv.host", 0, after.dr7 & 0xFF, "DR7 bits 7:0");
	for (unsigned i = vmcb_offset(VMCB_ES_SELECTOR); i < USED; i++)
		changed += vmcb->byte[i] != stage->seat->probe.image->byte[i];
	svm_note(stage, "inv.saved: %u bytes of the state save area have changed", changed);
}

void svm_invalid_checks(struct svm_stage *stage)
{
	no_guest(stage);
	host(stage);
}
