#include "vmx/vmcs.h"

/* The column "exists" of vmcs.def. */
#define ALWAYS                                                                                     \
	EXISTS_ALWAYS,                                                                             \
	{                                                                                          \
		{                                                                                  \
			0, 0                                                                       \
		}                                                                                  \
	}
#define UNKNOWN                                                                                    \
	EXISTS_UNKNOWN,                                                                            \
	{                                                                                          \
		{                                                                                  \
			0, 0                                                                       \
		}                                                                                  \
	}
#define EPTP_SWITCHING                                                                             \
	EXISTS_EPTP_SWITCHING,                                                                     \
	{                                                                                          \
		{                                                                                  \
			0, 0                                                                       \
		}                                                                                  \
	}
#define EITHER(group1, name1, group2, name2)                                                       \
	EXISTS_CONTROL,                                                                            \
	{                                                                                          \
		{ GROUP_##group1, group1##_##name1##_BIT },                                        \
		{                                                                                  \
			GROUP_##group2, group2##_##name2##_BIT                                     \
		}                                                                                  \
	}
#define PIN(name) EITHER(PIN, name, PIN, name)
#define PRIMARY(name) EITHER(PRIMARY, name, PRIMARY, name)
#define SECONDARY(name) EITHER(SECONDARY, name, SECONDARY, name)
#define TERTIARY(name) EITHER(TERTIARY, name, TERTIARY, name)
#define EXIT(name) EITHER(EXIT, name, EXIT, name)
#define EXIT2(name) EITHER(EXIT2, name, EXIT2, name)
#define ENTRY(name) EITHER(ENTRY, name, ENTRY, name)

const struct vmcs_row vmcs_rows[] = {
#define FIELD(name, encoding, ...) { encoding, __VA_ARGS__, #name },
#include "vmx/vmcs.def"
#undef FIELD
};

const unsigned vmcs_row_count = ARRAY_SIZE(vmcs_rows);

const struct control_row control_rows[] = {
#define CONTROL(group, name, bit, text) { GROUP_##group, bit, text },
#include "controls.def"
#undef CONTROL
};

const unsigned control_row_count = ARRAY_SIZE(control_rows);

const char *control_text(enum control_group group, unsigned bit)
{
	for (unsigned i = 0; i < control_row_count; i++)
		if (control_rows[i].group == group && control_rows[i].bit == bit)
			return control_rows[i].text;
	return "reserved";
}

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

static bool may_be_1(const struct vmcs_row *row, unsigned i, const uint64_t controls[GROUP_COUNT])
{
	return controls[row->control[i].group] >> 32 & BIT(row->control[i].bit);
}

bool vmcs_should_exist(const struct vmcs_row *row, const uint64_t controls[GROUP_COUNT],
		       uint64_t vm_functions)
{
	switch ((enum vmcs_exists)row->exists) {
	case EXISTS_ALWAYS:
		return true;
	case EXISTS_CONTROL:
		return may_be_1(row, 0, controls) || may_be_1(row, 1, controls);
	case EXISTS_EPTP_SWITCHING:
		return vm_functions & 1;
	case EXISTS_UNKNOWN:
		break;
	}
	return false;
}

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
