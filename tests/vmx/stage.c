#include "tests/vmx/stage.h"

#include "platform.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

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
	ledger_status(&stage->ledger, status);
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

bool check(struct stage *stage, const char *rule, struct ending wanted, struct ending got,
	   const char *format, ...)
{
	const bool right = ending_equal(wanted, got);
	char wanted_text[ENDING_TEXT] = "", got_text[ENDING_TEXT] = "";
	va_list arguments;

	if (!right) {
		ending_text(wanted, wanted_text);
		ending_text(got, got_text);
	}
	va_start(arguments, format);
	(void)ledger_check_v(&stage->ledger, rule, right, wanted_text, got_text, format, arguments);
	va_end(arguments);
	return right;
}

bool check_number(struct stage *stage, const char *rule, uint64_t wanted, uint64_t got,
		  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)ledger_number_v(&stage->ledger, rule, wanted, got, format, arguments);
	va_end(arguments);
	return wanted == got;
}

void stage_note(struct stage *stage, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	ledger_note_v(&stage->ledger, format, arguments);
	va_end(arguments);
}

void stage_skip(struct stage *stage, const char *why)
{
	stage->ledger.skipped = why;
}

/* ---- all processors ---- */

enum { OWN_PAGES = 1, BLOCK_PAGES = OWN_PAGES + STAGE_PAGES };
_Static_assert(sizeof(struct stage) <= OWN_PAGES * PAGE_SIZE, "one page");

static stage_body *the_body; /* not on the stack: see work_on_all */

static void set_up(struct stage *stage, struct cpu *cpu)
{
	const struct vmx_cpu *part = cpu->arch;

	*stage = (struct stage){
		.ledger = stage->ledger,
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

static void play(struct cpu *cpu, void *memory)
{
	struct stage *stage = memory;

	set_up(stage, cpu);
	stage_unload(stage);
	stage_load(stage, STAGE_VMCS);
	if (stage->ledger.status == STATUS_OK)
		the_body(stage);
	stage_set_revision(stage, STAGE_VMCS, stage->revision);
	stage_unload(stage);
}

void stage_run(struct test_run *run)
{
	the_body = (stage_body *)(uintptr_t)run->test->data;
	ledgers_run(run, run->test->argument == STAGE_ALONE, BLOCK_PAGES, play);
}
