/*
 * UEFI specification, "HTTP Boot" and "EFI HTTP Protocol": the handle that the program was loaded
 * from has the machine's address and the URI in its device path; the service is on the handle of
 * the network controller, to which the first part of that path leads.
 */
#include "efi/http.h"

#include "efi/firmware.h"
#include "efi/http_protocol.h"
#include "efi/url.h"

enum {
	PATIENCE_MS = 10000, /* for all of it, beside the firmware's own time-outs */
	IP_NODE_SIZE = offsetof(IPv4_DEVICE_PATH, SubnetMask) + sizeof(EFI_IPv4_ADDRESS)
};

struct exchange {
	EFI_HTTP_PROTOCOL *http;
	EFI_HTTP_MESSAGE message;
	EFI_HTTP_TOKEN token;
	volatile bool done;
	unsigned left; /* ms */
};

static size_t node_length(const EFI_DEVICE_PATH *node)
{
	return node->Length[0] | (size_t)node->Length[1] << 8;
}

/* The first messaging node of that sub-type and at least that size. */
static EFI_DEVICE_PATH *node_of(EFI_DEVICE_PATH *path, UINT8 sub_type, size_t size)
{
	while (!IsDevicePathEndType(path) && node_length(path) >= sizeof(*path)) {
		if (path->Type == MESSAGING_DEVICE_PATH && path->SubType == sub_type &&
		    node_length(path) >= size)
			return path;
		path = NextDevicePathNode(path);
	}
	return NULL;
}

static void EFIAPI set_done(EFI_EVENT event, void *done)
{
	(void)event;
	*(volatile bool *)done = true;
}

/* Request() or Response() to its end. */
static EFI_STATUS finish(struct exchange *exchange, EFI_HTTP_QUEUE queue)
{
	EFI_STATUS status;

	exchange->done = false;
	status = queue(exchange->http, &exchange->token);
	if (status != EFI_SUCCESS)
		return status;
	for (; !exchange->done && exchange->left; exchange->left--) {
		exchange->http->Poll(exchange->http);
		firmware.boot->Stall(1000);
	}
	if (exchange->done)
		return exchange->token.Status;
	exchange->http->Cancel(exchange->http, &exchange->token);
	return EFI_TIMEOUT;
}

static bool is_content_length(const CHAR8 *name)
{
	static const char wanted[] = "content-length";
	size_t i = 0;

	while (wanted[i] && (name[i] | 0x20) == wanted[i])
		i++;
	return !wanted[i] && !name[i];
}

static int64_t number(const CHAR8 *digits)
{
	int64_t value = 0;

	for (; *digits >= '0' && *digits <= '9' && value < INT32_MAX; digits++)
		value = 10 * value + *digits - '0';
	return value;
}

/* Frees the header. The body's bytes by it; -1: it does not say. */
static int64_t take_header(EFI_HTTP_MESSAGE *message)
{
	int64_t length = -1;

	for (UINTN i = 0; message->Headers && i < message->HeaderCount; i++) {
		const EFI_HTTP_HEADER *field = &message->Headers[i];

		if (is_content_length(field->FieldName))
			length = number(field->FieldValue);
		firmware.boot->FreePool(field->FieldName);
		firmware.boot->FreePool(field->FieldValue);
	}
	if (message->Headers)
		firmware.boot->FreePool(message->Headers);
	return length;
}

/* Why there is no whole file, or NULL. */
static const char *get(struct exchange *exchange, struct url *url, char *data, size_t size,
		       size_t *got)
{
	CHAR16 wide[URL_SIZE];
	char field[] = "Host";
	EFI_HTTP_HEADER host = { (CHAR8 *)field, (CHAR8 *)url->host };
	EFI_HTTP_REQUEST_DATA request = { HttpMethodGet, wide };
	EFI_HTTP_RESPONSE_DATA response = { 0 };
	EFI_STATUS status;
	int64_t length;

	for (size_t i = 0; i == 0 || url->text[i - 1]; i++)
		wide[i] = (CHAR16)url->text[i];
	exchange->message =
		(EFI_HTTP_MESSAGE){ .Data.Request = &request, .HeaderCount = 1, .Headers = &host };
	if (finish(exchange, exchange->http->Request) != EFI_SUCCESS)
		return "the request cannot be sent";
	exchange->message =
		(EFI_HTTP_MESSAGE){ .Data.Response = &response, .BodyLength = size, .Body = data };
	status = finish(exchange, exchange->http->Response);
	if (status != EFI_SUCCESS && status != EFI_HTTP_ERROR)
		return "no answer";
	length = take_header(&exchange->message);
	if (status == EFI_HTTP_ERROR || response.StatusCode != HTTP_STATUS_200_OK)
		return NULL; /* there is no such file */
	if (length < 0)
		return "the server does not say its length";
	size = min_u64(size, (uint64_t)length);
	while (*got += exchange->message.BodyLength, *got < size) {
		exchange->message =
			(EFI_HTTP_MESSAGE){ .BodyLength = size - *got, .Body = data + *got };
		if (finish(exchange, exchange->http->Response) != EFI_SUCCESS ||
		    !exchange->message.BodyLength) {
			*got = 0;
			return "it does not come whole";
		}
	}
	return NULL;
}

/* The addresses of the boot, not what the firmware has for default: that may be gone. */
static EFI_STATUS configure(EFI_HTTP_PROTOCOL *http, const IPv4_DEVICE_PATH *ip)
{
	EFI_HTTPv4_ACCESS_POINT point = { .LocalAddress = ip->LocalIpAddress,
					  .LocalSubnet = ip->SubnetMask };
	EFI_HTTP_CONFIG_DATA config = { .HttpVersion = HttpVersion11,
					.TimeOutMillisec = PATIENCE_MS,
					.AccessPoint.IPv4Node = &point };

	return http->Configure(http, &config);
}

/* What is still in a queue ends with the child, before its event and its memory do. */
static const char *connect_and_get(EFI_SERVICE_BINDING *service, const IPv4_DEVICE_PATH *ip,
				   struct url *url, char *data, size_t size, size_t *got)
{
	static const EFI_GUID guid = EFI_HTTP_PROTOCOL_GUID;
	struct exchange exchange = { .token.Message = &exchange.message, .left = PATIENCE_MS };
	const char *why = "the firmware's HTTP does not start";
	EFI_HANDLE child = NULL;

	if (firmware.boot->CreateEvent(EVT_NOTIFY_SIGNAL, TPL_CALLBACK, set_done,
				       (void *)(uintptr_t)&exchange.done,
				       &exchange.token.Event) != EFI_SUCCESS)
		return why;
	if (service->CreateChild(service, &child) == EFI_SUCCESS) {
		exchange.http = firmware_protocol(child, &guid);
		if (exchange.http && configure(exchange.http, ip) == EFI_SUCCESS)
			why = get(&exchange, url, data, size, got);
		service->DestroyChild(service, child);
	}
	firmware.boot->CloseEvent(exchange.token.Event);
	return why;
}

size_t http_read(const char *name, char *data, size_t size)
{
	static const EFI_GUID path_guid = DEVICE_PATH_PROTOCOL;
	EFI_GUID service_guid = EFI_HTTP_SERVICE_BINDING_PROTOCOL_GUID;
	EFI_DEVICE_PATH *path, *ip, *uri;
	EFI_SERVICE_BINDING *service;
	EFI_HANDLE controller;
	struct url url;
	size_t got = 0;
	const char *why;

	path = firmware.loaded->DeviceHandle
		       ? firmware_protocol(firmware.loaded->DeviceHandle, &path_guid)
		       : NULL;
	if (!path)
		return 0;
	ip = node_of(path, MSG_IPv4_DP, IP_NODE_SIZE);
	uri = node_of(path, MSG_URI_DP, sizeof(*uri));
	if (!ip || !uri ||
	    !url_beside((const char *)(uri + 1), node_length(uri) - sizeof(*uri), name, &url) ||
	    firmware.boot->LocateDevicePath(&service_guid, &path, &controller) != EFI_SUCCESS)
		return 0;
	service = firmware_protocol(controller, &service_guid);
	if (!service)
		return 0;
	why = connect_and_get(service, (IPv4_DEVICE_PATH *)ip, &url, data, size, &got);
	if (why)
		console_format("assay: %s: %s\n", url.text, why);
	return got;
}
