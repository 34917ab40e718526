/* Any field of the VMCB by its encoding, and the dump. */
#include "lib/text.h"

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
	return STATUS_OK;
}

void svm_dump(struct vcpu *vcpu, void (*line)(const char *text))
{
	const struct vmcb *vmcb = svm_of(vcpu)->vmcb;
	const uint64_t code = vmcb_get(vmcb, VMCB_EXITCODE);
	char text[100];

	text_format(text, sizeof(text), "exit code %llx: %s", (unsigned long long)code,
		    svm_exit_text(code));
	line(text);
	for (unsigned i = 0; i < vmcb_row_count; i++) {
		text_format(text, sizeof(text), "%03X %-36s %016llx",
			    vmcb_offset(vmcb_rows[i].field), vmcb_rows[i].text,
			    (unsigned long long)vmcb_get(vmcb, vmcb_rows[i].field));
		line(text);
	}
}
