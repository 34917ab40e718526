#include "suite/file.h"

#include "lib/text.h"
#include "platform.h"
#include "suite/line.h"

enum {
	APPEND_SHARE = 50,   /* a fiftieth of the time */
	QUICK_A_SECOND = 50, /* a volume takes a line in less than 20 ms */
};

static struct {
	enum status refused;   /* why something is not on the volume; STATUS_OK: all is */
	uint64_t appended;     /* clock */
	uint64_t append_ticks; /* what the last one took */
} files;

void files_begin(void)
{
	__builtin_memset(&files, 0, sizeof(files));
}

enum status files_refused(void)
{
	return files.refused;
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

static void take(struct report_file *file, enum status status)
{
	if (status == STATUS_OK)
		return;
	file->refused = true;
	files.refused = status;
	report_line("report: %s: %s: on the console only", file->path,
		    status == STATUS_NOT_FOUND ? "no volume" : status_text(status));
}

void file_write(struct report_file *file)
{
	if (!file->refused)
		take(file, platform->file_write(file->path, file->text, file->used));
}

/* A volume that has no room for all of it may have room for the first lines. */
static enum status append(const struct report_file *file, const char *text, size_t size)
{
	enum status status = platform->file_append(file->path, text, size);
	size_t half = size / 2;

	while (half < size && (!half || text[half - 1] != '\n'))
		half++;
	if (status != STATUS_VOLUME_FULL || half == size)
		return status;
	status = append(file, text, half);
	return status ? status : append(file, text + half, size - half);
}

void file_append(struct report_file *file)
{
	uint64_t start = platform->clock();

	if (!file->refused)
		take(file, append(file, file->text, file->used));
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
