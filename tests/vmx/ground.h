/* What the bases of the entry checks stand on: see struct entry_ground. */
#ifndef TESTS_VMX_GROUND_H
#define TESTS_VMX_GROUND_H

#include "tests/vmx/entry/rows.h"
#include "vmx/probe.h"

/* What the boot processor is like; measured once. */
const struct model_machine *ground_machine(void);

/* Guest-physical memory that is the machine's own, for all processors; NULL: no EPT, or no memory.
 */
uint64_t *ground_map(unsigned *pages);
void ground_unmap(uint64_t *map, unsigned pages);

/*
 * Opens the probe on pages of the processor's own, ENTRY_PAGES and one for the VMCS, and says what
 * there is to make bases of.
 */
enum status ground_open(struct entry_ground *ground, struct probe *probe, struct cpu *cpu,
			uint8_t *pages, const struct model_machine *machine, const uint64_t *map);

/*
 * Before probe_close: ends the blocking of virtual NMIs that entries have begun, by an IRET in a
 * guest. A processor does not need it, for each entry sets the blocking anew:
 * QUIRK_NMI_BLOCKING_LEAKS.
 */
void ground_unblock(const struct entry_ground *ground, struct probe *probe, uint8_t *pages);

#endif
