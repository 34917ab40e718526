#include "efi/cpu/startup.h"

#include "efi/cpu/cpu.h"
#include "efi/firmware.h"
#include "x86/control.h"
#include "x86/insn.h"
#include "x86/local_apic.h"
#include "x86/msr.h"

enum {
	INIT_US = 10000,
	SIPI_US = 200,
	ARRIVE_MS = 100,
	LOW_END = 0x9F000, /* vectors A0H to BFH are reserved, and the EBDA may lie above */
};

/* At startup_tail, in the page. */
struct __attribute__((packed)) tail {
	uint32_t cr4, cr3, efer, cr0;
	uint64_t arrive;
	uint32_t long_mode;
	uint16_t code;
	uint16_t gdt_limit;
	uint32_t gdt;
};
extern const uint8_t startup_tail[];

/* What startup_arrive loads; the offer is the top of a free stack. */
_Atomic uint64_t startup_offer;
struct descriptor_table startup_gdtr, startup_idtr;
uint32_t startup_cs, startup_ds;
void startup_main(struct efi_cpu *own);

static uint8_t *page;
static void (*run)(struct efi_cpu *own);
static uint32_t spurious; /* of the boot processor's local APIC */

/* INIT has disabled the local APIC in software: no timer, no fixed interrupts. */
void startup_main(struct efi_cpu *own)
{
	local_apic_write(APIC_SVR, spurious | APIC_SVR_ENABLED);
	run(own);
}

static bool take_page(void)
{
	EFI_PHYSICAL_ADDRESS address = LOW_END - 1;

	if (firmware.boot->AllocatePages(AllocateMaxAddress, EfiLoaderCode, 1, &address) !=
	    EFI_SUCCESS)
		return false;
	page = (uint8_t *)(uintptr_t)address;
	return true;
}

/* What INIT has cleared, as the boot processor has it, but for what long mode alone may set. */
static void fill_page(void)
{
	struct tail *tail = (struct tail *)(page + (startup_tail - startup_page));
	const uint32_t base = (uint32_t)physical(page);

	__builtin_memcpy(page, startup_page, (size_t)(startup_page_end - startup_page));
	tail->cr4 = (uint32_t)read_cr4() & ~(uint32_t)(CR4_PCIDE | CR4_VMXE | CR4_CET);
	tail->cr3 = (uint32_t)read_cr3();
	tail->efer = (uint32_t)rdmsr(IA32_EFER) & ~(uint32_t)EFER_LMA;
	tail->cr0 = (uint32_t)read_cr0();
	tail->arrive = physical((void *)(uintptr_t)startup_arrive);
	tail->long_mode += base;
	tail->gdt += base;
	startup_gdtr = sgdt();
	startup_idtr = sidt();
	__asm__ volatile("mov %%cs, %0" : "=r"(startup_cs));
	__asm__ volatile("mov %%ds, %0" : "=r"(startup_ds));
}

/* One at a time, so that an offer is for one. */
static void start(struct efi_cpu *own)
{
	/* startup_arrive pops the owner, and calls with a stack aligned to 16 bytes. */
	uint64_t *top = (uint64_t *)(uintptr_t)(own->stack_end & ~15ull) - 1;
	const uint32_t sipi = IPI_SIPI | (uint32_t)(physical(page) >> 12);

	*top = physical(own);
	atomic_store(&startup_offer, physical(top));
	efi_cpu_ipi(own->cpu, IPI_INIT);
	firmware.boot->Stall(INIT_US);
	efi_cpu_ipi(own->cpu, sipi);
	firmware.boot->Stall(SIPI_US);
	if (atomic_load(&startup_offer))
		efi_cpu_ipi(own->cpu, sipi);
	for (unsigned i = 0; i < ARRIVE_MS && atomic_load(&startup_offer); i++)
		firmware.boot->Stall(1000);
	if (atomic_exchange(&startup_offer, 0))
		console_format("processor with APIC id %x does not start\n", own->cpu->apic_id);
}

/* False: an IPI to one of them would be another one's, even our own. */
static bool all_have_names(void)
{
	for (unsigned i = 1; i < efi_cpu_count; i++) {
		const struct cpu *cpu = efi_cpus[i].cpu;

		if (!cpu_has_own_id(cpu) || !local_apic_names(cpu->apic_id, local_apic_x2apic())) {
			console_format("no IPI can be for processor %u alone: APIC id %x\n", i,
				       cpu->apic_id);
			return false;
		}
	}
	return true;
}

enum status startup_all(void (*procedure)(struct efi_cpu *own))
{
	if (read_cr3() >> 32 || !all_have_names())
		return STATUS_UNSUPPORTED;
	if (!take_page())
		return STATUS_NO_MEMORY;
	fill_page();
	spurious = local_apic_read(APIC_SVR);
	run = procedure;
	for (unsigned i = 1; i < efi_cpu_count; i++)
		start(&efi_cpus[i]);
	return STATUS_OK;
}

void startup_end(void)
{
	for (unsigned i = 1; i < efi_cpu_count; i++)
		efi_cpu_ipi(efi_cpus[i].cpu, IPI_INIT);
	firmware.boot->Stall(INIT_US);
	pages_return(page, 1);
	page = NULL;
}
