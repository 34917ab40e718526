/* What the firmware gives us. All of it: the boot processor, in the firmware's hands, only. */
#ifndef EFI_FIRMWARE_H
#define EFI_FIRMWARE_H

#include "lib/base.h"
#include "lib/status.h"

#include <efi.h>

struct firmware {
	EFI_HANDLE image;
	EFI_SYSTEM_TABLE *table;
	EFI_BOOT_SERVICES *boot;
	EFI_RUNTIME_SERVICES *runtime;
	EFI_LOADED_IMAGE_PROTOCOL *loaded; /* our own image */
	bool from_shell; /* else the boot manager, or another program, started us */
};

extern struct firmware firmware;

/* Error: STATUS_DEVICE if even the loaded image protocol is missing. */
enum status firmware_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

/* The nearest status; STATUS_DEVICE for errors that nobody tells apart. */
enum status firmware_status(EFI_STATUS status);

/* A protocol of a handle, or the first in the system; NULL if there is none. */
void *firmware_protocol(EFI_HANDLE handle, const EFI_GUID *guid);
void *firmware_locate(const EFI_GUID *guid);

/* Reads a variable of the UEFI specification's own ("Globally Defined Variables"); its size in
 * bytes, 0 if it is absent or does not fit. */
size_t firmware_variable(const CHAR16 *name, void *data, size_t size);

/* console.c */
void console_init(void);
bool console_is_read(void); /* see struct platform */
void console_print(const char *text);
void console_format(const char *format, ...) PRINTF_LIKE(1, 2);
void console_wait_key(void); /* no longer than ending.seconds */
void console_page(void);     /* from now on, stop when the screen is full */

/* memory.c: pages, below 4 GiB where there is room. NULL if there are none. */
void *pages_get(size_t count);
void pages_return(void *pages, size_t count);
enum { ARENA_MIB = 16, ARENA_MIN_MIB = 4 };
void *arena_get(unsigned cpus, size_t *pages);

/* files.c: see struct platform. */
enum status files_write(const char *path, const char *data, size_t size);
enum status files_append(const char *path, const char *data, size_t size);
enum status files_read(const char *path, char *data, size_t size, size_t *got);
void files_close(void);

#endif
