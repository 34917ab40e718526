/* VMREAD and VMWRITE: SDM vol. 3C, "VMREAD, VMWRITE, and Encodings of VMCS Fields". */
#include "lib/text.h"
#include "platform.h"
#include "x86/msr.h"

#include "tests/vmx/capabilities.h"
#include "tests/vmx/instructions.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

enum { HIGH = 1, ENCODINGS = 0x8000, ERROR_UNSUPPORTED = 12, ERROR_READ_ONLY = 13 };

#define ALL_ONES (~0ull)
#define PATTERN 0x123456789ABCDEF5ull

static bool exists(uint32_t encoding)
{
	uint64_t value;

	return vmread_try(encoding, &value) == STATUS_OK;
}

static bool is_writable(const struct vmcs_row *row)
{
	return vmcs_type(row->encoding) != VMCS_READ_ONLY && exists(row->encoding);
}

/* What VMREAD leaves in a register that was all ones. */
static uint64_t read_into_ones(uint64_t encoding)
{
	struct attempt registers = { .rcx = ALL_ONES, .rdx = encoding };

	(void)attempt_with(INSN_VMREAD, &registers);
	return registers.rcx;
}

static void both_fail(struct stage *stage, struct ending wanted, uint64_t encoding,
		      const char *rule)
{
	check(stage, rule, wanted, attempt(INSN_VMREAD, 0, encoding), "VMREAD %llXH",
	      (unsigned long long)encoding);
	check(stage, rule, wanted, attempt(INSN_VMWRITE, 0, encoding), "VMWRITE %llXH",
	      (unsigned long long)encoding);
}

/* ---- encodings ---- */

/* The bits of a field's encoding that are reserved for it. */
static void reserved_encodings(struct stage *stage)
{
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		const uint32_t encoding = vmcs_rows[i].encoding;

		if (!exists(encoding))
			continue;
		both_fail(stage, FAILS(ERROR_UNSUPPORTED), encoding | BIT(12),
			  "vmread.unsupported");
		if (vmcs_width(encoding) != VMCS_64)
			both_fail(stage, FAILS(ERROR_UNSUPPORTED), encoding | HIGH,
				  "vmread.unsupported");
	}
}

/* Indices above the highest one that there is, of each width and type. */
static void high_indices(struct stage *stage, unsigned highest)
{
	const unsigned indices[] = { highest + 1, highest + 2, 0x1FF };

	for (uint32_t kind = 0; kind < 16; kind++)
		for (unsigned i = 0; i < ARRAY_SIZE(indices); i++)
			if (indices[i] > highest && indices[i] <= 0x1FF)
				both_fail(stage, FAILS(ERROR_UNSUPPORTED),
					  (kind & 3) << 13 | (kind >> 2) << 10 | indices[i] << 1,
					  "vmread.unsupported");
}

void vmread_checks(struct stage *stage)
{
	static const uint8_t forms[] = { INSN_VMREAD_MEMORY, INSN_VMWRITE_MEMORY };
	struct capabilities capabilities;
	uint64_t word = 0;

	capabilities_read(&capabilities);
	both_fail(stage, FAILS(ERROR_UNSUPPORTED), VMCS_NO_FIELD, "vmread.unsupported");
	reserved_encodings(stage);
	high_indices(stage, capability(&capabilities, IA32_VMX_VMCS_ENUM) >> 1 & 0x1FF);
	for (unsigned bit = 15; bit < 64; bit++)
		both_fail(stage, FAILS(ERROR_UNSUPPORTED), GUEST_RIP | BIT(bit), "vmread.wide");
	both_fail(stage, FAILS(ERROR_UNSUPPORTED), 0x4001, "vmread.high");
	both_fail(stage, FAILS(ERROR_UNSUPPORTED), 0x6801, "vmread.high");
	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++)
		check(stage, "vmread.unsupported", FAILS(ERROR_UNSUPPORTED),
		      attempt(forms[i], physical(&word), VMCS_NO_FIELD), "%s",
		      instruction_text(forms[i]));
	stage_unload(stage);
	both_fail(stage, FAILS_INVALID, GUEST_RIP, "vmread.no_vmcs");
	both_fail(stage, FAILS_INVALID, VMCS_NO_FIELD, "vmread.no_vmcs");
	for (unsigned i = 0; i < ARRAY_SIZE(forms); i++)
		check(stage, "vmread.no_vmcs", FAILS_INVALID,
		      attempt(forms[i], physical(&word), GUEST_RIP), "%s",
		      instruction_text(forms[i]));
}

/* ---- values ---- */

/* A field of 16 or 32 bits: nothing beyond its width is written or read. */
static void narrow_field(struct stage *stage, const struct vmcs_row *row)
{
	const uint64_t mask = vmcs_width_mask(row->encoding), kept = vmcs_kept_mask(row->encoding);
	uint64_t read;

	check(stage, "vmwrite.truncate", SUCCEEDS, attempt(INSN_VMWRITE, ALL_ONES, row->encoding),
	      "%s", row->name);
	read = read_into_ones(row->encoding);
	check_number(stage, "vmread.extend", 0, read & ~mask, "%s, bits beyond its width",
		     row->name);
	check_number(stage, kept == mask ? "vmwrite.truncate" : "vmread.rights", kept, read & kept,
		     "%s, all ones", row->name);
	check(stage, "vmwrite.truncate", SUCCEEDS, attempt(INSN_VMWRITE, PATTERN, row->encoding),
	      "%s", row->name);
	check_number(stage, "vmwrite.truncate", PATTERN & kept,
		     read_into_ones(row->encoding) & (kept | ~mask), "%s", row->name);
}

static void halves(struct stage *stage, const struct vmcs_row *row)
{
	const uint32_t encoding = row->encoding;

	check(stage, "vmwrite.high", SUCCEEDS, attempt(INSN_VMWRITE, PATTERN, encoding), "%s",
	      row->name);
	check_number(stage, "vmwrite.high", PATTERN, read_into_ones(encoding), "%s, all of it",
		     row->name);
	check_number(stage, "vmread.high", PATTERN >> 32, read_into_ones(encoding | HIGH),
		     "%s, the high half", row->name);
	check(stage, "vmwrite.high", SUCCEEDS,
	      attempt(INSN_VMWRITE, ALL_ONES ^ 0x0F0F0000, encoding | HIGH), "%s, the high half",
	      row->name);
	check_number(stage, "vmwrite.high", 0xF0F0FFFFull << 32 | (uint32_t)PATTERN,
		     read_into_ones(encoding), "%s, low half kept", row->name);
	check(stage, "vmwrite.high", SUCCEEDS, attempt(INSN_VMWRITE, 0, encoding), "%s", row->name);
	check_number(stage, "vmwrite.high", 0, read_into_ones(encoding), "%s, all of it",
		     row->name);
}

/* SDM vol. 3D, "Miscellaneous Data": whether VMWRITE may write read-only fields. */
static void read_only_field(struct stage *stage, const struct vmcs_row *row)
{
	const uint64_t value = PATTERN & vmcs_width_mask(row->encoding);
	const bool may = vmx_caps.misc & BIT(29);
	uint64_t read = 0;

	check(stage, "vmwrite.read_only", may ? SUCCEEDS : FAILS(ERROR_READ_ONLY),
	      attempt(INSN_VMWRITE, value, row->encoding), "%s", row->name);
	if (!may)
		return;
	(void)!vmread_try(row->encoding, &read);
	check_number(stage, "vmwrite.read_only", value, read, "%s, what was written", row->name);
}

void vmwrite_checks(struct stage *stage)
{
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		const struct vmcs_row *row = &vmcs_rows[i];

		if (vmcs_type(row->encoding) == VMCS_READ_ONLY && exists(row->encoding))
			read_only_field(stage, row);
		if (!is_writable(row))
			continue;
		if (vmcs_width(row->encoding) == VMCS_64)
			halves(stage, row);
		else if (vmcs_width(row->encoding) != VMCS_NATURAL)
			narrow_field(stage, row);
	}
}

/* ---- which fields there are ---- */

static void existence(struct stage *stage, const struct capabilities *capabilities)
{
	const uint64_t vm_functions = capability(capabilities, IA32_VMX_VMFUNC);
	uint64_t controls[GROUP_COUNT];

	for (unsigned i = 0; i < GROUP_COUNT; i++)
		controls[i] = controls_allowed(capabilities, i) << 32;
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		const struct vmcs_row *row = &vmcs_rows[i];
		const bool should = vmcs_should_exist(row, controls, vm_functions);

		if (row->exists == EXISTS_UNKNOWN) {
			stage_note(stage, "%s: %s", row->name,
				   exists(row->encoding) ? "exists" : "does not exist");
			continue;
		}
		check(stage, "vmread.exists", should ? SUCCEEDS : FAILS(ERROR_UNSUPPORTED),
		      attempt(INSN_VMREAD, 0, row->encoding), "%s", row->name);
		if (vmcs_width(row->encoding) == VMCS_64)
			check(stage, "vmread.exists", should ? SUCCEEDS : FAILS(ERROR_UNSUPPORTED),
			      attempt(INSN_VMREAD, 0, row->encoding | HIGH), "%s, high half",
			      row->name);
		if (vmcs_type(row->encoding) != VMCS_READ_ONLY)
			check(stage, "vmread.exists", should ? SUCCEEDS : FAILS(ERROR_UNSUPPORTED),
			      attempt(INSN_VMWRITE, 0, row->encoding), "%s, VMWRITE", row->name);
	}
}

void field_existence(struct stage *stage)
{
	struct capabilities capabilities;
	unsigned highest = 0, unlisted = 0;

	capabilities_read(&capabilities);
	existence(stage, &capabilities);
	for (uint32_t encoding = 0; encoding < ENCODINGS; encoding++) {
		const unsigned index = encoding >> 1 & 0x1FF;

		if (!exists(encoding))
			continue;
		if (index > highest)
			highest = index;
		if (!vmcs_field_name(encoding & ~(uint32_t)HIGH) && !unlisted++)
			stage_note(stage, "vmread.unsupported: field %XH is in no list",
				   (unsigned)encoding);
	}
	if (unlisted > 1)
		stage_note(stage, "vmread.unsupported: %u such encodings", unlisted);
	check_number(stage, "vmread.enum",
		     capability(&capabilities, IA32_VMX_VMCS_ENUM) >> 1 & 0x1FF, highest,
		     "the highest index");
}
