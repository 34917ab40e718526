/* EFI_MP_SERVICES_PROTOCOL: Platform Initialization specification, vol. 2, "MP Services Protocol".
 * Names as the specification spells them. gnu-efi 4 has them, too, gnu-efi 3 has not. */
#ifndef EFI_CPU_MP_PROTOCOL_H
#define EFI_CPU_MP_PROTOCOL_H

#include <efi.h>

#ifndef EFI_MP_SERVICES_PROTOCOL_GUID
#define EFI_MP_SERVICES_PROTOCOL_GUID                                                              \
	{                                                                                          \
		0x3fdda605, 0xa76e, 0x4f46,                                                        \
		{                                                                                  \
			0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08                             \
		}                                                                                  \
	}

enum {
	PROCESSOR_AS_BSP_BIT = 1 << 0,
	PROCESSOR_ENABLED_BIT = 1 << 1,
	PROCESSOR_HEALTH_STATUS_BIT = 1 << 2,
};

typedef struct {
	UINT64 ProcessorId; /* bits 31:0 are the local APIC id */
	UINT32 StatusFlag;
	UINT32 Location[3];
	UINT32 Location2[6]; /* since version 1.7; firmware may clear it though nobody asked */
} EFI_PROCESSOR_INFORMATION;

typedef VOID(EFIAPI *EFI_AP_PROCEDURE)(VOID *ProcedureArgument);

typedef struct EFI_MP_SERVICES_PROTOCOL EFI_MP_SERVICES_PROTOCOL;
struct EFI_MP_SERVICES_PROTOCOL {
	EFI_STATUS(EFIAPI *GetNumberOfProcessors)
	(EFI_MP_SERVICES_PROTOCOL *This, UINTN *NumberOfProcessors,
	 UINTN *NumberOfEnabledProcessors);

	EFI_STATUS(EFIAPI *GetProcessorInfo)
	(EFI_MP_SERVICES_PROTOCOL *This, UINTN ProcessorNumber,
	 EFI_PROCESSOR_INFORMATION *ProcessorInfoBuffer);

	EFI_STATUS(EFIAPI *StartupAllAPs)
	(EFI_MP_SERVICES_PROTOCOL *This, EFI_AP_PROCEDURE Procedure, BOOLEAN SingleThread,
	 EFI_EVENT WaitEvent, UINTN TimeoutInMicroSeconds, VOID *ProcedureArgument,
	 UINTN **FailedCpuList);

	EFI_STATUS(EFIAPI *StartupThisAP)
	(EFI_MP_SERVICES_PROTOCOL *This, EFI_AP_PROCEDURE Procedure, UINTN ProcessorNumber,
	 EFI_EVENT WaitEvent, UINTN TimeoutInMicroSeconds, VOID *ProcedureArgument,
	 BOOLEAN *Finished);

	EFI_STATUS(EFIAPI *SwitchBSP)
	(EFI_MP_SERVICES_PROTOCOL *This, UINTN ProcessorNumber, BOOLEAN EnableOldBSP);

	EFI_STATUS(EFIAPI *EnableDisableAP)
	(EFI_MP_SERVICES_PROTOCOL *This, UINTN ProcessorNumber, BOOLEAN EnableAP,
	 UINT32 *HealthFlag);

	EFI_STATUS(EFIAPI *WhoAmI)(EFI_MP_SERVICES_PROTOCOL *This, UINTN *ProcessorNumber);
};
#endif

#endif
