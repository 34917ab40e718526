/* Formatted text without a C library: the same code in the image and in the host tests. */
#ifndef CORE_LIB_TEXT_H
#define CORE_LIB_TEXT_H

#include "lib/base.h"

#include <stdarg.h>

/*
 * As snprintf and vsnprintf: %d %u %x %X %c %s %p %%, with l, ll, z and h lengths, width, 0, -, and
 * .precision for %s. Returns the length without the terminator that the whole text would have; the
 * buffer always ends in a NUL if size > 0.
 */
size_t text_format(char *buffer, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
size_t text_format_v(char *buffer, size_t size, const char *format, va_list arguments);

bool text_equal(const char *a, const char *b);
size_t text_length(const char *s);

/* Shell-style match of the whole text: * any run, ? any one character. */
bool text_glob(const char *pattern, const char *text);

#endif
