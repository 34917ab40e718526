#include "x86/fpu.h"

#include "x86/insn.h"

/* The legacy region of the area; the XSAVE header follows at byte 512. */
struct legacy {
	uint16_t fcw, fsw;
	uint8_t tags, unused;
	uint16_t fop;
	uint64_t fip, fdp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t registers[480];
	uint64_t xstate_bv;
};

_Static_assert(offsetof(struct legacy, xstate_bv) == 512, "the XSAVE header");

/* SDM vol. 3A, "Processor State After Reset". */
void fpu_power_up(struct fpu *fpu)
{
	struct legacy *legacy = (struct legacy *)(void *)fpu->area;

	legacy->fcw = 0x40;
	legacy->tags = 0xFF; /* tag word 5555H: all registers hold zero */
	legacy->mxcsr = 0x1F80;
	legacy->xstate_bv = 3;
}

void fpu_save(struct fpu *fpu, uint64_t components)
{
	if (!components) {
		__asm__ volatile("fxsave64 (%0)" : : "r"(fpu->area) : "memory");
		return;
	}
	xsetbv(0, components);
	__asm__ volatile("xsave64 (%0)" : : "r"(fpu->area), "a"(~0u), "d"(~0u) : "memory");
}

void fpu_restore(const struct fpu *fpu, uint64_t components, uint64_t xcr0)
{
	if (!components) {
		__asm__ volatile("fxrstor64 (%0)" : : "r"(fpu->area) : "memory");
		return;
	}
	xsetbv(0, components);
	__asm__ volatile("xrstor64 (%0)" : : "r"(fpu->area), "a"(~0u), "d"(~0u) : "memory");
	xsetbv(0, xcr0);
}
