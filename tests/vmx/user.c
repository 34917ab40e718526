/* VMX instructions at CPL 3 of the host: for a moment there is a user mode. */
#include "platform.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/paging.h"

#include "tests/vmx/instructions.h"

/* Selectors in the GDT behind those that the platform uses. */
enum { USER_SS = 0x18, USER_CS = 0x20, RPL_USER = 3 };

#define USER_DATA 0x00CFF3000000FFFFull
#define USER_CODE 0x00AFFB000000FFFFull

/* What is to be put back. */
struct user_mode {
	struct attempt_user user;
	uint64_t *gdt, *rsp0;
	uint64_t gdt_before[2], rsp0_before, cr4;
};

/* SDM vol. 3A, "TSS Descriptor in 64-bit mode", "Task Management in 64-bit Mode". */
static uint64_t *find_rsp0(uint64_t gdt)
{
	const uint64_t *descriptor;
	uint64_t base;
	uint16_t selector;

	__asm__ volatile("str %0" : "=r"(selector));
	descriptor = (const uint64_t *)(uintptr_t)(gdt + (selector & 0xFFF8u));
	base = (descriptor[0] >> 16 & 0xFFFFFF) | (descriptor[0] >> 56 & 0xFF) << 24 |
	       descriptor[1] << 32;
	return (uint64_t *)(uintptr_t)(base + 4);
}

static uint64_t unaligned_read(const void *at)
{
	uint64_t value;

	__builtin_memcpy(&value, at, sizeof(value));
	return value;
}

/* Exceptions at CPL 3 get STAGE_SPARE as their stack. */
static bool begin(struct stage *stage, struct user_mode *mode)
{
	const uint64_t operand = stage_address(stage, STAGE_MAPPED);
	const uint64_t gdt = sgdt().base, stack = stage_address(stage, STAGE_SPARE) + PAGE_SIZE;

	page_tables_copy(&stage->tables, (uint64_t *)stage_page(stage, STAGE_TABLES),
			 STAGE_PAGES - STAGE_TABLES);
	if (!page_tables_allow(&stage->tables, operand, PAGE_USER | PAGE_WRITABLE) ||
	    !attempt_for_user(&stage->tables))
		return false;
	*mode = (struct user_mode){
		.user = { stage->tables.cr3, USER_CS | RPL_USER, USER_SS | RPL_USER },
		.gdt = (uint64_t *)(uintptr_t)gdt,
		.rsp0 = find_rsp0(gdt),
		.cr4 = read_cr4(),
	};
	mode->gdt_before[0] = mode->gdt[USER_SS / 8];
	mode->gdt_before[1] = mode->gdt[USER_CS / 8];
	mode->rsp0_before = unaligned_read(mode->rsp0);
	mode->gdt[USER_SS / 8] = USER_DATA;
	mode->gdt[USER_CS / 8] = USER_CODE;
	__builtin_memcpy(mode->rsp0, &stack, sizeof(stack));
	/* The landing is in a page of the user's. */
	write_cr4(mode->cr4 & ~(uint64_t)CR4_SMEP);
	return true;
}

static void end(const struct user_mode *mode)
{
	write_cr4(mode->cr4);
	__builtin_memcpy(mode->rsp0, &mode->rsp0_before, sizeof(mode->rsp0_before));
	mode->gdt[USER_SS / 8] = mode->gdt_before[0];
	mode->gdt[USER_CS / 8] = mode->gdt_before[1];
}

static void refused(struct stage *stage, const char *rule, enum instruction instruction,
		    const struct user_mode *mode, uint64_t pointer, struct ending wanted)
{
	uint64_t *operand = (uint64_t *)stage_page(stage, STAGE_MAPPED);

	operand[0] = pointer;
	operand[1] = 0;
	check(stage, rule, wanted, attempt_user(instruction, &mode->user, physical(operand), 0),
	      "%s", instruction_text(instruction));
}

static void outside(struct stage *stage)
{
	struct user_mode mode;
	const uint64_t cr4 = read_cr4();

	if (!begin(stage, &mode))
		return;
	refused(stage, "vmxon.cpl3", INSN_VMXON, &mode, stage->vmxon, RAISES(VECTOR_GP));
	write_cr4(read_cr4() & ~(uint64_t)CR4_VMXE);
	refused(stage, "vmxon.cpl3", INSN_VMXON, &mode, stage->vmxon, RAISES(VECTOR_UD));
	write_cr4(cr4);
	end(&mode);
}

/* VMCALL may be a hypervisor's. */
void user_checks(struct stage *stage)
{
	const bool hypervisor = cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR;
	struct user_mode mode;

	if (!begin(stage, &mode)) {
		stage->ledger.status = STATUS_NO_MEMORY;
		return;
	}
	for (unsigned i = 0; i <= INSN_VMWRITE_MEMORY; i++) {
		if ((i == INSN_INVEPT && !stage->invept) || (i == INSN_INVVPID && !stage->invvpid))
			continue;
		if (i == INSN_VMCALL && hypervisor)
			continue;
		refused(stage, "root.cpl3", i, &mode, stage_address(stage, STAGE_OTHER),
			i == INSN_VMFUNC ? RAISES(VECTOR_UD) : RAISES(VECTOR_GP));
	}
	check_number(stage, "root.cpl3", stage_address(stage, STAGE_VMCS), current_vmcs(),
		     "the current VMCS");
	end(&mode);
	stage_outside(stage, outside);
}
