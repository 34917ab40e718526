/* EFI_HTTP_PROTOCOL: UEFI specification, "EFI HTTP Protocol". gnu-efi has no header for it. Names
 * as the specification spells them. */
#ifndef EFI_HTTP_PROTOCOL_H
#define EFI_HTTP_PROTOCOL_H

#include <efi.h>

#define EFI_HTTP_ERROR EFIERR(35) /* "Status Codes" */

/* Its interface is gnu-efi's EFI_SERVICE_BINDING. */
#define EFI_HTTP_SERVICE_BINDING_PROTOCOL_GUID                                                     \
	{                                                                                          \
		0xbdc8e6af, 0xd9bc, 0x4379,                                                        \
		{                                                                                  \
			0xa7, 0x2a, 0xe0, 0xc4, 0xe7, 0x5d, 0xae, 0x1c                             \
		}                                                                                  \
	}

#define EFI_HTTP_PROTOCOL_GUID                                                                     \
	{                                                                                          \
		0x7a59b29b, 0x910b, 0x4171,                                                        \
		{                                                                                  \
			0x82, 0x42, 0xa8, 0x5a, 0x0d, 0xf2, 0x5b, 0x5b                             \
		}                                                                                  \
	}

typedef enum { HttpVersion10, HttpVersion11 } EFI_HTTP_VERSION;
typedef enum { HttpMethodGet } EFI_HTTP_METHOD;
typedef enum { HTTP_STATUS_200_OK = 3 } EFI_HTTP_STATUS_CODE; /* numbered from 0, not by value */

typedef struct {
	BOOLEAN UseDefaultAddress;
	EFI_IPv4_ADDRESS LocalAddress;
	EFI_IPv4_ADDRESS LocalSubnet;
	UINT16 LocalPort;
} EFI_HTTPv4_ACCESS_POINT;

typedef struct {
	EFI_HTTP_VERSION HttpVersion;
	UINT32 TimeOutMillisec;
	BOOLEAN LocalAddressIsIPv6;
	union {
		EFI_HTTPv4_ACCESS_POINT *IPv4Node;
		VOID *IPv6Node;
	} AccessPoint;
} EFI_HTTP_CONFIG_DATA;

typedef struct {
	EFI_HTTP_METHOD Method;
	CHAR16 *Url;
} EFI_HTTP_REQUEST_DATA;

typedef struct {
	EFI_HTTP_STATUS_CODE StatusCode;
} EFI_HTTP_RESPONSE_DATA;

typedef struct {
	CHAR8 *FieldName;
	CHAR8 *FieldValue;
} EFI_HTTP_HEADER;

typedef struct {
	union {
		EFI_HTTP_REQUEST_DATA *Request;
		EFI_HTTP_RESPONSE_DATA *Response;
	} Data;
	UINTN HeaderCount;
	EFI_HTTP_HEADER *Headers; /* of a response: allocated by the driver, freed by the caller */
	UINTN BodyLength;	  /* of a response: the size of Body, then the bytes in it */
	VOID *Body;
} EFI_HTTP_MESSAGE;

typedef struct {
	EFI_EVENT Event;
	EFI_STATUS Status;
	EFI_HTTP_MESSAGE *Message;
} EFI_HTTP_TOKEN;

typedef struct EFI_HTTP_PROTOCOL EFI_HTTP_PROTOCOL;
typedef EFI_STATUS(EFIAPI *EFI_HTTP_QUEUE)(EFI_HTTP_PROTOCOL *This, EFI_HTTP_TOKEN *Token);

struct EFI_HTTP_PROTOCOL {
	VOID *GetModeData;
	EFI_STATUS(EFIAPI *Configure)
	(EFI_HTTP_PROTOCOL *This, EFI_HTTP_CONFIG_DATA *HttpConfigData);
	EFI_HTTP_QUEUE Request;
	EFI_HTTP_QUEUE Cancel;
	EFI_HTTP_QUEUE Response;
	EFI_STATUS(EFIAPI *Poll)(EFI_HTTP_PROTOCOL *This);
};

#endif
