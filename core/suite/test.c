#include "suite/test.h"

#include "lib/text.h"

uint32_t test_seed, test_cases;

static const char *const verdict_texts[VERDICT_COUNT] = { "PASS", "FAIL", "SKIP", "ERROR" };

struct case_range test_all_cases(const struct test *test)
{
	return (struct case_range){ 0, test->cases && test_cases ? test_cases : test->cases };
}

const char *verdict_text(enum verdict verdict)
{
	return verdict_texts[verdict];
}

const char *test_spec(const struct test_run *run)
{
	const struct citation *rule = &citations[run->spec ? run->spec : run->test->spec];

	return rule->intel && (!backend->cites_amd || !rule->amd) ? rule->intel : rule->amd;
}

static bool is_first(const struct test_run *run)
{
	return !run->reason[0];
}

/* What does not fit is left out, line by line. */
static void note_v(struct test_run *run, const char *format, va_list arguments)
{
	size_t room = sizeof(run->notes) - run->notes_used;
	char *line = run->notes + run->notes_used;
	size_t length = text_format_v(line, room, format, arguments);

	if (length + 2 > room) {
		*line = '\0';
		return;
	}
	line[length] = '\n';
	line[length + 1] = '\0';
	run->notes_used += length + 1;
}

static bool compare(struct test_run *run, struct where where, uint16_t spec, const char *what,
		    const char *format, uint64_t wanted, uint64_t got)
{
	run->expectations++;
	if (got == wanted)
		return true;
	if (run->failures++ == 0 && is_first(run)) {
		text_format(run->reason, sizeof(run->reason), "%s", what);
		text_format(run->wanted, sizeof(run->wanted), format, wanted);
		text_format(run->got, sizeof(run->got), format, got);
		run->spec = spec;
		run->where = where;
	}
	return false;
}

bool expect_cited_at(struct test_run *run, struct where where, uint16_t spec, const char *what,
		     uint64_t wanted, uint64_t got)
{
	return compare(run, where, spec, what, "%llu", wanted, got);
}

bool expect_bits_cited_at(struct test_run *run, struct where where, uint16_t spec, const char *what,
			  uint64_t wanted, uint64_t got)
{
	return compare(run, where, spec, what, "%llXH", wanted, got);
}

bool expect_at(struct test_run *run, struct where where, const char *what, uint64_t wanted,
	       uint64_t got)
{
	return expect_cited_at(run, where, run->test->spec, what, wanted, got);
}

bool expect_bits_at(struct test_run *run, struct where where, const char *what, uint64_t wanted,
		    uint64_t got)
{
	return expect_bits_cited_at(run, where, run->test->spec, what, wanted, got);
}

void expected(struct test_run *run, unsigned count)
{
	run->expectations += count;
}

void expect_failed_at(struct test_run *run, struct where where, const char *what,
		      const char *wanted, const char *got)
{
	run->expectations++;
	if (run->failures++ || !is_first(run))
		return;
	text_format(run->reason, sizeof(run->reason), "%s", what);
	text_format(run->wanted, sizeof(run->wanted), "%s", wanted);
	text_format(run->got, sizeof(run->got), "%s", got);
	run->spec = run->test->spec;
	run->where = where;
}

bool require(struct test_run *run, const char *what, enum status status)
{
	if (status == STATUS_OK)
		return true;
	test_error(run, "%s: %s", what, status_text(status));
	return false;
}

/* What comes to be the reason takes the place of what was it before. */
static void blame(struct test_run *run, bool outranks, const char *format, va_list arguments)
{
	if (!outranks) {
		note_v(run, format, arguments);
		return;
	}
	if (run->reason[0])
		test_note(run, "before that: %s%s%s%s%s", run->reason,
			  run->wanted[0] ? ", wanted " : "", run->wanted,
			  run->wanted[0] ? ", got " : "", run->got);
	text_format_v(run->reason, sizeof(run->reason), format, arguments);
	run->wanted[0] = run->got[0] = '\0';
	run->where.file = NULL;
}

void test_rule(struct test_run *run, const char *id, unsigned checks, unsigned wrong)
{
	unsigned i = 0;

	while (i < run->rule_count && !text_equal(run->rules[i].id, id))
		i++;
	if (i == TEST_RULES)
		return;
	if (i == run->rule_count) {
		run->rules[i].id = id;
		run->rules[i].checks = run->rules[i].wrong = 0;
		run->rule_count++;
	}
	run->rules[i].checks += checks;
	run->rules[i].wrong += wrong;
}

void test_error(struct test_run *run, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	blame(run, !run->erred, format, arguments);
	va_end(arguments);
	run->erred = true;
}

void test_fault(struct test_run *run, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	blame(run, !run->faulted, format, arguments);
	va_end(arguments);
	run->erred = run->faulted = true;
}

void test_note(struct test_run *run, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	note_v(run, format, arguments);
	va_end(arguments);
}

void test_skip(struct test_run *run, const char *format, ...)
{
	va_list arguments;

	run->verdict = VERDICT_SKIP;
	va_start(arguments, format);
	text_format_v(run->reason, sizeof(run->reason), format, arguments);
	va_end(arguments);
}

unsigned test_milliseconds(const struct test_run *run)
{
	unsigned limit = run->test->milliseconds ? run->test->milliseconds : TEST_MILLISECONDS;

	return platform->patience > 1 ? limit * platform->patience : limit;
}

uint64_t test_time_left(const struct test_run *run)
{
	unsigned limit = test_milliseconds(run);
	uint64_t per_ms = platform->clock_hz / 1000;
	uint64_t passed = (platform->clock() - run->started) / (per_ms ? per_ms : 1);

	return passed >= limit ? 1 : (limit - passed) * 1000;
}

void test_settle(struct test_run *run)
{
	bool skipped = run->verdict == VERDICT_SKIP;

	if (skipped && run->expectations)
		test_error(run, "skipped after an expectation");
	if (run->erred)
		run->verdict = VERDICT_ERROR;
	else if (skipped)
		return;
	else if (run->failures)
		run->verdict = VERDICT_FAIL;
	else if (run->expectations)
		run->verdict = VERDICT_PASS;
	else {
		run->verdict = VERDICT_ERROR;
		text_format(run->reason, sizeof(run->reason), "the test ended without a verdict");
	}
}
