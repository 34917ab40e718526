/* What a processor needs to enter from: a probe on pages of its own, and what bases are made of. */
#ifndef TESTS_SVM_GROUND_H
#define TESTS_SVM_GROUND_H

#include "svm/probe.h"
#include "tests/entry/checks.h"
#include "tests/svm/entry/rows.h"

struct svm_seat {
	struct entry_seat entry;
	struct svm_probe probe;
	struct svm_ground ground;
	uint64_t dr6;	/* as found */
	uint8_t *block; /* what has been allocated */
	uint8_t *pages; /* SVM_PAGES of it, in one range of 2 MiB */
};

/* On the processor. NULL: no memory. Its .entry.status says whether it can be used. */
struct svm_seat *svm_seat_open(struct cpu *cpu);

/* On that processor again, also after an exception in between. */
void svm_seat_close(struct svm_seat *seat);

/* Any processor. Pages that a lost processor may still use are kept. */
void svm_seat_free(struct svm_seat *seat);

/* All values of a state. */
void svm_seat_load(struct svm_seat *seat, const uint64_t *state);

static inline uint8_t *svm_seat_page(const struct svm_seat *seat, enum svm_page page)
{
	return seat->pages + page * (size_t)PAGE_SIZE;
}

#endif
