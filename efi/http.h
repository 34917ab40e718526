/* Booted over HTTP: files beside the program on the server that it came from. */
#ifndef EFI_HTTP_H
#define EFI_HTTP_H

#include "lib/base.h"

/*
 * Reads at most size bytes of a file of that name in the program's folder on its server; the bytes
 * that there were, 0: no such file, or not booted over HTTP and IPv4. Says so on the console if the
 * server does not answer, or not whole.
 */
size_t http_read(const char *name, char *data, size_t size);

#endif
