#include "svm/quirks.h"

#include "x86/insn.h"

#include "svm/svm.h"

const struct svm_quirk_row svm_quirks[QUIRK_COUNT] = {
	[QUIRK_XSETBV] = { "XSETBV is executed in the guest in spite of its intercept", "QEMU 7.2",
			   "APM vol. 2, \"Instruction Intercepts\"" },
};

static _Atomic uint64_t counts[QUIRK_COUNT];

static void met(enum svm_quirk quirk)
{
	atomic_fetch_add(&counts[quirk], 1);
}

uint64_t svm_quirk_count(enum svm_quirk quirk)
{
	return atomic_load(&counts[quirk]);
}

uint64_t svm_xcr0(const struct vcpu *vcpu)
{
	const uint64_t xcr0 = svm_caps.xcr0 ? xgetbv(0) : vcpu->regs.xcr0;

	if (xcr0 != vcpu->regs.xcr0)
		met(QUIRK_XSETBV);
	return xcr0;
}
