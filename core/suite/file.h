/*
 * The report's files: texts in memory that reach the volume in pieces. Where one was refused, the
 * volume is not asked for that file again.
 */
#ifndef CORE_SUITE_FILE_H
#define CORE_SUITE_FILE_H

#include "lib/base.h"
#include "lib/status.h"

enum { FILE_PATH = 160 };

struct report_file {
	char path[FILE_PATH];
	char *text; /* what is not on the volume yet, or all of it */
	size_t size, used;
	bool refused;
};

/* A new report: the volume is taken to be willing, and quick. */
void files_begin(void);
enum status files_refused(void); /* why something was; STATUS_OK: nothing */

/* Adds to the text; what does not fit is cut. */
void file_print(struct report_file *file, const char *format, ...) PRINTF_LIKE(2, 3);

/* The text is the whole file from now on. */
void file_write(struct report_file *file);

/* The text goes to the end of the file, and is empty then. Measures how long that takes. */
void file_append(struct report_file *file);
bool file_is_quick(void); /* the volume takes a line in less than 20 ms */

/* Where an append takes longer than most tests run, it gets its share of the time. */
bool file_append_is_due(void);

#endif
