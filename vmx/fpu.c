/* SDM vol. 1, "Managing State Using the XSAVE Feature Set" and "FXSAVE and FXRSTOR Instructions".
 */
#include "x86/insn.h"

#include "vmx/insn.h"
#include "vmx/vmx.h"

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

/* x87 and SSE after power-up: SDM vol. 3A, "Processor State After Reset". */
void vmx_fpu_power_up(struct vmx_vcpu *arch)
{
	struct legacy *legacy = (struct legacy *)arch->fpu;

	legacy->fcw = 0x40;
	legacy->tags = 0xFF; /* tag word 5555H: all registers hold zero */
	legacy->mxcsr = 0x1F80;
	legacy->xstate_bv = 3;
}

void vmx_fpu_save(struct vmx_vcpu *arch)
{
	if (!vmx_caps.xcr0) {
		__asm__ volatile("fxsave64 (%0)" : : "r"(arch->fpu) : "memory");
		return;
	}
	xsetbv(0, vmx_caps.xcr0);
	__asm__ volatile("xsave64 (%0)" : : "r"(arch->fpu), "a"(~0u), "d"(~0u) : "memory");
}

void vmx_fpu_restore(struct vmx_vcpu *arch, uint64_t xcr0)
{
	if (!vmx_caps.xcr0) {
		__asm__ volatile("fxrstor64 (%0)" : : "r"(arch->fpu) : "memory");
		return;
	}
	xsetbv(0, vmx_caps.xcr0);
	__asm__ volatile("xrstor64 (%0)" : : "r"(arch->fpu), "a"(~0u), "d"(~0u) : "memory");
	xsetbv(0, xcr0);
}

void vmx_xcr0_changed(struct vcpu *vcpu)
{
	if (vmx_caps.xcr0)
		xsetbv(0, vcpu->regs.xcr0);
}
