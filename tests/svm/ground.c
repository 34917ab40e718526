#include "tests/svm/ground.h"

#include "lib/pages.h"
#include "platform.h"
#include "vm/cpu.h"
#include "x86/insn.h"

#include "svm/measure.h"
#include "svm/svm.h"

enum {
	SEAT_PAGES = (sizeof(struct svm_seat) + PAGE_SIZE - 1) / PAGE_SIZE,
	VMCBS = 2,
	/* Twice what is needed: one half does not cross a border of 2 MiB. */
	BLOCK_PAGES = 2 * SVM_PAGES + VMCBS,
};

static bool crosses_2_mib(const uint8_t *pages)
{
	const uint64_t first = physical(pages), last = first + SVM_PAGES * (uint64_t)PAGE_SIZE - 1;

	return first >> 21 != last >> 21;
}

struct svm_seat *svm_seat_open(struct cpu *cpu)
{
	struct svm_seat *seat = pages_alloc(SEAT_PAGES);
	uint8_t *block = seat ? pages_alloc(BLOCK_PAGES) : NULL;
	struct vmcb *vmcbs = (struct vmcb *)(void *)block;

	if (!block) {
		pages_free(seat, SEAT_PAGES);
		return NULL;
	}
	seat->block = block;
	seat->pages = block + VMCBS * (size_t)PAGE_SIZE;
	if (crosses_2_mib(seat->pages))
		seat->pages += SVM_PAGES * (size_t)PAGE_SIZE;
	seat->ground.pages = physical(seat->pages);
	seat->dr6 = read_dr6();
	svm_measure(&seat->ground.machine);
	svm_memory_fill(&seat->ground, seat->pages);
	svm_probe_open(&seat->probe, &vmcbs[0], &vmcbs[1],
		       (uint64_t *)(void *)svm_seat_page(seat, PAGE_PDPT_PAE));
	for (unsigned i = 0; i < 4; i++)
		seat->probe.now.value[AT_PDPE_0 + i] = seat->probe.pdpes[i];
	seat->entry = (struct entry_seat){
		.cpu = cpu,
		.status = svm_caps.encrypted || seat->ground.pages >> 32 ? STATUS_UNSUPPORTED
									 : STATUS_OK,
		.machine = &seat->ground.machine,
		.now = seat->probe.now.value,
	};
	return seat;
}

void svm_seat_load(struct svm_seat *seat, const uint64_t *state)
{
	for (unsigned at = 0; at < SVM_VALUES; at++)
		svm_probe_set(&seat->probe, at, state[at]);
}

/*
 * An entry loads all bits of DR6, also those that are always 1; where a processor keeps them as
 * loaded, MOV does not write them, and another entry must.
 */
static void put_back_dr6(struct svm_seat *seat)
{
	struct svm_state state;
	struct svm_probe_result unused;
	const char *missing;

	if (read_dr6() == seat->dr6 || !svm_base_make(BASE_64, &seat->ground, &state, &missing))
		return;
	state.value[AT_DR6] = seat->dr6;
	svm_seat_load(seat, state.value);
	svm_probe_run(&seat->probe, &unused);
}

void svm_seat_close(struct svm_seat *seat)
{
	if (seat->entry.status == STATUS_OK)
		put_back_dr6(seat);
	svm_probe_close(&seat->probe);
}

void svm_seat_free(struct svm_seat *seat)
{
	if (!cpu_usable(seat->entry.cpu))
		return;
	pages_free(seat->block, BLOCK_PAGES);
	pages_free(seat, SEAT_PAGES);
}
