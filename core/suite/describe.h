/* What went wrong, in lines for the report. */
#ifndef CORE_SUITE_DESCRIBE_H
#define CORE_SUITE_DESCRIBE_H

#include "suite/test.h"

/* Ends the test as an ERROR by an exception, or by the end of its time, in our own code. */
void describe_fault(struct test_run *run, const struct fault *fault);

/* The state of every vCPU of the test's VM: call it where a wait has failed. */
void describe_vcpus(struct test_run *run);

/* A wait that the guest must end before the deadline: FAIL, with these states, if it does not. */
#define expect_in_time(run, what, status) expect_in_time_at(run, HERE, what, status)
bool expect_in_time_at(struct test_run *run, struct where where, const char *what,
		       enum status status);

#endif
