/* The SVM instructions in guests: modes, rings, prefixes, before and after their intercepts. */
#include "x86/cpuid.h"

#include "tests/svm/instructions.h"

enum { OPCODE_VMRUN = 0xD8, LOCK = 0xF0, REPNE = 0xF2, REP = 0xF3 };

/* The exit of each where its intercept is set, by opcode. */
static const uint16_t exits[SVM_OPCODES] = { SVM_EXIT_VMRUN,  SVM_EXIT_VMMCALL, SVM_EXIT_VMLOAD,
					     SVM_EXIT_VMSAVE, SVM_EXIT_STGI,	SVM_EXIT_CLGI,
					     SVM_EXIT_SKINIT, SVM_EXIT_INVLPGA };
enum { EXIT_UD = SVM_EXIT_EXCEPTION + 6, EXIT_GP = SVM_EXIT_EXCEPTION + 13 };

#define AT(name) (stage->state.value[AT_##name])

/* Runs one of them, with a prefix or none (0), in the guest that has begun. */
static struct svm_probe_result run(struct svm_stage *stage, unsigned instruction, uint8_t prefix)
{
	const uint8_t code[] = { prefix, 0x0F, 0x01, (uint8_t)(OPCODE_VMRUN + instruction) };

	svm_guest_emit(stage, code + !prefix, sizeof(code) - !prefix);
	AT(RAX) = svm_page(&stage->seat->ground, PAGE_EMPTY);
	return svm_guest_run(stage);
}

/* In all places that say it, for a processor that looks into another one. */
static void set_cpl(struct svm_stage *stage, unsigned cpl)
{
	AT(CPL) = cpl;
	AT(CS_SELECTOR) |= cpl;
	AT(SS_SELECTOR) |= cpl;
	AT(CS_ATTRIB) |= cpl << 5;
	AT(SS_ATTRIB) |= cpl << 5;
}

static void one(struct svm_stage *stage, const char *rule, uint64_t wanted, enum svm_base base,
		unsigned cpl, unsigned instruction, uint8_t prefix)
{
	struct svm_probe_result got;

	if (!svm_guest_begin(stage, base))
		return;
	set_cpl(stage, cpl);
	got = run(stage, instruction, prefix);
	svm_check_number(stage, rule, wanted, got.code, "exit code of %s, base %u, CPL %u",
			 svm_instruction_text(instruction), base, cpl);
	if (wanted == EXIT_GP && got.code == EXIT_GP)
		svm_check_number(stage, rule, 0, svm_guest_field(stage, VMCB_EXITINFO1),
				 "error code of %s", svm_instruction_text(instruction));
}

static bool has_skinit(void)
{
	return cpuid_or_zero(0x80000001, 0).ecx & CPUID_80000001_ECX_SKINIT;
}

/* All of them but VMMCALL, which is valid in every mode and ring. SKINIT where it does not exist
 * raises #UD, if its intercept does not come first. */
static void all_but_vmmcall(struct svm_stage *stage, const char *rule, uint64_t wanted,
			    enum svm_base base, unsigned cpl)
{
	for (unsigned i = 0; i < SVM_OPCODES; i++)
		if (i != INSN_VMMCALL && (i != INSN_SKINIT || wanted == EXIT_UD || has_skinit()))
			one(stage, rule, wanted, base, cpl, i, 0);
}

static void vmmcall_off(struct svm_stage *stage, enum svm_base base, unsigned cpl)
{
	if (!svm_guest_begin(stage, base))
		return;
	set_cpl(stage, cpl);
	AT(INTERCEPT_4) &= ~INTERCEPT_BIT(SVM_EXIT_VMMCALL);
	svm_check_number(stage, "vmmcall.host", EXIT_UD, run(stage, INSN_VMMCALL, 0).code,
			 "exit code, not intercepted, base %u, CPL %u", base, cpl);
}

static void vmmcall_prefix(struct svm_stage *stage, uint8_t prefix)
{
	if (svm_guest_begin(stage, BASE_64))
		svm_note(stage, "vmmcall.prefix %XH: exit code %llXH", prefix,
			 (unsigned long long)run(stage, INSN_VMMCALL, prefix).code);
}

/* A bad address, and the intercept: processors that check it raise #GP. */
static void bad_address(struct svm_stage *stage, unsigned instruction)
{
	static const uint8_t vmrun[] = { 0x0F, 0x01 };
	const uint8_t opcode = (uint8_t)(OPCODE_VMRUN + instruction);

	if (!svm_guest_begin(stage, BASE_64))
		return;
	svm_guest_emit(stage, vmrun, sizeof(vmrun));
	svm_guest_emit(stage, &opcode, 1);
	AT(RAX) = 0x123;
	svm_note(stage, "svm.nested_address, %s: exit code %llXH",
		 svm_instruction_text(instruction), (unsigned long long)svm_guest_run(stage).code);
}

void svm_guest_checks(struct svm_stage *stage)
{
	static const uint8_t compat[] = { BASE_COMPAT, BASE_32 };
	static const uint8_t rings[] = { 1, 3 };

	all_but_vmmcall(stage, "svm.mode", EXIT_UD, BASE_REAL, 0);
	one(stage, "svm.mode", SVM_EXIT_VMMCALL, BASE_REAL, 0, INSN_VMMCALL, 0);
	for (unsigned b = 0; b < ARRAY_SIZE(compat); b++)
		for (unsigned i = 0; i < SVM_OPCODES; i++)
			if (i != INSN_SKINIT)
				one(stage, "svm.compat", exits[i], compat[b], 0, i, 0);
	for (unsigned r = 0; r < ARRAY_SIZE(rings); r++) {
		all_but_vmmcall(stage, "svm.cpl", EXIT_GP, BASE_64, rings[r]);
		one(stage, "svm.cpl", SVM_EXIT_VMMCALL, BASE_64, rings[r], INSN_VMMCALL, 0);
	}
	for (unsigned i = 0; i < SVM_OPCODES; i++)
		one(stage, "svm.lock", EXIT_UD, BASE_64, 0, i, LOCK);
	/* The intercept without the instruction: processors differ. */
	if (has_skinit())
		one(stage, "skinit", SVM_EXIT_SKINIT, BASE_64, 0, INSN_SKINIT, 0);
	else if (svm_guest_begin(stage, BASE_64))
		svm_note(stage, "skinit, which CPUID does not offer: exit code %llXH",
			 (unsigned long long)run(stage, INSN_SKINIT, 0).code);
	vmmcall_off(stage, BASE_64, 0);
	vmmcall_off(stage, BASE_64, 3);
	vmmcall_off(stage, BASE_32, 0);
	vmmcall_off(stage, BASE_REAL, 0);
	vmmcall_prefix(stage, REPNE);
	vmmcall_prefix(stage, REP);
	bad_address(stage, INSN_VMRUN);
	bad_address(stage, INSN_VMLOAD);
	bad_address(stage, INSN_VMSAVE);
}

/* An emulator stops as a whole when such a guest is entered. */
void svm_guest_v86_checks(struct svm_stage *stage)
{
	all_but_vmmcall(stage, "svm.mode", EXIT_UD, BASE_V86, 3);
	one(stage, "svm.mode", SVM_EXIT_VMMCALL, BASE_V86, 3, INSN_VMMCALL, 0);
}
