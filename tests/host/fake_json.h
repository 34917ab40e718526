/* A strict reader of JSON, for the report. */
#ifndef FAKE_JSON_H
#define FAKE_JSON_H

#include "base.h"

/* Where the text stops being JSON; NULL: it is one whole value. */
const char *json_error(const char *text);

/*
 * The value of the nth member of this name anywhere in the text, a string in its quotes
 * and without escapes; "" if there is none.
 */
const char *json_member(const char *text, const char *name, unsigned n);

#endif
