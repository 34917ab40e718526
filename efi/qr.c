/*
 * The code itself is made by Nayuki's qrcodegen, in the form of Debian's static library. That was
 * compiled for Linux: it reads the canary of its stack protector at FS:28H, so FS has a base of
 * ours meanwhile, and calls a few functions that are below.
 */
#include "efi/qr.h"

#include "lib/text.h"
#include "platform.h"
#include "suite/line.h"
#include "suite/suite.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "efi/firmware.h"
#include "efi/screen.h"

#include <qrcodegen/qrcodegen.h>

enum {
	VERSION_MAX = 12,
	BORDER = 4,				       /* modules: ISO/IEC 18004, "Quiet zone" */
	WIDTH_MAX = 17 + 4 * VERSION_MAX + 2 * BORDER, /* ISO/IEC 18004, "Symbol size" */
	SCALE_MIN = 2,
	SCALE_MAX = 4,	 /* pixels of a module */
	GLYPH_WIDTH = 8, /* UEFI specification, "EFI_NARROW_GLYPH" */
	BUFFER = qrcodegen_BUFFER_LEN_FOR_VERSION(VERSION_MAX),
};

static uint8_t code[BUFFER];

/* Called only if the library is broken: the program goes on without a picture. */
_Noreturn void __assert_fail(const char *what, const char *file, unsigned line,
			     const char *function);
_Noreturn void __stack_chk_fail(void);
void *__memset_chk(void *to, int value, size_t size, size_t room);
char *strchr(const char *text, int c);
size_t strlen(const char *text);

_Noreturn void __assert_fail(const char *what, const char *file, unsigned line,
			     const char *function)
{
	(void)file;
	(void)function;
	console_format("qrcodegen, line %u: %s\n", line, what);
	firmware.boot->Exit(firmware.image, EFI_ABORTED, 0, NULL);
	for (;;)
		cpu_relax();
}

_Noreturn void __stack_chk_fail(void)
{
	__assert_fail("the stack is intact", "", 0, "");
}

void *__memset_chk(void *to, int value, size_t size, size_t room)
{
	(void)room;
	return __builtin_memset(to, value, size);
}

char *strchr(const char *text, int c)
{
	for (; *text != (char)c; text++)
		if (!*text)
			return NULL;
	return (char *)(uintptr_t)text;
}

size_t strlen(const char *text)
{
	return text_length(text);
}

static bool encode(const char *text)
{
	static uint64_t thread[8]; /* FS:28H is one of them */
	static uint8_t scratch[BUFFER];
	uint64_t before = rdmsr(IA32_FS_BASE);
	bool encoded;

	wrmsr(IA32_FS_BASE, physical(thread));
	encoded = qrcodegen_encodeText(text, scratch, code, qrcodegen_Ecc_LOW, 1, VERSION_MAX,
				       qrcodegen_Mask_AUTO, true);
	wrmsr(IA32_FS_BASE, before);
	return encoded;
}

/* One filled rectangle. */
static void fill(EFI_GRAPHICS_OUTPUT_PROTOCOL *screen, uint8_t grey, UINTN x, UINTN y, UINTN width,
		 UINTN height)
{
	EFI_GRAPHICS_OUTPUT_BLT_PIXEL pixel = { grey, grey, grey, 0 };

	screen->Blt(screen, &pixel, EfiBltVideoFill, 0, 0, x, y, width, height, 0);
}

/* Pixels from the text's column on: its area is in the middle of the screen. */
static unsigned width_from(const EFI_GRAPHICS_OUTPUT_PROTOCOL *screen, unsigned column)
{
	unsigned width = screen->Mode->Info->HorizontalResolution, columns, rows, used;

	screen_size(&columns, &rows);
	used = columns * GLYPH_WIDTH;
	used = (width > used ? (width - used) / 2 : 0) + column * GLYPH_WIDTH;
	return width > used ? width - used : 0;
}

static void draw(EFI_GRAPHICS_OUTPUT_PROTOCOL *screen)
{
	unsigned size = (unsigned)qrcodegen_getSize(code), whole = size + 2 * BORDER;
	unsigned scale = width_from(screen, platform->columns + 1) / whole, x, y;

	if (scale > SCALE_MAX)
		scale = SCALE_MAX;
	if (scale < SCALE_MIN || whole * scale > screen->Mode->Info->VerticalResolution)
		return;
	x = screen->Mode->Info->HorizontalResolution - whole * scale;
	y = screen->Mode->Info->VerticalResolution - whole * scale;
	fill(screen, 0xFF, x, y, whole * scale, whole * scale);
	for (unsigned row = 0; row < size; row++)
		for (unsigned column = 0; column < size; column++)
			if (qrcodegen_getModule(code, (int)column, (int)row))
				fill(screen, 0, x + (BORDER + column) * scale,
				     y + (BORDER + row) * scale, scale, scale);
}

static EFI_GRAPHICS_OUTPUT_PROTOCOL *find_screen(void)
{
	static const EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_GRAPHICS_OUTPUT_PROTOCOL *screen = firmware_locate(&guid);

	return screen && screen->Mode && screen->Mode->Info ? screen : NULL;
}

void qr_show(const char *text)
{
	EFI_GRAPHICS_OUTPUT_PROTOCOL *screen = find_screen();

	if (text[0] && screen && encode(text))
		draw(screen);
}

unsigned qr_columns(unsigned columns)
{
	const EFI_GRAPHICS_OUTPUT_PROTOCOL *screen = find_screen();

	while (screen && columns > LINE_COLUMNS &&
	       width_from(screen, columns) < WIDTH_MAX * SCALE_MIN)
		columns--;
	return columns > LINE_COLUMNS ? columns - 1 : LINE_COLUMNS;
}
