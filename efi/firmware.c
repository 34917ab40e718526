#include "efi/firmware.h"

#include <efishell.h>

struct firmware firmware;

void *firmware_protocol(EFI_HANDLE handle, const EFI_GUID *guid)
{
	EFI_GUID copy = *guid; /* gnu-efi's prototypes are not const */
	void *protocol = NULL;

	if (firmware.boot->HandleProtocol(handle, &copy, &protocol) != EFI_SUCCESS)
		return NULL;
	return protocol;
}

void *firmware_locate(const EFI_GUID *guid)
{
	EFI_GUID copy = *guid;
	void *protocol = NULL;

	if (firmware.boot->LocateProtocol(&copy, NULL, &protocol) != EFI_SUCCESS)
		return NULL;
	return protocol;
}

size_t firmware_variable(const CHAR16 *name, void *data, size_t size)
{
	EFI_GUID guid = EFI_GLOBAL_VARIABLE;
	UINTN got = size;

	if (firmware.runtime->GetVariable((CHAR16 *)(uintptr_t)name, &guid, NULL, &got, data) !=
	    EFI_SUCCESS)
		return 0;
	return got;
}

enum status firmware_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	static const EFI_GUID loaded_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
	static const EFI_GUID shell_guid = EFI_SHELL_PARAMETERS_PROTOCOL_GUID;

	firmware.image = image;
	firmware.table = table;
	firmware.boot = table->BootServices;
	firmware.runtime = table->RuntimeServices;
	firmware.loaded = firmware_protocol(image, &loaded_guid);
	/* UEFI Shell specification, "EFI_SHELL_PARAMETERS_PROTOCOL": on each image that it starts.
	 */
	firmware.from_shell = firmware_protocol(image, &shell_guid);
	return firmware.loaded ? STATUS_OK : STATUS_DEVICE;
}

enum status firmware_status(EFI_STATUS status)
{
	switch (status) {
	case EFI_SUCCESS:
		return STATUS_OK;
	case EFI_WRITE_PROTECTED:
	case EFI_ACCESS_DENIED:
		return STATUS_READ_ONLY;
	case EFI_VOLUME_FULL:
		return STATUS_VOLUME_FULL;
	case EFI_NOT_FOUND:
		return STATUS_NOT_FOUND;
	case EFI_INVALID_PARAMETER:
		return STATUS_INVALID;
	case EFI_OUT_OF_RESOURCES:
		return STATUS_NO_MEMORY;
	case EFI_UNSUPPORTED:
		return STATUS_UNSUPPORTED;
	default:
		return STATUS_DEVICE;
	}
}
