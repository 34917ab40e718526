/*
 * MOV to CR0 and CR4 without an exit: each bit that VMX operation fixes, and each that the machine
 * does not have, is refused. SDM vol. 3C, "Changes to Instruction Behavior in VMX Non-Root
 * Operation", vol. 3D, "VMX-Fixed Bits in CR0", "VMX-Fixed Bits in CR4".
 */
#include "x86/control.h"

#include "tests/vmx/checks.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/solo.h"

enum { GP = 13 };

static void refuses(struct stage *stage, struct theatre *theatre, bool cr4, enum guest_mode mode,
		    uint64_t value)
{
	const struct guest_change before[] = {
		SOLO_SET(CR0_GUEST_HOST_MASK, 0),
		SOLO_SET(CR4_GUEST_HOST_MASK, 0),
		SOLO_REG(RAX, value),
		{ 0 },
	};
	const struct guest_row row = {
		.rule = "cr.fixed",
		.fragment = cr4 ? FRAGMENT_MOV_TO_CR4_AX : FRAGMENT_MOV_TO_CR0_AX,
		.end = GUEST_RAISES,
		.number = GP,
		.has_code = true,
		.before = before,
	};

	(void)solo_check(stage, theatre, &row, mode, "MOV %llXH to %s", (unsigned long long)value,
			 cr4 ? "CR4" : "CR0");
}

/* Modes with paging: what "unrestricted guest" frees is not touched. */
static void in_mode(struct stage *stage, struct theatre *theatre, enum guest_mode mode)
{
	const struct model_machine *m = &theatre->seat.ground.machine;
	const uint64_t *base = theatre->base[mode].value;
	const unsigned bits = mode == MODE_64 ? 64 : 32;

	for (unsigned i = 0; i < bits; i++) {
		if (i >= 32)
			refuses(stage, theatre, false, mode, base[AT_GUEST_CR0] | BIT(i));
		if (m->cr0_fixed0 & ~(CR0_PE | CR0_PG) & BIT(i))
			refuses(stage, theatre, false, mode, base[AT_GUEST_CR0] & ~BIT(i));
		if (!(m->cr4_fixed1 & BIT(i)))
			refuses(stage, theatre, true, mode, base[AT_GUEST_CR4] | BIT(i));
		if (m->cr4_fixed0 & BIT(i))
			refuses(stage, theatre, true, mode, base[AT_GUEST_CR4] & ~BIT(i));
	}
}

void fixed_bit_checks(struct stage *stage)
{
	struct theatre *theatre = solo_open(stage);

	if (!theatre)
		return;
	for (unsigned mode = 0; mode < GUEST_MODES; mode++)
		if (solo_mine(stage, mode) && !theatre->missing[mode] &&
		    1 << mode & MODES_KERNEL & ~MODES_UNPAGED)
			in_mode(stage, theatre, (enum guest_mode)mode);
	solo_close(stage, theatre);
}
