/* The fields of the VMCS as rows, and typed access to any of them. */
#include "vmx/insn.h"
#include "vmx/vmx.h"

enum status vmx_field_get(struct vcpu *vcpu, uint32_t encoding, uint64_t *value)
{
	(void)vcpu;
	return vmcs_field_name(encoding) ? vmread_try(encoding, value) : STATUS_NOT_FOUND;
}

enum status vmx_field_set(struct vcpu *vcpu, uint32_t encoding, uint64_t value)
{
	(void)vcpu;
	if (!vmcs_field_name(encoding))
		return STATUS_NOT_FOUND;
	if (value & ~vmcs_width_mask(encoding))
		return STATUS_INVALID;
	return vmwrite_try(encoding, value);
}

static uint8_t role(uint32_t encoding)
{
	switch (encoding) {
	case GUEST_RIP:
		return FIELD_RIP;
	case GUEST_RSP:
		return FIELD_RSP;
	case GUEST_DR7:
		return FIELD_DR7;
	case GUEST_RFLAGS:
	case PREEMPTION_TIMER_VALUE:
	case HOST_RSP: /* an entry from another depth of our stack */
		return FIELD_MOVES;
	default:
		return vmcs_type(encoding) == VMCS_READ_ONLY ? FIELD_MOVES : FIELD_STAYS;
	}
}

bool vmx_field(unsigned row, struct field *field)
{
	static const uint8_t kinds[] = { [VMCS_CONTROL] = FIELD_CONTROL,
					 [VMCS_READ_ONLY] = FIELD_INFORMATION,
					 [VMCS_GUEST] = FIELD_GUEST,
					 [VMCS_HOST] = FIELD_HOST };
	static const uint8_t widths[] = {
		[VMCS_16] = 16, [VMCS_32] = 32, [VMCS_64] = 64, [VMCS_NATURAL] = 64
	};
	uint32_t encoding;

	if (row >= vmcs_row_count)
		return false;
	encoding = vmcs_rows[row].encoding;
	*field = (struct field){
		.name = vmcs_rows[row].name,
		.encoding = encoding,
		.kind = kinds[vmcs_type(encoding)],
		.role = role(encoding),
		.bits = widths[vmcs_width(encoding)],
		.kept = vmcs_kept_mask(encoding),
	};
	return true;
}
