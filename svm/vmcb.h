/*
 * The VMCB's fields, intercepts and exit codes: offsets, codes and names from the tables. AMD64
 * Architecture Programmer's Manual, vol. 2, appendix B, "VMCB Layout", and appendix C, "SVM
 * Intercept Exit Codes".
 */
#ifndef SVM_VMCB_H
#define SVM_VMCB_H

#include "lib/base.h"

/* A field's encoding, our own: its offset and its size. */
#define VMCB_ENCODING(offset, bytes) ((offset) | (bytes) << 12)

enum vmcb_field {
#define FIELD(name, offset, bytes, clean, text) VMCB_##name = VMCB_ENCODING(offset, bytes),
#include "svm/vmcb.def"
#undef FIELD
};

enum { VMCB_SAVE_AREA = 0x400 };

static inline unsigned vmcb_offset(uint32_t field)
{
	return field & 0xFFF;
}

static inline unsigned vmcb_bytes(uint32_t field)
{
	return field >> 12;
}

/* APM vol. 2, "VMCB Clean Field": the bits. */
enum vmcb_clean {
	VMCB_CLEAN_INTERCEPTS,
	VMCB_CLEAN_IOPM,
	VMCB_CLEAN_ASID,
	VMCB_CLEAN_TPR,
	VMCB_CLEAN_NP,
	VMCB_CLEAN_CONTROL_REGISTERS,
	VMCB_CLEAN_DEBUG_REGISTERS,
	VMCB_CLEAN_TABLES,
	VMCB_CLEAN_SEGMENTS,
	VMCB_CLEAN_CR2,
	VMCB_CLEAN_LBR,
	VMCB_CLEAN_AVIC,
	VMCB_CLEAN_CET,
	VMCB_CLEAN_NONE = 32,
	VMCB_CLEAN_NOT_LOADED,
};

/* VMCB_name_GROUP: the group of a field. */
enum {
#define FIELD(name, offset, bytes, clean, text) VMCB_##name##_GROUP = VMCB_CLEAN_##clean,
#include "svm/vmcb.def"
#undef FIELD
};

struct vmcb_row {
	uint32_t field;
	uint8_t clean; /* enum vmcb_clean */
	const char *text;
};

extern const struct vmcb_row vmcb_rows[];
extern const unsigned vmcb_row_count;

const char *vmcb_field_text(uint32_t field); /* NULL: no such field */

/* A whole VMCB; a page, aligned. */
struct vmcb {
	uint8_t byte[4096] __attribute__((aligned(4096)));
};

/* Field must be a constant for these to be one MOV. */
static inline uint64_t vmcb_get(const struct vmcb *vmcb, uint32_t field)
{
	const uint8_t *at = vmcb->byte + vmcb_offset(field);

	switch (vmcb_bytes(field)) {
	case 1:
		return *at;
	case 2:
		return *(const uint16_t *)(const void *)at;
	case 4:
		return *(const uint32_t *)(const void *)at;
	default:
		return *(const uint64_t *)(const void *)at;
	}
}

static inline void vmcb_set(struct vmcb *vmcb, uint32_t field, uint64_t value)
{
	uint8_t *at = vmcb->byte + vmcb_offset(field);

	switch (vmcb_bytes(field)) {
	case 1:
		*at = (uint8_t)value;
		break;
	case 2:
		*(uint16_t *)(void *)at = (uint16_t)value;
		break;
	case 4:
		*(uint32_t *)(void *)at = (uint32_t)value;
		break;
	default:
		*(uint64_t *)(void *)at = value;
		break;
	}
}

/* Exit codes; those below C0H are the numbers of their intercepts too. */
enum svm_exit {
#define SVM_EXIT(name, code, kind, text) SVM_EXIT_##name = code,
#define SVM_EXIT_HIGH SVM_EXIT
#include "svm/exits.def"
#undef SVM_EXIT
#undef SVM_EXIT_HIGH
};
#define SVM_EXIT_INVALID (~0ull)
#define SVM_EXIT_BUSY (~1ull)
enum { SVM_INTERCEPTS = 0xC0 };

const char *svm_exit_text(uint64_t code); /* "reserved" if unknown */

static inline bool vmcb_intercepts(const struct vmcb *vmcb, unsigned code)
{
	return vmcb->byte[code / 8] >> code % 8 & 1;
}

static inline void vmcb_intercept(struct vmcb *vmcb, unsigned code, bool on)
{
	const uint8_t bit = (uint8_t)(1u << code % 8);

	vmcb->byte[code / 8] =
		(uint8_t)(on ? vmcb->byte[code / 8] | bit : vmcb->byte[code / 8] & ~bit);
}

/* VMCB_VINTR, offset 60H. */
#define VINTR_TPR 0xFull
#define VINTR_IRQ BIT(8)
#define VINTR_GIF BIT(9)
#define VINTR_NMI BIT(11)
#define VINTR_NMI_MASK BIT(12)
#define VINTR_PRIORITY(class) ((uint64_t)(class) << 16)
#define VINTR_IGNORE_TPR BIT(20)
#define VINTR_MASKING BIT(24)
#define VINTR_GIF_ENABLE BIT(25)
#define VINTR_NMI_ENABLE BIT(26)
#define VINTR_X2AVIC BIT(30)
#define VINTR_AVIC BIT(31)
#define VINTR_VECTOR(vector) ((uint64_t)(vector) << 32)

/* VMCB_INTERRUPT_SHADOW, offset 68H. */
#define SHADOW_INTERRUPTS BIT(0)
#define SHADOW_GUEST_MASK BIT(1)

/* VMCB_NP_CONTROL, offset 90H. */
#define NP_ENABLE BIT(0)
#define NP_SEV BIT(1)
#define NP_SEV_ES BIT(2)
#define NP_GMET BIT(3)
#define NP_SSS BIT(4)
#define NP_TRANSPARENT BIT(5)
#define NP_READ_ONLY_GUEST BIT(6)
#define NP_INVLPGB BIT(7)

/* EVENTINJ and EXITINTINFO: APM vol. 2, "Event Injection". */
enum {
	SVM_EVENT_INTR = 0 << 8,
	SVM_EVENT_NMI = 2 << 8,
	SVM_EVENT_EXCEPTION = 3 << 8,
	SVM_EVENT_SOFTWARE = 4 << 8,
	SVM_EVENT_TYPE = 7 << 8,
	SVM_EVENT_ERROR = 1 << 11, /* EV: an error code in bits 63:32 */
};
#define SVM_EVENT_VALID BIT(31)

/* TLB_CONTROL: APM vol. 2, "TLB Flush". */
enum { TLB_NOTHING, TLB_FLUSH_ALL, TLB_FLUSH_ASID = 3, TLB_FLUSH_ASID_NON_GLOBAL = 7 };

/* Segment attributes: bits 55:52 and 47:40 of a descriptor side by side. */
static inline uint16_t vmcb_attributes(uint32_t rights)
{
	return (uint16_t)((rights & 0xFF) | (rights >> 4 & 0xF00));
}

static inline uint32_t vmcb_rights(uint64_t attributes)
{
	return (uint32_t)((attributes & 0xFF) | (attributes & 0xF00) << 4);
}

#endif
