/* The SVM instructions in the host: addresses, flags, EFER.SVME. */
#include "platform.h"
#include "vm/cpu.h"
#include "x86/control.h"
#include "x86/cpuid.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "svm/insn.h"
#include "tests/svm/instructions.h"

enum { FLAGS_ALL = 0x8D5, WAIT_LOOPS = 1000 };

/* A page of zeros is no VMCB that could enter: INTERCEPT_4 is 0. */
static uint64_t own_page(const struct svm_stage *stage)
{
	return svm_page(&stage->seat->ground, PAGE_EMPTY);
}

static uint64_t beyond(const struct svm_stage *stage)
{
	return ~(BIT(stage->seat->ground.machine.physical_bits) - 1);
}

static void addresses(struct svm_stage *stage, const char *rule, uint64_t bits)
{
	static const uint8_t with_address[] = { INSN_VMRUN, INSN_VMLOAD, INSN_VMSAVE };

	for (unsigned i = 0; i < ARRAY_SIZE(with_address); i++)
		for (uint64_t left = bits; left; left &= left - 1)
			svm_check_attempt(stage, rule, RAISES_GP, with_address[i],
					  own_page(stage) | (left & -left), 0);
}

void svm_address_checks(struct svm_stage *stage)
{
	const uint64_t own = own_page(stage);

	/* The page has the processor's own state from here on, should a VMLOAD be let through. */
	svm_check_attempt(stage, "svm.align", COMPLETES, INSN_VMRUN, own, 0);
	svm_check_attempt(stage, "svm.align", COMPLETES, INSN_VMSAVE, own, 0);
	addresses(stage, "svm.align", PAGE_MASK);
	addresses(stage, "svm.width", beyond(stage));
	svm_check_attempt(stage, "svm.align", COMPLETES, INSN_VMLOAD, own, 0);
	svm_check_attempt(stage, "svm.address_size", COMPLETES, INSN_VMSAVE_32, own | BIT(63), 0);
	svm_check_attempt(stage, "svm.address_size", COMPLETES, INSN_VMLOAD_32, own | BIT(63), 0);
	svm_check_attempt(stage, "svm.address_size", COMPLETES, INSN_VMSAVE_32, own | HIGH, 0);
	svm_check_attempt(stage, "svm.address_size", COMPLETES, INSN_VMLOAD_32, own | HIGH, 0);
}

/* ---- registers ---- */

static void keeps_registers(struct svm_stage *stage, enum svm_instruction instruction,
			    uint64_t flags)
{
	const uint64_t rax = own_page(stage), rcx = 1;
	struct attempt after = { .rdx = 0x5A5A5A5A5A5A5A5A, .flags = flags };
	const char *text = svm_instruction_text(instruction);

	svm_check_number(stage, "svm.flags", (uint64_t)COMPLETES,
			 (uint64_t)svm_attempt(instruction, rax, rcx, &after), "%s", text);
	svm_check_number(stage, "svm.flags", flags, after.flags & FLAGS_ALL, "%s, flags", text);
	svm_check_number(stage, "svm.flags", rax, after.rax, "%s, RAX", text);
	svm_check_number(stage, "svm.flags", rcx, after.rcx, "%s, RCX", text);
	svm_check_number(stage, "svm.flags", 0x5A5A5A5A5A5A5A5A, after.rdx, "%s, RDX", text);
}

void svm_register_checks(struct svm_stage *stage)
{
	static const uint8_t all[] = { INSN_CLGI, INSN_STGI, INSN_VMSAVE, INSN_VMLOAD,
				       INSN_INVLPGA };

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
		keeps_registers(stage, all[i], 0);
		keeps_registers(stage, all[i], FLAGS_ALL);
	}
}

/* ---- INVLPGA ---- */

void svm_invlpga_checks(struct svm_stage *stage)
{
	const unsigned width = stage->seat->ground.machine.linear_bits;
	const uint64_t good[] = { 0, BIT(47) - 1, ~(BIT(47) - 1), ~0ull };
	const uint64_t bad[] = { BIT(width - 1), ~BIT(width - 1) };
	const uint32_t count = stage->seat->ground.machine.asids;
	const uint32_t asids[] = { 0, 1, count / 2, count - 1 };

	for (unsigned a = 0; a < ARRAY_SIZE(asids); a++) {
		for (unsigned i = 0; i < ARRAY_SIZE(good); i++)
			svm_check_attempt(stage, "invlpga", COMPLETES, INSN_INVLPGA, good[i],
					  asids[a]);
		for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
			svm_check_attempt(stage, "invlpga", COMPLETES, INSN_INVLPGA, bad[i],
					  asids[a]);
	}
	svm_note(stage, "invlpga of ASID %XH, which there is not: %s", (unsigned)count,
		 svm_attempt(INSN_INVLPGA, 0, count, NULL) == COMPLETES ? "no exception"
									: "an exception");
}

/* ---- GIF ---- */

/* How many NMIs arrive within a while; they come to ourselves, at once. */
static unsigned nmis_since(const struct cpu *cpu, unsigned before)
{
	for (unsigned i = 0; i < WAIT_LOOPS; i++)
		cpu_relax();
	return atomic_load(&cpu->nmis) - before;
}

/* APM vol. 2, "Global Interrupt Flag, STGI and CLGI Instructions". */
void svm_gif_checks(struct svm_stage *stage)
{
	struct cpu *cpu = stage->cpu;
	const unsigned before = atomic_load(&cpu->nmis);
	unsigned held, taken;

	svm_check_attempt(stage, "stgi.clgi", COMPLETES, INSN_STGI, 0, 0);
	svm_check_attempt(stage, "stgi.clgi", COMPLETES, INSN_STGI, 0, 0);
	svm_clgi();
	svm_clgi();
	platform->ipi(cpu, IPI_NMI);
	held = nmis_since(cpu, before);
	svm_stgi();
	taken = nmis_since(cpu, before);
	svm_check_number(stage, "stgi.clgi", 0, held, "NMIs after CLGI, CLGI");
	svm_check_number(stage, "stgi.clgi", 1, taken, "NMIs after one STGI");
	svm_stgi();
	platform->ipi(cpu, IPI_NMI);
	svm_check_number(stage, "stgi.clgi", 2, nmis_since(cpu, before), "NMIs with GIF 1");
}

/* ---- EFER.SVME ---- */

/* SKINIT is never carried out where it might be one. */
void svm_svme_checks(struct svm_stage *stage)
{
	static const uint8_t always[] = { INSN_VMRUN, INSN_VMLOAD, INSN_VMSAVE, INSN_CLGI,
					  INSN_INVLPGA };
	const bool skinit = cpuid_or_zero(0x80000001, 0).ecx & CPUID_80000001_ECX_SKINIT;
	const uint64_t efer = rdmsr(IA32_EFER);

	(void)svm_attempt(INSN_VMSAVE, own_page(stage), 0, NULL); /* for a VMLOAD that works */
	wrmsr(IA32_EFER, efer & ~(uint64_t)EFER_SVME);
	for (unsigned i = 0; i < ARRAY_SIZE(always); i++)
		svm_check_attempt(stage, "svm.svme", RAISES_UD, always[i], own_page(stage), 0);
	if (svm_vmmcall_is_ours())
		svm_check_attempt(stage, "svm.svme", RAISES_UD, INSN_VMMCALL, 0, 0);
	svm_check_attempt(stage, "svm.svme.skinit", skinit ? COMPLETES : RAISES_UD, INSN_STGI, 0,
			  0);
	if (!skinit)
		svm_check_attempt(stage, "svm.svme.skinit", RAISES_UD, INSN_SKINIT, 0, 0);
	wrmsr(IA32_EFER, efer);
	if (svm_vmmcall_is_ours())
		svm_check_attempt(stage, "vmmcall.host", RAISES_UD, INSN_VMMCALL, 0, 0);
}
