#include "vmcs.h"

const struct vmcs_row vmcs_rows[] = {
#define FIELD(name, encoding) { #name, encoding },
#include "vmcs.def"
#undef FIELD
};

const unsigned vmcs_row_count = ARRAY_SIZE(vmcs_rows);

const struct control_row control_rows[] = {
#define CONTROL(group, name, bit, text) { GROUP_##group, bit, text },
#include "controls.def"
#undef CONTROL
};

const unsigned control_row_count = ARRAY_SIZE(control_rows);

static const char *const reason_texts[] = {
#define REASON(name, number, kind, text) [number] = text,
#include "reasons.def"
#undef REASON
};

static const char *const error_texts[] = {
#define ERROR(number, text) [number] = text,
#include "errors.def"
#undef ERROR
};

/* The table is in the order of the encodings. */
const char *vmcs_field_name(uint32_t encoding)
{
	unsigned from = 0, to = vmcs_row_count;

	while (to - from > 1) {
		unsigned middle = (from + to) / 2;

		if (vmcs_rows[middle].encoding <= encoding)
			from = middle;
		else
			to = middle;
	}
	return vmcs_rows[from].encoding == encoding ? vmcs_rows[from].name : NULL;
}

static const char *text_at(const char *const *texts, size_t size, uint32_t index)
{
	return index < size && texts[index] ? texts[index] : "reserved";
}

const char *exit_reason_text(uint32_t reason)
{
	return text_at(reason_texts, ARRAY_SIZE(reason_texts), reason & 0xFFFF);
}

const char *instruction_error_text(uint32_t number)
{
	return text_at(error_texts, ARRAY_SIZE(error_texts), number);
}
