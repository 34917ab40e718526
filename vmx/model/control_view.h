/* For controls.rules: what its rules ask beyond view.h, and how they repair it. */
#ifndef VMX_MODEL_CONTROL_VIEW_H
#define VMX_MODEL_CONTROL_VIEW_H

#include "vmx/model/view.h"

static inline bool may_be_1(const struct view *v, enum control_group group, uint32_t control)
{
	return v->m->controls[group] >> 32 & control;
}

/* Bits of a group to which the SDM of December 2023 gives no meaning; those that "default to 1"
 * have none either, but are old. */
static ALWAYS_INLINE uint64_t newer_bits(enum control_group group)
{
	const uint64_t defaults[GROUP_COUNT] = { [GROUP_PIN] = 0x16,
						 [GROUP_PRIMARY] = 0x0401E172,
						 [GROUP_EXIT] = 0x00036DFF,
						 [GROUP_ENTRY] = 0x000011FF };
	uint64_t known = defaults[group];

#define CONTROL(group_, name, bit, text) known |= group == GROUP_##group_ ? BIT(bit) : 0;
#include "vmx/controls.def"
#undef CONTROL
	return ~known;
}

static inline uint64_t newer(const struct view *v, enum control_group group, uint64_t value)
{
	return value & newer_bits(group) & v->m->controls[group] >> 32;
}

/* A control of a later edition, which the machine has: its checks are not known here. */
static inline bool has_newer(const struct view *v)
{
	/* Nearly always there is none, reserved ones among them. */
	if (!((v->pin & newer_bits(GROUP_PIN)) | (v->primary & newer_bits(GROUP_PRIMARY)) |
	      (v->secondary & newer_bits(GROUP_SECONDARY)) |
	      (v->tertiary & newer_bits(GROUP_TERTIARY)) | (v->exit & newer_bits(GROUP_EXIT)) |
	      (v->exit2 & newer_bits(GROUP_EXIT2)) | (v->entry & newer_bits(GROUP_ENTRY))))
		return false;
	return newer(v, GROUP_PIN, v->pin) || newer(v, GROUP_PRIMARY, v->primary) ||
	       newer(v, GROUP_SECONDARY, v->secondary) || newer(v, GROUP_EXIT, v->exit) ||
	       newer(v, GROUP_ENTRY, v->entry) ||
	       v->tertiary & newer_bits(GROUP_TERTIARY) & v->m->tertiary ||
	       v->exit2 & newer_bits(GROUP_EXIT2) & v->m->exit2;
}

static inline void drop_newer(const struct view *v)
{
	V(PIN_BASED_CONTROLS) &= ~newer_bits(GROUP_PIN);
	V(PRIMARY_CONTROLS) &= ~newer_bits(GROUP_PRIMARY);
	V(SECONDARY_CONTROLS) &= ~newer_bits(GROUP_SECONDARY);
	V(TERTIARY_CONTROLS) &= ~newer_bits(GROUP_TERTIARY);
	V(EXIT_CONTROLS) &= ~newer_bits(GROUP_EXIT);
	V(SECONDARY_EXIT_CONTROLS) &= ~newer_bits(GROUP_EXIT2);
	V(ENTRY_CONTROLS) &= ~newer_bits(GROUP_ENTRY);
}

/* --- addresses ------------------------------------------------------------------------------- */

static inline uint64_t cr3_targets(const struct view *v)
{
	return v->m->misc >> 16 & 0x1FF;
}

/* An address with these low bits clear, within the width. */
static inline bool is_aligned(const struct view *v, uint64_t address, uint64_t low)
{
	return !(address & (low | beyond_physical(v)));
}

/* EPTP switching. */
static inline bool switches_eptp(const struct view *v)
{
	return SECONDARY(VM_FUNCTIONS) && V(VM_FUNCTION_CONTROLS) & 1;
}

/* The table of posted-interrupt descriptors: its first and its last entry. */
static inline bool is_pid_table(const struct view *v)
{
	uint64_t first = V(PID_POINTER_TABLE), last = first + 8 * V(LAST_PID_POINTER_INDEX);

	return is_aligned(v, first | last, 7);
}

static inline void mend_pid_table(const struct view *v)
{
	V(PID_POINTER_TABLE) &= ~(7 | beyond_physical(v));
	if (!is_pid_table(v))
		V(LAST_PID_POINTER_INDEX) = 0;
}

/* An MSR area: 16 bytes an entry; the last byte counts, too. The sum has more bits than a physical
 * address. */
enum { WRAPS = 1 << 28 }; /* entries: their bytes have more than 32 bits */
static inline bool is_area(const struct view *v, uint64_t address, uint64_t count)
{
	return is_aligned(v, address, 15) && !((address + count * 16 - 1) & beyond_physical(v));
}

static inline void mend_area(const struct view *v, uint64_t *address, uint64_t *count)
{
	*address &= ~(15 | beyond_physical(v));
	if (!is_area(v, *address, *count))
		*count = 1;
}

/* More entries than IA32_VMX_MISC recommends: undefined, if the addresses are good. Of the area
 * that an entry loads see msr.rules. */
static inline bool is_long(const struct view *v, uint64_t address, uint64_t count)
{
	return count > 512 * ((v->m->misc >> 25 & 7) + 1) && is_area(v, address, count);
}

static inline bool has_long_area(const struct view *v)
{
	return is_long(v, V(EXIT_MSR_STORE_ADDRESS), V(EXIT_MSR_STORE_COUNT)) ||
	       is_long(v, V(EXIT_MSR_LOAD_ADDRESS), V(EXIT_MSR_LOAD_COUNT));
}

static inline void shorten_areas(const struct view *v)
{
	V(EXIT_MSR_STORE_COUNT) &= 0xFF;
	V(EXIT_MSR_LOAD_COUNT) &= 0xFF;
}

/* Types 0 and 6 are bits 8 and 14 of IA32_VMX_EPT_VPID_CAP. */
static inline bool has_ept_type(const struct view *v)
{
	unsigned type = V(EPT_POINTER) & 7;

	return (type == 0 || type == 6) && v->m->ept_vpid & BIT(8 + type);
}

static inline uint64_t some_ept_type(const struct view *v)
{
	return v->m->ept_vpid & BIT(14) ? 6 : 0;
}

/* Walks of 4 and 5 levels, written as 3 and 4, are bits 6 and 7. */
static inline bool has_ept_walk(const struct view *v)
{
	unsigned walk = V(EPT_POINTER) >> 3 & 7;

	return (walk == 3 || walk == 4) && v->m->ept_vpid & BIT(3 + walk);
}

/* --- event injection ------------------------------------------------------------------------- */

enum event_type {
	EVENT_EXTERNAL,
	EVENT_RESERVED,
	EVENT_NMI,
	EVENT_HARD,	  /* hardware exception */
	EVENT_SOFT,	  /* software interrupt */
	EVENT_PRIVILEGED, /* privileged software exception */
	EVENT_SOFT_EXCEPTION,
	EVENT_OTHER
};

enum {
	DELIVERS_CODE = 1 << 11,
	NESTED = 1 << 13,
	VECTORS_WITH_CODE = 0x27D00, /* 8, 10-14, 17 */
	VECTOR_CP = 1 << 21,	     /* has a code, and is not in the manual's list of those */
};

static inline bool injects_software(const struct view *v)
{
	unsigned type = v->inject >> 8 & 7;

	return v->inject && type >= EVENT_SOFT && type <= EVENT_SOFT_EXCEPTION;
}

static inline unsigned injected_vector(const struct view *v)
{
	return v->inject & 0xFF;
}

static inline bool vector_among(const struct view *v, uint32_t vectors)
{
	return injected_vector(v) < 32 && vectors >> injected_vector(v) & 1;
}

static inline bool vector_not_among(const struct view *v, uint32_t vectors)
{
	return injected_vector(v) < 32 && !(vectors >> injected_vector(v) & 1);
}

/* IA32_VMX_BASIC: an error code need not go with the vector. */
static inline bool codes_are_free(const struct view *v)
{
	return v->m->basic & BIT(56);
}

static inline bool has_mtf(const struct view *v)
{
	return may_be_1(v, GROUP_PRIMARY, CONTROL_MASK(PRIMARY_MONITOR_TRAP));
}

static inline bool has_fred(const struct view *v)
{
	return may_be_1(v, GROUP_ENTRY, CONTROL_MASK(ENTRY_LOAD_FRED)) || v->m->basic & BIT(58);
}

/* Events that came with FRED: SYSCALL and SYSENTER, nested exceptions. */
static inline bool injects_by_fred(const struct view *v)
{
	if (injects_type(v, EVENT_OTHER))
		return has_fred(v) &&
		       (injected_vector(v) == 1 || injected_vector(v) == 2 || !has_mtf(v));
	return injects_type(v, EVENT_HARD) && v->inject & NESTED && has_fred(v);
}

static inline uint64_t reserved_of_event(const struct view *v)
{
	return injects_type(v, EVENT_HARD) && has_fred(v) ? 0x7FFFD000 : 0x7FFFF000;
}

#endif
