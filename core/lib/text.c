#include "lib/text.h"

/* Where text goes, and how long it would have become. */
struct sink {
	char *buffer;
	size_t size;
	size_t length;
};

/* One conversion of the format, such as %-08llx. */
struct conversion {
	bool left;
	bool zero;
	unsigned width;
	bool has_precision;
	unsigned precision;
	unsigned longs; /* how many l; z counts as one */
};

static void put(struct sink *sink, char c)
{
	if (sink->length + 1 < sink->size)
		sink->buffer[sink->length] = c;
	sink->length++;
}

static void pad(struct sink *sink, char c, size_t used, unsigned width)
{
	for (; used < width; used++)
		put(sink, c);
}

static void put_field(struct sink *sink, const char *s, size_t length, const struct conversion *how)
{
	if (!how->left)
		pad(sink, ' ', length, how->width);
	for (size_t i = 0; i < length; i++)
		put(sink, s[i]);
	if (how->left)
		pad(sink, ' ', length, how->width);
}

static void put_string(struct sink *sink, const char *s, const struct conversion *how)
{
	size_t length = 0;

	if (!s)
		s = "(null)";
	/* With a precision, s need not end in a NUL. */
	while ((!how->has_precision || length < how->precision) && s[length])
		length++;
	put_field(sink, s, length, how);
}

static void put_number(struct sink *sink, uint64_t value, bool negative, unsigned base,
		       const char *digits, const struct conversion *how)
{
	char reversed[20]; /* the decimal digits of 2^64 - 1 */
	size_t count = 0;

	do {
		reversed[count++] = digits[value % base];
		value /= base;
	} while (value);

	size_t length = count + negative;
	bool zero = how->zero && !how->left;

	if (!how->left && !zero)
		pad(sink, ' ', length, how->width);
	if (negative)
		put(sink, '-');
	if (zero)
		pad(sink, '0', length, how->width);
	while (count)
		put(sink, reversed[--count]);
	if (how->left)
		pad(sink, ' ', length, how->width);
}

/* Reads digits, or the argument that * stands for. */
static const char *parse_count(const char *format, unsigned *count, va_list *arguments)
{
	*count = 0;
	if (*format == '*') {
		int value = va_arg(*arguments, int);

		*count = value > 0 ? (unsigned)value : 0;
		return format + 1;
	}
	for (; *format >= '0' && *format <= '9'; format++)
		*count = *count * 10 + (unsigned)(*format - '0');
	return format;
}

/* Reads what stands between % and the letter. */
static const char *parse_conversion(const char *format, struct conversion *how, va_list *arguments)
{
	*how = (struct conversion){ 0 };
	for (; *format == '-' || *format == '0'; format++) {
		how->left |= *format == '-';
		how->zero |= *format == '0';
	}
	format = parse_count(format, &how->width, arguments);
	if (*format == '.') {
		how->has_precision = true;
		format = parse_count(format + 1, &how->precision, arguments);
	}
	for (; *format == 'l' || *format == 'z' || *format == 'h'; format++)
		how->longs += *format != 'h';
	return format;
}

static uint64_t next_unsigned(const struct conversion *how, va_list *arguments)
{
	return how->longs ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned);
}

static void put_signed(struct sink *sink, const struct conversion *how, va_list *arguments)
{
	int64_t value = how->longs ? va_arg(*arguments, long) : va_arg(*arguments, int);
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	put_number(sink, magnitude, value < 0, 10, "0123456789", how);
}

static void put_conversion(struct sink *sink, char letter, const struct conversion *how,
			   va_list *arguments)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
	char c;

	switch (letter) {
	case 'd':
		put_signed(sink, how, arguments);
		break;
	case 'u':
		put_number(sink, next_unsigned(how, arguments), false, 10, lower, how);
		break;
	case 'x':
		put_number(sink, next_unsigned(how, arguments), false, 16, lower, how);
		break;
	case 'X':
		put_number(sink, next_unsigned(how, arguments), false, 16, upper, how);
		break;
	case 'p':
		put_number(sink, (uintptr_t)va_arg(*arguments, void *), false, 16, lower, how);
		break;
	case 'c':
		c = (char)va_arg(*arguments, int);
		put_field(sink, &c, 1, how);
		break;
	case 's':
		put_string(sink, va_arg(*arguments, const char *), how);
		break;
	case '%':
		put(sink, '%');
		break;
	default: /* shows that the format is wrong */
		put(sink, '%');
		put(sink, letter);
	}
}

size_t text_format_v(char *buffer, size_t size, const char *format, va_list arguments)
{
	struct sink sink = { buffer, size, 0 };
	va_list rest; /* a copy, because a va_list parameter has no portable address */

	va_copy(rest, arguments);
	while (*format) {
		struct conversion how;

		if (*format != '%') {
			put(&sink, *format++);
			continue;
		}
		format = parse_conversion(format + 1, &how, &rest);
		if (!*format)
			break;
		put_conversion(&sink, *format++, &how, &rest);
	}
	va_end(rest);
	if (size)
		buffer[sink.length < size ? sink.length : size - 1] = '\0';
	return sink.length;
}

size_t text_format(char *buffer, size_t size, const char *format, ...)
{
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = text_format_v(buffer, size, format, arguments);
	va_end(arguments);
	return length;
}

bool text_equal(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	return *a == *b;
}

size_t text_length(const char *s)
{
	size_t length = 0;

	while (s[length])
		length++;
	return length;
}

bool text_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	/* On a mismatch, only the last * needs to take one more character: earlier ones need not.
	 */
	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}
