/* A text as a QR code on the screen, for the camera of a phone. */
#ifndef EFI_QR_H
#define EFI_QR_H

/* In the lower right corner of the first screen, beside our lines; nothing where there is no room.
 * At most BRIEF_TEXT characters. */
void qr_show(const char *text);

#endif
