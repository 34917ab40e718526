/*
 * Text on the screen and on the serial port, each line once on each. Most firmware for machines
 * with a serial port routes the console output to it as well; where the ConOut variable says that
 * it does not, the first serial port gets a copy from us.
 */
#include "firmware.h"
#include "text.h"

#include <stdarg.h>

enum { CONOUT_SIZE = 1024, CHUNK = 128 };

static EFI_SERIAL_IO_PROTOCOL *mirror;

/* UEFI specification, "Messaging Device Path": a multi-instance path with a UART node anywhere. */
static bool has_uart(const unsigned char *path, size_t size)
{
	while (size >= sizeof(EFI_DEVICE_PATH_PROTOCOL)) {
		const EFI_DEVICE_PATH_PROTOCOL *node = (const void *)path;
		size_t length = (size_t)(node->Length[0] | node->Length[1] << 8);

		if (node->Type == MESSAGING_DEVICE_PATH && node->SubType == MSG_UART_DP)
			return true;
		if (length < sizeof(*node) || length > size)
			return false;
		path += length;
		size -= length;
	}
	return false;
}

void console_init(void)
{
	static const EFI_GUID serial_guid = EFI_SERIAL_IO_PROTOCOL_GUID;
	unsigned char path[CONOUT_SIZE];
	size_t size = firmware_variable(L"ConOut", path, sizeof(path));

	mirror = NULL;
	if (!has_uart(path, size))
		mirror = firmware_locate(&serial_guid);
}

static void print_screen(const char *text)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = firmware.table->ConOut;
	CHAR16 chunk[CHUNK + 3]; /* room for CR, LF and NUL */
	size_t used = 0;

	if (!out)
		return;
	for (; *text; text++) {
		if (*text == '\n')
			chunk[used++] = '\r';
		/* A firmware's font need not have more than ASCII. */
		chunk[used++] =
			*text == '\n' || (*text >= ' ' && *text <= '~') ? (CHAR16)*text : '?';
		if (used >= CHUNK || !text[1]) {
			chunk[used] = 0;
			out->OutputString(out, chunk);
			used = 0;
		}
	}
}

static void print_mirror(const char *text)
{
	char chunk[CHUNK + 2];
	UINTN used = 0;

	for (; mirror && *text; text++) {
		if (*text == '\n')
			chunk[used++] = '\r';
		chunk[used++] = *text;
		if (used >= CHUNK || !text[1]) {
			/* A port that does not take the text would cost its time-out each line. */
			if (mirror->Write(mirror, &used, chunk) != EFI_SUCCESS)
				mirror = NULL;
			used = 0;
		}
	}
}

void console_print(const char *text)
{
	print_screen(text);
	print_mirror(text);
}

void console_format(const char *format, ...)
{
	char line[256];
	va_list arguments;

	va_start(arguments, format);
	text_format_v(line, sizeof(line), format, arguments);
	va_end(arguments);
	console_print(line);
}

void console_wait_key(void)
{
	SIMPLE_INPUT_INTERFACE *in = firmware.table->ConIn;
	EFI_INPUT_KEY key;
	UINTN index;

	if (!in)
		return;
	in->Reset(in, FALSE); /* keys from before the question */
	if (firmware.boot->WaitForEvent(1, &in->WaitForKey, &index) == EFI_SUCCESS)
		in->ReadKeyStroke(in, &key);
}
