/*
 * UEFI specification, "PXE Base Code Protocol": it is on the handle that the program was loaded
 * from, with the packets of the boot, and reads by TFTP.
 */
#include "efi/network.h"

#include "lib/text.h"

#include "efi/firmware.h"
#include "efi/http.h"

enum { BOOT_FILE = 128 };

/* The packet that named the boot file: a proxy's, where there is one. */
static const EFI_PXE_BASE_CODE_DHCPV4_PACKET *boot_packet(const EFI_PXE_BASE_CODE_MODE *mode)
{
	if (mode->ProxyOfferReceived && mode->ProxyOffer.Dhcpv4.BootpBootFile[0])
		return &mode->ProxyOffer.Dhcpv4;
	return mode->DhcpAckReceived ? &mode->DhcpAck.Dhcpv4 : NULL;
}

/* The boot file's folder and the name. */
static void beside(const EFI_PXE_BASE_CODE_DHCPV4_PACKET *packet, const char *name,
		   char path[2 * BOOT_FILE])
{
	int folder = 0;

	for (int i = 0; i < BOOT_FILE && packet->BootpBootFile[i]; i++)
		if (packet->BootpBootFile[i] == '/' || packet->BootpBootFile[i] == '\\')
			folder = i + 1;
	text_format(path, 2 * (size_t)BOOT_FILE, "%.*s%s", folder,
		    (const char *)packet->BootpBootFile, name);
}

static size_t pxe_read(const char *name, char *data, size_t size)
{
	static const EFI_GUID guid = EFI_PXE_BASE_CODE_PROTOCOL_GUID;
	const EFI_PXE_BASE_CODE_DHCPV4_PACKET *packet;
	EFI_PXE_BASE_CODE_PROTOCOL *pxe;
	EFI_IP_ADDRESS server = { 0 };
	char path[2 * BOOT_FILE];
	UINT64 got = size;

	pxe = firmware.loaded->DeviceHandle
		      ? firmware_protocol(firmware.loaded->DeviceHandle, &guid)
		      : NULL;
	if (!pxe || !pxe->Mode || !pxe->Mode->Started || pxe->Mode->UsingIpv6)
		return 0;
	packet = boot_packet(pxe->Mode);
	if (!packet)
		return 0;
	beside(packet, name, path);
	__builtin_memcpy(&server.v4, packet->BootpSiAddr, sizeof(packet->BootpSiAddr));
	__builtin_memset(data, 0, size);
	if (pxe->Mtftp(pxe, EFI_PXE_BASE_CODE_TFTP_READ_FILE, data, FALSE, &got, NULL, &server,
		       (UINT8 *)path, NULL, FALSE) != EFI_SUCCESS)
		return 0;
	/* Some firmware leaves the size of the buffer in got; what it did not fill is still 0. */
	got = min_u64(got, size);
	while (got && !data[got - 1])
		got--;
	return (size_t)got;
}

size_t network_read(const char *name, char *data, size_t size)
{
	size_t got = pxe_read(name, data, size);

	return got ? got : http_read(name, data, size);
}
