#include "tests/vmx/stage.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "platform.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/vmx/catalogue.h"
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

/* ---- a test ---- */

static void play(struct stage *stage, stage_body *body)
{
	stage_unload(stage);
	stage_load(stage, STAGE_VMCS);
	if (stage->status == STATUS_OK)
		body(stage);
	stage_set_revision(stage, STAGE_VMCS, stage->revision);
	stage_unload(stage);
}

static void tell_rules(struct test_run *run, const struct stage *stage)
{
	for (unsigned i = 0; i < stage->rule_count; i++) {
		struct rule rule;

		test_rule(run, stage->rules[i].id, stage->rules[i].made, stage->rules[i].wrong);
		if (!rule_find(stage->rules[i].id, &rule))
			test_error(run, "%s: no rule of the catalogue", stage->rules[i].id);
		else if (stage->rules[i].wrong)
			test_note(run, "%s: %s; %u of %u checks are wrong", rule.id, rule.words,
				  stage->rules[i].wrong, stage->rules[i].made);
	}
}

static void tell(struct test_run *run, const struct stage *stage)
{
	if (stage->skipped)
		test_skip(run, "%s", stage->skipped);
	expected(run, stage->made - stage->wrong);
	for (unsigned i = 0; i < stage->wrong && i < STAGE_KEPT; i++) {
		expect_failed(run, stage->kept[i].what, stage->kept[i].wanted, stage->kept[i].got);
		test_note(run, "%s: wanted %s, got %s", stage->kept[i].what, stage->kept[i].wanted,
			  stage->kept[i].got);
	}
	if (stage->wrong > STAGE_KEPT)
		test_note(run, "and %u more", stage->wrong - STAGE_KEPT);
	tell_rules(run, stage);
	for (size_t at = 0; at < stage->notes_used; at += text_length(stage->notes + at) + 1)
		test_note(run, "%s", stage->notes + at);
	(void)require(run, "what the test itself did", stage->status);
}

static unsigned physical_bits(void)
{
	return cpuid_or_zero(0x80000008, 0).eax & 0xFF;
}

static enum status set_up(struct stage *stage, struct cpu *cpu)
{
	const struct vmx_cpu *part = cpu->arch;

	*stage = (struct stage){ .cpu = cpu,
				 .vmxon = physical(part->vmxon_region),
				 .revision = (uint32_t)vmx_caps.basic & 0x7FFFFFFF };
	stage->beyond = vmx_caps.basic & VMX_BASIC_32_BIT_ADDRESSES ? ~(uint64_t)0xFFFFFFFF
								    : ~(BIT(physical_bits()) - 1);
	stage->linear_bits = read_cr4() & CR4_LA57 ? 57 : 48;
	stage->invept = vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_EPT)) &&
			vmx_caps.ept_vpid & EPT_CAP_INVEPT;
	stage->invvpid = vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_VPID)) &&
			 vmx_caps.ept_vpid & VPID_CAP_INVVPID;
	stage->pages = pages_alloc(STAGE_PAGES);
	if (!stage->pages)
		return STATUS_NO_MEMORY;
	stage_set_revision(stage, STAGE_VMCS, stage->revision);
	stage_set_revision(stage, STAGE_OTHER, stage->revision);
	return STATUS_OK;
}

void stage_run(struct test_run *run)
{
	stage_body *body = (stage_body *)(uintptr_t)run->test->data;
	struct stage stage;

	if (!require(run, "pages for VMCSs", set_up(&stage, &platform->cpus[0])))
		return;
	play(&stage, body);
	tell(run, &stage);
	pages_free(stage.pages, STAGE_PAGES);
}
