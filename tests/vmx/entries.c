/* VMLAUNCH and VMRESUME as far as no guest is entered; INVEPT, INVVPID, VMFUNC, VMCALL. */
#include "platform.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "tests/vmx/instructions.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

enum {
	ERROR_VMCALL = 1,
	ERROR_NOT_LAUNCHED = 5,
	ERROR_CONTROLS,
	ERROR_HOST,
	ERROR_MOV_SS = 26,
	ERROR_INVALIDATE = 28
};

/* ---- VMLAUNCH, VMRESUME ---- */

/* Every field 0: controls and host state are wrong, and so is the guest's. No entry can work. */
static void write_zeros(void)
{
	for (unsigned i = 0; i < vmcs_row_count; i++)
		if (vmcs_type(vmcs_rows[i].encoding) != VMCS_READ_ONLY)
			(void)!vmwrite_try(vmcs_rows[i].encoding, 0);
}

/* The processor may look at controls and host state in either order. */
static void refused(struct stage *stage, enum instruction instruction, const char *rule)
{
	struct ending got = attempt(instruction, 0, 0);

	check(stage, rule, got.number == ERROR_HOST ? FAILS(ERROR_HOST) : FAILS(ERROR_CONTROLS),
	      got, "%s", instruction_text(instruction));
}

static void one(struct stage *stage, const char *rule, enum instruction instruction,
		struct ending wanted)
{
	check(stage, rule, wanted, attempt(instruction, 0, 0), "%s", instruction_text(instruction));
}

static void single_steps(struct stage *stage)
{
	const uint64_t dr6 = read_dr6();

	one(stage, "launch.tf", INSN_VMRESUME_TF, RAISES(VECTOR_DB));
	check_number(stage, "launch.tf", BIT(14), read_dr6() & BIT(14), "DR6.BS");
	one(stage, "launch.tf", INSN_VMLAUNCH_TF, RAISES(VECTOR_DB));
	one(stage, "launch.tf", INSN_VMFUNC_TF, RAISES(VECTOR_UD));
	write_dr6(dr6);
}

static void launch_shadow(struct stage *stage)
{
	if (!vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_VMCS_SHADOWING))) {
		stage_note(stage, "launch.shadow: needs VMCS shadowing");
		return;
	}
	stage_set_revision(stage, STAGE_OTHER, stage->revision | 0x80000000);
	check(stage, "vmptrld.shadow", SUCCEEDS,
	      attempt_pointer(INSN_VMPTRLD, stage_address(stage, STAGE_OTHER)), "VMPTRLD");
	write_zeros();
	one(stage, "launch.shadow", INSN_VMLAUNCH, FAILS_INVALID);
	one(stage, "launch.shadow", INSN_VMRESUME, FAILS_INVALID);
	stage_unload(stage);
	stage_set_revision(stage, STAGE_OTHER, stage->revision);
}

void launch_checks(struct stage *stage)
{
	write_zeros();
	one(stage, "resume.not_launched", INSN_VMRESUME, FAILS(ERROR_NOT_LAUNCHED));
	refused(stage, INSN_VMLAUNCH, "launch.order");
	one(stage, "launch.state_kept", INSN_VMRESUME, FAILS(ERROR_NOT_LAUNCHED));
	one(stage, "launch.mov_ss", INSN_VMLAUNCH_MOV_SS, FAILS(ERROR_MOV_SS));
	one(stage, "launch.mov_ss", INSN_VMRESUME_MOV_SS, FAILS(ERROR_MOV_SS));
	one(stage, "launch.mov_ss", INSN_VMRESUME_MOV_SS_NOP, FAILS(ERROR_NOT_LAUNCHED));
	one(stage, "launch.mov_ss", INSN_VMRESUME_STI, FAILS(ERROR_NOT_LAUNCHED));
	refused(stage, INSN_VMLAUNCH_STI, "launch.mov_ss");
	single_steps(stage);
	stage_unload(stage);
	one(stage, "launch.none", INSN_VMLAUNCH, FAILS_INVALID);
	one(stage, "launch.none", INSN_VMRESUME, FAILS_INVALID);
	one(stage, "launch.none", INSN_VMLAUNCH_MOV_SS, FAILS_INVALID);
	launch_shadow(stage);
}

/* ---- INVEPT, INVVPID ---- */

static struct ending invalidate(enum instruction instruction, uint64_t type, uint64_t low,
				uint64_t high)
{
	uint64_t descriptor[2] = { low, high };

	return attempt(instruction, physical(descriptor), type);
}

/* Types that no processor has, and those that this one has not; 64 bits wide in 64-bit mode. */
static void types(struct stage *stage, const char *rule, enum instruction instruction,
		  uint64_t supported, uint64_t low)
{
	static const uint64_t others[] = { 0,		1,	     2,		  3,
					   4,		5,	     0xFFFFFFFF,  BIT(32),
					   BIT(32) | 1, BIT(32) | 2, BIT(63) | 2, ~0ull };

	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		if (others[i] < 64 && supported & BIT(others[i]))
			continue;
		check(stage, rule, FAILS(ERROR_INVALIDATE),
		      invalidate(instruction, others[i], low, 0), "type %llXH",
		      (unsigned long long)others[i]);
	}
}

/* An EPT pointer's memory type, walk length and other bits: SDM vol. 3C, "Extended-Page-Table
 * Pointer (EPTP)". */
static bool is_eptp(const struct stage *stage, uint64_t eptp)
{
	const uint64_t cap = vmx_caps.ept_vpid;
	const unsigned type = eptp & 7, walk = eptp >> 3 & 7;

	if (!(type == 0 && cap & BIT(8)) && !(type == 6 && cap & BIT(14)))
		return false;
	if (!(walk == 3 && cap & BIT(6)) && !(walk == 4 && cap & BIT(7)))
		return false;
	if ((eptp & BIT(6) && !(cap & BIT(21))) || (eptp & BIT(7) && !(cap & BIT(23))))
		return false;
	return !(eptp & (0xF00 | (stage->beyond & ~(uint64_t)PAGE_MASK)));
}

static uint64_t good_eptp(const struct stage *stage)
{
	return stage_address(stage, STAGE_SPARE) | 3 << 3 | (vmx_caps.ept_vpid & BIT(14) ? 6 : 0);
}

static void eptp(struct stage *stage, uint64_t pointer)
{
	check(stage, is_eptp(stage, pointer) ? "invept.ok" : "invept.eptp",
	      is_eptp(stage, pointer) ? SUCCEEDS : FAILS(ERROR_INVALIDATE),
	      invalidate(INSN_INVEPT, INVALIDATE_SINGLE, pointer, 0), "EPTP %llXH",
	      (unsigned long long)pointer);
}

static void eptps(struct stage *stage)
{
	const uint64_t good = good_eptp(stage);
	struct ending reserved;

	for (uint64_t low = 0; low < 64; low++)
		eptp(stage, (good & ~63ull) | low);
	for (unsigned bit = 6; bit < 64; bit++)
		if (bit < 12 || stage->beyond & BIT(bit))
			eptp(stage, good ^ BIT(bit));
	reserved = invalidate(INSN_INVEPT, INVALIDATE_SINGLE, good, 1);
	stage_note(stage, "invept.reserved: bit 64 of the descriptor set: %s",
		   ending_equal(reserved, SUCCEEDS) ? "VMsucceed" : "fails");
}

void invept_checks(struct stage *stage)
{
	const uint64_t cap = vmx_caps.ept_vpid;

	if (!stage->invept) {
		check(stage, "invept.type", RAISES(VECTOR_UD),
		      invalidate(INSN_INVEPT, INVALIDATE_ALL, 0, 0), "no INVEPT");
		return;
	}
	types(stage, "invept.type", INSN_INVEPT, cap >> 24 & (BIT(1) | BIT(2)), good_eptp(stage));
	if (cap & EPT_CAP_INVEPT_SINGLE)
		eptps(stage);
	if (cap & EPT_CAP_INVEPT_ALL) {
		check(stage, "invept.ok", SUCCEEDS, invalidate(INSN_INVEPT, INVALIDATE_ALL, 0, 0),
		      "all contexts");
		check(stage, "invept.ok", SUCCEEDS,
		      invalidate(INSN_INVEPT, INVALIDATE_ALL, ~0ull, 0),
		      "all contexts, which have no EPTP");
	}
	stage_unload(stage);
	check(stage, "invept.type", FAILS_INVALID, invalidate(INSN_INVEPT, 3, 0, 0), "no VMCS");
}

/* What a type makes of a descriptor that other types refuse. */
static void invvpid_type(struct stage *stage, uint64_t type)
{
	/* With 4 levels on a processor that has 5, the manual does not say which of them counts:
	 * what is bad is so in both, and what is good. */
	const unsigned widest = cpuid_or_zero(0x80000008, 0).eax >> 8 & 0xFF;
	const unsigned width = read_cr4() & CR4_LA57 ? widest : 48;
	const uint64_t bad[] = { BIT(widest - 1), ~BIT(widest - 1), BIT(63) };
	const uint64_t good[] = { BIT(width - 1) - 1, ~(BIT(width - 1) - 1), 0 };

	check(stage, "invvpid.type", SUCCEEDS, invalidate(INSN_INVVPID, type, 1, 0), "type %u",
	      (unsigned)type);
	for (unsigned bit = 16; bit < 64; bit++)
		check(stage, "invvpid.reserved", FAILS(ERROR_INVALIDATE),
		      invalidate(INSN_INVVPID, type, 1 | BIT(bit), 0), "type %u, bit %u",
		      (unsigned)type, bit);
	check(stage, "invvpid.vpid0", type == INVALIDATE_ALL ? SUCCEEDS : FAILS(ERROR_INVALIDATE),
	      invalidate(INSN_INVVPID, type, 0, 0), "type %u", (unsigned)type);
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		check(stage, "invvpid.address", type == 0 ? FAILS(ERROR_INVALIDATE) : SUCCEEDS,
		      invalidate(INSN_INVVPID, type, 1, bad[i]), "type %u, %llXH", (unsigned)type,
		      (unsigned long long)bad[i]);
		check(stage, "invvpid.address", SUCCEEDS,
		      invalidate(INSN_INVVPID, type, 1, good[i]), "type %u, %llXH", (unsigned)type,
		      (unsigned long long)good[i]);
	}
}

void invvpid_checks(struct stage *stage)
{
	const uint64_t supported = vmx_caps.ept_vpid >> 40 & 0xF;

	if (!stage->invvpid) {
		check(stage, "invvpid.type", RAISES(VECTOR_UD),
		      invalidate(INSN_INVVPID, INVALIDATE_ALL, 0, 0), "no INVVPID");
		return;
	}
	types(stage, "invvpid.type", INSN_INVVPID, supported, 1);
	for (uint64_t type = 0; type < 4; type++)
		if (supported & BIT(type))
			invvpid_type(stage, type);
	stage_unload(stage);
	check(stage, "invvpid.type", FAILS_INVALID, invalidate(INSN_INVVPID, 4, 1, 0), "no VMCS");
}

/* ---- VMFUNC, VMCALL ---- */

void vmfunc_checks(struct stage *stage)
{
	one(stage, "vmfunc.root", INSN_VMFUNC, RAISES(VECTOR_UD));
}

/* Under a hypervisor it may be a call of that one. */
static bool is_ours(struct stage *stage)
{
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR))
		return true;
	stage_skip(stage, "runs only by a processor of its own: a hypervisor may take VMCALL");
	return false;
}

void vmcall_checks(struct stage *stage)
{
	if (!is_ours(stage))
		return;
	stage_unload(stage);
	one(stage, "vmcall.root", INSN_VMCALL, FAILS_INVALID);
}

void vmcall_with_vmcs(struct stage *stage)
{
	if (is_ours(stage))
		one(stage, "vmcall.root", INSN_VMCALL, FAILS(ERROR_VMCALL));
}
