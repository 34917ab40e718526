/*
 * Makes a machine bad before the image runs, for the harness: what no emulator offers by an option.
 *   spoil.efi lock      IA32_FEATURE_CONTROL locked without VMX on the boot processor
 *   spoil.efi lock-ap   the same on processor 1 alone
 *   spoil.efi no-mp     takes the MP Services protocol away
 *   spoil.efi count     nothing bad: runs a procedure on every AP, as another program would
 *   spoil.efi refuse    MP Services refuse to run APs beside the boot processor, as the PI
 *                       specification allows after ReadyToBoot
 *   spoil.efi hang      likewise they never return from that
 *   spoil.efi x2apic    switches every processor to x2APIC mode, as firmware of large machines does:
 *                       the others whenever they start, because this firmware switches them back
 */
#include <efi.h>
#include <efilib.h>

#include "efi/cpu/mp_protocol.h"

enum { IA32_APIC_BASE = 0x1B, EXTD = 1 << 10, IA32_FEATURE_CONTROL = 0x3A, LOCKED_WITHOUT_VMX = 1 };

static EFI_GUID mp_guid = EFI_MP_SERVICES_PROTOCOL_GUID;

static VOID EFIAPI lock(VOID *argument)
{
	(void)argument;
	__asm__ volatile("wrmsr" : : "c"(IA32_FEATURE_CONTROL), "a"(LOCKED_WITHOUT_VMX), "d"(0));
}

static volatile UINT32 aps;

static VOID EFIAPI count_one(VOID *argument)
{
	(void)argument;
	__atomic_fetch_add(&aps, 1, __ATOMIC_SEQ_CST);
}

static EFI_STATUS count(void)
{
	EFI_MP_SERVICES_PROTOCOL *mp;
	EFI_STATUS status = LibLocateProtocol(&mp_guid, (VOID **)&mp);

	if (!EFI_ERROR(status))
		status = mp->StartupAllAPs(mp, count_one, FALSE, NULL, 0, NULL, NULL);
	Print(L"%d APs ran a procedure\n", aps);
	return status;
}

static EFI_STATUS lock_ap(void)
{
	EFI_MP_SERVICES_PROTOCOL *mp;
	EFI_STATUS status = LibLocateProtocol(&mp_guid, (VOID **)&mp);

	if (EFI_ERROR(status))
		return status;
	return mp->StartupThisAP(mp, lock, 1, NULL, 0, NULL, NULL);
}

static EFI_STATUS remove_mp(void)
{
	EFI_HANDLE handles[4];
	UINTN size = sizeof(handles);
	VOID *mp;
	EFI_STATUS status = BS->LocateHandle(ByProtocol, &mp_guid, NULL, &size, handles);

	if (!EFI_ERROR(status))
		status = BS->HandleProtocol(handles[0], &mp_guid, &mp);
	if (!EFI_ERROR(status))
		status = BS->UninstallProtocolInterface(handles[0], &mp_guid, mp);
	return status;
}

/*
 * Stays behind in memory of its own, before StartupAllAPs: a call with an event (R9) is refused,
 * or never comes back; others go on to the firmware. Or each processor switches its APIC's mode
 * before it runs the procedure (RDX).
 */
__asm__(".pushsection .text\n"
	"refuse:\n\t"
	"test %r9, %r9\n\t"
	"jz hook_on\n\t"
	"mov $0x8000000000000003, %rax\n\t" /* EFI_UNSUPPORTED */
	"ret\n"
	"hang:\n\t"
	"test %r9, %r9\n\t"
	"jz hook_on\n"
	"1:\tpause\n\t"
	"jmp 1b\n"
	"x2apic:\n\t"
	"mov %rdx, procedure(%rip)\n\t"
	"lea x2apic_on(%rip), %rdx\n"
	"hook_on:\n\t"
	"jmp *hook_to(%rip)\n"
	"x2apic_on:\n\t"
	"push %rcx\n\t"
	"mov $0x1b, %ecx\n\t" /* IA32_APIC_BASE */
	"rdmsr\n\t"
	"or $0x400, %eax\n\t" /* EXTD */
	"wrmsr\n\t"
	"pop %rcx\n\t"
	"jmp *procedure(%rip)\n"
	"\t.balign 8\n"
	"procedure:\t.quad 0\n"
	"hook_to:\t.quad 0\n"
	"hook_end:\n"
	".popsection");
extern const UINT8 refuse[] __attribute__((visibility("hidden")));
extern const UINT8 hang[] __attribute__((visibility("hidden")));
extern const UINT8 x2apic[] __attribute__((visibility("hidden")));
extern const UINT8 hook_to[] __attribute__((visibility("hidden")));
extern const UINT8 hook_end[] __attribute__((visibility("hidden")));

static EFI_STATUS hook(const UINT8 *from)
{
	EFI_PHYSICAL_ADDRESS page;
	EFI_MP_SERVICES_PROTOCOL *mp;
	EFI_STATUS status = LibLocateProtocol(&mp_guid, (VOID **)&mp);

	if (!EFI_ERROR(status))
		status = BS->AllocatePages(AllocateAnyPages, EfiBootServicesCode, 1, &page);
	if (EFI_ERROR(status))
		return status;
	CopyMem((VOID *)(UINTN)page, (VOID *)(UINTN)refuse, (UINTN)(hook_end - refuse));
	CopyMem((VOID *)(UINTN)(page + (UINTN)(hook_to - refuse)), &mp->StartupAllAPs, 8);
	*(UINT64 *)&mp->StartupAllAPs = page + (UINTN)(from - refuse);
	return EFI_SUCCESS;
}

static EFI_STATUS x2apic_all(void)
{
	UINT32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(IA32_APIC_BASE));
	__asm__ volatile("wrmsr" : : "c"(IA32_APIC_BASE), "a"(low | EXTD), "d"(high));
	return hook(x2apic);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	EFI_LOADED_IMAGE *loaded;
	EFI_STATUS status = EFI_INVALID_PARAMETER;
	CHAR16 *how;

	InitializeLib(image, table);
	if (EFI_ERROR(BS->HandleProtocol(image, &LoadedImageProtocol, (VOID **)&loaded)))
		return EFI_UNSUPPORTED;
	how = loaded->LoadOptions;
	while (*how && *how != L' ') /* the program's name */
		how++;
	while (*how == L' ')
		how++;
	if (!StrCmp(how, L"lock")) {
		lock(NULL);
		status = EFI_SUCCESS;
	} else if (!StrCmp(how, L"lock-ap")) {
		status = lock_ap();
	} else if (!StrCmp(how, L"x2apic")) {
		status = x2apic_all();
	} else if (!StrCmp(how, L"count")) {
		status = count();
	} else if (!StrCmp(how, L"refuse")) {
		status = hook(refuse);
	} else if (!StrCmp(how, L"hang")) {
		status = hook(hang);
	} else if (!StrCmp(how, L"no-mp")) {
		status = remove_mp();
	}
	Print(L"spoil %s: %r\n", how, status);
	return status;
}
