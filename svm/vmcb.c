#include "svm/vmcb.h"

const struct vmcb_row vmcb_rows[] = {
#define FIELD(name, offset, bytes, clean, text) { VMCB_##name, VMCB_CLEAN_##clean, text },
#include "svm/vmcb.def"
#undef FIELD
};
const unsigned vmcb_row_count = ARRAY_SIZE(vmcb_rows);

const char *vmcb_field_text(uint32_t field)
{
	for (unsigned i = 0; i < vmcb_row_count; i++)
		if (vmcb_rows[i].field == field)
			return vmcb_rows[i].text;
	return NULL;
}

static const struct {
	uint64_t code;
	const char *text;
} exits[] = {
#define SVM_EXIT(name, code, kind, text) { code, text },
#define SVM_EXIT_HIGH SVM_EXIT
#include "svm/exits.def"
#undef SVM_EXIT
#undef SVM_EXIT_HIGH
	{ SVM_EXIT_INVALID, "VMEXIT_INVALID" },
	{ SVM_EXIT_BUSY, "VMEXIT_BUSY" },
};

const char *svm_exit_text(uint64_t code)
{
	for (unsigned i = 0; i < ARRAY_SIZE(exits); i++)
		if (exits[i].code == code)
			return exits[i].text;
	return "reserved";
}
