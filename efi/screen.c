/*
 * What only people before a screen need: colours, and the line of the running test. The latter goes
 * past ConOut, which copies everything to the serial port, to the graphics consoles behind it. EDK
 * II's ConOut sets its own colours on them with each text, so that colours must go through it.
 */
#include "efi/screen.h"

#include "lib/text.h"

#include "efi/firmware.h"

enum { SCREENS = 4, HANDLES = 16, COLUMNS = 80 };

static SIMPLE_TEXT_OUTPUT_INTERFACE *screens[SCREENS];
static unsigned screen_count;
static UINTN plain; /* attribute as found */
static bool progress_shown;

/* EDK II puts this on every device that ConOut writes to. */
static const EFI_GUID console_device_guid = {
	0xd3b36f2c, 0xd551, 0x11d4, { 0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d }
};

static void find_screens(void)
{
	static const EFI_GUID text_guid = EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL_GUID;
	static const EFI_GUID graphics_guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_HANDLE handles[HANDLES];
	UINTN size = sizeof(handles);
	EFI_GUID guid = console_device_guid;

	if (firmware.boot->LocateHandle(ByProtocol, &guid, NULL, &size, handles) != EFI_SUCCESS)
		return;
	for (UINTN i = 0; i < size / sizeof(handles[0]) && screen_count < SCREENS; i++) {
		SIMPLE_TEXT_OUTPUT_INTERFACE *out = firmware_protocol(handles[i], &text_guid);

		if (handles[i] == firmware.table->ConsoleOutHandle || !out ||
		    !firmware_protocol(handles[i], &graphics_guid))
			continue;
		screens[screen_count++] = out;
	}
}

void screen_init(bool serial)
{
	screen_count = 0;
	progress_shown = false;
	find_screens();
	if (!screen_count && !serial && firmware.table->ConOut)
		screens[screen_count++] = firmware.table->ConOut;
	if (screen_count)
		plain = (UINTN)firmware.table->ConOut->Mode->Attribute;
}

void screen_size(unsigned *columns, unsigned *rows)
{
	SIMPLE_TEXT_OUTPUT_INTERFACE *out = firmware.table->ConOut;
	UINTN wide = 0, high = 0;

	if (!screen_count || !out || !out->Mode ||
	    out->QueryMode(out, (UINTN)out->Mode->Mode, &wide, &high) != EFI_SUCCESS)
		wide = high = 0;
	*columns = (unsigned)wide;
	*rows = (unsigned)high;
}

void screen_tone(enum tone tone)
{
	static const UINTN colours[] = {
		[TONE_PASSED] = EFI_LIGHTGREEN,
		[TONE_FAILED] = EFI_LIGHTRED,
		[TONE_SKIPPED] = EFI_YELLOW,
	};

	SIMPLE_TEXT_OUTPUT_INTERFACE *out = firmware.table->ConOut;

	if (screen_count) /* on a serial line alone it would only cost time */
		out->SetAttribute(out, tone == TONE_PLAIN ? plain : colours[tone]);
}

/* Leaves the cursor where the line began. */
static void show(const char *line)
{
	CHAR16 wide[COLUMNS + 2];
	unsigned length = 0;

	wide[length++] = '\r';
	for (; *line && length < COLUMNS; line++)
		wide[length++] = (CHAR16)(unsigned char)*line;
	wide[length++] = '\r';
	wide[length] = 0;
	for (unsigned i = 0; i < screen_count; i++)
		screens[i]->OutputString(screens[i], wide);
}

void screen_progress(const char *line)
{
	show(line);
	progress_shown = true;
}

void screen_clear_progress(void)
{
	char blank[COLUMNS];

	if (!progress_shown)
		return;
	progress_shown = false;
	for (unsigned i = 0; i < COLUMNS - 1; i++)
		blank[i] = ' ';
	blank[COLUMNS - 1] = '\0';
	show(blank);
}
