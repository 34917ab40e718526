/* Constants of the C code for entry.S; the build turns the .ascii lines into asm-offsets.h. */
#include "vmx/insn.h"
#include "vmx/probe.h"
#include "vmx/vmx.h"

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))

void asm_offsets(void);

void asm_offsets(void)
{
	DEFINE(ARCH_HOST_RSP, offsetof(struct vmx_vcpu, host_rsp));
	DEFINE(VMCS_HOST_RSP, HOST_RSP);
	DEFINE(FIELD_UNKNOWN, VMCS_NO_FIELD);
	DEFINE(PROBE_GPR, offsetof(struct probe, gpr));
	DEFINE(PROBE_RFLAGS, offsetof(struct probe, rflags));
	DEFINE(PROBE_LEFT, PROBE_EXITED);
	DEFINE(PROBE_FAILED_CARRY, PROBE_CARRY);
	DEFINE(PROBE_FAILED_ZERO, PROBE_ZERO);
	DEFINE(PROBE_FAILED_EXCEPTION, PROBE_EXCEPTION);
}
