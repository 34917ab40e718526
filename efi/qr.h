/* A text as a QR code on the screen, for the camera of a phone. */
#ifndef EFI_QR_H
#define EFI_QR_H

/* In the lower right corner of the first screen, beside platform->columns; nothing where there is
 * no room. At most BRIEF_TEXT characters. */
void qr_show(const char *text);

/* Characters of a line, of so many on the screen, that leave room for that. */
unsigned qr_columns(unsigned columns);

#endif
