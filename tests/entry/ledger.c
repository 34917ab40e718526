#include "tests/entry/ledger.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "vm/cpu.h"
#include "vm/work.h"

#include "tests/entry/catalogue.h"

void ledger_status(struct ledger *ledger, enum status status)
{
	if (ledger->status == STATUS_OK)
		ledger->status = status;
}

/* ---- checks ---- */

/* Counts the check; the text of one that is wrong, NULL: there is no room for more. */
static char *judge(struct ledger *ledger, const char *rule, bool right)
{
	unsigned i = 0;

	while (i < ledger->rule_count && ledger->rules[i].id != rule)
		i++;
	if (i == ledger->rule_count && i < LEDGER_RULES)
		ledger->rules[ledger->rule_count++].id = rule;
	if (i < LEDGER_RULES) {
		ledger->rules[i].made++;
		ledger->rules[i].wrong += !right;
	} else {
		ledger_status(ledger, STATUS_NO_MEMORY);
	}
	ledger->made++;
	if (right || ledger->wrong++ >= LEDGER_KEPT)
		return NULL;
	return ledger->kept[ledger->wrong - 1].what;
}

static void describe(char *text, const char *rule, const char *format, va_list arguments)
{
	size_t used = text_format(text, LEDGER_TEXT, "%s", rule);

	if (format[0])
		used += text_format(text + used, LEDGER_TEXT - used, ": ");
	text_format_v(text + used, LEDGER_TEXT - used, format, arguments);
}

bool ledger_check_v(struct ledger *ledger, const char *rule, bool right, const char *wanted,
		    const char *got, const char *format, va_list arguments)
{
	char *text = judge(ledger, rule, right);

	if (!text)
		return right;
	describe(text, rule, format, arguments);
	text_format(ledger->kept[ledger->wrong - 1].wanted, LEDGER_VALUE, "%s", wanted);
	text_format(ledger->kept[ledger->wrong - 1].got, LEDGER_VALUE, "%s", got);
	return false;
}

bool ledger_check(struct ledger *ledger, const char *rule, bool right, const char *wanted,
		  const char *got, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)ledger_check_v(ledger, rule, right, wanted, got, format, arguments);
	va_end(arguments);
	return right;
}

bool ledger_number_v(struct ledger *ledger, const char *rule, uint64_t wanted, uint64_t got,
		     const char *format, va_list arguments)
{
	char *text = judge(ledger, rule, wanted == got);

	if (!text)
		return wanted == got;
	describe(text, rule, format, arguments);
	text_format(ledger->kept[ledger->wrong - 1].wanted, LEDGER_VALUE, "%llXH",
		    (unsigned long long)wanted);
	text_format(ledger->kept[ledger->wrong - 1].got, LEDGER_VALUE, "%llXH",
		    (unsigned long long)got);
	return false;
}

bool ledger_number(struct ledger *ledger, const char *rule, uint64_t wanted, uint64_t got,
		   const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)ledger_number_v(ledger, rule, wanted, got, format, arguments);
	va_end(arguments);
	return wanted == got;
}

void ledger_note_v(struct ledger *ledger, const char *format, va_list arguments)
{
	size_t room = LEDGER_NOTES - ledger->notes_used;
	char *line = ledger->notes + ledger->notes_used;
	size_t length = text_format_v(line, room, format, arguments);

	if (length + 1 > room)
		*line = '\0';
	else
		ledger->notes_used += length + 1; /* each with its NUL */
}

void ledger_note(struct ledger *ledger, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	ledger_note_v(ledger, format, arguments);
	va_end(arguments);
}

/* ---- the report ---- */

/* The counts of each rule, and what is wrong in words if aloud. */
static void tell_rules(struct test_run *run, const struct ledger *ledger, bool aloud)
{
	for (unsigned i = 0; i < ledger->rule_count; i++) {
		struct rule rule;

		test_rule(run, ledger->rules[i].id, ledger->rules[i].made, ledger->rules[i].wrong);
		if (!rule_find(ledger->rules[i].id, &rule))
			test_error(run, "%s: no rule of the catalogue", ledger->rules[i].id);
		else if (ledger->rules[i].wrong && aloud)
			test_note(run, "%s: %s; %u of %u checks are wrong", rule.id, rule.words,
				  ledger->rules[i].wrong, ledger->rules[i].made);
	}
}

static void tell_checks(struct test_run *run, const struct ledger *ledger, bool aloud)
{
	expected(run, ledger->made - ledger->wrong);
	for (unsigned i = 0; i < ledger->wrong; i++) {
		const unsigned kept = i < LEDGER_KEPT ? i : LEDGER_KEPT - 1;

		expect_failed(run, ledger->kept[kept].what, ledger->kept[kept].wanted,
			      ledger->kept[kept].got);
		if (i < LEDGER_KEPT && aloud)
			test_note(run, "%s: wanted %s, got %s", ledger->kept[i].what,
				  ledger->kept[i].wanted, ledger->kept[i].got);
	}
	if (ledger->wrong > LEDGER_KEPT && aloud)
		test_note(run, "and %u more", ledger->wrong - LEDGER_KEPT);
}

static void tell(struct test_run *run, const struct ledger *ledger, bool aloud)
{
	if (aloud && ledger->cpu->index)
		test_note(run, "processor %u:", ledger->cpu->index);
	tell_checks(run, ledger, aloud);
	tell_rules(run, ledger, aloud);
	for (size_t at = 0; aloud && at < ledger->notes_used;
	     at += text_length(ledger->notes + at) + 1)
		test_note(run, "%s", ledger->notes + at);
	(void)require(run, "what the test itself did", ledger->status);
}

/* The same rules are wrong, as often, and the same is noted. */
static bool are_alike(const struct ledger *a, const struct ledger *b)
{
	bool alike = a->wrong == b->wrong && a->rule_count == b->rule_count &&
		     a->notes_used == b->notes_used &&
		     !__builtin_memcmp(a->notes, b->notes, a->notes_used);

	for (unsigned i = 0; alike && i < a->rule_count; i++)
		alike = text_equal(a->rules[i].id, b->rules[i].id) &&
			a->rules[i].wrong == b->rules[i].wrong;
	return alike;
}

/* ---- all processors ---- */

/* Not on the stack: see work_on_all. */
static struct {
	void (*play)(struct cpu *cpu, void *memory);
	uint8_t *blocks;
	unsigned pages; /* of each */
	unsigned count; /* processors that have one */
} the_play;

static struct ledger *ledger_of(unsigned processor)
{
	return (struct ledger *)(void *)(the_play.blocks +
					 processor * (size_t)the_play.pages * PAGE_SIZE);
}

static void play(struct cpu *cpu, void *unused)
{
	(void)unused;
	if (cpu->index >= the_play.count)
		return;
	ledger_of(cpu->index)->cpu = cpu;
	the_play.play(cpu, ledger_of(cpu->index));
}

static bool take_memory(unsigned processors)
{
	the_play.count = processors;
	the_play.blocks = pages_alloc(processors * (size_t)the_play.pages);
	return the_play.blocks;
}

/* In words only where a processor differs from the first. */
static void tell_all(struct test_run *run)
{
	unsigned alike = 0;

	for (unsigned i = 0; i < the_play.count; i++) {
		const bool same = i && are_alike(ledger_of(i), ledger_of(0));

		if (!ledger_of(i)->cpu)
			continue; /* not in use */
		alike += same;
		tell(run, ledger_of(i), !same);
	}
	if (alike && ledger_of(0)->wrong)
		test_note(run, "the same rules on %u more processors", alike);
}

void ledgers_run(struct test_run *run, bool alone, unsigned pages,
		 void (*play_one)(struct cpu *cpu, void *memory))
{
	enum status status;

	the_play.play = play_one;
	the_play.pages = pages;
	if (!take_memory(alone ? 1 : platform->cpu_count) && !take_memory(1)) {
		(void)require(run, "pages for the test", STATUS_NO_MEMORY);
		return;
	}
	status = work_on_all(play, NULL, test_time_left(run));
	if (ledger_of(0)->skipped)
		test_skip(run, "%s", ledger_of(0)->skipped);
	else if (require(run, "all processors' checks", status))
		tell_all(run);
	pages_free(the_play.blocks, the_play.count * (size_t)pages);
}
