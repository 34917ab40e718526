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
	QUIRK_INTR_WAITS,
	QUIRK_CR2,
	QUIRK_VIRQ_WAITS,
	QUIRK_NMI_MASKED,
	QUIRK_COUNT
};

/* See struct backend. */
bool svm_quirk(unsigned row, struct quirk *quirk);

/*
 * Measures, with SVM on and the platform's timer borrowed, what svm_caps says of quirks: by
 * entering a guest of which nothing is mapped.
 *
 * intr_waits_for_if: whether a physical interrupt that waits ends a guest only while its IF is 1.
 * Entries are made with interrupts off then: on the emulator that does so, a virtual interrupt
 * waits for a change of IF too, VMRUN's included. cr2_not_loaded: whether VMRUN leaves CR2 as it
 * was.
 */
void svm_measure_quirks(struct cpu *cpu);

/* XCR0 of the loaded vCPU, which may have written it without an exit. */
uint64_t svm_xcr0(const struct vcpu *vcpu);

#endif
