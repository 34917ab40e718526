/* What a row says, what a processor does and what the model allows, against each other. */
#ifndef TESTS_VMX_ENTRY_OUTCOME_H
#define TESTS_VMX_ENTRY_OUTCOME_H

#include "tests/vmx/entry/rows.h"
#include "vmx/probe_result.h"

/* The processor did what the row says. position: AT_MSR_LOAD_POSITION of the case. */
bool outcome_is(enum outcome wanted, const struct probe_result *got, uint64_t position);

/* It did what the model allows. */
bool outcome_is_allowed(const struct model_verdict *verdict, const struct probe_result *got);

/* The model says the same as the row, and for the row's reason. rule: the number of row->rule. */
bool outcome_agrees(const struct entry_row *row, unsigned rule, const struct model_state *state,
		    const struct model_verdict *verdict);

/* In words, for people. */
enum { OUTCOME_TEXT = 64 };
void outcome_text(enum outcome wanted, uint64_t position, char text[OUTCOME_TEXT]);
void outcome_result_text(const struct probe_result *got, char text[OUTCOME_TEXT]);
void outcome_verdict_text(const struct model_verdict *verdict, char text[OUTCOME_TEXT]);

#endif
