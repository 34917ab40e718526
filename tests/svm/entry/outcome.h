/* What a row says, what a processor does and what the model allows, against each other. */
#ifndef TESTS_SVM_ENTRY_OUTCOME_H
#define TESTS_SVM_ENTRY_OUTCOME_H

#include "svm/probe_result.h"
#include "tests/svm/entry/rows.h"

/* The processor did what the row says. */
bool svm_outcome_is(enum outcome wanted, const struct svm_probe_result *got);

/* It did what the model allows. */
bool svm_outcome_is_allowed(const struct svm_verdict *verdict, const struct svm_probe_result *got);

/* The model says the same as the row, and for the row's reason. rule: the number of row->rule;
 * svm_rule_count: the row is of a rule that only tells what is accepted, or of several. */
bool svm_outcome_agrees(const struct entry_row *row, unsigned rule,
			const struct svm_verdict *verdict);

/* In words, for people. */
enum { SVM_OUTCOME_TEXT = 64 };
void svm_outcome_text(enum outcome wanted, char text[SVM_OUTCOME_TEXT]);
void svm_result_text(const struct svm_probe_result *got, char text[SVM_OUTCOME_TEXT]);
void svm_verdict_text(const struct svm_verdict *verdict, char text[SVM_OUTCOME_TEXT]);

#endif
