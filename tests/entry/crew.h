/*
 * The rows of a section, carried out by all processors at once: each takes a row after the other
 * from the table, and notes what it sees in memory of its own.
 */
#ifndef TESTS_ENTRY_CREW_H
#define TESTS_ENTRY_CREW_H

#include "suite/test.h"

#include "tests/entry/checks.h"
#include "tests/entry/reasons.h"

#include <stdatomic.h>

/* What is done with a case. */
enum crew_task {
	CREW_ENTER, /* the processor is to do what the row says */
	CREW_MODEL, /* the model is to say the same; nothing is entered */
};

/* Which rows are meant. */
enum crew_rows {
	CREW_ORDINARY,
	CREW_LAST,    /* those that may cost the processor */
	CREW_BY_NAME, /* those that may stop an emulator, of one rule */
	CREW_ALL,
};

/* A case that came out otherwise than its row says. */
struct difference {
	uint16_t row, number; /* of the row in the section, of the case in the row */
	bool allowed;	      /* by the model: the row is wrong, or the model is */
	struct entry_case what;
	struct entry_result got;
};

/* Of a row, and on each processor, the first ones are kept. */
enum { DIFFERENCES_OF_ROW = 3 };

/* What the cases of a REPORTED row came to. */
struct reported {
	uint16_t row;
	uint8_t count; /* of different outcomes */
	struct {
		unsigned times;
		struct entry_result got;
	} outcome[4];
};

enum { REPORTED_MAX = 24 };

enum base_state { BASE_UNKNOWN, BASE_READY, BASE_MISSING, BASE_BROKEN };

/* What a processor has of its own; several pages. */
struct member {
	struct entry_seat *seat;
	int loaded; /* the base that it would enter with; -1: something else */
	enum base_state base_state[ENTRY_BASES];
	const char *missing[ENTRY_BASES];	 /* what a base lacks */
	struct entry_result broken[ENTRY_BASES]; /* how it did not enter */
	uint64_t base[ENTRY_BASES][ENTRY_VALUES];
	uint64_t state[ENTRY_VALUES]; /* CREW_MODEL: a base with a case */
	struct entry_cases cases;     /* of the row in hand */
	const char *rule_id;	      /* CREW_MODEL: of the row before */
	unsigned rule;		      /* its number in the model */
	unsigned kept_of_row;
	struct difference *differences; /* NULL: none so far */
	unsigned difference_count;
	unsigned reported_count;
	struct reported reported[REPORTED_MAX];
	struct reasons reasons;
	uint64_t ticks; /* at work */
};

enum row_state { ROW_UNTOUCHED, ROW_DONE, ROW_MISSING, ROW_NO_BASE };

/* Of a row, by all processors together. */
struct row_result {
	_Atomic uint8_t state; /* enum row_state */
	_Atomic uint32_t cases, wrong;
};

enum { CREW_PARTS_MAX = 256 };

struct crew {
	const struct entry_checks *checks;
	const struct entry_section *section;
	enum crew_task task;
	enum crew_rows rows;
	const char *rule; /* CREW_BY_NAME */
	struct row_result *results;
	uint16_t *order;	 /* the section's rows, those of a base together */
	struct member **members; /* by number of the processor; NULL: it has not begun */
	_Atomic unsigned next_row;
	_Atomic unsigned parts_offered, parts_taken, parts[CREW_PARTS_MAX];
	_Atomic unsigned failed; /* processors that have no seat */
};

/*
 * Boot processor, in a test. NULL: the test is an ERROR. There is one crew at a time; it outlives
 * the test's function, for the sake of those who are at work when an exception ends that.
 */
struct crew *crew_open(struct test_run *run, const struct entry_checks *checks,
		       const struct entry_section *section, enum crew_task task);

/* Carries the rows out. False: an ERROR, not all processors came to the end. */
bool crew_work(struct crew *crew, struct test_run *run, enum crew_rows rows, const char *rule);

/* Gives the processors back. What they saw is in memory until crew_free. */
void crew_close(struct crew *crew, struct test_run *run);
void crew_free(struct crew *crew);

/* The state of a member's case, for the model and for people; there is one at a time. */
const uint64_t *crew_state(const struct crew *crew, const struct member *member,
			   const struct difference *difference);

#endif
