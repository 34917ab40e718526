/* A report on the fake volume, and what its files hold. */
#ifndef TESTS_HOST_FAKE_FAKE_REPORT_H
#define TESTS_HOST_FAKE_FAKE_REPORT_H

#include "suite/report.h"

/* group.subject, of the rule FAKE_APIC, with texts that need quotes and a line break. */
extern const struct test a_test;

/* Of the machine under test: none after report_set_up. */
extern struct facts facts;

/* For cmocka: one processor, an empty volume. */
int report_set_up(void **state);

/* \R.TAP, .JSON, .XML for so many tests, with a filter and the seed 7. */
enum status open_report(unsigned total);

/* The text of each file so far. */
const char *json(void);
const char *xml(void);
const char *tap(void);

void assert_json(void);

/* TAP version 13: the plan, each test once and in order, YAML blocks closed and quoted. */
void assert_tap(unsigned planned, unsigned reported);

/* a_test's, as if settled. */
struct test_run verdict(enum verdict verdict, const char *reason);

#endif
