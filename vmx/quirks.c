#include "vmx/quirks.h"

#include "vm/borrowed_timer.h"
#include "vm/create.h"
#include "vm/load.h"

#include "vmx/insn.h"
#include "vmx/vmx.h"

/* what, seen in, the manual's section */
#define ROW(w, s, m)                                                                               \
	{                                                                                          \
		.what = (w), .seen_in = (s), .spec = (m)                                           \
	}

static const struct quirk rows[QUIRK_COUNT] = {
	[QUIRK_SMI_BLOCKING] =
		ROW("after an exit by a start-up IPI, each exit on that processor saves "
		    "\"blocking by SMI\"",
		    "Bochs 2.7", "SDM vol. 3C, \"Saving Non-Register State\""),
	[QUIRK_SIPI_MASKS_NMI] = ROW("an exit by a start-up IPI leaves NMIs blocked until an IRET",
				     "Bochs 2.7", "SDM vol. 3C, \"Updating Non-Register State\""),
	[QUIRK_NMI_BLOCKING_LEAKS] =
		ROW("entering a guest without \"blocking by NMI\" after another one with it does "
		    "not unblock NMIs, and the exit saves it for the wrong guest",
		    "Bochs 2.7", "SDM vol. 3C, \"Loading Guest Non-Register State\""),
	[QUIRK_INTERRUPT_WAITS] =
		ROW("an external interrupt does not end a guest whose IF is 0 at the entry, with "
		    "\"external-interrupt exiting\"",
		    "Bochs 2.7, 3.1", "SDM vol. 3C, \"Other Causes of VM Exits\""),
};

static _Atomic uint64_t counts[QUIRK_COUNT];

static void met(enum vmx_quirk quirk)
{
	atomic_fetch_add(&counts[quirk], 1);
}

bool vmx_quirk(unsigned row, struct quirk *quirk)
{
	if (row >= QUIRK_COUNT)
		return false;
	*quirk = rows[row];
	quirk->count = atomic_load(&counts[row]);
	return true;
}

bool vmx_quirk_is_here(enum vmx_quirk quirk)
{
	return atomic_load_explicit(&counts[quirk], memory_order_relaxed);
}

/* In its power-up state, IF is 0; without memory its first fetch exits. */
static bool interrupt_ends(void *vcpu)
{
	const struct entry at_once = { .ticks = 0 };
	struct vm_exit exit;

	vmx_run(vcpu, &at_once, &exit);
	return (exit.raw_reason & 0xFFFF) != REASON_EPT_VIOLATION;
}

void vmx_measure_quirks(struct cpu *cpu)
{
	const struct vm_config config = { .vcpus = 1 };
	struct vcpu *vcpu;
	struct vm *vm;

	if (vm_create(&config, &vm) != STATUS_OK)
		return;
	vcpu = vm->vcpus[0];
	vcpu_load(cpu, vcpu);
	vmx_state_set(vcpu, &vcpu->regs);
	if (!borrowed_timer_ends(interrupt_ends, vcpu))
		met(QUIRK_INTERRUPT_WAITS);
	vcpu_unload(cpu);
	(void)vm_destroy(vm);
}

void vmx_drop_smi_blocking(void)
{
	vmwrite(GUEST_INTERRUPTIBILITY, vmread(GUEST_INTERRUPTIBILITY) & ~(uint64_t)BLOCKED_BY_SMI);
}

void vmx_quirks_after_sipi(struct vcpu *vcpu, uint32_t interruptibility)
{
	struct vmx_cpu *arch = vmx_of(vcpu)->cpu->arch;

	if (interruptibility & BLOCKED_BY_SMI) {
		met(QUIRK_SMI_BLOCKING);
		arch->smi_sticks = true; /* the bit goes at each exit: the vCPU may move on */
		vmx_drop_smi_blocking();
	}
	/* Whether NMIs are blocked cannot be read. The cure does no harm where they are not. */
	unblock_nmi();
}

uint32_t vmx_interruptibility(struct vcpu *vcpu)
{
	uint32_t blocking = (uint32_t)vmread(GUEST_INTERRUPTIBILITY);

	/* No NMI was ever taken here; the vCPU would wait for its IRET for ever. */
	if (blocking & BLOCKED_BY_NMI && !atomic_load(&vcpu->counts.nmis)) {
		met(QUIRK_NMI_BLOCKING_LEAKS);
		count(&vcpu->counts.nmi_blocking_leaks);
		blocking &= ~(uint32_t)BLOCKED_BY_NMI;
		vmwrite(GUEST_INTERRUPTIBILITY, blocking);
	}
	return blocking;
}
