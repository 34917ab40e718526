/*
 * What emulators do otherwise than the SDM says and a run must go on with: a row for each. Nothing
 * here hides a deviation from the tests, which look first.
 */
#ifndef VMX_QUIRKS_H
#define VMX_QUIRKS_H

#include "backend.h"
#include "vm/vcpu.h"

enum vmx_quirk {
	QUIRK_SMI_BLOCKING,
	QUIRK_SIPI_MASKS_NMI,
	QUIRK_NMI_BLOCKING_LEAKS,
	QUIRK_INTERRUPT_WAITS,
	QUIRK_COUNT
};

bool vmx_quirk_is_here(enum vmx_quirk quirk);

/*
 * Looks for QUIRK_INTERRUPT_WAITS, with VMX on, by entering a guest of no memory. Matters only
 * where the platform's timer ends the guests' time.
 */
void vmx_measure_quirks(struct cpu *cpu);

/* See struct backend. */
bool vmx_quirk(unsigned row, struct quirk *quirk);

/* After an exit by a start-up IPI: interruptibility is what it saved. */
void vmx_quirks_after_sipi(struct vcpu *vcpu, uint32_t interruptibility);

/* After every other exit on a processor where QUIRK_SMI_BLOCKING was met: an entry with that bit
 * fails. */
void vmx_drop_smi_blocking(void);

/* GUEST_INTERRUPTIBILITY of the loaded vCPU, without what QUIRK_NMI_BLOCKING_LEAKS adds. */
uint32_t vmx_interruptibility(struct vcpu *vcpu);

#endif
