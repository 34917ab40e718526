/* A strict reader of JSON, for the report. */
#ifndef TESTS_HOST_FAKE_FAKE_JSON_H
#define TESTS_HOST_FAKE_FAKE_JSON_H

#include "lib/base.h"

/* Where the text stops being JSON; NULL: it is one whole value. */
const char *json_error(const char *text);

/*
 * The value of the nth member of this name anywhere in the text, a string in its quotes
 * and without escapes; "" if there is none.
 */
const char *json_member(const char *text, const char *name, unsigned n);

#endif
