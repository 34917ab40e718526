/* What only people before a screen see. */
#ifndef EFI_SCREEN_H
#define EFI_SCREEN_H

#include "platform.h"

void screen_init(bool serial); /* serial: ConOut writes to a serial port, too */
/* Characters of the console; 0 without a screen. */
void screen_size(unsigned *columns, unsigned *rows);
void screen_tone(enum tone tone);
void screen_progress(const char *line);
void screen_clear_progress(void); /* before anything else is printed */

#endif
