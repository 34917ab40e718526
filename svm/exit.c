/* From the VMCB's exit information to core's neutral terms: APM vol. 2, "Intercept Operation" and
 * appendix C, "SVM Intercept Exit Codes". */
#include "vm/fetch.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "svm/decode.h"
#include "svm/svm.h"

static const uint8_t kinds[SVM_INTERCEPTS] = {
#define SVM_EXIT(name, code, kind, text) [code] = kind,
#define SVM_EXIT_HIGH(name, code, kind, text)
#include "svm/exits.def"
#undef SVM_EXIT
#undef SVM_EXIT_HIGH
};

static const bool known[SVM_INTERCEPTS] = {
#define SVM_EXIT(name, code, kind, text) [code] = true,
#define SVM_EXIT_HIGH(name, code, kind, text)
#include "svm/exits.def"
#undef SVM_EXIT
#undef SVM_EXIT_HIGH
};

/* EXITINFO1 of a nested page fault: APM vol. 2, "Nested versus Guest Page Faults, Fault Ordering".
 */
enum { NPF_WRITE = 1 << 1, NPF_FETCH = 1 << 4 };

enum { IOIO_IN = 1 << 0, IOIO_STRING = 1 << 2, IOIO_REP = 1 << 3, IOIO_SIZE = 7 };

static enum exit_kind kind_of(uint64_t code)
{
	if (code == SVM_EXIT_INVALID || code == (uint32_t)SVM_EXIT_INVALID) /* QEMU 7.2: 32 bits */
		return EXIT_ENTRY_FAILED;
	if (code == SVM_EXIT_NPF)
		return EXIT_MEMORY;
	return code < SVM_INTERCEPTS && known[code] ? kinds[code] : EXIT_UNKNOWN;
}

/* The instruction at RIP, from guest memory. */
static bool decode(struct vcpu *vcpu, struct svm_instruction *out)
{
	uint8_t bytes[15];

	svm_state_get(vcpu, &vcpu->regs);
	return svm_decode(bytes, fetch_code(vcpu, bytes, sizeof(bytes)),
			  fetch_code_size(&vcpu->regs), out);
}

static uint32_t instruction_length(struct vcpu *vcpu)
{
	const struct svm_vcpu *arch = svm_of(vcpu);
	struct svm_instruction instruction;

	if (svm_has(SVM_NRIP_SAVE))
		return (uint32_t)(svm_get(arch, NRIP) - svm_get(arch, RIP));
	return decode(vcpu, &instruction) ? instruction.length : 0;
}

static void memory_access(struct vcpu *vcpu, struct vm_exit *exit)
{
	const struct svm_vcpu *arch = svm_of(vcpu);
	const uint64_t info = exit->raw_qualification;
	const size_t count = svm_has(SVM_DECODE_ASSISTS) ? svm_get(arch, BYTES_FETCHED) : 0;

	exit->memory.gpa = svm_get(arch, EXITINFO2);
	exit->memory.kind = info & NPF_FETCH   ? MEMORY_FETCH
			    : info & NPF_WRITE ? MEMORY_WRITE
					       : MEMORY_READ;
	exit->memory.decoded = false;
	exit->memory.byte_count = 0;
	/* An access by event delivery has no instruction to decode. */
	if (exit->interrupted.type != EVENT_NONE || exit->memory.kind == MEMORY_FETCH)
		return;
	svm_state_get(vcpu, &vcpu->regs);
	__builtin_memcpy(exit->memory.bytes, arch->vmcb->byte + vmcb_offset(VMCB_INSTRUCTION_LOW),
			 sizeof(exit->memory.bytes));
	fetch_access(vcpu, exit, min_u64(count, sizeof(exit->memory.bytes)));
}

/*
 * MOV to CR4 or CR8. Decode assists tell the register, and that it was MOV; without them the
 * instruction is decoded.
 */
static bool control_register(struct vcpu *vcpu, struct vm_exit *exit)
{
	struct svm_instruction instruction;

	exit->cr.number = exit->raw_reason & 0xF;
	exit->cr.read = exit->cr.clts = exit->cr.lmsw = false;
	if (svm_has(SVM_DECODE_ASSISTS) && svm_has(SVM_NRIP_SAVE)) {
		exit->cr.gpr = exit->raw_qualification & 0xF;
		exit->length = instruction_length(vcpu);
		return true;
	}
	if (!decode(vcpu, &instruction))
		return false;
	exit->cr.gpr = instruction.rm;
	exit->length = instruction.length;
	return true;
}

/* Intercepted only while an interrupt waits for the TPR to fall. */
static void task_priority(struct vcpu *vcpu, struct vm_exit *exit)
{
	const uint64_t value = vcpu->regs.gpr[exit->cr.gpr];

	exit->kind = EXIT_TPR;
	if (value > 0xF) {
		exit->interrupted =
			(struct event){ .type = EVENT_EXCEPTION, .vector = 13, .has_error = true };
		return;
	}
	apic_put(&vcpu->apic, APIC_TPR, (uint32_t)value << 4);
	vcpu->advance = true;
}

static void io(struct vcpu *vcpu, struct vm_exit *exit)
{
	const struct svm_vcpu *arch = svm_of(vcpu);
	const uint64_t info = exit->raw_qualification;

	exit->io.size = (uint8_t)(info >> 4 & IOIO_SIZE);
	exit->io.in = info & IOIO_IN;
	exit->io.string = info & IOIO_STRING;
	exit->io.rep = info & IOIO_REP;
	exit->io.port = (uint16_t)(info >> 16);
	exit->length = (uint32_t)(svm_get(arch, EXITINFO2) - svm_get(arch, RIP));
}

void svm_decode_exit(struct vcpu *vcpu, struct vm_exit *exit)
{
	struct svm_vcpu *arch = svm_of(vcpu);

	exit->raw_qualification = svm_get(arch, EXITINFO1);
	exit->kind = kind_of(exit->raw_reason);
	exit->length = 0;
	switch (exit->raw_reason) {
	case SVM_EXIT_DB: /* the step is over: see events.c */
		exit->kind = EXIT_NMI_WINDOW;
		break;
	case SVM_EXIT_IRET:
		exit->kind = EXIT_NMI_WINDOW;
		arch->at_iret = true;
		arch->iret_rip = svm_get(arch, RIP);
		break;
	case SVM_EXIT_MC:
		wrmsr(IA32_MCG_STATUS, 0); /* MCIP: a second one would shut the processor down */
		exit->exception.vector = SVM_EXIT_MC - SVM_EXIT_EXCEPTION;
		exit->exception.has_error = false;
		break;
	case SVM_EXIT_MSR:
		exit->kind = exit->raw_qualification & 1 ? EXIT_MSR_WRITE : EXIT_MSR_READ;
		exit->length = instruction_length(vcpu);
		break;
	case SVM_EXIT_IOIO:
		io(vcpu, exit);
		break;
	case SVM_EXIT_NPF:
		memory_access(vcpu, exit);
		break;
	case SVM_EXIT_WRITE_CR4:
		if (!control_register(vcpu, exit))
			exit->kind = EXIT_UNKNOWN;
		break;
	case SVM_EXIT_WRITE_CR8:
		if (control_register(vcpu, exit))
			task_priority(vcpu, exit);
		else
			exit->kind = EXIT_UNKNOWN;
		break;
	case SVM_EXIT_CPUID:
	case SVM_EXIT_HLT:
	case SVM_EXIT_PAUSE:
	case SVM_EXIT_INVD:
	case SVM_EXIT_WBINVD:
	case SVM_EXIT_XSETBV:
	case SVM_EXIT_VMMCALL:
		exit->length = instruction_length(vcpu);
		break;
	default:
		break;
	}
	arch->exit_length = exit->length;
}
