#include "efi/identify.h"

#include "lib/text.h"
#include "suite/version.h"

#include "efi/cpu/cpu.h"
#include "efi/firmware.h"
#include "efi/smbios.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

enum { CORE_TYPE_ATOM = 0x20, CORE_TYPE_CORE = 0x40 };

/* Registers as text: EBX, ECX and so on hold four characters each. */
static void append(char *text, size_t at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		text[at + i] = (char)(value >> 8 * i);
	text[at + 4] = '\0';
}

/* From UCS-2, with what is not ASCII left out. */
static void narrow(const CHAR16 *wide, char *text, size_t size)
{
	size_t length = 0;

	for (; wide && *wide && length + 1 < size; wide++)
		if (*wide >= ' ' && *wide <= '~')
			text[length++] = (char)*wide;
	text[length] = '\0';
}

static void add_date(struct facts *facts)
{
	EFI_TIME time;

	if (firmware.runtime->GetTime(&time, NULL) == EFI_SUCCESS)
		facts_add(facts, "date", "%04u-%02u-%02u %02u:%02u:%02u", time.Year, time.Month,
			  time.Day, time.Hour, time.Minute, time.Second);
}

/* SDM vol. 2A, "CPUID": leaves 80000002H to 80000004H. */
static void add_brand(struct facts *facts)
{
	char brand[49] = "", *start = brand;
	char vendor[13];
	struct cpuid leaf = cpuid(0, 0);

	append(vendor, 0, leaf.ebx);
	append(vendor, 4, leaf.edx);
	append(vendor, 8, leaf.ecx);
	facts_add(facts, "cpu vendor", "%s", vendor);
	for (unsigned i = 0; i < 3; i++) {
		leaf = cpuid_or_zero(0x80000002 + i, 0);
		append(brand, 16 * i, leaf.eax);
		append(brand, 16 * i + 4, leaf.ebx);
		append(brand, 16 * i + 8, leaf.ecx);
		append(brand, 16 * i + 12, leaf.edx);
	}
	while (*start == ' ')
		start++;
	facts_add(facts, "cpu brand", "%s", *start ? start : "none");
}

/* SDM vol. 2A, "CPUID": version information in EAX of leaf 1. */
static void add_model(struct facts *facts)
{
	uint32_t eax = cpuid(1, 0).eax;
	uint32_t family = eax >> 8 & 0xf, model = eax >> 4 & 0xf;

	if (family == 6 || family == 15)
		model |= (eax >> 16 & 0xf) << 4;
	if (family == 15)
		family += eax >> 20 & 0xff;
	facts_add(facts, "cpu model", "family %u model %u (%xH) stepping %u, signature %08x",
		  family, model, model, eax & 0xf, eax);
	facts_number(facts, "cpu_family", family);
	facts_number(facts, "cpu_model", model);
	facts_number(facts, "cpu_stepping", eax & 0xf);
}

/*
 * SDM vol. 3A, "Determining the Signature" of microcode updates: CPUID puts the revision into the
 * MSR. Intel's convention; a hypervisor may refuse it, hence the processor is taken meanwhile.
 */
static void read_microcode(void *revision)
{
	if (!(cpuid(1, 0).ecx & BIT(31))) {
		wrmsr(IA32_BIOS_SIGN_ID, 0);
		cpuid(1, 0);
	}
	*(uint64_t *)revision = rdmsr(IA32_BIOS_SIGN_ID);
}

static void add_microcode(struct facts *facts)
{
	uint64_t revision = 0;
	struct fault fault;
	bool known;

	if (cpuid(0, 0).ecx != 0x6c65746e) /* "ntel" */
		return;
	efi_cpu_take(efi_cpus[0].cpu);
	known = efi_cpu_guarded(efi_cpus[0].cpu, read_microcode, &revision, &fault);
	if (!efi_cpu_give_back(efi_cpus[0].cpu))
		atomic_store(&efi_cpus[0].cpu->spoiled, true);
	if (!known)
		return;
	facts_add(facts, "microcode", "revision %lxH", revision >> 32);
	facts_number(facts, "microcode_revision", revision >> 32);
}

static void add_hypervisor(struct facts *facts)
{
	char vendor[13];
	struct cpuid leaf;

	if (!(cpuid(1, 0).ecx & BIT(31))) {
		facts_add(facts, "hypervisor", "none announced by CPUID");
		return;
	}
	leaf = cpuid(0x40000000, 0);
	append(vendor, 0, leaf.ebx);
	append(vendor, 4, leaf.ecx);
	append(vendor, 8, leaf.edx);
	facts_add(facts, "hypervisor", "%s", vendor[0] ? vendor : "unnamed");
}

/* Software may change the local APIC's, which CPUID does not follow: SDM vol. 3A, "Local APIC ID".
 */
static void add_apic_ids(struct facts *facts)
{
	uint32_t lowest = ~0u, highest = 0;
	unsigned changed = 0, last = 0;

	for (unsigned i = 0; i < efi_cpu_count; i++) {
		uint32_t id = efi_cpus[i].cpu->apic_id;

		lowest = id < lowest ? id : lowest;
		highest = id > highest ? id : highest;
		if (id != efi_cpus[i].initial_id &&
		    atomic_load(&efi_cpus[i].cpu->phase) == CPU_READY) {
			changed++;
			last = i;
		}
	}
	if (changed)
		facts_add(facts, "apic ids",
			  "%XH to %XH, not CPUID's on %u processors; %u has %XH, CPUID %XH", lowest,
			  highest, changed, last, efi_cpus[last].cpu->apic_id,
			  efi_cpus[last].initial_id);
	else
		facts_add(facts, "apic ids", "%XH to %XH", lowest, highest);
}

/* SDM vol. 2A, "CPUID": leaf 1AH says of each processor of a hybrid part what it is. */
static void add_hybrid(struct facts *facts)
{
	unsigned atoms = 0, cores = 0;

	if (!(cpuid_or_zero(7, 0).edx & BIT(15)))
		return;
	for (unsigned i = 0; i < efi_cpu_count; i++) {
		atoms += efi_cpus[i].core_type >> 24 == CORE_TYPE_ATOM;
		cores += efi_cpus[i].core_type >> 24 == CORE_TYPE_CORE;
	}
	facts_add(facts, "hybrid", "%u Core, %u Atom, %u other processors", cores, atoms,
		  efi_cpu_count - cores - atoms);
}

void identify_started(struct facts *facts)
{
	add_hybrid(facts);
	add_apic_ids(facts);
}

static void add_processors(struct facts *facts)
{
	const char *note = mp_note();

	facts_number(facts, "processors_present", mp_total());
	facts_add(facts, "processors", "%u, %u in use%s%s%s", mp_total(), efi_cpu_count,
		  note[0] ? " (" : "", note, note[0] ? ")" : "");
	facts_add(facts, "apic mode", "%s", local_apic_x2apic() ? "x2APIC" : "xAPIC");
	facts_add(facts, "tsc", "%lu.%03lu MHz, %s", clock_hz() / 1000000, clock_hz() / 1000 % 1000,
		  clock_source());
}

static uint64_t free_memory(void)
{
	UINTN size = 0, key, each;
	UINT32 version;
	uint64_t pages = 0;
	size_t room;
	unsigned char *map;

	firmware.boot->GetMemoryMap(&size, NULL, &key, &each, &version);
	room = (size + 16 * sizeof(EFI_MEMORY_DESCRIPTOR)) / PAGE_SIZE + 1;
	map = pages_get(room);
	if (!map)
		return 0;
	size = room * PAGE_SIZE;
	if (firmware.boot->GetMemoryMap(&size, (void *)map, &key, &each, &version) != EFI_SUCCESS)
		size = 0;
	for (size_t at = 0; at + sizeof(EFI_MEMORY_DESCRIPTOR) <= size; at += each) {
		const EFI_MEMORY_DESCRIPTOR *entry = (const void *)(map + at);

		if (entry->Type == EfiConventionalMemory)
			pages += entry->NumberOfPages;
	}
	pages_return(map, room);
	return pages;
}

static void add_memory(struct facts *facts, size_t arena_pages)
{
	struct cpuid leaf = cpuid_or_zero(0x80000008, 0);

	uint64_t free = free_memory() >> 8;
	unsigned bits = leaf.eax ? leaf.eax & 0xff : 36;

	facts_add(facts, "memory", "%lu MiB free, %lu MiB ours, %u physical address bits", free,
		  arena_pages >> 8, bits);
	facts_number(facts, "memory_free_mib", free);
	facts_number(facts, "physical_address_bits", bits);
}

static void add_firmware(struct facts *facts)
{
	const EFI_SYSTEM_TABLE *table = firmware.table;
	uint32_t uefi = table->Hdr.Revision;
	char vendor[64];
	uint8_t secure;

	narrow(table->FirmwareVendor, vendor, sizeof(vendor));
	facts_add(facts, "firmware", "%s, revision %u.%u (%08xH)", vendor,
		  table->FirmwareRevision >> 16, table->FirmwareRevision & 0xffff,
		  table->FirmwareRevision);
	facts_add(facts, "uefi", "%u.%u", uefi >> 16, (uefi & 0xffff) / 10);
	if (firmware_variable(L"SecureBoot", &secure, 1) == 1)
		facts_add(facts, "secure boot", "%s", secure ? "on" : "off");
	else
		facts_add(facts, "secure boot", "not known to the firmware");
}

void identify(struct facts *facts, size_t arena_pages)
{
	facts_add(facts, "assay", "%s (%s)", assay_version, assay_commit);
	add_date(facts);
	add_brand(facts);
	add_model(facts);
	add_microcode(facts);
	add_hypervisor(facts);
	add_processors(facts);
	add_memory(facts, arena_pages);
	add_firmware(facts);
	smbios_identify(facts);
}
