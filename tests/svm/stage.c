#include "tests/svm/stage.h"

#include "lib/text.h"
#include "vm/cpu.h"
#include "x86/cpuid.h"
#include "x86/fixup.h"

#include "svm/insn.h"

enum { CODE_AT = 0x200 }; /* in PAGE_CODE */

#define INSTRUCTION(name, text, code) ATTEMPT_STUB(svm_##name, "", code)
__asm__(".pushsection .text\n"
#include "tests/svm/attempt.def"
	".popsection\n");
#undef INSTRUCTION

#define INSTRUCTION(name, ...)                                                                     \
	extern const char attempt_svm_##name[] __attribute__((visibility("hidden")));
#include "tests/svm/attempt.def"
#undef INSTRUCTION

static const struct {
	const char *text, *stub;
} instructions[] = {
#define INSTRUCTION(name, text, code) { text, attempt_svm_##name },
#include "tests/svm/attempt.def"
#undef INSTRUCTION
};

const char *svm_instruction_text(enum svm_instruction instruction)
{
	return instructions[instruction].text;
}

int svm_attempt(enum svm_instruction instruction, uint64_t rax, uint64_t rcx,
		struct attempt *registers)
{
	struct attempt local = { 0 }, *attempt = registers ? registers : &local;

	attempt->rax = rax;
	attempt->rcx = rcx;
	attempt_run(attempt, instructions[instruction].stub);
	if (!attempt->completed)
		return (int)(uint8_t)attempt->rax;
	if (instruction == INSN_VMRUN || instruction == INSN_CLGI)
		svm_stgi();
	return COMPLETES;
}

static void ending_text(int ending, char text[LEDGER_VALUE])
{
	if (ending == COMPLETES)
		text_format(text, LEDGER_VALUE, "no exception");
	else
		text_format(text, LEDGER_VALUE, "exception %d", ending);
}

bool svm_check_attempt(struct svm_stage *stage, const char *rule, int wanted,
		       enum svm_instruction instruction, uint64_t rax, uint64_t rcx)
{
	const int got = svm_attempt(instruction, rax, rcx, NULL);
	char wanted_text[LEDGER_VALUE], got_text[LEDGER_VALUE];

	ending_text(wanted, wanted_text);
	ending_text(got, got_text);
	return ledger_check(&stage->ledger, rule, got == wanted, wanted_text, got_text,
			    "%s, RAX %llXH, ECX %XH", svm_instruction_text(instruction),
			    (unsigned long long)rax, (unsigned)rcx);
}

/* ---- guests ---- */

bool svm_guest_begin(struct svm_stage *stage, enum svm_base base)
{
	const char *missing;

	stage->used = 0;
	if (!svm_base_make(base, &stage->seat->ground, &stage->state, &missing)) {
		svm_note(stage, "not here: needs %s", missing);
		return false;
	}
	stage->state.value[AT_RIP] += CODE_AT;
	return true;
}

void svm_guest_emit(struct svm_stage *stage, const void *bytes, size_t count)
{
	uint8_t *code = svm_seat_page(stage->seat, PAGE_CODE) + CODE_AT;

	__builtin_memcpy(code + stage->used, bytes, count);
	stage->used += (unsigned)count;
}

struct svm_probe_result svm_guest_run(struct svm_stage *stage)
{
	static const uint8_t hlt = 0xF4;
	struct svm_probe_result result;

	svm_guest_emit(stage, &hlt, 1);
	stage->used--;
	svm_seat_load(stage->seat, stage->state.value);
	svm_probe_run(&stage->seat->probe, &result);
	return result;
}

uint64_t svm_guest_field(const struct svm_stage *stage, uint32_t field)
{
	return vmcb_get(stage->seat->probe.vmcb, field);
}

bool svm_vmmcall_is_ours(void)
{
	const struct cpuid leaf = cpuid(0x40000000, 0);

	return !(cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) ||
	       leaf.ebx == 0x54474354; /* "TCGT": QEMU's translator takes no calls */
}

/* ---- all processors ---- */

_Static_assert(sizeof(struct svm_stage) <= PAGE_SIZE, "one page");

static svm_stage_body *the_body; /* not on the stack: see work_on_all */

static void play(struct cpu *cpu, void *memory)
{
	struct svm_stage *stage = memory;

	stage->cpu = cpu;
	stage->seat = svm_seat_open(cpu);
	ledger_status(&stage->ledger, stage->seat ? stage->seat->entry.status : STATUS_NO_MEMORY);
	if (stage->ledger.status == STATUS_OK)
		the_body(stage);
	if (!stage->seat)
		return;
	svm_seat_close(stage->seat);
	svm_seat_free(stage->seat);
}

void svm_stage_run(struct test_run *run)
{
	the_body = (svm_stage_body *)(uintptr_t)run->test->data;
	ledgers_run(run, false, 1, play);
}
