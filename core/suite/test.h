/*
 * A test of the suite is one row of data with a function; its expectations decide the verdict:
 * PASS needs at least one, and all of them met. A test without any is an ERROR.
 */
#ifndef CORE_SUITE_TEST_H
#define CORE_SUITE_TEST_H

#include "backend.h"
#include "lib/base.h"
#include "lib/status.h"
#include "platform.h"

struct vm;
struct test_run;
struct guest_setup;
struct fixture;

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_SKIP, VERDICT_ERROR, VERDICT_COUNT };

/* A rule that a test checks: volume and section title of each vendor's manual, NULL: not there. */
struct citation {
	const char *intel, *amd;
};

/* The tests' own table; the first one stands for a rule of the suite's own. */
extern const struct citation citations[];

struct test {
	const char *name; /* group.subject.variant */
	uint16_t spec;	  /* what it checks, in citations[] */
	void (*run)(struct test_run *run);
	uint64_t needs;	       /* BIT(CAP_...) of what it cannot do without */
	bool by_name;	       /* run only if it is asked for by its full name: it has a price */
	uint8_t cpus;	       /* physical processors it needs, 0: one */
	uint32_t milliseconds; /* deadline, 0: TEST_MILLISECONDS */
	uint32_t cases;	   /* of a fuzzer: the same in each run with the same options; 0: none */
	const char *about; /* what it checks, in one line for people */
	const char *means; /* what a failure means for software on this machine */
	const char *row;   /* row of the guest-SMP specification that it covers, NULL: none */

	/* Of tests that fixture_run runs: the guest, which is there when body begins. The tests
	 * define both. */
	const struct guest_setup *guest;
	void (*body)(struct fixture *fixture);

	const void *data; /* these two are the function's own */
	uint32_t argument;
};

enum { TEST_MILLISECONDS = 2000, TEST_TEXT = 160, TEST_NOTES = 12000, TEST_RULES = 160 };

/* In a row: what the test checks and what a failure means, a sentence each; rows.py wants them. */
#define EXPLAINS(about_, means_) .about = about_, .means = means_

/* Where an expectation is written. */
struct where {
	const char *file; /* NULL: unknown */
	unsigned line;
};

#define HERE ((struct where){ __FILE__, __LINE__ })

/* Cases of a fuzzer, from 0: end is none of them. */
struct case_range {
	unsigned first, end;
};

struct test_run {
	const struct test *test;
	struct case_range cases; /* of a test that has some: those to run */
	bool tells;		 /* to tell the one case, which has ended the machine, only */
	enum verdict verdict;
	unsigned expectations, failures;
	bool erred, faulted;
	char reason[TEST_TEXT]; /* of a FAIL, SKIP or ERROR: the first one; errors outrank failures
				 */
	char wanted[40], got[40];
	uint16_t spec;	    /* of the expectation that failed, in citations[] */
	struct where where; /* likewise */
	uint64_t started, ticks;
	struct vm *vm;		/* the suite destroys it if the test has not */
	char notes[TEST_NOTES]; /* lines that explain a FAIL or ERROR */
	size_t notes_used;
	struct {
		const char *id;
		unsigned checks, wrong;
	} rules[TEST_RULES]; /* rules of a catalogue that it has checked */
	unsigned rule_count;
};

/* Tests with random numbers mix this into their own seed; the report says it, --seed sets it. */
extern uint32_t test_seed;
/* Cases for each test of a fuzzer, by --cases; 0: as many as the test says. */
extern uint32_t test_cases;

/* All cases of the test; empty if it has none. */
struct case_range test_all_cases(const struct test *test);

/* One group of tests for each file of tests/; NULL ends the list. */
struct test_group {
	const struct test *tests;
	unsigned count;
};

extern const struct test_group *const test_groups[];

/* A measurement for make bench. Returns the figure. */
struct benchmark {
	const char *name, *unit;
	uint64_t (*run)(struct test_run *run);
	uint64_t needs;
	unsigned cpus;
};

extern const struct benchmark benchmarks[];
extern const unsigned benchmark_count;

/*
 * Expects got == wanted; what names it for the report. Returns whether it holds, so that a test can
 * stop where going on makes no sense. expect is for counts, statuses and truths, which the report
 * prints in decimal; expect_bits for registers, bit patterns, addresses and vectors, in uppercase
 * hexadecimal with an H.
 */
#define expect(run, what, wanted, got) expect_at(run, HERE, what, wanted, got)
#define expect_bits(run, what, wanted, got) expect_bits_at(run, HERE, what, wanted, got)
bool expect_at(struct test_run *run, struct where where, const char *what, uint64_t wanted,
	       uint64_t got);
bool expect_bits_at(struct test_run *run, struct where where, const char *what, uint64_t wanted,
		    uint64_t got);

/* The same, by another rule than the test's own. */
#define expect_cited(run, spec, what, wanted, got)                                                 \
	expect_cited_at(run, HERE, spec, what, wanted, got)
#define expect_bits_cited(run, spec, what, wanted, got)                                            \
	expect_bits_cited_at(run, HERE, spec, what, wanted, got)
bool expect_cited_at(struct test_run *run, struct where where, uint16_t spec, const char *what,
		     uint64_t wanted, uint64_t got);
bool expect_bits_cited_at(struct test_run *run, struct where where, uint16_t spec, const char *what,
			  uint64_t wanted, uint64_t got);

/*
 * So many of the checks were of this rule of a catalogue, and so many of them did not hold. id:
 * static text. It adds no checks: that is for expect and its sisters.
 */
void test_rule(struct test_run *run, const char *id, unsigned checks, unsigned wrong);

/* Expectations that held, counted where test_run is out of reach. */
void expected(struct test_run *run, unsigned count);

/* An expectation that does not hold, in words for which numbers would not do. */
#define expect_failed(run, what, wanted, got) expect_failed_at(run, HERE, what, wanted, got)
void expect_failed_at(struct test_run *run, struct where where, const char *what,
		      const char *wanted, const char *got);

/* Expects a call of ours to succeed; if it does not, the test is an ERROR, not a FAIL. */
bool require(struct test_run *run, const char *what, enum status status);

/* Ends the test as an ERROR of the harness itself. */
void test_error(struct test_run *run, const char *format, ...) PRINTF_LIKE(2, 3);

/* The same for what is at the root of other errors: an exception, a processor that is lost. */
void test_fault(struct test_run *run, const char *format, ...) PRINTF_LIKE(2, 3);

/* A line that explains a FAIL or ERROR: registers, the state of a vCPU. */
void test_note(struct test_run *run, const char *format, ...) PRINTF_LIKE(2, 3);

/* Skips the rest; only before the first expectation. */
void test_skip(struct test_run *run, const char *format, ...) PRINTF_LIKE(2, 3);

/* The deadline, and the microseconds until then, at least 1. */
unsigned test_milliseconds(const struct test_run *run);
uint64_t test_time_left(const struct test_run *run);

/* Settles the verdict from what was expected. */
void test_settle(struct test_run *run);

const char *verdict_text(enum verdict verdict);

/* The rule that the test checks, or that it has found broken, in this processor's manual. */
const char *test_spec(const struct test_run *run);

#endif
