/* What holds for all VMX instructions: flags, errors, modes, operands, prefixes. */
#include "lib/text.h"
#include "platform.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/paging.h"

#include "tests/vmx/instructions.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

/* ---- flags and error numbers ---- */

/* What RCX is: a number, or the address of a pointer or a descriptor. */
enum operand { NOTHING, BUFFER, POINTER_OTHER, POINTER_CURRENT, POINTER_ODD, POINTER_VMXON, ZEROS };

/* One that succeeds, fails with a current VMCS, fails without. error 0: it succeeds. */
struct flags_row {
	uint8_t instruction, operand;
	uint16_t rdx;
	uint8_t error;
};

static const struct flags_row flags_rows[] = {
	{ INSN_VMCLEAR, POINTER_OTHER, 0, 0 },
	{ INSN_VMCLEAR, POINTER_ODD, 0, 2 },
	{ INSN_VMPTRLD, POINTER_CURRENT, 0, 0 },
	{ INSN_VMPTRLD, POINTER_ODD, 0, 9 },
	{ INSN_VMPTRST, BUFFER, 0, 0 },
	{ INSN_VMREAD, NOTHING, GUEST_RIP, 0 },
	{ INSN_VMREAD, NOTHING, VMCS_NO_FIELD, 12 },
	{ INSN_VMREAD_MEMORY, BUFFER, GUEST_RIP, 0 },
	{ INSN_VMREAD_MEMORY, BUFFER, VMCS_NO_FIELD, 12 },
	{ INSN_VMWRITE, NOTHING, GUEST_RIP, 0 },
	{ INSN_VMWRITE, NOTHING, VMCS_NO_FIELD, 12 },
	{ INSN_VMWRITE_MEMORY, BUFFER, GUEST_RIP, 0 },
	{ INSN_VMWRITE_MEMORY, BUFFER, VMCS_NO_FIELD, 12 },
	{ INSN_VMXON, POINTER_VMXON, 0, 15 },
	{ INSN_VMRESUME, NOTHING, 0, 5 },
	{ INSN_INVEPT, ZEROS, INVALIDATE_ALL, 0 },
	{ INSN_INVEPT, ZEROS, 3, 28 },
	{ INSN_INVVPID, ZEROS, INVALIDATE_ALL, 0 },
	{ INSN_INVVPID, ZEROS, 4, 28 },
};

static uint64_t operand_of(const struct stage *stage, enum operand operand, uint64_t words[2])
{
	words[0] = words[1] = 0;
	switch (operand) {
	case NOTHING:
		return 0;
	case BUFFER:
	case ZEROS:
		break;
	case POINTER_OTHER:
		words[0] = stage_address(stage, STAGE_OTHER);
		break;
	case POINTER_CURRENT:
		words[0] = stage_address(stage, STAGE_VMCS);
		break;
	case POINTER_ODD:
		words[0] = stage_address(stage, STAGE_OTHER) + 8;
		break;
	case POINTER_VMXON:
		words[0] = stage->vmxon;
		break;
	}
	return physical(words);
}

/* The processor has the instruction in this form. */
static bool is_here(const struct stage *stage, const struct flags_row *row)
{
	switch (row->instruction) {
	case INSN_INVEPT:
		return stage->invept && (row->error || vmx_caps.ept_vpid & EPT_CAP_INVEPT_ALL);
	case INSN_INVVPID:
		return stage->invvpid && (row->error || vmx_caps.ept_vpid & VPID_CAP_INVVPID_ALL);
	default:
		return true;
	}
}

/* An attempt that leaves VM_INSTRUCTION_ERROR to the instruction. */
static struct ending with_flags(const struct stage *stage, const struct flags_row *row,
				uint64_t flags)
{
	uint64_t words[2];
	struct attempt registers = { .rcx = operand_of(stage, row->operand, words),
				     .rdx = row->rdx,
				     .flags = flags };

	return attempt_with(row->instruction, &registers);
}

static void row_flags(struct stage *stage, const struct flags_row *row, bool current)
{
	const char *rule = !row->error ? "flags.succeed"
			   : current   ? "flags.fail_valid"
				       : "flags.fail_invalid";
	struct ending wanted = !row->error ? SUCCEEDS : current ? FAILS(row->error) : FAILS_INVALID;

	check(stage, rule, wanted, with_flags(stage, row, FLAGS_ALL), "%s, all set before",
	      instruction_text(row->instruction));
	check(stage, rule, wanted, with_flags(stage, row, 0), "%s, all clear before",
	      instruction_text(row->instruction));
}

/* These need a current VMCS to succeed. */
static bool needs_vmcs(const struct flags_row *row)
{
	return !row->error && vmcs_field_name(row->rdx) && row->rdx == GUEST_RIP;
}

static void without_vmcs(struct stage *stage)
{
	const struct flags_row launch = { INSN_VMLAUNCH, NOTHING, 0, 4 };

	for (unsigned i = 0; i < ARRAY_SIZE(flags_rows); i++) {
		struct flags_row row = flags_rows[i];

		if (!is_here(stage, &row) || row.operand == POINTER_CURRENT)
			continue;
		if (needs_vmcs(&row))
			row.error = 12; /* any: VMfailInvalid */
		row_flags(stage, &row, false);
	}
	row_flags(stage, &launch, false);
}

/* Leaves the number that the last VMfailValid has written to those that write none. */
static void error_is_kept(struct stage *stage)
{
	const struct flags_row unknown = { INSN_VMREAD, NOTHING, VMCS_NO_FIELD, 12 };

	check(stage, "error.kept", FAILS(12), with_flags(stage, &unknown, 0), "VMREAD");
	for (unsigned i = 0; i < ARRAY_SIZE(flags_rows); i++) {
		uint64_t number = 0;

		if (flags_rows[i].error || !is_here(stage, &flags_rows[i]))
			continue;
		(void)with_flags(stage, &flags_rows[i], 0);
		(void)!vmread_try(VM_INSTRUCTION_ERROR, &number);
		check_number(stage, "error.kept", 12, number, "over %s",
			     instruction_text(flags_rows[i].instruction));
	}
}

static void flags_outside(struct stage *stage)
{
	struct flags_row row = { INSN_VMXON, POINTER_VMXON, 0, 0 };

	for (unsigned i = 0; i < 2; i++) {
		const char *before = i ? "clear" : "set";
		struct attempt off = { .flags = i ? 0 : FLAGS_ALL };

		check(stage, "flags.succeed", SUCCEEDS, with_flags(stage, &row, i ? 0 : FLAGS_ALL),
		      "VMXON, all %s before", before);
		check(stage, "flags.succeed", SUCCEEDS, attempt_with(INSN_VMXOFF, &off),
		      "VMXOFF, all %s before", before);
	}
	row.operand = POINTER_ODD;
	row.error = 15; /* any: VMfailInvalid */
	row_flags(stage, &row, false);
}

void flags_of_all(struct stage *stage)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(flags_rows); i++)
		if (is_here(stage, &flags_rows[i]))
			row_flags(stage, &flags_rows[i], true);
	error_is_kept(stage);
	stage_unload(stage);
	without_vmcs(stage);
	/* VMfailInvalid has written no number anywhere. */
	check(stage, "flags.fail_invalid", SUCCEEDS,
	      attempt_pointer(INSN_VMPTRLD, stage_address(stage, STAGE_VMCS)), "VMPTRLD");
	(void)!vmread_try(VM_INSTRUCTION_ERROR, &number);
	check_number(stage, "flags.fail_invalid", 12, number, "VM_INSTRUCTION_ERROR");
	stage_outside(stage, flags_outside);
}

/* ---- outside VMX operation ---- */

/* All of them but VMXON. Under a hypervisor VMCALL may be a call of that one. */
static const uint8_t outside_rows[] = {
	INSN_VMCALL,  INSN_VMCLEAR, INSN_VMFUNC,	INSN_VMLAUNCH,	     INSN_VMPTRLD,
	INSN_VMPTRST, INSN_VMREAD,  INSN_VMRESUME,	INSN_VMWRITE,	     INSN_VMXOFF,
	INSN_INVEPT,  INSN_INVVPID, INSN_VMREAD_MEMORY, INSN_VMWRITE_MEMORY,
};

static void all_undefined(struct stage *stage, const char *rule, const char *when)
{
	const bool hypervisor = cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR;
	uint64_t words[2] = { stage_address(stage, STAGE_OTHER), 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(outside_rows); i++) {
		if (outside_rows[i] == INSN_VMCALL && hypervisor)
			continue;
		check(stage, rule, RAISES(VECTOR_UD), attempt(outside_rows[i], physical(words), 0),
		      "%s, %s", instruction_text(outside_rows[i]), when);
	}
}

static void leave(struct stage *stage)
{
	const uint64_t cr4 = read_cr4();

	all_undefined(stage, "outside", "CR4.VMXE=1");
	check(stage, "vmxoff.leaves", SUCCEEDS, attempt(INSN_MOV_CR4, cr4 & ~(uint64_t)CR4_VMXE, 0),
	      "CR4.VMXE is cleared");
	check_number(stage, "vmxoff.leaves", 0, read_cr4() & CR4_VMXE, "CR4.VMXE");
	all_undefined(stage, "outside", "CR4.VMXE=0");
	check(stage, "vmxoff.leaves", SUCCEEDS, attempt(INSN_MOV_CR4, cr4, 0), "CR4.VMXE is set");
	check(stage, "vmxoff.leaves", SUCCEEDS, attempt_pointer(INSN_VMXON, stage->vmxon), "VMXON");
	check(stage, "vmxoff.leaves", SUCCEEDS, attempt(INSN_VMXOFF, 0, 0), "VMXOFF");
	all_undefined(stage, "vmxoff.leaves", "afterwards");
}

void outside_vmx(struct stage *stage)
{
	stage_outside(stage, leave);
}

/* ---- operands ---- */

/* Instructions with an operand in memory. */
static const struct memory_row {
	uint8_t plain, through_ss, size;
	bool writes;
	bool outside; /* where the operand is looked at outside VMX operation only */
	uint16_t rdx;
} memory_rows[] = {
	{ INSN_VMCLEAR, INSN_VMCLEAR_SS, 8, false, false, 0 },
	{ INSN_VMPTRLD, INSN_VMPTRLD_SS, 8, false, false, 0 },
	{ INSN_VMPTRST, INSN_VMPTRST_SS, 8, true, false, 0 },
	{ INSN_VMXON, INSN_VMXON_SS, 8, false, true, 0 },
	{ INSN_VMREAD_MEMORY, INSN_VMREAD_SS, 8, true, false, GUEST_RIP },
	{ INSN_VMWRITE_MEMORY, INSN_VMWRITE_SS, 8, false, false, GUEST_RIP },
	{ INSN_INVEPT, INSN_INVEPT_SS, 16, false, false, INVALIDATE_ALL },
	{ INSN_INVVPID, INSN_INVVPID_SS, 16, false, false, INVALIDATE_ALL },
};

static bool can_access(const struct stage *stage, const struct memory_row *row)
{
	const struct flags_row form = { .instruction = row->plain };

	return is_here(stage, &form);
}

/* The borders of what is not canonical. */
static void not_canonical(struct stage *stage, const struct memory_row *row)
{
	const uint64_t bad[] = { BIT(stage->linear_bits - 1), ~BIT(stage->linear_bits - 1) & ~15ull,
				 BIT(63) };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		check(stage, "operand.canonical", RAISES(VECTOR_GP),
		      attempt(row->plain, bad[i], row->rdx), "%s %llXH",
		      instruction_text(row->plain), (unsigned long long)bad[i]);
		check(stage, "operand.canonical", RAISES(VECTOR_SS),
		      attempt(row->through_ss, bad[i], row->rdx), "%s %llXH",
		      instruction_text(row->through_ss), (unsigned long long)bad[i]);
	}
}

enum { FAULT_PRESENT = 1, FAULT_WRITE = 2, PATTERN = 0xA5 };

/* CR2 may be any byte of the operand in the page. */
static void faults(struct stage *stage, const struct memory_row *row, uint64_t cr3,
		   uint64_t address, uint32_t code, const char *what)
{
	const uint64_t next = stage_address(stage, STAGE_MAPPED_NEXT);

	write_cr2(0);
	check(stage, "operand.page", RAISES_CODE(VECTOR_PF, code),
	      attempt_mapped(row->plain, address, row->rdx, cr3), "%s, %s",
	      instruction_text(row->plain), what);
	check_number(stage, "operand.page", address < next ? next : address, read_cr2(),
		     "%s, %s, CR2", instruction_text(row->plain), what);
}

/* Not a byte of the page before has changed, and not the current VMCS. */
static void unchanged(struct stage *stage, const struct memory_row *row, uint64_t current)
{
	const uint8_t *page = stage_page(stage, STAGE_MAPPED);
	unsigned changed = 0;

	for (unsigned i = 0; i < 2 * PAGE_SIZE; i++)
		changed += *(const volatile uint8_t *)(page + i) != PATTERN;
	check_number(stage, "operand.page", 0, changed, "%s, bytes that have changed",
		     instruction_text(row->plain));
	if (!row->outside)
		check_number(stage, "operand.page", current, current_vmcs(), "%s, the current VMCS",
			     instruction_text(row->plain));
}

static void page_faults(struct stage *stage, const struct memory_row *row)
{
	const uint64_t next = stage_address(stage, STAGE_MAPPED_NEXT);
	const uint64_t current = row->outside ? 0 : current_vmcs();
	uint64_t *entry = page_tables_entry(&stage->tables, next);

	__builtin_memset(stage_page(stage, STAGE_MAPPED), PATTERN, 2 * PAGE_SIZE);
	*entry = 0;
	faults(stage, row, stage->tables.cr3, next, row->writes ? FAULT_WRITE : 0, "not present");
	faults(stage, row, stage->tables.cr3, next - 1, row->writes ? FAULT_WRITE : 0,
	       "all but a byte is not present");
	faults(stage, row, stage->tables.cr3, next - row->size + 1, row->writes ? FAULT_WRITE : 0,
	       "the last byte is not present");
	*entry = next | PAGE_PRESENT;
	if (row->writes && read_cr0() & CR0_WP)
		faults(stage, row, stage->tables.cr3, next, FAULT_PRESENT | FAULT_WRITE,
		       "read-only");
	unchanged(stage, row, current);
}

static void memory_operands(struct stage *stage, bool outside)
{
	for (unsigned i = 0; i < ARRAY_SIZE(memory_rows); i++) {
		if (memory_rows[i].outside != outside || !can_access(stage, &memory_rows[i]))
			continue;
		not_canonical(stage, &memory_rows[i]);
		page_faults(stage, &memory_rows[i]);
	}
}

static void memory_operands_outside(struct stage *stage)
{
	memory_operands(stage, true);
}

/* What the bytes are if the operand is a register; the bit of CPUID that defines it. */
static void register_forms(struct stage *stage)
{
	const bool rdrand = cpuid(1, 0).ecx & BIT(30);
	const bool rdseed = cpuid_or_zero(7, 0).ebx & BIT(18);
	/* SENDUIPI is also undefined while CR4.UINTR is 0. */
	const bool senduipi = cpuid_or_zero(7, 0).edx & BIT(5) && read_cr4() & BIT(25);
	const struct {
		enum instruction instruction;
		bool defined;
	} forms[] = {
		{ INSN_INVEPT_REGISTER, false },   { INSN_INVVPID_REGISTER, false },
		{ INSN_VMCLEAR_REGISTER, rdrand }, { INSN_VMPTRLD_REGISTER, rdrand },
		{ INSN_VMPTRST_REGISTER, rdseed }, { INSN_VMXON_REGISTER, senduipi },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++)
		if (!forms[i].defined)
			check(stage, "operand.register", RAISES(VECTOR_UD),
			      attempt(forms[i].instruction, 0, 0), "%s",
			      instruction_text(forms[i].instruction));
}

static void locked(struct stage *stage)
{
	uint64_t words[2] = { stage_address(stage, STAGE_OTHER), 0 };

	for (unsigned i = 0; i <= INSN_VMWRITE_MEMORY; i++)
		check(stage, "prefix", RAISES(VECTOR_UD),
		      attempt_locked(i, physical(words), GUEST_RIP), "LOCK %s",
		      instruction_text(i));
}

void operands(struct stage *stage)
{
	page_tables_copy(&stage->tables, (uint64_t *)stage_page(stage, STAGE_TABLES),
			 STAGE_PAGES - STAGE_TABLES);
	register_forms(stage);
	locked(stage);
	memory_operands(stage, false);
	stage_outside(stage, memory_operands_outside);
}
