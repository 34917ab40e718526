#include "tests/vmx/entry/outcome.h"

#include "lib/text.h"

enum { NUMBER_CONTROLS = 7, NUMBER_HOST = 8 };

static const uint8_t qualifications[] = { 0, 2, 3, 4 }; /* GUEST_0, GUEST_2, GUEST_3, GUEST_4 */

static bool failed_with(const struct probe_result *got, uint32_t number)
{
	return got->kind == PROBE_FAIL_VALID && got->number == number;
}

static bool entry_failed(const struct probe_result *got, uint32_t reason, uint64_t qualification)
{
	return got->kind == PROBE_ENTRY_FAILED && got->number == reason &&
	       got->qualification == qualification;
}

bool outcome_is(enum outcome wanted, const struct probe_result *got, uint64_t position)
{
	switch (wanted) {
	case ENTERS:
		return got->kind == PROBE_ENTERED && got->number != PROBE_STALE;
	case PASSES:
		return entry_failed(got, REASON_ENTRY_GUEST_STATE, 0);
	case FAILS_7:
		return failed_with(got, NUMBER_CONTROLS);
	case FAILS_8:
		return failed_with(got, NUMBER_HOST);
	case GUEST_0:
	case GUEST_2:
	case GUEST_3:
	case GUEST_4:
		return entry_failed(got, REASON_ENTRY_GUEST_STATE,
				    qualifications[wanted - GUEST_0]);
	case MSR_LOAD:
		return entry_failed(got, REASON_ENTRY_MSR_LOAD, position);
	case REPORTED:
		break;
	}
	return true;
}

bool outcome_is_allowed(const struct model_verdict *verdict, const struct probe_result *got)
{
	if (verdict->unjudged)
		return true;
	switch ((enum probe_kind)got->kind) {
	case PROBE_FAIL_VALID:
		return (verdict->control_error && got->number == NUMBER_CONTROLS) ||
		       (verdict->host_error && got->number == NUMBER_HOST);
	case PROBE_ENTRY_FAILED:
		if (got->number == REASON_ENTRY_GUEST_STATE)
			return got->qualification < 8 && verdict->guest >> got->qualification & 1;
		return verdict->msr && entry_failed(got, REASON_ENTRY_MSR_LOAD, verdict->msr);
	case PROBE_ENTERED:
		return verdict->enters;
	case PROBE_FAIL_INVALID:
	case PROBE_FAULTED:
		break;
	}
	return false;
}

bool outcome_agrees(const struct entry_row *row, unsigned rule, const struct model_state *state,
		    const struct model_verdict *verdict)
{
	bool named;

	if (rule == model_rule_count)
		return false;
	named = model_violates(verdict, rule);
	switch ((enum outcome)row->outcome) {
	case ENTERS:
		return verdict->enters && !verdict->unjudged;
	case PASSES:
		return verdict->guest == 1 && !verdict->unjudged;
	case FAILS_7:
		return verdict->control_error && !verdict->host_error && named &&
		       !verdict->unjudged;
	case FAILS_8:
		return verdict->host_error && !verdict->control_error && named;
	case GUEST_0:
	case GUEST_2:
	case GUEST_3:
	case GUEST_4:
		return verdict->guest == 1 << qualifications[row->outcome - GUEST_0] && named &&
		       !verdict->unjudged;
	case MSR_LOAD:
		/* The row's own rule, or nothing of the stages before: NOT_RUN. */
		return verdict->msr == state->value[AT_MSR_LOAD_POSITION] && !verdict->unjudged &&
		       (named || model_rules[rule].stage != STAGE_MSR);
	case REPORTED:
		return verdict->unjudged;
	}
	return false;
}

void outcome_text(enum outcome wanted, uint64_t position, char text[OUTCOME_TEXT])
{
	switch (wanted) {
	case ENTERS:
		text_format(text, OUTCOME_TEXT, "the guest is entered");
		break;
	case FAILS_7:
	case FAILS_8:
		text_format(text, OUTCOME_TEXT, "VMfailValid %u",
			    wanted == FAILS_7 ? NUMBER_CONTROLS : NUMBER_HOST);
		break;
	case PASSES:
	case GUEST_0:
	case GUEST_2:
	case GUEST_3:
	case GUEST_4:
		text_format(text, OUTCOME_TEXT, "exit reason 33, qualification %u",
			    wanted == PASSES ? 0 : qualifications[wanted - GUEST_0]);
		break;
	case MSR_LOAD:
		text_format(text, OUTCOME_TEXT, "exit reason 34, qualification %u",
			    (unsigned)position);
		break;
	case REPORTED:
		text_format(text, OUTCOME_TEXT, "anything");
		break;
	}
}

void outcome_result_text(const struct probe_result *got, char text[OUTCOME_TEXT])
{
	switch ((enum probe_kind)got->kind) {
	case PROBE_FAIL_INVALID:
		text_format(text, OUTCOME_TEXT, "VMfailInvalid");
		break;
	case PROBE_FAIL_VALID:
		text_format(text, OUTCOME_TEXT, "VMfailValid %u%s", got->number,
			    got->number == 12 ? " (not written)" : "");
		break;
	case PROBE_ENTRY_FAILED:
		text_format(text, OUTCOME_TEXT, "exit reason %u, qualification %llx", got->number,
			    (unsigned long long)got->qualification);
		break;
	case PROBE_ENTERED:
		if (got->number == PROBE_STALE)
			text_format(text, OUTCOME_TEXT, "an exit without an exit reason");
		else
			text_format(text, OUTCOME_TEXT, "entered, then exit reason %u",
				    got->number);
		break;
	case PROBE_FAULTED:
		text_format(text, OUTCOME_TEXT, "exception %u", got->number);
		break;
	}
}

/* Adds one of the outcomes that are right. */
static void add(char text[OUTCOME_TEXT], const char *what, unsigned number)
{
	size_t used = text_length(text);

	text_format(text + used, OUTCOME_TEXT - used, "%s%s", used ? " or " : "", what);
	used = text_length(text);
	if (number)
		text_format(text + used, OUTCOME_TEXT - used, " %u", number);
}

void outcome_verdict_text(const struct model_verdict *verdict, char text[OUTCOME_TEXT])
{
	text[0] = '\0';
	if (verdict->control_error)
		add(text, "VMfailValid", 7);
	if (verdict->host_error)
		add(text, "VMfailValid", 8);
	for (unsigned q = 0; verdict->guest >> q; q++)
		if (verdict->guest >> q & 1)
			add(text, q ? "exit reason 33, qualification" : "exit reason 33", q);
	if (verdict->msr)
		add(text, "exit reason 34, qualification", verdict->msr);
	if (verdict->enters)
		add(text, "the guest is entered", 0);
	if (verdict->unjudged)
		add(text, "anything", 0);
}
