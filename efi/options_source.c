#include "efi/options_source.h"

/* Text of any of the encodings, a character at a time. */
struct source {
	const uint8_t *at, *end;
	unsigned width; /* bytes of a character */
	bool big_endian;
};

static bool starts(const struct source *source, uint8_t first, uint8_t second)
{
	return source->end - source->at >= 2 && source->at[0] == first && source->at[1] == second;
}

static void skip_mark(struct source *source)
{
	if (starts(source, 0xFF, 0xFE) || starts(source, 0xFE, 0xFF)) {
		source->big_endian = source->at[0] == 0xFE;
		source->width = 2;
		source->at += 2;
	} else if (starts(source, 0xEF, 0xBB) && source->end - source->at >= 3 &&
		   source->at[2] == 0xBF) {
		source->width = 1;
		source->at += 3;
	}
}

/* -1: the end, or half a character. */
static int next(struct source *source)
{
	unsigned value;

	if (source->end - source->at < (int)source->width)
		return -1;
	value = source->at[0];
	if (source->width == 2)
		value = source->big_endian ? value << 8 | source->at[1]
					   : value | (unsigned)source->at[1] << 8;
	source->at += source->width;
	return (int)value;
}

static bool ends_line(int c)
{
	return c == -1 || c == '\r' || c == '\n';
}

static const char *take_line(struct source *source, char *line, size_t size, bool whole_file)
{
	size_t length = 0;
	int c;

	while ((c = next(source)) >= 0 && !ends_line(c)) {
		if (!c && !whole_file)
			break;
		if ((c < ' ' && c != '\t') || c > '~')
			return "a character that is not ASCII";
		if (length == size - 1)
			return "a line that is too long";
		line[length++] = (char)c;
	}
	line[length] = '\0';
	return NULL;
}

static bool says_something(const char *line)
{
	while (*line == ' ' || *line == '\t')
		line++;
	return *line && *line != '#';
}

const char *options_from_file(const uint8_t *file, size_t bytes, char *line, size_t size)
{
	struct source source = { file, file + bytes, 1, false };
	const char *why = NULL;

	line[0] = '\0';
	skip_mark(&source);
	while (!why && source.at < source.end && !says_something(line)) {
		line[0] = '\0';
		if (source.end - source.at < (int)source.width)
			break;
		why = take_line(&source, line, size, true);
	}
	if (why || !says_something(line))
		line[0] = '\0';
	return why;
}

const char *options_from_load(const uint8_t *load, size_t bytes, char *line, size_t size)
{
	struct source source = { load, load + bytes, 2, false };
	const char *why;

	line[0] = '\0';
	if (bytes % 2)
		return "an odd number of bytes";
	skip_mark(&source);
	why = take_line(&source, line, size, false);
	if (why)
		line[0] = '\0';
	return why;
}
