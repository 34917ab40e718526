/* The fields of the VMCB as rows, and access to any of them. */
#include "svm/svm.h"

enum status svm_field_get(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
	if (!vmcb_field_text(encoding))
		return STATUS_NOT_FOUND;
	*value = vmcb_get(svm_of(vcpu)->vmcb, encoding);
	return STATUS_OK;
}

enum status svm_field_set(struct vcpu *vcpu, uint32_t encoding, uint64_t value)
{
	struct svm_vcpu *arch = svm_of(vcpu);

	if (!vmcb_field_text(encoding))
		return STATUS_NOT_FOUND;
	if (vmcb_bytes(encoding) < 8 && value >> vmcb_bytes(encoding) * 8)
		return STATUS_INVALID;
	vmcb_set(arch->vmcb, encoding, value);
	arch->clean = 0;
	/* Each entry takes these two from the GPRs. */
	if (encoding == VMCB_RAX)
		vcpu->regs.gpr[RAX] = value;
	else if (encoding == VMCB_RSP)
		vcpu->regs.gpr[RSP] = value;
	return STATUS_OK;
}

static uint8_t role(uint32_t field)
{
	switch (field) {
	case VMCB_RIP:
		return FIELD_RIP;
	case VMCB_RSP:
		return FIELD_RSP;
	case VMCB_DR7:
		return FIELD_DR7;
	case VMCB_RAX:
	case VMCB_RFLAGS:
	case VMCB_INTERCEPT_CR: /* windows of ours, here and in the next */
	case VMCB_INTERCEPT_3:
	case VMCB_VINTR:
	case VMCB_TLB_CONTROL:
	case VMCB_CLEAN:
	case VMCB_EVENTINJ:
		return FIELD_MOVES;
	default:
		return FIELD_STAYS;
	}
}

bool svm_field(unsigned row, struct field *field)
{
	uint32_t encoding;
	unsigned bits;
	bool information;

	if (row >= vmcb_row_count)
		return false;
	encoding = vmcb_rows[row].field;
	bits = vmcb_bytes(encoding) * 8;
	information = (encoding >= VMCB_EXITCODE && encoding <= VMCB_EXITINTINFO) ||
		      encoding == VMCB_NRIP || encoding == VMCB_BYTES_FETCHED ||
		      encoding == VMCB_INSTRUCTION_LOW || encoding == VMCB_INSTRUCTION_HIGH;
	*field = (struct field){
		.name = vmcb_rows[row].text,
		.encoding = encoding,
		.kind = vmcb_offset(encoding) >= VMCB_SAVE_AREA ? FIELD_GUEST
			: information				? FIELD_INFORMATION
								: FIELD_CONTROL,
		.role = information ? FIELD_MOVES : role(encoding),
		.bits = (uint8_t)bits,
		.kept = ~0ull >> (64 - bits),
	};
	return true;
}
