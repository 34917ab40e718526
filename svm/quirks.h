/*
 * What emulators do otherwise than the APM says and a run must go on with: a row for each. Nothing
 * here hides a deviation from the tests, which look first.
 */
#ifndef SVM_QUIRKS_H
#define SVM_QUIRKS_H

#include "vm/vcpu.h"

enum svm_quirk { QUIRK_XSETBV, QUIRK_COUNT };

struct svm_quirk_row {
	const char *what;
	const char *seen_in; /* emulators and versions */
	const char *spec;    /* the APM's section that says otherwise */
};

extern const struct svm_quirk_row svm_quirks[QUIRK_COUNT];

/* How often each was met; 0 on a processor. */
uint64_t svm_quirk_count(enum svm_quirk quirk);

/* XCR0 of the loaded vCPU, which may have written it without an exit. */
uint64_t svm_xcr0(const struct vcpu *vcpu);

#endif
