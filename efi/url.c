#include "efi/url.h"

#include "lib/text.h"

/* The bytes up to the first of these characters. */
static size_t span(const char *text, size_t bytes, const char *ends)
{
	for (size_t i = 0; i < bytes; i++)
		for (const char *end = ends; *end; end++)
			if (text[i] == *end)
				return i;
	return bytes;
}

/* scheme://[userinfo@]host[:port][/path][?query][#fragment] */
bool url_beside(const char *uri, size_t bytes, const char *name, struct url *url)
{
	size_t host, host_end, folder, end = 0;

	while (end < bytes && uri[end])
		end++;
	bytes = end;
	host = span(uri, bytes, ":/?#") + 3;
	for (size_t i = 0; i < bytes; i++)
		if (uri[i] <= ' ' || uri[i] > '~')
			return false;
	if (host == 3 || host >= bytes || uri[host - 3] != ':' || uri[host - 2] != '/' ||
	    uri[host - 1] != '/')
		return false;
	host_end = host + span(uri + host, bytes - host, "/?#");
	folder = span(uri, bytes, "?#");
	while (folder > host_end && uri[folder - 1] != '/')
		folder--;
	for (size_t i = host; i < host_end; i++)
		if (uri[i] == '@')
			host = i + 1;
	if (host == host_end ||
	    folder + (folder == host_end) + text_length(name) >= sizeof(url->text))
		return false;
	text_format(url->host, sizeof(url->host), "%.*s", (int)(host_end - host), uri + host);
	text_format(url->text, sizeof(url->text), "%.*s%s%s", (int)folder, uri,
		    folder == host_end ? "/" : "", name);
	return true;
}
