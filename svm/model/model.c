#include "svm/model/model.h"

#include "lib/text.h"
#include "svm/model/view.h"

/* A host test replaces this to see that each rule counts. */
#ifndef SVM_RULE
#define SVM_RULE(number, violated) (violated)
#endif

static struct svm_view make_view(struct svm_state *s, const struct svm_machine *machine)
{
	struct svm_view made = { .s = s, .m = machine }, *v = &made;

	v->pe = V(CR0) & CR0_PE;
	v->pg = V(CR0) & CR0_PG;
	v->lme = V(EFER) & EFER_LME;
	v->pae = V(CR4) & CR4_PAE;
	v->np = HAS(NESTED_PAGING) && V(NP_CONTROL) & NP_ENABLE;
	v->avic = HAS(AVIC) && V(VINTR) & VINTR_AVIC;
	v->lma_agrees = !(V(EFER) & EFER_LMA) == !(v->lme && v->pg);
	v->code_64 = v->lme && v->pg && V(CS_ATTRIB) & ATTRIB_L;
	v->inject = V(EVENTINJ) & SVM_EVENT_VALID ? V(EVENTINJ) : 0;
	return made;
}

const char *const svm_rules[] = {
#define RULE(id, violated, repair) id,
#define RULE_OPEN(id, violated, concerned, repair) id,
#define REPORT(id, concerned, repair) id,
#include "svm/model/controls.rules"
#include "svm/model/guest.rules"
#include "svm/model/injection.rules"
#undef RULE
#undef RULE_OPEN
#undef REPORT
};

const unsigned svm_rule_count = ARRAY_SIZE(svm_rules);
_Static_assert(ARRAY_SIZE(svm_rules) <= SVM_RULES_MAX, "a bit for each rule");

unsigned svm_rule_number(const char *id)
{
	unsigned number = 0;

	while (number < svm_rule_count && !text_equal(svm_rules[number], id))
		number++;
	return number;
}

enum { BEFORE_CHECKS = __COUNTER__ };

struct svm_verdict svm_check(const struct svm_state *state, const struct svm_machine *machine)
{
	/* A check writes nothing; a repair shares the view. */
	struct svm_view view = make_view((struct svm_state *)(uintptr_t)state, machine), *v = &view;
	struct svm_verdict verdict = { .enters = true };

#define RULE_OPEN(id, is_violated, concerned, repair)                                              \
	{                                                                                          \
		enum { NUMBER = __COUNTER__ - BEFORE_CHECKS - 1 };                                 \
		const bool refused = SVM_RULE(NUMBER, is_violated);                                \
		const bool open = !refused && SVM_RULE(NUMBER, concerned);                         \
                                                                                                   \
		verdict.enters &= !refused;                                                        \
		verdict.unjudged |= open;                                                          \
		verdict.violated |= refused || open ? BIT(NUMBER) : 0;                             \
	}
#define RULE(id, is_violated, repair)                                                              \
	{                                                                                          \
		enum { NUMBER = __COUNTER__ - BEFORE_CHECKS - 1 };                                 \
                                                                                                   \
		if (SVM_RULE(NUMBER, is_violated)) {                                               \
			verdict.enters = false;                                                    \
			verdict.violated |= BIT(NUMBER);                                           \
		}                                                                                  \
	}
#define REPORT(id, concerned, repair)                                                              \
	{                                                                                          \
		enum { NUMBER = __COUNTER__ - BEFORE_CHECKS - 1 };                                 \
                                                                                                   \
		if (SVM_RULE(NUMBER, concerned)) {                                                 \
			verdict.unjudged = true;                                                   \
			verdict.violated |= BIT(NUMBER);                                           \
		}                                                                                  \
	}
#include "svm/model/controls.rules"
#include "svm/model/guest.rules"
#include "svm/model/injection.rules"
#undef RULE
#undef RULE_OPEN
#undef REPORT
	return verdict;
}

/* One round over all rules; true if there was something to repair. */
static bool repair_all(struct svm_state *state, const struct svm_machine *machine)
{
	bool changed = false;
	struct svm_view view = make_view(state, machine), *v = &view;

#define RULE(id, violated, repair)                                                                 \
	if (violated) {                                                                            \
		repair;                                                                            \
		view = make_view(state, machine);                                                  \
		changed = true;                                                                    \
	}
#define RULE_OPEN(id, violated, concerned, repair) RULE(id, (violated) || (concerned), repair)
#define REPORT(id, concerned, repair) RULE(id, concerned, repair)
#include "svm/model/controls.rules"
#include "svm/model/guest.rules"
#include "svm/model/injection.rules"
#undef RULE
#undef RULE_OPEN
#undef REPORT
	return changed;
}

bool svm_repair(struct svm_state *state, const struct svm_machine *machine)
{
	enum { ROUNDS = 16 };

	for (unsigned i = 0; i < ROUNDS; i++)
		if (!repair_all(state, machine))
			return true;
	return false;
}
