/* Where options come from: bytes of a file or of the firmware, which may be anything. Plain C, so
 * that it can be tested without firmware. */
#ifndef EFI_OPTIONS_SOURCE_H
#define EFI_OPTIONS_SOURCE_H

#include "lib/base.h"

/*
 * The first line of the file that is neither empty nor a comment (#), as ASCII. The file may be
 * ASCII, UTF-8 or, with a byte order mark, UTF-16. NULL, or why it is not taken; then the line is
 * empty.
 */
const char *options_from_file(const uint8_t *file, size_t bytes, char *line, size_t size);

/* Likewise load options: UCS-2 up to a NUL, perhaps with a byte order mark. */
const char *options_from_load(const uint8_t *load, size_t bytes, char *line, size_t size);

#endif
