#include "svm/quirks.h"

#include "lib/pages.h"
#include "vm/borrowed_timer.h"
#include "x86/insn.h"

#include "svm/insn.h"

#include "svm/svm.h"

/* what, seen in, the manual's section */
#define ROW(w, s, m)                                                                               \
	{                                                                                          \
		.what = (w), .seen_in = (s), .spec = (m)                                           \
	}

static const struct quirk rows[QUIRK_COUNT] = {
	[QUIRK_XSETBV] = ROW("XSETBV is executed in the guest in spite of its intercept",
			     "QEMU 7.2", "APM vol. 2, \"Instruction Intercepts\""),
	[QUIRK_CR2] = ROW("VMRUN does not load CR2", "Bochs 2.7, 3.1",
			  "APM vol. 2, \"Loading Guest State\""),
	[QUIRK_NMI_MASKED] = ROW("an NMI that VMRUN injects masks physical NMIs until the next "
				 "IRET, in the host too",
				 "Bochs 2.7, 3.1", "APM vol. 2, \"NMI Support\""),
	[QUIRK_VIRQ_WAITS] =
		ROW("a virtual interrupt waits for a change of IF, though the guest's IF is 1",
		    "Bochs 2.7, 3.1", "APM vol. 2, \"Virtual Interrupts\""),
	[QUIRK_INTR_WAITS] = ROW("a physical interrupt does not end a guest whose IF is 0, with "
				 "V_INTR_MASKING and the host's IF set",
				 "Bochs 2.7, 3.1",
				 "APM vol. 2, \"Physical (INTR) Interrupt Masking in EFLAGS\""),
};

static _Atomic uint64_t counts[QUIRK_COUNT];

static void met(enum svm_quirk quirk)
{
	atomic_fetch_add(&counts[quirk], 1);
}

bool svm_quirk_is_here(enum svm_quirk quirk)
{
	return atomic_load_explicit(&counts[quirk], memory_order_relaxed);
}

bool svm_quirk(unsigned row, struct quirk *quirk)
{
	if (row >= QUIRK_COUNT)
		return false;
	*quirk = rows[row];
	quirk->count = atomic_load(&counts[row]);
	return true;
}

enum { REAL_MODE_SEGMENT = 0x93, REAL_MODE_LIMIT = 0xFFFF };

/* Real mode with IF=0; nothing is mapped: the first fetch exits. */
static void prepare_guest(struct vmcb *vmcb, const void *empty)
{
	vmcb_intercept(vmcb, SVM_EXIT_INTR, true);
	vmcb_intercept(vmcb, SVM_EXIT_NMI, true);
	vmcb_intercept(vmcb, SVM_EXIT_SHUTDOWN, true);
	vmcb_intercept(vmcb, SVM_EXIT_VMRUN, true);
	vmcb_set(vmcb, VMCB_GUEST_ASID, 1u);
	vmcb_set(vmcb, VMCB_TLB_CONTROL, TLB_FLUSH_ALL);
	vmcb_set(vmcb, VMCB_VINTR, VINTR_MASKING);
	vmcb_set(vmcb, VMCB_NP_CONTROL, NP_ENABLE);
	vmcb_set(vmcb, VMCB_N_CR3, svm_physical(empty));
	vmcb_set(vmcb, VMCB_G_PAT, 0x0007040600070406u);
	vmcb_set(vmcb, VMCB_EFER, EFER_SVME);
	vmcb_set(vmcb, VMCB_CR0, CR0_ET);
	vmcb_set(vmcb, VMCB_RFLAGS, RFLAGS_FIXED);
	vmcb_set(vmcb, VMCB_DR6, DR6_POWER_UP);
	vmcb_set(vmcb, VMCB_DR7, DR7_POWER_UP);
	vmcb_set(vmcb, VMCB_IDTR_LIMIT, REAL_MODE_LIMIT);
	for (unsigned at = vmcb_offset(VMCB_ES_SELECTOR); at < vmcb_offset(VMCB_FS_SELECTOR);
	     at += 16) {
		vmcb_set(vmcb, VMCB_ENCODING(at + 2, 2u), REAL_MODE_SEGMENT);
		vmcb_set(vmcb, VMCB_ENCODING(at + 4, 4u), REAL_MODE_LIMIT);
	}
}

/* The code of the exit; a physical interrupt that waits is taken then. */
static uint64_t enter(struct vmcb *vmcb, const struct svm_cpu *arch)
{
	uint64_t gpr[GPRS] = { 0 };

	svm_clgi();
	interrupts_on();
	svm_enter(gpr, svm_physical(vmcb), svm_physical(arch->host));
	interrupts_off();
	svm_stgi();
	interrupts_take();
	return vmcb_get(vmcb, VMCB_EXITCODE);
}

struct probed {
	struct vmcb *vmcb;
	const struct svm_cpu *arch;
};

static bool interrupt_ends(void *context)
{
	const struct probed *probed = context;

	return enter(probed->vmcb, probed->arch) != SVM_EXIT_NPF;
}

/* A virtual interrupt exits before the first fetch does. A physical one or an NMI may come first.
 */
static bool virtual_interrupts_come(struct vmcb *vmcb, const struct svm_cpu *arch)
{
	const uint64_t vintr = vmcb_get(vmcb, VMCB_VINTR), rflags = vmcb_get(vmcb, VMCB_RFLAGS);
	enum { TRIES = 4 };
	uint64_t code = SVM_EXIT_INTR;

	vmcb_intercept(vmcb, SVM_EXIT_VINTR, true);
	vmcb_set(vmcb, VMCB_VINTR, vintr | VINTR_IRQ | VINTR_IGNORE_TPR | VINTR_PRIORITY(0xF));
	vmcb_set(vmcb, VMCB_RFLAGS, rflags | RFLAGS_IF);
	for (unsigned i = 0; i < TRIES && code != SVM_EXIT_VINTR && code != SVM_EXIT_NPF; i++)
		code = enter(vmcb, arch);
	vmcb_set(vmcb, VMCB_VINTR, vintr);
	vmcb_set(vmcb, VMCB_RFLAGS, rflags);
	return code != SVM_EXIT_NPF;
}

static bool wait_nmi(const struct cpu *cpu, uint32_t before)
{
	enum { WAITS_A_SECOND = 100 };
	const uint64_t start = platform->clock();

	while (atomic_load(&cpu->nmis) == before)
		if (platform->clock() - start > platform->clock_hz / WAITS_A_SECOND)
			return false;
	return true;
}

/*
 * The injection ends in the exit of a fetch from the IDT. An NMI of our own is to arrive then; one
 * that comes only behind an IRET was masked, one that does not come then either is another matter.
 */
static bool injection_masks_nmis(struct vmcb *vmcb, struct cpu *cpu)
{
	const uint32_t before = atomic_load(&cpu->nmis);

	vmcb_set(vmcb, VMCB_EVENTINJ, SVM_EVENT_VALID | SVM_EVENT_NMI | 2);
	(void)enter(vmcb, cpu->arch);
	vmcb_set(vmcb, VMCB_EVENTINJ, 0u);
	platform->ipi(cpu, IPI_NMI);
	if (wait_nmi(cpu, before))
		return false;
	unblock_nmi();
	return wait_nmi(cpu, before);
}

void svm_measure_quirks(struct cpu *cpu)
{
	enum { PAGES = 2, PATTERN = 0x5A5A5A5A };
	uint8_t *memory = pages_alloc(PAGES); /* the VMCB, and a table that maps nothing */
	struct vmcb *vmcb = (struct vmcb *)memory;
	struct probed probed = { vmcb, cpu->arch };

	if (!memory)
		return;
	prepare_guest(vmcb, memory + PAGE_SIZE);
	vmcb_set(vmcb, VMCB_CR2, PATTERN);
	if (!borrowed_timer_ends(interrupt_ends, &probed))
		met(QUIRK_INTR_WAITS);
	if (vmcb_get(vmcb, VMCB_CR2) != PATTERN)
		met(QUIRK_CR2);
	if (!virtual_interrupts_come(vmcb, cpu->arch))
		met(QUIRK_VIRQ_WAITS);
	if (injection_masks_nmis(vmcb, cpu))
		met(QUIRK_NMI_MASKED);
	pages_free(memory, PAGES);
}

uint64_t svm_xcr0(const struct vcpu *vcpu)
{
	const uint64_t xcr0 = svm_caps.xcr0 ? xgetbv(0) : vcpu->regs.xcr0;

	if (xcr0 != vcpu->regs.xcr0)
		met(QUIRK_XSETBV);
	return xcr0;
}
