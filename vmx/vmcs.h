/* VMCS fields, controls, exit reasons and instruction errors: numbers and names from the tables. */
#ifndef VMX_VMCS_H
#define VMX_VMCS_H

#include "lib/base.h"

enum vmcs_field {
#define FIELD(name, encoding) name = encoding,
#include "vmx/vmcs.def"
#undef FIELD
};

/* SDM vol. 3C, "VMREAD, VMWRITE, and Encodings of VMCS Fields". */
enum vmcs_width { VMCS_16, VMCS_64, VMCS_32, VMCS_NATURAL };
enum vmcs_type { VMCS_CONTROL, VMCS_READ_ONLY, VMCS_GUEST, VMCS_HOST };

static inline enum vmcs_width vmcs_width(uint32_t encoding)
{
	return encoding >> 13 & 3;
}

static inline enum vmcs_type vmcs_type(uint32_t encoding)
{
	return encoding >> 10 & 3;
}

struct vmcs_row {
	uint16_t encoding;
	uint16_t name; /* see vmcs_row_name */
};

extern const struct vmcs_row vmcs_rows[];
extern const unsigned vmcs_row_count;

const char *vmcs_row_name(const struct vmcs_row *row);

/* NULL: no field of that encoding is known. The high halves of 64-bit fields are not listed. */
const char *vmcs_field_name(uint32_t encoding);

enum control_group {
	GROUP_PIN,
	GROUP_PRIMARY,
	GROUP_SECONDARY,
	GROUP_EXIT,
	GROUP_ENTRY,
	GROUP_COUNT
};

enum {
#define CONTROL(group, name, bit, text) group##_##name##_BIT = bit,
#include "vmx/controls.def"
#undef CONTROL
};

/* The controls as masks: PIN_NMI, PRIMARY_HLT, SECONDARY_EPT, EXIT_HOST_64 and so on. */
#define CONTROL_MASK(name) (1u << name##_BIT)

struct control_row {
	uint8_t group; /* enum control_group */
	uint8_t bit;
	uint16_t text; /* see control_row_text */
};

extern const struct control_row control_rows[];
extern const unsigned control_row_count;

const char *control_row_text(const struct control_row *row);

enum exit_reason {
#define REASON(name, number, kind, text) REASON_##name = number,
#include "vmx/reasons.def"
#undef REASON
};

#define REASON_ENTRY_FAILURE BIT(31) /* bit 31 of the exit-reason field */

const char *exit_reason_text(uint32_t reason);	     /* "reserved" if unknown */
const char *instruction_error_text(uint32_t number); /* "reserved" if unknown */

#endif
