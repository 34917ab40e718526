/* Machines of several kinds for the rows of VMRUN's checks. */
#ifndef TESTS_HOST_FAKE_SVM_MACHINES_H
#define TESTS_HOST_FAKE_SVM_MACHINES_H

#include "tests/svm/entry/rows.h"

struct svm_kind {
	const char *name;
	struct svm_ground ground;
};

extern const struct svm_kind svm_kinds[];
extern const unsigned svm_kind_count;

#endif
