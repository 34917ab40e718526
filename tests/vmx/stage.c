#include "tests/vmx/stage.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "platform.h"
#include "vm/work.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/entry/catalogue.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

uint64_t stage_address(const struct stage *stage, enum stage_page page)
{
	return physical(stage_page(stage, page));
}

void stage_set_revision(struct stage *stage, enum stage_page page, uint32_t revision)
{
	*(volatile uint32_t *)stage_page(stage, page) = revision;
}

static void note_status(struct stage *stage, enum status status)
{
	if (stage->status == STATUS_OK)
		stage->status = status;
}

void stage_load(struct stage *stage, enum stage_page page)
{
	stage_set_revision(stage, page, stage->revision);
	note_status(stage, vmclear(stage_address(stage, page)));
	note_status(stage, vmptrld(stage_address(stage, page)));
}

void stage_unload(struct stage *stage)
{
	note_status(stage, vmclear(stage_address(stage, STAGE_VMCS)));
	note_status(stage, vmclear(stage_address(stage, STAGE_OTHER)));
}

void stage_outside(struct stage *stage, stage_body *body)
{
	uint64_t cr0 = read_cr0(), cr4 = read_cr4();

	stage_unload(stage);
	note_status(stage, vmxoff());
	body(stage);
	if (read_cr0() != cr0)
		write_cr0(cr0);
	if (read_cr4() != cr4)
		write_cr4(cr4);
	(void)!vmxoff(); /* if a check that failed has entered VMX operation */
	note_status(stage, vmxon(stage->vmxon));
	stage_load(stage, STAGE_VMCS);
}

/* ---- checks ---- */

/* Counts the check; the text of one that is wrong, NULL: there is no room for more. */
static char *judge(struct stage *stage, const char *rule, bool right)
{
	unsigned i = 0;

	while (i < stage->rule_count && stage->rules[i].id != rule)
		i++;
	if (i == stage->rule_count && i < STAGE_RULES)
		stage->rules[stage->rule_count++].id = rule;
	if (i < STAGE_RULES) {
		stage->rules[i].made++;
		stage->rules[i].wrong += !right;
	} else {
		note_status(stage, STATUS_NO_MEMORY);
	}
	stage->made++;
	if (right || stage->wrong++ >= STAGE_KEPT)
		return NULL;
	return stage->kept[stage->wrong - 1].what;
}

static void describe(char *text, const char *rule, const char *format, va_list arguments)
{
	size_t used = text_format(text, STAGE_TEXT, "%s", rule);

	if (format[0])
		used += text_format(text + used, STAGE_TEXT - used, ": ");
	text_format_v(text + used, STAGE_TEXT - used, format, arguments);
}

bool check(struct stage *stage, const char *rule, struct ending wanted, struct ending got,
	   const char *format, ...)
{
	const bool right = ending_equal(wanted, got);
	char *text = judge(stage, rule, right);
	va_list arguments;

	if (!text)
		return right;
	va_start(arguments, format);
	describe(text, rule, format, arguments);
	va_end(arguments);
	ending_text(wanted, stage->kept[stage->wrong - 1].wanted);
	ending_text(got, stage->kept[stage->wrong - 1].got);
	return false;
}

bool check_number(struct stage *stage, const char *rule, uint64_t wanted, uint64_t got,
		  const char *format, ...)
{
	char *text = judge(stage, rule, wanted == got);
	va_list arguments;

	if (!text)
		return wanted == got;
	va_start(arguments, format);
	describe(text, rule, format, arguments);
	va_end(arguments);
	text_format(stage->kept[stage->wrong - 1].wanted, ENDING_TEXT, "%llXH",
		    (unsigned long long)wanted);
	text_format(stage->kept[stage->wrong - 1].got, ENDING_TEXT, "%llXH",
		    (unsigned long long)got);
	return false;
}

void stage_note(struct stage *stage, const char *format, ...)
{
	size_t room = STAGE_NOTES - stage->notes_used;
	char *line = stage->notes + stage->notes_used;
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	length = text_format_v(line, room, format, arguments);
	va_end(arguments);
	if (length + 1 > room)
		*line = '\0';
	else
		stage->notes_used += length + 1; /* each with its NUL */
}

void stage_skip(struct stage *stage, const char *why)
{
	stage->skipped = why;
}

/* ---- the report ---- */

/* The counts of each rule, and what is wrong in words if aloud. */
static void tell_rules(struct test_run *run, const struct stage *stage, bool aloud)
{
	for (unsigned i = 0; i < stage->rule_count; i++) {
		struct rule rule;

		test_rule(run, stage->rules[i].id, stage->rules[i].made, stage->rules[i].wrong);
		if (!rule_find(stage->rules[i].id, &rule))
			test_error(run, "%s: no rule of the catalogue", stage->rules[i].id);
		else if (stage->rules[i].wrong && aloud)
			test_note(run, "%s: %s; %u of %u checks are wrong", rule.id, rule.words,
				  stage->rules[i].wrong, stage->rules[i].made);
	}
}

static void tell_checks(struct test_run *run, const struct stage *stage, bool aloud)
{
	expected(run, stage->made - stage->wrong);
	for (unsigned i = 0; i < stage->wrong; i++) {
		const unsigned kept = i < STAGE_KEPT ? i : STAGE_KEPT - 1;

		expect_failed(run, stage->kept[kept].what, stage->kept[kept].wanted,
			      stage->kept[kept].got);
		if (i < STAGE_KEPT && aloud)
			test_note(run, "%s: wanted %s, got %s", stage->kept[i].what,
				  stage->kept[i].wanted, stage->kept[i].got);
	}
	if (stage->wrong > STAGE_KEPT && aloud)
		test_note(run, "and %u more", stage->wrong - STAGE_KEPT);
}

static void tell(struct test_run *run, const struct stage *stage, bool aloud)
{
	if (aloud && stage->cpu->index)
		test_note(run, "processor %u:", stage->cpu->index);
	tell_checks(run, stage, aloud);
	tell_rules(run, stage, aloud);
	for (size_t at = 0; aloud && at < stage->notes_used;
	     at += text_length(stage->notes + at) + 1)
		test_note(run, "%s", stage->notes + at);
	(void)require(run, "what the test itself did", stage->status);
}

static bool are_alike(const struct stage *a, const struct stage *b)
{
	bool alike = a->wrong == b->wrong && a->notes_used == b->notes_used &&
		     text_equal(a->notes, b->notes);

	for (unsigned i = 0; alike && i < a->wrong && i < STAGE_KEPT; i++)
		alike = text_equal(a->kept[i].what, b->kept[i].what) &&
			text_equal(a->kept[i].got, b->kept[i].got);
	return alike;
}

/* ---- all processors ---- */

enum { OWN_PAGES = 1, BLOCK_PAGES = OWN_PAGES + STAGE_PAGES };
_Static_assert(sizeof(struct stage) <= OWN_PAGES * PAGE_SIZE, "one page");

/* Not on the stack: see work_on_all. */
static struct {
	stage_body *body;
	uint8_t *blocks;
	unsigned count; /* processors that have one */
} the_play;

static struct stage *stage_of(unsigned processor)
{
	return (struct stage *)(the_play.blocks + processor * (size_t)BLOCK_PAGES * PAGE_SIZE);
}

static void set_up(struct stage *stage, struct cpu *cpu)
{
	const struct vmx_cpu *part = cpu->arch;

	*stage = (struct stage){
		.cpu = cpu,
		.pages = (uint8_t *)stage + OWN_PAGES * PAGE_SIZE,
		.vmxon = physical(part->vmxon_region),
		.revision = (uint32_t)vmx_caps.basic & 0x7FFFFFFF,
		.beyond = ~(BIT(cpuid_or_zero(0x80000008, 0).eax & 0xFF) - 1),
		.linear_bits = read_cr4() & CR4_LA57 ? 57 : 48,
		.invept = vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_EPT)) &&
			  vmx_caps.ept_vpid & EPT_CAP_INVEPT,
		.invvpid = vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_VPID)) &&
			   vmx_caps.ept_vpid & VPID_CAP_INVVPID,
	};
	if (vmx_caps.basic & VMX_BASIC_32_BIT_ADDRESSES)
		stage->beyond = ~(uint64_t)0xFFFFFFFF;
	stage_set_revision(stage, STAGE_VMCS, stage->revision);
	stage_set_revision(stage, STAGE_OTHER, stage->revision);
}

static void play(struct cpu *cpu, void *unused)
{
	struct stage *stage = stage_of(cpu->index);

	(void)unused;
	if (cpu->index >= the_play.count)
		return;
	set_up(stage, cpu);
	stage_unload(stage);
	stage_load(stage, STAGE_VMCS);
	if (stage->status == STATUS_OK)
		the_play.body(stage);
	stage_set_revision(stage, STAGE_VMCS, stage->revision);
	stage_unload(stage);
}

static bool take_memory(unsigned processors)
{
	the_play.count = processors;
	the_play.blocks = pages_alloc(processors * (size_t)BLOCK_PAGES);
	return the_play.blocks;
}

/* In words only where a processor differs from the first. */
static void tell_all(struct test_run *run)
{
	unsigned alike = 0;

	for (unsigned i = 0; i < the_play.count; i++) {
		const bool same = i && are_alike(stage_of(i), stage_of(0));

		if (!stage_of(i)->cpu)
			continue; /* not in use */
		alike += same;
		tell(run, stage_of(i), !same);
	}
	if (alike && stage_of(0)->wrong)
		test_note(run, "the same on %u more processors", alike);
}

void stage_run(struct test_run *run)
{
	const bool alone = run->test->argument == STAGE_ALONE;
	enum status status;

	the_play.body = (stage_body *)(uintptr_t)run->test->data;
	if (!take_memory(alone ? 1 : platform->cpu_count) && !take_memory(1)) {
		(void)require(run, "pages for VMCSs", STATUS_NO_MEMORY);
		return;
	}
	status = work_on_all(play, NULL, test_time_left(run));
	if (stage_of(0)->skipped)
		test_skip(run, "%s", stage_of(0)->skipped);
	else if (require(run, "all processors' checks", status))
		tell_all(run);
	pages_free(the_play.blocks, the_play.count * (size_t)BLOCK_PAGES);
}
