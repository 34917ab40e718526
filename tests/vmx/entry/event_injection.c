/* SDM vol. 3C, "VM-Entry Control Fields" under "Checks on VMX Controls": event injection. With
 * GUEST_RFLAGS 0 nothing is injected, if it is accepted. */
#include "tests/vmx/entry/rows.h"

enum { EXTERNAL, TYPE_1, NMI, HARD, SOFT, PRIVILEGED, EXCEPTION, OTHER };

#define EVENT(type, vector) (0x80000000 | (type) << 8 | (vector))
#define CODE 0x800 /* deliver an error code */
#define INFO .at = AT_ENTRY_INTERRUPTION_INFO
#define LENGTH_1 SET(ENTRY_INSTRUCTION_LENGTH, 1)
#define INJECT(event) SET(ENTRY_INTERRUPTION_INFO, event)
#define UNRESTRICTED SECONDARIES_ON(SECONDARY_BIT(EPT) | SECONDARY_BIT(UNRESTRICTED_GUEST))

static bool may_trap(const struct model_machine *machine)
{
	return machine->controls[GROUP_PRIMARY] >> 32 & CONTROL_MASK(PRIMARY_MONITOR_TRAP);
}

static bool knows_fred(const struct model_machine *machine)
{
	return machine->controls[GROUP_ENTRY] >> 32 & CONTROL_MASK(ENTRY_LOAD_FRED) ||
	       machine->basic & BIT(58);
}

static bool knows_no_fred(const struct model_machine *machine)
{
	return !knows_fred(machine);
}

static bool has_only_mtf(const struct model_machine *machine)
{
	return may_trap(machine) && !knows_fred(machine);
}

static bool has_both(const struct model_machine *machine)
{
	return may_trap(machine) && knows_fred(machine);
}

static bool has_neither(const struct model_machine *machine)
{
	return !may_trap(machine) && !knows_fred(machine);
}

static bool binds_codes(const struct model_machine *machine)
{
	return !(machine->basic & BIT(56));
}

static bool frees_codes(const struct model_machine *machine)
{
	return machine->basic & BIT(56);
}

static bool takes_length_0(const struct model_machine *machine)
{
	return machine->misc & BIT(30);
}

static bool refuses_length_0(const struct model_machine *machine)
{
	return !(machine->misc & BIT(30));
}

#define IF(condition, text) .needs.vmx = condition, .needs_text = text
#define MTF IF(may_trap, "monitor trap flag")
#define NO_FRED IF(knows_no_fred, "no FRED")
#define FRED IF(knows_fred, "FRED")
#define BOUND IF(binds_codes, "error codes that are bound to vectors")
#define FREE IF(frees_codes, "error codes with any vector")

/* clang-format off */
static const struct entry_row rows[] = {
	{ "ctl.inject.type", BASE_CONTROLS, FAILS_7, VALUES, WITH(LENGTH_1), INFO,
	  LIST(EVENT(TYPE_1, 0), EVENT(TYPE_1, 2), EVENT(TYPE_1, 0x20), EVENT(TYPE_1, 0xFF)) },
	{ "ctl.inject.type", BASE_CONTROLS, PASSES, VALUES, WITH(LENGTH_1), INFO,
	  LIST(EVENT(EXTERNAL, 0x20), EVENT(NMI, 2), EVENT(HARD, 6), EVENT(SOFT, 0x80), EVENT(PRIVILEGED, 1),
	       EVENT(EXCEPTION, 3), EVENT(EXCEPTION, 4)) },
	{ "ctl.inject.type", BASE_CONTROLS, PASSES, ONE, WITH(INJECT(EVENT(OTHER, 0))), MTF },
	/* This stops Bochs 2.7. */
	{ "ctl.inject.type", BASE_CONTROLS, FAILS_7, ONE, .by_name = true, WITH(INJECT(EVENT(OTHER, 0))),
	  IF(has_neither, "neither monitor trap flag nor FRED") },
	{ "ctl.inject.nmi", BASE_CONTROLS, FAILS_7, RANGES, WITH(INJECT(EVENT(NMI, 0))), INFO, .mask = 0xFF, LIST(0, 1, 3, 255) },
	{ "ctl.inject.nmi", BASE_CONTROLS, PASSES, ONE, WITH(INJECT(EVENT(NMI, 2))) },
	{ "ctl.inject.nmi", BASE_CONTROLS, PASSES, RANGES, WITH(INJECT(EVENT(EXTERNAL, 0))), INFO, .mask = 0xFF, LIST(0, 255) },
	{ "ctl.inject.hard", BASE_CONTROLS, FAILS_7, RANGES, WITH(INJECT(EVENT(HARD, 0))), INFO, .mask = 0xFF, LIST(32, 255) },
	{ "ctl.inject.hard", BASE_CONTROLS, FAILS_7, RANGES, WITH(INJECT(EVENT(HARD, CODE))), INFO, .mask = 0xFF, LIST(32, 49) },
	{ "ctl.inject.hard", BASE_CONTROLS, PASSES, ONE, WITH(INJECT(EVENT(HARD, 31))) },
	{ "ctl.inject.hard", BASE_CONTROLS, PASSES, RANGES, WITH(INJECT(EVENT(SOFT, 0)), LENGTH_1), INFO, .mask = 0xFF,
	  LIST(0, 255) },
	{ "ctl.inject.other", BASE_CONTROLS, FAILS_7, RANGES, WITH(INJECT(EVENT(OTHER, 0))), INFO, .mask = 0xFF, LIST(1, 255),
	  IF(has_only_mtf, "monitor trap flag and no FRED") },
	{ "ctl.inject.other", BASE_CONTROLS, PASSES, ONE, WITH(INJECT(EVENT(OTHER, 0))), MTF },
	{ "ctl.inject.other", BASE_CONTROLS, FAILS_7, RANGES, WITH(INJECT(EVENT(OTHER, 0))), INFO, .mask = 0xFF, LIST(3, 255),
	  IF(has_both, "monitor trap flag and FRED") },

	{ "ctl.inject.code.type", BASE_CONTROLS, FAILS_7, VALUES, WITH(LENGTH_1), INFO,
	  LIST(EVENT(EXTERNAL, 0x20 | CODE), EVENT(EXTERNAL, 13 | CODE), EVENT(TYPE_1, 13 | CODE), EVENT(NMI, 2 | CODE),
	       EVENT(SOFT, 0x80 | CODE), EVENT(SOFT, 13 | CODE), EVENT(PRIVILEGED, 1 | CODE), EVENT(PRIVILEGED, 13 | CODE),
	       EVENT(EXCEPTION, 3 | CODE), EVENT(EXCEPTION, 13 | CODE)) },
	{ "ctl.inject.code.type", BASE_CONTROLS, FAILS_7, ONE, WITH(INJECT(EVENT(OTHER, CODE))), MTF },
	{ "ctl.inject.code.type", BASE_CONTROLS, PASSES, ONE, WITH(INJECT(EVENT(HARD, 13 | CODE))) },
	{ "ctl.inject.code.type", BASE_CONTROLS, PASSES, VALUES, WITH(LENGTH_1), INFO,
	  LIST(EVENT(EXTERNAL, 13), EVENT(SOFT, 13), EVENT(PRIVILEGED, 13), EVENT(EXCEPTION, 13)) },
	{ "ctl.inject.code.real", BASE_CONTROLS, FAILS_7, RANGES,
	  WITH(UNRESTRICTED, CLR(GUEST_CR0, 1), INJECT(EVENT(HARD, CODE))), INFO, .mask = 0xFF, LIST(0, 20, 22, 31) },
	{ "ctl.inject.code.real", BASE_CONTROLS, PASSES, RANGES,
	  WITH(UNRESTRICTED, CLR(GUEST_CR0, 1), INJECT(EVENT(HARD, 0))), INFO, .mask = 0xFF, LIST(0, 20, 22, 31) },
	{ "ctl.inject.code.real", BASE_CONTROLS, PASSES, VALUES, WITH(UNRESTRICTED, INJECT(EVENT(HARD, CODE))),
	  INFO, .mask = 0xFF, LIST(8, 10, 11, 12, 13, 14, 17) },
	{ "ctl.inject.code.restricted", BASE_CONTROLS, REPORTED, VALUES,
	  WITH(SECONDARY_OFF(UNRESTRICTED_GUEST), CLR(GUEST_CR0, 1)), INFO,
	  LIST(EVENT(HARD, 13), EVENT(HARD, 13 | CODE), EVENT(HARD, 6 | CODE)) },
	{ "ctl.inject.code.restricted", BASE_CONTROLS, PASSES, ONE,
	  WITH(SECONDARY_OFF(UNRESTRICTED_GUEST), CLR(GUEST_CR0, 1), INJECT(EVENT(HARD, 6))) },
	{ "ctl.inject.code.none", BASE_CONTROLS, FAILS_7, RANGES, WITH(INJECT(EVENT(HARD, CODE))), INFO, .mask = 0xFF,
	  LIST(0, 7, 9, 9, 15, 16, 18, 20, 22, 31), BOUND },
	{ "ctl.inject.code.none", BASE_CONTROLS, PASSES, RANGES, WITH(INJECT(EVENT(HARD, 0))), INFO, .mask = 0xFF,
	  LIST(0, 7, 9, 9, 15, 16, 18, 20, 22, 31) },
	{ "ctl.inject.code.none", BASE_CONTROLS, PASSES, RANGES, WITH(INJECT(EVENT(HARD, CODE))), INFO, .mask = 0xFF,
	  LIST(0, 31), FREE },
	{ "ctl.inject.code.missing", BASE_CONTROLS, FAILS_7, VALUES, WITH(INJECT(EVENT(HARD, 0))), INFO, .mask = 0xFF,
	  LIST(8, 10, 11, 12, 13, 14, 17), BOUND },
	{ "ctl.inject.code.missing", BASE_CONTROLS, PASSES, VALUES, WITH(INJECT(EVENT(HARD, CODE))), INFO, .mask = 0xFF,
	  LIST(8, 10, 11, 12, 13, 14, 17) },
	{ "ctl.inject.code.missing", BASE_CONTROLS, PASSES, RANGES, WITH(INJECT(EVENT(HARD, 0))), INFO, .mask = 0xFF,
	  LIST(0, 31), FREE },
	{ "ctl.inject.code.cp", BASE_CONTROLS, REPORTED, VALUES, INFO, LIST(EVENT(HARD, 21), EVENT(HARD, 21 | CODE)), BOUND },

	/* Bit 13 is for nested exceptions, with FRED. */
	{ "ctl.inject.reserved", BASE_CONTROLS, FAILS_7, WALK, WITH(INJECT(EVENT(EXTERNAL, 0x20))), INFO, .mask = 0x7FFFF000 },
	{ "ctl.inject.reserved", BASE_CONTROLS, FAILS_7, WALK, WITH(INJECT(EVENT(NMI, 2))), INFO, .mask = 0x7FFFF000 },
	{ "ctl.inject.reserved", BASE_CONTROLS, FAILS_7, WALK, WITH(INJECT(EVENT(SOFT, 0x80)), LENGTH_1), INFO, .mask = 0x7FFFF000 },
	{ "ctl.inject.reserved", BASE_CONTROLS, FAILS_7, WALK, WITH(INJECT(EVENT(HARD, 6))), INFO, .mask = 0x7FFFD000 },
	{ "ctl.inject.reserved", BASE_CONTROLS, FAILS_7, WALK, WITH(INJECT(EVENT(HARD, 6))), INFO, .mask = 0x2000, NO_FRED },
	{ "ctl.inject.fred", BASE_CONTROLS, REPORTED, WALK, WITH(INJECT(EVENT(HARD, 6))), INFO, .mask = 0x2000, FRED },
	{ "ctl.inject.fred", BASE_CONTROLS, REPORTED, VALUES, WITH(LENGTH_1), INFO, LIST(EVENT(OTHER, 1), EVENT(OTHER, 2)), FRED },
	/* ctl.inject.invalid: bit 31 is 0 */
	{ "ctl.inject.reserved", BASE_CONTROLS, PASSES, WALK,
	  WITH(SET(ENTRY_EXCEPTION_ERROR_CODE, 0xFFFFFFFF), SET(ENTRY_INSTRUCTION_LENGTH, 0xFFFFFFFF)), INFO, .mask = 0x7FFFFFFF },
	{ "ctl.inject.reserved", BASE_CONTROLS, PASSES, VALUES,
	  WITH(SET(ENTRY_EXCEPTION_ERROR_CODE, 0xFFFFFFFF), SET(ENTRY_INSTRUCTION_LENGTH, 0xFFFFFFFF)), INFO, LIST(0x7FFFFFFF) },

	{ "ctl.inject.code.high", BASE_CONTROLS, FAILS_7, WALK, WITH(INJECT(EVENT(HARD, 13 | CODE))),
	  .at = AT_ENTRY_EXCEPTION_ERROR_CODE, .mask = 0xFFFF0000 },
	{ "ctl.inject.code.high", BASE_CONTROLS, FAILS_7, VALUES, WITH(INJECT(EVENT(HARD, 13 | CODE))),
	  .at = AT_ENTRY_EXCEPTION_ERROR_CODE, LIST(0x10001, 0xFFFF0000) },
	{ "ctl.inject.code.high", BASE_CONTROLS, PASSES, WALK, WITH(INJECT(EVENT(HARD, 13 | CODE))),
	  .at = AT_ENTRY_EXCEPTION_ERROR_CODE, .mask = 0x7FFF },
	{ "ctl.inject.code.high", BASE_CONTROLS, PASSES, VALUES, WITH(INJECT(EVENT(HARD, 13 | CODE))),
	  .at = AT_ENTRY_EXCEPTION_ERROR_CODE, LIST(0x7FFF) },
	{ "ctl.inject.code.high", BASE_CONTROLS, PASSES, WALK, WITH(INJECT(EVENT(HARD, 6))),
	  .at = AT_ENTRY_EXCEPTION_ERROR_CODE, .mask = 0xFFFFFFFF },
	{ "ctl.inject.code.high", BASE_CONTROLS, PASSES, WALK, WITH(INJECT(EVENT(EXTERNAL, 0x20))),
	  .at = AT_ENTRY_EXCEPTION_ERROR_CODE, .mask = 0xFFFFFFFF },
	{ "ctl.inject.code.bit15", BASE_CONTROLS, REPORTED, WALK, WITH(INJECT(EVENT(HARD, 13 | CODE))),
	  .at = AT_ENTRY_EXCEPTION_ERROR_CODE, .mask = 0x8000 },

	{ "ctl.inject.length", BASE_CONTROLS, FAILS_7, VALUES, WITH(INJECT(EVENT(SOFT, 0x80))),
	  .at = AT_ENTRY_INSTRUCTION_LENGTH, LIST(16, 17, 31, 32, 0x100, 0x10001, 0x80000001, 0xFFFFFFFF) },
	{ "ctl.inject.length", BASE_CONTROLS, FAILS_7, VALUES, WITH(INJECT(EVENT(PRIVILEGED, 1))),
	  .at = AT_ENTRY_INSTRUCTION_LENGTH, LIST(16, 17, 31, 32, 0x100, 0x10001, 0x80000001, 0xFFFFFFFF) },
	{ "ctl.inject.length", BASE_CONTROLS, FAILS_7, VALUES, WITH(INJECT(EVENT(EXCEPTION, 3))),
	  .at = AT_ENTRY_INSTRUCTION_LENGTH, LIST(16, 17, 31, 32, 0x100, 0x10001, 0x80000001, 0xFFFFFFFF) },
	{ "ctl.inject.length", BASE_CONTROLS, PASSES, RANGES, WITH(INJECT(EVENT(SOFT, 0x80))),
	  .at = AT_ENTRY_INSTRUCTION_LENGTH, LIST(1, 15) },
	{ "ctl.inject.length", BASE_CONTROLS, PASSES, RANGES, WITH(INJECT(EVENT(PRIVILEGED, 1))),
	  .at = AT_ENTRY_INSTRUCTION_LENGTH, LIST(1, 15) },
	{ "ctl.inject.length", BASE_CONTROLS, PASSES, RANGES, WITH(INJECT(EVENT(EXCEPTION, 3))),
	  .at = AT_ENTRY_INSTRUCTION_LENGTH, LIST(1, 15) },
	{ "ctl.inject.length", BASE_CONTROLS, PASSES, VALUES, WITH(INJECT(EVENT(EXTERNAL, 0x20))),
	  .at = AT_ENTRY_INSTRUCTION_LENGTH, LIST(0, 16, 0xFFFFFFFF) },
	{ "ctl.inject.length", BASE_CONTROLS, PASSES, VALUES, WITH(INJECT(EVENT(NMI, 2))),
	  .at = AT_ENTRY_INSTRUCTION_LENGTH, LIST(0, 16, 0xFFFFFFFF) },
	{ "ctl.inject.length", BASE_CONTROLS, PASSES, VALUES, WITH(INJECT(EVENT(HARD, 6))),
	  .at = AT_ENTRY_INSTRUCTION_LENGTH, LIST(0, 16, 0xFFFFFFFF) },
	{ "ctl.inject.length0", BASE_CONTROLS, FAILS_7, VALUES, INFO,
	  LIST(EVENT(SOFT, 0x80), EVENT(PRIVILEGED, 1), EVENT(EXCEPTION, 3)), IF(refuses_length_0, "no injection with length 0") },
	{ "ctl.inject.length0", BASE_CONTROLS, PASSES, VALUES, INFO,
	  LIST(EVENT(SOFT, 0x80), EVENT(PRIVILEGED, 1), EVENT(EXCEPTION, 3)), IF(takes_length_0, "injection with length 0") },
};
/* clang-format on */

const struct entry_section entry_event_injection = { rows, ARRAY_SIZE(rows) };
