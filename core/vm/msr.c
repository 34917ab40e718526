/* All other MSRs raise #GP(0), as on a processor. */
#include "vm/msr.h"

#include "backend.h"
#include "platform.h"
#include "vlapic/registers.h"
#include "vlapic/timer.h"
#include "vm/vm.h"
#include "x86/msr.h"

static bool read_zero(struct vcpu *vcpu, uint64_t *value)
{
	(void)vcpu;
	*value = 0;
	return true;
}

static bool read_tsc(struct vcpu *vcpu, uint64_t *value)
{
	(void)vcpu;
	*value = platform->clock();
	return true;
}

static bool read_base(struct vcpu *vcpu, uint64_t *value)
{
	*value = vcpu->apic.base;
	return true;
}

static bool write_base(struct vcpu *vcpu, uint64_t value)
{
	uint64_t before = vcpu->apic.base;

	if (!apic_set_base(&vcpu->apic, value))
		return false;
	vcpu->cpuid.known = false;
	if (apic_mode_of(before) != apic_mode_of(value))
		backend->apic_mode_changed(vcpu);
	return true;
}

static bool read_misc_enable(struct vcpu *vcpu, uint64_t *value)
{
	(void)vcpu;
	*value = 1; /* fast strings */
	return true;
}

static bool read_pat(struct vcpu *vcpu, uint64_t *value)
{
	backend->state_get(vcpu, &vcpu->regs);
	*value = vcpu->regs.pat;
	return true;
}

/* SDM vol. 3A, "IA32_PAT MSR": eight memory types, 2 and 3 are reserved. */
static bool write_pat(struct vcpu *vcpu, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t type = (uint8_t)(value >> i * 8);

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	backend->state_get(vcpu, &vcpu->regs);
	vcpu->regs.pat = value;
	vcpu->regs_changed = true;
	return true;
}

static bool read_efer(struct vcpu *vcpu, uint64_t *value)
{
	backend->state_get(vcpu, &vcpu->regs);
	*value = vcpu->regs.efer;
	return true;
}

/* LMA is read-only; LME does not change while paging is on: SDM vol. 3A, "IA-32e Mode". */
static bool write_efer(struct vcpu *vcpu, uint64_t value)
{
	const uint64_t writable = EFER_SCE | EFER_LME | EFER_NXE;

	backend->state_get(vcpu, &vcpu->regs);
	if (value & ~(writable | EFER_LMA))
		return false;
	if (vcpu->regs.cr0 & CR0_PG && (value ^ vcpu->regs.efer) & EFER_LME)
		return false;
	vcpu->regs.efer = (value & writable) | (vcpu->regs.efer & EFER_LMA);
	vcpu->regs_changed = true;
	return true;
}

static bool read_deadline(struct vcpu *vcpu, uint64_t *value)
{
	*value = vcpu->apic.tsc_deadline;
	return true;
}

static bool write_deadline(struct vcpu *vcpu, uint64_t value)
{
	uint64_t now = platform->clock();

	if (apic_timer_poll(&vcpu->apic, now)) /* the deadline before */
		vcpu->event_pending = true;
	apic_set_tsc_deadline(&vcpu->apic, value, now);
	return true;
}

static const struct {
	uint32_t msr;
	bool (*read)(struct vcpu *vcpu, uint64_t *value);
	bool (*write)(struct vcpu *vcpu, uint64_t value);
} msrs[] = {
	{ IA32_TIME_STAMP_COUNTER, read_tsc, NULL },
	{ IA32_APIC_BASE, read_base, write_base },
	{ IA32_BIOS_SIGN_ID, read_zero, NULL },
	{ IA32_MTRRCAP, read_zero, NULL },
	{ IA32_MISC_ENABLE, read_misc_enable, NULL },
	{ IA32_PAT, read_pat, write_pat },
	{ IA32_TSC_DEADLINE, read_deadline, write_deadline },
	{ IA32_EFER, read_efer, write_efer },
};

bool vcpu_msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	if (msr >= IA32_X2APIC_FIRST && msr <= IA32_X2APIC_LAST)
		return apic_msr_read(&vcpu->apic, msr, platform->clock(), value);
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].msr == msr)
			return msrs[i].read(vcpu, value);
	return false;
}

bool vcpu_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	for (unsigned i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].msr == msr)
			return msrs[i].write && msrs[i].write(vcpu, value);
	return false;
}
