/*
 * VMCS shadowing: VMREAD and VMWRITE of a guest, by two bitmaps, exit or use the VMCS that the link
 * pointer names. SDM vol. 3C, "VMREAD-Read Field from Virtual-Machine Control Structure" and
 * "VMWRITE-Write Field to Virtual-Machine Control Structure".
 */
#include "platform.h"
#include "x86/control.h"

#include "tests/vmx/checks.h"
#include "tests/vmx/instructions.h"
#include "tests/vmx/solo.h"
#include "vmx/insn.h"

enum {
	HIGH = 1,
	ENCODINGS = 0x8000,
	FLAGS = 0x8D5, /* those that say how an instruction of VMX has ended */
	ZERO_FLAG = 0x40,
	SAMPLE = 97, /* a prime number: every bit of a position is 0 and 1 */
};
#define SHADOW_VMCS BIT(31) /* in the revision */
#define PATTERN 0x1234567890ABCDE5ull

struct field_access {
	const char *rule;
	enum guest_mode mode;
	bool write, memory, off /* no shadowing */, unlinked;
	uint64_t encoding, value; /* the operands: RDX, and RCX if it writes */
	uint64_t wanted;	  /* what is read */
	unsigned bit;		  /* the only one of its kind; ENCODINGS: there is none */
	bool ones;		  /* all the others are 1 */
	uint8_t end;		  /* enum guest_end */
	uint8_t flags;		  /* afterwards */
};

/* ---- the shadow VMCS ---- */

static uint64_t shadow_address(const struct stage *stage)
{
	return stage_address(stage, STAGE_SPARE);
}

/* Makes it the current VMCS, and the guest's own one again. */
static void use_shadow(struct stage *stage)
{
	ledger_status(&stage->ledger, vmptrld(shadow_address(stage)));
}

static void leave_shadow(struct stage *stage, const struct theatre *theatre)
{
	ledger_status(&stage->ledger, vmclear(shadow_address(stage)));
	ledger_status(&stage->ledger, vmptrld(physical(theatre->seat.probe.vmcs)));
}

static void open_shadow(struct stage *stage)
{
	stage_set_revision(stage, STAGE_SPARE, stage->revision | (uint32_t)SHADOW_VMCS);
	ledger_status(&stage->ledger, vmclear(shadow_address(stage)));
}

/* Read-only fields are not always written: what it has then. */
static uint64_t shadow_write(struct stage *stage, const struct theatre *theatre, uint32_t encoding,
			     uint64_t value)
{
	uint64_t has = 0;

	use_shadow(stage);
	(void)!vmwrite_try(encoding, value);
	(void)!vmread_try(encoding, &has);
	leave_shadow(stage, theatre);
	return has;
}

static uint64_t shadow_read(struct stage *stage, const struct theatre *theatre, uint32_t encoding)
{
	uint64_t value = 0;

	use_shadow(stage);
	(void)!vmread_try(encoding, &value);
	leave_shadow(stage, theatre);
	return value;
}

/* The error of a failed VMREAD or VMWRITE: the manual's "current VMCS" may be either. */
static void tell_error(struct stage *stage, const struct theatre *theatre,
		       const struct field_access *a)
{
	if (a->mode == MODE_64)
		stage_note(stage,
			   "%s %llXH: error %llu in the guest's VMCS, %llu in the shadow VMCS",
			   a->write ? "VMWRITE" : "VMREAD", (unsigned long long)a->encoding,
			   (unsigned long long)vmread(VM_INSTRUCTION_ERROR),
			   (unsigned long long)shadow_read(stage, theatre, VM_INSTRUCTION_ERROR));
}

/* ---- an access ---- */

static struct guest_change bit_changed(unsigned page, unsigned bit, bool others)
{
	return (struct guest_change)SOLO_BYTE(page, bit / 8,
					      (uint8_t)((others ? 0xFF : 0) ^ 1u << bit % 8));
}

/* The bitmap of the other instruction says the opposite about this position. */
static bool access_field(struct stage *stage, struct theatre *theatre, const struct field_access *a)
{
	const struct entry_ground *ground = &theatre->seat.ground;
	const unsigned page = a->ones ? PAGE_IO_A : PAGE_SPARE;
	const uint64_t used = entry_page(ground, page);
	const uint64_t other = entry_page(ground, a->ones ? PAGE_IO_B : PAGE_POSTED);
	const struct guest_change before[] = {
		SOLO_OR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_SECONDARY)),
		{ AT_SECONDARY_CONTROLS, a->off ? GUEST_CLEAR : GUEST_OR, 0, 0,
		  CONTROL_MASK(SECONDARY_VMCS_SHADOWING) },
		SOLO_SET(VMREAD_BITMAP, a->write ? other : used),
		SOLO_SET(VMWRITE_BITMAP, a->write ? used : other),
		SOLO_SET(VMCS_LINK_POINTER, a->unlinked || a->off ? ~0ull : shadow_address(stage)),
		SOLO_OR(GUEST_RFLAGS, FLAGS),
		SOLO_REG(RDX, a->encoding),
		a->memory ? (struct guest_change){ AT_MEMORY, GUEST_SET, 8, GUEST_AT(GUEST_DATA, 0),
						   a->value }
			  : (struct guest_change)SOLO_REG(RCX, a->value),
		a->bit < ENCODINGS ? bit_changed(page, a->bit, a->ones)
				   : (struct guest_change){ 0 },
		{ 0 },
	};
	/* A register has no displacement, but that is a rule of its own. */
	const struct guest_change exited[] = { SOLO_UNJUDGED(AT_EXIT_QUALIFICATION), { 0 } };
	const struct guest_change passed[] = {
		SOLO_CLEAR(GUEST_RFLAGS, FLAGS),
		SOLO_OR(GUEST_RFLAGS, a->flags),
		a->memory ? (struct guest_change){ AT_MEMORY, GUEST_SET, 8, GUEST_AT(GUEST_DATA, 0),
						   a->wanted }
			  : (struct guest_change)SOLO_REG(RCX, a->wanted),
		{ 0 },
	};
	const unsigned form = a->memory ? FRAGMENT_VMREAD_MEMORY - FRAGMENT_VMREAD : 0;
	const struct guest_row row = {
		.rule = a->rule,
		.fragment = (uint16_t)((a->write ? FRAGMENT_VMWRITE : FRAGMENT_VMREAD) + form),
		.end = a->end,
		.number = a->end == GUEST_RAISES ? 13
			  : a->write		 ? REASON_VMWRITE
						 : REASON_VMREAD,
		.has_code = true,
		.before = before,
		.after = a->end == GUEST_PASSES	 ? passed
			 : a->end == GUEST_EXITS ? exited
						 : NULL,
	};

	return solo_check(stage, theatre, &row, a->mode, "%s %llXH, bitmap bit %XH",
			  a->write ? "VMWRITE" : "VMREAD", (unsigned long long)a->encoding, a->bit);
}

/* ---- fields ---- */

static uint64_t pattern(uint32_t encoding, bool write)
{
	const uint64_t value = PATTERN ^ encoding * 0x0101010101010101ull;

	return (write ? ~value : value) & vmcs_kept_mask(encoding);
}

/* One bit is set, and the instruction exits. */
static void exits_by_bit(struct stage *stage, struct theatre *theatre, enum guest_mode mode,
			 uint32_t encoding)
{
	struct field_access a = { .rule = "vmcs_bitmap.all",
				  .mode = mode,
				  .encoding = encoding,
				  .value = PATTERN,
				  .bit = encoding,
				  .end = GUEST_EXITS };

	(void)access_field(stage, theatre, &a);
	a.write = true;
	(void)access_field(stage, theatre, &a);
}

/* One bit is clear, and the shadow VMCS is read. */
static void reads(struct stage *stage, struct theatre *theatre, enum guest_mode mode, bool memory,
		  uint32_t encoding)
{
	struct field_access a = { .rule = "vmcs_shadow.data",
				  .mode = mode,
				  .memory = memory,
				  .encoding = encoding,
				  .value = ~PATTERN,
				  .bit = encoding,
				  .ones = true,
				  .end = GUEST_PASSES };

	a.wanted = shadow_write(stage, theatre, encoding, pattern(encoding, false));
	(void)access_field(stage, theatre, &a);
}

/* And written; the VMCS that the guest runs with is not. */
static void writes(struct stage *stage, struct theatre *theatre, enum guest_mode mode, bool memory,
		   const struct vmcs_row *field)
{
	const struct probe *probe = &theatre->seat.probe;
	const uint32_t encoding = field->encoding;
	const unsigned at = (unsigned)(field - vmcs_rows);
	const bool read_only = vmcs_type(encoding) == VMCS_READ_ONLY && !(probe->overwrites);
	struct field_access a = { .rule = read_only ? "vmcs_shadow.errors" : "vmcs_shadow.data",
				  .mode = mode,
				  .write = true,
				  .memory = memory,
				  .encoding = encoding,
				  .value = pattern(encoding, true),
				  .bit = encoding,
				  .ones = true,
				  .flags = read_only ? ZERO_FLAG : 0,
				  .end = GUEST_PASSES };

	a.wanted = a.value;
	if (!access_field(stage, theatre, &a))
		return;
	if (!read_only)
		check_number(stage, a.rule, a.value, shadow_read(stage, theatre, encoding),
			     "%s in the shadow", field->name);
	if (probe->exists[at])
		check_number(stage, a.rule, probe->now.value[at] & model_mask((enum model_index)at),
			     vmread(encoding), "%s of the guest's own VMCS", field->name);
}

/* Accesses of 32 bits: of a 64-bit field the lower half, and the higher one by its own encoding. */
static void halves(struct stage *stage, struct theatre *theatre, enum guest_mode mode,
		   uint32_t encoding)
{
	struct field_access a = { .rule = "vmcs_shadow.data",
				  .mode = mode,
				  .encoding = encoding | HIGH,
				  .bit = encoding | HIGH,
				  .ones = true,
				  .end = GUEST_PASSES };
	const uint64_t value = shadow_write(stage, theatre, encoding, pattern(encoding, false));

	a.wanted = value >> 32;
	(void)access_field(stage, theatre, &a);
	a.write = true;
	a.value = a.wanted = ~a.wanted & 0xFFFFFFFF;
	(void)access_field(stage, theatre, &a);
	check_number(stage, a.rule, a.value << 32 | (uint32_t)value,
		     shadow_read(stage, theatre, encoding), "the high half of %XH in the shadow",
		     encoding);
}

static bool exists(uint32_t encoding)
{
	uint64_t value;

	return vmread_try(encoding, &value) == STATUS_OK;
}

static void each_field(struct stage *stage, struct theatre *theatre)
{
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		const struct vmcs_row *field = &vmcs_rows[i];

		if (!solo_mine(stage, i) || !exists(field->encoding))
			continue;
		exits_by_bit(stage, theatre, MODE_64, field->encoding);
		reads(stage, theatre, MODE_64, false, field->encoding);
		writes(stage, theatre, MODE_64, false, field);
	}
}

/* A field of each width, in the other modes that have these instructions. */
static void in_mode(struct stage *stage, struct theatre *theatre, enum guest_mode mode)
{
	for (unsigned i = 0; i < vmcs_row_count; i++) {
		const struct vmcs_row *field = &vmcs_rows[i];

		switch (field->encoding) {
		case GUEST_ES_SELECTOR:
		case GUEST_ES_LIMIT:
		case GUEST_ES_BASE:
			exits_by_bit(stage, theatre, mode, field->encoding);
			reads(stage, theatre, mode, false, field->encoding);
			break;
		case VMCS_LINK_POINTER:
			exits_by_bit(stage, theatre, mode, field->encoding);
			exits_by_bit(stage, theatre, mode, field->encoding | HIGH);
			reads(stage, theatre, mode, false, field->encoding);
			halves(stage, theatre, mode, field->encoding);
			break;
		case EXCEPTION_BITMAP:
			writes(stage, theatre, mode, false, field);
			break;
		default:
			break;
		}
		if (mode == MODE_64 && field->encoding == GUEST_GS_BASE) {
			reads(stage, theatre, mode, true, field->encoding);
			writes(stage, theatre, mode, true, field);
		}
	}
}

/* ---- errors ---- */

/* Bits above 14 of the encoding, and without shadowing every one. */
static void always_exits(struct stage *stage, struct theatre *theatre, enum guest_mode mode)
{
	const unsigned bits = mode == MODE_64 ? 64 : 32;
	struct field_access a = {
		.rule = "vmcs_bitmap.all", .mode = mode, .bit = ENCODINGS, .end = GUEST_EXITS
	};

	for (unsigned i = 0; i < 2; i++) {
		a.write = i;
		for (unsigned bit = 15; bit < bits; bit++) {
			a.encoding = EXCEPTION_BITMAP | BIT(bit);
			(void)access_field(stage, theatre, &a);
		}
		a.off = true;
		a.encoding = EXCEPTION_BITMAP;
		(void)access_field(stage, theatre, &a);
		a.off = false;
	}
}

static void errors(struct stage *stage, struct theatre *theatre, enum guest_mode mode)
{
	struct field_access a = { .rule = "vmcs_shadow.errors",
				  .mode = mode,
				  .value = PATTERN,
				  .wanted = PATTERN,
				  .ones = true,
				  .end = GUEST_PASSES };

	for (unsigned i = 0; i < 2; i++) {
		a.write = i;
		a.encoding = a.bit = EXCEPTION_BITMAP;
		a.flags = RFLAGS_CF;
		a.unlinked = true;
		(void)access_field(stage, theatre, &a);
		a.encoding = a.bit = VMCS_NO_FIELD;
		a.flags = ZERO_FLAG;
		a.unlinked = false;
		(void)access_field(stage, theatre, &a);
		tell_error(stage, theatre, &a);
	}
}

static void at_user(struct stage *stage, struct theatre *theatre, enum guest_mode mode)
{
	struct field_access a = { .rule = "vmcs_shadow.errors",
				  .mode = mode,
				  .encoding = EXCEPTION_BITMAP,
				  .bit = EXCEPTION_BITMAP,
				  .ones = true,
				  .end = GUEST_RAISES };

	for (unsigned i = 0; i < 2; i++) {
		a.write = i;
		(void)access_field(stage, theatre, &a);
	}
}

/* ---- tests ---- */

static struct theatre *open(struct stage *stage)
{
	struct theatre *theatre;

	if (!vmx_allows(GROUP_SECONDARY, CONTROL_MASK(SECONDARY_VMCS_SHADOWING))) {
		stage_skip(stage, "needs VMCS shadowing");
		return NULL;
	}
	theatre = solo_open(stage);
	if (theatre)
		open_shadow(stage);
	return theatre;
}

static void close(struct stage *stage, struct theatre *theatre)
{
	ledger_status(&stage->ledger, vmclear(shadow_address(stage)));
	solo_close(stage, theatre);
}

#define MODES (MODES_KERNEL & ~(MODES_COMPAT | 1 << MODE_REAL))
#define MODES_OF_USER (MODES_USER & ~(MODES_COMPAT | 1 << MODE_V86))

void shadowing_checks(struct stage *stage)
{
	struct theatre *theatre = open(stage);

	if (!theatre)
		return;
	each_field(stage, theatre);
	for (unsigned mode = 0; mode < GUEST_MODES; mode++) {
		if (theatre->missing[mode] || !solo_mine(stage, mode))
			continue;
		if (1 << mode & MODES) {
			in_mode(stage, theatre, (enum guest_mode)mode);
			always_exits(stage, theatre, (enum guest_mode)mode);
			errors(stage, theatre, (enum guest_mode)mode);
		} else if (1 << mode & MODES_OF_USER) {
			at_user(stage, theatre, (enum guest_mode)mode);
			exits_by_bit(stage, theatre, (enum guest_mode)mode, EXCEPTION_BITMAP);
		}
	}
	for (uint32_t encoding = 0; encoding < ENCODINGS; encoding += SAMPLE)
		if (solo_mine(stage, encoding))
			exits_by_bit(stage, theatre, MODE_64, encoding);
	close(stage, theatre);
}

void shadowing_positions(struct stage *stage)
{
	struct theatre *theatre = open(stage);

	if (!theatre)
		return;
	for (uint32_t encoding = 0; encoding < ENCODINGS; encoding++)
		if (solo_mine(stage, encoding))
			exits_by_bit(stage, theatre, MODE_64, encoding);
	close(stage, theatre);
}
