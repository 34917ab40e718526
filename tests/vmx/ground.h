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

/* What a processor needs to enter from: a probe on pages of its own, and what bases are made of. */
struct seat {
	struct cpu *cpu;
	enum status status; /* of its opening */
	bool open;	    /* seat_close is due, on that processor */
	bool entered;	    /* with guests, which may have left virtual NMIs blocked */
	struct probe probe;
	struct entry_ground ground;
	uint8_t *pages; /* ENTRY_PAGES, and the VMCS */
};

/* On the processor. map: of ground_map. The result is .status, too. */
enum status seat_open(struct seat *seat, struct cpu *cpu, const uint64_t *map);

/* On that processor again, also after an exception in between; once is enough. */
void seat_close(struct seat *seat);

/* Any processor. Pages that a lost processor may still use are kept. */
void seat_free(struct seat *seat);

#endif
