/* What the report says about the machine: names and values, in the order in which they are added.
 */
#ifndef CORE_SUITE_FACTS_H
#define CORE_SUITE_FACTS_H

#include "lib/base.h"

enum { FACTS_MAX = 64, FACT_TEXT = 700 };

struct facts {
	unsigned count;
	struct {
		const char *name; /* static text such as "cpu brand" */
		char value[FACT_TEXT];
	} fact[FACTS_MAX];
};

/* Adds one fact; the value is cut at FACT_TEXT - 1 characters. Facts beyond FACTS_MAX are dropped
 * and counted in the last one. */
void facts_add(struct facts *facts, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
