#include "suite/file.h"

#include "lib/text.h"
#include "platform.h"
#include "suite/line.h"

enum {
	APPEND_SHARE = 50,   /* a fiftieth of the time */
	QUICK_A_SECOND = 50, /* a volume takes a line in less than 20 ms */
};

static struct {
	bool written;	       /* nothing was refused */
	uint64_t appended;     /* clock */
	uint64_t append_ticks; /* what the last one took */
} files;

void files_begin(void)
{
	__builtin_memset(&files, 0, sizeof(files));
	files.written = true;
}

bool files_written(void)
{
	return files.written;
}

void file_print(struct report_file *file, const char *format, ...)
{
	size_t room = file->size - file->used;
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = text_format_v(file->text + file->used, room, format, arguments);
	va_end(arguments);
	file->used += length < room ? length : room - 1;
}

static void take(enum status status)
{
	if (status == STATUS_OK)
		return;
	files.written = false;
	report_line("report: %s: on the console only", status_text(status));
}

void file_write(const struct report_file *file)
{
	if (files.written)
		take(platform->file_write(file->path, file->text, file->used));
}

void file_append(struct report_file *file)
{
	uint64_t start = platform->clock();

	if (files.written)
		take(platform->file_append(file->path, file->text, file->used));
	file->used = 0;
	files.appended = platform->clock();
	files.append_ticks = files.appended - start;
}

bool file_is_quick(void)
{
	return files.append_ticks < platform->clock_hz / QUICK_A_SECOND;
}

bool file_append_is_due(void)
{
	return file_is_quick() ||
	       platform->clock() - files.appended > APPEND_SHARE * files.append_ticks;
}
