/* SVM's part of the fuzzer. */
#ifndef TESTS_SVM_ENTRY_HUNT_H
#define TESTS_SVM_ENTRY_HUNT_H

#include "tests/entry/fuzz.h"
#include "tests/svm/entry/rows.h"

extern const struct fuzz_hunt svm_fuzz_hunt;

_Static_assert(sizeof(struct svm_verdict) <= sizeof(struct fuzz_verdict), "room");

static inline const struct svm_verdict *svm_fuzz_verdict(const struct fuzz_verdict *verdict)
{
	return (const struct svm_verdict *)(const void *)verdict->word;
}

#endif
