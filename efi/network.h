/* Booted by PXE or over HTTP: files beside the program on the server that it came from. */
#ifndef EFI_NETWORK_H
#define EFI_NETWORK_H

#include "lib/base.h"

/*
 * Reads at most size bytes of a file of that name in the program's folder on its server; the bytes
 * that there were, 0: no such file, or not booted by PXE or HTTP over IPv4.
 */
size_t network_read(const char *name, char *data, size_t size);

#endif
