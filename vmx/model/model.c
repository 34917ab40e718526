#include "vmx/model/model.h"

#include "lib/text.h"
#include "vmx/model/control_view.h"
#include "vmx/model/host_view.h"
#include "vmx/model/nonregister.h"
#include "vmx/model/registers.h"
#include "vmx/model/segments.h"
#include "vmx/model/view.h"

/* A host test replaces this to see that each rule counts. */
#ifndef MODEL_RULE
#define MODEL_RULE(number, violated) (violated)
#endif

static bool breaks_reserved(const struct view *v, enum control_group group, uint64_t value)
{
	uint64_t allowed = v->m->controls[group];

	return (~value & (uint32_t)allowed) || (value & ~(allowed >> 32));
}

static uint64_t obey_reserved(const struct view *v, enum control_group group, uint64_t value)
{
	uint64_t allowed = v->m->controls[group];

	return (value | (uint32_t)allowed) & allowed >> 32;
}

/* SDM vol. 3C, "VM-Execution Control Fields": what is not activated counts as 0. */
static struct view make_view(struct model_state *s, const struct model_machine *machine)
{
	struct view made = { .s = s, .m = machine }, *v = &made;

	v->pin = V(PIN_BASED_CONTROLS);
	v->primary = V(PRIMARY_CONTROLS);
	v->secondary = PRIMARY(SECONDARY) ? V(SECONDARY_CONTROLS) : 0;
	v->tertiary = PRIMARY(TERTIARY) ? V(TERTIARY_CONTROLS) : 0;
	/* A control that may not be 1 asks for no state: its field need not exist. */
	v->exit = V(EXIT_CONTROLS) & machine->controls[GROUP_EXIT] >> 32;
	v->exit2 = EXIT(SECONDARY) ? V(SECONDARY_EXIT_CONTROLS) : 0;
	v->entry = V(ENTRY_CONTROLS) & machine->controls[GROUP_ENTRY] >> 32;
	v->inject = V(ENTRY_INTERRUPTION_INFO) & BIT(31) ? V(ENTRY_INTERRUPTION_INFO) : 0;
	v->ug = SECONDARY(UNRESTRICTED_GUEST);
	v->ia32e = ENTRY(GUEST_64);
	v->v86 = V(GUEST_RFLAGS) & BIT(17);
	v->pe = V(GUEST_CR0) & BIT(0);
	v->pg = V(GUEST_CR0) & BIT(31);
	return made;
}

/* Every rule has a number: its place in the four files. */
enum { BEFORE_TABLE = __COUNTER__ };

const struct model_rule model_rules[] = {
#define NUMBERED(id, stage) [__COUNTER__ - BEFORE_TABLE - 1] = { id, stage },
#define RULE(id, violated, repair) NUMBERED(id, STAGE_CONTROLS)
#define REPORT(id, concerned, repair) NUMBERED(id, STAGE_CONTROLS)
#include "vmx/model/controls.rules"
#undef RULE
#undef REPORT
#define RULE(id, violated, repair) NUMBERED(id, STAGE_HOST)
#define REPORT(id, concerned, repair) NUMBERED(id, STAGE_HOST)
#include "vmx/model/host.rules"
#undef RULE
#undef REPORT
#define RULE(id, violated, repair) NUMBERED(id, STAGE_GUEST)
#define RULE_Q(qualification, id, violated, repair) NUMBERED(id, STAGE_GUEST)
#define REPORT(id, concerned, repair) NUMBERED(id, STAGE_GUEST)
#include "vmx/model/guest_registers.rules"
#include "vmx/model/guest_segments.rules"
#include "vmx/model/guest_state.rules"
#undef RULE
#undef RULE_Q
#undef REPORT
#define RULE(id, violated, repair) NUMBERED(id, STAGE_MSR)
#define REPORT(id, concerned, repair) NUMBERED(id, STAGE_MSR)
#include "vmx/model/msr.rules"
#undef RULE
#undef REPORT
#undef NUMBERED
};

const unsigned model_rule_count = ARRAY_SIZE(model_rules);
_Static_assert(ARRAY_SIZE(model_rules) <= MODEL_RULES_MAX, "a bit for each rule");

unsigned model_rule_number(const char *id)
{
	unsigned number = 0;

	while (number < model_rule_count && !text_equal(model_rules[number].id, id))
		number++;
	return number;
}

static inline void violates(struct model_verdict *verdict, unsigned rule)
{
	verdict->violated[rule / 64] |= BIT(rule % 64);
}

/* The checks: one line a rule, in the order of the table above. */
#define CHECK(violated_, effect)                                                                   \
	{                                                                                          \
		enum { NUMBER = __COUNTER__ - BEFORE_CHECKS - 1 };                                 \
		if (MODEL_RULE(NUMBER, violated_)) {                                               \
			violates(verdict, NUMBER);                                                 \
			effect;                                                                    \
		}                                                                                  \
	}
#define REPORT(id, concerned, repair) CHECK(concerned, verdict->unjudged = true)

enum { BEFORE_CHECKS = __COUNTER__ };

static void check_controls(const struct view *v, struct model_verdict *verdict)
{
#define RULE(id, violated, repair) CHECK(violated, verdict->control_error = true)
#include "vmx/model/controls.rules"
#undef RULE
}

static void check_host(const struct view *v, struct model_verdict *verdict)
{
#define RULE(id, violated, repair) CHECK(violated, verdict->host_error = true)
#include "vmx/model/host.rules"
#undef RULE
}

static void check_guest(const struct view *v, struct model_verdict *verdict)
{
#define RULE(id, violated, repair) CHECK(violated, verdict->guest |= 1)
#define RULE_Q(qualification, id, violated, repair)                                                \
	CHECK(violated, verdict->guest |= 1 << (qualification))
#include "vmx/model/guest_registers.rules"
#include "vmx/model/guest_segments.rules"
#include "vmx/model/guest_state.rules"
#undef RULE
#undef RULE_Q
}

static void check_msrs(const struct view *v, struct model_verdict *verdict)
{
	if (!V(ENTRY_MSR_LOAD_COUNT))
		return;
#define RULE(id, violated, repair) CHECK(violated, verdict->msr = (uint32_t)V(MSR_LOAD_POSITION))
#include "vmx/model/msr.rules"
#undef RULE
}
#undef REPORT

struct model_verdict model_check(const struct model_state *state,
				 const struct model_machine *machine, unsigned stages)
{
	/* A check writes nothing; a repair shares the view. */
	struct view view = make_view((struct model_state *)(uintptr_t)state, machine);
	struct model_verdict verdict = { 0 };

	if (stages & 1 << STAGE_CONTROLS)
		check_controls(&view, &verdict);
	if (stages & 1 << STAGE_HOST)
		check_host(&view, &verdict);
	if (verdict.control_error || verdict.host_error)
		return verdict;
	if (stages & 1 << STAGE_GUEST) {
		gather_segments(&view);
		check_guest(&view, &verdict);
	}
	if (verdict.guest)
		return verdict;
	if (stages & 1 << STAGE_MSR)
		check_msrs(&view, &verdict);
	verdict.enters = !verdict.msr;
	return verdict;
}

/* For all stages; out of line, since each rule's repair makes a new one. */
static NOINLINE struct view make_whole_view(struct model_state *state,
					    const struct model_machine *machine)
{
	struct view view = make_view(state, machine);

	gather_segments(&view);
	return view;
}

/* One round over all rules; true if there was something to repair. */
static bool repair_all(struct model_state *state, const struct model_machine *machine)
{
	bool changed = false;
	struct view view = make_whole_view(state, machine), *v = &view;

#define RULE(id, violated, repair)                                                                 \
	if (violated) {                                                                            \
		repair;                                                                            \
		view = make_whole_view(state, machine);                                            \
		changed = true;                                                                    \
	}
#define RULE_Q(qualification, id, violated, repair) RULE(id, violated, repair)
#define REPORT(id, violated, repair) RULE(id, violated, repair)
#include "vmx/model/controls.rules"
#include "vmx/model/guest_registers.rules"
#include "vmx/model/guest_segments.rules"
#include "vmx/model/guest_state.rules"
#include "vmx/model/host.rules"
	if (V(ENTRY_MSR_LOAD_COUNT)) {
#include "vmx/model/msr.rules"
	}
#undef RULE
#undef RULE_Q
#undef REPORT
	return changed;
}

bool model_repair(struct model_state *state, const struct model_machine *machine)
{
	enum { ROUNDS = 16 };

	for (unsigned i = 0; i < ROUNDS; i++)
		if (!repair_all(state, machine))
			return true;
	return false;
}
