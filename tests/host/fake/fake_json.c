#include "tests/host/fake/fake_json.h"

#include <stdio.h>
#include <string.h>

static const char *wrong; /* where the first error is */

static const char *blanks(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *fail(const char *at)
{
	if (!wrong)
		wrong = at;
	return at;
}

static const char *expect(const char *at, char c)
{
	at = blanks(at);
	return *at == c ? at + 1 : fail(at);
}

static const char *string(const char *at)
{
	at = expect(at, '"');
	for (; *at != '"'; at++) {
		if ((unsigned char)*at < ' ' || (unsigned char)*at > '~')
			return fail(at);
		if (*at != '\\')
			continue;
		at++;
		if (*at == 'u') {
			if (strspn(at + 1, "0123456789abcdef") < 4)
				return fail(at);
			at += 4;
		} else if (!*at || !strchr("\"\\/bfnrt", *at)) {
			return fail(at);
		}
	}
	return at + 1;
}

static const char *value(const char *at);

/* Members or elements, up to the closing bracket. */
static const char *list(const char *at, char end, bool members)
{
	at = blanks(at);
	if (*at == end)
		return at + 1;
	while (!wrong) {
		if (members)
			at = expect(string(blanks(at)), ':');
		at = blanks(value(at));
		if (*at == end)
			return at + 1;
		at = expect(at, ',');
	}
	return at;
}

static const char *value(const char *at)
{
	static const char *const words[] = { "true", "false", "null" };
	size_t digits;

	at = blanks(at);
	if (*at == '{')
		return list(at + 1, '}', true);
	if (*at == '[')
		return list(at + 1, ']', false);
	if (*at == '"')
		return string(at);
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(at, words[i], strlen(words[i])))
			return at + strlen(words[i]);
	digits = strspn(at, "0123456789");
	return digits ? at + digits : fail(at);
}

const char *json_error(const char *text)
{
	const char *end;

	wrong = NULL;
	end = blanks(value(text));
	return wrong ? wrong : *end ? end : NULL;
}

/* Escapes are undone; the quotes stay. */
static void unescape(char *text)
{
	char *to = text;
	unsigned code;

	for (const char *at = text; *at; at++) {
		if (*at != '\\') {
			*to++ = *at;
		} else if (*++at == 'u') {
			sscanf(at + 1, "%4x", &code);
			*to++ = (char)code;
			at += 4;
		} else {
			*to++ = *at == 'n' ? '\n' : *at;
		}
	}
	*to = '\0';
}

const char *json_member(const char *text, const char *name, unsigned n)
{
	static char found[4096], key[64];
	const char *at = text, *end;

	snprintf(key, sizeof(key), "\"%s\":", name);
	do {
		at = strstr(at, key);
		if (!at)
			return "";
		at += strlen(key);
	} while (n--);
	wrong = NULL;
	end = value(at);
	snprintf(found, sizeof(found), "%.*s", (int)(end - at), at);
	unescape(found);
	return found;
}
