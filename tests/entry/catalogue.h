/* The catalogue of rules of the backend's vendor by id: what reports print beside it. */
#ifndef TESTS_ENTRY_CATALOGUE_H
#define TESTS_ENTRY_CATALOGUE_H

#include "lib/base.h"

struct rule {
	const char *id;
	const char *words;   /* the rule */
	const char *applies; /* under what conditions; "": always */
	const char *spec;    /* sections of the manual */
	unsigned chapter;
};

/* false: there is no such rule. */
bool rule_find(const char *id, struct rule *rule);

#endif
