/*
 * Text on the screen and on the serial port, each line once on each. Most firmware for machines
 * with a serial port routes the console output to it as well; where the ConOut variable says that
 * it does not, the first serial port gets a copy from us.
 */
#include "lib/text.h"

#include "efi/ending.h"
#include "efi/firmware.h"
#include "efi/screen.h"

#include <stdarg.h>

enum { CONOUT_PAGES = 16, CHUNK = 128 };

static EFI_SERIAL_IO_PROTOCOL *mirror;
static bool serial; /* ConOut writes to a serial port, too */

static struct {
	bool on;
	UINTN columns, rows;
	UINTN used; /* rows since the last stop */
} pager;

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

/* The variable may have any size; a copy of ours for each line would be on the port twice. */
static bool conout_has_uart(void)
{
	unsigned char *path = pages_get(CONOUT_PAGES);
	size_t size = path ? firmware_variable(L"ConOut", path, CONOUT_PAGES * PAGE_SIZE) : 0;
	bool found = size && has_uart(path, size);

	pages_return(path, CONOUT_PAGES);
	return found;
}

void console_init(void)
{
	static const EFI_GUID serial_guid = EFI_SERIAL_IO_PROTOCOL_GUID;

	serial = conout_has_uart();
	mirror = NULL;
	if (!serial)
		mirror = firmware_locate(&serial_guid);
	screen_init(serial);
}

/* A serial port may lead to a program; -p lets a person read all. */
bool console_is_read(void)
{
	return serial || mirror || pager.on;
}

static void print_screen(const char *text, size_t length)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = firmware.table->ConOut;
	CHAR16 chunk[CHUNK + 3]; /* room for CR, LF and NUL */
	size_t used = 0;

	if (!out)
		return;
	screen_clear_progress();
	for (; length; text++, length--) {
		if (*text == '\n')
			chunk[used++] = '\r';
		/* A firmware's font need not have more than ASCII. */
		chunk[used++] =
			*text == '\n' || (*text >= ' ' && *text <= '~') ? (CHAR16)*text : '?';
		if (used >= CHUNK || length == 1) {
			chunk[used] = 0;
			out->OutputString(out, chunk);
			used = 0;
		}
	}
}

static void print_mirror(const char *text, size_t length)
{
	char chunk[CHUNK + 2];
	UINTN used = 0;

	for (; mirror && length; text++, length--) {
		if (*text == '\n')
			chunk[used++] = '\r';
		chunk[used++] = *text;
		if (used >= CHUNK || length == 1) {
			/* A port that does not take the text would cost its time-out each line. */
			if (mirror->Write(mirror, &used, chunk) != EFI_SUCCESS)
				mirror = NULL;
			used = 0;
		}
	}
}

static void print(const char *text, size_t length)
{
	print_screen(text, length);
	print_mirror(text, length);
}

/* An event after so many seconds; NULL: the firmware has none. */
static EFI_EVENT timer_start(unsigned seconds)
{
	EFI_EVENT timer = NULL;

	if (firmware.boot->CreateEvent(EVT_TIMER, 0, NULL, NULL, &timer) != EFI_SUCCESS)
		return NULL;
	firmware.boot->SetTimer(timer, TimerRelative, seconds * 10000000ull);
	return timer;
}

/* A key of the user's; 0: no keyboard, no key in ending.seconds, or one that is no character. */
static CHAR16 wait_key(void)
{
	SIMPLE_INPUT_INTERFACE *in = firmware.table->ConIn;
	EFI_EVENT timer = in ? timer_start(ending.seconds) : NULL;
	EFI_EVENT events[2] = { timer, in ? in->WaitForKey : NULL };
	EFI_INPUT_KEY key = { 0 };
	UINTN index;

	if (!timer)
		return 0;
	in->Reset(in, FALSE); /* keys from before the question */
	/* A modifier key alone may end the wait. */
	while (firmware.boot->WaitForEvent(2, events, &index) == EFI_SUCCESS && index == 1 &&
	       in->ReadKeyStroke(in, &key) == EFI_NOT_READY)
		;
	firmware.boot->CloseEvent(timer);
	return key.UnicodeChar;
}

void console_wait_key(void)
{
	wait_key();
}

void console_page(void)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = firmware.table->ConOut;

	pager.used = 0;
	pager.on = out && out->QueryMode(out, (UINTN)out->Mode->Mode, &pager.columns,
					 &pager.rows) == EFI_SUCCESS;
	if (pager.columns < 2 || pager.rows < 2)
		pager.on = false;
}

static void stop_page(void)
{
	static const char ask[] = "-- a key goes on, q goes on to the end --";
	static const char gone[] = "\n";

	print(ask, sizeof(ask) - 1);
	if (wait_key() == 'q')
		pager.on = false;
	print(gone, sizeof(gone) - 1);
	pager.used = 1;
}

/* One line of text, with its end or without. */
static void print_line(const char *text, size_t length)
{
	UINTN rows = length ? (length - 1) / pager.columns + 1 : 1;

	if (pager.used && pager.used + rows >= pager.rows)
		stop_page();
	pager.used += rows;
	print(text, length);
}

void console_print(const char *text)
{
	while (pager.on && *text) {
		size_t length = 0;

		while (text[length] && text[length++] != '\n')
			;
		print_line(text, length);
		text += length;
	}
	print(text, text_length(text));
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
