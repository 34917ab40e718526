/* What the rows of this folder are written with. */
#ifndef TESTS_VMX_EXIT_ROW_MACROS_H
#define TESTS_VMX_EXIT_ROW_MACROS_H

#include "x86/control.h"

#include "tests/vmx/exit/rows.h"

/* clang-format off */
#define SET(name, v) { AT_##name, GUEST_SET, 0, 0, (uint64_t)(v) }
#define OR(name, v) { AT_##name, GUEST_OR, 0, 0, (uint64_t)(v) }
#define CLR(name, v) { AT_##name, GUEST_CLEAR, 0, 0, (uint64_t)(v) }
#define XOR(name, v) { AT_##name, GUEST_XOR, 0, 0, (uint64_t)(v) }
#define ADD(name, v) { AT_##name, GUEST_ADD, 0, 0, (uint64_t)(v) }
#define FROM(name, field) { AT_##name, GUEST_FIELD, 0, 0, AT_##field }
#define REG_FROM(gpr, field) { AT_GPR + (gpr), GUEST_FIELD, 0, 0, AT_##field }
#define REG_XOR_FIELD(gpr, field) { AT_GPR + (gpr), GUEST_XOR_FIELD, 0, 0, AT_##field }
#define CODE_AT(name, v) { AT_##name, GUEST_CODE_ADDRESS, 0, 0, (uint64_t)(v) }
#define UNJUDGED(name, bits) { AT_##name, GUEST_UNJUDGED, 0, 0, (uint64_t)(bits) }
#define JUDGED(name, bits) { AT_##name, GUEST_JUDGED, 0, 0, (uint64_t)(bits) }
#define REG(gpr, v) { AT_GPR + (gpr), GUEST_SET, 0, 0, (uint64_t)(v) }
#define REG_OR(gpr, v) { AT_GPR + (gpr), GUEST_OR, 0, 0, (uint64_t)(v) }
#define REG_CLR(gpr, v) { AT_GPR + (gpr), GUEST_CLEAR, 0, 0, (uint64_t)(v) }
#define REG_ADD(gpr, v) { AT_GPR + (gpr), GUEST_ADD, 0, 0, (uint64_t)(v) }
#define REG_UNJUDGED(gpr) { AT_GPR + (gpr), GUEST_UNJUDGED, 0, 0, 0 }
#define MSR(msr, v) { AT_MSR, GUEST_SET, 0, msr, (uint64_t)(v) }
#define MEMORY(size, address, v) { AT_MEMORY, GUEST_SET, size, (uint32_t)(address), (uint64_t)(v) }
#define PAGE_AT(name, page) { AT_##name, GUEST_PAGE_ADDRESS, 0, 0, page }
#define INTERRUPT(vector, where) { AT_INTERRUPT, GUEST_SET, 0, vector, where }
#define PIN_ON(name) OR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_##name))
#define PIN_OFF(name) CLR(PIN_BASED_CONTROLS, CONTROL_MASK(PIN_##name))
#define PRIMARY_ON(name) OR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_##name))
#define PRIMARY_OFF(name) CLR(PRIMARY_CONTROLS, CONTROL_MASK(PRIMARY_##name))
#define SECONDARY_ON(name) PRIMARY_ON(SECONDARY), OR(SECONDARY_CONTROLS, CONTROL_MASK(SECONDARY_##name))
#define SECONDARY_OFF(name) CLR(SECONDARY_CONTROLS, CONTROL_MASK(SECONDARY_##name))
#define EXIT_ON(name) OR(EXIT_CONTROLS, CONTROL_MASK(EXIT_##name))
#define EXIT_OFF(name) CLR(EXIT_CONTROLS, CONTROL_MASK(EXIT_##name))
#define ENTRY_ON(name) OR(ENTRY_CONTROLS, CONTROL_MASK(ENTRY_##name))
#define ENTRY_OFF(name) CLR(ENTRY_CONTROLS, CONTROL_MASK(ENTRY_##name))
#define BEFORE(...) .before = (const struct guest_change[]){ __VA_ARGS__, { 0 } }
#define AFTER(...) .after = (const struct guest_change[]){ __VA_ARGS__, { 0 } }
#define QUALIFICATION(v) SET(EXIT_QUALIFICATION, v)
#define ENDS(how) .end = GUEST_##how
#define FAULT(vector) .end = GUEST_RAISES, .number = vector
#define FAULT_CODE(vector, error) .end = GUEST_RAISES, .number = vector, .has_code = true, .code = error
#define EXIT_BY(reason) .end = GUEST_EXITS, .number = REASON_##reason
#define FRAGMENTS(n) .count = n, .each_fragment = true
#define VALUES_OF_REG(gpr, ...) .at = AT_GPR + (gpr), .values = (const uint64_t[]){ __VA_ARGS__ }, \
	.count = sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)
#define VALUES_OF(name, ...) .at = AT_##name, .values = (const uint64_t[]){ __VA_ARGS__ }, \
	.count = sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)
#define RESULTS_OF(name, ...) .result_at = AT_##name, .results = (const uint64_t[]){ __VA_ARGS__ }
/* The fragments of a list over registers: the first 8, or all 16 in 64-bit code. */
#define OVER_REGISTERS(n, name, step) .count = n, .each_fragment = true, .result_at = AT_##name, .each = step
#define RESULTS_OF_REG(gpr, ...) .result_at = AT_GPR + (gpr), .results = (const uint64_t[]){ __VA_ARGS__ }
#define DELIVERED(vector, from) .end = GUEST_DELIVERS, .number = vector, .pushes = PUSHES_##from
#define DELIVERED_CODE(vector, from, error) DELIVERED(vector, from), .has_code = true, .code = error
#define IF(what, text) .needs = what, .needs_text = text
/* clang-format on */

#define KERNEL_64 (1 << MODE_64)
#define NOT_64 (MODES_ALL & ~MODES_64)
/* In 16-bit and 32-bit code alone registers are EAX and so on. */
#define KERNEL_NOT_64 (MODES_KERNEL & ~MODES_64)

#endif
