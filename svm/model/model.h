/*
 * What VMRUN must do, as a pure function: from the VMCB, what it reads beside it and the
 * processor's capabilities to the outcomes that the manual allows. The same code runs in the image
 * and on Linux.
 *
 * The rules are rows of the .rules files, one for each rule of the catalogue: AMD64 Architecture
 * Programmer's Manual, vol. 2, "Canonicalization and Consistency Checks" and "Event Injection". SVM
 * answers with one bit, whatever and however much is wrong.
 */
#ifndef SVM_MODEL_MODEL_H
#define SVM_MODEL_MODEL_H

#include "lib/base.h"

#include "svm/model/state.h"

enum { SVM_RULES_MAX = 64 };

/* The set of outcomes that are right. */
struct svm_verdict {
	bool enters;	   /* or else VMEXIT_INVALID */
	bool unjudged;	   /* a rule that the manual leaves open is concerned: either may come */
	uint64_t violated; /* a bit for each rule */
};

extern const char *const svm_rules[]; /* ids, as in the catalogue */
extern const unsigned svm_rule_count;

/* The number of a rule; svm_rule_count: there is none of that id. */
unsigned svm_rule_number(const char *id);

struct svm_verdict svm_check(const struct svm_state *state, const struct svm_machine *machine);

/*
 * Rounds the state to a valid one nearby: repairs what the violated rules name, until none is left.
 * False: that did not come to an end.
 */
bool svm_repair(struct svm_state *state, const struct svm_machine *machine);

#endif
