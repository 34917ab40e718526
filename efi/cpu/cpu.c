/*
 * Taking a processor from the firmware and giving it back as it was. Everything that a guest or
 * the backend may change is saved, not only what we change ourselves.
 */
#include "efi/cpu/cpu.h"
#include "efi/cpu/fpu.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/local_apic.h"
#include "x86/msr.h"
#include "x86/paging.h"

enum {
	TSS_AVAILABLE = 9,
	TSS_BUSY = 11,
};

struct efi_cpu *efi_cpus;
unsigned efi_cpu_count;

/* Beside FS and GS base. VM exits load or clear some, guests may own the others. */
enum { TSC_ADJUST }; /* the row of IA32_TSC_ADJUST */
static const uint32_t saved_msrs[] = {
	IA32_TSC_ADJUST,
	IA32_EFER,
	IA32_STAR,
	IA32_LSTAR,
	IA32_CSTAR,
	IA32_FMASK,
	IA32_KERNEL_GS_BASE,
	IA32_TSC_AUX,
	IA32_SYSENTER_CS,
	IA32_SYSENTER_ESP,
	IA32_SYSENTER_EIP,
	IA32_DEBUGCTL,
	IA32_PAT,
	IA32_XSS,
	IA32_RTIT_CTL,
	IA32_BNDCFGS,
	IA32_PERF_GLOBAL_CTRL,
	AMD_VM_CR,
	AMD_VM_HSAVE_PA,
};
_Static_assert(ARRAY_SIZE(saved_msrs) == EFI_CPU_MSRS, "efi_saved.msr has a place for each");

struct efi_cpu *efi_cpu_self(void)
{
	/* From the MSR, because GS:0 itself could fault when something has spoiled the base. */
	uint64_t base = rdmsr(IA32_GS_BASE), offset = base - physical(efi_cpus);
	struct efi_cpu *own = (struct efi_cpu *)(uintptr_t)base;

	if (offset >= efi_cpu_count * sizeof(*efi_cpus) || offset % sizeof(*efi_cpus) ||
	    !own->taken)
		return NULL;
	return own;
}

void efi_cpu_init(struct efi_cpu *own, struct cpu *cpu, void *xsave, void *stack, size_t size)
{
	own->self = own;
	own->cpu = cpu;
	own->xsave = xsave;
	own->stack = physical(stack);
	own->stack_end = physical(stack) + size;
	for (unsigned i = 0; i < IST_COUNT; i++)
		own->tss.ist[i] = physical(own->ist[i]) + IST_SIZE;
	own->tss.io_map = sizeof(own->tss); /* none */
	cpu->below = own;
}

/* SDM vol. 3A, "Segment Descriptors" and "TSS Descriptor in 64-bit mode". */
static void fill_gdt(struct efi_cpu *own)
{
	uint64_t base = physical(&own->tss);
	size_t theirs = own->saved.gdtr.limit + 1u;

	__builtin_memcpy(own->gdt, (const void *)(uintptr_t)own->saved.gdtr.base,
			 theirs < EFI_CPU_CS ? theirs : EFI_CPU_CS);
	own->gdt[EFI_CPU_CS / 8] = 0x00af9b000000ffff;
	own->gdt[EFI_CPU_DS / 8] = 0x00cf93000000ffff;
	own->gdt[EFI_CPU_TR / 8] = (sizeof(own->tss) - 1) | (base & 0xffffff) << 16 |
				   (uint64_t)(0x80 | TSS_AVAILABLE) << 40 |
				   (base >> 24 & 0xff) << 56;
	own->gdt[EFI_CPU_TR / 8 + 1] = base >> 32;
}

static void load_segments(uint16_t cs, uint16_t ss, uint16_t ds, uint16_t es)
{
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:" ::"r"((uint64_t)cs)
			 : "rax", "memory");
	__asm__ volatile("mov %0, %%ss; mov %1, %%ds; mov %2, %%es" ::"r"((uint32_t)ss),
			 "r"((uint32_t)ds), "r"((uint32_t)es)
			 : "memory");
}

static void save_tables(struct efi_saved *saved)
{
	saved->gdtr = sgdt();
	saved->idtr = sidt();
	__asm__ volatile("str %0" : "=m"(saved->tr));
	__asm__ volatile("sldt %0" : "=m"(saved->ldtr));
	__asm__ volatile("mov %%cs, %0" : "=m"(saved->cs));
	__asm__ volatile("mov %%ss, %0" : "=m"(saved->ss));
	__asm__ volatile("mov %%ds, %0" : "=m"(saved->ds));
	__asm__ volatile("mov %%es, %0" : "=m"(saved->es));
	__asm__ volatile("mov %%fs, %0" : "=m"(saved->fs));
	__asm__ volatile("mov %%gs, %0" : "=m"(saved->gs));
	saved->fs_base = rdmsr(IA32_FS_BASE);
	saved->gs_base = rdmsr(IA32_GS_BASE);
}

static void load_our_tables(struct efi_cpu *own)
{
	struct descriptor_table gdtr = { sizeof(own->gdt) - 1, physical(own->gdt) };
	struct descriptor_table idtr = exceptions_idtr();

	fill_gdt(own);
	__asm__ volatile("lgdt %0" ::"m"(gdtr) : "memory");
	load_segments(EFI_CPU_CS, EFI_CPU_DS, EFI_CPU_DS, EFI_CPU_DS);
	__asm__ volatile("mov %0, %%fs; mov %0, %%gs" ::"r"(0) : "memory");
	__asm__ volatile("lldt %w0" ::"r"(0) : "memory");
	__asm__ volatile("ltr %w0" ::"r"(EFI_CPU_TR) : "memory");
	wrmsr(IA32_GS_BASE, physical(own));
	__asm__ volatile("lidt %0" ::"m"(idtr) : "memory");
}

/* LTR wants an available TSS, the one that was in use is marked busy; and not every firmware has
 * one: see EFI_CPU_TR. */
static void restore_task_register(const struct efi_saved *saved)
{
	uint64_t *descriptor = (uint64_t *)(uintptr_t)(saved->gdtr.base + (saved->tr & 0xfff8u));
	unsigned type;

	if ((saved->tr & 0xfffcu) == 0 || (saved->tr | 7u) + 8 > saved->gdtr.limit)
		return;
	type = *descriptor >> 40 & 0x9f;
	if (type != (0x80 | TSS_AVAILABLE) && type != (0x80 | TSS_BUSY))
		return;
	*descriptor &= ~((uint64_t)(TSS_AVAILABLE ^ TSS_BUSY) << 40);
	__asm__ volatile("ltr %0" ::"m"(saved->tr) : "memory");
}

static void restore_tables(const struct efi_saved *saved)
{
	__asm__ volatile("lidt %0" ::"m"(saved->idtr) : "memory");
	load_segments(saved->cs, saved->ss, saved->ds, saved->es); /* our table has them, too */
	__asm__ volatile("lgdt %0" ::"m"(saved->gdtr) : "memory");
	__asm__ volatile("mov %0, %%fs; mov %1, %%gs" ::"r"((uint32_t)saved->fs),
			 "r"((uint32_t)saved->gs)
			 : "memory");
	__asm__ volatile("lldt %0" ::"m"(saved->ldtr) : "memory");
	restore_task_register(saved);
	wrmsr(IA32_FS_BASE, saved->fs_base);
	wrmsr(IA32_GS_BASE, saved->gs_base);
}

static void save_msrs(struct efi_saved *saved)
{
	saved->msr_present = 0;
	for (unsigned i = 0; i < EFI_CPU_MSRS; i++)
		if (rdmsr_try(saved_msrs[i], &saved->msr[i]) == STATUS_OK)
			saved->msr_present |= 1u << i;
}

static void read_known_msrs(struct efi_saved *now, uint32_t present)
{
	now->msr_present = present;
	for (unsigned i = 0; i < EFI_CPU_MSRS; i++)
		if (present & 1u << i)
			now->msr[i] = rdmsr(saved_msrs[i]);
}

static void restore_msrs(const struct efi_saved *saved)
{
	for (unsigned i = 0; i < EFI_CPU_MSRS; i++)
		if (saved->msr_present & 1u << i && rdmsr(saved_msrs[i]) != saved->msr[i])
			(void)!wrmsr_try(saved_msrs[i], saved->msr[i]); /* is_as_found looks */
}

static void read_registers(struct efi_saved *saved)
{
	saved->cr0 = read_cr0();
	saved->cr2 = read_cr2();
	saved->cr3 = read_cr3();
	saved->cr4 = read_cr4();
	saved->cr8 = read_cr8();
	saved->dr[0] = read_dr0();
	saved->dr[1] = read_dr1();
	saved->dr[2] = read_dr2();
	saved->dr[3] = read_dr3();
	saved->dr6 = read_dr6();
	saved->dr7 = read_dr7();
}

static void restore_registers(const struct efi_saved *saved)
{
	/* In VMX operation, clearing CR4.VMXE would be #GP. */
	uint64_t vmx = read_cr4() & CR4_VMXE;

	write_dr0(saved->dr[0]);
	write_dr1(saved->dr[1]);
	write_dr2(saved->dr[2]);
	write_dr3(saved->dr[3]);
	write_dr6(saved->dr6);
	write_dr7(saved->dr7);
	if (read_cr8() != saved->cr8)
		write_cr8(saved->cr8);
	if (read_cr3() != saved->cr3) {
		write_cr3(saved->cr3);
		/* Ours of split large pages would outlive what the firmware does to the large one.
		 */
		page_tables_flush_global();
	}
	if (read_cr4() != saved->cr4)
		write_cr4((saved->cr4 & ~(uint64_t)CR4_VMXE) | vmx);
	if (read_cr0() != saved->cr0)
		write_cr0(saved->cr0);
	write_cr2(saved->cr2);
}

/*
 * SDM vol. 2A, "CPUID", leaves 1FH and 0BH: what is left of the x2APIC id without the bits of all
 * levels names the package. ~0: these leaves tell nothing.
 */
static uint32_t package_of_this(void)
{
	uint32_t leaf = cpuid_or_zero(0x1f, 0).ebx ? 0x1f : 0xb;
	struct cpuid level = cpuid_or_zero(leaf, 0);
	unsigned shift = 0;

	if (!level.ebx)
		return ~0u;
	for (uint32_t i = 1; level.ecx >> 8 & 0xff; i++) {
		shift = level.eax & 0x1f;
		level = cpuid(leaf, i);
	}
	return level.edx >> shift;
}

/*
 * Deadlines and timers are compared across processors. Some firmware leaves the adjustments
 * different: SDM vol. 3B, "Time-Stamp Counter Adjustment". In a package all counters began
 * together, so equal adjustments make them agree; packages may have left reset at different times,
 * and the firmware may have made up for that. The boot processor is always taken first.
 */
static void adjust_tsc(struct efi_cpu *own)
{
	const struct efi_saved *first = &efi_cpus[0].saved;
	uint32_t both = own->saved.msr_present & first->msr_present;

	own->package = package_of_this();
	if (own->package == ~0u || own->package != efi_cpus[0].package)
		return;
	if (both & 1u << TSC_ADJUST && own->saved.msr[TSC_ADJUST] != first->msr[TSC_ADJUST])
		wrmsr(saved_msrs[TSC_ADJUST], first->msr[TSC_ADJUST]);
}

enum status efi_cpu_take(struct cpu *cpu)
{
	struct efi_cpu *own = cpu->below;

	if (own->taken)
		return STATUS_BAD_STATE;
	own->saved.rflags = read_rflags();
	interrupts_off();
	save_tables(&own->saved);
	load_our_tables(own);
	own->taken = true;
	/* From here on, exceptions are ours: MSRs that do not exist can be asked for. */
	exceptions_return_nmi(own);
	read_registers(&own->saved);
	paging_enter();
	write_dr7(0x400); /* no breakpoints */
	save_msrs(&own->saved);
	adjust_tsc(own);
	efi_cpu_fpu_save(own);
	local_apic_save(&own->apic);
	own->saved.lint0 = local_apic_lvt(APIC_LVT_LINT0);
	own->saved.masks_8259 = own == efi_cpus ? efi_cpu_8259s() : 0;
	efi_cpu_hold_interrupts(own == efi_cpus);
	return STATUS_OK;
}

/* Reads everything again. */
static bool is_as_found(const struct efi_cpu *own)
{
	const struct efi_saved *saved = &own->saved;
	struct efi_saved now = { 0 };

	save_tables(&now);
	read_registers(&now);
	read_known_msrs(&now, saved->msr_present);
	now.lint0 = local_apic_lvt(APIC_LVT_LINT0);
	now.masks_8259 = own == efi_cpus ? efi_cpu_8259s() : 0;
	now.rflags = saved->rflags; /* IF comes last */
	now.xcr0 = saved->xcr0;	    /* fpu.c has looked */
	if ((saved->tr & 0xfffcu) == 0)
		now.tr = saved->tr; /* LTR refuses a null selector: see EFI_CPU_TR */
	return !__builtin_memcmp(&now, saved, sizeof(now));
}

bool efi_cpu_give_back(struct cpu *cpu)
{
	struct efi_cpu *own = cpu->below;
	bool as_found, apic_as_found = true;

	if (!own->taken)
		return true;
	interrupts_off();
	efi_cpu_release_interrupts(own == efi_cpus, &own->saved);
	if (!local_apic_is(&own->apic)) {
		local_apic_put_back(&own->apic);
		apic_as_found = local_apic_is(&own->apic);
	}
	restore_msrs(&own->saved);
	efi_cpu_fpu_restore(own);
	as_found = efi_cpu_fpu_is_as_found(own);
	if (cpu_owes_nmi(cpu))
		exceptions_lend_nmi(own);
	restore_registers(&own->saved);
	restore_tables(&own->saved);
	own->taken = false;
	as_found = is_as_found(own) && as_found && apic_as_found;
	if (own->saved.rflags & RFLAGS_IF)
		interrupts_on();
	return as_found;
}
