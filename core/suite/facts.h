/*
 * What the report says about the machine: facts for people and programs, in the order in which they
 * are added, and details, single values for programs only.
 */
#ifndef CORE_SUITE_FACTS_H
#define CORE_SUITE_FACTS_H

#include "lib/base.h"
#include "lib/status.h"

enum { FACTS_MAX = 64, FACT_TEXT = 700, DETAILS_MAX = 32, DETAIL_TEXT = 80 };

struct facts {
	unsigned count;
	struct {
		const char *name; /* static text such as "cpu brand" */
		char value[FACT_TEXT];
	} fact[FACTS_MAX];
	unsigned detail_count;
	struct {
		const char *name; /* static text such as "cpu_family" */
		bool number;
		char value[DETAIL_TEXT];
	} detail[DETAILS_MAX];
};

/* Adds one fact; the value is cut at FACT_TEXT - 1 characters. Facts beyond FACTS_MAX are dropped
 * and counted in the last one. */
void facts_add(struct facts *facts, const char *name, const char *format, ...) PRINTF_LIKE(3, 4);

/*
 * A fact if the MTRRs make our memory another type than write-back, which guests use it as: their
 * stores and the host's may not agree then. read as rdmsr_try.
 */
void facts_add_memory_type(struct facts *facts, enum status (*read)(uint32_t msr, uint64_t *value));

/* The value of the fact of that name; "" if there is none. */
const char *facts_find(const struct facts *facts, const char *name);

/* Adds a detail; text is cut at DETAIL_TEXT - 1 characters, and what is beyond DETAILS_MAX dropped.
 */
void facts_detail(struct facts *facts, const char *name, const char *text);
void facts_number(struct facts *facts, const char *name, uint64_t value);

#endif
