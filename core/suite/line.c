#include "suite/line.h"

#include "lib/text.h"
#include "platform.h"

enum { LINE = 1000 };

void report_line(const char *format, ...)
{
	char line[LINE];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = text_format_v(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length] = '\n';
	line[length + 1] = '\0';
	platform->print(line);
}
