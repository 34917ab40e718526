#include "tests/vmx/stage.h"

#include "lib/pages.h"
#include "lib/text.h"
#include "platform.h"

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

/* ---- checks ---- */

static void keep(struct stage *stage, const char *wanted, const char *got, const char *format,
		 va_list arguments)
{
	if (stage->wrong++ >= STAGE_KEPT)
		return;
	text_format_v(stage->kept[stage->wrong - 1].what, STAGE_TEXT, format, arguments);
	text_format(stage->kept[stage->wrong - 1].wanted, ENDING_TEXT, "%s", wanted);
	text_format(stage->kept[stage->wrong - 1].got, ENDING_TEXT, "%s", got);
}

bool check(struct stage *stage, struct ending wanted, struct ending got, const char *format, ...)
{
	char wanted_text[ENDING_TEXT], got_text[ENDING_TEXT];
	va_list arguments;

	stage->made++;
	if (ending_equal(wanted, got))
		return true;
	ending_text(wanted, wanted_text);
	ending_text(got, got_text);
	va_start(arguments, format);
	keep(stage, wanted_text, got_text, format, arguments);
	va_end(arguments);
	return false;
}

bool check_number(struct stage *stage, uint64_t wanted, uint64_t got, const char *format, ...)
{
	char wanted_text[ENDING_TEXT], got_text[ENDING_TEXT];
	va_list arguments;

	stage->made++;
	if (wanted == got)
		return true;
	text_format(wanted_text, ENDING_TEXT, "%llXH", (unsigned long long)wanted);
	text_format(got_text, ENDING_TEXT, "%llXH", (unsigned long long)got);
	va_start(arguments, format);
	keep(stage, wanted_text, got_text, format, arguments);
	va_end(arguments);
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

static void tell(struct test_run *run, const struct stage *stage)
{
	expected(run, stage->made - stage->wrong);
	for (unsigned i = 0; i < stage->wrong && i < STAGE_KEPT; i++) {
		expect_failed(run, stage->kept[i].what, stage->kept[i].wanted, stage->kept[i].got);
		test_note(run, "%s: wanted %s, got %s", stage->kept[i].what, stage->kept[i].wanted,
			  stage->kept[i].got);
	}
	if (stage->wrong > STAGE_KEPT)
		test_note(run, "and %u more of %u checks", stage->wrong - STAGE_KEPT, stage->made);
	for (size_t at = 0; at < stage->notes_used; at += text_length(stage->notes + at) + 1)
		test_note(run, "%s", stage->notes + at);
	(void)require(run, "VMCLEAR and VMPTRLD of the test's own VMCS", stage->status);
}

static enum status set_up(struct stage *stage, struct cpu *cpu)
{
	const struct vmx_cpu *part = cpu->arch;

	*stage = (struct stage){ .cpu = cpu,
				 .vmxon = physical(part->vmxon_region),
				 .revision = (uint32_t)vmx_caps.basic & 0x7FFFFFFF };
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
