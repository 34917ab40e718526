#include "vm/regs.h"

#include "backend.h"

/* Bits of CR4 that a guest may set. */
enum { CR4_ALLOWED = 0x7FF | 1 << 16 | 1 << 18 | 1 << 20 };

/* Where the vendors' manuals differ about INIT, by backend->cites_amd. */
static const struct {
	uint8_t code, data, ldt, tss; /* rights */
	bool keeps_debug;
} after_init[] = {
	/*
	 * SDM vol. 3A, "Processor State After Reset": present, read/write, accessed, CS too. It
	 * says "Present, R/W" for LDTR and TR; a VM entry demands an LDT and a busy TSS there (vol.
	 * 3C, "Checks on Guest Segment Registers").
	 */
	{ .code = 0x93, .data = 0x93, .ldt = 0x82, .tss = 0x8B },
	/* APM vol. 2, "Processor Initialization State", both tables. */
	{ .code = 0x9A, .data = 0x92, .ldt = 0x82, .tss = 0x83, .keeps_debug = true },
};

bool regs_init_keeps_debug(void)
{
	return after_init[backend->cites_amd].keeps_debug;
}

static struct segment_state real_mode(uint8_t rights)
{
	return (struct segment_state){ .limit = 0xFFFF, .rights = rights };
}

static void reset_debug(struct regs *regs)
{
	for (unsigned i = 0; i < ARRAY_SIZE(regs->dr); i++)
		regs->dr[i] = 0;
	regs->dr6 = 0xFFFF0FF0;
	regs->dr7 = 0x400;
}

void regs_init(struct regs *regs, uint32_t signature)
{
	uint64_t cache_bits = regs->cr0 & (CR0_CD | CR0_NW);

	for (unsigned i = 0; i < GPRS; i++)
		regs->gpr[i] = 0;
	regs->gpr[RDX] = signature;
	regs->rip = 0xFFF0;
	regs->rflags = RFLAGS_FIXED;
	regs->cr0 = cache_bits | CR0_ET;
	regs->cr2 = 0;
	regs->cr3 = 0;
	regs->cr4 = 0;
	regs->efer = 0;
	if (!regs_init_keeps_debug())
		reset_debug(regs);
	for (unsigned i = ES; i <= GS; i++)
		regs->segment[i] = real_mode(after_init[backend->cites_amd].data);
	regs->segment[CS] = real_mode(after_init[backend->cites_amd].code);
	regs->segment[CS].selector = 0xF000;
	regs->segment[CS].base = 0xFFFF0000;
	regs->segment[LDTR] = real_mode(after_init[backend->cites_amd].ldt);
	regs->segment[TR] = real_mode(after_init[backend->cites_amd].tss);
	regs->gdtr = (struct table_state){ .limit = 0xFFFF };
	regs->idtr = (struct table_state){ .limit = 0xFFFF };
	regs->activity = ACTIVITY_ACTIVE;
	regs->interruptibility = 0;
}

void regs_power_up(struct regs *regs, uint32_t signature)
{
	regs->cr0 = CR0_CD | CR0_NW;
	regs->xcr0 = 1;
	regs->pat = 0x0007040600070406;
	reset_debug(regs);
	regs_init(regs, signature);
}

void regs_sipi(struct regs *regs, uint8_t vector)
{
	regs->segment[CS].selector = (uint16_t)(vector << 8);
	regs->segment[CS].base = (uint64_t)vector << 12;
	regs->rip = 0;
}

static bool set_cr0(struct regs *regs, uint64_t value)
{
	bool pg = value & CR0_PG, was_pg = regs->cr0 & CR0_PG;

	if (value >> 32 || (pg && !(value & CR0_PE)) || (value & CR0_NW && !(value & CR0_CD)))
		return false;
	if (pg && !was_pg && regs->efer & EFER_LME) {
		if (!(regs->cr4 & CR4_PAE) || regs->segment[CS].rights & BIT(13))
			return false;
		regs->efer |= EFER_LMA;
	} else if (!pg && was_pg && regs->efer & EFER_LMA) {
		if (regs->segment[CS].rights & BIT(13))
			return false; /* not from 64-bit mode */
		regs->efer &= ~(uint64_t)EFER_LMA;
	}
	/* "Reserved bits in CR0 remain clear after any load", and ET set. */
	regs->cr0 = (value & CR0_DEFINED) | CR0_ET;
	return true;
}

static bool set_cr4(struct regs *regs, uint64_t value)
{
	if (value & ~(uint64_t)CR4_ALLOWED)
		return false;
	if (regs->efer & EFER_LMA && !(value & CR4_PAE))
		return false;
	regs->cr4 = value;
	return true;
}

bool regs_set_control(struct regs *regs, unsigned number, uint64_t value)
{
	return number == 0 ? set_cr0(regs, value) : number == 4 && set_cr4(regs, value);
}
