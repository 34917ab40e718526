#include "suite/facts.h"

#include "lib/text.h"

static const char dropped_name[] = "facts dropped";

static unsigned number(const char *digits)
{
	unsigned value = 0;

	for (; *digits >= '0' && *digits <= '9'; digits++)
		value = value * 10 + (unsigned)(*digits - '0');
	return value;
}

/* The list is full: the last fact gives way to the number of those that found no room. */
static void drop(struct facts *facts)
{
	char *value = facts->fact[FACTS_MAX - 1].value;
	unsigned dropped = 2; /* the new one and the one that gives way */

	if (facts->fact[FACTS_MAX - 1].name == dropped_name)
		dropped = number(value) + 1;
	facts->fact[FACTS_MAX - 1].name = dropped_name;
	text_format(value, FACT_TEXT, "%u", dropped);
}

void facts_add(struct facts *facts, const char *name, const char *format, ...)
{
	va_list arguments;

	if (facts->count >= FACTS_MAX) {
		drop(facts);
		return;
	}
	facts->fact[facts->count].name = name;
	va_start(arguments, format);
	text_format_v(facts->fact[facts->count].value, FACT_TEXT, format, arguments);
	va_end(arguments);
	facts->count++;
}
