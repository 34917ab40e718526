#include "suite/line.h"

#include "lib/text.h"
#include "platform.h"

enum { LINE = 1000, LATELY = 8 /* lines */ };

static uint64_t usual;

uint64_t report_line_ticks(void)
{
	return usual;
}

size_t line_piece(const char *text, size_t room)
{
	size_t length = text_length(text);

	if (length <= room)
		return length;
	for (length = room; length && text[length] != ' ';)
		length--;
	return length ? length : room;
}

void report_line(const char *format, ...)
{
	char line[LINE];
	va_list arguments;
	uint64_t start;
	size_t length;

	va_start(arguments, format);
	length = text_format_v(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length] = '\n';
	line[length + 1] = '\0';
	start = platform->clock();
	platform->print(line);
	usual = (usual * (LATELY - 1) + platform->clock() - start) / LATELY;
}
