#include "tests/svm/entry/outcome.h"

#include "lib/text.h"

/* How a guest may end that was entered: its VMMCALL, an exception or a shutdown on the way to it, a
 * nested page fault, or something physical. */
static bool is_an_end(uint64_t code)
{
	return code == SVM_EXIT_VMMCALL || (code >= SVM_EXIT_EXCEPTION && code <= SVM_EXIT_NMI) ||
	       code == SVM_EXIT_SHUTDOWN || code == SVM_EXIT_NPF;
}

bool svm_outcome_is(enum outcome wanted, const struct svm_probe_result *got)
{
	switch (wanted) {
	case ENTERS:
		return got->kind == SVM_PROBE_ENTERED && is_an_end(got->code);
	case INVALID:
		return got->kind == SVM_PROBE_INVALID;
	case REPORTED:
		break;
	}
	return true;
}

bool svm_outcome_is_allowed(const struct svm_verdict *verdict, const struct svm_probe_result *got)
{
	return verdict->unjudged || svm_outcome_is(verdict->enters ? ENTERS : INVALID, got);
}

static bool has_several(uint64_t violated)
{
	return violated & (violated - 1);
}

bool svm_outcome_agrees(const struct entry_row *row, unsigned rule,
			const struct svm_verdict *verdict)
{
	const bool known = rule < svm_rule_count;

	switch ((enum outcome)row->outcome) {
	case ENTERS:
		return verdict->enters && !verdict->unjudged;
	case INVALID:
		return !verdict->enters && !verdict->unjudged &&
		       (known ? verdict->violated == BIT(rule) : has_several(verdict->violated));
	case REPORTED:
		return verdict->unjudged && known && verdict->violated & BIT(rule);
	}
	return false;
}

void svm_outcome_text(enum outcome wanted, char text[SVM_OUTCOME_TEXT])
{
	static const char *const texts[] = {
		[ENTERS] = "the guest is entered",
		[INVALID] = "VMEXIT_INVALID",
		[REPORTED] = "anything",
	};

	text_format(text, SVM_OUTCOME_TEXT, "%s", texts[wanted]);
}

void svm_result_text(const struct svm_probe_result *got, char text[SVM_OUTCOME_TEXT])
{
	static const char *const registers[] = {
		[HOST_CR0] = "the host's CR0",
		[HOST_CR3] = "the host's CR3",
		[HOST_CR4] = "the host's CR4",
		[HOST_EFER] = "the host's EFER",
	};

	switch ((enum svm_probe_kind)got->kind) {
	case SVM_PROBE_ENTERED:
		text_format(text, SVM_OUTCOME_TEXT, "entered, then exit code %llXH",
			    (unsigned long long)got->code);
		break;
	case SVM_PROBE_INVALID:
		text_format(text, SVM_OUTCOME_TEXT, "VMEXIT_INVALID");
		break;
	case SVM_PROBE_FAULTED:
		text_format(text, SVM_OUTCOME_TEXT, "exception %u in the host",
			    (unsigned)got->code);
		break;
	case SVM_PROBE_LOST:
		text_format(text, SVM_OUTCOME_TEXT, "an exit that does not bring back %s",
			    registers[got->code]);
		break;
	case SVM_PROBE_STALE:
		text_format(text, SVM_OUTCOME_TEXT, "an exit without an exit code");
		break;
	}
}

void svm_verdict_text(const struct svm_verdict *verdict, char text[SVM_OUTCOME_TEXT])
{
	svm_outcome_text(verdict->unjudged ? REPORTED : verdict->enters ? ENTERS : INVALID, text);
}
