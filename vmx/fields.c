/* Typed access to any VMCS field, and the dump. */
#include "lib/text.h"

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

void vmx_dump(struct vcpu *vcpu, void (*line)(const char *text))
{
	char text[100];
	uint64_t reason = vmread(EXIT_REASON);

	(void)vcpu;
	text_format(text, sizeof(text), "exit reason %u: %s%s", (unsigned)(reason & 0xFFFF),
		    exit_reason_text((uint32_t)reason),
		    reason & REASON_ENTRY_FAILURE ? " (VM-entry failure)" : "");
	line(text);
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		uint64_t value;

		if (vmread_try(vmcs_rows[i].encoding, &value) != STATUS_OK)
			continue; /* this processor does not have the field */
		text_format(text, sizeof(text), "%04X %-30s %016llx", vmcs_rows[i].encoding,
			    vmcs_rows[i].name, (unsigned long long)value);
		line(text);
	}
}
