/* What SVM brings to tests/entry. */
#ifndef TESTS_SVM_CHECKS_H
#define TESTS_SVM_CHECKS_H

#include "svm/probe_result.h"
#include "tests/entry/checks.h"

extern const struct entry_checks svm_entry_checks;
extern const char *const svm_base_names[];

/* A result in SVM's words. */
struct svm_probe_result svm_result_of(const struct entry_result *result);

/* What a failure of its rows or of its fuzzer means. */
#define MEANS_VMRUN "A hypervisor's mistakes go unnoticed here, or its good states are refused."

#endif
