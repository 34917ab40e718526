/*
 * VM entries to be looked at, not to run a guest: a VMCS of its own on a processor, beside the
 * vCPUs. A caller changes a few values of a state that is known to enter, enters, and sees what the
 * processor makes of it. Made for thousands of entries: only what differs is written.
 *
 * Owner: one processor, in VMX operation, without a vCPU loaded. A guest that does get in must come
 * back by itself: its first instruction exits, every exception does.
 */
#ifndef VMX_PROBE_H
#define VMX_PROBE_H

#include "vm/regs.h"
#include "x86/descriptor.h"

#include "vmx/model/state.h"
#include "vmx/probe_result.h"
#include "vmx/vmx.h"

/* Memory that a state has values for. All of it is the owner's. */
struct probe_memory {
	uint32_t *vtpr;	    /* at offset 80H of the virtual-APIC page */
	uint32_t *link;	    /* the first word of the page that VMCS_LINK_POINTER is for */
	uint64_t *pdptes;   /* four */
	uint64_t *msr_load; /* the area of entries of two words: an index, a value */
	unsigned msr_load_entries;
};

enum { PROBE_KEPT = 24, PROBE_INFO = 24 };

/* What an exit of a guest that was entered by probe_run has left. */
struct probe_exit {
	struct probe_result result;
	uint64_t value[MODEL_FIELDS]; /* of what an exit saves, and of read-only fields */
	/* What it has saved otherwise than it was entered with. */
	uint16_t changed[MODEL_FIELDS];
	unsigned changed_count;
	/* On the processor right after the exit, with the host state that it has loaded; may be
	 * NULL. */
	void (*look)(void *argument);
	void *argument;
	bool interrupted; /* an exit by an external interrupt is what is looked for */
};

struct probe {
	uint64_t stack; /* first: HOST_RSP is its address; the stack pointer while a guest runs */
	uint64_t gpr[GPRS]; /* probe_run: the guest's, but for RSP */
	uint64_t rflags;    /* and of the host, right after the exit */
	struct cpu *cpu;
	void *vmcs; /* a page */
	struct probe_memory memory;
	bool launched;		 /* the launch state of the VMCS */
	bool overwrites;	 /* the exit information can be written */
	struct model_state now;	 /* what the VMCS and memory hold */
	struct model_state host; /* its HOST_ fields: this processor */
	unsigned host_changes;	 /* of those fields, how many are not so now */
	bool exists[MODEL_FIELDS];
	struct probe_saved {
		uint16_t at, encoding;
	} saved[MODEL_FIELDS]; /* fields that an exit may write */
	unsigned saved_count;
	uint16_t info[PROBE_INFO]; /* read-only fields: model indices */
	unsigned info_count;
	struct probe_exit *exit; /* NULL: not in probe_run */
	unsigned interrupts;	 /* external ones that have ended entries, and were taken */
	/* MSRs that a guest may be entered with and that exits do not put back. */
	struct {
		uint32_t msr;
		uint64_t value;
	} kept[PROBE_KEPT];
	unsigned kept_count;
	struct descriptor_table gdtr, idtr; /* whose limits exits change */
};

/*
 * Makes the page a VMCS of this processor, current, with its host state written and all else 0;
 * probe->host says the HOST_ fields. Between that and probe_close the caller switches to no other
 * VMCS. Error: of VMCLEAR or VMPTRLD.
 */
enum status probe_open(struct probe *probe, struct cpu *cpu, void *vmcs,
		       const struct probe_memory *memory, const struct model_machine *machine);
void probe_close(struct probe *probe); /* also after an exception in between */

/* The processor has the field; values in memory always are there. */
static inline bool probe_has(const struct probe *probe, enum model_index at)
{
	return at >= MODEL_FIELDS || probe->exists[at];
}

/* What probe_set does if the value is another one. */
void probe_write(struct probe *probe, enum model_index at, uint64_t value);

/* A field that the processor does not have is remembered, not written. */
static inline void probe_set(struct probe *probe, enum model_index at, uint64_t value)
{
	if (probe->now.value[at] != value)
		probe_write(probe, at, value);
}

void probe_set_all(struct probe *probe, const struct model_state *state);

/*
 * Enters once. What the exit left in the VMCS is put back, and so is the host. NMIs and interrupts
 * that end the entry are taken, and it is begun again.
 */
void probe_enter(struct probe *probe, struct probe_result *result);

/*
 * The same with general registers, and with all that the exit saves kept for a look. From
 * probe_begin_runs on; there is no probe_enter then. probe->gpr holds the guest's registers
 * afterwards.
 */
void probe_begin_runs(struct probe *probe);
void probe_run(struct probe *probe, struct probe_exit *exit);

/* Writes everything again: after an entry that did what it should not. */
void probe_renew(struct probe *probe);

/* probe_enter.S */
uint32_t vmx_probe_enter(struct probe *probe, bool resume);
uint32_t vmx_probe_run(struct probe *probe, bool resume);
extern char vmx_probe_exit_point[], vmx_probe_run_exit_point[];
enum { PROBE_EXITED, PROBE_CARRY, PROBE_ZERO, PROBE_EXCEPTION /* + vector */ };

#endif
