/* URIs of files on a server (RFC 3986, "Syntax Components"). Plain C, so that it can be tested
 * without firmware. */
#ifndef EFI_URL_H
#define EFI_URL_H

#include "lib/base.h"

enum { URL_SIZE = 544 };

struct url {
	char text[URL_SIZE];
	char host[URL_SIZE]; /* with the port, as HTTP's field Host has it */
};

/*
 * The file of that name in the folder of uri, which has so many bytes or ends with a NUL before; a
 * query and a fragment are left out. False if uri is no such URI, or too long.
 */
bool url_beside(const char *uri, size_t bytes, const char *name, struct url *url);

#endif
