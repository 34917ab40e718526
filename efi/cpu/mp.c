/* Which processors there are, and running our code on them through MP Services. */
#include "lib/text.h"

#include "efi/cpu/cpu.h"
#include "efi/cpu/fpu.h"
#include "efi/cpu/mp_protocol.h"
#include "efi/cpu/startup.h"
#include "efi/firmware.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/local_apic.h"
#include "x86/msr.h"

enum {
	RETURN_SECONDS = 3, /* for the APs to leave our code */
	EVENT_SECONDS = 15, /* for the firmware to notice: it polls, and rarely */
	TAKE_BACK_US = 1000000,
	/* Some firmware hangs when it starts processors; then the machine must come up again. */
	WATCHDOG_SECONDS = 30,
	WATCHDOG_CODE = 0x10000, /* the first that is not the firmware's own */
};

static EFI_MP_SERVICES_PROTOCOL *services;
static EFI_EVENT finished; /* NULL: no APs are started */
static void (*ap_entry)(struct cpu *cpu);
static bool started;	  /* the APs run our code, or are on their way back */
static bool by_ourselves; /* startup.c has started them */
static unsigned total;
static bool lost; /* a processor stayed away: there is no way to get it back */
static char note[96];
static void *block;
static size_t block_pages;

static size_t pages_for(size_t bytes)
{
	return (bytes + PAGE_MASK) / PAGE_SIZE;
}

unsigned mp_total(void)
{
	return total;
}

const char *mp_note(void)
{
	return note;
}

/* Enabled and healthy, so that the firmware would start it; false also if there is no such. */
static bool usable(UINTN handle, EFI_PROCESSOR_INFORMATION *info)
{
	const UINT32 good = PROCESSOR_ENABLED_BIT | PROCESSOR_HEALTH_STATUS_BIT;

	return services->GetProcessorInfo(services, handle, info) == EFI_SUCCESS &&
	       ((info->StatusFlag & PROCESSOR_AS_BSP_BIT) || (info->StatusFlag & good) == good);
}

static unsigned count_usable(void)
{
	EFI_PROCESSOR_INFORMATION info;
	unsigned count = 0;

	for (UINTN i = 0; i < total; i++)
		count += usable(i, &info);
	return count;
}

/* How many to use, with the reason if that is not all of them. */
static unsigned choose_count(unsigned wanted)
{
	static const EFI_GUID guid = EFI_MP_SERVICES_PROTOCOL_GUID;
	UINTN all = 0, enabled = 0;
	unsigned count;

	note[0] = '\0';
	total = 1;
	services = firmware_locate(&guid);
	if (!services || services->GetNumberOfProcessors(services, &all, &enabled) != EFI_SUCCESS ||
	    !all) {
		services = NULL;
		text_format(note, sizeof(note),
			    "the firmware has no MP Services: the boot processor alone");
		return 1;
	}
	total = (unsigned)all;
	count = count_usable();
	if (count < total)
		text_format(note, sizeof(note), "the firmware has disabled %u", total - count);
	if (wanted && wanted < count) {
		text_format(note, sizeof(note), "limited to %u by -c", wanted);
		count = wanted;
	}
	return count ? count : 1;
}

/* One block: the efi_cpus, their struct cpu, their XSAVE areas, their stacks, a page below each. */
static enum status lay_out(unsigned count, struct cpu **cpus)
{
	size_t xsave = pages_for(fpu_xsave_size()) * PAGE_SIZE;
	size_t cleared = count * sizeof(struct efi_cpu) +
			 pages_for(count * sizeof(struct cpu)) * PAGE_SIZE + count * xsave;
	size_t stacks =
		EFI_CPU_BOOT_STACK + (count - 1) * (size_t)EFI_CPU_STACK + count * PAGE_SIZE;
	unsigned char *at;

	block_pages = pages_for(cleared + stacks);
	block = pages_get(block_pages);
	if (!block)
		return STATUS_NO_MEMORY;
	__builtin_memset(block, 0, cleared);
	efi_cpus = block;
	efi_cpu_count = count;
	*cpus = (struct cpu *)(efi_cpus + count);
	at = (unsigned char *)block + cleared - count * xsave;
	for (unsigned i = 0; i < count; i++, at += xsave)
		efi_cpus[i].xsave = xsave ? at : NULL;
	for (unsigned i = 0; i < count; i++) {
		size_t size = i ? EFI_CPU_STACK : EFI_CPU_BOOT_STACK;

		at += PAGE_SIZE;
		efi_cpu_init(&efi_cpus[i], &(*cpus)[i], efi_cpus[i].xsave, at, size);
		(*cpus)[i].index = i;
		at += size;
	}
	return STATUS_OK;
}

/* On the processor itself: what the firmware says of its id has 8 bits for sure. */
static void meet(struct efi_cpu *own)
{
	const struct cpuid topology = cpuid_or_zero(0xb, 0);

	own->cpu->apic_id = local_apic_id();
	own->initial_id = topology.ebx ? topology.edx : cpuid(1, 0).ebx >> 24;
	own->core_type = cpuid_or_zero(0x1a, 0).eax;
}

enum status mp_init(unsigned wanted, struct cpu **cpus)
{
	unsigned count = choose_count(wanted), next = 1;
	enum status status = lay_out(count, cpus);

	if (status)
		return status;
	meet(&efi_cpus[0]);
	for (unsigned i = 0; i < count; i++)
		efi_cpus[i].cpu->listed_id = CPU_NOT_LISTED;
	for (UINTN i = 0; services && i < total; i++) {
		EFI_PROCESSOR_INFORMATION info;
		struct efi_cpu *own;

		if (!usable(i, &info))
			continue;
		/* The boot processor is the first for us, whatever the firmware's number for it. */
		if (!(info.StatusFlag & PROCESSOR_AS_BSP_BIT) && next == count)
			continue;
		own = info.StatusFlag & PROCESSOR_AS_BSP_BIT ? &efi_cpus[0] : &efi_cpus[next++];
		own->handle = i;
		own->cpu->listed_id = info.ProcessorId;
		if (own != &efi_cpus[0])
			own->cpu->apic_id = (uint32_t)info.ProcessorId;
	}
	return STATUS_OK;
}

/* NULL for a processor that is not to be used. */
static struct efi_cpu *find_self(void)
{
	UINTN handle;

	if (services->WhoAmI(services, &handle) != EFI_SUCCESS)
		return NULL;
	for (unsigned i = 1; i < efi_cpu_count; i++)
		if (efi_cpus[i].handle == handle)
			return &efi_cpus[i];
	return NULL;
}

static void enter(void *argument)
{
	ap_entry(argument);
}

/* cpu_asm.S */
VOID EFIAPI mp_procedure(VOID *argument);
VOID EFIAPI mp_nothing(VOID *argument);
VOID EFIAPI mp_procedure_c(VOID *argument);

/* Shadow stacks and branch tracking are off meanwhile: we change stacks, and have no ENDBR64. */
VOID EFIAPI mp_procedure_c(VOID *argument)
{
	struct efi_cpu *own = find_self();
	const bool cet = read_cr4() & CR4_CET;
	uint64_t s_cet = 0;

	(void)argument;
	if (!own)
		return;
	if (cet) {
		s_cet = rdmsr(IA32_S_CET);
		wrmsr(IA32_S_CET, 0);
	}
	meet(own);
	call_on_stack(enter, own->cpu, own->stack_end);
	if (cet)
		wrmsr(IA32_S_CET, s_cet);
	/* Back on the firmware's stack: ours may be freed from now on. */
	atomic_store(&own->returned, true);
}

/* Still on our stack, where the processor stays until startup_end. */
static void startup_procedure(struct efi_cpu *own)
{
	meet(own);
	ap_entry(own->cpu);
	atomic_store(&own->returned, true);
}

static void watchdog(unsigned seconds)
{
	firmware.boot->SetWatchdogTimer(seconds, WATCHDOG_CODE, 0, NULL);
}

static EFI_STATUS start_by_firmware(void)
{
	EFI_STATUS status;

	if (firmware.boot->CreateEvent(0, 0, NULL, NULL, &finished) != EFI_SUCCESS)
		return EFI_OUT_OF_RESOURCES;
	watchdog(WATCHDOG_SECONDS);
	status = services->StartupAllAPs(services, mp_procedure, FALSE, finished, 0, NULL, NULL);
	watchdog(0);
	if (status == EFI_SUCCESS)
		return status;
	firmware.boot->CloseEvent(finished);
	finished = NULL;
	return status;
}

enum status mp_start(void (*entry)(struct cpu *cpu))
{
	EFI_STATUS status;

	if (!services)
		return STATUS_UNSUPPORTED;
	if (efi_cpu_count == 1)
		return STATUS_OK;
	if (!mp_finish(true))
		return STATUS_BAD_STATE;
	ap_entry = entry;
	for (unsigned i = 1; i < efi_cpu_count; i++)
		atomic_store(&efi_cpus[i].returned, false);
	status = start_by_firmware();
	/* PI vol. 2, "EFI_MP_SERVICES_PROTOCOL.StartupAllAPs()": after ReadyToBoot firmware need
	 * not let them run beside the boot processor. */
	by_ourselves = status == EFI_UNSUPPORTED && startup_all(startup_procedure) == STATUS_OK;
	started = by_ourselves || status == EFI_SUCCESS;
	if (by_ourselves)
		console_print("MP Services start no processors beside this one: started by "
			      "INIT-SIPI-SIPI\n");
	else if (!started)
		console_format("MP Services refuse to start the processors: %lx\n", status);
	if (started)
		return STATUS_OK;
	return status == EFI_UNSUPPORTED ? STATUS_REFUSED : STATUS_DEVICE;
}

/* A parked one has an exception to show; a deaf one waits for an NMI, in ap_main. */
static void say_missing(const struct efi_cpu *own)
{
	const bool failed = atomic_load(&own->cpu->phase) == CPU_FAILED;

	console_format("processor %u did not come back to the firmware%s%s\n", own->cpu->index,
		       failed ? ": " : "", failed ? status_text(own->cpu->error) : "");
	if (failed && own->cpu->error == STATUS_FAULT)
		panic_print(&own->fault);
}

static bool wait_returned(const struct efi_cpu *own, uint64_t deadline)
{
	while (!atomic_load(&own->returned)) {
		if (clock_read() >= deadline) {
			say_missing(own);
			return false;
		}
		cpu_relax();
	}
	return true;
}

/* Sleeps in the firmware until it has signalled the event, with a timer as the deadline. */
static bool wait_event(EFI_EVENT event)
{
	EFI_EVENT events[2] = { event };
	UINTN index = 1;

	if (firmware.boot->CreateEvent(EVT_TIMER, 0, NULL, NULL, &events[1]) != EFI_SUCCESS)
		return false;
	if (firmware.boot->SetTimer(events[1], TimerRelative, EVENT_SECONDS * 10000000ull) !=
		    EFI_SUCCESS ||
	    firmware.boot->WaitForEvent(2, events, &index) != EFI_SUCCESS)
		index = 1;
	firmware.boot->CloseEvent(events[1]);
	return index == 0;
}

/* They wait for a SIPI: the firmware starts them for a moment, and has them again. */
static bool take_back(void)
{
	EFI_STATUS status;

	watchdog(WATCHDOG_SECONDS);
	status = services->StartupAllAPs(services, mp_nothing, FALSE, NULL, TAKE_BACK_US, NULL,
					 NULL);
	watchdog(0);
	if (status != EFI_SUCCESS)
		console_format("the firmware does not take its processors back: %lx\n", status);
	return status == EFI_SUCCESS;
}

bool mp_finish(bool for_firmware)
{
	uint64_t deadline = clock_read() + RETURN_SECONDS * clock_hz();

	if (!started || lost)
		return !lost;
	for (unsigned i = 1; i < efi_cpu_count; i++)
		lost |= !wait_returned(&efi_cpus[i], deadline);
	if (!lost && by_ourselves)
		startup_end();
	if (lost || !for_firmware)
		return !lost;
	started = false;
	if (by_ourselves) {
		lost = !take_back();
		return !lost;
	}
	/* Firmware that still holds the event would signal it later: then it must stay. */
	if (wait_event(finished))
		firmware.boot->CloseEvent(finished);
	else
		console_print("the firmware did not notice that its processors are back\n");
	finished = NULL;
	return true;
}

void mp_free(void)
{
	pages_return(block, block_pages);
	block = NULL;
	efi_cpus = NULL;
	efi_cpu_count = 0;
}
