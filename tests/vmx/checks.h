/* What VMX brings to tests/entry. */
#ifndef TESTS_VMX_CHECKS_H
#define TESTS_VMX_CHECKS_H

#include "tests/entry/checks.h"

extern const struct entry_checks vmx_entry_checks;

#endif
