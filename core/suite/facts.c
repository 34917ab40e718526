#include "suite/facts.h"

#include "lib/text.h"
#include "platform.h"
#include "x86/mtrr.h"

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

void facts_add_memory_type(struct facts *facts, enum status (*read)(uint32_t msr, uint64_t *value))
{
	const unsigned type =
		mtrr_type(read, physical(platform->arena), platform->arena_pages * PAGE_SIZE);

	if (type != MTRR_WB && type != MTRR_UNKNOWN)
		facts_add(facts, "memory type", "%s by the MTRRs, and guests use it as write-back",
			  mtrr_text(type));
}

const char *facts_find(const struct facts *facts, const char *name)
{
	for (unsigned i = 0; i < facts->count; i++)
		if (text_equal(facts->fact[i].name, name))
			return facts->fact[i].value;
	return "";
}

static void add_detail(struct facts *facts, const char *name, const char *text, bool is_number)
{
	unsigned i = facts->detail_count;

	if (i == DETAILS_MAX)
		return;
	facts->detail[i].name = name;
	facts->detail[i].number = is_number;
	text_format(facts->detail[i].value, DETAIL_TEXT, "%s", text);
	facts->detail_count++;
}

void facts_detail(struct facts *facts, const char *name, const char *text)
{
	add_detail(facts, name, text, false);
}

void facts_number(struct facts *facts, const char *name, uint64_t value)
{
	char text[24];

	text_format(text, sizeof(text), "%llu", (unsigned long long)value);
	add_detail(facts, name, text, true);
}
