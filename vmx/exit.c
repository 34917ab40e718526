/* From the VMCS's exit information to core's neutral terms. */
#include "vm/cpu.h"
#include "vm/fetch.h"
#include "x86/insn.h"
#include "x86/msr.h"

#include "vmx/insn.h"
#include "vmx/quirks.h"
#include "vmx/vmx.h"

static const uint8_t kinds[] = {
#define REASON(name, number, kind, text) [number] = kind,
#include "vmx/reasons.def"
#undef REASON
};

static const bool known[] = {
#define REASON(name, number, kind, text) [number] = true,
#include "vmx/reasons.def"
#undef REASON
};

enum {
	VECTOR_MACHINE_CHECK = 18,
	QUALIFICATION_NMI_UNBLOCKED = 1 << 12,
};

#define INFO_DEFINED 0x80000FFFu /* an entry wants the other bits to be 0 */

/* SDM vol. 3C, "Information for VM Exits That Occur During Event Delivery". */
static void interrupted_event(struct vm_exit *exit, uint64_t info)
{
	struct event *event = &exit->interrupted;

	event->vector = (uint8_t)info;
	event->has_error = info & INFO_ERROR;
	if (event->has_error)
		event->error = (uint32_t)vmread(IDT_VECTORING_ERROR_CODE);
	switch (info & INFO_TYPE) {
	case INFO_EXTERNAL:
		event->type = EVENT_INTERRUPT;
		break;
	case INFO_NMI:
		event->type = EVENT_NMI;
		break;
	case INFO_HARDWARE_EXCEPTION:
		event->type = EVENT_EXCEPTION;
		break;
	default:
		event->type = EVENT_SOFTWARE;
		event->raw = (uint32_t)info & INFO_DEFINED;
		event->length = (uint32_t)vmread(EXIT_INSTRUCTION_LENGTH);
		break;
	}
}

/* An NMI of ours, or an exception that the bitmap asked for. */
static void exception_or_nmi(struct vcpu *vcpu, struct vm_exit *exit)
{
	uint64_t info = vmread(EXIT_INTERRUPTION_INFO);

	if ((info & INFO_TYPE) == INFO_NMI) {
		exit->kind = EXIT_KICK;
		cpu_nmi(vmx_of(vcpu)->cpu);
		unblock_nmi();
		return;
	}
	exit->exception.vector = (uint8_t)info;
	if (exit->exception.vector == VECTOR_MACHINE_CHECK)
		raise_machine_check(); /* the host's, not the guest's: its test is an ERROR */
	exit->exception.has_error = info & INFO_ERROR;
	exit->exception.error = (uint32_t)vmread(EXIT_INTERRUPTION_ERROR_CODE);
}

/* The access has no decoded form in the VMCS: fetch the instruction and decode it. */
static void decode_memory(struct vcpu *vcpu, struct vm_exit *exit)
{
	vmx_state_get(vcpu, &vcpu->regs); /* gpr[RSP] among them */
	vmx_of(vcpu)->rsp_in_gpr = true;
	fetch_access(vcpu, exit, 0);
}

static void memory_access(struct vcpu *vcpu, struct vm_exit *exit)
{
	uint64_t qualification = exit->raw_qualification;

	if ((exit->raw_reason & 0xFFFF) == REASON_APIC_ACCESS) {
		static const uint8_t access[] = { MEMORY_READ, MEMORY_WRITE, MEMORY_FETCH };
		uint64_t type = qualification >> 12 & 0xF;

		exit->memory.gpa = APIC_DEFAULT_BASE | (qualification & PAGE_MASK);
		exit->memory.kind = type < ARRAY_SIZE(access) ? access[type] : MEMORY_READ;
	} else {
		exit->memory.gpa = vmread(GUEST_PHYSICAL_ADDRESS);
		exit->memory.kind = qualification & 7;
		/* An IRET that faulted has unblocked NMIs, but has not been executed. */
		if (qualification & QUALIFICATION_NMI_UNBLOCKED &&
		    exit->interrupted.type == EVENT_NONE)
			vmwrite(GUEST_INTERRUPTIBILITY,
				vmread(GUEST_INTERRUPTIBILITY) | BLOCKED_BY_NMI);
	}
	/* An access by event delivery has no instruction to decode. */
	if (exit->interrupted.type == EVENT_NONE && !(exit->memory.kind & MEMORY_FETCH))
		decode_memory(vcpu, exit);
}

/* SDM vol. 3C, "Exit Qualification for Control-Register Accesses". */
static void control_register(struct vcpu *vcpu, struct vm_exit *exit)
{
	uint64_t qualification = exit->raw_qualification;
	unsigned type = qualification >> 4 & 3;

	exit->cr.number = qualification & 0xF;
	exit->cr.gpr = qualification >> 8 & 0xF;
	exit->cr.read = type == 1;
	exit->cr.clts = type == 2;
	exit->cr.lmsw = type == 3;
	exit->cr.lmsw_source = (uint16_t)(qualification >> 16);
	vcpu->regs.gpr[RSP] = vmread(GUEST_RSP);
	vmx_of(vcpu)->rsp_in_gpr = true;
}

static void io(struct vm_exit *exit)
{
	uint64_t qualification = exit->raw_qualification;

	exit->io.size = (uint8_t)((qualification & 7) + 1);
	exit->io.in = qualification & BIT(3);
	exit->io.string = qualification & BIT(4);
	exit->io.rep = qualification & BIT(5);
	exit->io.port = (uint16_t)(qualification >> 16);
}

static void startup_ipi(struct vcpu *vcpu, struct vm_exit *exit)
{
	exit->sipi.vector = (uint8_t)exit->raw_qualification;
	exit->sipi.interruptibility = (uint32_t)vmread(GUEST_INTERRUPTIBILITY);
	vmx_quirks_after_sipi(vcpu, exit->sipi.interruptibility);
}

static NOINLINE void details(struct vcpu *vcpu, struct vm_exit *exit)
{
	uint64_t vectoring = vmread(IDT_VECTORING_INFO);

	exit->raw_qualification = vmread(EXIT_QUALIFICATION);
	exit->interrupted = (struct event){ 0 };
	if (vectoring & INFO_VALID)
		interrupted_event(exit, vectoring);
	switch (exit->raw_reason & 0xFFFF) {
	case REASON_EXCEPTION_NMI:
		exception_or_nmi(vcpu, exit);
		break;
	case REASON_EXTERNAL_INTERRUPT:
		vmx_post_foreign(vcpu);
		break;
	case REASON_SIPI:
		startup_ipi(vcpu, exit);
		break;
	case REASON_CR_ACCESS:
		control_register(vcpu, exit);
		break;
	case REASON_IO:
		io(exit);
		break;
	case REASON_APIC_WRITE:
		exit->apic.offset = exit->raw_qualification & PAGE_MASK;
		exit->length = 0; /* trap-like: RIP is past the store already */
		break;
	case REASON_EOI:
		exit->length = 0; /* trap-like, too */
		break;
	case REASON_APIC_ACCESS:
	case REASON_EPT_VIOLATION:
		memory_access(vcpu, exit);
		break;
	default:
		break;
	}
}

/*
 * Exits by an instruction that carry nothing beyond their reason. An exit during event delivery is
 * none of them: SDM vol. 3C, "Information for VM Exits That Occur During Event Delivery".
 */
static bool is_plain(enum exit_kind kind)
{
	const uint64_t plain = BIT(EXIT_CPUID) | BIT(EXIT_HLT) | BIT(EXIT_PAUSE) |
			       BIT(EXIT_MSR_READ) | BIT(EXIT_MSR_WRITE);

	return plain >> kind & 1;
}

void vmx_decode_exit(struct vcpu *vcpu, struct vm_exit *exit)
{
	uint32_t basic = exit->raw_reason & 0xFFFF;

	exit->raw_qualification = 0;
	exit->interrupted.type = EVENT_NONE;
	exit->kind = basic < ARRAY_SIZE(kinds) && known[basic] ? kinds[basic] : EXIT_UNKNOWN;
	if (basic == REASON_ENTRY_MACHINE_CHECK)
		raise_machine_check();
	exit->length = (uint32_t)vmread(EXIT_INSTRUCTION_LENGTH);
	if (!is_plain(exit->kind))
		details(vcpu, exit);
	vmx_of(vcpu)->exit_length = exit->length;
}
