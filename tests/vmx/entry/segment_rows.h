/* For the rows about segment registers: their sets and fields. */
#ifndef TESTS_VMX_ENTRY_SEGMENT_ROWS_H
#define TESTS_VMX_ENTRY_SEGMENT_ROWS_H

#include "tests/vmx/entry/rows.h"

/* For .over of a row at a field of ES. */
enum {
	ES = 1 << 0,
	CS = 1 << 1,
	SS = 1 << 2,
	DS = 1 << 3,
	FS = 1 << 4,
	GS = 1 << 5,
	LDTR = 1 << 6,
	TR = 1 << 7,
	DATA = ES | DS | FS | GS,
	SIX = DATA | CS | SS,
};

/* clang-format off */
#define SELECTOR_OF(set) .at = AT_GUEST_ES_SELECTOR, .over = (set)
#define BASE_OF(set) .at = AT_GUEST_ES_BASE, .over = (set)
#define LIMIT_OF(set) .at = AT_GUEST_ES_LIMIT, .over = (set)
#define RIGHTS_OF(set) .at = AT_GUEST_ES_RIGHTS, .over = (set)
/* Two values a case. */
#define LIMIT_AND_G_OF(set) LIMIT_OF(set), .at2 = AT_GUEST_ES_RIGHTS, .mask2 = 0x8000
#define SELECTOR_AND_BASE_OF(set) SELECTOR_OF(set), .at2 = AT_GUEST_ES_BASE
#define RPL_AND_DPL_OF(set) SELECTOR_OF(set), .mask = 3, .at2 = AT_GUEST_ES_RIGHTS, .mask2 = 0x60
#define CS_AND_SS_RPL .at = AT_GUEST_CS_SELECTOR, .mask = 3, .at2 = AT_GUEST_SS_SELECTOR, .mask2 = 3
#define CS_AND_SS_DPL .at = AT_GUEST_CS_RIGHTS, .mask = 0x60, .at2 = AT_GUEST_SS_RIGHTS, .mask2 = 0x60

#define UNUSABLE EACH_OR(GUEST_ES_RIGHTS, 0x10000)
#define CS_UNUSABLE OR(GUEST_CS_RIGHTS, 0x10000)
#define SS_UNUSABLE OR(GUEST_SS_RIGHTS, 0x10000)
#define LDTR_USABLE SET(GUEST_LDTR_RIGHTS, 0x82)
#define TYPE_15 EACH_OR(GUEST_ES_RIGHTS, 0xF)
/* Two changes. */
#define UNRESTRICTED PRIMARY_ON(SECONDARY), \
	OR(SECONDARY_CONTROLS, CONTROL_MASK(SECONDARY_EPT) | CONTROL_MASK(SECONDARY_UNRESTRICTED_GUEST))
/* A selector in SS, with all levels of CS and SS as its RPL; four changes. */
#define SS_AT(selector) SET(GUEST_CS_SELECTOR, 8 | ((selector) & 3)), OR(GUEST_CS_RIGHTS, ((selector) & 3) << 5), \
	SET(GUEST_SS_SELECTOR, selector), OR(GUEST_SS_RIGHTS, ((selector) & 3) << 5)
/* A null selector in SS of 64-bit mode makes no exception. */
#define EACH_SS(rule, outcome, kind, ...) \
	{ rule, BASE_64, outcome, kind, WITH(SS_AT(0)), __VA_ARGS__ }, \
	{ rule, BASE_64, outcome, kind, WITH(SS_AT(3)), __VA_ARGS__ }, \
	{ rule, BASE_64, outcome, kind, WITH(SS_AT(0x10)), __VA_ARGS__ }, \
	{ rule, BASE_64, outcome, kind, WITH(SS_AT(0x13)), __VA_ARGS__ }
/* All that the segments depend on: "IA-32e mode guest" and "unrestricted guest". */
#define EACH_MODE(rule, outcome, kind, ...) \
	{ rule, BASE_64, outcome, kind, __VA_ARGS__ }, \
	{ rule, BASE_COMPAT, outcome, kind, __VA_ARGS__ }, \
	{ rule, BASE_32, outcome, kind, __VA_ARGS__ }, \
	{ rule, BASE_REAL, outcome, kind, __VA_ARGS__ }
#define EACH_MODE_AND_V86(rule, outcome, kind, ...) \
	EACH_MODE(rule, outcome, kind, __VA_ARGS__), \
	{ rule, BASE_V86, outcome, kind, __VA_ARGS__ }
/* clang-format on */

#endif
