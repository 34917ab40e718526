/* VMCS fields, controls, exit reasons and instruction errors: numbers and names from the tables. */
#ifndef VMX_VMCS_H
#define VMX_VMCS_H

#include "lib/base.h"

enum vmcs_field {
#define FIELD(name, encoding, ...) name = encoding,
#include "vmx/vmcs.def"
#undef FIELD
};

enum { VMCS_NO_FIELD = 0x7FFE }; /* an encoding that no processor has a field for */

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

/* All the bits that a field can hold. */
static inline uint64_t vmcs_width_mask(uint32_t encoding)
{
	switch (vmcs_width(encoding)) {
	case VMCS_16:
		return 0xFFFF;
	case VMCS_32:
		return 0xFFFFFFFF;
	case VMCS_64:
	case VMCS_NATURAL:
		break;
	}
	return ~0ull;
}

/* Those that it must keep. Access rights may lose reserved bits, of which bit 13 is one but for CS:
 * SDM vol. 3C, "Guest Register State". */
static inline uint64_t vmcs_kept_mask(uint32_t encoding)
{
	if (encoding == GUEST_CS_RIGHTS)
		return 0x1F0FF;
	if (encoding >= GUEST_ES_RIGHTS && encoding <= GUEST_TR_RIGHTS)
		return 0x1D0FF;
	return vmcs_width_mask(encoding);
}

enum control_group {
	GROUP_PIN,
	GROUP_PRIMARY,
	GROUP_SECONDARY,
	GROUP_TERTIARY,
	GROUP_EXIT,
	GROUP_EXIT2, /* secondary VM-exit controls */
	GROUP_ENTRY,
	GROUP_COUNT
};

/* On what a field's existence depends; the controls by group and bit. */
enum vmcs_exists { EXISTS_ALWAYS, EXISTS_CONTROL, EXISTS_EPTP_SWITCHING, EXISTS_UNKNOWN };

struct vmcs_row {
	uint16_t encoding;
	uint8_t exists; /* enum vmcs_exists */
	struct {
		uint8_t group, bit;
	} control[2]; /* EXISTS_CONTROL: one of them may be 1 */
	const char *name;
};

extern const struct vmcs_row vmcs_rows[];
extern const unsigned vmcs_row_count;

/*
 * The processor should have the field: by its controls, which may be 1 where bit 32 + n is set, and
 * by IA32_VMX_VMFUNC. EXISTS_UNKNOWN: false.
 */
bool vmcs_should_exist(const struct vmcs_row *row, const uint64_t controls[GROUP_COUNT],
		       uint64_t vm_functions);

/* NULL: no field of that encoding is known. The high halves of 64-bit fields are not listed. */
const char *vmcs_field_name(uint32_t encoding);

enum {
#define CONTROL(group, name, bit, text) group##_##name##_BIT = bit,
#include "controls.def"
#undef CONTROL
};

/* The controls as masks: PIN_NMI, PRIMARY_HLT, SECONDARY_EPT, EXIT_HOST_64 and so on. */
#define CONTROL_MASK(name) (1u << name##_BIT)

struct control_row {
	uint8_t group; /* enum control_group */
	uint8_t bit;
	const char *text;
};

extern const struct control_row control_rows[];
extern const unsigned control_row_count;

/* The name of one control; "reserved" if the SDM gives it none. */
const char *control_text(enum control_group group, unsigned bit);

enum exit_reason {
#define REASON(name, number, kind, text) REASON_##name = number,
#include "reasons.def"
#undef REASON
};

/* Interruption information, of entries and exits: SDM vol. 3C, "VM-Entry Controls for Event
 * Injection", "Information for VM Exits Due to Vectored Events". */
enum {
	INFO_ERROR = 1 << 11, /* an error code comes with it */
	INFO_TYPE = 7 << 8,
	INFO_EXTERNAL = 0 << 8,
	INFO_NMI = 2 << 8,
	INFO_HARDWARE_EXCEPTION = 3 << 8,
	INFO_SOFTWARE_INTERRUPT = 4 << 8,
	INFO_PRIVILEGED_EXCEPTION = 5 << 8, /* INT1 */
	INFO_SOFTWARE_EXCEPTION = 6 << 8,   /* INT3, INTO */
	INFO_OTHER = 7 << 8,		    /* of entries: an exit by the monitor trap flag */
};
#define INFO_VALID BIT(31)

#define REASON_ENTRY_FAILURE BIT(31) /* bit 31 of the exit-reason field */

const char *exit_reason_text(uint32_t reason);	     /* "reserved" if unknown */
const char *instruction_error_text(uint32_t number); /* "reserved" if unknown */

#endif
