#include "tests/lib/script_check.h"

#include "lib/text.h"

static const enum {
	CHECKS_NOTHING,
	CHECKS_NUMBER,
	CHECKS_BITS
} kinds[] = {
#define STEP_CHECKS(name, does) CHECKS_##does,
	STEP_OPS(STEP_CHECKS)
#undef STEP_CHECKS
};

unsigned script_count(const struct script_step *steps)
{
	unsigned count = 0;

	while (steps[count].step.op != STEP_END)
		count++;
	return count;
}

const struct step *script_step(const struct script_checks *checks, unsigned at)
{
	return &checks->steps[at].step;
}

bool script_is_head(const struct step *step)
{
	return step->op <= STEP_AFTER;
}

const struct step *script_head(const struct script_checks *checks, unsigned at)
{
	while (at && !script_is_head(script_step(checks, at)))
		at--;
	return script_is_head(script_step(checks, at)) ? script_step(checks, at) : NULL;
}

/* "vCPU 1", "each AP at 51H", "host" */
static size_t print_section(const struct script_checks *checks, unsigned at, char *text,
			    size_t size)
{
	const struct step *head = script_head(checks, at);
	size_t used;

	if (head->op == STEP_HOST || head->op == STEP_AFTER)
		return text_format(text, size, head->op == STEP_HOST ? "host" : "afterwards");
	if (head->slot == EACH)
		used = text_format(text, size, "each AP");
	else
		used = text_format(text, size, "%s %u", checks->actor,
				   (checks->first + head->slot) % checks->of);
	if (head->op == STEP_ON)
		used += text_format(text + used, size - used, " at %XH", head->handles);
	else if (head->boot > 1)
		used += text_format(text + used, size - used, ", boot %u", head->boot);
	return used;
}

void script_print(const struct script_checks *checks, unsigned at, const char *which,
		  char text[TEST_TEXT])
{
	size_t used = text_format(text, TEST_TEXT, "%s, ", checks->mode);

	used += print_section(checks, at, text + used, TEST_TEXT - used);
	text_format(text + used, TEST_TEXT - used, ", %s%s", checks->steps[at].text, which);
}

void script_check(const struct script_checks *checks, unsigned at, const char *which,
		  uint64_t wanted, uint64_t got)
{
	char what[TEST_TEXT] = "";

	if (wanted != got) /* the text is only made when it is read */
		script_print(checks, at, which, what);
	if (kinds[script_step(checks, at)->op] == CHECKS_BITS)
		expect_bits(checks->run, what, wanted, got);
	else
		expect(checks->run, what, wanted, got);
}

uint64_t script_wanted(const struct step *step)
{
	if (step->op != STEP_ICR)
		return step->value;
	return (uint64_t)step->destination << 32 | (uint32_t)step->icr_high_bits << 16 |
	       step->icr_bits;
}

void script_check_seen(const struct script_checks *checks)
{
	const struct step *head = NULL;

	for (unsigned at = 0; at < checks->count; at++) {
		const struct step *step = script_step(checks, at);

		if (script_is_head(step))
			head = step;
		if (!kinds[step->op] || !head || head->op == STEP_HOST || head->op == STEP_AFTER ||
		    (checks->left_out && checks->left_out(checks, at)))
			continue;
		script_check(checks, at, " was looked at", true, checks->seen->seen[at].times > 0);
		script_check(checks, at, "", script_wanted(step), checks->seen->seen[at].got);
	}
}

enum { TRACE_VECTORS = 6 }; /* in one step */

static uint64_t trace(const struct script_checks *checks, unsigned slot)
{
	uint64_t packed = 0;

	for (unsigned i = 0; i < TRACE_VECTORS; i++)
		packed |= (uint64_t)checks->seen->actor[slot].trace[i] << i * 8;
	return packed;
}

/* How many events a trace names. */
static unsigned trace_length(uint64_t packed)
{
	unsigned length = 0;

	for (; packed; packed >>= 8)
		length++;
	return length;
}

void script_check_trace(const struct script_checks *checks, unsigned at)
{
	const struct step *step = script_step(checks, at);
	uint64_t wanted = step->trace_0 | (uint64_t)step->trace_2 << 16;

	script_check(checks, at, "", wanted, trace(checks, step->slot));
	script_check(checks, at, ": how many", trace_length(wanted),
		     checks->seen->actor[step->slot].taken);
}
