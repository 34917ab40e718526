/* VMXON, VMXOFF, VMCLEAR, VMPTRLD, VMPTRST. */
#include "platform.h"
#include "x86/control.h"
#include "x86/insn.h"

#include "tests/vmx/instructions.h"
#include "vmx/vmx.h"

#define NO_VMCS (~0ull)

/* Flips each bit of the mask in the page's address; all of these pointers end alike. */
static void walk_pointer(struct stage *stage, const char *rule, enum instruction instruction,
			 enum stage_page page, uint64_t mask, struct ending wanted)
{
	for (unsigned bit = 0; bit < 64; bit++)
		if (mask & BIT(bit))
			check(stage, rule, wanted,
			      attempt_pointer(instruction, stage_address(stage, page) ^ BIT(bit)),
			      "bit %u", bit);
}

/* What the first word of a region may hold beside the processor's revision. */
static void walk_revisions(struct stage *stage, const char *rule, enum instruction instruction,
			   const uint32_t *revisions, unsigned count, struct ending wanted)
{
	for (unsigned i = 0; i < count; i++) {
		if (revisions[i] == stage->revision)
			continue;
		stage_set_revision(stage, STAGE_SPARE, revisions[i]);
		check(stage, rule, wanted,
		      attempt_pointer(instruction, stage_address(stage, STAGE_SPARE)),
		      "first word %XH", revisions[i]);
	}
}

/* ---- VMXON, VMXOFF ---- */

/* The bits of a control register, each flipped; the write itself is allowed outside. */
static void vmxon_with(struct stage *stage, const char *rule, enum instruction move, uint64_t value,
		       uint64_t mask)
{
	unsigned made = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(mask & BIT(bit)))
			continue;
		if (!ending_equal(attempt(move, value ^ BIT(bit), 0), SUCCEEDS))
			continue; /* not a value of the register at all */
		check(stage, rule, RAISES(VECTOR_GP), attempt_pointer(INSN_VMXON, stage->vmxon),
		      "bit %u", bit);
		(void)attempt(move, value, 0);
		made++;
	}
	if (!made)
		stage_note(stage, "%s: no bit can be wrong on this processor", rule);
}

static void vmxon_outside(struct stage *stage)
{
	const uint32_t revisions[] = { stage->revision ^ 1, stage->revision ^ 0x40000000, 0 };
	const uint32_t bit_31[] = { stage->revision | 0x80000000 };
	const uint64_t cr0 = read_cr0(), cr4 = read_cr4();

	vmxon_with(stage, "vmxon.cr0", INSN_MOV_CR0, cr0, vmx_caps.cr0_fixed0 & ~(CR0_PE | CR0_PG));
	vmxon_with(stage, "vmxon.cr4", INSN_MOV_CR4, cr4,
		   vmx_caps.cr4_fixed0 & ~(uint64_t)CR4_VMXE);
	write_cr4(cr4 & ~(uint64_t)CR4_VMXE);
	check(stage, "vmxon.vmxe", RAISES(VECTOR_UD), attempt_pointer(INSN_VMXON, stage->vmxon),
	      "VMXON");
	write_cr4(cr4);
	stage_set_revision(stage, STAGE_SPARE, stage->revision);
	walk_pointer(stage, "vmxon.align", INSN_VMXON, STAGE_SPARE, PAGE_MASK, FAILS_INVALID);
	walk_pointer(stage, "vmxon.width", INSN_VMXON, STAGE_SPARE, stage->beyond, FAILS_INVALID);
	walk_revisions(stage, "vmxon.revision", INSN_VMXON, revisions, ARRAY_SIZE(revisions),
		       FAILS_INVALID);
	walk_revisions(stage, "vmxon.bit31", INSN_VMXON, bit_31, 1, FAILS_INVALID);
	stage_set_revision(stage, STAGE_SPARE, stage->revision);
	check(stage, "vmxon.align", SUCCEEDS,
	      attempt_pointer(INSN_VMXON, stage_address(stage, STAGE_SPARE)), "a good region");
	/* With a VMCS that was current before: VMXOFF need not forget it, VMXON must. */
	check(stage, "vmptrld.data", SUCCEEDS,
	      attempt_pointer(INSN_VMPTRLD, stage_address(stage, STAGE_VMCS)), "VMPTRLD");
	check(stage, "vmxoff.leaves", SUCCEEDS, attempt(INSN_VMXOFF, 0, 0), "VMXOFF");
	check(stage, "vmxon.align", SUCCEEDS,
	      attempt_pointer(INSN_VMXON, stage_address(stage, STAGE_SPARE)), "again");
	check_number(stage, "vmxon.pointer", NO_VMCS, current_vmcs(), "the current VMCS");
	check(stage, "vmxon.pointer", FAILS_INVALID, attempt(INSN_VMREAD, 0, VM_INSTRUCTION_ERROR),
	      "VMREAD");
	check(stage, "vmxoff.leaves", SUCCEEDS, attempt(INSN_VMXOFF, 0, 0), "VMXOFF");
}

/* The operand does not matter. */
static void vmxon_again(struct stage *stage, struct ending wanted, const char *state)
{
	const uint64_t pointers[] = { stage->vmxon, stage->vmxon + 8, ~0ull,
				      stage_address(stage, STAGE_SPARE) };

	stage_set_revision(stage, STAGE_SPARE, stage->revision ^ 1);
	for (unsigned i = 0; i < ARRAY_SIZE(pointers); i++)
		check(stage, "vmxon.root", wanted, attempt_pointer(INSN_VMXON, pointers[i]),
		      "%s, pointer %llXH", state, (unsigned long long)pointers[i]);
}

/* MOV to a control register that would break a fixed bit. */
static void fixed_bits(struct stage *stage, enum instruction move, uint64_t value, uint64_t fixed0,
		       uint64_t fixed1, const char *name)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		if (fixed1 & ~fixed0 & BIT(bit))
			continue;
		check(stage, "vmx.cr_fixed", RAISES(VECTOR_GP), attempt(move, value ^ BIT(bit), 0),
		      "%s bit %u", name, bit);
		(void)attempt(move, value, 0);
	}
	check(stage, "vmx.cr_fixed", SUCCEEDS, attempt(move, value, 0), "%s as it is", name);
}

/* By all processors, when they were taken first. */
static void before_the_lock(struct stage *stage)
{
	const unsigned tried = atomic_load(&vmx_early_vmxons);

	if (tried)
		check_number(stage, "vmxon.feature", 0, atomic_load(&vmx_early_vmxons_accepted),
			     "VMXONs that were not refused, of %u", tried);
	else
		stage_note(stage, "vmxon.feature: IA32_FEATURE_CONTROL was locked already");
}

void vmxon_checks(struct stage *stage)
{
	before_the_lock(stage);
	vmxon_again(stage, FAILS(15), "a current VMCS");
	stage_unload(stage);
	vmxon_again(stage, FAILS_INVALID, "no VMCS");
	fixed_bits(stage, INSN_MOV_CR0, read_cr0(), vmx_caps.cr0_fixed0, vmx_caps.cr0_fixed1,
		   "CR0");
	fixed_bits(stage, INSN_MOV_CR4, read_cr4(), vmx_caps.cr4_fixed0, vmx_caps.cr4_fixed1,
		   "CR4");
	stage_outside(stage, vmxon_outside);
}

/* ---- VMCLEAR ---- */

void vmclear_checks(struct stage *stage)
{
	const uint64_t current = stage_address(stage, STAGE_VMCS);
	const uint64_t other = stage_address(stage, STAGE_OTHER);
	const uint32_t revisions[] = { 0, stage->revision ^ 1, stage->revision | 0x80000000,
				       0xFFFFFFFF };
	uint64_t value = 0;

	walk_pointer(stage, "vmclear.align", INSN_VMCLEAR, STAGE_OTHER, PAGE_MASK, FAILS(2));
	walk_pointer(stage, "vmclear.width", INSN_VMCLEAR, STAGE_OTHER, stage->beyond, FAILS(2));
	check(stage, "vmclear.vmxon", FAILS(3), attempt_pointer(INSN_VMCLEAR, stage->vmxon),
	      "VMCLEAR");
	check_number(stage, "vmclear.vmxon", current, current_vmcs(), "the current VMCS");

	check(stage, "vmclear.other", SUCCEEDS, attempt(INSN_VMWRITE, 0x1234, GUEST_RIP),
	      "VMWRITE");
	check(stage, "vmclear.other", SUCCEEDS, attempt_pointer(INSN_VMCLEAR, other), "VMCLEAR");
	check_number(stage, "vmclear.other", current, current_vmcs(), "the current VMCS");
	check(stage, "vmclear.other", SUCCEEDS,
	      attempt(INSN_VMREAD_MEMORY, physical(&value), GUEST_RIP), "VMREAD");
	check_number(stage, "vmclear.other", 0x1234, value, "a field of the current VMCS");
	walk_revisions(stage, "vmclear.revision", INSN_VMCLEAR, revisions, ARRAY_SIZE(revisions),
		       SUCCEEDS);

	check(stage, "vmclear.current", SUCCEEDS, attempt_pointer(INSN_VMCLEAR, current),
	      "VMCLEAR");
	check_number(stage, "vmclear.current", NO_VMCS, current_vmcs(), "the current VMCS");
	check(stage, "vmclear.current", FAILS_INVALID, attempt(INSN_VMREAD, 0, GUEST_RIP),
	      "VMREAD");
	walk_pointer(stage, "vmclear.no_vmcs", INSN_VMCLEAR, STAGE_OTHER, 8 | stage->beyond,
		     FAILS_INVALID);
	check(stage, "vmclear.no_vmcs", FAILS_INVALID, attempt_pointer(INSN_VMCLEAR, stage->vmxon),
	      "the VMXON pointer");
}

/* ---- VMPTRLD ---- */

static void read_back(struct stage *stage, enum stage_page page, uint64_t wanted)
{
	uint64_t value = 0;

	check(stage, "vmptrld.data", SUCCEEDS,
	      attempt_pointer(INSN_VMPTRLD, stage_address(stage, page)), "VMPTRLD");
	check(stage, "vmptrld.data", SUCCEEDS,
	      attempt(INSN_VMREAD_MEMORY, physical(&value), GUEST_RIP), "VMREAD");
	check_number(stage, "vmptrld.data", wanted, value, "GUEST_RIP");
}

/* Two VMCSs keep their fields apart, active and clear. */
static void data_survives(struct stage *stage)
{
	stage_load(stage, STAGE_OTHER);
	check(stage, "vmptrld.data", SUCCEEDS, attempt(INSN_VMWRITE, 0x2222, GUEST_RIP), "VMWRITE");
	stage_load(stage, STAGE_VMCS);
	check(stage, "vmptrld.data", SUCCEEDS, attempt(INSN_VMWRITE, 0x1111, GUEST_RIP), "VMWRITE");
	read_back(stage, STAGE_OTHER, 0x2222);
	read_back(stage, STAGE_VMCS, 0x1111);
	stage_unload(stage);
	read_back(stage, STAGE_OTHER, 0x2222);
	read_back(stage, STAGE_VMCS, 0x1111);
}

void vmptrld_checks(struct stage *stage)
{
	const uint64_t current = stage_address(stage, STAGE_VMCS);
	const uint32_t revisions[] = { stage->revision ^ 1, stage->revision ^ 0x40000000, 0,
				       0xFFFFFFFF };
	const bool shadows = vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_VMCS_SHADOWING));

	walk_pointer(stage, "vmptrld.align", INSN_VMPTRLD, STAGE_OTHER, PAGE_MASK, FAILS(9));
	check_number(stage, "vmptrld.keeps", current, current_vmcs(), "after 9");
	walk_pointer(stage, "vmptrld.width", INSN_VMPTRLD, STAGE_OTHER, stage->beyond, FAILS(9));
	check(stage, "vmptrld.vmxon", FAILS(10), attempt_pointer(INSN_VMPTRLD, stage->vmxon),
	      "VMPTRLD");
	check_number(stage, "vmptrld.keeps", current, current_vmcs(), "after 10");
	walk_revisions(stage, "vmptrld.revision", INSN_VMPTRLD, revisions, ARRAY_SIZE(revisions),
		       FAILS(11));
	check_number(stage, "vmptrld.keeps", current, current_vmcs(), "after 11");

	stage_set_revision(stage, STAGE_OTHER, stage->revision | 0x80000000);
	check(stage, "vmptrld.shadow", shadows ? SUCCEEDS : FAILS(11),
	      attempt_pointer(INSN_VMPTRLD, stage_address(stage, STAGE_OTHER)), "VMCS shadowing %s",
	      shadows ? "may be 1" : "may not");
	stage_unload(stage);
	walk_pointer(stage, "vmptrld.align", INSN_VMPTRLD, STAGE_OTHER, 8, FAILS_INVALID);
	check(stage, "vmptrld.vmxon", FAILS_INVALID, attempt_pointer(INSN_VMPTRLD, stage->vmxon),
	      "no VMCS");
	check(stage, "vmptrld.revision", FAILS_INVALID,
	      attempt_pointer(INSN_VMPTRLD, stage_address(stage, STAGE_SPARE)), "no VMCS");
	data_survives(stage);
}

/* ---- VMPTRST ---- */

void vmptrst_checks(struct stage *stage)
{
	volatile uint64_t *words = (volatile uint64_t *)stage_page(stage, STAGE_SPARE);
	const uint64_t pattern = 0x5A5A5A5A5A5A5A5A;

	words[0] = words[1] = words[2] = pattern;
	check(stage, "vmptrst.value", SUCCEEDS,
	      attempt(INSN_VMPTRST, physical((void *)(uintptr_t)&words[1]), 0), "VMPTRST");
	check_number(stage, "vmptrst.value", stage_address(stage, STAGE_VMCS), words[1],
		     "the pointer");
	check_number(stage, "vmptrst.value", pattern, words[0], "the bytes before");
	check_number(stage, "vmptrst.value", pattern, words[2], "the bytes after");
	stage_unload(stage);
	check(stage, "vmptrst.none", SUCCEEDS,
	      attempt(INSN_VMPTRST, physical((void *)(uintptr_t)&words[1]), 0), "VMPTRST");
	check_number(stage, "vmptrst.none", NO_VMCS, words[1], "the pointer");
}
