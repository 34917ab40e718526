/*
 * What emulators do otherwise than the APM says and a run must go on with: a row for each. Nothing
 * here hides a deviation from the tests, which look first.
 */
#ifndef SVM_QUIRKS_H
#define SVM_QUIRKS_H

#include "backend.h"
#include "vm/vcpu.h"

enum svm_quirk {
	QUIRK_XSETBV,
	QUIRK_INTR_WAITS, /* a physical interrupt ends a guest only while its IF is 1 */
	QUIRK_CR2,	  /* VMRUN leaves CR2 as it was */
	QUIRK_VIRQ_WAITS, /* a virtual interrupt waits for a change of IF */
	QUIRK_NMI_MASKED, /* an injected NMI masks physical ones */
	QUIRK_COUNT
};

/* See struct backend. */
bool svm_quirk(unsigned row, struct quirk *quirk);

/* It was met on this machine. */
bool svm_quirk_is_here(enum svm_quirk quirk);

/*
 * Looks for all of them but the first, with SVM on, by entering a guest of which nothing is mapped.
 */
void svm_measure_quirks(struct cpu *cpu);

/* XCR0 of the loaded vCPU, which may have written it without an exit. */
uint64_t svm_xcr0(const struct vcpu *vcpu);

#endif
