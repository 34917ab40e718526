#include "vmx/vmcs.h"

/* A table's texts, each at its offset: half the size of pointers to them. */
static const struct field_names {
#define FIELD(name, encoding) char name[sizeof(#name)];
#include "vmx/vmcs.def"
#undef FIELD
} field_names = {
#define FIELD(name, encoding) #name,
#include "vmx/vmcs.def"
#undef FIELD
};

const struct vmcs_row vmcs_rows[] = {
#define FIELD(name, encoding) { encoding, offsetof(struct field_names, name) },
#include "vmx/vmcs.def"
#undef FIELD
};

const unsigned vmcs_row_count = ARRAY_SIZE(vmcs_rows);

const char *vmcs_row_name(const struct vmcs_row *row)
{
	return (const char *)&field_names + row->name;
}

static const struct control_texts {
#define CONTROL(group, name, bit, text) char group##_##name[sizeof(text)];
#include "vmx/controls.def"
#undef CONTROL
} control_texts = {
#define CONTROL(group, name, bit, text) text,
#include "vmx/controls.def"
#undef CONTROL
};

const struct control_row control_rows[] = {
#define CONTROL(group, name, bit, text)                                                            \
	{ GROUP_##group, bit, offsetof(struct control_texts, group##_##name) },
#include "vmx/controls.def"
#undef CONTROL
};

const unsigned control_row_count = ARRAY_SIZE(control_rows);

const char *control_row_text(const struct control_row *row)
{
	return (const char *)&control_texts + row->text;
}

static const char *const reason_texts[] = {
#define REASON(name, number, kind, text) [number] = text,
#include "vmx/reasons.def"
#undef REASON
};

static const char *const error_texts[] = {
#define ERROR(number, text) [number] = text,
#include "vmx/errors.def"
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
	return vmcs_rows[from].encoding == encoding ? vmcs_row_name(&vmcs_rows[from]) : NULL;
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
