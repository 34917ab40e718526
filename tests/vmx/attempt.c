#include "tests/vmx/attempt.h"

#include "lib/text.h"
#include "x86/fixup.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "vmx/insn.h"
#include "vmx/vmcs.h"

/* The stubs, each with and without LOCK. */
#define INSTRUCTION(name, text, before, code)                                                      \
	ATTEMPT_STUB(name, before, code) ATTEMPT_STUB(name##_LOCKED, before, ".byte 0xF0\n\t" code)
__asm__(".pushsection .text\n"
	"attempt_stubs:\n"
#include "tests/vmx/attempt.def"
	"attempt_stubs_end:\n"
	".popsection\n");
#undef INSTRUCTION

#define INSTRUCTION(name, ...)                                                                     \
	extern const char attempt_##name[] __attribute__((visibility("hidden")));                  \
	extern const char attempt_##name##_LOCKED[] __attribute__((visibility("hidden")));
#include "tests/vmx/attempt.def"
#undef INSTRUCTION

static const struct {
	const char *text, *stub, *locked;
} instructions[] = {
#define INSTRUCTION(name, text, ...) { text, attempt_##name, attempt_##name##_LOCKED },
#include "tests/vmx/attempt.def"
#undef INSTRUCTION
};

extern const char attempt_stubs[] __attribute__((visibility("hidden")));
extern const char attempt_stubs_end[] __attribute__((visibility("hidden")));

static struct ending ending_of(enum instruction instruction, const struct attempt *attempt)
{
	uint64_t number = 0;

	if (!attempt->completed)
		return RAISES_CODE((uint8_t)attempt->rax, (uint32_t)(attempt->rax >> 32));
	if (instruction >= INSN_MOV_CR0)
		return SUCCEEDS;
	switch (attempt->flags & FLAGS_ALL) {
	case 0:
		return SUCCEEDS;
	case FLAG_CARRY:
		return FAILS_INVALID;
	case FLAG_ZERO:
		if (vmread_try(VM_INSTRUCTION_ERROR, &number) != STATUS_OK)
			number = ~0u;
		return FAILS((uint32_t)number);
	default:
		return (struct ending){ ENDED_ODDLY, 0, (uint32_t)attempt->flags & FLAGS_ALL };
	}
}

struct ending attempt_with(enum instruction instruction, struct attempt *attempt)
{
	uint64_t cr3 = read_cr3();

	if (attempt->cr3) {
		write_cr3(attempt->cr3);
		page_tables_flush_global();
	}
	attempt_run(attempt, attempt->locked ? instructions[instruction].locked
					     : instructions[instruction].stub);
	if (attempt->cr3) {
		write_cr3(cr3);
		page_tables_flush_global();
	}
	return ending_of(instruction, attempt);
}

struct ending attempt_user(enum instruction instruction, const struct attempt_user *user,
			   uint64_t rcx, uint64_t rdx)
{
	struct attempt registers = { .rcx = rcx, .rdx = rdx, .flags = FLAGS_ALL };
	const uint64_t cr3 = read_cr3(), fs = rdmsr(IA32_FS_BASE), gs = rdmsr(IA32_GS_BASE);

	write_cr3(user->cr3);
	page_tables_flush_global();
	attempt_run_user(&registers, instructions[instruction].stub, user->cs, user->ss);
	write_cr3(cr3);
	page_tables_flush_global();
	/* IRET may have cleared the bases, too. */
	wrmsr(IA32_FS_BASE, fs);
	wrmsr(IA32_GS_BASE, gs);
	return ending_of(instruction, &registers);
}

bool attempt_for_user(struct page_tables *tables)
{
	uint64_t page = (uint64_t)(uintptr_t)attempt_stubs & ~(uint64_t)PAGE_MASK;

	for (; page < (uint64_t)(uintptr_t)attempt_stubs_end; page += PAGE_SIZE)
		if (!page_tables_allow(tables, page, PAGE_USER))
			return false;
	return true;
}

/* VMREAD and VMWRITE fail with 12; no address with bit 0 set is one of a VMCS. */
static void spoil_error(enum instruction instruction)
{
	uint64_t value;

	switch (instruction) {
	case INSN_VMREAD:
	case INSN_VMREAD_MEMORY:
	case INSN_VMREAD_SS:
	case INSN_VMWRITE:
	case INSN_VMWRITE_MEMORY:
	case INSN_VMWRITE_SS:
		(void)!vmptrld(1);
		break;
	default:
		(void)!vmread_try(VMCS_NO_FIELD, &value);
	}
}

struct ending attempt(enum instruction instruction, uint64_t rcx, uint64_t rdx)
{
	struct attempt registers = { .rcx = rcx, .rdx = rdx, .flags = FLAGS_ALL };

	spoil_error(instruction);
	return attempt_with(instruction, &registers);
}

struct ending attempt_locked(enum instruction instruction, uint64_t rcx, uint64_t rdx)
{
	struct attempt registers = { .rcx = rcx, .rdx = rdx, .flags = FLAGS_ALL, .locked = true };

	spoil_error(instruction);
	return attempt_with(instruction, &registers);
}

struct ending attempt_mapped(enum instruction instruction, uint64_t rcx, uint64_t rdx, uint64_t cr3)
{
	struct attempt registers = { .rcx = rcx, .rdx = rdx, .flags = FLAGS_ALL, .cr3 = cr3 };

	spoil_error(instruction);
	return attempt_with(instruction, &registers);
}

struct ending attempt_pointer(enum instruction instruction, uint64_t pointer)
{
	return attempt(instruction, (uint64_t)(uintptr_t)&pointer, 0);
}

uint64_t current_vmcs(void)
{
	volatile uint64_t pointer = 0x5A5A5A5A5A5A5A5A;

	(void)attempt(INSN_VMPTRST, (uint64_t)(uintptr_t)&pointer, 0);
	return pointer;
}

bool ending_equal(struct ending a, struct ending b)
{
	return a.kind == b.kind && a.vector == b.vector && a.number == b.number;
}

static void exception_text(struct ending ending, char text[ENDING_TEXT])
{
	static const char *const names[32] = {
		[VECTOR_DB] = "#DB", [VECTOR_UD] = "#UD", [VECTOR_SS] = "#SS",
		[VECTOR_GP] = "#GP", [VECTOR_PF] = "#PF",
	};
	const char *name = ending.vector < ARRAY_SIZE(names) ? names[ending.vector] : NULL;

	if (!name)
		text_format(text, ENDING_TEXT, "exception %u", ending.vector);
	else if (ending.vector < VECTOR_SS)
		text_format(text, ENDING_TEXT, "%s", name);
	else
		text_format(text, ENDING_TEXT, "%s(%XH)", name, ending.number);
}

void ending_text(struct ending ending, char text[ENDING_TEXT])
{
	switch ((enum ending_kind)ending.kind) {
	case ENDED_WELL:
		text_format(text, ENDING_TEXT, "VMsucceed");
		break;
	case ENDED_INVALID:
		text_format(text, ENDING_TEXT, "VMfailInvalid");
		break;
	case ENDED_VALID:
		text_format(text, ENDING_TEXT, "VMfailValid %u", ending.number);
		break;
	case ENDED_RAISED:
		exception_text(ending, text);
		break;
	case ENDED_ODDLY:
		text_format(text, ENDING_TEXT, "flags %XH", ending.number);
		break;
	case ENDED_EXIT:
		if (ending.vector)
			text_format(text, ENDING_TEXT, "exit by exception %u", ending.vector);
		else
			text_format(text, ENDING_TEXT, "exit reason %u", ending.number);
		break;
	case ENDED_REFUSED:
		text_format(text, ENDING_TEXT, "entry failure, exit reason %u", ending.number);
		break;
	}
}

const char *instruction_text(enum instruction instruction)
{
	return instructions[instruction].text;
}
