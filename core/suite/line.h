/* Lines on the console. */
#ifndef CORE_SUITE_LINE_H
#define CORE_SUITE_LINE_H

#include "lib/base.h"

enum { LINE_COLUMNS = 79 }; /* what a screen of 80x25 shows without a break */

/* One formatted line, cut at about a thousand characters. */
void report_line(const char *format, ...) PRINTF_LIKE(1, 2);

/* How much of the text goes on a line of so many characters: all, or up to a blank if there is one.
 */
size_t line_piece(const char *text, size_t room);

/* What a line has taken of late, in clock ticks. */
uint64_t report_line_ticks(void);

#endif
